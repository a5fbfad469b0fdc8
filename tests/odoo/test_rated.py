"""The recorded company on a real Odoo 19: the addon rates a past month, and native invoices, as Lago did."""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from migrate.lago.recording import bundled
from tests.odoo.command import lago2odoo

pytestmark = pytest.mark.odoo

EVER = "2025-01-01"  # before the first event


@pytest.fixture(scope="module")
def company(kept_database: Any) -> Any:
    """The company on Enterprise's kind of subscriptions, with the usage that July's invoices need."""
    lago2odoo(kept_database, "extract", "--recording", str(bundled()), usage_since=EVER)
    lago2odoo(kept_database, "apply", usage_since=EVER)
    return kept_database


# What the real server may bill otherwise than Lago did in July, by cause.
KNOWN = {"tax_rounding"}


def test_a_past_month_is_rated_by_the_addon_as_lago_billed_it(company: Any) -> None:
    """Every charge fee, minimum, fixed charge and base fee of July; what differs has a name."""
    report = json.loads(
        lago2odoo(company, "reconcile", "--period", "2026-07", "--format", "json", usage_since=EVER, code=2)
    )
    positions = [position for invoice in report["invoices"] for position in invoice.get("positions", ())]
    fees = Counter((p["kind"], p["status"]) for p in positions if p["kind"] in FEES)
    assert {status for _, status in fees} == {"equal"}, fees
    assert fees["charge", "equal"] >= 280
    causes = {f["cause"] for p in positions for f in p.get("findings", ()) if p["status"] not in ("equal", "outside")}
    assert causes <= KNOWN, causes
    assert not [refusal for invoice in report["invoices"] for refusal in invoice.get("refusals", ())]


FEES = ("charge", "true_up", "fixed_charge", "subscription")


def test_native_invoices_of_july_hold_lagos_fees(company: Any) -> None:
    """The orders billed on 1 July, invoiced by sale's own wizard: line by line what Lago's invoices hold."""
    odoo = company.connect()
    wanted = lagos_fees("2026-07-01")
    late = {row["external_subscription_id"] for row in odoo.call(
        "fusion.billing.usage", "search_read", domain=[["late", "=", True]], fields=["external_subscription_id"]
    )}  # fmt: skip
    rows = odoo.call(
        "sale.order",
        "search_read",
        domain=[["fusion_lago_id", "in", sorted(wanted)], ["state", "=", "sale"], ["fusion_ended_at", "=", False]],
        fields=["fusion_lago_id", "fusion_external_id", "fusion_billed_until"],
    )
    orders = {row["id"]: row["fusion_lago_id"] for row in rows if row["fusion_external_id"] not in late}
    assert len(orders) >= 25
    odoo.call("sale.order", "write", list(orders), vals={"fusion_billed_until": "2026-06-30 12:00:00"})
    context = {"active_model": "sale.order", "active_ids": list(orders), "fusion_at": "2026-07-01 10:00:00"}
    wizard = odoo.call(
        "sale.advance.payment.inv", "create", vals_list=[{"advance_payment_method": "delivered"}], context=context
    )
    odoo.call("sale.advance.payment.inv", "create_invoices", wizard, context=context)
    got = odoo_lines(odoo, orders)
    assert got == {number: wanted[number] for number in orders.values()}
    made = odoo.call("fusion.billing.period", "search_count", domain=[["order_id", "in", list(orders)]])
    assert made == len(orders)


def lagos_fees(day: str) -> dict[str, list[tuple[str, int]]]:
    """Subscription -> its fees (kind, cents) on the invoice of a billing day of a recording."""
    found: dict[str, list[tuple[str, int]]] = {}
    with tarfile.open(bundled()) as recording, recording.extractfile("invoices_show.jsonl") as file:  # type: ignore[union-attr]
        lines = file.read().decode("utf-8").splitlines()
    for line in lines:
        invoice = json.loads(line)["body"]["invoice"]
        periodic = [p for p in invoice["billing_periods"] if p["invoicing_reason"] == "subscription_periodic"]
        if not periodic or not invoice["created_at"].startswith(day):
            continue
        for period in periodic:
            found[period["lago_subscription_id"]] = []
        for fee in invoice["fees"]:
            found[fee["lago_subscription_id"]].append((fee["item"]["type"], fee["amount_cents"]))
    return {number: sorted(fees) for number, fees in found.items()}


def odoo_lines(odoo: Any, orders: dict[int, str]) -> dict[str, list[tuple[str, int]]]:
    """The same from the lines of native invoices. A minimum is a charge to Lago; coupons are no fees."""
    lines = odoo.call(
        "account.move.line",
        "search_read",
        domain=[["fusion_order_id", "in", list(orders)], ["parent_state", "=", "draft"]],
        fields=["fusion_order_id", "fusion_key", "price_subtotal", "currency_id"],
    )
    names = {"true_up": "charge"}
    currencies = odoo.call("res.currency", "search_read", domain=[], fields=["decimal_places"])
    digits = {row["id"]: row["decimal_places"] for row in currencies}
    found: dict[str, list[tuple[str, int]]] = {number: [] for number in orders.values()}
    for line in lines:
        key = json.loads(line["fusion_key"])
        kind = key["kind"]
        if kind != "coupon" and not key["event"]:  # Lago makes an invoice of each event that is paid at once
            cents = int(Decimal(str(line["price_subtotal"])).scaleb(digits[line["currency_id"][0]]))
            found[orders[line["fusion_order_id"][0]]].append((names.get(kind, kind), cents))
    return {number: sorted(fees) for number, fees in found.items()}
