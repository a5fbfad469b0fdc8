"""Lago's usage events -> Parquet, window by window: a window that has its file is done.

Events that no column can hold are set aside, raw, beside the window's file and then in the state. Those that no page
shows are gaps, named with the moments between which they lie.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from migrate.errors import LagoUnreachable
from migrate.lago.list_pages import answer_of, gap_behind, has_meta, keys_of, listed, read_meta, says_more, unsaid_of
from migrate.lago.read_resources import Reading
from migrate.lago.readings import Repeats
from migrate.lago.recorded import API
from migrate.lago.resources import EVENTS
from migrate.lago.source import Answer, LagoRefusal
from migrate.lago.unreadable_events import find_problem, is_suspect
from migrate.lago.unreadable_pages import MOST, Gap, Shown, is_of_one_page, placed_in_list, read_page
from migrate.lago.usage_gaps import (
    SUFFIX,
    EventsGap,
    WindowReading,
    bounds_of,
    by_place,
    read_gaps,
    write_gaps,
)
from migrate.lago.windows import SECOND, EventsWindow, split
from migrate.rawjson import Piece, elements, loads
from migrate.state import events
from migrate.state.known_events import Stretch
from migrate.state.private import close_to_others, make_folder
from migrate.state.records import Raw
from migrate.state.row_checks import PLAN, ends_of_plan

SET_ASIDE = "events_set_aside"  # what they are called in the state
MOST_ALIKE = 50  # pages in a row of events that were shown before: Lago's ClickHouse store keeps duplicates
_TRIES = 3  # readings of a window that gives fewer events than Lago counts
_DIGITS = 40  # of a count
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
    """How many events Lago counts; 0 where it does not say. A count comes with any page: the first may never come."""
    for page in ("1", "2", "3"):
        try:
            answer = reading.source.get(API + EVENTS.path, [*window.query(), ("page", page), ("per_page", "1")])
        except (LagoRefusal, LagoUnreachable) as error:
            if not is_of_one_page(reading.source, error):
                raise
            continue
        return _total(answer) if has_meta(answer) else 0
    return 0


def read_events(reading: Reading, staged: Path) -> tuple[Stretch, ...]:
    """Each window becomes a Parquet file, written in the worker: a window that has its file is done.

    Gives the stretches of time of which events are missing.
    """
    make_folder(staged)
    plan = [window for window in _plan(reading) if not _file(staged, window).exists()]
    total, gaps = 0, len(read_gaps(staged))
    for rows, missing in reading.together(lambda window: _read_window(reading, window, staged), plan):
        total, unread = total + rows, [each.gap for each in missing if not each.gap.is_counted]
        gaps += len(unread)
        if unread and gaps > MOST:
            raise LagoUnreachable(unread[-1].why)
        reading.progress("events", total, None)
    _keep_aside(reading, staged)
    return _keep_gaps(reading, staged)


def _keep_gaps(reading: Reading, staged: Path) -> tuple[Stretch, ...]:
    """What no page of a window shows, in the state."""
    gaps = read_gaps(staged)
    with reading.store.begin() as db:
        for unit, note in gaps.items():
            reading.store.mark(db, reading.run, unit, note)
    return tuple(bounds_of(unit) for unit in gaps)


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


def _read_window(reading: Reading, window: EventsWindow, staged: Path) -> tuple[int, tuple[EventsGap, ...]]:
    """Events are only ever added, newest first: later ones shift down, so that a reading repeats some, misses none."""
    for _ in range(_TRIES):
        shown, counted, gaps = _window_events(reading, window)
        if len(shown) >= counted:
            break
    else:
        why = f"Lago counts {counted:,} and gives {len(shown):,} of them, read {_TRIES} times; extract again"
        gaps = (*gaps, EventsGap(window, Gap(len(shown) + 1, counted, why, is_counted=True)))
    kept, aside = sorted_out([event for event in shown if window.holds(event)])
    _write_aside(aside, _file(staged, window).with_suffix(".aside"))
    write_gaps(gaps, _file(staged, window).with_suffix(SUFFIX))
    events.write_parquet(events.table(kept), _file(staged, window))
    return len(kept), gaps


def sorted_out(shown: Sequence[Piece]) -> tuple[list[Piece], list[Piece]]:
    """(the events that columns can hold, the others). Two events of one id are none of them known to be right."""
    kept: list[Piece] = []
    aside: list[Piece] = []
    single = list(events.without_copies(shown))
    times = Counter(lago_id for event in single if (lago_id := _id_of(event)) is not None)
    for event in single:
        bad = is_suspect(event.value, event.text) and find_problem(event.value) is not None
        (aside if bad or _is_ambiguous(event, times) else kept).append(event)
    if not events.have_times(kept):  # all at once: one by one only where something is wrong
        aside += [event for event in kept if not events.have_times([event])]
        kept = [event for event in kept if events.have_times([event])]
    return kept, aside


def _is_ambiguous(event: Piece, times: Counter[str]) -> bool:
    """Whether its id is that of another event too."""
    lago_id = _id_of(event)
    return lago_id is not None and times[lago_id] > 1


def _id_of(event: Piece) -> str | None:
    """Its own id, where it is one: the close look names any other value."""
    lago_id = event.value.get("lago_id") if isinstance(event.value, dict) else None
    return lago_id if isinstance(lago_id, str) else None


def _write_aside(aside: Sequence[Piece], target: Path) -> None:
    """As one list of Lago's own texts; written before the window's file, whose being there ends the window."""
    target.write_text(f"[{','.join(event.text for event in aside)}]", encoding="utf-8")
    close_to_others(target)


def _window_events(reading: Reading, window: EventsWindow) -> tuple[list[Piece], int, tuple[EventsGap, ...]]:
    """The window's events without repetitions, how many of those that can be had Lago counted, and the gaps."""
    by_places, gaps_met = dict[int, Piece](), list[Gap]()
    counted: list[int] = []
    number, repeats = 1, Repeats(f"events from {window.name}", MOST_ALIKE)
    while True:
        part = _part(reading, window, number, counted[-1] if counted else None)
        by_places.update(by_place(part, (number - 1) * reading.per_page + 1))
        gaps_met += part.gaps
        if len(gaps_met) > MOST:
            raise LagoUnreachable(gaps_met[-1].why)
        known = counted[-1] if counted else len(by_places)  # a page that does not say it takes nothing back
        counted.append(known if part.counted is None else part.counted)
        if not part.more:
            break
        repeats.add(keys_of(EVENTS, part.pieces), number)
        number += 1
    read = WindowReading(window, by_places, tuple(gaps_met))
    shown, gaps = list(by_places.values()), read.named()
    least = min(counted[0], counted[-1])
    # Nothing was added while we read: what looks repeated are Lago's own (its ClickHouse store keeps duplicates).
    if counted[0] == counted[-1] == len(shown) + read.missing(least):
        return shown, len(shown), gaps
    return list(events.unique(shown)), least - read.missing(least), gaps


def _part(reading: Reading, window: EventsWindow, number: int, counted: int | None) -> Shown:
    """One page, in smaller ones where it fails."""

    def ask(number: int, per_page: int) -> Shown:
        query = [*window.query(), ("page", str(number)), ("per_page", str(per_page))]
        answer = answer_of(reading.source, EVENTS, API + EVENTS.path, query)
        pieces = listed(answer, EVENTS, f"page {number} from {window.name}")
        if has_meta(answer):
            return Shown(pieces, _total(answer), bool(pieces) and says_more(answer))
        is_full = len(pieces) >= per_page
        gaps = () if is_full else (gap_behind(number, per_page, len(pieces), unsaid_of(EVENTS, answer)),)
        return Shown(pieces, None, is_full, gaps)

    part = read_page(reading.source, ask, number, reading.per_page)
    return placed_in_list(part, counted, number * reading.per_page)


def staging(events_dir: Path) -> Path:
    """Where the windows wait until all are there."""
    return events_dir.with_name(f"{events_dir.name}.staging")


def _total(answer: Answer) -> int:
    """How many Lago counts; 0 where it says no number."""
    counted = str(read_meta(answer, "total_count"))
    return int(counted) if counted.isascii() and counted.isdecimal() and len(counted) <= _DIGITS else 0
