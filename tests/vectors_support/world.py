"""The world of a timeline vector: subscriptions, coupons, wallets and events, billed step by step by our code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from mappings import period
from mappings.records import Event, FixedCharge, Tax
from reconcile.billed import LineKey
from reconcile.rating.bill import Bill, FeeLine, bill
from reconcile.rating.commitment import commitment_fee, committed_days, committed_period
from reconcile.rating.coupons import HeldCoupon
from reconcile.rating.demand import Carry, ChargeWindow
from reconcile.rating.fees import ChargeFee
from reconcile.rating.fixed_charges import FixedFee, UnitsChange, advance_fee, fixed_fee, units_in, without_paid
from reconcile.rating.subscription_fee import FeeHistory, PlanPrice, subscription_fee
from reconcile.rating.taxes import applicable
from reconcile.rating.wallets import PrepaidWallet
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.occasions import Occasion, has_base_fee, has_charges, in_month_of_base_fee
from tests.vectors_support.calendar import moment
from tests.vectors_support.charges import charge_fee_json, charge_record, event_records, metric_record
from tests.vectors_support.invoices import held_coupon, prepaid_wallet, taxes_applied_to, taxes_by_code
from tests.vectors_support.one_charge import charge_fees

Raw = Mapping[str, Any]


@dataclass(eq=False)
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


@dataclass(eq=False)
class Covered:
    """A subscription on an invoice."""

    sub: Sub
    reason: str
    at: datetime
    boundaries: period.Boundaries
    lines: list[Made] = field(default_factory=list)
    fixed_in_advance_only: bool = False
    given_lines: list[Made] | None = None


@dataclass(frozen=True)
class Made:
    """A line and what else the vectors show of its fee."""

    line: FeeLine
    json: dict[str, Any]


@dataclass
class Invoice:
    at: datetime
    covered: list[Covered]
    bill: Bill
    lines: tuple[Made, ...] = ()
    note_balances: tuple[int, ...] = ()
    in_advance: bool = False
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
        self.wallets: list[PrepaidWallet] = [prepaid_wallet(raw) for raw in given.get("wallets") or ()]
        self.units: dict[tuple[str, str], list[UnitsChange]] = {}
        self.fixed_paid: dict[tuple[str, str, datetime], tuple[Decimal, int]] = {}
        self.drafts: dict[str, list[Covered]] = {}
        self.note_balances: list[int] = [raw["credit_amount_cents"] for raw in given.get("credit_notes") or ()]
        self.invoices: list[Invoice] = []
        self.premium: bool = given.get("premium", True)
        self.only_external_id: str = given["subscriptions"][0]["external_id"]
        self.events: list[Event] = list(event_records(given.get("events") or (), self.only_external_id))
        self._source: EventSource | None = None
        self.deleted_metrics: set[str] = set()
        self.carries: dict[tuple[str, str, str], Carry] = {}
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
        for fixed in sub.plan.get("fixed_charges") or ():
            first = UnitsChange(
                units=Decimal(fixed["units"]),
                effective_at=started_at + timedelta(seconds=1),
                created_at=started_at,
            )
            self.units[(key, fixed["code"])] = [first]
        self.subs[key] = sub
        return sub

    def run(self) -> None:
        try:
            for step in self.given["timeline"]:
                getattr(self, f"do_{step['do']}")(step)
        finally:
            self.close()

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
        invoice = self.issue(at, covered, draft=self.grace)
        if self.grace:
            invoice.status = "draft"
            self.drafts[step["invoice"]] = covered

    def do_refresh(self, step: Raw) -> None:
        invoice = self.issue(moment(step["at"]), self.drafts[step["invoice"]], draft=True, step="refresh")
        invoice.status = "draft"

    def do_finalize(self, step: Raw) -> None:
        invoice = self.issue(moment(step["at"]), self.drafts[step["invoice"]], step="finalize")
        invoice.status = "finalized"

    def do_coupon(self, step: Raw) -> None:
        self.coupons.append(held_coupon({"amount_currency": self.currency, **step["coupon"]}))

    def issue(self, at: datetime, covered: list[Covered], *, draft: bool = False, step: str = "bill") -> Invoice:
        for one in covered:
            if one not in one.sub.billed:
                one.sub.billed.append(one)
            one.lines = list(self.lines(one))
            if one.reason != "in_advance_charge":
                one.lines.extend(self.commitment_lines(one))
        lines = tuple(made for one in covered for made in one.lines)
        made = bill(
            [one.line for one in lines],
            self.currency,
            coupons=self.coupons,
            wallets=self.wallets,
            credit_notes=self.note_balances,
            draft=draft,
        )
        self.use(made)
        invoice = Invoice(
            at=at, covered=covered, bill=made, lines=lines, note_balances=tuple(self.note_balances), step=step
        )
        self.invoices.append(invoice)
        return invoice

    def use(self, made: Bill) -> None:
        """What an invoice took from coupons, wallets and credit notes."""
        self.coupons, self.wallets = list(made.coupons.held), list(made.prepaid.wallets)
        for credit in made.coupons.credits:
            self.credited[credit.code] = self.credited.get(credit.code, 0) + credit.cents
        used = made.credit_notes or (0,) * len(self.note_balances)
        self.note_balances = [balance - cents for balance, cents in zip(self.note_balances, used, strict=True)]

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
        earlier = [old for old in sub.billed if old is not one and old.reason != "in_advance_charge"]
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
            starts=one.reason == "subscription_starting",
            base_fee_moments=tuple(old.at for old in earlier if _has(old, "subscription")),
        )

    def lines(self, one: Covered) -> Iterable[Made]:
        if one.given_lines is not None:
            yield from one.given_lines
            return
        if one.fixed_in_advance_only:
            yield from self.fixed_lines(one)
            return
        occasion = self.occasion(one)
        if has_base_fee(occasion):
            yield self.base_line(one, occasion)
        if has_charges(occasion):
            for raw in one.sub.plan.get("charges") or ():
                yield from self.charge_lines(one, raw)
        yield from self.fixed_lines(one)

    def commitment_lines(self, one: Covered) -> Iterable[Made]:
        """The minimum commitment, once the other fees of the invoice are known."""
        raw, occasion = one.sub.plan.get("minimum_commitment"), self.occasion(one)
        if not raw or not in_month_of_base_fee(occasion):
            return
        contract = occasion.contract
        ends = contract.terminated_by(one.at)
        paid_before = [old for old in one.sub.billed if old is not one and _has(old, "subscription")]
        asked = committed_period(
            one.boundaries.subscription,
            [old.boundaries.subscription for old in paid_before],
            in_advance=contract.pay_in_advance,
        )
        if asked is None or (contract.pay_in_advance and not ends and occasion.is_first_invoice):
            return
        period_of = paid_before[-1] if contract.pay_in_advance else one
        days_of = one if ends else period_of
        days, duration = committed_days(contract, days_of.boundaries.subscription)
        fees = [made.line for old in one.sub.billed for made in old.lines if _in_period(old, made.line, period_of)]
        found = commitment_fee(
            raw["amount_cents"],
            days,
            duration,
            sum(line.amount_cents for line in fees),
            sum((line.precise_cents for line in fees), Decimal(0)),
        )
        if found is None:
            return
        line = FeeLine(
            key=LineKey(one.sub.key, "commitment", one.sub.plan["code"]),
            plan_code=one.sub.plan["code"],
            amount_cents=found.amount_cents,
            precise_cents=found.precise_cents,
            units=Decimal(1),
            taxes=self.taxes(raw.get("tax_codes"), one.sub.plan.get("tax_codes")),
            steps=found.steps(self.currency),
        )
        yield Made(line, {"unit_amount_cents": found.amount_cents, "precise_unit_amount": None})

    def fixed_lines(self, one: Covered) -> Iterable[Made]:
        """Fixed charges of the period just closed, and in advance those of the period that runs."""
        sub, found = one.sub, one.boundaries
        contract = sub.contract(self.timezone)
        running = period.boundaries(contract, one.at, current_usage=True)
        for raw in sub.plan.get("fixed_charges") or ():
            in_advance = raw["pay_in_advance"]
            if in_advance and sub.terminated_at:
                continue
            boundaries = running if in_advance else found
            window = boundaries.fixed_charges
            if window is None or (window.start >= window.end):
                continue
            if (one.fixed_in_advance_only or _only_starts(one)) and not in_advance:
                continue
            charge, changes = fixed_charge_record(raw), self.units[(sub.key, raw["code"])]
            days = boundaries.fixed_charges_days
            if one.fixed_in_advance_only:
                units = units_in(changes, window)
                fee = advance_fee(charge, Decimal(0), units, window.start, window, days, self.currency)
            else:
                fee = fixed_fee(charge, changes, window, days, self.timezone, self.currency)
            if in_advance and raw["prorated"]:
                fee = self.less_paid(one, raw, fee, window, days)
            if in_advance:
                self.fixed_paid[(sub.key, raw["code"], window.start)] = (fee.units, fee.money.amount_cents)
            if fee.is_stored or one.fixed_in_advance_only:
                yield _fixed_made(one, raw, fee, window, self.taxes(raw.get("tax_codes"), sub.plan.get("tax_codes")))

    def less_paid(self, one: Covered, raw: Raw, fee: FixedFee, window: period.Window, days: int) -> FixedFee:
        """What the plan before an upgrade was paid in advance for the same add-on in the same period."""
        sub = one.sub
        if sub.previous is None or window.start != sub.started_at:
            return fee
        codes = [old["code"] for old in sub.previous.plan["fixed_charges"] if old["add_on_code"] == raw["add_on_code"]]
        paid = [
            cents
            for (key, code, start), (_, cents) in self.fixed_paid.items()
            if key == sub.previous.key and code in codes and start <= window.start
        ]
        if not paid:
            return fee
        left = period.days_between(window.start, window.end, self.timezone)
        return without_paid(fee, paid[-1], left, days)

    def do_bill_in_advance_fixed_charges(self, step: Raw) -> None:
        at, sub = moment(step["at"]), self.subs[step["subscription"]]
        one = self.cover(sub, "in_advance_charge", at)
        one.fixed_in_advance_only = True
        if list(self.fixed_lines(one)):
            self.issue_in_advance(at, one, step["do"])

    def do_update_fixed_charge(self, step: Raw) -> None:
        at, units = moment(step["at"]), Decimal(step["units"])
        plan = self.plans[step["plan_code"]]
        raw = next(one for one in plan["fixed_charges"] if one["code"] == step["code"])
        for sub in self.subs.values():
            if sub.plan is not plan or sub.terminated_at:
                continue
            contract = sub.contract(self.timezone)
            running = period.boundaries(contract, at, current_usage=True)
            window = running.fixed_charges
            assert window is not None
            effective = at if step["apply_units_immediately"] else window.end + timedelta(microseconds=1)
            changes = self.units[(sub.key, step["code"])]
            if max(changes, key=lambda one: one.created_at).units == units:
                continue
            changes.append(UnitsChange(units=units, effective_at=effective, created_at=at))
            if raw["pay_in_advance"] and step["apply_units_immediately"]:
                self.bill_increase(sub, raw, at, units, window, running.fixed_charges_days, step["do"])

    def bill_increase(
        self, sub: Sub, raw: Raw, at: datetime, units: Decimal, window: period.Window, days: int, step: str
    ) -> None:
        place = (sub.key, raw["code"], window.start)
        paid, _ = self.fixed_paid.get(place, (Decimal(0), 0))
        fee = advance_fee(fixed_charge_record(raw), paid, units, at, window, days, self.currency)
        self.fixed_paid[place] = (max(units, paid), 0)
        one = self.cover(sub, "in_advance_charge", at)
        taxes = self.taxes(raw.get("tax_codes"), sub.plan.get("tax_codes"))
        one.given_lines = [_fixed_made(one, raw, fee, window, taxes)]
        self.issue_in_advance(at, one, step)

    def issue_in_advance(self, at: datetime, one: Covered, step: str) -> None:
        invoice = self.issue(at, [one], step=step)
        invoice.in_advance, invoice.status = True, "finalized"

    def charge_lines(self, one: Covered, raw: Raw) -> Iterable[Made]:
        metric, charge = metric_record(raw["billable_metric"]), charge_record(raw)
        place = (one.sub.external_id, one.sub.plan["code"], charge.code or "")
        window = self.charge_window(one, self.carries.get(place) or _history(one))
        if metric.code in self.deleted_metrics:
            return
        fees = charge_fees(window, charge, metric, self.source(), premium=self.premium)
        if metric.recurring and metric.aggregation_type == "weighted_sum_agg":
            self.carries[place] = Carry(
                until=window.charges_to, since=window.charges_from, known_until=one.at, earlier=window.carry
            )
        taxes = self.taxes(raw.get("tax_codes"), one.sub.plan.get("tax_codes"))
        for fee in fees:
            shown = charge_fee_json(fee)
            if fee.true_up and fee.true_up_parent is not None:
                shown |= {"total_aggregated_units": 1, "amount_details": fees[fee.true_up_parent].amount_details}
            yield Made(_charge_line(one, raw, fee, taxes), shown)

    def charge_window(self, one: Covered, carry: Carry | None) -> ChargeWindow:
        sub, usage = one.sub, one.boundaries.charges
        assert usage is not None
        contract = sub.contract(self.timezone)
        following = sub.following.plan.get("charges") or () if sub.following else ()
        return ChargeWindow(
            external_subscription_id=sub.external_id,
            charges_from=usage.start,
            charges_to=usage.end,
            charges_duration=one.boundaries.charges_days,
            currency=self.currency,
            timezone=self.timezone,
            terminated=sub.terminated_at is not None,
            terminated_by_upgrade=sub.terminated_at is not None and contract.upgraded,
            next_metrics=frozenset(charge["billable_metric"]["code"] for charge in following),
            carry=carry,
        )

    def source(self) -> EventSource:
        """The events known now."""
        if self._source is None:
            self._source = EventSource.from_events(self.events)
        return self._source

    def close(self) -> None:
        if self._source is not None:
            self._source.close()
            self._source = None

    def do_events(self, step: Raw) -> None:
        received_at = moment(step["at"])
        sent = event_records(step["events"], self.only_external_id)
        self.events.extend(replace(event, created_at=received_at) for event in sent)
        self.close()

    def do_delete_metric(self, step: Raw) -> None:
        self.deleted_metrics.add(step["code"])

    def base_line(self, one: Covered, occasion: Occasion) -> Made:
        sub = one.sub
        fee = subscription_fee(
            occasion.contract,
            PlanPrice(amount_cents=sub.plan["amount_cents"], trial_days=sub.trial_days),
            one.boundaries.subscription,
            one.at,
            FeeHistory(
                created_at=sub.created_at,
                initial_started_at=occasion.initial_started_at,
                has_earlier_fee=bool(occasion.base_fee_moments),
                has_previous=occasion.has_previous,
                previous_upgraded=occasion.previous_upgraded,
                is_first_invoice=occasion.is_first_invoice,
            ),
        )
        line = FeeLine(
            key=LineKey(sub.key, "subscription", sub.plan["code"]),
            plan_code=sub.plan["code"],
            amount_cents=fee.amount_cents,
            precise_cents=fee.precise_cents,
            units=Decimal(1),
            taxes=self.taxes(sub.plan.get("tax_codes")),
            steps=fee.steps(self.currency),
        )
        return Made(line, {"unit_amount_cents": fee.amount_cents, "precise_unit_amount": None})

    def taxes(self, *codes: Sequence[str] | None) -> tuple[Tax, ...]:
        raw = self.given.get("taxes") or []
        by_code = taxes_by_code(raw)
        own = [[by_code[code] for code in some or ()] for some in codes]
        return applicable(*own, taxes_applied_to(raw, "customer"), taxes_applied_to(raw, "billing_entity"))


def _history(one: Covered) -> Carry | None:
    """A recurring weighted sum that was never billed goes on from the subscription that this one replaced."""
    usage = one.boundaries.charges
    if one.sub.previous is None or usage is None:
        return None
    return Carry(until=usage.start - timedelta(seconds=1))


def _only_starts(one: Covered) -> bool:
    """A plan in arrears on a starting invoice: only its in-advance fixed charges are billed."""
    return one.reason == "subscription_starting" and not one.sub.plan.get("pay_in_advance")


def _fixed_made(one: Covered, raw: Raw, fee: FixedFee, window: period.Window, taxes: tuple[Tax, ...]) -> Made:
    line = FeeLine(
        key=LineKey(one.sub.key, "fixed_charge", raw["code"]),
        plan_code=one.sub.plan["code"],
        amount_cents=fee.money.amount_cents,
        precise_cents=fee.money.precise_amount_cents,
        units=fee.units,
        taxes=taxes,
        steps=fee.steps,
    )
    shown = {
        "unit_amount_cents": fee.money.unit_amount_cents,
        "precise_unit_amount": fee.money.precise_unit_amount,
        "amount_details": fee.amount_details,
        "fixed_charge_code": raw["code"],
        "total_aggregated_units": fee.units,
        "fixed_charges_from_datetime": window.start,
        "fixed_charges_to_datetime": window.end,
        "pay_in_advance": raw["pay_in_advance"],
    }
    return Made(line, shown)


def fixed_charge_record(raw: Raw) -> FixedCharge:
    return FixedCharge(
        lago_id=raw["code"],
        code=raw["code"],
        lago_add_on_id=raw["add_on_code"],
        add_on_code=raw["add_on_code"],
        charge_model=raw["charge_model"],
        units=Decimal(raw["units"]),
        properties=raw["properties"],
        pay_in_advance=raw["pay_in_advance"],
        prorated=raw["prorated"],
    )


def _charge_line(one: Covered, raw: Raw, fee: ChargeFee, taxes: tuple[Tax, ...]) -> FeeLine:
    return FeeLine(
        key=LineKey(
            subscription=one.sub.key,
            kind="true_up" if fee.true_up else "charge",
            item=raw["code"],
            filter=fee.filter.lago_id if fee.filter else "",
            group=tuple((key, value or "") for key, value in fee.grouped_by),
        ),
        plan_code=one.sub.plan["code"],
        metric_code=raw["billable_metric"]["code"],
        amount_cents=fee.amount_cents,
        precise_cents=fee.precise_amount_cents,
        units=fee.units,
        events=fee.events_count,
        taxes=taxes,
        steps=fee.steps,
    )


def _in_period(old: Covered, line: FeeLine, period_of: Covered) -> bool:
    """Whether a fee counts towards the period that the base fee of ``period_of`` covers."""
    window = period_of.boundaries.subscription
    if line.key.kind == "commitment":
        return False
    if line.key.kind == "subscription":
        return old.boundaries.subscription.start == window.start
    usage = old.boundaries.charges
    return usage is not None and window.start <= usage.start and usage.end <= window.end


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
