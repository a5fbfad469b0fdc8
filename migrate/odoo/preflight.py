"""What must be right in Odoo before anything is written; every finding with its remedy. And what is ours to create.

preflight(odoo, target, needs) -> tuple[Finding, ...]
prepare()       -> tuple[Desired, ...]       the shadow journal, applied like any other record
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from mappings.money import exponent
from mappings.target import Desired, Phase, Source, Target
from migrate.errors import OdooError
from migrate.odoo.door import Door
from migrate.odoo.enterprise import EXPECTED, unlike
from migrate.odoo.errors import AnswerUnreadable, OdooUnreachable, OutcomeUnknown
from migrate.odoo.external_ids import records_named
from migrate.odoo.findings import CheckFinding
from migrate.odoo.mapped import check_mapped
from migrate.odoo.needs import Needs
from migrate.odoo.remove import NEVER_DELETED
from migrate.odoo.schedulers import look_at_schedulers
from migrate.odoo.withheld import may

SHADOW_JOURNAL = "SHDW"  # the code of the journal for shadow invoices, which ``prepare`` makes


def preflight(odoo: Door, target: Target, needs: Needs) -> tuple[CheckFinding, ...]:
    """Ask the server; nothing is changed. Findings of level error come first."""
    return _all_of(CHECKS, odoo, target, needs)


def look_at_mapping(odoo: Door, target: Target, needs: Needs) -> tuple[CheckFinding, ...]:
    """Only what concerns the mapping: whether the records that the tables name are there, and fit what Lago bills."""
    return _all_of(OF_MAPPING, odoo, target, needs)


def _all_of(checks: Sequence[Check], odoo: Door, target: Target, needs: Needs) -> tuple[CheckFinding, ...]:
    findings = [finding for check in checks for finding in _asked(check, odoo, target, needs)]
    order = {"error": 0, "warning": 1, "ok": 2}
    return tuple(sorted(findings, key=lambda f: order[f.level]))


def prepare() -> tuple[Desired, ...]:
    """The shadow journal: its drafts are never named or posted, so that the real numbering stays untouched."""
    return (
        Desired(
            phase=Phase.CATALOG,
            model="account.journal",
            xid="lago.journal_shadow",
            source=Source("journal", "shadow"),
            values={
                "name": "Shadow invoices (lago2odoo)",
                "code": SHADOW_JOURNAL,
                "type": "sale",
                "refund_sequence": True,
                "show_on_dashboard": False,
            },
        ),
    )


Check = Callable[[Door, Target, Needs], Iterable[CheckFinding]]


def _asked(check: Check, odoo: Door, target: Target, needs: Needs) -> Iterable[CheckFinding]:
    try:
        return list(check(odoo, target, needs))
    except (OdooUnreachable, OutcomeUnknown):
        raise
    except AnswerUnreadable as error:
        return [
            CheckFinding("error", f"could not be checked: {error}", "look at it there", unasked=check in OF_MAPPING)
        ]
    except OdooError as error:
        remedy = "give the user the right to read it, or look yourself"
        return [CheckFinding("warning", f"could not be checked: {error}", remedy, unasked=check in OF_MAPPING)]


def _version(odoo: Door, target: Target, needs: Needs) -> Iterator[CheckFinding]:
    version = odoo.server_version
    major = version.split(".")[0].removeprefix("saas~")
    if major == "19":
        yield CheckFinding("ok", f"Odoo {version}, subscriptions: {target.subscriptions}")
    else:
        yield CheckFinding("warning", f"Odoo {version} is not 19", "this version of lago2odoo is tried on Odoo 19 only")


def _company(odoo: Door, target: Target, needs: Needs) -> Iterator[CheckFinding]:
    names = ["name", "country_code", "chart_template", "state_id", "tax_calculation_rounding_method"]
    known = odoo.fields_get("res.company", names)
    company = odoo.read_one("res.company", target.company_id, [name for name in names if name in known])
    country, chart = company.get("country_code"), company.get("chart_template")
    if not country:
        yield CheckFinding(
            "error", f"company {company['name']} has no country", "set it, before a chart of accounts is installed"
        )
    elif needs.country and country != needs.country.upper():
        yield CheckFinding(
            "warning",
            f"company {company['name']} is in {country}, the seller in Lago in {needs.country.upper()}",
            "check that this is the company the customers buy from",
        )
    if not chart:
        yield CheckFinding(
            "error", f"company {company['name']} has no chart of accounts", "install its country's localisation"
        )
    elif chart == "generic_coa":
        yield CheckFinding(
            "warning",
            f"company {company['name']} has the generic chart of accounts, without its country's taxes",
            "set country and province before Invoicing is installed, or load the country's chart",
        )
    else:
        yield CheckFinding("ok", f"company {company['name']} ({country}), chart {chart}")
    if company.get("tax_calculation_rounding_method") == "round_per_line":
        yield CheckFinding(
            "warning",
            f"company {company['name']} rounds the tax of each line, Lago that of each invoice",
            "Settings, Invoicing: set the rounding method to 'Round Globally', or expect differences of a cent",
        )


def _currencies(odoo: Door, target: Target, needs: Needs) -> Iterator[CheckFinding]:
    lacking = needs.currencies - (target.all_currencies or needs.currencies)
    for code in sorted(lacking):
        what = f"currency {code} is not in Odoo: what is in it is left out (currency_unknown)"
        yield CheckFinding("warning", what, f"correct it in Lago, or import it into Odoo with the id base.{code}")
    for code in sorted(needs.currencies - lacking - target.currencies):
        yield CheckFinding("warning", f"currency {code} is not active", "apply activates it in the phase catalog")
    domain = [["name", "in", sorted(needs.currencies - lacking)]]
    rows = odoo.search_read("res.currency", domain, ["name", "rounding"], order="name")
    for row in rows:
        yield from _digits(row["name"], Decimal(str(row["rounding"])))


def _digits(code: str, theirs: Decimal) -> Iterator[CheckFinding]:
    """Inactive ones too: apply activates them. Where Odoo counts finer, every amount of Lago's can be written."""
    ours = Decimal(1).scaleb(-exponent(code))
    if theirs <= 0 or ours % theirs:
        yield CheckFinding(
            "error",
            f"currency {code} rounds to {theirs} in Odoo and to {ours} in Lago",
            f"set its Rounding Factor to {ours}, or waive it: every amount of this currency may then differ",
            "currency_rounding",
        )
    elif theirs != ours:
        told = f"currency {code} rounds to {theirs} in Odoo and to {ours} in Lago: taxes may differ by less than {ours}"
        yield CheckFinding("warning", told, f"set its Rounding Factor to {ours} before anything is billed in it")


def _precision(odoo: Door, target: Target, needs: Needs) -> Iterator[CheckFinding]:
    if target.quantity_digits < needs.quantity_digits:
        yield CheckFinding(
            "error",
            f"quantities keep {target.quantity_digits} decimals, the data has {needs.quantity_digits}: Odoo cuts them",
            f"Settings, Technical, Decimal Accuracy: set 'Product Unit' to {max(6, needs.quantity_digits)}",
        )
    else:
        yield CheckFinding("ok", f"quantities keep {target.quantity_digits} decimals")


def _references(odoo: Door, target: Target, needs: Needs) -> Iterator[CheckFinding]:
    """Taxes, accounts and the like that the tables name."""
    present = records_named(odoo, needs.xids)
    missing = sorted(needs.xids - present.keys())
    asleep = sorted(_archived(odoo, present))
    places = {entry.xid: f"{entry.place}: " for entry in needs.mapped}
    for xid in missing:
        what = f"{places.get(xid, '')}{xid} is not in Odoo"
        yield CheckFinding("error", what, "install what provides it, or name another one in the tables")
    for xid in asleep:
        what = f"{places.get(xid, '')}{xid} is archived in Odoo"
        yield CheckFinding("error", what, "reactivate it, or name another one in the tables")
    if needs.xids and not missing and not asleep:
        yield CheckFinding("ok", f"{len(needs.xids)} references to Odoo's own records are there")


def _archived(odoo: Door, present: Mapping[str, tuple[str, int]]) -> Iterator[str]:
    """Those that are switched off. Currencies are not among them: apply switches them on."""
    for model in ("account.tax", "account.account", "account.journal", "account.payment.term"):
        ids = {res_id: xid for xid, (name, res_id) in present.items() if name == model}
        if ids:
            domain = [["id", "in", sorted(ids)], ["active", "=", False]]
            yield from (ids[res_id] for res_id in odoo.search(model, domain))


def _provinces(odoo: Door, target: Target, needs: Needs) -> Iterator[CheckFinding]:
    if needs.stateless:
        names = ", ".join(needs.stateless[:5]) + (" ..." if len(needs.stateless) > 5 else "")
        yield CheckFinding(
            "warning",
            f"{len(needs.stateless)} customers have no province or state: {names}",
            "Odoo then takes them for foreign, without tax; add it in Lago, then extract again",
        )


def _languages(odoo: Door, target: Target, needs: Needs) -> Iterator[CheckFinding]:
    for code in sorted(needs.languages):
        if not any(lang.split("_")[0] == code.replace("-", "_").split("_")[0] for lang in target.languages):
            yield CheckFinding(
                "warning",
                f"language {code} is not installed",
                "Settings, Languages: add it, or its customers get English",
            )


def _mapped(odoo: Door, target: Target, needs: Needs) -> Iterator[CheckFinding]:
    yield from check_mapped(odoo, needs.mapped)


def _sales_journal(odoo: Door, target: Target, needs: Needs) -> Iterator[CheckFinding]:
    """Ours do not count: Odoo's invoices go to a journal of its own."""
    ours = ["code", "!=", SHADOW_JOURNAL]
    if not odoo.count("account.journal", [["type", "=", "sale"], ours], active_test=True):
        yield CheckFinding(
            "error",
            "there is no active sales journal: Odoo refuses every invoice",
            "Invoicing, Configuration, Journals: reactivate it",
        )


def _journals(odoo: Door, target: Target, needs: Needs) -> Iterator[CheckFinding]:
    domain = [["code", "=", SHADOW_JOURNAL], ["company_id", "=", target.company_id]]
    rows = odoo.search_read("account.journal", domain, ["name", "type"], active_test=True)
    if any(row["type"] != "sale" for row in rows):
        yield CheckFinding(
            "error", f"journal {SHADOW_JOURNAL} is not a sales journal", "rename it: shadow invoices need this code"
        )
    elif rows:
        yield CheckFinding("ok", f"shadow journal {SHADOW_JOURNAL} ({rows[0]['name']})")
    else:
        yield CheckFinding("ok", f"shadow journal {SHADOW_JOURNAL} is created by apply")


def _rights(odoo: Door, target: Target, needs: Needs) -> Iterator[CheckFinding]:
    needed = {(model, right) for model in needs.writes for right in ("read", "create", "write", "unlink")}
    needed |= {("ir.model.data", right) for right in ("read", "create", "write", "unlink")}
    lacking = sorted(pair for pair in needed if not may(odoo, *pair))
    for model, right in lacking:
        if right == "unlink":  # no group of Odoo 19 may delete a loyalty card: only a rollback would want to
            remedy = "apply does not need it; " + (
                "a rollback archives them" if model in NEVER_DELETED else "a rollback would end there"
            )
            yield CheckFinding("warning", f"this user may not unlink {model}", remedy)
        else:
            yield CheckFinding(
                "error", f"this user may not {right} {model}", "use an administrator's key, or add the group"
            )
    if not lacking:
        yield CheckFinding("ok", f"rights on {len(needs.writes) + 1} models")


def _enterprise(odoo: Door, target: Target, needs: Needs) -> Iterator[CheckFinding]:
    """What docs/enterprise.md lists as to be checked on the instance."""
    if target.subscriptions != "enterprise":
        return
    differences = unlike(odoo)
    for each in differences:
        remedy = "see docs/enterprise.md: this version of lago2odoo expects it otherwise"
        yield CheckFinding("error" if each.needed else "warning", each.what, remedy)
    if not any(each.needed for each in differences):
        yield CheckFinding("ok", f"subscriptions are as expected: {len(EXPECTED)} models and fields looked at")


def _stripe(odoo: Door, target: Target, needs: Needs) -> Iterator[CheckFinding]:
    if needs.tokens and not target.stripe:
        yield CheckFinding(
            "warning",
            "payment methods are kept at Stripe, and no Stripe provider is enabled in Odoo",
            "enable it before the phase tokens: every later switch of its state archives the tokens",
        )


def _addon(odoo: Door, target: Target, needs: Needs) -> Iterator[CheckFinding]:
    if target.addon:
        yield CheckFinding("ok", "addon fusion_billing is installed")
    else:
        yield CheckFinding(
            "warning",
            "addon fusion_billing is not installed: usage cannot be metered or rerun in Odoo",
            "'lago2odoo addon export DIR', then install it",
        )


def _schedulers(odoo: Door, target: Target, needs: Needs) -> Iterator[CheckFinding]:
    yield from look_at_schedulers(odoo, target)


CHECKS: tuple[Check, ...] = (
    _version,
    _company,
    _currencies,
    _precision,
    _references,
    _mapped,
    _provinces,
    _languages,
    _journals,
    _sales_journal,
    _rights,
    _enterprise,
    _stripe,
    _addon,
    _schedulers,
)

OF_MAPPING: tuple[Check, ...] = (_currencies, _references, _mapped)
