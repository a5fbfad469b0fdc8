"""A life through the addon's own rating: rows of Odoo made of its requests, and each invoice rated from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from mappings.records import Charge, Fee, FixedCharge, Invoice, Subscription
from tests.addon.plain import inputs, moments, rating, rows
from tests.addon.shapes import Row, units
from tests.timelines.documents import Documents
from tests.timelines.life import UNITS_CHANGED, Life, moment

Key = tuple[Any, ...]
HOURS = (0, 1, 6, 12, 18)  # of Lago's schedulers, where a case does not say
FINALISED = timedelta(minutes=20)
RATED = ("subscription", "charge", "commitment", "fixed_charge")
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@dataclass(frozen=True)
class Rated:
    """An invoice of Lago's, and what the rating makes of its billings."""

    invoice: Invoice
    event: str  # of a charge in advance
    lines: Sequence[Row]
    refusals: Sequence[str]

    @property
    def missing(self) -> Counter[Key]:
        """Fees that the rating does not have."""
        return self._fees - self._rated

    @property
    def extra(self) -> Counter[Key]:
        """Lines that Lago did not make."""
        return self._rated - self._fees

    @property
    def outcome(self) -> str:
        if not self.refusals and not self.missing and not self.extra:
            return "equal"
        return "refused" if self.refusals and not self.extra else "differs"

    @property
    def _fees(self) -> Counter[Key]:
        return Counter(fee_key(fee, self.event) for fee in self.invoice.fees if fee.item.type in RATED)

    @property
    def _rated(self) -> Counter[Key]:
        return Counter(map(line_key, self.lines))


@dataclass(frozen=True)
class AddonLife:
    """``papers``: what Lago made of it, which says when it billed."""

    life: Life

    @cached_property
    def papers(self) -> Documents:
        return Documents(self.life)

    @cached_property
    def usage(self) -> list[Row]:
        """In order of arrival."""
        return [
            {
                "external_subscription_id": event.external_subscription_id,
                "code": event.code,
                "timestamp": event.timestamp,
                "transaction_id": event.transaction_id,
                "properties": event.properties,
                "precise_total_amount_cents": event.precise_total_amount_cents,
                "received_at": event.created_at,
            }
            for event in self.life.events
        ]

    @cached_property
    def metrics(self) -> dict[str, Row]:
        return {
            metric.code: {
                "code": metric.code,
                "aggregation": metric.aggregation_type,
                "field_name": metric.field_name or "",
                "recurring": metric.recurring,
                "rounding_function": metric.rounding_function,
                "rounding_precision": metric.rounding_precision or 0,
                "has_rounding_precision": metric.rounding_precision is not None,
                "filters": [{"key": each.key, "values": list(each.values)} for each in metric.filters],
            }
            for metric in self.life.snapshot.billable_metrics
        }

    @cached_property
    def event_of(self) -> dict[str, str]:
        """Invoice of a charge in advance -> the event that made it; some cases do not name it, they come in order."""
        named, waiting = dict[str, str](), dict[tuple[datetime, str], list[str]]()
        for event in self.life.events:
            waiting.setdefault((event.created_at, event.code), []).append(event.transaction_id)
        for invoice in self.papers.invoices:
            for fee in invoice.fees:
                if not any(period.invoicing_reason == "in_advance_charge" for period in invoice.billing_periods):
                    continue
                left = waiting.get((invoice.created_at, fee.item.code or ""), [])
                name = fee.event_transaction_id or (left[0] if left else "")
                if name in left:
                    left.remove(name)
                named[invoice.lago_id] = name
        return named

    def invoices(self) -> Iterator[Rated]:
        """Each invoice of subscriptions, in the order in which Lago made them."""
        billed: dict[str, list[Any]] = {}
        for invoice in self.papers.invoices:
            periods = [period for period in invoice.billing_periods if period.lago_subscription_id]
            if not periods or invoice.invoice_type != "subscription":
                continue
            found = [self.bill(invoice, period, billed) for period in periods]
            yield Rated(
                invoice,
                self.event_of.get(invoice.lago_id, ""),
                [line for each in found for line in each["lines"]],
                [told["reason"] for each in found for told in each["refusals"]],
            )

    def bill(self, invoice: Invoice, period: Any, billed: dict[str, list[Any]]) -> Row:
        number, reason = self.billed_number(invoice, period), period.invoicing_reason
        sub = self.life.subscriptions[number]
        fixed = any(fee.item.type == "fixed_charge" for fee in invoice.fees)
        if reason == "in_advance_charge" and fixed and invoice.created_at - sub.started_at <= MINUTE:
            reason = "subscription_starting"  # a start that is billed for its fixed charges alone
        before = billed.setdefault(sub.lago_id, [])
        found = rating.bill(
            self.order(number),
            self.charges(number),
            self.metrics,
            self.usage,
            self.billed_at(invoice, sub, reason),
            reason,
            billed=list(before),
            known_until=max(invoice.created_at, self.finalised_at(invoice)) + SECOND,
            event=self.event_of.get(invoice.lago_id, ""),
        )
        mine = period.lago_subscription_id
        fee = any(fee.item.type == "subscription" and fee.lago_subscription_id == mine for fee in invoice.fees)
        if reason != "in_advance_charge":
            before.append(rows.Billed(self.billed_at(invoice, sub, reason), reason, fee))
        for line in found["lines"]:
            line["key"]["subscription"] = mine
        return found

    def billed_number(self, invoice: Invoice, period: Any) -> int:
        """Which subscription a period is of; of one that had ended and was made anew, the new one."""
        subs = self.life.subscriptions
        number = next(place for place, each in enumerate(subs) if each.lago_id == period.lago_subscription_id)
        for place, other in enumerate(subs[number + 1 :], number + 1):
            ended = subs[number].terminated_at
            anew = (other.external_id, other.plan_code) == (subs[number].external_id, subs[number].plan_code)
            if anew and ended and other.started_at and ended + MINUTE < invoice.created_at >= other.started_at:
                return place
        return number

    def finalised_at(self, invoice: Invoice) -> datetime:
        """When a draft took its last usage: at the first run of Lago's schedulers on the day of its issue."""
        days = self.life.customer.billing_configuration.invoice_grace_period
        if not days:
            return invoice.created_at
        midnight = moments.day_start(invoice.issuing_date, moments.zone(self.life.customer.applicable_timezone))
        hours = self.life.case["source"].get("schedulers_utc_hours") or HOURS
        runs = (midnight.replace(minute=0) + timedelta(hours=hour) for hour in range(26))
        return next(run + FINALISED for run in runs if run + FINALISED >= midnight and run.hour in hours)

    def billed_at(self, invoice: Invoice, sub: Subscription, reason: str) -> datetime:
        if reason == "subscription_starting" and sub.started_at and invoice.created_at - sub.started_at <= MINUTE:
            return sub.started_at
        if reason in ("subscription_terminating", "upgrading") and sub.terminated_at:
            return sub.terminated_at
        return invoice.created_at

    # rows

    def order(self, number: int) -> Row:
        row = self._with_previous(number)
        sub = self.life.subscriptions[number]
        if sub.next_plan_code:
            following = self.life.subscriptions[number + 1]
            codes = [charge.billable_metric_code for charge in following.plan.charges]
            row["next"] = {**self._alone(number + 1), "metric_codes": codes}
        row["earlier"] = [
            self._with_previous(place)
            for place, other in enumerate(self.life.subscriptions[:number])
            if other.external_id == sub.external_id and other.plan_code == sub.plan_code and other.terminated_at
        ]
        return row

    def _with_previous(self, number: int) -> Row:
        sub = self.life.subscriptions[number]
        return {**self._alone(number), "previous": self._with_previous(number - 1) if sub.previous_plan_code else None}

    def _alone(self, number: int) -> Row:
        sub = self.life.subscriptions[number]
        plan, currency = sub.plan, self.life.currency
        least = plan.minimum_commitment
        return {
            "fusion_lago_id": sub.lago_id,
            "fusion_external_id": sub.external_id,
            "fusion_plan_code": plan.code,
            "plan_lago_id": plan.lago_id,
            "fusion_interval": plan.interval,
            "fusion_billing_time": sub.billing_time,
            "fusion_anchor": sub.subscription_at,
            "fusion_started_at": sub.started_at,
            "fusion_ended_at": sub.terminated_at,
            "fusion_created_at": sub.created_at,
            "fusion_trial_days": str(plan.trial_period or ""),
            "fusion_pay_in_advance": plan.pay_in_advance,
            "fusion_bill_charges_monthly": plan.bill_charges_monthly,
            "fusion_bill_fixed_charges_monthly": plan.bill_fixed_charges_monthly,
            "fusion_plan_amount": units(plan.amount_cents, currency),
            "fusion_commitment": units(least.amount_cents, currency) if least else "",
            "fusion_timezone": self.life.customer.applicable_timezone,
            "currency": currency,
        }

    def charges(self, number: int) -> list[Row]:
        plan = self.life.subscriptions[number].plan
        return [*map(self._charge, plan.charges), *(self._fixed(number, charge) for charge in plan.fixed_charges)]

    def _charge(self, charge: Charge) -> Row:
        return {
            "fusion_lago_id": charge.lago_id,
            "code": charge.code,
            "kind": "usage",
            "metric": charge.billable_metric_code,
            "charge_model": charge.charge_model,
            "properties": charge.properties,
            "filters": [
                {
                    "lago_id": each.lago_id,
                    "values": {k: list(v) for k, v in each.values.items()},
                    "properties": each.properties,
                }
                for each in charge.filters
            ],
            "pay_in_advance": charge.pay_in_advance,
            "prorated": charge.prorated,
            "invoiceable": charge.invoiceable,
            "min_amount": units(charge.min_amount_cents, self.life.currency) if charge.min_amount_cents else "",
        }

    def _units(self, number: int, charge: FixedCharge) -> list[Row]:
        """How the units of a fixed charge changed in the subscription's life, as the requests have it."""
        sub = self.life.subscriptions[number]
        plan = next(raw for raw in self.life.given["plans"] if raw["code"] == sub.plan_code)
        units = next(raw.get("units", "0") for raw in plan["fixed_charges"] if raw["code"] == charge.code)
        changes: list[Row] = [{"at": None, "units": str(units)}]
        for step in self.life.done(*UNITS_CHANGED):
            at = moment(step["at"])
            if step["code"] != charge.code or step.get("plan_code", sub.plan_code) != sub.plan_code:
                continue
            if at <= sub.started_at:
                changes[0]["units"] = str(step["units"])
                continue
            at = at if step.get("apply_units_immediately", True) else self._next_fixed_period(number, at)
            changes.append({"at": at, "units": str(step["units"])})
        return changes

    def _next_fixed_period(self, number: int, at: datetime) -> datetime:
        sub = inputs.read_order(self._alone(number)).sub
        calendar = sub.monthly if sub.may_split and sub.fixed_monthly else sub.calendar
        return moments.day_start(calendar.following(calendar.start(moments.local_date(at, sub.tz))), sub.tz)

    def _fixed(self, number: int, charge: FixedCharge) -> Row:
        return {
            "fusion_lago_id": charge.lago_id,
            "code": charge.code,
            "kind": "fixed",
            "charge_model": charge.charge_model,
            "properties": charge.properties,
            "pay_in_advance": charge.pay_in_advance,
            "prorated": charge.prorated,
            "units": str(charge.units),
            "unit_events": self._units(number, charge),
        }


def fee_key(fee: Fee, event: str = "") -> Key:
    grouped = sorted((name, value or "") for name, value in (fee.item.grouped_by or {}).items())
    return (
        "true_up" if fee.lago_true_up_parent_fee_id else fee.item.type,
        fee.lago_subscription_id,
        fee.lago_charge_id or fee.lago_fixed_charge_id or "",
        fee.lago_charge_filter_id or "",
        tuple(grouped),
        event if fee.item.type == "charge" else "",
        fee.amount_cents,
        Decimal(fee.units),
        fee.events_count or 0,
    )


def line_key(line: Row) -> Key:
    key = line["key"]
    item = key["item"] if key["kind"] in ("charge", "fixed_charge", "true_up") else ""
    return (
        key["kind"],
        key["subscription"],
        item,
        key["filter"],
        tuple(tuple(pair) for pair in key["group"]),
        key["event"],
        line["amount_cents"],
        Decimal(line["units"]),
        line["events"],
    )
