"""Lago's lists and pages -> store: each page kept at once, as it came, parents asked several at a time.

Records are kept unread: one that cannot be read is no reason to keep less of the others (``migrate.lago.snapshot``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any, TypeVar

from mappings.decode import unknown_fields
from migrate.errors import LagoUnreachable, PayloadError
from migrate.lago.asked_at import as_known
from migrate.lago.list_pages import answer_of, fetch_page, is_name, key_of, keys_of, whole_list
from migrate.lago.readings import NeverSettles, Readings
from migrate.lago.recorded import API
from migrate.lago.refused import is_missing, left_out
from migrate.lago.resources import Resource, Shape
from migrate.lago.source import LagoRefusal, LagoSource, Query, segment
from migrate.lago.unreadable_pages import (
    MOST,
    Gap,
    Shown,
    another_shown,
    is_of_one_page,
    note_of,
    patiently,
    placed_in_list,
    read_page,
    why_unread,
)
from migrate.progress import Progress
from migrate.rawjson import Piece, loads
from migrate.state.records import Page, Raw, Run
from migrate.state.store import Store

T = TypeVar("T")
S = TypeVar("S")

_BATCH = 50  # own pages written in one transaction

# Of a record that Lago listed and then had not (404): deleted while we read, or something loses answers.
UNSHOWN = "listed_not_shown"


@dataclass(frozen=True, slots=True)
class _Found:
    """What one call for a parent brought: records, or a note why there are none."""

    parent: Raw
    records: tuple[Raw, ...] = ()
    unknown: frozenset[str] = frozenset()
    note: str | None = None
    parent_gone: bool = False
    unread: str | None = None  # why Lago does not give it, although it answers everything else
    lacking: str = ""  # that Lago counts more than it shows

    @property
    def kept_note(self) -> str | None:
        """What the state keeps of it."""
        why = self.unread if self.unread is not None else self.lacking or None
        return self.note if why is None else note_of(why)


@dataclass
class Reading:
    """One run's tools. Only the calling thread writes to the store; workers fetch and check."""

    source: LagoSource
    store: Store
    run: Run
    progress: Progress
    per_page: int
    done: dict[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.done = self.store.done(self.run)

    def read(self, resource: Resource) -> None:
        """Read all of ``resource`` unless this run has it already."""
        if resource.name in self.done:
            return
        note = None
        if resource.under:
            self._read_below(resource, resource.under)
        else:
            try:
                (self._read_list if resource.shape is Shape.LIST else self._read_one)(resource)
            except (LagoRefusal, LagoUnreachable) as error:
                refusal = self._refusal(error)
                note = left_out(resource, refusal) if refusal else note_of(error.problem)
        with self.store.begin() as db:
            self.store.mark(db, self.run, resource.name, note)

    def _read_one(self, resource: Resource) -> None:
        raw, unknown = _kept(resource, self._shown(resource, resource.path, resource.query)[0], None)
        with self.store.begin() as db:
            self.store.put(db, self.run, [raw])
            self.store.add_unknown(db, self.run, ((resource.name, path) for path in unknown))

    def _read_list(self, resource: Resource) -> None:
        """Page by page, each kept at once, until two readings agree. What Lago counts beyond that is a gap."""
        readings = Readings(resource.name, self.store.pages(self.run, resource.name))
        shown = 0
        try:
            while asked := readings.wanted():
                reading, number = asked
                part = self._part(resource, number, readings.counted)
                page = Page(reading, number, keys_of(resource, part.pieces), not part.more)
                keyed = zip(page.keys, part.pieces, strict=True)
                checked = [_kept(resource, piece, None, key) for key, piece in keyed]
                with self.store.begin() as db:
                    self.store.put(db, self.run, (raw for raw, _ in checked))
                    unknown = {(resource.name, path) for _, paths in checked for path in paths}
                    self.store.add_unknown(db, self.run, unknown)
                    for gap in part.gaps:
                        self.store.mark(db, self.run, f"{resource.name}/{gap}", note_of(gap.why))
                    self.store.add_page(db, self.run, resource.name, page)
                readings.add(page, part.counted)
                shown = len(page.keys) + (shown if page.number > 1 else 0)
                self.progress(resource.name, shown, None)
        except NeverSettles:
            self.store.drop_pages(self.run, resource.name)  # so that the command can be run again
            raise
        if readings.lacking and not self._gaps(resource.name):  # what is lacking stands there
            with self.store.begin() as db:
                gap = Gap(len(readings.keys()) + 1, readings.counted, readings.lacking)
                self.store.mark(db, self.run, f"{resource.name}/{gap}", note_of(gap.why))
        whole, vanished = not self._gaps(resource.name), self.store.keys(resource.name, self.run) - readings.keys()
        with self.store.begin() as db:
            if whole:
                self.store.forget(db, resource.name, sorted(vanished))
            else:
                self.store.keep_known(db, self.run, resource.name)
        self.progress(resource.name, len(readings.keys()), len(readings.keys()))

    def _gaps(self, name: str) -> frozenset[str]:
        """The units of this run that could not be read."""
        done = self.store.done(self.run, f"{name}/")
        return frozenset(unit for unit, note in done.items() if why_unread(note) is not None)

    def _part(self, resource: Resource, number: int, counted: int | None) -> Shown:
        """One page, in smaller ones where it fails. ``counted``: by Lago, on the page before."""
        path, query = resource.path, resource.query

        def ask(number: int, per_page: int) -> Shown:
            fetched = fetch_page(self.source, resource, path, query, (1, number), per_page)
            return Shown(fetched.pieces, fetched.counted, not fetched.page.last, fetched.gaps(per_page))

        part = placed_in_list(read_page(self.source, ask, number, self.per_page), counted, number * self.per_page)
        if part.gaps and len({*self._gaps(resource.name), *(f"{resource.name}/{gap}" for gap in part.gaps)}) > MOST:
            raise LagoUnreachable(part.gaps[0].why)
        return part

    def _read_below(self, resource: Resource, under: str) -> None:
        """One call (or list) for each parent, several at a time."""
        total = len(self.store.keys(under, self.run))
        finished = unreadable = 0
        pending: list[_Found] = []
        try:
            for finding in self.together(lambda parent: self._below(resource, parent), self._parents(resource, under)):
                pending.append(finding)
                finished += 1
                unreadable += finding.unread is not None
                if unreadable > MOST and finding.unread is not None:
                    raise LagoUnreachable(finding.unread)
                if len(pending) >= _BATCH:
                    self._keep(resource, pending)
                self.progress(resource.name, finished, total)
        finally:
            self._keep(resource, pending)  # also what came before something broke
        if finished != total:  # not every parent has one
            self.progress(resource.name, finished, finished)

    def _parents(self, resource: Resource, under: str) -> Iterator[Raw]:
        """Those that are still to be asked for, a few at a time: there may be many, and their payloads are long."""
        for raw in self.store.seen(under, self.run):
            if _unit(resource, raw) in self.done:
                continue
            payload = loads(raw.payload)
            if isinstance(payload, dict) and resource.only_if(payload):
                yield raw

    def _keep(self, resource: Resource, pending: list[_Found]) -> None:
        """Write what was found for some parents, and empty the list."""
        with self.store.begin() as db:
            raws = [raw for finding in pending for raw in finding.records]
            if resource.asked_at:
                known = self.store.payloads(db, resource.name, [raw.key for raw in raws])
                raws = [as_known(raw, known.get(raw.key), resource.asked_at) for raw in raws]
            self.store.put(db, self.run, raws)
            unknown = {(resource.name, path) for finding in pending for path in finding.unknown}
            self.store.add_unknown(db, self.run, unknown)
            for finding in pending:
                self.store.mark(db, self.run, _unit(resource, finding.parent), finding.kept_note)
            unread = [f.parent.key for f in pending if f.unread is not None or f.lacking]
            self.store.keep_known(db, self.run, resource.name, unread)
            gone = [finding.parent.key for finding in pending if finding.parent_gone]
            if resource.under:
                self.store.forget(db, resource.under, gone)
        pending.clear()

    def _below(self, resource: Resource, parent: Raw) -> _Found:
        """Runs in a worker: fetch and check what ``parent`` has."""
        payload = loads(parent.payload)
        dotted = _dotted(resource, payload)
        if dotted:
            return _Found(parent, note=f"unreachable: Lago finds no customer by an id with a dot ({dotted})")
        nameless = next((f for f in _fields_of(resource) if not is_name(payload.get(f))), None)
        if nameless:
            return _Found(parent, note=f"unreachable: its {nameless} is missing, or no text")
        path = _filled(resource.path, payload, segment)
        query = tuple((name, _filled(value, payload, str)) for name, value in resource.query)
        try:
            pieces, lacking = patiently(self.source, lambda: self._pieces(resource, path, query))
        except (LagoRefusal, LagoUnreachable) as error:
            refusal = self._refusal(error)
            if refusal is None or is_missing(resource, refusal, payload):
                return _Found(parent, unread=error.problem)
            note = left_out(resource, refusal)
            gone = resource.absent == "parent gone" and refusal.status == 404
            return _Found(parent, note=UNSHOWN if gone else note, parent_gone=gone)
        another = another_shown(resource, payload, pieces[0].value) if pieces else ""
        if another:
            return _Found(parent, unread=f"GET {API}{path} {another}")
        keys = keys_of(resource, pieces)
        kept = [_kept(resource, piece, parent, key) for key, piece in zip(keys, pieces, strict=True)]
        records = tuple(raw for raw, _ in kept if resource.shape is not Shape.RECORD or raw.key == parent.key)
        unknown = frozenset(field for _, fields in kept for field in fields)
        return _Found(parent, records, unknown, lacking=lacking)

    def _refusal(self, error: LagoRefusal | LagoUnreachable) -> LagoRefusal | None:
        """Lago's plain no; None where it fails at this alone. Raises the error if it is away."""
        if is_of_one_page(self.source, error):
            return None
        if isinstance(error, LagoUnreachable):
            raise error
        return error

    def _pieces(self, resource: Resource, path: str, query: Query) -> tuple[Sequence[Piece], str]:
        """What is below one parent, and what to say of it if there is more."""
        if resource.shape is not Shape.LIST:
            piece, lacking = self._shown(resource, path, query)
            return [piece], lacking
        readings, kept, unsaid = Readings(f"{resource.name} of {path}"), dict[str, Piece](), ""
        while asked := readings.wanted():
            fetched = fetch_page(self.source, resource, path, query, asked, self.per_page)
            readings.add(fetched.page, fetched.counted)
            kept.update(zip(fetched.page.keys, fetched.pieces, strict=True))
            unsaid = unsaid or fetched.unsaid
        return [kept[key] for key in sorted(readings.keys())], readings.lacking or unsaid

    def _shown(self, resource: Resource, path: str, query: Query) -> tuple[Piece, str]:
        """What stands under the root, and what to say of it if there is more: of a list all of its pages."""
        answer = answer_of(self.source, resource, API + path, query)
        if resource.root not in answer:
            raise PayloadError(f"{resource.name}: the answer to {path} has no {resource.root!r}")
        return whole_list(self.source, resource, path, query, answer)

    def together(self, work: Callable[[S], T], items: Iterable[S]) -> Iterator[T]:
        yield from together(work, items, self.source.connections, self.source.close)


def together(
    work: Callable[[S], T], items: Iterable[S], workers: int, give_up: Callable[[], None] = lambda: None
) -> Iterator[T]:
    """Run ``work`` on ``items`` in ``workers`` threads; results as they come, a bounded number ahead of the caller.

    One worker (a recording: there is nothing to wait for) needs no thread.
    """
    if workers == 1:
        yield from map(work, items)
        return
    pool = ThreadPoolExecutor(max_workers=workers)
    remaining = iter(items)
    running: set[Future[T]] = {pool.submit(work, item) for item in islice(remaining, 4 * workers)}
    try:
        while running:
            ready, running = wait(running, return_when=FIRST_COMPLETED)
            running |= {pool.submit(work, item) for item in islice(remaining, len(ready))}
            yield from (future.result() for future in ready)
    except (KeyboardInterrupt, GeneratorExit):  # the caller stops, here or where it uses the results
        give_up()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _kept(resource: Resource, piece: Piece, parent: Raw | None, key: str = "") -> tuple[Raw, frozenset[str]]:
    """The record as it is kept, whatever it holds, and its unknown fields."""
    if resource.shape is Shape.WHOLE:
        key = parent.key if parent else resource.name
    known = resource.schema and isinstance(piece.value, dict | list)
    unknown = unknown_fields(piece.value, str(resource.schema), _schemas()) if known else frozenset[str]()
    fallback = key or key_of(resource, piece)
    if parent and resource.shape is Shape.RECORD and resource.absent != "none" and resource.decoded_as:
        fallback = parent.key  # its own page: what it says of itself is held against the list when it is read
    return Raw(resource.name, fallback, piece.text, parent.key if parent else ""), unknown


def _fields_of(resource: Resource) -> Iterator[str]:
    """The fields of the parent that its path and query name."""
    for template in (resource.path, *(value for _, value in resource.query)):
        yield from re.findall(r"\{(\w+)\}", template)


@cache
def _schemas() -> Mapping[str, Mapping[str, str | None]]:
    """The fields this version knows: made from the table of Lago's serializers and the recordings."""
    text = (files("migrate.lago") / "known_fields.json").read_text(encoding="utf-8")
    schemas: Mapping[str, Mapping[str, str | None]] = json.loads(text)
    return schemas


def _unit(resource: Resource, parent: Raw) -> str:
    return f"{resource.name}/{parent.key}"


def _dotted(resource: Resource, payload: Mapping[str, Any]) -> str | None:
    """The customer's external id if it stands in the path and holds a dot: Rails would cut it there."""
    for name in ("external_customer_id", "external_id"):
        if resource.path.startswith(f"/customers/{{{name}}}") and "." in str(payload.get(name)):
            return str(payload[name])
    return None


def _filled(template: str, payload: Mapping[str, Any], write: Callable[[str], str]) -> str:
    """``template`` with the payload's fields in place of their names in braces."""
    return re.sub(r"\{(\w+)\}", lambda field: write(str(payload[field[1]])), template)
