"""Things that are there for a while: their adds and removals, their stays, and the days of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from .events import Event
from .exact import ONE, ZERO, ceiling, per_days
from .moments import local_date
from .window import Window


def changes(operations: Sequence[tuple[str | None, Event]]) -> list[tuple[Event, int]]:
    """The effect of each add and remove: +1, -1 or 0 when it repeats what was said before."""
    last: dict[str | None, str] = {}
    found = []
    for name, event in operations:
        operation = event.text("operation_type") or "add"
        previous = last.get(name, "remove")
        last[name] = operation
        found.append((event, 0 if operation == previous else 1 if operation == "add" else -1))
    return found


def effective_by_name(operations: Sequence[tuple[str | None, Event]], window: Window) -> list[list[tuple[Event, int]]]:
    """For each thing its adds and removals that changed something, in time order."""
    by_name: dict[str | None, list[tuple[str | None, Event]]] = {}
    for name, event in operations:
        by_name.setdefault(name, []).append((name, event))
    effective = ([(event, change) for event, change in changes(rows) if change] for rows in by_name.values())
    return [same_day_kept(rows, window) for rows in effective]


def presences(operations: Sequence[tuple[str | None, Event]], window: Window, *, grouped: bool) -> list[int]:
    """Days within the window during which each thing was there, one number per stay."""
    return [days for rows in effective_by_name(operations, window) for days in stays(rows, window, grouped=grouped)]


def same_day_kept(effective: list[tuple[Event, int]], window: Window) -> list[tuple[Event, int]]:
    """A removal that an addition follows on the same day did not happen, nor did that addition."""
    kept: list[tuple[Event, int]] = []
    for event, change in effective:
        again = kept and change > 0 and kept[-1][1] < 0
        if again and local_date(kept[-1][0].at, window.tz) == local_date(event.at, window.tz):
            kept.pop()
        else:
            kept.append((event, change))
    return kept


def stays(effective: list[tuple[Event, int]], window: Window, *, grouped: bool) -> list[int]:
    days = []
    first = local_date(window.start, window.tz)
    added: date | None = None
    for event, change in effective:
        day = local_date(event.at, window.tz)
        if change > 0:
            added = max(day, first)
        elif added is not None:
            if event.at < window.start:
                days.append(1 if grouped else 0)
            else:
                days.append((day - added).days + 1)
            added = None
    if added is not None:
        days.append(window.days_left(added))
    return days


def unique_steps(
    operations: Sequence[tuple[str | None, Event]], window: Window, *, grouped: bool
) -> tuple[list[Decimal], list[Decimal]]:
    """Adds with the share of their whole stay, removals with none, in time order."""
    steps: list[tuple[datetime, Decimal, Decimal]] = []
    for effective in effective_by_name(operations, window):
        spans = stays(effective, window, grouped=grouped)
        adds = [event for event, change in effective if change > 0]
        removals = [event for event, change in effective if change < 0]
        days = Decimal(window.days)
        steps += [
            (event.at, ONE, ceiling(per_days(ONE, span, days), 5)) for event, span in zip(adds, spans, strict=True)
        ]
        steps += [(event.at, -ONE, ZERO) for event in removals]
    steps.sort(key=lambda entry: entry[0])
    return [full for _, full, _ in steps], [share for _, _, share in steps]
