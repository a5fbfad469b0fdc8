"""The world of a timeline vector: subscriptions, coupons, wallets and events, billed step by step by our code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from mappings import period
from mappings.records import Tax
from reconcile.bill import Bill, Line, bill
from reconcile.coupons import HeldCoupon
from reconcile.lines import LineKey
from reconcile.parts import Occasion, has_base_fee
from reconcile.subscription_fee import History, PlanPrice, subscription_fee
from reconcile.taxes import applicable
from reconcile.wallets import PrepaidWallet
from tests.vectors_support.calendar import moment
from tests.vectors_support.invoices import held_coupon, taxes_applied_to, taxes_by_code

Raw = Mapping[str, Any]


@dataclass
class Sub:
    """One subscription of the timeline, with what was billed for it so far."""

    key: str
    external_id: str
    plan: Raw
    billing_time: str
    subscription_at: datetime
    started_at: datetime
    created_at: datetime
    previous: Sub | None = None
    following: Sub | None = None
    terminated_at: datetime | None = None
    billed: list[Covered] = field(default_factory=list)

    @property
    def trial_days(self) -> Decimal:
        return Decimal(self.plan.get("trial_period") or 0)

    @property
    def yearly_cents(self) -> int:
        return period.yearly_cents(self.plan["interval"], self.plan["amount_cents"])

    def contract(self, timezone: str) -> period.Contract:
        return period.Contract(
            interval=self.plan["interval"],
            anniversary=self.billing_time == "anniversary",
            pay_in_advance=bool(self.plan.get("pay_in_advance")),
            timezone=timezone,
            subscription_at=self.subscription_at,
            started_at=self.started_at,
            terminated_at=self.terminated_at,
            charges_monthly=bool(self.plan.get("bill_charges_monthly")),
            fixed_charges_monthly=bool(self.plan.get("bill_fixed_charges_monthly")),
            yearly_cents=self.yearly_cents,
            next_yearly_cents=self.following.yearly_cents if self.following else None,
        )

    def initial_started_at(self) -> datetime:
        return self.previous.initial_started_at() if self.previous else self.started_at


@dataclass
class Covered:
    """A subscription on an invoice."""

    sub: Sub
    reason: str
    at: datetime
    boundaries: period.Boundaries
    lines: list[Made] = field(default_factory=list)


@dataclass(frozen=True)
class Made:
    """A line and what else the vectors show of its fee."""

    line: Line
    json: dict[str, Any]


@dataclass
class Invoice:
    at: datetime
    covered: list[Covered]
    bill: Bill
    step: str = "bill"
    status: str | None = None


class World:
    """State of one case. ``given`` is in the shape of the second set (plans, subscriptions, timeline)."""

    def __init__(self, given: Raw) -> None:
        self.given = given
        self.timezone: str = given["customer"]["applicable_timezone"]
        self.currency: str = given["currency"]
        self.grace: bool = bool(given["customer"].get("invoice_grace_period"))
        self.plans = {plan["code"]: dict(plan) for plan in given["plans"]}
        self.raw_subscriptions = {raw.get("key", raw["external_id"]): raw for raw in given["subscriptions"]}
        self.subs: dict[str, Sub] = {}
        self.coupons: list[HeldCoupon] = [
            held_coupon({"amount_currency": self.currency, **raw}) for raw in given.get("coupons") or ()
        ]
        self.credited: dict[str, int] = {}
        self.wallets: list[PrepaidWallet] = []
        self.invoices: list[Invoice] = []
        for key, raw in self.raw_subscriptions.items():
            if not raw.get("deferred"):
                self.start(key)

    def start(self, key: str, at: datetime | None = None) -> Sub:
        raw = self.raw_subscriptions[key]
        previous = self.subs.get(raw.get("previous_external_id_of") or "")
        started_at = at if at and "started_at" not in raw else moment(raw["started_at"])
        sub = Sub(
            key=key,
            external_id=raw["external_id"],
            plan=self.plans[raw["plan_code"]],
            billing_time=raw["billing_time"],
            subscription_at=moment(raw["subscription_at"]),
            started_at=started_at,
            created_at=moment(raw["created_at"]) if "created_at" in raw else started_at,
            previous=previous,
        )
        if previous:
            previous.following = sub
        self.subs[key] = sub
        return sub

    def run(self) -> None:
        for step in self.given["timeline"]:
            getattr(self, f"do_{step['do']}")(step)

    def do_terminate(self, step: Raw) -> None:
        self.subs[step["subscription"]].terminated_at = moment(step["at"])

    def do_start(self, step: Raw) -> None:
        self.start(step["subscription"], moment(step["at"]))

    def do_bill(self, step: Raw) -> None:
        at = moment(step["at"])
        for key in step.get("terminate") or ():
            self.subs[key].terminated_at = at
        for key in step.get("start") or ():
            self.start(key, at)
        covered = [self.cover(self.subs[key], step["invoicing_reason"], at) for key in step["subscriptions"]]
        self.issue(at, covered)

    def issue(self, at: datetime, covered: list[Covered]) -> None:
        for one in covered:
            one.sub.billed.append(one)
            one.lines.extend(self.lines(one))
        lines = [made.line for one in covered for made in one.lines]
        made = bill(lines, self.currency, coupons=self.coupons, wallets=self.wallets)
        self.coupons = list(made.coupons.held)
        for code, cents in made.coupons.credits:
            self.credited[code] = self.credited.get(code, 0) + cents
        self.invoices.append(Invoice(at=at, covered=covered, bill=made))

    def cover(self, sub: Sub, reason: str, at: datetime) -> Covered:
        contract = sub.contract(self.timezone)
        if reason == "upgrading":
            reason = "subscription_terminating" if sub.terminated_at else "subscription_starting"
        boundaries = period.boundaries(contract, at, current_usage=contract.terminated_by(at) and contract.upgraded)
        if reason == "subscription_terminating" and sub.following is None:
            final = period.final_boundaries(contract, at)
            if not any(one.boundaries == final for one in sub.billed if one.reason == "subscription_periodic"):
                boundaries = final
        return Covered(sub=sub, reason=reason, at=at, boundaries=boundaries)

    def occasion(self, one: Covered) -> Occasion:
        sub = one.sub
        earlier = [old for old in sub.billed if old is not one]
        return Occasion(
            contract=sub.contract(self.timezone),
            boundaries=one.boundaries,
            billing_at=one.at,
            invoice_created_at=one.at,
            created_at=sub.created_at,
            initial_started_at=sub.initial_started_at(),
            trial_days=sub.trial_days,
            has_previous=sub.previous is not None,
            previous_upgraded=bool(sub.previous and sub.previous.contract(self.timezone).upgraded),
            is_first_invoice=not earlier,
            base_fee_moments=tuple(old.at for old in earlier if _has(old, "subscription")),
        )

    def lines(self, one: Covered) -> Iterable[Made]:
        occasion = self.occasion(one)
        if has_base_fee(occasion):
            yield self.base_line(one, occasion)

    def base_line(self, one: Covered, occasion: Occasion) -> Made:
        sub = one.sub
        fee = subscription_fee(
            occasion.contract,
            PlanPrice(amount_cents=sub.plan["amount_cents"], trial_days=sub.trial_days),
            one.boundaries.subscription,
            one.at,
            History(
                created_at=sub.created_at,
                initial_started_at=occasion.initial_started_at,
                has_earlier_fee=bool(occasion.base_fee_moments),
                has_previous=occasion.has_previous,
                previous_upgraded=occasion.previous_upgraded,
                is_first_invoice=occasion.is_first_invoice,
            ),
        )
        line = Line(
            key=LineKey(sub.key, "subscription", sub.plan["code"]),
            plan_code=sub.plan["code"],
            amount_cents=fee.amount_cents,
            precise_cents=fee.precise_cents,
            units=Decimal(1),
            taxes=self.taxes(sub.plan.get("tax_codes")),
            steps=fee.steps,
        )
        return Made(line, {"unit_amount_cents": fee.amount_cents, "precise_unit_amount": None})

    def taxes(self, *codes: Sequence[str] | None) -> tuple[Tax, ...]:
        raw = self.given.get("taxes") or []
        by_code = taxes_by_code(raw)
        own = [[by_code[code] for code in some or ()] for some in codes]
        return applicable(*own, taxes_applied_to(raw, "customer"), taxes_applied_to(raw, "billing_entity"))


def _has(one: Covered, kind: str) -> bool:
    return any(made.line.key.kind == kind for made in one.lines)


def from_first_set(given: Raw) -> dict[str, Any]:
    """A case of the first set (plan, subscription, billing_runs) in the shape of the second one."""
    subscription = {**given["subscription"], "external_id": "subscription", "plan_code": "plan"}
    plans, subscriptions, timeline = [{**given["plan"], "code": "plan"}], [subscription], []
    for run in given["billing_runs"]:
        step = {"do": "bill", "at": run["at"], "invoicing_reason": run["invoicing_reason"]}
        step["subscriptions"] = run.get("bill") or ["subscription"]
        change = run.get("upgrade_to") or run.get("downgrade_to")
        if run.get("terminate") or change:
            step["terminate"] = ["subscription"]
        if change:
            step["start"] = ["next_subscription"]
            plans.append({**change["plan"], "code": "next_plan"})
            subscriptions.append(_successor(subscription, run["at"]))
        timeline.append(step)
    rest = {name: value for name, value in given.items() if name not in ("plan", "subscription", "billing_runs")}
    return {
        **rest,
        "currency": given["plan"]["amount_currency"],
        "plans": plans,
        "subscriptions": subscriptions,
        "timeline": timeline,
    }


def _successor(subscription: Raw, at: str) -> dict[str, Any]:
    return {
        **subscription,
        "key": "next_subscription",
        "plan_code": "next_plan",
        "deferred": True,
        "started_at": at,
        "created_at": at,
        "previous_external_id_of": "subscription",
    }
