"""What only Odoo has of migrated customers: named, with its money, in registers, exit code and status."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mappings.lost_records import AppliedSubscription, with_lost
from mappings.records import Snapshot
from migrate.odoo.door import Door
from reconcile.sides import extra_invoices, extra_orders
from reconcile.sides.extras import Extra
from reconcile.sides.lago import billings
from reconcile.sides.migrated import MigratedScope, balances_of
from reconcile.sides.odoo_extras import extras
from reports import html, pseudonyms, text
from reports.data import ReportData
from reports.registers import by_month
from reports.verdict import State, judge
from tests.faults import PRO, STARTER, Company, Fault
from tests.reconciling import planted
from tests.reconciling.planted import Base

JULY = Fault(name="", side="odoo", causes=frozenset(), customers=(STARTER,), plant=lambda company: None)


def create(company: Company, model: str, **values: Any) -> int:
    (made,) = company.odoo.call(model, "create", vals_list=[values])
    return int(made)


def plan_line(company: Company) -> dict[str, Any]:
    rows = company.rows("sale.order.line", [["order_id", "=", company.order(STARTER)["id"]]])
    return min(rows, key=lambda row: (row["sequence"], row["id"]))


def lone_order(company: Company, **values: Any) -> int:
    """As Odoo's own copy leaves it: what the addon needs is not copied."""
    order, line = company.order(STARTER), plan_line(company)
    part = {"product_id": line["product_id"][0], "price_unit": 77.0, "tax_ids": [[6, 0, line["tax_ids"]]]}
    made = create(
        company,
        "sale.order",
        partner_id=order["partner_id"][0],
        plan_id=order["plan_id"][0],
        next_invoice_date="2026-09-01",
        order_line=[[0, 0, part]],
        **values,
    )
    company.odoo.call("sale.order", "action_confirm", [made])
    return made


def lone_invoice(company: Company, day: str | bool, **values: Any) -> int:
    line = {"name": "By hand", "quantity": 1, "price_unit": 250.0, "tax_ids": [[6, 0, []]]}
    partner = company.order(STARTER)["partner_id"][0]
    vals = {"move_type": "out_invoice", "partner_id": partner, "invoice_date": day, **values}
    return create(company, "account.move", **vals, invoice_line_ids=[[0, 0, line]])


def lone_sale(company: Company, invoiced: float = 0.0, *, downpayment: bool = False, **values: Any) -> int:
    """Ten pieces at 12.50, sold once."""
    product = create(company, "product.product", name="Training", type="service")
    line = {"product_id": product, "product_uom_qty": 10.0, "price_unit": 12.5, "tax_ids": [[6, 0, []]]}
    parts = [line, {**line, "product_uom_qty": 0.0, "is_downpayment": True}] if downpayment else [line]
    partner = company.order(STARTER)["partner_id"][0]
    order = create(company, "sale.order", partner_id=partner, order_line=[[0, 0, part] for part in parts], **values)
    company.odoo.call("sale.order", "action_confirm", [order])
    if invoiced:
        company.write("sale.order.line", [["order_id", "=", order]], qty_invoiced=invoiced)
    return order


def period_of(company: Company, at: str) -> int:
    """An invoice that Odoo made of its own order, as the addon records it."""
    order = company.order(STARTER)["id"]
    move = lone_invoice(company, at[:10])
    (line,) = company.rows("account.move", [["id", "=", move]], "invoice_line_ids")[0]["invoice_line_ids"]
    company.write("account.move.line", [["id", "=", line]], fusion_order_id=order)
    create(company, "fusion.billing.period", order_id=order, move_id=move, at=at, reason="subscription_periodic")
    return move


def lone_charge(company: Company) -> int:
    row = company.charge("storage_gb", "nexacloud_starter")
    values = {name: row[name] for name in ("name", "charge_model", "properties", "kind")}
    ids = {name: row[name][0] for name in ("metric_id", "product_id", "plan_id")}
    return create(company, "fusion.billing.charge", **values, **ids, code="only_odoo")


def lone_coupon(company: Company) -> int:
    order = company.order(STARTER)["id"]
    coupon = '[{"lago_id": "of-odoo", "coupon_code": "goodwill"}]'
    company.write("sale.order", [["id", "=", order]], fusion_coupons=coupon)
    return int(order)


@pytest.fixture(scope="module")
def company(base: Base, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with planted.copied(base, tmp_path_factory.mktemp("extras") / "copy") as copy:
        yield copy


def asked(company: Company, period: str = "2026-07", customers: frozenset[str] | None = None) -> tuple[Extra, ...]:
    billed = (b for i in company.snapshot.invoices for b in billings(i))
    door = Door(company.odoo)
    return extras(door, company.snapshot, billed, balances_of(door), period=period, customers=customers)


@pytest.mark.parametrize(
    ("amount", "currency", "cents"),
    [
        (1145.0, "JPY", 1145),
        (12.345, "KWD", 12345),
        (77.0, "CAD", 7700),
        (10.5, "HUF", 11),  # Odoo has two digits of it, Lago none
        (10.005, "CAD", 1001),  # in a company whose currency somebody made finer
        (12.3456, "KWD", 12346),
    ],
)
def test_what_only_odoo_has_is_told_in_any_currency(amount: float, currency: str, cents: int) -> None:
    """It is somebody's own record: whatever digits it has, it is no end of the month for everybody."""
    scope = MigratedScope(families={5: STARTER}, names={}, orders={}, subscriptions=frozenset())
    shown = {"id": 7, "name": "S7", "partner_id": [5, "x"], "currency_id": [1, currency]}
    sums = {"recurring_total": amount, "amount_tax": amount, "template_id": False, "recurring_next_date": False}
    order = extra_orders._extra(shown, extra_orders._of_native(sums), scope, {5: STARTER})
    move = {"ref": "", "move_type": "out_refund", "invoice_date": "2026-07-15", "state": "draft"}
    amounts = {"amount_untaxed": amount, "amount_tax": amount}
    refund = extra_invoices._extra({**shown, **move, **amounts}, scope, {5: STARTER}, both=False)
    assert (order.net_cents, order.tax_cents) == (cents, cents)
    assert (refund.net_cents, refund.tax_cents) == (-cents, -cents)


def test_a_migrated_company_has_nothing_of_its_own(company: Company) -> None:
    assert asked(company, "all") == ()


def test_each_kind_is_named_with_its_money(company: Company, base: Base, tmp_path: Path) -> None:
    with planted.copied(base, tmp_path / "all") as copy:
        order, dated, undated = lone_order(copy), lone_invoice(copy, "2026-07-15"), lone_invoice(copy, False)
        lone_invoice(copy, "2026-06-30")
        lone_invoice(copy, "2026-07-15", fusion_shadow=True)
        period_of(copy, "2026-07-15 04:00:00")
        twice = period_of(copy, "2026-07-01 04:00:00")
        charge, coupon = lone_charge(copy), lone_coupon(copy)
        found = {(e.kind, e.record): (e.customer, e.net_cents) for e in asked(copy)}
        assert found == {
            ("extra_order", f"sale.order,{order}"): (STARTER, 77_00),
            ("extra_invoice", f"account.move,{dated}"): (STARTER, 250_00),
            ("extra_invoice", f"account.move,{undated}"): (STARTER, 250_00),
            ("extra_invoice", f"account.move,{twice}"): (STARTER, 250_00),
            ("extra_charge", f"fusion.billing.charge,{charge}"): ("", None),
            ("extra_coupon", f"sale.order,{coupon},fusion_coupons,0"): (STARTER, None),
        }
        others = asked(copy, customers=frozenset({PRO}))
        assert {e.kind for e in others} == {"extra_charge"}, "a charge of a plan is everybody's"
        codes = planted.codes_of(copy.odoo, copy.snapshot)
        data = planted.reconciled(copy, JULY, codes)
    check(data, base.snapshot)


def test_a_charge_on_an_order_is_its_customers_and_of_no_other_cohort(base: Base, tmp_path: Path) -> None:
    with planted.copied(base, tmp_path / "own") as copy:
        shared, own = lone_charge(copy), lone_charge(copy)
        order = copy.order(STARTER)["id"]
        copy.write("fusion.billing.charge", [["id", "=", own]], plan_id=False, order_id=order)
        everybody, theirs, others = (
            {(e.record, e.customer) for e in asked(copy, customers=customers)}
            for customers in (None, frozenset({STARTER}), frozenset({PRO}))
        )
    on_plan, on_order = (f"fusion.billing.charge,{shared}", ""), (f"fusion.billing.charge,{own}", STARTER)
    assert everybody == theirs == {on_plan, on_order}
    assert others == {on_plan}


def test_what_takes_back_an_open_balance_is_named_in_its_month(base: Base, tmp_path: Path) -> None:
    """A draft on any day: Odoo's wizard writes that of today."""
    with planted.copied(base, tmp_path / "reversal") as copy:
        invoice = copy.invoice(STARTER, "2026-03")
        named = [["module", "=", "lago"], ["name", "=", f"invoice_{invoice.lago_id}"]]
        balance = copy.rows("ir.model.data", named, "res_id")[0]["res_id"]
        back = {"move_type": "out_refund", "reversed_entry_id": balance}
        made = lone_invoice(copy, "2026-11-20", **back)
        lone_invoice(copy, "2026-11-20", move_type="out_refund")
        assert [e.record for e in asked(copy, "2026-03") if e.kind == "extra_invoice"] == [f"account.move,{made}"]
        assert f"account.move,{made}" in {e.record for e in asked(copy, "all")}
        march = Fault(
            name="", side="odoo", causes=frozenset(), customers=(STARTER,), plant=lambda c: None, month="2026-03"
        )
        data = planted.reconciled(copy, march, planted.codes_of(copy.odoo, copy.snapshot))
    assert "extra_invoice" in {f.cause for i in data.invoices for p in i.positions for f in p.findings}
    assert judge(data).state is State.TO_ACT


def test_orders_that_are_invoiced_once_and_receipts(base: Base, tmp_path: Path) -> None:
    with planted.copied(base, tmp_path / "once") as copy:
        whole, half, paid = lone_sale(copy), lone_sale(copy, 4.0), lone_sale(copy, 10.0)
        third, unknown = lone_sale(copy, 10 / 3), lone_sale(copy, downpayment=True)
        receipt = lone_invoice(copy, "2026-07-15", move_type="out_receipt")
        lone_invoice(copy, "2026-06-15", move_type="out_receipt")
        found = {e.record: (e.kind, e.customer, e.net_cents) for e in asked(copy)}
        data = planted.reconciled(copy, JULY, planted.codes_of(copy.odoo, copy.snapshot))
    assert found == {
        f"sale.order,{whole}": ("extra_order", STARTER, 125_00),
        f"sale.order,{half}": ("extra_order", STARTER, 75_00),
        f"sale.order,{third}": ("extra_order", STARTER, 83_38),
        f"sale.order,{unknown}": ("extra_order", STARTER, None),
        f"account.move,{receipt}": ("extra_invoice", STARTER, 250_00),
    }
    assert f"sale.order,{paid}" not in found
    assert judge(data).state is State.TO_ACT
    assert "is confirmed in Odoo and not invoiced in full" in html.render(data)


def check(data: ReportData, snapshot: Snapshot) -> None:
    """In the report: proven, in Odoo's register alone, in the totals; what has no amount is refused by name."""
    own = [i for i in data.invoices if i.type == "only_odoo"]
    findings = [f for i in own for p in i.positions for f in p.findings]
    assert {(f.cause, f.side, f.proven) for f in findings} == {
        ("extra_order", "odoo", True),
        ("extra_invoice", "odoo", True),
    }
    assert sum(f.delta_cents for f in findings) == 77_00 + 10_01 + 3 * 250_00
    assert {r.reason for i in own for r in i.refusals} == {"extra_charge", "extra_coupon"}
    (july,) = by_month(data)
    assert (july.left.alone, july.right.alone, july.right.alone_cents) == (0, 4, 77_00 + 10_01 + 750_00)
    assert judge(data).state is State.TO_ACT
    shown = text.render(data)
    assert "Order that only Odoo has" in shown
    assert "Close " in shown
    hidden = text.render(pseudonyms.pseudonymise(data, b"k" * 32, pseudonyms.originals(snapshot)))
    assert not [i.number for i in own if i.number in hidden]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"subscription_state": "6_churn"}, False),
        ({"subscription_state": "4_paused"}, False),
        ({"state": "cancel"}, False),
        ({"next_invoice_date": "2027-01-01"}, True),
    ],
)
def test_an_order_that_nobody_bills_is_none(base: Base, tmp_path: Path, change: dict[str, Any], named: bool) -> None:
    with planted.copied(base, tmp_path / "resting") as copy:
        copy.write("sale.order", [["id", "=", lone_order(copy)]], **change)
        assert [e.kind for e in asked(copy)] == ["extra_order"] * named


def without_id(company: Company) -> None:
    order = company.order(STARTER)["id"]
    company.unlink("ir.model.data", [["model", "=", "sale.order"], ["res_id", "=", order], ["module", "=", "lago"]])


def of_nobody(company: Company) -> None:
    order = company.order(STARTER)["id"]
    domain = [["model", "=", "sale.order"], ["res_id", "=", order], ["module", "=", "lago"]]
    company.write("ir.model.data", domain, name="subscription_of_another_lago")


@pytest.mark.parametrize(("plant", "kind"), [(without_id, "extra_order"), (of_nobody, "subscription_lost")])
def test_an_order_whose_id_leads_to_no_subscription(
    base: Base, tmp_path: Path, plant: Callable[[Company], None], kind: str
) -> None:
    """With an external id of ours it was made of what Lago had: nobody is told to close it."""
    with planted.copied(base, tmp_path / "ids") as copy:
        name = copy.order(STARTER)["name"]
        plant(copy)
        (told,) = asked(copy)
        data = planted.reconciled(copy, JULY, planted.codes_of(copy.odoo, copy.snapshot))
    assert (told.kind, told.name, "close nothing" in str(told.detail)) == (kind, name, kind != "extra_order")
    assert "Close " not in text.render(data), "a real customer's order"
    own = [f.remedy.name for i in data.invoices for p in i.positions for f in p.findings if f.cause == kind if f.remedy]
    assert set(own) == ({"name_order"} if kind == "extra_order" else set())


def test_an_order_with_lagos_id_that_the_snapshot_lacks_is_nothing_to_close(base: Base, tmp_path: Path) -> None:
    """Its external id is gone in Odoo, and the subscription in the snapshot: Lago's id is that of the ledger."""
    with planted.copied(base, tmp_path / "lost") as copy:
        lago_id, name = copy.order(STARTER)["fusion_lago_id"], copy.order(STARTER)["name"]
        without_id(copy)
        kept = tuple(s for s in copy.snapshot.subscriptions if s.lago_id != lago_id)
        invoices = tuple(
            i for i in copy.snapshot.invoices if lago_id not in {p.lago_subscription_id for p in i.billing_periods}
        )
        fees = tuple(f for f in copy.snapshot.fees if f.lago_subscription_id != lago_id)
        snapshot = replace(copy.snapshot, subscriptions=kept, invoices=invoices, fees=fees)
        made = AppliedSubscription(lago_id=lago_id, external_id="sub", customer=STARTER)
        company = replace(copy, snapshot=with_lost(snapshot, [made]))
        (told,) = asked(company)
        assert [e.kind for e in asked(replace(copy, snapshot=snapshot))] == ["extra_order"], "Odoo's own have an id too"
        data = planted.reconciled(company, JULY, planted.codes_of(copy.odoo, copy.snapshot))
    assert (told.kind, told.name, lago_id in str(told.detail)) == ("subscription_lost", name, True)
    (shown,) = [i for i in data.invoices if i.type == "only_odoo"]
    assert [(r.side, r.reason) for r in shown.refusals] == [("odoo", "subscription_lost")]
    assert "Close" not in text.render(data)
    assert judge(data).state is State.TO_ACT
