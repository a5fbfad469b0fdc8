"""An invoice of ours in the shape of the vectors, and the small parts (taxes, coupons) read from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from mappings.money import CONTEXT, from_subunits, to_subunits
from mappings.records import Tax
from reconcile.rating.bill import Bill, BilledFee
from reconcile.rating.coupons import HeldCoupon
from reconcile.rating.taxes import Taxed
from reconcile.rating.wallets import PrepaidWallet, TopUp, credits_of

Raw = Mapping[str, Any]


def cents_of(credits: Decimal, wallet: PrepaidWallet) -> int:
    """What credits of a wallet are worth."""
    return to_subunits(CONTEXT.multiply(credits, wallet.rate_amount), wallet.currency)


def taxes_by_code(taxes: Iterable[Raw]) -> dict[str, Tax]:
    return {
        tax["code"]: Tax(lago_id=tax["code"], code=tax["code"], name=tax["code"], rate=Decimal(tax["rate"]))
        for tax in taxes
    }


def taxes_applied_to(taxes: Iterable[Raw], holder: str) -> tuple[Tax, ...]:
    """Taxes of ``holder``: customer | billing_entity."""
    taxes = list(taxes)
    by_code = taxes_by_code(taxes)
    return tuple(by_code[tax["code"]] for tax in taxes if holder in tax["applied_to"])


def held_coupon(raw: Raw) -> HeldCoupon:
    rate = raw.get("percentage_rate")
    return HeldCoupon(
        code=raw["code"],
        coupon_type=raw["coupon_type"],
        frequency=raw["frequency"],
        amount_cents=raw.get("amount_cents"),
        currency=raw.get("amount_currency"),
        rate=None if rate is None else Decimal(rate),
        remaining_periods=raw.get("frequency_duration"),
        plan_codes=_codes(raw, "plan_codes"),
        metric_codes=_codes(raw, "billable_metric_codes"),
    )


def prepaid_wallet(raw: Raw) -> PrepaidWallet:
    """A wallet with its paid credits settled; granted ones are used up first."""
    scope = raw.get("applies_to") or {}
    empty = PrepaidWallet(
        code=raw["code"],
        currency=raw["currency"],
        rate_amount=Decimal(raw["rate_amount"]),
        balance_cents=0,
        priority=raw.get("priority") or 50,
        fee_types=tuple(scope.get("fee_types") or ()),
        metric_codes=tuple(scope.get("billable_metric_codes") or ()),
    )
    credits = (("granted", raw.get("granted_credits")), ("purchased", raw.get("paid_credits")))
    top_ups = tuple(
        TopUp(source=source, remaining_cents=cents_of(Decimal(amount), empty)) for source, amount in credits if amount
    )
    return replace(
        empty,
        top_ups=top_ups,
        balance_cents=sum(one.remaining_cents for one in top_ups),
        credits_balance=sum((credits_of(one.remaining_cents, empty) for one in top_ups), Decimal(0)),
    )


def _codes(raw: Raw, name: str) -> tuple[str, ...] | None:
    return tuple(raw[name]) if raw.get(name) else None


def header(bill: Bill) -> dict[str, Any]:
    return {
        "fees_amount_cents": bill.fees_cents,
        "coupons_amount_cents": bill.coupons.total_cents,
        "sub_total_excluding_taxes_amount_cents": bill.net_cents,
        "taxes_rate": bill.taxed.rate,
        "taxes_amount_cents": bill.taxed.amount_cents,
        "sub_total_including_taxes_amount_cents": bill.gross_cents,
        "total_amount_cents": bill.total_cents,
        "applied_taxes": [
            {
                "tax_code": tax.code,
                "tax_rate": tax.rate,
                "amount_cents": tax.amount_cents,
                "fees_amount_cents": tax.fees_cents,
            }
            for tax in sorted(bill.taxed.taxes, key=lambda tax: tax.code)
        ],
    }


def fee_taxes_json(fee: BilledFee) -> dict[str, Any]:
    taxed: Taxed = fee.taxed
    return {
        "precise_coupons_amount_cents": fee.coupons_cents,
        "taxes_rate": taxed.rate,
        "taxes_amount_cents": taxed.amount_cents,
        "taxes_precise_amount_cents": taxed.precise_cents,
        "applied_taxes": [
            {
                "tax_code": tax.code,
                "tax_rate": tax.rate,
                "amount_cents": tax.amount_cents,
                "precise_amount_cents": tax.precise_cents,
            }
            for tax in sorted(taxed.taxes, key=lambda tax: tax.code)
        ],
    }


def coupon_credits_json(bill: Bill) -> list[dict[str, Any]]:
    """In the order the coupons are held, whatever the order of their use."""
    order = [coupon.code for coupon in bill.coupons.held]
    credits = sorted(bill.coupons.credits, key=lambda credit: order.index(credit.code))
    return [{"coupon_code": credit.code, "amount_cents": credit.cents} for credit in credits]


def applied_coupons_json(held: Sequence[HeldCoupon], credited: Mapping[str, int]) -> list[dict[str, Any]]:
    return [
        {
            "code": coupon.code,
            "status": "terminated" if coupon.ended else "active",
            "frequency_duration_remaining": coupon.remaining_periods,
            "credited_amount_cents": credited.get(coupon.code, 0),
        }
        for coupon in held
    ]


def _paid_by(bill: Bill, source: str) -> int | None:
    """Cents paid by top-ups of one source; None if none was used."""
    amounts = [cents for drawn in bill.prepaid.draws for kind, cents in drawn.consumed if kind == source]
    return sum(amounts) if amounts else None


def prepaid_json(bill: Bill, currency: str) -> dict[str, Any]:
    return {
        "prepaid_credit_amount_cents": bill.prepaid.total_cents,
        "prepaid_granted_credit_amount_cents": _paid_by(bill, "granted"),
        "prepaid_purchased_credit_amount_cents": _paid_by(bill, "purchased"),
        "wallet_transactions": [
            {
                "wallet": one.wallet,
                "amount": from_subunits(one.amount_cents, currency),
                "credit_amount": one.credits,
                "consumptions": [{"inbound": source, "consumed_amount_cents": cents} for source, cents in one.consumed],
            }
            for one in sorted(bill.prepaid.draws, key=lambda one: one.wallet)
        ],
    }
