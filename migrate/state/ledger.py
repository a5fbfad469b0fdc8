"""What we wrote to Odoo: every record and line with what was sent, what stood there before, and how far phases came.

Two steps per batch: ``intend`` before the call, ``applied`` after the read-back. Killed in between, the ledger still
knows that a record which then turns up in Odoo is our creation, what a changed field held before, and that what stands
there is half our work: nobody else's change, and not yet what was wanted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType

import sqlalchemy as sa

from mappings.target import Phase
from migrate.change_set.changes import Action, Change, Known, Observed, Seen, each_line
from migrate.errors import Blocked
from migrate.odoo.door import chunks
from migrate.state.entries import (
    APPLIED,
    SENT,
    WRITING,
    Entry,
    begin_change,
    finish_change,
    known_of,
    put_to_sleep,
    row_from_entry,
)
from migrate.state.ledger_checks import require_whole
from migrate.state.records import PhaseProgress
from migrate.state.row_checks import counts_of, entry_of, phase_of
from migrate.state.seals import reseal_ledger, seal_table
from migrate.state.store import Store
from migrate.state.tables import APPLIED_RECORDS, APPLY_RUNS, PHASES, as_stored
from migrate.values import Canon

LEFT_ARCHIVED = "left_archived"  # among a rollback's counts: external id -> id
PARAMETERS = 500  # of one statement
Counts = Mapping[str, Mapping[str, int]]  # phase -> action -> records


@dataclass(slots=True)
class Ledger:
    """The ledger in an open store. One writer at a time: hold ``store.lock()`` around a run."""

    store: Store
    run: int = 0
    _seq: int = field(default=0)

    # --- runs ---------------------------------------------------------------------------------------------------

    def begin(self, command: str, cohort: str = "", target: str = "", now: datetime | None = None) -> int:
        """Open a run; everything written from now on carries its number.

        ``target``: the uuid of Odoo's database. Blocked if the ledger tells of records in another one, where they would
        all look deleted.
        """
        self.require_same(target)
        started = (now or datetime.now(UTC)).isoformat()
        with self.store.begin() as db:
            values = {"command": command, "cohort": cohort, "target": target, "started_at": started}
            key = db.execute(APPLY_RUNS.insert().values(**values)).inserted_primary_key
            seal_table(db, APPLY_RUNS)
            self._seq = _last_number(db)
        self.run = key[0] if key else 0
        return self.run

    def require_same(self, target: str) -> None:
        """Raise Blocked if the ledger tells of records in another database than ``target``."""
        query = sa.select(APPLY_RUNS.c.target).where(APPLY_RUNS.c.target != "").order_by(APPLY_RUNS.c.id.desc())
        with self.store.begin() as db:
            require_whole(db)
            before = db.scalar(query.limit(1))
            records = db.scalar(sa.select(sa.func.count()).select_from(APPLIED_RECORDS))
        if target and before and before != target and records:
            raise Blocked(
                f"this state tells of {records} records in another Odoo database ({before}): connect to that one, "
                "or give this one a state of its own ([store] url)"
            )

    def end(self, counts: Counts, now: datetime | None = None) -> None:
        """Close the run with its counts."""
        finished = (now or datetime.now(UTC)).isoformat()
        with self.store.begin() as db:
            self._tell(db, counts, finished_at=finished)

    def leave_archived(self, records: Mapping[str, int]) -> None:
        """External id -> id of what the run archives instead of deleting. Say so before they are forgotten."""
        if not records:
            return
        with self.store.begin() as db:
            self._tell(db, {LEFT_ARCHIVED: {**self._told(db).get(LEFT_ARCHIVED, {}), **records}})

    def _tell(self, db: sa.Connection, counts: Counts, **values: str) -> None:
        """Add counts to those that the run told before."""
        told = json.dumps({**self._told(db), **counts})
        db.execute(APPLY_RUNS.update().where(APPLY_RUNS.c.id == self.run).values(counts=told, **values))
        seal_table(db, APPLY_RUNS)

    def _told(self, db: sa.Connection) -> dict[str, dict[str, int]]:
        row = db.execute(sa.select(APPLY_RUNS).where(APPLY_RUNS.c.id == self.run)).first()
        return counts_of(row) if row else {}

    def left_archived(self) -> dict[str, int]:
        """External id -> id of what rollbacks archived because Odoo did not let it go."""
        left: dict[str, int] = {}
        with self.store.begin() as db:
            for row in db.execute(sa.select(APPLY_RUNS).where(APPLY_RUNS.c.command == "rollback")):
                left |= counts_of(row).get(LEFT_ARCHIVED, {})
        return left

    # --- reading ------------------------------------------------------------------------------------------------

    def entries(
        self, phases: Iterable[Phase] | None = None, customers: frozenset[str] | None = None
    ) -> Iterator[Entry]:
        """Rows in order of application. ``customers``: only theirs; records shared by all belong to nobody."""
        query = as_stored(APPLIED_RECORDS).order_by(APPLIED_RECORDS.c.seq)
        if phases is not None:
            query = query.where(APPLIED_RECORDS.c.phase.in_([p.value for p in phases]))
        with self.store.begin() as db:
            require_whole(db)
            rows = db.execute(query).all()
        return (entry_of(row) for row in rows if customers is None or row.customer in customers)

    def known(self, phases: Iterable[Phase] | None = None, customers: frozenset[str] | None = None) -> dict[str, Known]:
        """External id -> what was applied and verified, in order of application.

        And what was under way when a run was stopped (``writing``; of a creation nothing is known as sent).
        """
        entries = list(self.entries(phases, customers))
        lines: dict[str, dict[str, Known]] = {}
        for entry in entries:
            if entry.parent:
                lines.setdefault(entry.parent, {})[entry.xid] = known_of(entry, {})
        return {e.xid: known_of(e, lines.get(e.xid, {})) for e in entries if not e.parent}

    def lines_of(self, xids: Sequence[str]) -> dict[str, tuple[str, int]]:
        """The lines of these records, by external id: what we wrote, as model and id (0: not known)."""
        lines: dict[str, tuple[str, int]] = {}
        columns = APPLIED_RECORDS.c.xid, APPLIED_RECORDS.c.model, APPLIED_RECORDS.c.res_id
        with self.store.begin() as db:
            for parents in _among(APPLIED_RECORDS.c.parent, xids):
                lines |= {xid: (model, res_id) for xid, model, res_id in db.execute(sa.select(*columns).where(parents))}
        return lines

    def knows(self, xids: Sequence[str]) -> frozenset[str]:
        """Those of the external ids, of records and of lines, that the ledger tells of."""
        known: set[str] = set()
        with self.store.begin() as db:
            for named in _among(APPLIED_RECORDS.c.xid, xids):
                known |= set(db.scalars(sa.select(APPLIED_RECORDS.c.xid).where(named)))
        return frozenset(known)

    def loaded(self, xids: Sequence[str]) -> frozenset[str]:
        """Those of the external ids that are in Odoo: not only begun."""
        with self.store.begin() as db:
            require_whole(db)
            return frozenset(xid for xid, entry in self._entries(db, xids).items() if entry.state != SENT)

    def count(self) -> dict[str, int]:
        """Phase -> records applied (lines not counted)."""
        table = APPLIED_RECORDS.c
        query = sa.select(table.phase, sa.func.count()).where(table.parent == "", table.state != SENT)
        with self.store.begin() as db:
            require_whole(db)
            return {phase: int(number) for phase, number in db.execute(query.group_by(table.phase))}

    # --- writing ------------------------------------------------------------------------------------------------

    def intend(self, changes: Sequence[Change]) -> None:
        """We are about to write these. Remembers what is ours to delete, and what a field held before."""
        touched = [c.xid for c in changes] + [line.xid for c in changes for line in c.lines]
        with self.store.begin() as db:
            old = self._entries(db, touched)
            self._replace(db, [entry for c in changes for entry in begin_change(c, old, self._new)])

    def finish(
        self,
        changes: Sequence[Change],
        seen: Mapping[str, Seen],
        observed: Observed,
        zeroed: Mapping[str, Mapping[str, Canon]] = MappingProxyType({}),
    ) -> None:
        """Verified by read-back: remember what was sent and what Odoo made of it.

        ``zeroed``: lines that Odoo would not delete and that now stand with these values, wanted no more.
        """
        lines = [line for c in changes for line in c.lines]
        wished = [line.xid for c in changes if c.desired for _, line in each_line(c.desired)]
        with self.store.begin() as db:
            old = self._entries(db, [c.xid for c in changes] + wished + [line.xid for line in lines])
            entries = [e for c in changes for e in finish_change(c, seen[c.xid], observed, old, self._new)]
            entries += [put_to_sleep(old[xid], values, seen) for xid, values in zeroed.items()]
            self._replace(db, entries, [line.xid for line in lines if line.action is Action.REMOVE])

    def take_up(self, found: Sequence[Entry]) -> None:
        """Remember records that were found in Odoo, in this order; their numbers and run are given here."""
        with self.store.begin() as db:
            numbered = [replace(entry, seq=self._next(), run=self.run) for entry in found]
            self._replace(db, numbered)

    def begin_undoing(self, xids: Sequence[str]) -> None:
        """We are about to take these back in more than one step: what stands there from now on is half our work."""
        with self.store.begin() as db:
            standing = [entry for entry in self._entries(db, xids).values() if entry.state == APPLIED]
            self._replace(db, [replace(entry, state=WRITING) for entry in standing])

    def leave_standing(self, entries: Sequence[Entry], gone: Sequence[str]) -> None:
        """Of these records and lines nothing is ours any more but their names; ``gone``: lines that went."""
        with self.store.begin() as db:
            self._replace(db, [replace(e, state=APPLIED, sent={}, stored={}, before={}) for e in entries], gone)

    def forget(self, xids: Sequence[str]) -> None:
        """These are undone; their lines go with them."""
        with self.store.begin() as db:
            gone = _drop(db, APPLIED_RECORDS.c.parent, xids) + _drop(db, APPLIED_RECORDS.c.xid, xids)
            reseal_ledger(db, gone, ())

    def _new(self, change: Change, xid: str, parent: str, model: str) -> Entry:
        phase, customer, source = change.phase.value, change.customer, change.source
        return Entry(xid, self._next(), parent, model, 0, phase, customer, source, APPLIED, created=False, run=self.run)

    def _next(self) -> int:
        self._seq += 1
        return self._seq

    @staticmethod
    def _entries(db: sa.Connection, xids: Sequence[str]) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        for named in _among(APPLIED_RECORDS.c.xid, xids):
            entries.update({row.xid: entry_of(row) for row in db.execute(as_stored(APPLIED_RECORDS).where(named))})
        return entries

    def _replace(self, db: sa.Connection, entries: Sequence[Entry], gone: Sequence[str] = ()) -> None:
        """Put these in the place of what has their names; ``gone`` are there no more."""
        rows = [row_from_entry(entry) for entry in entries]
        dropped = _drop(db, APPLIED_RECORDS.c.xid, list(dict.fromkeys([*gone, *(entry.xid for entry in entries)])))
        if rows:
            db.execute(APPLIED_RECORDS.insert(), rows)
        if rows or dropped:
            reseal_ledger(db, dropped, (str(row["seal"]) for row in rows))

    # --- phases -------------------------------------------------------------------------------------------------

    def set_phase(
        self,
        phase: Phase,
        cohort: str,
        *,
        finished: bool,
        detail: str = "",
        left_out: bool = False,
        now: datetime | None = None,
    ) -> None:
        """Remember how far a phase is. ``cohort`` '' is everyone; ``detail`` is for people."""
        at = (now or datetime.now(UTC)).isoformat()
        values = {"finished": finished, "detail": detail, "left_out": left_out, "updated_at": at}
        with self.store.begin() as db:
            db.execute(PHASES.delete().where(PHASES.c.phase == phase.value, PHASES.c.cohort == cohort))
            db.execute(PHASES.insert().values(phase=phase.value, cohort=cohort, **values))
            seal_table(db, PHASES)

    def drop_phase(self, phase: Phase, cohort: str) -> None:
        """The phase is undone: for everyone, or for the cohort (then it is no longer finished for everyone either)."""
        with self.store.begin() as db:
            same = PHASES.c.phase == phase.value
            db.execute(PHASES.delete().where(same & (PHASES.c.cohort.in_([cohort, ""]) if cohort else sa.true())))
            seal_table(db, PHASES)

    def phases(self) -> tuple[PhaseProgress, ...]:
        """All that is known, in order of the phases."""
        order = [p.value for p in Phase]
        with self.store.begin() as db:
            rows = db.execute(as_stored(PHASES)).all()
        progress = [
            PhaseProgress(phase_of(r), r.cohort, bool(r.finished), r.detail, r.updated_at, bool(r.left_out))
            for r in rows
        ]
        return tuple(sorted(progress, key=lambda p: (order.index(p.phase.value), p.cohort)))


def _last_number(db: sa.Connection) -> int:
    row = db.execute(as_stored(APPLIED_RECORDS).order_by(APPLIED_RECORDS.c.seq.desc()).limit(1)).first()
    return entry_of(row).seq if row else 0


def _drop(db: sa.Connection, column: sa.Column[str], values: Sequence[str]) -> list[str]:
    """Delete the rows with one of ``values``; gives their seals."""
    seals: list[str] = []
    for named in _among(column, values):
        seals += db.scalars(sa.select(APPLIED_RECORDS.c.seal).where(named))
        db.execute(APPLIED_RECORDS.delete().where(named))
    return seals


def _among(column: sa.Column[str], values: Sequence[str]) -> Iterator[sa.ColumnElement[bool]]:
    """Conditions that together take the rows with one of ``values``: a statement bears so many parameters only."""
    return (column.in_(some) for some in chunks(values, PARAMETERS))
