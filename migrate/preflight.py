"""What must be right in Odoo before anything is written; every finding with its remedy. And what is ours to create.

preflight(odoo, target, needs) -> tuple[Finding, ...]
prepare(target) -> tuple[Desired, ...]       the shadow journal, applied like any other record
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mappings.money import exponent
from mappings.target import Desired, Phase, Ref, Target
from migrate.errors import OdooError
from migrate.odoo.enterprise import EXPECTED, unlike
from migrate.odoo.errors import NoSuchMethod, OdooUnreachable, OutcomeUnknown
from migrate.odoo.protocol import Odoo
from migrate.rollback import SHADOW_JOURNAL


@dataclass(frozen=True, slots=True)
class Finding:
    """``level``: error (nothing may be written), warning, or ok. ``remedy`` says what a person does in Odoo."""

    level: str
    what: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What the data at hand asks of Odoo. ``quantity_digits``: decimals of the finest quantity that will be written."""

    currencies: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    xids: frozenset[str] = frozenset()  # external ids of Odoo's own that are referred to: taxes, accounts, journals
    quantity_digits: int = 2
    stateless: tuple[str, ...] = ()  # customers of Canada or the USA without a province or state
    writes: frozenset[str] = frozenset()  # models that will be written to
    tokens: bool = False  # payment methods are to be moved
    country: str | None = None  # the seller's, in Lago


def preflight(odoo: Odoo, target: Target, needs: Needs) -> tuple[Finding, ...]:
    """Ask the server; nothing is changed. Findings of level error come first."""
    found = [finding for check in CHECKS for finding in _asked(check, odoo, target, needs)]
    order = {"error": 0, "warning": 1, "ok": 2}
    return tuple(sorted(found, key=lambda f: order[f.level]))


def prepare(target: Target) -> tuple[Desired, ...]:
    """The shadow journal: its drafts are never named or posted, so that the real numbering stays untouched."""
    return (
        Desired(
            phase=Phase.CATALOG,
            model="account.journal",
            xid="lago.journal_shadow",
            source="journal shadow",
            values={
                "name": "Shadow invoices (lago2odoo)",
                "code": SHADOW_JOURNAL,
                "type": "sale",
                "refund_sequence": True,
                "show_on_dashboard": False,
            },
        ),
    )


Check = Callable[[Odoo, Target, Needs], Iterable[Finding]]


def _asked(check: Check, odoo: Odoo, target: Target, needs: Needs) -> Iterable[Finding]:
    try:
        return list(check(odoo, target, needs))
    except (OdooUnreachable, OutcomeUnknown):
        raise
    except OdooError as error:
        return [
            Finding("warning", f"could not be checked: {error}", "give the user the right to read it, or look yourself")
        ]


def _version(odoo: Odoo, target: Target, needs: Needs) -> Iterator[Finding]:
    version = odoo.server_version
    major = version.split(".")[0].removeprefix("saas~")
    if major == "19":
        yield Finding("ok", f"Odoo {version}, subscriptions: {target.subscriptions}")
    else:
        yield Finding("warning", f"Odoo {version} is not 19", "this version of lago2odoo is tried on Odoo 19 only")


def _company(odoo: Odoo, target: Target, needs: Needs) -> Iterator[Finding]:
    names = ["name", "country_code", "chart_template", "state_id", "tax_calculation_rounding_method"]
    names = [n for n in names if n in odoo.call("res.company", "fields_get", allfields=names, attributes=["type"])]
    company = odoo.call("res.company", "read", [target.company_id], fields=names)[0]
    country, chart = company.get("country_code"), company.get("chart_template")
    if not country:
        yield Finding(
            "error", f"company {company['name']} has no country", "set it, before a chart of accounts is installed"
        )
    elif needs.country and country != needs.country.upper():
        yield Finding(
            "warning",
            f"company {company['name']} is in {country}, the seller in Lago in {needs.country.upper()}",
            "check that this is the company the customers buy from",
        )
    if not chart:
        yield Finding(
            "error", f"company {company['name']} has no chart of accounts", "install its country's localisation"
        )
    elif chart == "generic_coa":
        yield Finding(
            "warning",
            f"company {company['name']} has the generic chart of accounts, without its country's taxes",
            "set country and province before Invoicing is installed, or load the country's chart",
        )
    else:
        yield Finding("ok", f"company {company['name']} ({country}), chart {chart}")


def _currencies(odoo: Odoo, target: Target, needs: Needs) -> Iterator[Finding]:
    for code in sorted(needs.currencies - target.currencies):
        yield Finding("warning", f"currency {code} is not active", "apply activates it in the phase catalog")
    rows = odoo.call(
        "res.currency", "search_read", domain=[["name", "in", sorted(needs.currencies)]], fields=["name", "rounding"]
    )
    for row in rows:
        ours = 10 ** -exponent(row["name"])
        if abs(row["rounding"] - ours) > 1e-9:
            yield Finding(
                "warning",
                f"currency {row['name']} rounds to {row['rounding']} in Odoo and to {ours} in Lago",
                "amounts of this currency may differ by the rounding; decide before the cut-over",
            )


def _precision(odoo: Odoo, target: Target, needs: Needs) -> Iterator[Finding]:
    if target.quantity_digits < needs.quantity_digits:
        yield Finding(
            "error",
            f"quantities keep {target.quantity_digits} decimals, the data has {needs.quantity_digits}: Odoo cuts them",
            f"Settings, Technical, Decimal Accuracy: set 'Product Unit' to {max(6, needs.quantity_digits)}",
        )
    else:
        yield Finding("ok", f"quantities keep {target.quantity_digits} decimals")


def _references(odoo: Odoo, target: Target, needs: Needs) -> Iterator[Finding]:
    """Taxes, accounts and the like that the tables name."""
    by_module: dict[str, list[str]] = {}
    for xid in needs.xids:
        module, _, name = xid.partition(".")
        by_module.setdefault(module, []).append(name)
    present: dict[str, tuple[str, int]] = {}
    for module, names in by_module.items():
        domain = [["module", "=", module], ["name", "in", sorted(names)]]
        rows = odoo.call("ir.model.data", "search_read", domain=domain, fields=["name", "model", "res_id"])
        present |= {f"{module}.{row['name']}": (row["model"], row["res_id"]) for row in rows}
    missing = sorted(needs.xids - present.keys())
    asleep = sorted(_archived(odoo, present))
    for xid in missing:
        yield Finding("error", f"{xid} is not in Odoo", "install what provides it, or name another one in the tables")
    for xid in asleep:
        yield Finding("error", f"{xid} is archived in Odoo", "reactivate it, or name another one in the tables")
    if needs.xids and not missing and not asleep:
        yield Finding("ok", f"{len(needs.xids)} references to Odoo's own records are there")


def _archived(odoo: Odoo, present: Mapping[str, tuple[str, int]]) -> Iterator[str]:
    """Those that are switched off. Currencies are not among them: apply switches them on."""
    for model in ("account.tax", "account.account", "account.journal", "account.payment.term"):
        ids = {res_id: xid for xid, (name, res_id) in present.items() if name == model}
        if ids:
            domain = [["id", "in", sorted(ids)], ["active", "=", False]]
            yield from (ids[found] for found in odoo.call(model, "search", domain=domain))


def _provinces(odoo: Odoo, target: Target, needs: Needs) -> Iterator[Finding]:
    if needs.stateless:
        names = ", ".join(needs.stateless[:5]) + (" ..." if len(needs.stateless) > 5 else "")
        yield Finding(
            "warning",
            f"{len(needs.stateless)} customers have no province or state: {names}",
            "Odoo then takes them for foreign, without tax; add it in Lago, then extract again",
        )


def _languages(odoo: Odoo, target: Target, needs: Needs) -> Iterator[Finding]:
    for code in sorted(needs.languages):
        if not any(lang.split("_")[0] == code.replace("-", "_").split("_")[0] for lang in target.languages):
            yield Finding(
                "warning",
                f"language {code} is not installed",
                "Settings, Languages: add it, or its customers get English",
            )


def _journals(odoo: Odoo, target: Target, needs: Needs) -> Iterator[Finding]:
    domain = [["code", "=", SHADOW_JOURNAL], ["company_id", "=", target.company_id]]
    rows = odoo.call("account.journal", "search_read", domain=domain, fields=["name", "type"])
    if any(row["type"] != "sale" for row in rows):
        yield Finding(
            "error", f"journal {SHADOW_JOURNAL} is not a sales journal", "rename it: shadow invoices need this code"
        )
    elif rows:
        yield Finding("ok", f"shadow journal {SHADOW_JOURNAL} ({rows[0]['name']})")
    else:
        yield Finding("ok", f"shadow journal {SHADOW_JOURNAL} is created by apply")


def _rights(odoo: Odoo, target: Target, needs: Needs) -> Iterator[Finding]:
    wanted = {(model, right) for model in needs.writes for right in ("read", "create", "write", "unlink")}
    wanted |= {("ir.model.data", right) for right in ("read", "create", "write", "unlink")}
    lacking = sorted(pair for pair in wanted if not _may(odoo, *pair))
    for model, right in lacking:
        yield Finding("error", f"this user may not {right} {model}", "use an administrator's key, or add the group")
    if not lacking:
        yield Finding("ok", f"rights on {len(needs.writes) + 1} models")


def _may(odoo: Odoo, model: str, right: str) -> bool:
    try:
        return bool(odoo.call(model, "has_access", (), operation=right))
    except NoSuchMethod:
        return False


def _enterprise(odoo: Odoo, target: Target, needs: Needs) -> Iterator[Finding]:
    """What docs/enterprise.md lists as to be checked on the instance."""
    if target.subscriptions != "enterprise":
        return
    found = unlike(odoo)
    for each in found:
        remedy = "see docs/enterprise.md: this version of lago2odoo expects it otherwise"
        yield Finding("error" if each.needed else "warning", each.what, remedy)
    if not any(each.needed for each in found):
        yield Finding("ok", f"subscriptions are as expected: {len(EXPECTED)} models and fields looked at")


def _stripe(odoo: Odoo, target: Target, needs: Needs) -> Iterator[Finding]:
    if needs.tokens and not target.stripe:
        yield Finding(
            "warning",
            "payment methods are kept at Stripe, and no Stripe provider is enabled in Odoo",
            "enable it before the phase tokens: every later switch of its state archives the tokens",
        )


def _addon(odoo: Odoo, target: Target, needs: Needs) -> Iterator[Finding]:
    if target.addon:
        yield Finding("ok", "addon fusion_billing is installed")
    else:
        yield Finding(
            "warning",
            "addon fusion_billing is not installed: usage cannot be metered or rerun in Odoo",
            "'lago2odoo addon export DIR', then install it",
        )


CHECKS: tuple[Check, ...] = (
    _version,
    _company,
    _currencies,
    _precision,
    _references,
    _provinces,
    _languages,
    _journals,
    _rights,
    _enterprise,
    _stripe,
    _addon,
)


def needs_of(desired: Iterable[Desired]) -> Needs:
    """What the mapped records themselves tell: models written to, references to Odoo's own records, finest quantity."""
    writes: set[str] = set()
    xids: set[str] = set()
    digits = 0
    tokens = False
    for record in desired:
        tokens = tokens or record.model == "payment.token"
        for one in (record, *(line for lines in record.children.values() for line in lines)):
            writes.add(one.model)
            xids |= {r.xid for r in _refs(one) if not r.xid.startswith("lago.")}
            digits = max(digits, *(_decimals(one.values.get(n)) for n in ("product_uom_qty", "quantity")))
    return Needs(writes=frozenset(writes), xids=frozenset(xids), quantity_digits=max(digits, 2), tokens=tokens)


def _refs(record: Desired) -> Iterator[Ref]:
    for value in record.values.values():
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, Ref):
                yield each


def _decimals(value: Any) -> int:
    text = format(value, "f") if hasattr(value, "as_tuple") else str(value or 0)
    return len(text.partition(".")[2].rstrip("0"))


def raise_on_errors(findings: Iterable[Finding]) -> None:
    """OdooError with every finding of level error and its remedy, in one line."""
    errors = [f"{f.what}: {f.remedy}" for f in findings if f.level == "error"]
    if errors:
        raise OdooError("; ".join(errors))
