"""Events of a demand -> units per bucket and pricing group (facts/lago-billing §5): which event counts where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from mappings.records import ChargeFilter, Json
from reconcile.rating.aggregate import aggregate_scope
from reconcile.rating.aggregation import Aggregation
from reconcile.rating.demand import Demand
from reconcile.rating.filters import DEFAULT, buckets_of, check_filters
from reconcile.rating.pg_numeric import numeric
from reconcile.rating.refusal import RerateRefused, in_range
from reconcile.rating.rules import LATEST, Rules
from reconcile.rating.scope import NOTHING, EventScope, Start, Use
from reconcile.rating.tiers import ZERO
from reconcile.rating.usage_keys import group_keys

Texts = tuple[str | None, ...]  # values of a bucket's group keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """One filter of a charge (None: the default bucket, or no filters) and its units, one entry per pricing group."""

    filter: ChargeFilter | None
    position: int | None  # of the filter; None for the default bucket
    properties: Json
    aggregations: tuple[Aggregation, ...]


@dataclass(frozen=True, slots=True)
class Picked:
    """An event with the texts (and JSON types) of the class's keys."""

    use: Use
    texts: tuple[str | None, ...]
    types: tuple[str | None, ...]
    transaction_id: str = ""
    position: tuple[object, ...] = ()  # sorts events as Lago received them


def text_keys(demand: Demand, rules: Rules = LATEST) -> tuple[str, ...]:
    """Keys of all filters and groups of a demand, sorted: the texts that its events are picked with."""
    keys = {*buckets_of(demand.charge, demand.metric, rules).keys}
    for properties in bucket_properties(demand):
        keys.update(group_keys(properties))
    return tuple(sorted(keys))


def bucket_properties(demand: Demand) -> Iterator[Json]:
    """The prices of every filter, then the charge's own (default bucket)."""
    yield from (charge_filter.properties for charge_filter in demand.charge.filters)
    yield demand.charge.properties


def answer_of(
    demand: Demand, keys: tuple[str, ...], events: Sequence[Picked], rules: Rules
) -> tuple[Bucket, ...] | RerateRefused:
    """The buckets of a demand, or why there are none."""
    try:
        with in_range():
            return tuple(_buckets(demand, keys, events, rules))
    except RerateRefused as refused:
        return refused


def _buckets(demand: Demand, keys: tuple[str, ...], events: Sequence[Picked], rules: Rules) -> Iterator[Bucket]:
    buckets = buckets_of(demand.charge, demand.metric, rules)
    events_of: dict[int, list[Picked]] = {position: [] for position in buckets.positions()}
    for event in events:
        for position in buckets.arrears(dict(zip(keys, event.texts, strict=True))):
            events_of[position].append(event)
    check_filters(demand.charge, buckets, rules, [position for position, members in events_of.items() if members])
    for position, members in events_of.items():
        charge_filter = None if position == DEFAULT else demand.charge.filters[position]
        properties = demand.charge.properties if charge_filter is None else charge_filter.properties
        yield Bucket(
            filter=charge_filter,
            position=None if charge_filter is None else position,
            properties=properties,
            aggregations=tuple(aggregate_scope(scope) for scope in scopes(demand, properties, keys, members, rules)),
        )


def scopes(
    demand: Demand, properties: Json, keys: tuple[str, ...], events: Sequence[Picked], rules: Rules = LATEST
) -> Iterator[EventScope]:
    """A bucket's events split into pricing groups; without any event one empty group with null values."""
    names = group_keys(properties)
    places = tuple(keys.index(key) for key in names)
    groups: dict[Texts, list[Picked]] = {}
    merges = _merges_blanks(demand)
    for event in events:
        values = tuple(event.texts[place] for place in places)
        groups.setdefault(presented(values) if merges else values, []).append(event)
    if demand.metric.aggregation_type == "weighted_sum_agg":
        starts = starting_levels(demand, groups)
    else:
        starts = dict.fromkeys((values for values, members in groups.items() if _counted(demand, members)), NOTHING)
    shown = Counter(map(presented, starts))
    for values in sorted(starts, key=_order) or [(None,) * len(names)]:
        uses = tuple(event.use for event in groups.get(values, ()))
        yield EventScope(
            demand=demand,
            properties=properties,
            uses=uses,
            listed=tuple(_listed(events, places, values)) if names else uses,
            grouped=bool(names),
            group=tuple(zip(names, presented(values), strict=True)),
            null_group=None in values,
            twin=shown[presented(values)] > 1,
            start_level=starts.get(values, NOTHING),
            rules=rules,
        )


def _counted(demand: Demand, members: Sequence[Picked]) -> bool:
    """Whether Lago's query gives a row for the group: not if its events are all ignored."""
    uses = [event.use for event in members]
    if demand.charge.prorated and demand.metric.aggregation_type == "unique_count_agg":
        return any(use.adds for use in uses)  # it starts from what was ever added
    counts_any = demand.metric.aggregation_type in ("count_agg", "unique_count_agg")
    return counts_any or any(_number(use) is not None for use in uses)


def _merges_blanks(demand: Demand) -> bool:
    """Whether blank and null are one group: prorated sums are put together by the groups as they are shown."""
    return demand.charge.prorated and demand.metric.recurring and demand.metric.aggregation_type == "sum_agg"


def presented(values: Texts) -> Texts:
    """A group as Lago shows it: blank is null."""
    return tuple(value or None for value in values)


def _order(values: Texts) -> tuple[tuple[bool, str], ...]:
    """By group value, null last: the order in which PostgreSQL gives them."""
    return tuple((value is None, value or "") for value in values)


# --- where weighted sums start ---


def starting_levels(demand: Demand, groups: Mapping[Texts, Sequence[Picked]]) -> dict[Texts, Start]:
    """The groups of a weighted sum, each with the level it starts from.

    A start belongs to the group as it is shown. So a blank group starts from nothing, the null group (made if it has
    no events) gets what was remembered, and once more for every group that looks like it (facts §5.6).
    """
    window = demand.window
    current = {
        values: [event.use for event in events if _between(event.use, _floored(window.charges_from), window.charges_to)]
        for values, events in groups.items()
    }
    return _starts(current, _remembered(demand, groups))


def _starts(current: Mapping[Texts, Sequence[Use]], levels: Mapping[Texts, Decimal]) -> dict[Texts, Start]:
    present = [values for values, uses in current.items() if any(_number(use) is not None for use in uses)]
    rows = Counter(map(presented, present))
    for values in levels:
        rows[values] = rows[values] or 1
    starts = {values: Start(level=count * levels.get(values, ZERO), rows=count) for values, count in rows.items()}
    blanks = {values: Start(level=ZERO, rows=0) for values in present if presented(values) != values}
    return {**starts, **blanks}


def _remembered(demand: Demand, groups: Mapping[Texts, Sequence[Picked]]) -> dict[Texts, Decimal]:
    """Running total of each shown group at the last billing. Where two look the same, the first one is kept."""
    levels: dict[Texts, Decimal] = {}
    if not demand.metric.recurring or demand.window.carry is None:
        return levels
    for billing in demand.window.carry.chain():
        since = billing.since and _floored(billing.since)
        billed = {
            values: [event.use for event in events if _between(event.use, since, billing.until, billing.known_until)]
            for values, events in groups.items()
        }
        starts = _starts(billed, levels)
        totals: dict[Texts, Decimal] = {}
        for values in sorted(starts, key=_order):
            total = starts[values].level + sum((_number(use) or ZERO for use in billed.get(values, ())), ZERO)
            totals.setdefault(presented(values), total)
        levels = totals
    return levels


def _number(use: Use) -> Decimal | None:
    return numeric(use.value, use.json_type)


def _between(use: Use, since: datetime | None, until: datetime, known_until: datetime | None = None) -> bool:
    known = known_until is None or use.received is None or use.received <= known_until
    return known and use.moment <= until and (since is None or use.moment >= since)


def _floored(moment: datetime) -> datetime:
    """Lago's lower bounds are cut to the millisecond."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _listed(events: Iterable[Picked], places: Sequence[int], values: Sequence[str | None]) -> Iterator[Use]:
    """Events that Lago's per-event queries find for a group: blank and null alike, values only if texts in JSON."""
    for event in events:
        if all(
            finds(value, event.texts[place], event.types[place]) for place, value in zip(places, values, strict=True)
        ):
            yield event.use


def finds(wanted: str | None, text: str | None, json_type: str | None) -> bool:
    """Whether a per-event query for a group value finds an event (facts §5.6)."""
    return text == wanted and json_type == "VARCHAR" if wanted else not text
