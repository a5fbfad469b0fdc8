"""Lago -> store and Parquet: everything of ``migrate.lago.resources``, then the events window by window.

Each finished piece of work (a page, a record's own page, a window of events) is written down in the same transaction
as what it brought. So an extract that was killed goes on where it stopped, and ends in the same state.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mappings.records import Counted
from migrate.errors import Blocked, LagoRefused, StoreError
from migrate.lago.clock import check_clock
from migrate.lago.counted import UNIT, keep_counted, kept_counts
from migrate.lago.read_events import read_events, staging
from migrate.lago.read_resources import UNSHOWN, Reading
from migrate.lago.recorded import API
from migrate.lago.resources import RESOURCES
from migrate.lago.source import LagoRefusal, LagoSource
from migrate.progress import Progress, quiet
from migrate.state import events
from migrate.state.known_events import keep_known_events
from migrate.state.private import require_writable
from migrate.state.records import Changes, Run
from migrate.state.row_checks import PLAN
from migrate.state.seals import require_extract
from migrate.state.store import Store

PER_PAGE = 100
WORDS = {UNSHOWN: "Lago lists it, and has it not (404) when it is asked for: left out; extract again"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractReport:
    """What an extract found. ``left_out`` names what Lago did not show, and why.

    ``unshown``: ids of records that it listed, and had not when they were asked for; ``missed_fees``: of fees that its
    list showed to an earlier extract, and not to this one. ``counted``: what Lago has and nobody reads.
    """

    lago_version: str
    taken_at: datetime
    resources: Mapping[str, Changes]
    events: int
    unknown_fields: Mapping[str, tuple[str, ...]]
    left_out: tuple[str, ...]
    unshown: tuple[str, ...] = ()
    missed_fees: frozenset[str] = frozenset()
    counted: tuple[Counted, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "lago_version": self.lago_version,
            "taken_at": self.taken_at.isoformat(),
            "resources": {name: asdict(changes) for name, changes in self.resources.items()},
            "events": self.events,
            "unknown_fields": {name: list(paths) for name, paths in self.unknown_fields.items()},
            "left_out": list(self.left_out),
            "unshown": list(self.unshown),
            **({"counted": [asdict(counted) for counted in self.counted]} if self.counted else {}),
        }


def extract(
    source: LagoSource,
    store: Store,
    events_dir: Path,
    *,
    progress: Progress = quiet,
    per_page: int = PER_PAGE,
    warn: Callable[[str], object] = lambda line: None,
) -> ExtractReport:
    """Read all of ``source`` into ``store`` and ``events_dir``; resumes an interrupted run of the same organization.

    ``warn`` is told, line by line, what is odd and stops nothing: of Lago's clock.
    Raises LockHeld, LagoError and its kinds, PayloadError, StoreError; what was read until then is kept.
    """
    with store.lock():
        require_writable(events_dir)
        run = _begin(source, store, warn)
        reading = Reading(source, store, run, progress, per_page)
        for resource in RESOURCES:
            reading.read(resource)
        keep_counted(source, store, run, progress)
        staged = staging(events_dir) / f"run-{run.id}"
        unread = read_events(reading, staged)
        keep_known_events(store.event_files(), events_dir, staged, unread)
        written = events.partition(staged, events_dir)
        total = sum(file.events for file in written)
        progress("events", total, total)
        store.finish(run, written)
        shutil.rmtree(staging(events_dir), ignore_errors=True)
        return report(store)


def report(store: Store) -> ExtractReport:
    """The latest finished extract. Raises Blocked if there is none."""
    run = require_finished(store)
    told = (item for item in store.done(run).items() if item[0] != PLAN and not item[0].startswith(UNIT))
    notes = {unit: note for unit, note in told if note}
    return ExtractReport(
        lago_version=run.lago_version,
        taken_at=run.taken_at,
        resources=store.changes(run),
        events=sum(file.events for file in store.event_files()),
        unknown_fields=store.unknown(run),
        left_out=tuple(sorted(f"{unit}: {WORDS.get(note, note)}" for unit, note in notes.items())),
        unshown=tuple(sorted(unit.partition("/")[2] for unit, note in notes.items() if note == UNSHOWN)),
        missed_fees=store.missed("fees", run),
        counted=kept_counts(store, run),
    )


def counts(store: Store) -> dict[str, int]:
    """Records per resource as Lago's API shows them, and the events. Raises Blocked without a finished extract."""
    extract = report(store)
    return {name: changes.total for name, changes in extract.resources.items()} | {"events": extract.events}


def _begin(source: LagoSource, store: Store, warn: Callable[[str], object]) -> Run:
    """Resume or begin a run. The organization's id, not the URL, says what belongs together."""
    try:
        version = str(source.get("/health")["version"].value)
    except (LagoRefusal, KeyError):
        version = "unknown"
    shown = source.get(f"{API}/organizations").get("organization")
    organization: Mapping[str, object] = shown.value if shown and isinstance(shown.value, dict) else {}
    identity = organization.get("lago_id")
    if not isinstance(identity, str):
        raise LagoRefused(f"{source.name} does not show an organization; check that it is Lago's API")
    latest = store.latest()
    if latest and latest.finished and latest.source != identity:
        raise StoreError(
            f"the state holds another organization ({latest.source}) than {source.name} shows ({identity}); "
            "set another [store] url and events folder for it"
        )
    return store.unfinished(identity) or store.new_run(identity, version, _clock(source, organization, latest, warn))


def _clock(
    source: LagoSource, organization: Mapping[str, object], latest: Run | None, warn: Callable[[str], object]
) -> datetime:
    """Lago's time. Raises LagoRefused for a clock that contradicts what is known."""
    moment = datetime.fromisoformat(source.clock())
    if source.has_clock:
        for doubt in check_clock(moment, datetime.now(UTC), organization, latest):
            warn(doubt)
    return moment


def require_finished(store: Store) -> Run:
    """The latest run. Raises Blocked, with the remedy, if it did not come to its end."""
    run = store.latest()
    if run is None:
        raise Blocked("nothing is extracted yet: run 'lago2odoo extract'")
    if not run.finished:
        raise Blocked("the extract is unfinished: run 'lago2odoo extract' again, it resumes")
    return run


def require_as_written(store: Store, run: Run) -> None:
    """What was read of a finished extract is all of it. To be asked after reading, as the next one may have begun.

    Raises Blocked for that, and StoreError for rows that are gone, were added or exchanged.
    """
    try:
        with store.begin() as db:
            require_extract(db, run.id)
    except StoreError:
        require_latest(store, run)
        raise
    require_latest(store, run)


def require_latest(store: Store, run: Run) -> None:
    """Raise Blocked if another extract began since ``run`` was the latest."""
    if store.latest() != run:
        raise Blocked("another extract began while this one was read: let it end, then run the same command again")
