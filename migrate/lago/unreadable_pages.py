"""Pages that Lago does not give although it answers everything else: read in smaller parts, named where nothing helps.

A record's own page that shows another record is such a page too: that one is innocent, and its own page shows it.

Such a page is no reason to read less of the others. What cannot be read is a gap: it is told as what is in quarantine,
and what the state knows from before stays. More than a few of one resource are no gaps, but an outage. Where Lago
counts more than its pages show, such a gap stands behind the last record.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from mappings.text import shown
from migrate.errors import LagoError, LagoUnreachable
from migrate.lago.recorded import API
from migrate.lago.resources import Payload, Resource, Shape
from migrate.lago.source import LagoRefusal, LagoSource
from migrate.rawjson import Piece

T = TypeVar("T")
UNREADABLE = "page_unreadable"
MOST = 20  # gaps of one resource: with more, the extract stays unfinished, as when Lago cannot be reached
_SMALLER = (10, 1)  # records a page, where a larger page fails
_TRIED = 3  # parts at the beginning of a page that fail, one and all: the others are not asked for
_SAID = (401, 403, 404, 405)  # a key, a permission or a path is wrong: that is no matter of one page


@dataclass(frozen=True, slots=True)
class Gap:
    """Records of a list that nobody could read, by their places in it, from 1."""

    first: int
    last: int | None  # None: to the end, wherever that is
    why: str
    is_counted: bool = False  # every page was given, and Lago counts more than they show: no outage, however many

    def __str__(self) -> str:
        if self.last is None:
            return f"from record {self.first} on"
        return f"record {self.first}" if self.first == self.last else f"records {self.first} to {self.last}"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows. ``counted``: all of the list, as Lago says; ``more``: whether there is a next page."""

    pieces: Sequence[Piece]
    counted: int | None
    more: bool
    gaps: tuple[Gap, ...] = ()


def note_of(why: str) -> str:
    """What the state keeps of a page that Lago does not give."""
    return f"{UNREADABLE}: {why}"


def why_unread(note: str | None) -> str | None:
    """The same read from the state; None where the note is of something else, or there is none."""
    is_of_page = note is not None and note.startswith(UNREADABLE)
    return note.removeprefix(f"{UNREADABLE}: ") if note and is_of_page else None


Ask = Callable[[int, int], Shown]  # page number, records a page


def is_of_one_page(source: LagoSource, error: LagoError) -> bool:
    """Whether Lago says no to this alone: it shows its organization all the same."""
    if isinstance(error, LagoRefusal):
        return error.status not in _SAID
    if not isinstance(error, LagoUnreachable):
        return False
    try:
        source.get(f"{API}/organizations")
    except LagoError:
        return False
    return True


def patiently(source: LagoSource, ask: Callable[[], T]) -> T:
    """What ``ask`` gives; asked once more where Lago did not answer and now does: it may have been away."""
    try:
        return ask()
    except LagoUnreachable as error:
        if not is_of_one_page(source, error):
            raise
        return ask()


def another_shown(resource: Resource, listed: Payload, page: object) -> str:
    """What a record's own page shows instead of the record as it is ``listed``; empty where it shows that.

    Of several of one name and state Lago may show the latest only: then there is no page of the others.
    """
    identity = listed.get("lago_id")
    payload = page if isinstance(page, Mapping) else {}
    instead = payload.get("lago_id")
    if resource.shape is not Shape.RECORD or not isinstance(identity, str) or instead == identity:
        return ""
    has_id = isinstance(instead, str) and bool(instead.strip())
    if resource.absent != "none":
        return f"shows another record: {_label(payload)}" if has_id else ""  # without an id it cannot be read, as that
    query = resource.query if resource.shown_for(listed) else ()
    names = re.findall(r"\{(\w+)\}", " ".join((resource.path, *(value for _, value in query))))
    if has_id and all(payload.get(name) == listed.get(name) for name in names):
        return ""
    return f"shows another record: {_label(payload)}" if has_id else "shows no record with an id"


def _label(payload: Payload) -> str:
    texts = (payload.get(name) for name in ("number", "code", "external_id"))
    called = next((text for text in texts if isinstance(text, str) and text.strip()), "")
    return f"{shown(called)}, id {shown(payload['lago_id'])}"


def read_page(source: LagoSource, ask: Ask, number: int, size: int) -> Shown:
    """The page, or as much of it as can be had in smaller ones. Raises what ``ask`` raises if Lago is away."""
    try:
        return ask(number, size)
    except (LagoRefusal, LagoUnreachable) as error:
        if not is_of_one_page(source, error):
            raise
        return _in_parts(source, ask, number, size, error.problem)


def placed_in_list(part: Shown, counted: int | None, end: int) -> Shown:
    """``part`` with what the page before knew: ``counted``, of a list that was read to place ``end``."""
    if not part.gaps:
        return part
    if part.counted is None and counted is None:
        return replace(part, gaps=(*part.gaps[:-1], replace(part.gaps[-1], last=None)))
    total = counted if part.counted is None else part.counted
    return replace(part, counted=total, more=part.more or (total or 0) > end)


def _in_parts(source: LagoSource, ask: Ask, number: int, size: int, why: str) -> Shown:
    first, last = (number - 1) * size, number * size
    smaller = next((part for part in _SMALLER if part < size and size % part == 0), None)
    parts: list[Shown] = []
    for page in range(first // smaller + 1, last // smaller + 1) if smaller else ():
        parts.append(read_page(source, ask, page, smaller or 1))
        if (len(parts) == _TRIED and _is_nothing(parts)) or not (parts[-1].more or parts[-1].gaps):
            break
    if _is_nothing(parts):
        return Shown((), None, False, (Gap(first + 1, last, why),))
    counted = next((part.counted for part in reversed(parts) if part.counted is not None), None)
    more = parts[-1].more or (counted or 0) > last
    return Shown([piece for part in parts for piece in part.pieces], counted, more, tuple(_gaps(parts, counted)))


def _is_nothing(parts: Sequence[Shown]) -> bool:
    """Whether no smaller page shows more than the large one did."""
    return not any(part.pieces for part in parts) and all(part.gaps for part in parts)


def _gaps(parts: Sequence[Shown], counted: int | None) -> Iterator[Gap]:
    """Those within what Lago counts."""
    yield from (gap for part in parts for gap in part.gaps if counted is None or gap.first <= counted)
