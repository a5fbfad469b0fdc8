"""The events of one bucket and group, and which of them count."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from mappings.records import BillableMetric, Json
from reconcile.rating.aggregation import Group
from reconcile.rating.demand import ChargeWindow, Demand
from reconcile.rating.pg_numeric import numeric
from reconcile.rating.rules import LATEST, Rules
from reconcile.rating.tiers import ZERO


@dataclass(frozen=True, slots=True)
class Use:
    """One event as an aggregation sees it. ``value`` is the property's text, ``json_type`` what it was in JSON."""

    moment: datetime  # aware, UTC
    value: str | None
    json_type: str | None = "VARCHAR"
    operation: str | None = None
    cents: Decimal | None = None
    received: datetime | None = None

    @property
    def adds(self) -> bool:
        """Whether it adds its value to the distinct ones (else it removes it)."""
        return (self.operation or "add") == "add"


@dataclass(frozen=True, slots=True)
class Start:
    """Where a weighted sum starts. ``rows``: how many starting rows Lago's query has for the group (facts §5.6)."""

    level: Decimal = ZERO
    rows: int = 1


NOTHING = Start()


@dataclass(frozen=True, slots=True)
class EventScope:
    """The events of one bucket and group, by time.

    ``uses``: all up to the end of the window, with their history. ``listed``: the ones Lago's per-event queries see,
    which differs for blank and numeric group values (facts §5.6). ``properties`` are the bucket's prices;
    ``grouped``: they have pricing groups.
    """

    demand: Demand
    properties: Json
    uses: tuple[Use, ...]
    listed: tuple[Use, ...]
    grouped: bool
    group: Group = ()
    in_advance: bool = False
    null_group: bool = False  # a group value is null (not blank): Lago's queries do not find it equal to itself
    twin: bool = False  # another group of the bucket looks the same: blank beside null
    start_level: Start = NOTHING  # weighted sum
    rules: Rules = LATEST

    @property
    def metric(self) -> BillableMetric:
        return self.demand.metric

    @property
    def window(self) -> ChargeWindow:
        return self.demand.window

    @property
    def start(self) -> datetime:
        """Lago's lower bound is cut to the millisecond."""
        start = self.window.charges_from
        return start.replace(microsecond=start.microsecond // 1000 * 1000)

    def is_within(self, use: Use) -> bool:
        return self.start <= use.moment

    def is_billed(self, use: Use) -> bool:
        """What counts: all history for recurring metrics, else the window."""
        return self.metric.recurring or self.is_within(use)

    def within(self, uses: Iterable[Use]) -> tuple[Use, ...]:
        return tuple(use for use in uses if self.is_within(use))

    def billed(self, uses: Iterable[Use]) -> tuple[Use, ...]:
        return tuple(use for use in uses if self.is_billed(use))


def numbers_of(uses: Iterable[Use]) -> tuple[Decimal, ...]:
    """The uses' values that are numbers."""
    return tuple(value for use in uses if (value := numeric(use.value, use.json_type)) is not None)
