"""Areas that start from given fees or boundaries: coupon_amount, coupons, taxes, subscription_fee."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from mappings.money import from_subunits
from mappings.period import Contract, Window, yearly_cents
from mappings.records import Tax
from reconcile.billed import LineKey
from reconcile.rating.bill import FeeLine, bill
from reconcile.rating.coupons import HeldCoupon, coupon_amount
from reconcile.rating.subscription_fee import FeeHistory, PlanPrice, subscription_fee
from reconcile.rating.taxes import applicable
from tests.vectors_support.calendar import moment
from tests.vectors_support.invoices import (
    applied_coupons_json,
    coupon_credits_json,
    fee_taxes_json,
    header,
    held_coupon,
    taxes_applied_to,
    taxes_by_code,
)

Case = dict[str, Any]


def coupon_amount_of(case: Case) -> Mapping[str, Any]:
    raw = case["input"]["applied_coupon"]
    coupon = held_coupon({"code": "coupon", **raw})
    used = raw.get("already_credited_amount_cents", 0)
    base = Decimal(case["input"]["base_amount_cents"])
    return {"amount_cents": coupon_amount(_with_use(coupon, used), base)}


def _with_use(coupon: HeldCoupon, used_cents: int) -> HeldCoupon:
    return replace(coupon, used_cents=used_cents)


def given_fees(case: Case) -> Mapping[str, Any]:
    """An invoice over given fees: areas taxes and coupons."""
    given = case["input"]
    coupons = [held_coupon(raw) for raw in given.get("coupons", ())]
    made = bill([_line(given, index) for index in range(len(given["fees"]))], given["currency"], coupons=coupons)
    return {
        **header(made),
        "fees": [
            {
                "fee_type": fee.line.fee_type,
                "charge_code": fee.line.key.item,
                "amount_cents": fee.line.amount_cents,
                "precise_amount_cents": fee.line.precise_cents,
                **fee_taxes_json(fee),
            }
            for fee in made.fees
        ],
        "credits": coupon_credits_json(made),
        "applied_coupons": applied_coupons_json(
            made.coupons.held, {credit.code: credit.cents for credit in made.coupons.credits}
        ),
    }


def _line(given: Mapping[str, Any], index: int) -> FeeLine:
    fee = given["fees"][index]
    plan = given[fee["subscription"]]
    charge = next((one for one in plan["charges"] if one["code"] == fee.get("charge_code")), None)
    kind = "charge" if charge else "subscription"
    return FeeLine(
        key=LineKey(fee["subscription"], kind, fee.get("charge_code", "")),
        plan_code=fee["subscription"],
        metric_code=charge and charge["billable_metric"]["code"],
        amount_cents=fee["amount_cents"],
        precise_cents=Decimal(fee.get("precise_amount_cents", fee["amount_cents"])),
        taxes=_taxes(given["taxes"], (charge or {}).get("tax_codes"), plan.get("tax_codes")),
    )


def _taxes(taxes: list[Mapping[str, Any]], charge: list[str] | None, plan: list[str] | None) -> tuple[Tax, ...]:
    by_code = taxes_by_code(taxes)
    return applicable(
        [by_code[code] for code in charge or ()],
        [by_code[code] for code in plan or ()],
        taxes_applied_to(taxes, "customer"),
        taxes_applied_to(taxes, "billing_entity"),
    )


def subscription_fee_of(case: Case) -> Mapping[str, Any]:
    given = case["input"]
    plan, subscription, following = given["plan"], given["subscription"], given.get("next_subscription")
    window = given["boundaries"]
    previous = given.get("previous_subscription")
    at = moment(window["timestamp"])
    terminated = subscription["terminated_at"] or (window["to_datetime"] if _is_terminated(subscription) else None)
    contract = Contract(
        interval=plan["interval"],
        anniversary=subscription["billing_time"] == "anniversary",
        pay_in_advance=plan["pay_in_advance"],
        timezone=given["customer"]["applicable_timezone"],
        subscription_at=moment(subscription["subscription_at"]),
        started_at=moment(subscription["started_at"]),
        terminated_at=moment(terminated) if terminated else None,
        yearly_cents=yearly_cents(plan["interval"], plan["amount_cents"]),
        next_yearly_cents=following and yearly_cents(following["plan"]["interval"], following["plan"]["amount_cents"]),
    )
    fee = subscription_fee(
        contract,
        PlanPrice(amount_cents=plan["amount_cents"], trial_days=Decimal(plan["trial_period"] or 0)),
        Window(moment(window["from_datetime"]), moment(window["to_datetime"])),
        at,
        FeeHistory(
            created_at=moment(subscription["created_at"]),
            initial_started_at=moment(subscription["initial_started_at"]),
            has_earlier_fee=given["earlier_subscription_fee_exists"],
            has_previous=previous is not None,
            previous_upgraded=bool(previous and previous["upgraded"]),
            is_first_invoice=given["subscription_invoices_count"] <= 1,
        ),
    )
    currency = plan["amount_currency"]
    return {
        "fee": {
            "amount_cents": fee.amount_cents,
            "precise_amount_cents": fee.precise_cents,
            "unit_amount_cents": fee.amount_cents,
            "precise_unit_amount": from_subunits(fee.amount_cents, currency),
            "units": Decimal(1),
        }
    }


def _is_terminated(subscription: Mapping[str, Any]) -> bool:
    return bool(subscription["status"] == "terminated")


AREAS: dict[str, Callable[[Case], Mapping[str, Any]]] = {
    "coupon_amount": coupon_amount_of,
    "coupons": given_fees,
    "taxes": given_fees,
    "subscription_fee": subscription_fee_of,
}
