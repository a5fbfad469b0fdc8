"""Areas that bill subscriptions over time, from the raw events to the totals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mappings.money import from_subunits
from reconcile.rating.wallets import PrepaidWallet
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
        "invoices": [_shown(case, invoice_json(world, invoice)) for invoice in world.invoices],
        "applied_coupons": applied_coupons_json(world.coupons, world.credited),
    }


def _shown(case: Case, invoice: dict[str, Any]) -> dict[str, Any]:
    """Area events_selection lists charge fees only."""
    if case["area"] == "events_selection":
        invoice["fees"] = [fee for fee in invoice["fees"] if fee["fee_type"] == "charge"]
    return invoice


def invoice_json(world: World, invoice: Invoice) -> dict[str, Any]:
    note_credits = [
        {"credit_note": index, "amount_cents": cents} for index, cents in enumerate(invoice.bill.credit_notes) if cents
    ]
    made = {id(made.line): made for made in invoice.lines}
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
        "at": invoice.at,
        "step": invoice.step,
        "status": invoice.status,
        "in_advance": invoice.in_advance,
        **header(invoice.bill),
        **prepaid_json(invoice.bill, world.currency),
        "invoice_subscriptions": [windows_json(one) for one in invoice.covered],
        "fees": sorted(fees, key=_order),
        "credits": [*coupon_credits_json(invoice.bill), *note_credits],
        "wallets": [wallet_json(wallet) for wallet in invoice.bill.prepaid.wallets],
        "credit_notes": [note_json(balance) for balance in invoice.note_balances],
        "credit_notes_amount_cents": sum(invoice.bill.credit_notes),
    }


def wallet_json(wallet: PrepaidWallet) -> dict[str, Any]:
    return {
        "code": wallet.code,
        "balance_cents": wallet.balance_cents,
        "credits_balance": wallet.credits_balance,
        "consumed_credits": wallet.consumed_credits,
        "consumed_amount_cents": wallet.consumed_cents,
        "remaining_by_source": {top_up.source: top_up.remaining_cents for top_up in wallet.top_ups},
    }


def note_json(balance_cents: int) -> dict[str, Any]:
    status = "available" if balance_cents else "consumed"
    return {"balance_amount_cents": balance_cents, "credit_status": status}


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


def _order(fee: Mapping[str, Any]) -> tuple[Any, ...]:
    """Stored fees as the vectors list them."""
    place = fee.get("charge_filter") or {}
    return (
        fee["fee_type"],
        fee["subscription"],
        fee.get("charge_code") or fee.get("fixed_charge_code") or "",
        bool(fee.get("true_up")),
        place.get("position", -1) if place else float("inf"),
        [(value is not None, value or "") for _, value in sorted((fee.get("grouped_by") or {}).items())],
        fee["units"],
        fee.get("events_count") or 0,
        fee["amount_cents"],
    )


AREAS: dict[str, Callable[[Case], Mapping[str, Any]]] = dict.fromkeys(
    (
        "aggregations",
        "charge_filters",
        "consolidated_invoices",
        "draft_finalize",
        "fixed_charges",
        "invoice_e2e",
        "commitments",
        "percentage_transactions",
        "subscription_proration",
        "wallet_credits",
    ),
    timeline,
)
