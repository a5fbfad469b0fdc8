"""Areas that bill subscriptions over time, from the raw events to the totals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mappings.money import from_subunits
from tests.vectors_support.invoices import (
    applied_coupons_json,
    coupon_credits_json,
    fee_taxes_json,
    header,
    prepaid_json,
)
from tests.vectors_support.world import Covered, Invoice, World, from_first_set

Case = dict[str, Any]
WINDOWS = ("", "charges_", "fixed_charges_")


def timeline(case: Case) -> Mapping[str, Any]:
    given = case["input"]
    world = World(given if "timeline" in given else from_first_set(given))
    world.run()
    return {
        "invoices": [invoice_json(world, invoice) for invoice in world.invoices],
        "applied_coupons": applied_coupons_json(world.coupons, world.credited),
    }


def invoice_json(world: World, invoice: Invoice) -> dict[str, Any]:
    made = {id(made.line): made for one in invoice.covered for made in one.lines}
    fees = [
        {
            "subscription": fee.line.key.subscription,
            "fee_type": fee.line.fee_type,
            "amount_cents": fee.line.amount_cents,
            "precise_amount_cents": fee.line.precise_cents,
            "units": fee.line.units,
            **fee_taxes_json(fee),
            **made[id(fee.line)].json,
        }
        for fee in invoice.bill.fees
    ]
    for fee in fees:
        if fee.get("precise_unit_amount", 0) is None:
            fee["precise_unit_amount"] = from_subunits(fee["amount_cents"], world.currency)
    return {
        **header(invoice.bill),
        **prepaid_json(invoice.bill, world.currency),
        "invoice_subscriptions": [windows_json(one) for one in invoice.covered],
        "fees": sorted(fees, key=lambda fee: _order(world, fee)),
        "credits": coupon_credits_json(invoice.bill),
        "credit_notes_amount_cents": sum(invoice.bill.credit_notes),
    }


def windows_json(one: Covered) -> dict[str, Any]:
    found = one.boundaries
    windows = zip(WINDOWS, (found.subscription, found.charges, found.fixed_charges), strict=True)
    return {
        "subscription": one.sub.key,
        "invoicing_reason": one.reason,
        **{
            f"{prefix}{end}_datetime": window and getattr(window, name)
            for prefix, window in windows
            for end, name in (("from", "start"), ("to", "end"))
        },
    }


def _order(world: World, fee: Mapping[str, Any]) -> tuple[Any, ...]:
    return (fee["fee_type"], fee["subscription"])


AREAS: dict[str, Callable[[Case], Mapping[str, Any]]] = {"subscription_proration": timeline}
