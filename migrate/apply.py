"""From mapped records to Odoo: ``preview`` works the changes out, ``apply`` walks exactly the same tuple.

    preview(odoo, ledger, mapped, target=..., phases=..., cohort=..., snapshot=..., progress=...) -> ChangeSet
    apply(odoo, ledger, mapped, target=..., phases=..., cohort=..., snapshot=..., saved=..., progress=...) -> Applied
    drifted(odoo, ledger, company_id, progress=...) -> tuple[Drift, ...]          for ``status``

``mapped`` is everything the mappers gave, in the order they gave it; ``phases`` and ``cohort`` choose among it.
``snapshot`` is a digest of what was read from Lago. ``Applied.raise_if_failed()`` ends the command.
Stop it at any moment, with Ctrl-C or a kill: the next run finds what is there by external id and goes on.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mappings.target import Desired, Mapped, Phase, Skipped, Target
from migrate.changes import (
    Action,
    Change,
    ChangeSet,
    FieldDiff,
    Known,
    Observed,
    Scope,
    Seen,
    diff,
    drift,
    each_line,
)
from migrate.errors import Blocked, OdooError
from migrate.ledger import Ledger
from migrate.odoo.discover import identity
from migrate.odoo.loader import Failure, Loader, Size
from migrate.odoo.protocol import Odoo
from migrate.odoo.remove import Undone, drop_lines, remove
from migrate.odoo.resolve import Patience, Progress, Reader, line_fields, observe, quiet, references, wanted_known
from migrate.phases import EVERYONE, ORDER, Cohort, require_predecessors


@dataclass(frozen=True, slots=True)
class Applied:
    """What apply did. ``written``: phase -> action -> records; ``calls``: writing calls made to Odoo."""

    changes: ChangeSet
    written: Mapping[str, Mapping[str, int]]
    failures: tuple[Failure, ...] = ()
    altered: tuple[str, ...] = ()  # texts that Odoo keeps in another form than sent
    leftovers: tuple[str, ...] = ()  # removals that Odoo did not allow, and what was done instead
    blocked: str = ""  # why later phases were not begun
    calls: int = 0
    seconds: float = 0.0

    @property
    def conflicts(self) -> tuple[Change, ...]:
        """Records changed on both sides; nothing of them was written."""
        return tuple(self.changes.of(Action.CONFLICT))

    @property
    def ok(self) -> bool:
        """Whether everything that was to be written is in Odoo."""
        return not (self.failures or self.conflicts or self.blocked)

    @property
    def error(self) -> OdooError | Blocked | None:
        """Names the first guilty records, or why a phase was not begun."""
        if self.failures:
            more = f" (and {len(self.failures) - 3} more)" if len(self.failures) > 3 else ""
            named = "; ".join(str(f) for f in self.failures[:3])
            return OdooError(f"{len(self.failures)} records were not taken: {named}{more}")
        if self.conflicts:
            first = self.conflicts[0]
            fields = ", ".join(d.field for d in first.diffs if d.verdict is Action.CONFLICT) or "its lines"
            return OdooError(
                f"{len(self.conflicts)} records were changed both in Lago and in Odoo: {first.source} ({fields}); "
                "set one side to the other's value, then apply again"
            )
        return Blocked(self.blocked) if self.blocked else None

    def raise_if_failed(self) -> None:
        """Raise ``error``, if there is one."""
        if (error := self.error) is not None:
            raise error


@dataclass(frozen=True, slots=True)
class Drift:
    """An applied record that changed in Odoo since. ``deleted``: it is not there any more."""

    xid: str
    source: str
    model: str
    phase: str
    deleted: bool
    diffs: tuple[FieldDiff, ...] = ()


def preview(
    odoo: Odoo,
    ledger: Ledger,
    mapped: Sequence[Mapped],
    *,
    target: Target,
    phases: Sequence[Phase] = ORDER,
    cohort: Cohort = EVERYONE,
    snapshot: str = "",
    progress: Progress = quiet,
) -> ChangeSet:
    """What apply would do. Reads only. Raises Blocked if a reference leads nowhere or a module is missing."""
    ledger.require_same(identity(odoo))
    reader = Reader(odoo, target.company_id, progress=progress)
    return _compare(reader, ledger, mapped, phases, cohort, snapshot)[0]


def apply(
    odoo: Odoo,
    ledger: Ledger,
    mapped: Sequence[Mapped],
    *,
    target: Target,
    phases: Sequence[Phase] = ORDER,
    cohort: Cohort = EVERYONE,
    snapshot: str = "",
    saved: ChangeSet | None = None,
    progress: Progress = quiet,
    patience: Patience | None = None,
) -> Applied:
    """Write the changes, phase by phase. ``saved``: only if the changes are still exactly these, else Blocked.

    Hold ``ledger.store.lock()`` around it. A refused record does not stop the others of its phase; it leaves the phase
    unfinished, which blocks the next ones.
    """
    started = time.monotonic()
    reader = Reader(odoo, target.company_id, patience, progress)
    changes, observed = _compare(reader, ledger, mapped, phases, cohort, snapshot)
    if saved is not None:
        _require_same(saved, changes)
    needed = [p for p in ORDER if any(isinstance(m, Desired) and m.phase is p for m in mapped)]
    run = _Run(ledger, Loader(reader, observed), observed, cohort, progress)
    ledger.begin("apply", cohort.name, identity(odoo))
    for phase in (p for p in ORDER if p in phases):
        try:
            require_predecessors(phase, cohort, ledger.phases(), needed)
        except Blocked as error:
            if not run.failures:
                raise
            run.blocked = str(error)
            break
        run.phase(phase, [c for c in changes.changes if c.phase is phase and c.action is not Action.REMOVE])
    else:
        run.remove(list(changes.of(Action.REMOVE)))
    result = run.result(changes, time.monotonic() - started)
    ledger.end(result.written)
    return result


def drifted(odoo: Odoo, ledger: Ledger, company_id: int, progress: Progress = quiet) -> tuple[Drift, ...]:
    """Which applied records changed in Odoo since, and in what."""
    known = {x: k for x, k in ledger.known().items() if not k.writing}
    reader = Reader(odoo, company_id, progress=progress)
    seen = look_known(reader, known)
    gone = [Drift(x, k.source, k.model, k.phase, True) for x, k in known.items() if x not in seen]
    changed = [
        Drift(x, known[x].source, s.model, known[x].phase, False, diffs)
        for x, s in seen.items()
        if (diffs := drift(s, known[x]))
    ]
    return (*gone, *changed)


def look_known(reader: Reader, known: Mapping[str, Known]) -> dict[str, Seen]:
    """The records of the ledger as they stand in Odoo."""
    names = line_fields(())
    needed: dict[str, set[str]] = {}
    for memory in known.values():
        wish = wanted_known(memory, names)
        needed.setdefault(wish.model, set()).update(wish.fields, wish.lines)
        for model, fields in wish.lines.values():
            needed.setdefault(model, set()).update(fields)
    reader.learn_fields(needed)
    reader.learn_ours()
    reader.learn_xids(x for x in known if x not in reader.ids)
    return reader.look({x: wanted_known(k, names) for x, k in known.items()})


# --- comparing -----------------------------------------------------------------------------------------------------


def _compare(
    reader: Reader, ledger: Ledger, mapped: Sequence[Mapped], phases: Sequence[Phase], cohort: Cohort, snapshot: str
) -> tuple[ChangeSet, Observed]:
    within = [m for m in mapped if m.phase in phases and cohort.takes(m.customer)]
    desired = in_order([m for m in within if isinstance(m, Desired)])
    skipped = [m for m in within if isinstance(m, Skipped)]
    everything = frozenset(m.xid for m in mapped if isinstance(m, Desired))
    known = ledger.known(phases, cohort.customers)
    if cohort.customers is not None:  # records shared by all are compared, but not removed, in a cohort's run
        shared = {m.xid for m in desired if m.customer is None}
        known |= {x: k for x, k in ledger.known(phases).items() if x in shared}
    coming = everything | {line.xid for m in mapped if isinstance(m, Desired) for _, line in each_line(m)}
    vanished = {x: k for x, k in known.items() if x not in everything}
    observed = observe(reader, desired, vanished, coming)
    scope = Scope(tuple(phases), cohort.name)
    changes = diff([*desired, *skipped], observed, known, snapshot=snapshot, scope=scope, mapped_elsewhere=everything)
    return changes, observed


def in_order(desired: Sequence[Desired]) -> list[Desired]:
    """So that what is referred to comes first, phase by phase; else as the mappers gave it, models together.

    Raises OdooError for records that refer to each other in a circle.
    """
    place = {line.xid: d.xid for d in desired for _, line in each_line(d)} | {d.xid: d.xid for d in desired}
    wanted = {d.xid: {place[r] for r in references([d])[0] if r in place} - {d.xid} for d in desired}
    level = _levels(wanted)
    kinds = {k: i for i, k in enumerate(dict.fromkeys(_shape(d) for d in desired))}
    models = {m: i for i, m in enumerate(dict.fromkeys(d.model for d in desired))}
    return sorted(desired, key=lambda d: (ORDER.index(d.phase), level[d.xid], models[d.model], kinds[_shape(d)]))


def _shape(desired: Desired) -> tuple[str, frozenset[str]]:
    """What goes into one call: an empty cell would override a default, so columns must be the same."""
    return desired.model, frozenset(desired.values)


def _levels(wanted: Mapping[str, set[str]]) -> dict[str, int]:
    """How many steps of references lie below each record."""
    level: dict[str, int] = {}
    waiting = dict(wanted)
    while waiting:
        ready = [xid for xid, needs in waiting.items() if all(n in level for n in needs)]
        if not ready:
            circle = ", ".join(sorted(waiting)[:3])
            raise OdooError(f"these records refer to each other in a circle: {circle}; a mapper is wrong")
        found = {xid: 1 + max((level[n] for n in waiting[xid]), default=-1) for xid in ready}
        level.update(found)
        for xid in ready:
            del waiting[xid]
    return level


def _require_same(saved: ChangeSet, now: ChangeSet) -> None:
    if saved.scope != now.scope:
        raise Blocked(
            f"the preview was saved for {saved.scope}, and this is for {now.scope}: apply it with the --phase and "
            "--cohort of its preview (or with neither: they are in the file), or preview again"
        )
    if saved.snapshot != now.snapshot:
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
    failures: list[Failure] = field(default_factory=list)
    written: dict[str, dict[str, int]] = field(default_factory=dict)
    leftovers: list[str] = field(default_factory=list)
    blocked: str = ""
    sizes: dict[str, Size] = field(default_factory=dict)
    _done: int = 0

    def phase(self, phase: Phase, changes: Sequence[Change]) -> None:
        """The changes of one phase but removals: what is there already, then creations and updates in order."""
        before = len(self.failures)
        self._done, total = 0, len(changes)
        self.ledger.set_phase(phase, self.cohort.name, finished=False, detail="interrupted")
        self._learn([c for c in changes if c.fresh and c.action in (Action.UNCHANGED, Action.KEPT)])
        self._step(phase, sum(c.action not in (Action.CREATE, Action.UPDATE) for c in changes), total)
        for group in _runs_of(changes, (Action.CREATE, Action.UPDATE)):
            for batch in self._batches(group):
                self._write(self._possible(batch))
                self._step(phase, len(batch), total)
        failed = self.failures[before:]
        detail = f"{len(failed)} records refused, first {failed[0]}" if failed else ""
        self.ledger.set_phase(phase, self.cohort.name, finished=not failed, detail=detail)

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

    def _possible(self, batch: Sequence[Change]) -> list[Change]:
        """Those that do not need a record that failed before: they are failures of their own, for that reason."""
        failed = {f.change.xid: f.change.source for f in self.failures}
        if not failed:
            return list(batch)
        good = []
        for change in batch:
            needs = references([change.desired])[0] if change.desired else {}
            missing = next((n for n in needs if n in failed), None)
            if missing:
                self.failures.append(Failure(change, f"needs {failed[missing]}, which failed"))
            else:
                good.append(change)
        return good

    def _write(self, batch: Sequence[Change]) -> None:
        if not batch:
            return
        self.ledger.intend(batch)
        act = self.loader.create if batch[0].action is Action.CREATE else self.loader.update
        seen, failures = act(batch)
        self.failures += failures
        good = [c for c in batch if c.xid in seen]
        self.ledger.applied(good, seen, self.observed, self.loader.zeroed)
        self.loader.zeroed.clear()
        self._count(good)

    def _learn(self, changes: Sequence[Change]) -> None:
        """Found as wanted, but new to the ledger: another run wrote them, and was stopped before it could note it."""
        for start in range(0, len(changes), 500):
            some = changes[start : start + 500]
            self.ledger.applied(some, self.observed.records, self.observed)

    def remove(self, changes: Sequence[Change]) -> None:
        """What is no longer in Lago, newest first, after all phases: a customer goes after its orders. Records that
        stood in Odoo before us are only forgotten."""
        if not changes:
            return
        created = {e.xid for e in self.ledger.entries() if e.created}
        gone = [c.xid for c in changes if c.res_id is None or c.xid not in created]
        self.ledger.forget(gone)
        for done, change in enumerate((c for c in changes if c.xid not in gone), 1):
            self._removed(change, remove(self.loader.reader, change.model, {change.xid: change.res_id or 0}))
            self.progress("apply: remove", done, len(changes) - len(gone))

    def _removed(self, change: Change, outcome: Undone) -> None:
        if outcome.refused:
            self.failures.append(Failure(change, f"cannot be removed: {outcome.refused[change.xid]}"))
            detail = f"{change.source} cannot be removed"
            self.ledger.set_phase(change.phase, self.cohort.name, finished=False, detail=detail)
            return
        drop_lines(self.loader.reader, self.ledger.lines_of(outcome.deleted))
        self.leftovers += [f"{change.source}: {text}" for text in outcome.archived.values()]
        self.ledger.forget([change.xid])
        self._count([change])

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
            self.blocked,
            self.loader.calls,
            seconds,
        )


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
    names = _shape(change.desired)[1] if change.desired and change.action is Action.CREATE else frozenset()
    return (change.model, change.action, names)
