"""One life: a case of the timelines, read into the snapshot and the events that an extract would give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from mappings.decode import decode
from mappings.records import Customer, Event, Organization, Plan, Snapshot, Subscription
from tests.timelines import catalog

Raw = Mapping[str, Any]
CUSTOMER = "customer"
_MOMENT = timedelta(seconds=2)  # between the end of a plan and the start of the next one
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)  # milliseconds taken for seconds
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNITS_CHANGED = ("fixed_units_plan", "fixed_units_subscription")


@dataclass(frozen=True)
class Life:
    """A case; what Lago refused has no effect."""

    case: Raw

    @cached_property
    def given(self) -> Raw:
        raw: Raw = self.case["input"]
        return raw

    @cached_property
    def expected(self) -> Raw:
        raw: Raw = self.case["expected"]
        return raw

    @cached_property
    def currency(self) -> str:
        return str(self.given.get("customer", {}).get("currency") or "CAD")

    @cached_property
    def steps(self) -> tuple[Raw, ...]:
        """The requests that had an effect, in order."""
        refused = Counter((error["at"], error["do"]) for error in self.expected.get("api_errors") or ())
        kept = []
        for step in self.given["timeline"]:
            if refused[step["at"], step["do"]]:
                refused[step["at"], step["do"]] -= 1
            else:
                kept.append(step)
        return tuple(kept)

    def done(self, *kinds: str) -> Iterator[Raw]:
        return (step for step in self.steps if step["do"] in kinds)

    @cached_property
    def snapshot(self) -> Snapshot:
        """All but the documents, which ``documents`` adds."""
        return Snapshot(
            lago_version=self.case["lago_version"],
            organization=Organization(lago_id="organization", default_currency="CAD", timezone="UTC"),
            taken_at=max(moment(raw) for raw in self._times) + timedelta(days=1),
            taxes=catalog.taxes(),
            billable_metrics=catalog.metrics(),
            plans=tuple(self.plans.values()),
            coupons=tuple(catalog.coupon(raw, self.currency) for raw in self.coupons.values()),
            customers=(self.customer,),
            subscriptions=self.subscriptions,
        )

    @property
    def _times(self) -> Iterator[str]:
        yield from (step["at"] for step in self.given["timeline"])
        yield from (invoice["created_at"] for invoice in self.expected["invoices"])

    @cached_property
    def customer(self) -> Customer:
        raw = self.given.get("customer", {})
        grace = {"invoice_grace_period": raw.get("invoice_grace_period")}
        return decode(
            Customer,
            {
                "lago_id": CUSTOMER,
                "external_id": CUSTOMER,
                "currency": self.currency,
                "timezone": raw.get("timezone"),
                "applicable_timezone": raw.get("timezone") or "UTC",
                "billing_configuration": grace,
                "taxes": catalog.taxes_of(self.given.get("taxes")),
            },
            "customers",
        )

    @cached_property
    def plans(self) -> Mapping[str, Plan]:
        """As the catalog has them at the end: with the units that were set last."""
        return {raw["code"]: self._plan(raw, "fixed_units_plan") for raw in self.given["plans"]}

    def _plan(self, raw: Raw, *changes: str) -> Plan:
        units = {step["code"]: step["units"] for step in self.done(*changes) if step["plan_code"] == raw["code"]}
        charges = [{**c, "units": units.get(c["code"], c.get("units"))} for c in raw.get("fixed_charges") or ()]
        return catalog.plan({**raw, "fixed_charges": charges}, self.currency)

    @cached_property
    def coupons(self) -> Mapping[str, Raw]:
        """What is offered; some areas share three."""
        return {raw["code"]: raw for raw in (*catalog.SHARED_COUPONS, *(self.given.get("coupons") or ()))}

    @cached_property
    def subscriptions(self) -> tuple[Subscription, ...]:
        raws = self.expected["subscriptions"]
        starts: dict[str, list[Raw]] = {}
        for step in self.done("subscribe"):
            starts.setdefault(step["plan_code"], []).append(step)
        return tuple(self._subscription(raws, index, starts[raw["plan_code"]]) for index, raw in enumerate(raws))

    def _subscription(self, raws: Sequence[Raw], index: int, starts: list[Raw]) -> Subscription:
        raw, step = raws[index], starts.pop(0) if len(starts) > 1 else starts[0]
        before = raws[index - 1] if index and _replaces(raws[index - 1], raw) else None
        after = raws[index + 1] if index + 1 < len(raws) and _replaces(raw, raws[index + 1]) else None
        record = decode(
            Subscription,
            {
                **{name: zoned(value) or None if name.endswith("_at") else value for name, value in raw.items()},
                "lago_id": f"subscription-{index}",
                "lago_customer_id": CUSTOMER,
                "external_customer_id": CUSTOMER,
                "billing_time": step["billing_time"],
                "created_at": step["at"],
                "previous_plan_code": before and before["plan_code"],
                "next_plan_code": after and after["plan_code"],
            },
            "subscriptions",
        )
        plan = next(plan for plan in self.given["plans"] if plan["code"] == raw["plan_code"])
        page = self._plan(plan, *UNITS_CHANGED)
        return replace(record, plan=page, fixed_charges=page.fixed_charges)

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """Those that Lago took; a transaction once in a subscription."""
        taken: dict[str, Event] = {}
        for step in self.done("events", "event"):
            for raw in step["events"]:
                taken.setdefault(raw["transaction_id"], _event(raw, moment(step["at"])))
        return tuple(taken.values())


def _replaces(before: Raw, after: Raw) -> bool:
    """Whether ``after`` is the plan change of ``before``: one ends when the other starts, or waits for it.

    The same plan again is a subscription made anew.
    """
    if before["plan_code"] == after["plan_code"]:
        return False
    if after["status"] == "pending":
        return before["status"] == "active"
    ended, started = before.get("terminated_at"), after.get("started_at")
    return bool(ended and started) and abs(moment(ended) - moment(started)) <= _MOMENT


def _event(raw: Raw, received_at: datetime) -> Event:
    properties = {name: value for name, value in (raw.get("properties") or {}).items() if value is not None}
    total = raw.get("precise_total_amount_cents")
    return Event(
        transaction_id=raw["transaction_id"],
        external_subscription_id=raw.get("external_subscription_id", "sub"),
        code=raw["code"],
        timestamp=_sent_at(raw.get("timestamp")) or received_at,
        created_at=received_at,
        properties=properties,
        precise_total_amount_cents=None if total is None else Decimal(str(total)),
    )


def _sent_at(value: object) -> datetime | None:
    """Seconds since 1970 with any number of decimals, cut to microseconds; None if it is not a number.

    Some areas write the time that was sent.
    """
    if isinstance(value, str) and value.endswith("Z"):
        return moment(value)
    try:
        micros = int(Decimal(str(value).strip()) * 1_000_000)
        return _EPOCH + timedelta(microseconds=micros)
    except InvalidOperation:
        return None
    except OverflowError:
        return _NEVER


def zoned(text: str | None) -> str | None:
    """Times of Lago's are UTC; some cases leave the zone out."""
    return text if not text or text.endswith("Z") or "+" in text else f"{text}Z"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(zoned(text) or text)
