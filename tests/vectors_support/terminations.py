"""Area termination_credit_notes: bill as usual, pay, terminate, and look at the credit note."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from mappings.money import round_half_up
from reconcile.rating.bill import BilledFee
from reconcile.rating.termination_credit import PaidFee, TerminationCredit, termination_credit
from tests.vectors_support.calendar import moment
from tests.vectors_support.world import Invoice, Sub, World, from_first_set

Case = dict[str, Any]
PAID: dict[str, Callable[[int], int]] = {
    "none": lambda _: 0,
    "half": lambda total: total // 2,
    "full": lambda total: total,
}


def termination(case: Case) -> Mapping[str, Any]:
    given = case["input"]
    world = World(from_first_set(given))
    world.run()
    sub, invoice = world.subs["subscription"], world.invoices[-1]
    paid = PAID[given["paid"]](invoice.bill.total_cents)
    credit = _credit(world, sub, given, paid)
    return {
        "invoice": {
            "total_amount_cents": invoice.bill.total_cents,
            "fees_amount_cents": invoice.bill.fees_cents,
            "coupons_amount_cents": invoice.bill.coupons.total_cents,
            "taxes_amount_cents": invoice.bill.taxed.amount_cents,
            "paid_amount_cents": paid,
        },
        "credit_note": credit and credit_json(credit),
    }


def _credit(world: World, sub: Sub, given: Mapping[str, Any], paid: int) -> TerminationCredit | None:
    found = _last_base_fee(world)
    if found is None:
        return None
    invoice, fee = found
    at = moment(given["terminated_at"])
    sub.terminated_at = at
    ends_at = sub.started_at + timedelta(days=float(sub.trial_days)) if sub.trial_days else None
    return termination_credit(
        sub.contract(world.timezone),
        PaidFee(
            amount_cents=fee.line.amount_cents,
            plan_amount_cents=sub.plan["amount_cents"],
            from_datetime=invoice.covered[0].boundaries.subscription.start,
            coupons_cents=fee.coupons_cents,
            taxes=fee.line.taxes,
            invoice_total_cents=invoice.bill.total_cents,
            invoice_paid_cents=paid,
        ),
        at,
        mode=given["on_termination"],
        upgrade=given["upgrade"],
        trial_ends_at=ends_at,
    )


def _last_base_fee(world: World) -> tuple[Invoice, BilledFee] | None:
    found = [
        (invoice, fee) for invoice in world.invoices for fee in invoice.bill.fees if fee.line.key.kind == "subscription"
    ]
    return found[-1] if found else None


def credit_json(credit: TerminationCredit) -> dict[str, Any]:
    return {
        "total_amount_cents": credit.total_cents,
        "credit_amount_cents": credit.credit_cents,
        "refund_amount_cents": credit.refund_cents,
        "offset_amount_cents": credit.offset_cents,
        "balance_amount_cents": credit.credit_cents,
        "taxes_amount_cents": credit.taxes_cents,
        "precise_taxes_amount_cents": credit.taxes_precise,
        "taxes_rate": credit.taxes_rate,
        "coupons_adjustment_amount_cents": credit.coupons_cents,
        "precise_coupons_adjustment_amount_cents": credit.coupons_precise,
        "precise_total_amount_cents": credit.total_precise,
        "sub_total_excluding_taxes_amount_cents": credit.net_cents,
        "items": [{"amount_cents": _cents(credit.item_precise), "precise_amount_cents": credit.item_precise}],
    }


def _cents(precise: Decimal) -> int:
    return int(round_half_up(precise))


AREAS: dict[str, Callable[[Case], Mapping[str, Any]]] = {"termination_credit_notes": termination}
