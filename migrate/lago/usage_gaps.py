"""Usage events that no page shows: between which moments they lie, and how that is kept.

Lago's PostgreSQL store lists a window's events by their time, newest first, so that those around a gap tell when its
events were. Its ClickHouse store (whose events have no id) lists them as they came: there it is the whole window.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, pairwise
from pathlib import Path

from mappings.quarantine import Quarantined, UsageGap
from migrate.lago.unreadable_pages import Gap, Shown, note_of
from migrate.lago.windows import SECOND, EventsWindow
from migrate.rawjson import Piece
from migrate.state.private import close_to_others

SUFFIX = ".gaps"
_EVENTS = "events"
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"
_PARTS = 4  # of a key: whose, since, until, places


@dataclass(frozen=True, slots=True)
class EventsGap:
    """One gap of a window: its events lie within ``within``, both ends included."""

    within: EventsWindow
    gap: Gap

    @property
    def unit(self) -> str:
        """Its key in the state: ``events/<since>/<until>/<first>-<last>``. What is open is empty."""
        places = f"{self.gap.first}-{self.gap.last or ''}"
        return "/".join((_EVENTS, _key_of(self.within.since), _key_of(self.within.until), places))

    @property
    def note(self) -> str:
        return note_of(self.gap.why)


def bounds_of(unit: str) -> tuple[datetime | None, datetime | None]:
    """(since, until) of the gap that is kept as ``unit``; a key of another form bounds nothing: it may be any time."""
    parts = unit.split("/")
    return (_moment_of(parts[1]), _moment_of(parts[2])) if len(parts) == _PARTS else (None, None)


def usage_gaps(unread: Iterable[Quarantined]) -> Iterator[UsageGap]:
    """Those among what is in quarantine."""
    for each in unread:
        if each.of_page and each.resource == _EVENTS:
            since, until = bounds_of(each.id)
            yield UsageGap(since=since, until=until, unread=each)


@dataclass(frozen=True, slots=True)
class WindowReading:
    """What one reading of a window showed: events by their places in the list, and gaps between them."""

    window: EventsWindow
    by_place: Mapping[int, Piece]
    gaps: tuple[Gap, ...]

    def named(self) -> tuple[EventsGap, ...]:
        """The gaps, each as narrow as it is known."""
        times = self._times()
        return tuple(EventsGap(self._within(gap, times), gap) for gap in self.gaps)

    def missing(self, counted: int) -> int:
        """How many of the counted events the gaps hold."""
        return sum(max(min(gap.last or counted, counted) - gap.first + 1, 0) for gap in self.gaps)

    def _times(self) -> Mapping[int, datetime]:
        """By place; empty where the order is not that of the events' times."""
        times = {place: _time_of(piece) for place, piece in sorted(self.by_place.items())}
        known = {place: time for place, time in times.items() if time is not None}
        is_ordered = len(known) == len(times) and all(newer >= older for newer, older in pairwise(known.values()))
        return known if is_ordered else {}

    def _within(self, gap: Gap, times: Mapping[int, datetime]) -> EventsWindow:
        newer = [time for place, time in times.items() if place < gap.first]
        older = [time for place, time in times.items() if gap.last is not None and place > gap.last]
        since = older[0].replace(microsecond=0) if older else self.window.since
        until = newer[-1].replace(microsecond=0) + SECOND if newer else self.window.until
        return EventsWindow(since, until)


def by_place(part: Shown, first: int) -> Iterator[tuple[int, Piece]]:
    """A page's records with their places in the list; ``first``: that of the page's first."""
    missing = {place for gap in part.gaps for place in range(gap.first, (gap.last or gap.first) + 1)}
    return zip((place for place in count(first) if place not in missing), part.pieces, strict=False)


def write_gaps(gaps: Sequence[EventsGap], target: Path) -> None:
    """Beside the window's file, and before it; nothing where there are none."""
    if not gaps:
        target.unlink(missing_ok=True)
        return
    target.write_text(json.dumps([[gap.unit, gap.note] for gap in gaps]), encoding="utf-8")
    close_to_others(target)


def read_gaps(staged: Path) -> dict[str, str]:
    """Unit -> note, of all windows."""
    rows = [row for path in sorted(staged.glob(f"*{SUFFIX}")) for row in json.loads(path.read_text(encoding="utf-8"))]
    return dict(rows)


def _key_of(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime(_MOMENT) if moment else ""


def _moment_of(key: str) -> datetime | None:
    return datetime.strptime(key, _MOMENT).replace(tzinfo=UTC) if key else None


def _time_of(event: Piece) -> datetime | None:
    """When an event of Lago's PostgreSQL store was; None for any other."""
    shown = event.value if isinstance(event.value, dict) else {}
    if not isinstance(shown.get("lago_id"), str):
        return None
    try:
        moment = datetime.fromisoformat(str(shown.get("timestamp")))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
