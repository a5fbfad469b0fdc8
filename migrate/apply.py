"""From changes to Odoo: ``apply`` walks exactly the tuple that ``migrate.preview`` shows.

    apply(odoo, ledger, mapped, phases=..., cohort=..., snapshot_digest=..., saved=..., progress=...) -> Applied

``mapped`` is everything the mappers gave, in the order they gave it; ``phases`` and ``cohort`` choose among it.
``snapshot_digest``: of what was read from Lago. ``Applied.raise_if_failed()`` ends the command.
What Odoo refuses costs itself and what refers to it, by external id; everything else goes on, in later phases too.
Stop it at any moment, with Ctrl-C or a kill: the next run finds what is there by external id and goes on.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mappings.target import Desired, Mapped, Phase, Skipped
from migrate.adopt import NOTHING, Adoption, adopt_met
from migrate.change_set.changes import (
    Action,
    Change,
    ChangeSet,
    Observed,
    each_line,
    left_out,
)
from migrate.change_set.compare import drift
from migrate.change_set.removals import require_consent
from migrate.errors import Blocked, OdooError
from migrate.odoo.discover import identity
from migrate.odoo.door import Door
from migrate.odoo.loader import Failure, Loader, Size
from migrate.odoo.meanwhile import Meanwhile
from migrate.odoo.remove import RELEASE, Undone, drop_lines, remove
from migrate.odoo.resolve import LINE_FIELDS, OdooReader, references, wanted_known
from migrate.odoo.standing import bind, unbind
from migrate.odoo.what_to_write import has_anything_to_write
from migrate.odoo.withheld import is_of_all
from migrate.phases import EVERYONE, MIGRATED, ORDER, Cohort, require_predecessors
from migrate.preview import KeepUsage, compare, keep_nothing, shape_of
from migrate.progress import Progress, quiet
from migrate.state.ledger import Ledger

NOT_WRITTEN = "not written"
MEANWHILE = "changed meanwhile"
NAMED = 3  # of each kind, where there may be many


@dataclass(frozen=True, slots=True)
class NotTaken:
    """A record that Odoo did not take, and those that were not sent because they refer to it, near or far."""

    failure: Failure
    waiting: tuple[Failure, ...] = ()

    def __str__(self) -> str:
        if not self.waiting:
            return str(self.failure)
        more = ", ..." if len(self.waiting) > NAMED else ""
        names = ", ".join(f.change.source for f in self.waiting[:NAMED])
        return f"{self.failure}; what needs it waits ({len(self.waiting):,}: {names}{more})"


@dataclass(frozen=True, slots=True)
class Applied:
    """What apply did. ``written``: phase -> action -> records; ``calls``: writing calls made to Odoo."""

    changes: ChangeSet
    written: Mapping[str, Mapping[str, int]]
    failures: tuple[Failure, ...] = ()
    altered: tuple[str, ...] = ()  # texts that Odoo keeps in another form than sent
    leftovers: tuple[str, ...] = ()  # removals that Odoo did not allow, and what was done instead
    calls: int = 0
    seconds: float = 0.0
    adopted: Adoption = NOTHING  # stood in Odoo under our external ids, and the state did not know them
    meanwhile: tuple[Meanwhile, ...] = ()  # changed in Odoo while they were written: only the rest of them is

    @property
    def conflicts(self) -> tuple[Change, ...]:
        """Records changed on both sides; nothing of them was written."""
        return tuple(self.changes.of(Action.CONFLICT))

    @property
    def ok(self) -> bool:
        """Whether everything that was to be written is in Odoo."""
        return not (self.failures or self.conflicts or self.meanwhile)

    @property
    def refused(self) -> tuple[NotTaken, ...]:
        """Each record that Odoo did not take, with those that waited for it."""
        waiting: dict[str, list[Failure]] = {}
        for failure in self.failures:
            if failure.because:
                waiting.setdefault(failure.because, []).append(failure)
        roots = (f for f in self.failures if not f.because)
        return tuple(NotTaken(f, tuple(waiting.get(f.change.xid, ()))) for f in roots)

    @property
    def error(self) -> OdooError | None:
        """Names the first guilty records, what waits for them, and the way out."""
        if self.failures:
            refused = self.refused
            more = f" (and {len(refused) - NAMED} more)" if len(refused) > NAMED else ""
            named = "; ".join(str(each).rstrip(".") for each in refused[:NAMED])
            rest = "" if self.conflicts else "; everything else is written"
            what = "record was" if len(refused) == 1 else "records were"
            return OdooError(
                f"{len(refused):,} {what} not taken: {named}{more}{rest}; mend it in Lago or in Odoo, then run "
                "'lago2odoo extract' and 'lago2odoo apply'"
            )
        if self.conflicts:
            first = self.conflicts[0]
            fields = ", ".join(d.field for d in first.diffs if d.verdict is Action.CONFLICT) or "its lines"
            return OdooError(
                f"{len(self.conflicts)} records were changed both in Lago and in Odoo: {first.source} ({fields}); "
                "set one side to the other's value, then apply again"
            )
        if self.meanwhile:
            more = f" (and {len(self.meanwhile) - NAMED} more)" if len(self.meanwhile) > NAMED else ""
            named = "; ".join(str(each) for each in self.meanwhile[:NAMED])
            what = "record was" if len(self.meanwhile) == 1 else "records were"
            return OdooError(
                f"{len(self.meanwhile):,} {what} changed in Odoo during this command: {named}{more}; "
                "everything else is written; look at 'lago2odoo status' and set one side to the other's value"
            )
        return None

    def counts(self) -> dict[str, dict[str, int]]:
        """Phase -> action -> records: of what was to be written only what was, and apart from it what was not."""
        table = {phase: dict(row) for phase, row in self.changes.counts().items()}
        for phase, row in table.items():
            done = self.written.get(phase, {})
            for action in (Action.CREATE, Action.UPDATE, Action.REMOVE):
                planned, written = row.pop(action.value, 0), done.get(action.value, 0)
                if planned:
                    row[action.value] = written
                if planned > written:
                    row[NOT_WRITTEN] = row.get(NOT_WRITTEN, 0) + planned - written
            if edited := sum(each.change.phase.value == phase for each in self.meanwhile):
                row[MEANWHILE] = edited
        return table

    def raise_if_failed(self) -> None:
        """Raise ``error``, if there is one."""
        if (error := self.error) is not None:
            raise error


def apply(
    odoo: Door,
    ledger: Ledger,
    mapped: Sequence[Mapped],
    *,
    phases: Sequence[Phase] = MIGRATED,
    cohort: Cohort = EVERYONE,
    snapshot_digest: str = "",
    saved: ChangeSet | None = None,
    keep_usage: KeepUsage = keep_nothing,
    waived: Collection[str] = (),
    allow_removals: int = 0,
    removing: bool = True,
    progress: Progress = quiet,
) -> Applied:
    """Write the changes, phase by phase. ``saved``: only if the changes are still exactly these, else Blocked.

    ``keep_usage``, ``waived``, ``removing``: as for ``preview``. ``allow_removals``: so many may go even if they are
    more than the ordinary; Blocked, before anything is written, if there are more.

    Hold ``ledger.store.lock()`` around it. A refused record stops only what refers to it; its phase and theirs stay
    unfinished, which blocks a later run of the next phases alone.
    """
    started = time.monotonic()
    reader = OdooReader(odoo, progress)
    changes, observed = compare(reader, ledger, mapped, phases, cohort, snapshot_digest, keep_usage, waived, removing)
    if saved is not None:
        _require_same(saved, changes)
    require_consent(changes, allow_removals)
    having = {m.phase for m in mapped if isinstance(m, Desired)}
    earlier = [p for p in ORDER if p in having and p not in phases]  # of those of this run it is known what lacks
    run = _Run(ledger, Loader(reader, observed), observed, cohort, progress, frozenset(waived))
    ledger.begin("apply", cohort.name, identity(odoo))
    run.adopted = adopt_met(odoo, ledger, changes, observed)
    for phase in (p for p in ORDER if p in phases):
        require_predecessors(phase, cohort, ledger.phases(), earlier)
        run.write_phase(phase, [c for c in changes.changes if c.phase is phase and c.action is not Action.REMOVE])
    run.remove(list(changes.of(Action.REMOVE)))
    result = run.result(changes, time.monotonic() - started)
    ledger.end(result.written)
    return result


def _require_same(saved: ChangeSet, now: ChangeSet) -> None:
    if saved.scope != now.scope:
        raise Blocked(
            f"the preview was saved for {saved.scope}, and this is for {now.scope}: apply it with the --phase and "
            "--cohort of its preview (or with neither: they are in the file), or preview again"
        )
    if saved.snapshot_digest != now.snapshot_digest:
        raise Blocked("the snapshot of Lago is not the one that was previewed: preview again")
    if saved.digest != now.digest:
        moved = now.moved_since(saved)
        more = f" and {len(moved) - 3} more" if len(moved) > 3 else ""
        raise Blocked(f"Odoo or the mapping moved since the preview ({', '.join(moved[:3])}{more}): preview again")


# --- walking -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Run:
    """One apply on its way."""

    ledger: Ledger
    loader: Loader
    observed: Observed
    cohort: Cohort
    progress: Progress
    waived: frozenset[str] = frozenset()
    failures: list[Failure] = field(default_factory=list)
    missing: dict[str, Failure] = field(default_factory=dict)  # by external id: those that failed, and their lines
    written: dict[str, dict[str, int]] = field(default_factory=dict)
    leftovers: list[str] = field(default_factory=list)
    adopted: Adoption = NOTHING
    sizes: dict[str, Size] = field(default_factory=dict)
    _done: int = 0

    def write_phase(self, phase: Phase, changes: Sequence[Change]) -> None:
        """The changes of one phase but removals: what is there already, then creations and updates in order."""
        before = len(self.failures)
        self._done, total = 0, len(changes)
        self.ledger.set_phase(phase, self.cohort.name, finished=False, detail="interrupted")
        self._fail(Failure(c, c.note) for c in changes if c.action is Action.WITHHELD)
        bind(self.loader.reader.door, changes)
        self._learn([c for c in changes if c.fresh and c.action in (Action.UNCHANGED, Action.KEPT)])
        self._step(phase, sum(c.action not in (Action.CREATE, Action.UPDATE) for c in changes), total)
        for group in _runs_of(changes, (Action.CREATE, Action.UPDATE)):
            for batch in self._batches(group):
                self._fail_waiting(batch)
                self._write([change for change in batch if change.xid not in self.missing])
                self._step(phase, len(batch), total)
        failed = self.failures[before:]
        left = left_out(changes, self.waived)
        detail = f"{len(failed)} records refused, first {failed[0]}" if failed else _told(left)
        only_left_out = bool(left) and not failed
        self.ledger.set_phase(phase, self.cohort.name, finished=not detail, detail=detail, left_out=only_left_out)

    def _step(self, phase: Phase, records: int, total: int) -> None:
        self._done += records
        self.progress(f"apply {phase.value}", self._done, total)

    def _batches(self, group: Sequence[Change]) -> Iterator[list[Change]]:
        size = self.sizes.setdefault(group[0].model, Size())
        start = 0
        while start < len(group):
            batch = list(group[start : start + size.now])
            began = time.monotonic()
            yield batch
            size.learn(len(batch), time.monotonic() - began)
            start += len(batch)

    def _fail_waiting(self, batch: Sequence[Change]) -> None:
        """Note those that need a record that failed before: they are failures of their own, for that reason."""
        if self.missing:
            self._fail(Failure(c, "") for c in batch if self._cause(c))

    def _fail(self, failures: Iterable[Failure]) -> None:
        """Note each, as one that waits for another if it needs one that failed: also within one call to Odoo."""
        for failure in failures:
            change, cause = failure.change, self._cause(failure.change)
            noted = cause.waits(change) if cause else failure
            self.failures.append(noted)
            lines = (line.xid for _, line in each_line(change.desired)) if change.desired else ()
            self.missing |= dict.fromkeys((change.xid, *lines), noted)

    def _cause(self, change: Change) -> Failure | None:
        needs = references([change.desired])[0] if change.desired else {}
        return next((self.missing[n] for n in needs if n in self.missing), None)

    def _write(self, batch: Sequence[Change]) -> None:
        if not batch:
            return
        self.ledger.intend(batch)
        act = self.loader.create if batch[0].action is Action.CREATE else self.loader.update
        seen, failures = act(batch)
        self._fail(failures)
        good = self.loader.read_back.as_written([c for c in batch if c.xid in seen])
        self.ledger.finish(good, seen, self.observed, self.loader.zeroed)
        self.loader.zeroed.clear()
        self._count(c for c in good if c.action is Action.CREATE or has_anything_to_write(c))

    def _learn(self, changes: Sequence[Change]) -> None:
        """Found as wanted, but new to the ledger: another run wrote them, and was stopped before it could note it."""
        for start in range(0, len(changes), 500):
            some = changes[start : start + 500]
            self.ledger.finish(some, self.observed.records, self.observed)

    def remove(self, changes: Sequence[Change]) -> None:
        """What is no longer in Lago, newest first, after all phases: a customer goes after its orders.

        Records that stood in Odoo before us are only forgotten.
        """
        if not changes:
            return
        created = {e.xid for e in self.ledger.entries() if e.created}
        ours = [c for c in changes if c.res_id is not None and c.xid in created]
        standing = {c.xid for c in ours}
        edited = self._fail_edited(ours)
        ours = [c for c in ours if c.xid not in edited]
        before_us = [c.xid for c in changes if c.xid not in standing]
        unbind(self.loader.reader.door, before_us)
        self.ledger.forget(before_us)
        self.ledger.begin_undoing([c.xid for c in ours if c.model in RELEASE])
        for done, change in enumerate(ours, 1):
            self._note_removed(change, remove(self.loader.reader, change.model, {change.xid: change.res_id or 0}))
            self.progress("apply: remove", done, len(ours))

    def _fail_edited(self, changes: Sequence[Change]) -> frozenset[str]:
        """Those that somebody changed in Odoo since they were compared: they stay, and are named."""
        going = {c.xid: c for c in changes}
        known = {x: k for x, k in self.ledger.known().items() if x in going and not k.writing}
        seen = self.loader.reader.look({x: wanted_known(k, LINE_FIELDS) for x, k in known.items()})
        moved = {x: diffs for x, s in seen.items() if (diffs := drift(s, known[x]))}
        for xid, diffs in moved.items():
            self._fail_removal(going[xid], f"changed in Odoo a moment ago: {', '.join(d.field for d in diffs)}")
        return frozenset(moved)

    def _fail_removal(self, change: Change, why: str) -> None:
        self.failures.append(Failure(change, f"cannot be removed: {why}"))
        detail = f"{change.source} cannot be removed"
        self.ledger.set_phase(change.phase, self.cohort.name, finished=False, detail=detail)

    def _note_removed(self, change: Change, outcome: Undone) -> None:
        if why := outcome.refused.get(change.xid) or self._why_lines_stay([*outcome.deleted, *outcome.gone]):
            self._fail_removal(change, why)
            return
        self.leftovers += [f"{change.source}: {text}" for text in outcome.archived.values()]
        self.ledger.forget([change.xid])
        self._count([change])

    def _why_lines_stay(self, xids: Sequence[str]) -> str:
        """Drop the lines of records that are gone; why one of them stays, or nothing."""
        reader = self.loader.reader
        try:
            drop_lines(reader, self.ledger.lines_of(xids))
        except OdooError as error:
            if is_of_all(error, reader.door, "ir.model.data", "unlink"):
                raise
            return f"lines of it stand in Odoo: {error}"
        return ""

    def _count(self, changes: Iterable[Change]) -> None:
        for change in changes:
            row = self.written.setdefault(change.phase.value, {})
            row[change.action.value] = row.get(change.action.value, 0) + 1

    def result(self, changes: ChangeSet, seconds: float) -> Applied:
        return Applied(
            changes,
            self.written,
            tuple(self.failures),
            tuple(self.loader.altered.values()),
            tuple(self.leftovers),
            self.loader.calls,
            seconds,
            self.adopted,
            tuple(self.loader.meanwhile.values()),
        )


def _told(left: Sequence[Skipped]) -> str:
    """``left out: 3 records (custom_aggregation)``: what nobody waived, so that the phase is not done."""
    reasons = ", ".join(sorted({item.reason for item in left}))
    return f"left out: {sum(item.count for item in left):,} records ({reasons})" if left else ""


def _runs_of(changes: Sequence[Change], actions: Sequence[Action]) -> Iterator[list[Change]]:
    """Neighbours of one model and one action, in order: what may go in one call."""
    group: list[Change] = []
    for change in changes:
        if change.action not in actions:
            continue
        if group and _kind(group[-1]) != _kind(change):
            yield group
            group = []
        group.append(change)
    if group:
        yield group


def _kind(change: Change) -> tuple[str, Action, frozenset[str]]:
    names = shape_of(change.desired)[1] if change.desired and change.action is Action.CREATE else frozenset()
    return (change.model, change.action, names)
