"""Time cut into windows, so that events can be read side by side and resumed. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from migrate.lago.source import Query
from migrate.rawjson import Piece

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class EventsWindow:
    """Events with ``since`` <= timestamp < ``until``; None: open on that side."""

    since: datetime | None
    until: datetime | None

    @property
    def name(self) -> str:
        return self.since.strftime("%Y%m%dT%H%M%S") if self.since else "begin"

    def query(self) -> Query:
        # Lago includes both ends: the event on the border comes with both windows, and holds() decides.
        ends = (("timestamp_from", self.since), ("timestamp_to", self.until))
        return [(name, end.strftime("%Y-%m-%dT%H:%M:%SZ")) for name, end in ends if end]

    def holds(self, event: Piece) -> bool:
        text = event.value.get("timestamp") if isinstance(event.value, dict) else None
        if not isinstance(text, str):
            return True  # the conversion to a table names it
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return True
        if moment.tzinfo is None:
            return True  # no moment either, but a day of some zone
        return (self.since is None or moment >= self.since) and (self.until is None or moment < self.until)


def split(whole: EventsWindow, count: Callable[[EventsWindow], int], most: int) -> list[EventsWindow]:
    """Windows of at most ``most`` events that together are ``whole`` (which has both ends), by halving.

    Lago pages by offset, so late pages of a long list are slow; and windows can be read side by side. A count that is
    the same for either half, and for either half of those, says nothing of a window: that is not halved. Once it may
    be right: all events are of the very moment in the middle, where both halves count them.
    """
    return _halved(whole, count(whole), count, most)


def _halved(
    whole: EventsWindow, counted: int, count: Callable[[EventsWindow], int], most: int, *, once: bool = False
) -> list[EventsWindow]:
    """``once``: its other half counts as many as it does itself, and as both together."""
    if whole.since is None or whole.until is None or whole.until - whole.since < 2 * SECOND or counted <= most:
        return [whole]
    middle = (whole.since + (whole.until - whole.since) / 2).replace(microsecond=0)
    halves = [(half, count(half)) for half in (EventsWindow(whole.since, middle), EventsWindow(middle, whole.until))]
    alike = all(number >= counted for _, number in halves)
    if alike and once:
        return [whole]
    return [part for half, number in halves for part in _halved(half, number, count, most, once=alike)]
