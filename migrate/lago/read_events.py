"""Lago's usage events -> Parquet, window by window: a window that has its file is done.

Events that no column can hold are set aside, raw, beside the window's file and then in the state.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from migrate.errors import LagoError
from migrate.lago.rawjson import Piece, elements, loads
from migrate.lago.read_resources import Reading, answer_of, keys_of, listed, read_meta
from migrate.lago.recorded import API
from migrate.lago.resources import EVENTS
from migrate.lago.source import Answer
from migrate.lago.unreadable_events import find_problem, is_suspect
from migrate.lago.windows import SECOND, EventsWindow, split
from migrate.state import events
from migrate.state.private import close_to_others, make_folder
from migrate.state.records import Raw
from migrate.state.row_checks import PLAN, ends_of_plan

SET_ASIDE = "events_set_aside"  # what they are called in the state
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


def _plan(reading: Reading) -> list[EventsWindow]:
    """The windows of this run, made once: one that resumes must not cut otherwise than its files are cut."""
    kept = reading.done.get(PLAN)
    if kept:
        return [EventsWindow(since, until) for since, until in ends_of_plan(kept)]
    first, last = _first_use(reading), reading.run.taken_at.replace(microsecond=0) + SECOND
    plan = [EventsWindow(None, None)]
    if first and first < last:
        total = _count(reading, EventsWindow(None, None))
        most = min(max(total // 400, 2_000), 20_000)  # few files, few slow pages, little memory
        inside = split(EventsWindow(first.replace(microsecond=0), last), lambda w: _count(reading, w), most)
        plan = [EventsWindow(None, inside[0].since), *inside, EventsWindow(inside[-1].until, None)]
    text = json.dumps([[end and end.isoformat() for end in (w.since, w.until)] for w in plan])
    with reading.store.begin() as db:
        reading.store.mark(db, reading.run, PLAN, text)
    return plan


def _count(reading: Reading, window: EventsWindow) -> int:
    answer = reading.source.get(API + EVENTS.path, [*window.query(), ("page", "1"), ("per_page", "1")])
    return _total(answer) if "meta" in answer else 0


def read_events(reading: Reading, staged: Path) -> None:
    """Each window becomes a Parquet file, written in the worker: a window that has its file is done."""
    make_folder(staged)
    plan = [window for window in _plan(reading) if not _file(staged, window).exists()]
    total = 0
    for rows in reading.together(lambda window: _read_window(reading, window, staged), plan):
        total += rows
        reading.progress("events", total, None)
    _keep_aside(reading, staged)


def _keep_aside(reading: Reading, staged: Path) -> None:
    """What the windows set aside, in the state: once, whatever window it came with."""
    pieces = [piece for path in sorted(staged.glob("*.aside")) for piece in elements(path.read_text(encoding="utf-8"))]
    keys = keys_of(EVENTS, pieces)
    with reading.store.begin() as db:
        reading.store.put(
            db, reading.run, (Raw(SET_ASIDE, key, piece.text) for key, piece in zip(keys, pieces, strict=True))
        )


def _file(staged: Path, window: EventsWindow) -> Path:
    return staged / f"{window.name}.parquet"


def _first_use(reading: Reading) -> datetime | None:
    """When the first subscription began; None if there is none."""
    payloads = (loads(raw.payload) for raw in reading.store.seen("subscriptions", reading.run))
    begins = (_begin(payload) for payload in payloads if isinstance(payload, dict))
    return min((moment for moment in begins if moment), default=None)


def _begin(subscription: dict[str, object]) -> datetime | None:
    moments = (_moment(subscription.get(name)) for name in ("started_at", "subscription_at", "created_at"))
    return next((moment for moment in moments if moment), None)


def _moment(text: object) -> datetime | None:
    """A moment that usage may begin at; one that cannot be read says nothing about when to begin."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo and moment >= _EARLIEST else None


def _read_window(reading: Reading, window: EventsWindow, staged: Path) -> int:
    """Events are only ever added, newest first: later ones shift down, so that a reading repeats some, misses none."""
    for _ in range(3):
        shown, counted = _window_events(reading, window)
        if len(shown) >= counted:
            kept, aside = sorted_out([event for event in shown if window.holds(event)])
            _write_aside(aside, _file(staged, window).with_suffix(".aside"))
            events.write_parquet(events.table(kept), _file(staged, window))
            return len(kept)
    raise LagoError(f"events from {window.name}: Lago counts {counted} and gives {len(shown)}; run the command again")


def sorted_out(shown: Sequence[Piece]) -> tuple[list[Piece], list[Piece]]:
    """(the events that columns can hold, the others). Two events of one id are none of them known to be right."""
    kept: list[Piece] = []
    aside: list[Piece] = []
    single = list(events.without_copies(shown))
    times = Counter(event.value.get("lago_id") for event in single if isinstance(event.value, dict))
    for event in single:
        bad = is_suspect(event.value, event.text) and find_problem(event.value) is not None
        (aside if bad or _is_ambiguous(event, times) else kept).append(event)
    if not events.have_times(kept):  # all at once: one by one only where something is wrong
        aside += [event for event in kept if not events.have_times([event])]
        kept = [event for event in kept if events.have_times([event])]
    return kept, aside


def _is_ambiguous(event: Piece, times: Counter[object]) -> bool:
    """Whether its id is that of another event too."""
    lago_id = event.value.get("lago_id")
    return lago_id is not None and times[lago_id] > 1


def _write_aside(aside: Sequence[Piece], target: Path) -> None:
    """As one list of Lago's own texts; written before the window's file, whose being there ends the window."""
    target.write_text(f"[{','.join(event.text for event in aside)}]", encoding="utf-8")
    close_to_others(target)


def _window_events(reading: Reading, window: EventsWindow) -> tuple[list[Piece], int]:
    """The window's events without repetitions, and how many Lago counted when the reading began."""
    shown: list[Piece] = []
    counted: list[int] = []
    number = 1
    while True:
        query = [*window.query(), ("page", str(number)), ("per_page", str(reading.per_page))]
        answer = answer_of(reading.source, EVENTS, API + EVENTS.path, query)
        shown += listed(answer, EVENTS, f"page {number} from {window.name}")
        counted.append(_total(answer) if "meta" in answer else len(shown))
        if "meta" not in answer or read_meta(answer, "next_page") is None:
            break
        number += 1
    # Nothing was added while we read: what looks repeated are Lago's own (its ClickHouse store keeps duplicates).
    if counted[0] == counted[-1] == len(shown):
        return shown, counted[0]
    return list(events.unique(shown)), min(counted[0], counted[-1])


def staging(events_dir: Path) -> Path:
    """Where the windows wait until all are there."""
    return events_dir.with_name(f"{events_dir.name}.staging")


def _total(answer: Answer) -> int:
    return int(str(read_meta(answer, "total_count") or 0))
