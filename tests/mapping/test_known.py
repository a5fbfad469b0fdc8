"""Every enumeration of Lago's, field by field: a word that Lago adds tomorrow is refused under its own name."""

from __future__ import annotations

import importlib
from dataclasses import is_dataclass

import pytest

from mappings import records
from mappings.decode import _Bad, _plans
from mappings.known import WORDS

MODULES = ("catalog", "customers", "invoices", "raw")
# Written out, so that a row that goes from the table, or another name for it, is noticed: people waive by these.
REASONS = {
    "Plan.interval": "unknown_interval",
    "Charge.charge_model": "unknown_charge_model",
    "FixedCharge.charge_model": "unknown_charge_model",
    "BillableMetric.aggregation_type": "unknown_aggregation",
    "BillableMetric.rounding_function": "unknown_rounding",
    "BillableMetric.weighted_interval": "unknown_interval",
    "Subscription.status": "unknown_subscription_status",
    "Subscription.billing_time": "unknown_billing_time",
    "Subscription.on_termination_credit_note": "unknown_termination",
    "Subscription.on_termination_invoice": "unknown_termination",
    "Coupon.coupon_type": "unknown_coupon_type",
    "Coupon.frequency": "unknown_frequency",
    "AppliedCoupon.frequency": "unknown_frequency",
    "AppliedCoupon.status": "unknown_coupon_status",
    "Invoice.status": "unknown_invoice_status",
    "Invoice.payment_status": "unknown_payment_status",
    "CreditNote.credit_status": "unknown_credit_status",
    "CreditNote.refund_status": "unknown_refund_status",
    "Wallet.status": "unknown_wallet_status",
    "WalletTransaction.transaction_type": "unknown_transaction_type",
    "PaymentTerm.term_type": "unknown_payment_term",
    "Customer.finalize_zero_amount_invoice": "unknown_finalize_option",
}


def record_class(name: str) -> type[object]:
    """By its name, wherever it stands among the records."""
    rooms = [records, *(importlib.import_module(f"mappings.records.{room}") for room in MODULES)]
    found = next(cls for room in rooms if (cls := getattr(room, name, None)) is not None)
    assert is_dataclass(found)
    return found


def test_no_enumeration_is_without_its_name() -> None:
    assert {place: reason for place, (reason, _) in WORDS.items()} == REASONS


@pytest.mark.parametrize("place", REASONS)
def test_a_word_of_tomorrow_is_refused_and_every_known_one_is_read(place: str) -> None:
    cls, name = place.split(".")
    (field,) = (plan for plan in _plans(record_class(cls)) if plan.name == name)
    with pytest.raises(_Bad) as refused:
        field.convert("zz_of_tomorrow")
    assert refused.value.reason == REASONS[place]
    assert [field.convert(word) for word in sorted(WORDS[place][1])] == sorted(WORDS[place][1])
