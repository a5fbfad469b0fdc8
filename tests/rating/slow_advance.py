"""The reference for charges in advance: for each event, everything before it is aggregated again.

Slow (cubic for whoever asks for the fees one by one) and plain. ``reconcile.rating.advance`` must give the same.

The fee is what the event adds: the model's amount with all events up to this one, less the amount without it. Units
that were already reached in the period are not charged again: only what lifts the running total above its maximum.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext
from typing import Any

from mappings.explain import Step, StepKind
from mappings.money import exponent, round_half_up, round_up
from mappings.period import local_date
from mappings.records import Json
from reconcile.rating.aggregate import aggregate_scope
from reconcile.rating.aggregation import Aggregation
from reconcile.rating.buckets import Picked, finds
from reconcile.rating.charge_models import rate_case
from reconcile.rating.demand import Demand
from reconcile.rating.fees import ChargeFee, amounts, check_storable, in_currency
from reconcile.rating.filters import DEFAULT, Buckets, buckets_of, check_filters
from reconcile.rating.pg_numeric import WIDE, divide_numeric, strict_numeric
from reconcile.rating.pricing import Priced, Rated, divide
from reconcile.rating.rules import LATEST, Rules
from reconcile.rating.scope import EventScope, Use
from reconcile.rating.tiers import ZERO
from reconcile.rating.unique_counts import effects
from reconcile.rating.usage_keys import group_keys

_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an event is charged: a bucket and a pricing group.

    In the default bucket of a charge with filters (``any_bucket``) Lago loses the group; only what is removed is still
    looked up within it.
    """

    position: int
    properties: Json = field(compare=False)
    group: tuple[str | None, ...]
    places: tuple[int, ...]  # of the group keys among the event's texts
    any_bucket: bool

    def counts(self, event: Picked) -> bool:
        return self.any_bucket or self.in_group(event)

    def in_group(self, event: Picked) -> bool:
        return all(
            finds(value, event.texts[place], event.types[place])
            for place, value in zip(self.places, self.group, strict=True)
        )


@dataclass(frozen=True, slots=True)
class _Mark:
    """Running total after an event, and the highest one so far."""

    current: Decimal
    highest: Decimal


@dataclass(slots=True)
class _State:
    """What Lago knew when an event arrived. ``marks`` are per place: a bucket and, where groups count, a group."""

    known: dict[int, list[Picked]] = field(default_factory=dict)  # bucket -> its events by time
    marks: dict[_Place, _Mark] = field(default_factory=dict)
    last: dict[tuple[tuple[str, str | None], ...], _Mark] = field(default_factory=dict)

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
        return self.last.get(()) if place.any_bucket else self.marks.get(place)

    def note(self, place: _Place, mark: _Mark) -> None:
        names = () if place.any_bucket else tuple(sorted(zip(group_keys(place.properties), place.group, strict=True)))
        self.marks[place] = self.last[names] = mark


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    demand: Demand
    keys: tuple[str, ...]
    buckets: Buckets
    premium: bool
    rules: Rules


def fees_of_events(
    demand: Demand, keys: tuple[str, ...], events: Sequence[Picked], *, rules: Rules = LATEST, premium: bool = True
) -> tuple[ChargeFee, ...]:
    """The fees of every event in the window, in the order Lago received the events. Raises Refused.

    ``keys``: of the events' texts (``buckets.text_keys``).
    """
    buckets = buckets_of(demand.charge, demand.metric, rules)
    case = _Case(demand=demand, keys=keys, buckets=buckets, premium=premium, rules=rules)
    filled = {position for event in events for position in buckets.arrears(dict(zip(keys, event.texts, strict=True)))}
    check_filters(demand.charge, buckets, rules, filled)
    return tuple(_fees(case, events))


def _fees(case: _Case, events: Sequence[Picked]) -> Iterator[ChargeFee]:
    state = _State()
    start = case.demand.window.charges_from
    for event in sorted(events, key=lambda one: one.position):
        values = dict(zip(case.keys, event.texts, strict=True))
        for position in case.buckets.arrears(values):
            insort(state.known.setdefault(position, []), event, key=lambda one: one.use.moment)
        place = _place(case, case.buckets.advance(values), event)
        if event.use.moment < start:
            _remember(case, state, place, event)
        elif _counts(case, event.use):
            yield _fee(case, state, place, event)


def _place(case: _Case, position: int, event: Picked) -> _Place:
    charge = case.demand.charge
    properties = charge.properties if position == DEFAULT else charge.filters[position].properties
    places = tuple(case.keys.index(key) for key in group_keys(properties))
    return _Place(
        position=position,
        properties=properties,
        group=tuple(event.texts[place] for place in places),
        places=places,
        any_bucket=position == DEFAULT and bool(charge.filters),
    )


def _counts(case: _Case, use: Use) -> bool:
    """An event with a blank property makes no fee, unless events themselves are counted."""
    return case.demand.metric.aggregation_type == "count_agg" or bool(use.value and use.value.strip())


def _remember(case: _Case, state: _State, place: _Place, event: Picked) -> None:
    """Recurring: the period starts at the total reached before, which its renewal has charged."""
    before = state.before(place)
    total = (before.current if before else ZERO) + _change(case, state, place, event)
    state.note(place, _Mark(total, total))


def _fee(case: _Case, state: _State, place: _Place, event: Picked) -> ChargeFee:
    with localcontext(WIDE):
        change = _change(case, state, place, event)
        applied = change if _is_count(case) else state.lift(place, change)
        rated = _difference(case, place.properties, _aggregated(case, state, place, event), applied, event)
        shown = applied or max(change, ZERO)  # what was charged before shows its units, at no amount
        return _stored(case, place, event, replace(rated, units=shown))


def _is_count(case: _Case) -> bool:
    return case.demand.metric.aggregation_type == "count_agg"


def _change(case: _Case, state: _State, place: _Place, event: Picked) -> Decimal:
    """What the event does to the running total of its bucket."""
    if _is_count(case):
        return _ONE
    if case.demand.metric.aggregation_type == "sum_agg":
        return strict_numeric(event.use.value, event.use.json_type) or ZERO
    anywhere = place.any_bucket and event.use.adds
    known = (one for one in _up_to(state, place, event) if one is not event)
    earlier = [one.use for one in known if anywhere or place.in_group(one)]
    return Decimal(effects([*earlier, event.use])[-1][1])


def _up_to(state: _State, place: _Place, event: Picked) -> list[Picked]:
    known = state.known.get(place.position, [])
    return [one for one in known if one.use.moment <= event.use.moment]


def _aggregated(case: _Case, state: _State, place: _Place, event: Picked) -> Aggregation:
    """The bucket's units with the event, as far as they were known when it arrived."""
    uses = tuple(one.use for one in _up_to(state, place, event) if place.counts(one))
    found = aggregate_scope(
        EventScope(
            demand=case.demand,
            properties=place.properties,
            uses=uses,
            listed=uses,
            grouped=False,
            in_advance=True,
        )
    )
    # Lago has no values of single events here unless it sums them
    return found if case.demand.metric.aggregation_type == "sum_agg" else replace(found, events=())


def _difference(case: _Case, properties: Json, whole: Aggregation, applied: Decimal, event: Picked) -> Rated:
    cents = whole.precise_total_amount_cents
    without = replace(
        whole,
        units=whole.units - applied,
        events_count=whole.events_count - 1,
        events=whole.events[:-1],
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
    ranges: dict[str, list[Any]] = {key: [] for key in rated.amount_details if key == "graduated_percentage_ranges"}
    adjustment = {key: ZERO for key in rated.amount_details if key == "min_max_adjustment_total_amount"}
    return replace(rated, amount=ZERO, amount_details={**rated.amount_details, **ranges, **adjustment})


def _prorated(case: _Case, event: Picked, amount: Decimal) -> Decimal:
    """Prorated charges (standard only) price the days from the event to the end of the period."""
    if not case.demand.charge.prorated:
        return amount
    window = case.demand.window
    first, last = (local_date(moment, window.timezone) for moment in (event.use.moment, window.charges_to))
    share = divide_numeric(Decimal((last - first).days + 1), Decimal(window.charges_duration))
    price = Decimal(str(case.demand.charge.properties.get("amount") or 0))
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


def _details(model: str, after: Mapping[str, Any], before: Mapping[str, Any], applied: Decimal) -> dict[str, Any]:
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


def _added_ranges(after: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    earlier: Sequence[Mapping[str, Any]] = [*before, *({} for _ in after[len(before) :])]
    return [_added_range(new, old) for new, old in zip(after, earlier, strict=False)]


def _added_range(new: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
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
        filter=None if place.position == DEFAULT else charge.filters[place.position],
        filter_position=None if place.position == DEFAULT else place.position,
        grouped_by=tuple(zip(group_keys(place.properties), place.group, strict=True)),
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
