"""Finance's tables against Odoo's records: each thing that may be wrong with a record that the tables name."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mappings import tables
from mappings.mapped_to import MappedTo, Role, mapped_to
from mappings.records import Snapshot
from migrate.errors import OdooError
from migrate.odoo.door import Door
from migrate.odoo.findings import CheckFinding, raise_on_errors, waived
from migrate.odoo.mapped import check_mapped
from migrate.shipped_tables import shipped

PLACE = "tables.toml:7"
HST = {"hst_on": Decimal(13)}
GST_QST = {"gst": Decimal(5), "qst": Decimal("9.975")}


def tax(name: str, rates: dict[str, Decimal]) -> MappedTo:
    return MappedTo(
        role=Role.TAX, xid=f"account.1_{name}", place=PLACE, stands_for=" + ".join(sorted(rates)), rates=rates
    )


ONTARIO = tax("hst_sale_tax_13", HST)
QUEBEC = tax("gstqst_sale_tax_14975", GST_QST)


def other(role: Role, xid: str, days: int = 0) -> MappedTo:
    return MappedTo(role=role, xid=xid, place=PLACE, stands_for="it", days=days)


def errors(odoo: Any, *entries: MappedTo) -> list[str]:
    found = list(check_mapped(Door(odoo), entries))
    assert all(f.remedy for f in found if f.level == "error")
    return [f.what for f in found if f.level == "error"]


def number(odoo: Any, xid: str) -> int:
    module, _, name = xid.partition(".")
    domain = [["module", "=", module], ["name", "=", name]]
    return int(odoo.call("ir.model.data", "search_read", domain=domain, fields=["res_id"])[0]["res_id"])


def write(odoo: Any, model: str, xid: str, **values: Any) -> None:
    odoo.call(model, "write", [number(odoo, xid)], vals=values)


def test_what_fits_is_said_to_fit(odoo: Any) -> None:
    entries = [ONTARIO, QUEBEC, other(Role.JOURNAL, "account.1_sale")]
    (only,) = check_mapped(Door(odoo), entries)
    assert (only.level, only.what) == ("ok", "3 entries of the mapping tables fit Odoo's records")
    assert list(check_mapped(Door(odoo), [])) == []


def test_the_rate_is_another(odoo: Any) -> None:
    """What doctor, preview and apply were content with: a province of 14 % on Odoo's 15 %."""
    wrong = tax("hst_sale_tax_15", {"hst_ns": Decimal(14)})
    said = f"{PLACE}: tax for hst_ns, account.1_hst_sale_tax_15: is 15 % in Odoo, Lago charges 14 %"
    assert errors(odoo, wrong) == [said]


def test_the_parts_of_a_group_are_summed_and_each_must_be_there(odoo: Any) -> None:
    write(odoo, "account.tax", "account.1_qst_sale_tax_9975", amount=9.5)
    assert errors(odoo, QUEBEC)[0].endswith("is 5 + 9.5 % in Odoo, Lago charges 5 + 9.975 %")
    write(odoo, "account.tax", "account.1_qst_sale_tax_9975", amount=7.0)
    write(odoo, "account.tax", "account.1_gst_sale_tax_5", amount=7.975)
    (split,) = errors(odoo, QUEBEC)
    assert split.endswith("is split as 7 + 7.975 % in Odoo, as 5 + 9.975 % in Lago")


def test_one_tax_for_two_of_lagos_is_a_split_that_may_be_waived(odoo: Any) -> None:
    write(odoo, "account.tax", ONTARIO.xid, amount=14.975)
    (found,) = check_mapped(Door(odoo), [tax("hst_sale_tax_13", GST_QST)])
    assert (found.level, found.name) == ("error", "tax_split")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"amount_type": "fixed"}, "is computed as 'fixed' in Odoo, Lago's are percentages"),
        ({"price_include_override": "tax_included"}, "is included in the price in Odoo"),
        ({"active": False}, "is archived in Odoo"),
        ({"type_tax_use": "purchase"}, "is a tax of type 'purchase' in Odoo"),
    ],
)
def test_the_tax_is_of_another_kind(odoo: Any, values: dict[str, Any], says: str) -> None:
    write(odoo, "account.tax", ONTARIO.xid, **values)
    (only,) = errors(odoo, ONTARIO)
    assert says in only


def test_a_part_of_a_group_counts_like_a_tax_alone(odoo: Any) -> None:
    write(odoo, "account.tax", "account.1_gst_sale_tax_5", price_include_override="tax_included")
    (only,) = errors(odoo, QUEBEC)
    assert "is included in the price" in only


def test_the_company_may_include_taxes_and_a_tax_may_say_otherwise(odoo: Any) -> None:
    odoo.call("res.company", "write", [1], vals={"account_price_include": "tax_included"})
    write(odoo, "account.tax", ONTARIO.xid, price_include_override=False)
    assert "is included in the price" in errors(odoo, ONTARIO)[0]
    write(odoo, "account.tax", ONTARIO.xid, price_include_override="tax_excluded")
    assert errors(odoo, ONTARIO) == []


@pytest.mark.parametrize(("document", "share"), [("invoice", -100), ("refund", -50)])
def test_lines_of_a_tax_that_cancel_out_charge_nothing(odoo: Any, document: str, share: int) -> None:
    values = {"tax_id": number(odoo, ONTARIO.xid), "document_type": document, "repartition_type": "tax"}
    odoo.call("account.tax.repartition.line", "create", vals_list=[{**values, "factor_percent": float(share)}])
    (only,) = errors(odoo, ONTARIO)
    assert f"charges {100 + share} % of it on documents of type '{document}'" in only


def test_a_tax_on_a_tax(odoo: Any) -> None:
    write(odoo, "account.tax", "account.1_gst_sale_tax_5", include_base_amount=True)
    (only,) = errors(odoo, QUEBEC)
    assert "is itself taxed by" in only


def test_the_fiscal_country_is_another(odoo: Any) -> None:
    odoo.call("res.company", "write", [1], vals={"account_fiscal_country_id": number(odoo, "base.us")})
    (only,) = errors(odoo, ONTARIO)
    assert "is not a tax of United States" in only


def test_the_record_is_something_else(odoo: Any) -> None:
    journal = MappedTo(role=Role.TAX, xid="account.1_sale", place=PLACE, stands_for="hst_on", rates=HST)
    assert errors(odoo, journal)[0].endswith("is a account.journal in Odoo, not a account.tax")


def test_the_record_is_another_companys(odoo: Any) -> None:
    (second,) = odoo.call("res.company", "create", vals_list=[{"name": "Other Inc."}])
    write(odoo, "account.tax", ONTARIO.xid, company_id=second)
    assert errors(odoo, ONTARIO)[0].endswith("belongs to another company in Odoo")


def test_accounts_have_a_type_that_fits(odoo: Any) -> None:
    income, owed = (
        odoo.call("account.account", "search", domain=[["account_type", "=", kind]], limit=1)[0]
        for kind in ("income", "asset_receivable")
    )
    rows = [{"module": "test", "name": name, "model": "account.account", "res_id": res_id}
            for name, res_id in (("income", income), ("owed", owed))]  # fmt: skip
    odoo.call("ir.model.data", "create", vals_list=rows)
    assert errors(odoo, other(Role.INCOME, "test.income"), other(Role.OPENING, "test.income")) == []
    (found,) = check_mapped(Door(odoo), [other(Role.INCOME, "test.owed")])
    assert (found.level, found.name) == ("error", "income_account_type")
    assert "which no line of an invoice may have" in errors(odoo, other(Role.OPENING, "test.owed"))[0]


def test_the_journal_is_of_sales_and_of_all_currencies(odoo: Any) -> None:
    write(odoo, "account.journal", "account.1_sale", currency_id=number(odoo, "base.USD"))
    assert "holds USD only" in errors(odoo, other(Role.JOURNAL, "account.1_sale"))[0]
    assert "is a journal of type 'purchase'" in errors(odoo, other(Role.JOURNAL, "account.1_purchase"))[0]


def test_a_payment_term_has_its_days(odoo: Any) -> None:
    term = "account.account_payment_term_30days"
    assert errors(odoo, other(Role.TERM, term, 30)) == []
    (only,) = errors(odoo, other(Role.TERM, term, 45))
    assert only.endswith("is 100 percent after 30 days in Odoo")


def test_only_what_has_a_name_can_be_waived() -> None:
    named, bare = CheckFinding("error", "a", "b", "tax_split"), CheckFinding("error", "c", "d")
    accepted, refused = waived([named, bare], ["tax_split", ""])
    assert (accepted.level, accepted.what) == ("warning", "a (waived: tax_split)")
    with pytest.raises(OdooError, match=r"^c: d$"):
        raise_on_errors([accepted, refused])


@pytest.fixture(scope="module")
def snapshot(nexasystems: tuple[Snapshot, Path]) -> Snapshot:
    return nexasystems[0]


def test_each_set_of_taxes_keeps_its_own_place(snapshot: Snapshot) -> None:
    """Two sets may name one tax of Odoo: the message must point at the one that is wrong."""
    text = "\n".join(
        f'[[taxes]]\ncodes = ["{code}"]\nodoo = "account.{{company}}_hst_sale_tax_15"' for code in ("hst_nb", "hst_ns")
    )
    found = mapped_to(tables.parse(text, "own.toml", shipped()), snapshot, {"account.1_hst_sale_tax_15"}, 1)
    assert [(e.place, e.stands_for, e.rates) for e in found] == [
        ("own.toml:3", "hst_nb", {"hst_nb": 15}),
        ("own.toml:6", "hst_ns", {"hst_ns": 14}),
    ]


def test_what_nobody_uses_is_not_asked_for(snapshot: Snapshot) -> None:
    text = '[accounts]\nincome = "account.nowhere"\n[payment_terms]\n30 = "account.thirty"\n[opening]\nexisting = "a.b"'
    own = tables.parse(text, "own.toml", shipped())
    assert mapped_to(own, snapshot, set(), 1) == ()
    found = mapped_to(own, snapshot, {"account.nowhere", "account.thirty", "a.b"}, 1)
    assert [(e.role, e.place, e.days) for e in found] == [
        (Role.INCOME, "own.toml:2", 0),
        (Role.JOURNAL, "own.toml:6", 0),
        (Role.TERM, "own.toml:4", 30),
    ]
