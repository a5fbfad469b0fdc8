"""Distinct values that were added and not removed (facts/lago-billing §5.4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from mappings.money import round_up
from mappings.period import local_date
from reconcile.rating.aggregation import Aggregation
from reconcile.rating.event_lists import with_lists
from reconcile.rating.proration import PRORATION_DIGITS, check_removed, share_of_days
from reconcile.rating.scope import EventScope, Use
from reconcile.rating.tiers import ZERO


@dataclass(slots=True)
class _Presence:
    """One distinct value while it is active. ``removed`` is None as long as it is."""

    value: str | None
    added: datetime
    removed: datetime | None = None


def count_unique(scope: EventScope) -> Aggregation:
    """How many different values the events name."""
    if scope.demand.charge.prorated and not scope.in_advance:
        return _prorated_unique(scope)
    units = Decimal(sum(effective for _, effective in effects(scope.billed(scope.uses))))
    return with_lists(scope, Aggregation(units=units, events_count=int(units)))


def effects(uses: Iterable[Use]) -> list[tuple[Use, int]]:
    """Each event with what it changes: +1 a value appears, -1 it goes, 0 nothing new (facts §5.4)."""
    active: dict[str | None, bool] = {}
    return [(use, _effect(active, use)) for use in uses]


def _effect(active: dict[str | None, bool], use: Use) -> int:
    effect = effect_of(use.adds, active.get(use.value, False))
    active[use.value] = use.adds
    return effect


def effect_of(adds: bool, present: bool) -> int:
    """What an add (or remove) does to the number of distinct values, its value being ``present`` before or not."""
    return int(adds) - int(present)


def _prorated_unique(scope: EventScope) -> Aggregation:
    presences, steps = _presences(scope, scope.uses)
    units = round_up(sum((_presence_share(scope, presence) for presence in presences), ZERO), PRORATION_DIGITS)
    full = Decimal(sum(1 for presence in presences if presence.removed is None))
    if scope.listed != scope.uses:
        _, steps = _presences(scope, scope.listed)
    check_removed(scope, any(_is_gone(scope, presence) for _, presence in steps))
    return Aggregation(
        units=units,
        events_count=int(units),
        full_units=full,
        current_usage_units=full,
        events=tuple(Decimal(change) for change, _ in steps),
        events_prorated=tuple(
            ZERO if change < 0 else round_up(_presence_share(scope, presence), PRORATION_DIGITS)
            for change, presence in steps
        ),
    )


def _presences(scope: EventScope, uses: Sequence[Use]) -> tuple[list[_Presence], list[tuple[int, _Presence]]]:
    """When each value was there; and the changes in order of time, each with its presence."""
    current: dict[str | None, _Presence] = {}
    presences: list[_Presence] = []
    steps: list[tuple[int, _Presence]] = []
    for use, change in effects(_without_flicker(scope, uses)):
        if change > 0:
            current[use.value] = _Presence(use.value, use.moment)
            presences.append(current[use.value])
        elif change < 0:
            current[use.value].removed = use.moment
        if change:
            steps.append((change, current[use.value]))
    return presences, steps


def _without_flicker(scope: EventScope, uses: Sequence[Use]) -> list[Use]:
    """Drop removes that are followed by an add of the same value on the same day (null groups keep them)."""
    if scope.null_group:
        return list(uses)
    kept: list[Use] = []
    added_later: set[tuple[str | None, date]] = set()
    for use in reversed(uses):
        day = (use.value, local_date(use.moment, scope.window.timezone))
        if use.adds:
            added_later.add(day)
        if use.adds or day not in added_later:
            kept.append(use)
    return kept[::-1]


def _presence_share(scope: EventScope, presence: _Presence) -> Decimal:
    timezone = scope.window.timezone
    first = max(local_date(presence.added, timezone), local_date(scope.window.charges_from, timezone))
    if presence.removed is None:
        return share_of_days(scope, first)
    if _is_gone(scope, presence):
        return share_of_days(scope, first, first) if scope.grouped else ZERO
    return share_of_days(scope, first, local_date(presence.removed, timezone))


def _is_gone(scope: EventScope, presence: _Presence) -> bool:
    """Removed on a day before the period."""
    timezone = scope.window.timezone
    start = local_date(scope.window.charges_from, timezone)
    return presence.removed is not None and local_date(presence.removed, timezone) < start
