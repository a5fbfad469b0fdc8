"""What this version knows of Lago's enumerations and kinds of text, field by field. Pure.

An unknown value is never taken for a known one: the record that has it is refused by name (``unknown_interval``). Types
of fees and of invoices are not in ``WORDS``: they are refused where they are moved and compared, and all else is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo, available_timezones

from mappings.phrases import Phrase, Told
from mappings.text import shown

Check = Callable[[str], Phrase | None]  # what is wrong with a text; None: nothing

INVOICE_TYPES = frozenset({"subscription", "one_off", "credit", "add_on", "advance_charges", "progressive_billing"})

_ZONES = available_timezones()
_HOLLOW = re.compile(r"\s*\Z")
_CURRENCY = re.compile(r"[A-Za-z]{3}", re.ASCII)

WORDS: Mapping[str, tuple[str, frozenset[str]]] = {
    name: (reason, frozenset(words.split()))
    for name, reason, words in (
        ("Plan.interval", "unknown_interval", "weekly monthly quarterly semiannual yearly"),
        (
            "Charge.charge_model",
            "unknown_charge_model",
            "standard graduated package percentage volume graduated_percentage custom dynamic",
        ),
        ("FixedCharge.charge_model", "unknown_charge_model", "standard graduated volume"),
        (
            "BillableMetric.aggregation_type",
            "unknown_aggregation",
            "count_agg sum_agg max_agg unique_count_agg weighted_sum_agg latest_agg custom_agg",
        ),
        ("BillableMetric.rounding_function", "unknown_rounding", "round ceil floor"),
        ("BillableMetric.weighted_interval", "unknown_interval", "seconds"),
        ("Subscription.status", "unknown_subscription_status", "pending active terminated canceled incomplete"),
        ("Subscription.billing_time", "unknown_billing_time", "calendar anniversary"),
        ("Subscription.on_termination_credit_note", "unknown_termination", "credit skip refund offset"),
        ("Subscription.on_termination_invoice", "unknown_termination", "generate skip"),
        ("Coupon.coupon_type", "unknown_coupon_type", "fixed_amount percentage"),
        ("Coupon.frequency", "unknown_frequency", "once recurring forever"),
        ("AppliedCoupon.frequency", "unknown_frequency", "once recurring forever"),
        ("AppliedCoupon.status", "unknown_coupon_status", "active terminated"),
        ("Invoice.status", "unknown_invoice_status", "draft finalized voided failed pending"),
        ("Invoice.payment_status", "unknown_payment_status", "pending succeeded failed"),
        ("CreditNote.credit_status", "unknown_credit_status", "available consumed voided"),
        ("CreditNote.refund_status", "unknown_refund_status", "pending succeeded failed"),
        ("Wallet.status", "unknown_wallet_status", "active terminated"),
        ("WalletTransaction.transaction_type", "unknown_transaction_type", "inbound outbound"),
        (
            "PaymentTerm.term_type",
            "unknown_payment_term",
            "due_on_receipt net end_of_month net_end_of_month days_end_of_month day_of_month",
        ),
        ("Customer.finalize_zero_amount_invoice", "unknown_finalize_option", "inherit skip finalize"),
    )
}


def _zone(text: str) -> Phrase | None:
    """An IANA name that this machine's table has, and that can be read."""
    if text not in _ZONES:
        return Told.UNKNOWN_ZONE.of(shown(text))
    try:
        ZoneInfo(text)
    except (OSError, ValueError):
        return Told.UNREADABLE_ZONE.of(shown(text))
    return None


def is_currency(text: str) -> bool:
    """By its form; whether Odoo has it is known where it is asked."""
    return _CURRENCY.fullmatch(text) is not None


def _currency(text: str) -> Phrase | None:
    return None if is_currency(text) else Told.IS_NO_CURRENCY.of(shown(text))


def _identity(text: str) -> Phrase | None:
    return Told.IS_EMPTY.of(shown(text)) if _HOLLOW.match(text) else None


_CURRENCY_FIELDS = (
    "Plan.amount_currency",
    "AddOn.amount_currency",
    "Invoice.currency",
    "CreditNote.currency",
    "Wallet.currency",
    "Fee.amount_currency",
    "Payment.amount_currency",
    "Coupon.amount_currency",
    "AppliedCoupon.amount_currency",
    "Subscription.plan_amount_currency",
    "Customer.currency",
    "Subscription.currency",
)
_IDENTITY_FIELDS = (
    "Customer.external_id",
    "Subscription.external_id",
    "Plan.code",
    "BillableMetric.code",
    "Coupon.code",
    "AddOn.code",
    "Tax.code",
    "BillingEntity.code",
)

FORMS: Mapping[str, tuple[str, Check]] = {
    "Customer.applicable_timezone": ("unknown_time_zone", _zone),
    "BillingEntity.timezone": ("unknown_time_zone", _zone),
    **dict.fromkeys(_CURRENCY_FIELDS, ("unknown_currency", _currency)),
    **dict.fromkeys(_IDENTITY_FIELDS, ("value_missing", _identity)),
}


def check_of(place: str) -> tuple[str, Check] | None:
    """``Plan.interval`` -> the reason's name, and what says of a text whether it is known."""
    if place in WORDS:
        reason, words = WORDS[place]
        return reason, lambda text: None if text in words else Told.NOT_KNOWN.of(shown(text))
    if place in FORMS:
        return FORMS[place]
    return ("value_missing", _identity) if place.endswith(".lago_id") else None
