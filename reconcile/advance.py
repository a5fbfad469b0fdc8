"""Pay-in-advance charges: each event makes a fee of its own (facts/lago-billing §4.11).

The fee is what the event adds: the model's amount with all events up to this one, less the amount without it. Units
that were already reached in the period are not charged again: only what lifts the running total above its maximum.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext
from typing import Any

from mappings.money import exponent, round_half_up, round_up
from mappings.period import local_date
from mappings.records import Json
from reconcile.aggregate import Use, aggregate_scope, effects
from reconcile.exact import WIDE, divide_numeric, numeric
from reconcile.fees import ChargeFee, amounts, check_storable
from reconcile.filters import DEFAULT, Buckets, buckets_of
from reconcile.rate import Aggregation, Group, Priced, Rated, divide, rate_case
from reconcile.rules import LATEST, Rules
from reconcile.tiers import ZERO
from reconcile.usage import EventSource, Picked, group_keys, picked_events, scopes
from reconcile.windows import Demand

_ONE = Decimal(1)
_FLAT_MODELS = ("graduated", "graduated_percentage", "volume")
_SAME_ON_BOTH_SIDES = ("rate", "fixed_fee_unit_amount")


@dataclass(slots=True)
class _Mark:
    """Running total of a bucket and group in the period, and the highest it ever was."""

    current: Decimal = ZERO
    highest: Decimal = ZERO

    def lift(self, change: Decimal) -> Decimal:
        """Apply ``change``; what it adds above the maximum."""
        self.current += change
        lifted = max(self.current - self.highest, ZERO)
        self.highest = max(self.highest, self.current)
        return lifted


@dataclass(slots=True)
class _State:
    """What Lago knew when an event arrived."""

    known: dict[int, list[Picked]] = field(default_factory=dict)  # bucket -> events by time
    marks: dict[tuple[int, Group], _Mark] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    demand: Demand
    keys: tuple[str, ...]
    buckets: Buckets
    premium: bool
    rules: Rules


def pay_in_advance_fees(
    source: EventSource, demand: Demand, *, rules: Rules = LATEST, premium: bool = True
) -> tuple[ChargeFee, ...]:
    """The fees of every event in the window, in the order Lago received the events. Raises Refused."""
    keys, events = picked_events(source, demand, rules)
    buckets = buckets_of(demand.charge, demand.metric, rules)
    case = _Case(demand=demand, keys=keys, buckets=buckets, premium=premium, rules=rules)
    return tuple(_fees(case, events))


def _fees(case: _Case, events: Sequence[Picked]) -> Iterator[ChargeFee]:
    state = _State()
    start = case.demand.window.charges_from
    for event in sorted(events, key=lambda one: one.position):
        values = dict(zip(case.keys, event.texts, strict=True))
        for position in case.buckets.arrears(values):
            insort(state.known.setdefault(position, []), event, key=lambda one: one.use.moment)
        if event.use.moment >= start and _counts(case, event.use):
            yield _fee(case, state, case.buckets.advance(values), event)
        elif event.use.moment < start:
            _remember(case, state, case.buckets.advance(values), event)


def _counts(case: _Case, use: Use) -> bool:
    """An event with a blank property makes no fee, unless events themselves are counted."""
    return case.demand.metric.aggregation_type == "count_agg" or bool(use.value and use.value.strip())


def _remember(case: _Case, state: _State, position: int, event: Picked) -> None:
    """Recurring: the period starts at the total reached before, which its renewal has charged."""
    properties = _properties(case, position)
    mark = state.marks.setdefault((position, _group(case, properties, event)), _Mark())
    mark.lift(_change(case, state, position, event))
    mark.highest = mark.current


def _fee(case: _Case, state: _State, position: int, event: Picked) -> ChargeFee:
    properties = _properties(case, position)
    group = _group(case, properties, event)
    mark = state.marks.setdefault((position, group), _Mark())
    with localcontext(WIDE):
        change = _change(case, state, position, event)
        applied = _ONE if case.demand.metric.aggregation_type == "count_agg" else mark.lift(change)
        whole = _aggregated(case, state, position, properties, group, event)
        rated = _difference(case, properties, whole, applied, event)
        return _stored(case, position, group, event, applied, rated)


def _change(case: _Case, state: _State, position: int, event: Picked) -> Decimal:
    if case.demand.metric.aggregation_type != "unique_count_agg":
        return numeric(event.use.value, event.use.json_type) or ZERO
    properties = _properties(case, position)
    group = _group(case, properties, event)
    same = [one.use for one in _up_to(state, position, event) if _group(case, properties, one) == group]
    return Decimal(next(effect for use, effect in reversed(effects(same)) if use is event.use))


def _up_to(state: _State, position: int, event: Picked) -> list[Picked]:
    known = state.known.get(position, [])
    found = [one for one in known if one.use.moment <= event.use.moment]
    return found if event in known else [*found, event]


def _aggregated(
    case: _Case, state: _State, position: int, properties: Json, group: Group, event: Picked
) -> Aggregation:
    """The bucket's units with the event, as far as they were known when it arrived."""
    events = _up_to(state, position, event)
    found = next(
        scope
        for scope in scopes(case.demand, properties, case.keys, events, in_advance=True)
        if any(use is event.use for use in scope.uses)
    )
    return replace(aggregate_scope(found), grouped_by=group)


def _difference(case: _Case, properties: Json, whole: Aggregation, applied: Decimal, event: Picked) -> Rated:
    cents = whole.precise_total_amount_cents
    without = replace(
        whole,
        units=whole.units - applied,
        events_count=whole.events_count - 1,
        precise_total_amount_cents=None if cents is None else cents - (event.use.cents or ZERO),
    )
    after, before = _rate(case, properties, whole), _rate(case, properties, without)
    if without.units == 0 and case.demand.charge.charge_model in _FLAT_MODELS:
        before = replace(before, amount=ZERO)  # flat fees come with the first event
    amount = after.amount - before.amount
    return Rated(
        amount=_prorated(case, event, amount),
        unit_amount=ZERO,
        units=applied,
        amount_details=_details(after.amount_details, before.amount_details),
        steps=after.steps,
    )


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


def _details(after: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Only percentage charges keep details: what the event added to each number."""
    if "per_unit_total_amount" not in after or "rate" not in after:
        return {}
    return {
        key: value if key in _SAME_ON_BOTH_SIDES else Decimal(value) - Decimal(before[key])
        for key, value in after.items()
    }


def _stored(case: _Case, position: int, group: Group, event: Picked, applied: Decimal, rated: Rated) -> ChargeFee:
    """The amount is rounded first; its unit price follows from the rounded one."""
    charge, currency = case.demand.charge, case.demand.window.currency
    unit_amount = divide(round_half_up(rated.amount, exponent(currency)), applied)
    money = amounts(rated.amount, unit_amount, currency, charge.applied_pricing_unit)
    fee = ChargeFee(
        charge=charge,
        filter=None if position == DEFAULT else charge.filters[position],
        filter_position=None if position == DEFAULT else position,
        grouped_by=group,
        units=applied,
        total_aggregated_units=applied,
        events_count=1,
        amount_cents=money.amount_cents,
        precise_amount_cents=money.precise_amount_cents,
        unit_amount_cents=money.unit_amount_cents,
        precise_unit_amount=money.precise_unit_amount,
        amount_details=rated.amount_details,
        steps=rated.steps,
        transaction_id=event.transaction_id,
    )
    check_storable(fee)
    return fee


def _properties(case: _Case, position: int) -> Json:
    return case.demand.charge.properties if position == DEFAULT else case.demand.charge.filters[position].properties


def _group(case: _Case, properties: Json, event: Picked) -> Group:
    return tuple((key, event.texts[case.keys.index(key)] or None) for key in group_keys(properties))
