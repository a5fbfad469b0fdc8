"""What rating needs of some orders, put together once: neighbours, plan and charges, metrics, coupons, usage, grace.

Who reads the rows is a ``Reader``: the ORM in Odoo, a store in what stands in for it. Nothing here knows either.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Protocol

from .coupon_uses import CouponUses, with_uses
from .inputs import started, units_since
from .moments import moment
from .rows import BillingRow, ChargeFields, ChargeRow, Empty, MetricRow, OrderFields, OrderRow, UsageRow

LOOK_BACK = timedelta(days=800)  # longer than any period: older usage matters to recurring metrics only
LATE_SECOND = timedelta(seconds=1)  # when an invoice became final is given in whole seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A product template that may be a price plan. ``charged``: charges hang on it."""

    id: int
    code: str
    name: str
    lago_id: str
    charged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldLine:
    """A line of an order that sells a product; ``plan``: the product's template."""

    order: int
    product: int
    taxes: tuple[int, ...]
    plan: Plan


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """Which usage: of these external ids and codes, from ``since`` on; of the ``recurring`` codes all that ever was."""

    external_ids: frozenset[str]
    codes: frozenset[str]
    recurring: frozenset[str]
    since: datetime


class Reader(Protocol):
    """Reads the rows of one company; those of another are never among them."""

    def orders(self, ids: Collection[int]) -> Iterable[OrderRow]: ...

    def ids_of_external(self, external_ids: Collection[str]) -> Iterable[int]:
        """All orders of these external ids."""

    def ids_replacing(self, ids: Collection[int]) -> Iterable[int]:
        """The orders that replace these."""

    def sold_lines(self, orders: Collection[int]) -> Iterable[SoldLine]:
        """Each order's lines that sell a product, in their order."""

    def charges(self, orders: Collection[int], plans: Collection[int]) -> Iterable[ChargeRow]:
        """Those of the orders, and those of the plans that belong to no order, in their order."""

    def metrics(self) -> Iterable[MetricRow]: ...

    def usage(self, query: UsageQuery) -> Iterable[UsageRow]:
        """In order of arrival."""

    def coupon_uses(self, partners: Collection[int]) -> CouponUses: ...

    def grace_days(self, accounts: Collection[int]) -> Mapping[int, int]:
        """Account -> days in which a draft still takes late usage, where there are any."""

    def product_taxes(self, order: int, product: int) -> Sequence[int]:
        """The product's taxes as the order's fiscal position maps them."""


def plan_position(plans: Sequence[Plan], plan_code: str) -> int:
    """Which of the lines that sell these is the order's price plan: charges or the code say so, else the first."""
    fitting = (place for place, plan in enumerate(plans) if plan.charged or (plan_code and plan.code == plan_code))
    return next(fitting, 0)


def plan_line(lines: Sequence[SoldLine], plan_code: str) -> SoldLine:
    return lines[plan_position([line.plan for line in lines], plan_code)]


class Gathered:
    """The rows of some orders of one company, and of all that rating them needs, read in a handful of queries.

    ``moments``: when they are billed (usage is read as far back as that needs); none: usage is not read.
    """

    def __init__(self, reader: Reader, ids: Collection[int], moments: Collection[datetime | str] = ()) -> None:
        self.reader = reader
        self.asked = tuple(dict.fromkeys(ids))
        self.orders = read_with_neighbours(reader, self.asked)
        self.following = {row["fusion_previous_order_id"] or 0: number for number, row in self.orders.items()}
        self.plan_lines = self._plan_lines()
        metrics = list(reader.metrics())
        self.metrics: dict[str, MetricRow] = {row["code"]: row for row in metrics}
        self._codes = {row["id"]: row["code"] for row in metrics}
        self._charges = self._charges_by_order()
        self._usage = self._usage_by_external(moments)
        self.refresh_coupons()

    def _plan_lines(self) -> dict[int, SoldLine]:
        """Order -> the line of its price plan, where it has one."""
        lines: dict[int, list[SoldLine]] = defaultdict(list)
        for line in self.reader.sold_lines(self.orders):
            lines[line.order].append(line)
        return {number: plan_line(rows, self._plan_code(number)) for number, rows in lines.items()}

    def _plan_code(self, number: int) -> str:
        return self.orders[number].get("fusion_plan_code") or ""

    def _charges_by_order(self) -> dict[int, list[ChargeRow]]:
        """An order's own charges replace those of its plan."""
        plans = {line.plan.id for line in self.plan_lines.values()}
        of_orders: dict[int, list[ChargeRow]] = defaultdict(list)
        of_plans: dict[int, list[ChargeRow]] = defaultdict(list)
        for row in self.reader.charges(self.orders, plans):
            owner, number = (of_orders, row["order_id"]) if row["order_id"] else (of_plans, row["plan_id"])
            owner[number or 0].append(row)
        return {
            number: of_orders.get(number) or (of_plans[line.plan.id] if (line := self.plan_lines.get(number)) else [])
            for number in self.orders
        }

    def _usage_by_external(self, moments: Collection[datetime | str]) -> dict[str, list[UsageRow]]:
        """External id -> its usage in order of arrival, whoever sent it."""
        by_external: dict[str, list[UsageRow]] = defaultdict(list)
        times = [at for given in moments if (at := moment(given))]
        if times:
            query = UsageQuery(
                external_ids=frozenset(external_ids(self.orders[number] for number in self.asked)),
                codes=frozenset(self.metrics),
                recurring=frozenset(code for code, row in self.metrics.items() if row.get("recurring")),
                since=min(times) - LOOK_BACK,
            )
            for row in self.reader.usage(query):
                by_external[row["external_subscription_id"]].append(row)
        return by_external

    def usage(self, number: int) -> list[UsageRow]:
        """What was sent for the order, in order of arrival: ids are each service's own."""
        row = self.orders[number]
        rows = self._usage.get(row.get("fusion_external_id") or "", [])
        return [event for event in rows if is_shared(row.get("fusion_service_id"), event.get("service_id"))]

    def refresh_coupons(self) -> None:
        """Read again what invoices took of the coupons: one made meanwhile took some more."""
        rows = [self.orders[number] for number in self.asked]
        partners = {row["partner_id"] for row in rows} | {row["partner_invoice_id"] or 0 for row in rows}
        self.coupon_uses = self.reader.coupon_uses(partners - {0})

    @cached_property
    def _grace(self) -> Mapping[int, int]:
        accounts = {self.orders[number]["fusion_account_id"] or 0 for number in self.asked}
        return self.reader.grace_days(accounts - {0})

    def grace(self, number: int) -> timedelta:
        return timedelta(days=self._grace.get(self.orders[number]["fusion_account_id"] or 0, 0))

    # one order

    def order(self, number: int) -> OrderRow:
        """The order as rating takes it, with its neighbours."""
        following = self.following.get(number)
        row = self._with_previous(number)
        if following:
            row["next"] = {**self._alone(following), "metric_codes": self.metric_codes(following)}
        row["earlier"] = [self._with_previous(other) for other in self._earlier(number)]
        return row

    def _alone(self, number: int) -> OrderRow:
        stored, line = self.orders[number], self.plan_lines.get(number)
        return {
            **stored,
            "plan_lago_id": line.plan.lago_id if line else "",
            "plan_name": line.plan.name if line else "",
            "fusion_coupons": with_uses(stored.get("fusion_coupons"), self.coupon_uses),
            "previous": None,
        }

    def _with_previous(self, number: int) -> OrderRow:
        row, previous = self._alone(number), self.orders[number]["fusion_previous_order_id"]
        row["previous"] = self._with_previous(previous) if previous and previous in self.orders else None
        return row

    def _earlier(self, number: int) -> list[int]:
        """Ended orders of the same external id on the same plan, oldest first."""
        row = self.orders[number]
        start = moment(row.get("fusion_started_at"))
        if not row.get("fusion_external_id") or start is None:
            return []
        found = [
            (begun, other)
            for other, before in self.orders.items()
            if other != number
            and before.get("fusion_external_id") == row.get("fusion_external_id")
            and is_shared(before.get("fusion_service_id"), row.get("fusion_service_id"))
            and (before.get("fusion_plan_code") or "") == self._plan_code(number)
            and before.get("fusion_ended_at")
            and (begun := moment(before.get("fusion_started_at")))
            and begun < start
        ]
        return [other for _begun, other in sorted(found)]

    # its charges

    def charges(self, number: int) -> list[ChargeRow]:
        return self._charges[number]

    def charge(self, number: int, lago_id: str) -> ChargeRow | None:
        """The charge that a billed line names."""
        return next((row for row in self.charges(number) if lago_id and charge_id(row) == lago_id), None)

    def metric_code(self, charge: ChargeRow) -> str:
        return self._codes.get(charge["metric_id"] or 0, "")

    def metric_codes(self, number: int) -> list[str]:
        return [code for charge in self.charges(number) if (code := self.metric_code(charge))]

    def product(self, number: int, charge: ChargeRow | None) -> int:
        """The product of a billed line: the charge's, else the plan's; 0: none."""
        line = self.plan_lines.get(number)
        return (charge["product_id"] if charge else 0) or (line.product if line else 0)

    def taxes(self, number: int, charge: ChargeRow | None = None) -> list[int]:
        """Those of the charge, else of the order's plan line, else of the product as the fiscal position maps them."""
        line = self.plan_lines.get(number)
        if charge and charge["tax_ids"]:
            return list(charge["tax_ids"])
        if line:
            return list(line.taxes)
        product = charge["product_id"] if charge else 0
        return list(self.reader.product_taxes(number, product)) if product else []

    # one billing

    def billing(self, number: int, at: datetime | str, reason: str, event: str = "") -> BillingRow:
        """One billing for ``bill_together``."""
        stored, charges, final = self.orders[number], self.charges(number), moment(at)
        return {
            "order": self.order(number),
            "charges": [self._charge_row(row, stored) for row in charges],
            "metrics": self.metrics,
            "usage": self.usage(number),
            "at": at,
            "reason": reason,
            "event": event,
            # what had arrived when the invoice became final
            "known_until": final + self.grace(number) + LATE_SECOND if final else None,
            "taxes": {"": self.taxes(number), **{charge_id(row): self.taxes(number, row) for row in charges}},
        }

    def _charge_row(self, charge: ChargeRow, order: OrderRow) -> ChargeRow:
        return {**charge, "metric": self.metric_code(charge), "unit_events": units_since(charge, started(order))}


def read_with_neighbours(reader: Reader, ids: Collection[int]) -> dict[int, OrderRow]:
    """The orders, all others of their external ids, those that replace any of them, and all that these replaced."""
    rows = {row["id"]: row for row in reader.orders(ids)}
    named = set(reader.ids_of_external(external_ids(rows.values())))
    more = named | set(reader.ids_replacing(named | rows.keys())) | previous_orders(rows.values())
    while more := more - rows.keys():
        rows |= {row["id"]: row for row in reader.orders(more)}
        more = previous_orders(rows.values())
    return rows


def is_shared(service: int | Empty, other: int | Empty) -> bool:
    """Do ids of the one mean the same as of the other? What is nobody's (it was entered in Odoo) is everybody's."""
    return not service or not other or service == other


def external_ids(rows: Iterable[OrderFields]) -> set[str]:
    return {external_id for row in rows if (external_id := row.get("fusion_external_id"))}


def previous_orders(rows: Iterable[OrderRow]) -> set[int]:
    return {previous for row in rows if (previous := row["fusion_previous_order_id"])}


def charge_id(row: ChargeFields) -> str:
    """The id under which lines name a charge."""
    return row.get("fusion_lago_id") or row.get("code") or ""
