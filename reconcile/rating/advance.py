"""Pay-in-advance charges: each event makes a fee of its own (facts/lago-billing §4.11).

The fee is what the event adds: the model's amount with all events up to this one, less the amount without it. Units
that were already reached in the period are not charged again: only what lifts the running total above its maximum.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext
from itertools import groupby

from mappings.explain import Step, StepKind
from mappings.money import exponent, round_half_up, round_up
from mappings.period import local_date
from mappings.records import Json
from reconcile.rating.aggregation import Aggregation
from reconcile.rating.buckets import Picked
from reconcile.rating.charge_models import rate_case
from reconcile.rating.demand import Demand
from reconcile.rating.fees import ChargeFee, amounts, check_storable, in_currency
from reconcile.rating.filters import DEFAULT, Buckets, buckets_of, check_filters
from reconcile.rating.fold import Key
from reconcile.rating.pg_numeric import WIDE, divide_numeric, strict_numeric
from reconcile.rating.pricing import Priced, Rated, divide
from reconcile.rating.refusal import in_range
from reconcile.rating.rules import LATEST, Rules
from reconcile.rating.running import Reached, Running, UniqueChanges, running_of
from reconcile.rating.scope import EventScope, Use
from reconcile.rating.tiers import ZERO, decimal_of
from reconcile.rating.usage_keys import group_keys

_ONE = Decimal(1)
_NOWHERE = object()  # instead of a value that no query for a group finds

Group = tuple[object, ...]  # the texts that events are found by, one for each group key; blank and null are None
NamedGroup = tuple[tuple[str, str | None], ...]
_EVERY_GROUP: Group = (object(),)


@dataclass(frozen=True, slots=True)
class _Bucket:
    """A filter of the charge, or the rest (``DEFAULT``), and where its group keys stand among an event's texts.

    In the default bucket of a charge with filters (``any_group``) Lago loses the group where it counts the bucket's
    units, where it keeps its running total, and where it asks whether a value is there already; only what is removed
    is still looked up within it.
    """

    position: int
    properties: Json = field(compare=False)
    places: tuple[int, ...]
    any_group: bool

    def values(self, event: Picked) -> tuple[str | None, ...]:
        """The event's own values of the group keys."""
        return tuple(event.texts[place] for place in self.places)

    def group_with(self, event: Picked) -> Group:
        """The group whose queries find the event: by JSON texts only (``buckets.finds``)."""
        return tuple(self._findable(event.texts[place], event.types[place]) for place in self.places)

    def _findable(self, text: str | None, json_type: str | None) -> object:
        return (text if json_type == "VARCHAR" else _NOWHERE) if text else None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an event is charged: a bucket, and the values of its pricing group."""

    bucket: _Bucket
    values: tuple[str | None, ...]

    @property
    def group(self) -> Group:
        """The group that queries for the values ask for."""
        return tuple(value or None for value in self.values)

    @property
    def marked_as(self) -> NamedGroup:
        """The group that running totals are kept for, with its keys: other buckets may have the same."""
        if self.bucket.any_group:
            return ()
        return tuple(sorted(zip(group_keys(self.bucket.properties), self.values, strict=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    demand: Demand
    keys: tuple[str, ...]
    buckets: Buckets
    premium: bool
    rules: Rules


@dataclass(frozen=True, slots=True)
class _Mark:
    """Running total after an event, and the highest one so far."""

    current: Decimal
    highest: Decimal


@dataclass(slots=True)
class _State:
    """What Lago knew when an event arrived. ``marks`` are per place: a bucket and, where groups count, a group."""

    case: _Case
    running: dict[tuple[int, Group | None], Running] = field(default_factory=dict)  # None: all groups of a bucket
    changes: dict[tuple[int, Group], UniqueChanges] = field(default_factory=dict)
    marks: dict[_Place, _Mark] = field(default_factory=dict)
    last: dict[NamedGroup, _Mark] = field(default_factory=dict)

    def arrive(self, bucket: _Bucket, event: Picked, key: Key) -> None:
        """Count an event in a bucket that it is billed in."""
        group = bucket.group_with(event)
        self.running_of(bucket, group).add(key, event.use)
        if _adds_up_changes(self.case):
            for known_as in {group, _EVERY_GROUP} if bucket.any_group else {group}:
                self.changes_of(bucket, known_as).insert(key, event.use)

    def running_of(self, bucket: _Bucket, group: Group) -> Running:
        """The running units of a group; of the whole bucket where Lago loses the group."""
        known_as = (bucket.position, None if bucket.any_group else group)
        running = self.running.get(known_as)
        if running is None:
            running = self.running[known_as] = running_of(_scope(self.case, bucket), self.case.premium)
        return running

    def changes_of(self, bucket: _Bucket, group: Group) -> UniqueChanges:
        return self.changes.setdefault((bucket.position, group), UniqueChanges())

    def lift(self, place: _Place, change: Decimal) -> Decimal:
        """Apply ``change``; what it adds above the maximum. The first event sets the maximum, even below 0."""
        before = self.before(place)
        if before is None:
            self.note(place, _Mark(change, change))
            return max(change, ZERO)
        current = before.current + change
        lifted = max(current - before.highest, ZERO)
        self.note(place, _Mark(current, max(current, lifted) if lifted else before.highest))
        return lifted

    def before(self, place: _Place) -> _Mark | None:
        """The default bucket of a charge with filters takes the last mark of any bucket that has no group."""
        return self.last.get(place.marked_as) if place.bucket.any_group else self.marks.get(place)

    def note(self, place: _Place, mark: _Mark) -> None:
        self.marks[place] = self.last[place.marked_as] = mark


@in_range()
def fees_of_events(
    demand: Demand, keys: tuple[str, ...], events: Sequence[Picked], *, rules: Rules = LATEST, premium: bool = True
) -> tuple[ChargeFee, ...]:
    """The fees of every event in the window, in the order Lago received the events. Raises RerateRefused.

    ``keys``: of the events' texts (``buckets.text_keys``).
    """
    buckets = buckets_of(demand.charge, demand.metric, rules)
    case = _Case(demand=demand, keys=keys, buckets=buckets, premium=premium, rules=rules)
    filled = {position for event in events for position in buckets.arrears(dict(zip(keys, event.texts, strict=True)))}
    check_filters(demand.charge, buckets, rules, filled)
    return tuple(_fees(case, events))


def _fees(case: _Case, events: Sequence[Picked]) -> Iterator[ChargeFee]:
    state = _State(case)
    buckets = {position: _bucket(case, position) for position in case.buckets.positions()}
    start = case.demand.window.charges_from
    for batch in _batches(events):
        for event, key in batch:
            for position in case.buckets.arrears(_values(case, event)):
                state.arrive(buckets[position], event, key)
        for event, key in batch:
            bucket = buckets[case.buckets.advance(_values(case, event))]
            place = _Place(bucket, bucket.values(event))
            if event.use.moment < start:
                _remember(state, place, event, key)
            elif _makes_fee(case, event.use):
                yield _fee(state, place, event, key)


def _batches(events: Sequence[Picked]) -> Iterator[list[tuple[Picked, Key]]]:
    """Events as Lago received them, each with its place in time.

    Those of one second came together: Lago stores a batch whole, then charges its events one by one, so that each is
    priced by its own time among them.
    """
    arrived = sorted(events, key=lambda event: event.position)
    keyed = [(event, (event.use.moment, number)) for number, event in enumerate(arrived)]
    for _, batch in groupby(enumerate(keyed), key=lambda pair: _second(pair[1][0].use, pair[0])):
        yield [pair for _, pair in batch]


def _second(use: Use, number: int) -> object:
    return number if use.received is None else use.received.replace(microsecond=0)


def _values(case: _Case, event: Picked) -> dict[str, str | None]:
    return dict(zip(case.keys, event.texts, strict=True))


def _bucket(case: _Case, position: int) -> _Bucket:
    charge = case.demand.charge
    properties = charge.properties if position == DEFAULT else charge.filters[position].properties
    places = tuple(case.keys.index(key) for key in group_keys(properties))
    any_group = position == DEFAULT and bool(charge.filters)
    return _Bucket(position=position, properties=properties, places=places, any_group=any_group)


def _scope(case: _Case, bucket: _Bucket) -> EventScope:
    """A bucket without events."""
    return EventScope(
        demand=case.demand, properties=bucket.properties, uses=(), listed=(), grouped=False, in_advance=True
    )


def _makes_fee(case: _Case, use: Use) -> bool:
    """An event with a blank property makes no fee, unless events themselves are counted."""
    return _is_count(case) or bool(use.value and use.value.strip())


def _remember(state: _State, place: _Place, event: Picked, key: Key) -> None:
    """Recurring: the period starts at the total reached before, which its renewal has charged."""
    before = state.before(place)
    total = (before.current if before else ZERO) + _change(state, place, event, key)
    state.note(place, _Mark(total, total))


def _fee(state: _State, place: _Place, event: Picked, key: Key) -> ChargeFee:
    """The bucket's units with the event, as far as they were known when it arrived, less those without it."""
    case = state.case
    with localcontext(WIDE):
        change = _change(state, place, event, key)
        applied = change if _is_count(case) else state.lift(place, change)
        reached = state.running_of(place.bucket, place.group).reach(event.use.moment)
        rated = _difference(case, place.bucket.properties, reached, applied, event)
        shown = applied or max(change, ZERO)  # what was charged before shows its units, at no amount
        return _stored(case, place, event, replace(rated, units=shown))


def _is_count(case: _Case) -> bool:
    return case.demand.metric.aggregation_type == "count_agg"


def _adds_up_changes(case: _Case) -> bool:
    """Whether what an event changes follows from the values before it, not from its own."""
    return case.demand.metric.aggregation_type not in ("count_agg", "sum_agg")


def _change(state: _State, place: _Place, event: Picked, key: Key) -> Decimal:
    """What the event does to the running total of its bucket."""
    if _is_count(state.case):
        return _ONE
    if not _adds_up_changes(state.case):
        return strict_numeric(event.use.value, event.use.json_type) or ZERO
    group = _EVERY_GROUP if place.bucket.any_group and event.use.adds else place.group
    return Decimal(state.changes_of(place.bucket, group).change_at(key, event.use))


def _difference(case: _Case, properties: Json, reached: Reached, applied: Decimal, event: Picked) -> Rated:
    whole = reached.whole
    cents = whole.precise_total_amount_cents
    without = replace(
        whole,
        units=whole.units - applied,
        events_count=whole.events_count - 1,
        percentage=reached.without_last,
        precise_total_amount_cents=None if cents is None else cents - (event.use.cents or ZERO),
    )
    after, before = _rate(case, properties, whole), _rate(case, properties, without)
    if without.units == 0:
        before = _nothing(before)
    whole_period = after.amount - before.amount
    amount = _prorated(case, event, whole_period)
    return Rated(
        amount=amount,
        unit_amount=ZERO,
        units=applied,
        amount_details=_details(case.demand.charge.charge_model, after.amount_details, before.amount_details, applied),
        steps=(
            *after.steps,
            *_taken_off((StepKind.WITHOUT_EVENT, -before.amount), (StepKind.DAYS_LEFT, amount - whole_period)),
        ),
    )


def _taken_off(*parts: tuple[StepKind, Decimal]) -> Iterator[Step]:
    """Steps from the price of all events so far to that of this one; those that change nothing are left out."""
    return (Step(kind=kind, amount=amount) for kind, amount in parts if amount)


def _nothing(rated: Rated) -> Rated:
    """No amount without units: flat fees come with the first event."""
    ranges: dict[str, list[object]] = {key: [] for key in rated.amount_details if key == "graduated_percentage_ranges"}
    adjustment = {key: ZERO for key in rated.amount_details if key == "min_max_adjustment_total_amount"}
    return replace(rated, amount=ZERO, amount_details={**rated.amount_details, **ranges, **adjustment})


def _prorated(case: _Case, event: Picked, amount: Decimal) -> Decimal:
    """Prorated charges (standard only) price the days from the event to the end of the period."""
    if not case.demand.charge.prorated:
        return amount
    window = case.demand.window
    first, last = (local_date(moment, window.timezone) for moment in (event.use.moment, window.charges_to))
    share = divide_numeric(Decimal((last - first).days + 1), Decimal(window.charges_duration))
    price = decimal_of(case.demand.charge.properties, "amount")
    return round_up(divide(amount, price) * share, 5) * price


def _rate(case: _Case, properties: Json, aggregation: Aggregation) -> Rated:
    charge = case.demand.charge
    return rate_case(
        Priced(
            model=charge.charge_model,
            properties=properties,
            aggregation=aggregation,
            currency=case.demand.window.currency,
            pay_in_advance=True,
            premium=case.premium,
            rules=case.rules,
        )
    )


def _details(model: str, after: Json, before: Json, applied: Decimal) -> dict[str, object]:
    """Only models of percentages keep details: what the event added to each number."""
    if model == "graduated_percentage":
        key = "graduated_percentage_ranges"
        return {key: _added_ranges(after[key], before[key])}
    if model != "percentage":
        return {}
    added = {key: Decimal(value) - Decimal(before[key]) for key, value in after.items()}
    paid_events = added["paid_events"]
    return {
        **added,
        "rate": after["rate"],
        "fixed_fee_unit_amount": after["fixed_fee_unit_amount"],
        "free_units": applied - added["paid_units"],
        "free_events": _ONE - paid_events,
    }


def _added_ranges(after: Sequence[Json], before: Sequence[Json]) -> list[dict[str, object]]:
    earlier: Sequence[Json] = [*before, *({} for _ in after[len(before) :])]
    return [_added_range(new, old) for new, old in zip(after, earlier, strict=False)]


def _added_range(new: Json, old: Json) -> dict[str, object]:
    added = {key: new[key] - old.get(key, ZERO) for key in ("units", "flat_unit_amount", "total_with_flat_amount")}
    per_unit = round_half_up(divide(added["total_with_flat_amount"], added["units"]), 2)
    return {**new, **added, "per_unit_total_amount": per_unit}  # Lago shows the price of one unit here, cut to cents


def _stored(case: _Case, place: _Place, event: Picked, rated: Rated) -> ChargeFee:
    """The amount is rounded first; its unit price follows from the rounded one."""
    charge, currency = case.demand.charge, case.demand.window.currency
    unit_amount = divide(round_half_up(rated.amount, exponent(currency)), rated.units)
    money = amounts(rated.amount, unit_amount, currency, charge.applied_pricing_unit)
    fee = ChargeFee(
        charge=charge,
        filter=None if place.bucket.position == DEFAULT else charge.filters[place.bucket.position],
        filter_position=None if place.bucket.position == DEFAULT else place.bucket.position,
        grouped_by=tuple(zip(group_keys(place.bucket.properties), place.values, strict=True)),
        units=rated.units,
        total_aggregated_units=rated.units,
        events_count=1,
        amount_cents=money.amount_cents,
        precise_amount_cents=money.precise_amount_cents,
        unit_amount_cents=money.unit_amount_cents,
        precise_unit_amount=money.precise_unit_amount,
        amount_details=rated.amount_details,
        steps=in_currency(rated.steps, charge.applied_pricing_unit),
        transaction_id=event.transaction_id,
    )
    check_storable(fee)
    return fee
