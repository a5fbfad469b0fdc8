"""What a difference between Odoo's terms and Lago's is called: one table, path -> cause.

Pure. The first row whose pattern a path has gives the cause; a few rows look at the values too (a number with fewer
digits is a matter of precision, events are missing or there twice). Differences of one row and one cause in one place
are one fault: two edges of one tier, all the events that are not there. A field without a row of its own has that of
the record it stands in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from mappings.fields import decimal_of, loaded
from mappings.money import round_half_up, truncate
from mappings.text import json_text
from mappings.usage import UsageRow
from reconcile.causes.differences import Difference
from reconcile.rerate.counterfactual import ABSENT, Path


@dataclass(frozen=True, slots=True)
class OneCause:
    """Differences that one cause has in one place."""

    cause: str
    differences: Sequence[Difference]


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What else is known: Lago's usage, by transaction; how many decimals Odoo keeps of prices and of units."""

    lago: Mapping[str, UsageRow] = field(default_factory=dict)
    prices: frozenset[int] = frozenset()
    units: frozenset[int] = frozenset()


NOTHING_KNOWN = Around()
Naming = Callable[[Sequence[Difference], Around], Iterable[OneCause]]

EACH = "*"  # one step, whatever it is
REST = "..."  # any further steps, or none


@dataclass(frozen=True, slots=True)
class CauseRow:
    """``steps``: so many steps of a path tell faults apart (None: those before ``REST``).

    ``calendar``: the boundaries of invoices follow from it. ``header``: it moves coupons and taxes only, no line.
    """

    pattern: tuple[str | frozenset[str], ...]
    cause: str | Naming
    steps: int | None = None
    calendar: bool = False
    header: bool = False

    def has(self, path: Path) -> bool:
        pattern = self.pattern[:-1] if self.pattern[-1] == REST else self.pattern
        whole = len(path) >= len(pattern) if self.pattern[-1] == REST else len(path) == len(pattern)
        return whole and all(_fits(step, at) for step, at in zip(pattern, path, strict=False))

    def root(self, path: Path) -> Path:
        return path[: self.steps if self.steps is not None else len(self.pattern) - (self.pattern[-1] == REST)]


def _fits(step: str | frozenset[str], at: str | int) -> bool:
    return step == EACH or (at in step if isinstance(step, frozenset) else at == step)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFault:
    """Differences of one cause in one place (``root``)."""

    cause: str
    root: Path
    row: CauseRow
    differences: tuple[Difference, ...]


def faults(differences: Iterable[Difference], around: Around = NOTHING_KNOWN) -> Iterator[RecordFault]:
    """Differences by cause, put together where they are one fault."""
    together: dict[tuple[int, Path], list[Difference]] = defaultdict(list)
    for difference in differences:
        number, row = next((n, row) for n, row in enumerate(CAUSE_OF) if row.has(difference.path))
        together[number, row.root(difference.path)].append(difference)
    for (number, root), alike in together.items():
        row = CAUSE_OF[number]
        parts = [OneCause(row.cause, alike)] if isinstance(row.cause, str) else row.cause(alike, around)
        for part in parts:
            yield RecordFault(cause=part.cause, root=root, row=row, differences=tuple(part.differences))


# --- causes that depend on the values -----------------------------------------------------------------------------

MINIMA = frozenset({"per_transaction_min_amount"})
FREE = frozenset({"free_units", "free_units_per_events", "free_units_per_total_aggregation"})
GROUPS = frozenset({"pricing_group_keys", "grouped_by"})
TIER = frozenset({"from_value", "to_value"})


def each(name: Callable[[Difference, Around], str]) -> Naming:
    """Every difference has its own cause; those of one cause belong together."""

    def naming(alike: Sequence[Difference], around: Around) -> Iterable[OneCause]:
        by_cause: dict[str, list[Difference]] = defaultdict(list)
        for difference in alike:
            by_cause[name(difference, around)].append(difference)
        return [OneCause(cause, part) for cause, part in by_cause.items()]

    return naming


def price_of(difference: Difference, around: Around) -> str:
    """What a difference in the prices of a charge or a filter is called."""
    last = difference.path[-1]
    if GROUPS & set(difference.path):
        return "filter"
    if last in TIER or isinstance(difference.lago, list) or isinstance(difference.odoo, list):
        return "tier_edge"
    if last in FREE:
        return "free_units"
    if last in MINIMA:
        return "minimum"
    return "price_precision" if _is_cut(difference, around.prices) else "price"


def units_of(difference: Difference, around: Around) -> str:
    """The cause of units that differ: cut to Odoo's precision, too few, or too many."""
    if _is_cut(difference, around.units):
        return "quantity_precision"
    return "missing_usage" if (_number(difference.odoo) < _number(difference.lago)) else "extra_usage"


def _is_cut(difference: Difference, kept: Iterable[int]) -> bool:
    exact, cut = decimal_of(difference.lago), decimal_of(difference.odoo)
    return exact is not None and cut is not None and any(is_cut(exact, cut, digits) for digits in kept)


def is_cut(exact: Decimal, cut: Decimal, digits: int) -> bool:
    """Whether ``cut`` is ``exact`` with so many decimals: rounded half up, or cut off. Any shorter number is not."""
    return exact != cut and cut in (round_half_up(exact, digits), truncate(exact, digits))


MANY = 3  # prices of one order that are cut alike: nobody types them so


def cut_alike(differing: Iterable[Difference], odoos: Iterable[Decimal]) -> frozenset[int]:
    """Decimals that all prices of an order were cut to, where no setting says it. ``odoos``: all of Odoo's."""
    told = [(decimal_of(d.lago), decimal_of(d.odoo)) for d in differing if "properties" in d.path and _is_price(d.path)]
    pairs = {(exact, cut) for exact, cut in told if exact is not None and cut is not None}
    most = max(map(_decimals, odoos), default=0)
    alike = len(pairs) >= MANY and all(is_cut(exact, cut, most) for exact, cut in pairs)
    return frozenset((most,)) if alike else frozenset()


def prices_in(properties: object, path: Path = ()) -> Iterator[Decimal]:
    """All prices in the properties of a charge or a filter."""
    if isinstance(properties, Mapping | list):
        inside = properties.items() if isinstance(properties, Mapping) else enumerate(properties)
        for step, value in inside:
            yield from prices_in(value, (*path, step))
    elif _is_price(path) and (price := decimal_of(properties)) is not None:
        yield price


def _is_price(path: Path) -> bool:
    return not {path[-1]} & (TIER | FREE) and not GROUPS & set(path)


def _decimals(value: Decimal) -> int:
    return max(-int(value.normalize().as_tuple().exponent), 0)


def _number(value: object) -> Decimal:
    return decimal_of(value) or Decimal(0)


def carried(difference: Difference, _around: Around) -> str:
    """A coupon that one side has and the other has not."""
    return "coupon_missing" if difference.odoo is ABSENT else "coupon_extra"


def events(alike: Sequence[Difference], around: Around) -> Iterable[OneCause]:
    """Events that only one side has. One that repeats another of Lago's under another name is a copy.

    Where that other one is not in Odoo, it stands in its place, and counts once: both are one fault.
    """
    known = {_content(event) for event in around.lago.values()}
    gone: dict[object, list[Difference]] = defaultdict(list)
    by_cause: dict[str, list[Difference]] = {"missing_usage": [], "duplicate_events": [], "extra_usage": []}
    replaced: list[Difference] = []
    for difference in alike:
        if isinstance(difference.lago, UsageRow):
            gone[_content(difference.lago)].append(difference)
    for difference in alike:
        if isinstance(difference.odoo, UsageRow):
            content = _content(difference.odoo)
            if gone[content]:
                replaced += [difference, gone[content].pop()]
            else:
                by_cause["duplicate_events" if content in known else "extra_usage"].append(difference)
    by_cause["missing_usage"] = [difference for left in gone.values() for difference in left]
    parts = [OneCause(cause, part) for cause, part in by_cause.items() if part]
    return [*parts, OneCause("extra_usage", replaced)] if replaced else parts


def _content(event: UsageRow) -> tuple[object, ...]:
    return event.code, event.timestamp, json_text(loaded(event.properties) or {})


def shifts(alike: Sequence[Difference], _around: Around) -> Iterable[OneCause]:
    """The same shift of quarter hours on several events is a time zone (summer time makes two of them)."""
    by = [_moved(difference) for difference in alike]
    zone = all(not shift % timedelta(minutes=15) and abs(shift) <= timedelta(hours=14) for shift in by)
    cause = "time_zone" if zone and len(by) > 1 and len(set(by)) <= 2 else "period_boundary"
    return [OneCause(cause, alike)]


def _moved(difference: Difference) -> timedelta:
    lago, odoo = difference.lago, difference.odoo
    return odoo - lago if isinstance(lago, datetime) and isinstance(odoo, datetime) else timedelta(0)


def values(alike: Sequence[Difference], _around: Around) -> Iterable[OneCause]:
    """Events with other values: less is missing usage."""
    more = sum((_size(difference.odoo) - _size(difference.lago) for difference in alike), Decimal(0))
    return [OneCause("missing_usage" if more < 0 else "extra_usage", alike)]


def _size(text: object) -> Decimal:
    """The numbers of an event's properties, or its precise amount."""
    inside = loaded(text)
    return sum(map(_number, inside.values()), Decimal(0)) if isinstance(inside, Mapping) else _number(text)


# --- the table ----------------------------------------------------------------------------------------------------

PRICE = ("plan", frozenset({"charges", "fixed_charges"}), EACH)
CHARGE = ("plan", "charges", EACH)
FIXED_CHARGE = ("plan", "fixed_charges", EACH)
COUPON = ("coupons", EACH, "applied")
DATES = frozenset({"started_at", "terminated_at", "created_at"})
PERIODS = frozenset({"interval", "pay_in_advance", "bill_charges_monthly", "bill_fixed_charges_monthly"})
METRIC_OF = frozenset({"billable_metric_code", "lago_billable_metric_id"})
ROUNDING = frozenset({"rounding_function", "rounding_precision"})

CAUSE_OF: tuple[CauseRow, ...] = (
    # the order
    CauseRow(("customer", "applicable_timezone"), "time_zone", calendar=True),
    CauseRow(("subscription", "plan_amount_cents"), "price"),
    CauseRow(("subscription", frozenset({"subscription_at", "billing_time"})), "period_boundary", calendar=True),
    CauseRow(("subscription", DATES), "plan_change_date", calendar=True),
    CauseRow(("subscription", "previous_plan_code"), "previous_order", calendar=True),
    CauseRow(("subscription", "external_id"), "missing_usage"),
    CauseRow(("subscription", REST), "plan_change_date", steps=2),
    CauseRow(("plan", PERIODS), "period_boundary", calendar=True),
    CauseRow(("plan", "trial_period"), "trial", calendar=True),
    CauseRow(("plan", "minimum_commitment", REST), "minimum"),
    CauseRow(("plan", "code"), "coupon_limit", header=True),
    # its charges
    CauseRow(PRICE, "missing_line"),
    CauseRow((*PRICE, "charge_model"), "price"),
    CauseRow((*PRICE, "prorated"), "proration"),
    CauseRow((*PRICE, "properties", REST), each(price_of)),
    CauseRow((*FIXED_CHARGE, "units"), each(units_of)),
    CauseRow((*CHARGE, "min_amount_cents"), "minimum"),
    CauseRow((*CHARGE, METRIC_OF), "aggregation", steps=3),
    CauseRow((*CHARGE, "filters", EACH, "properties", REST), each(price_of)),
    CauseRow((*CHARGE, "filters", REST), "filter"),
    CauseRow((*PRICE, REST), "charge_terms", steps=4),
    CauseRow(("plan", REST), "charge_terms", steps=2),
    # what they measure
    CauseRow(("metrics", EACH, ROUNDING), "quantity_precision"),
    CauseRow(("metrics", EACH, "filters", REST), "filter"),
    CauseRow(("metrics", EACH, REST), "aggregation", steps=3),
    CauseRow(("usage", EACH), events, steps=1),
    CauseRow(("usage", EACH, "timestamp"), shifts, steps=1),
    CauseRow(("usage", EACH, "created_at"), "late_events", steps=1),
    CauseRow(("usage", EACH, frozenset({"properties", "precise_total_amount_cents"})), values, steps=1),
    CauseRow(("usage", EACH, REST), "missing_usage", steps=1),
    # coupons
    CauseRow(("coupons", EACH), each(carried), header=True),
    CauseRow((*COUPON, frozenset({"created_at", "terminated_at"})), "coupon_expired", header=True),
    CauseRow((*COUPON, "credits", REST), "coupon_limit", header=True),
    CauseRow((*COUPON, REST), "coupon_limit", steps=4, header=True),
    CauseRow(("coupons", EACH, "coupon", REST), "coupon_limit", steps=3, header=True),
)


def calendar_causes(rows: Sequence[CauseRow] = CAUSE_OF) -> frozenset[str]:
    """Causes that move the boundaries of a subscription: those of the rows from which boundaries follow."""
    return frozenset(row.cause for row in rows if row.calendar and isinstance(row.cause, str))
