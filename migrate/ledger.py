"""What we wrote to Odoo: every record and line with what was sent, what stood there before, and how far phases came.

Two steps per batch: ``intend`` before the call, ``applied`` after the read-back. Killed in between, the ledger still
knows that a record which then turns up in Odoo is our creation, what a changed field held before, and that what stands
there is half our work: nobody else's change, and not yet what was wanted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from mappings.target import Phase
from migrate.changes import Action, Change, Known, Observed, Seen, canon_from_json, compared, each_line
from migrate.errors import Blocked
from migrate.odoo.values import Canon
from migrate.store import METADATA, Store

# sent: creation under way; writing: change under way; zeroed: a line that stays in Odoo without a quantity
SENT, WRITING, APPLIED, ZEROED = "sent", "writing", "applied", "zeroed"

APPLIED_RECORDS = sa.Table(
    "applied_records",
    METADATA,
    sa.Column("xid", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False, index=True),  # order of application
    sa.Column("parent", sa.Text, nullable=False, default="", index=True),  # the record whose line it is
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("res_id", sa.BigInteger, nullable=False, default=0),
    sa.Column("phase", sa.Text, nullable=False),
    sa.Column("customer", sa.Text),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("created", sa.Boolean, nullable=False),  # by us; else it stood in Odoo already
    sa.Column("sent", sa.Text, nullable=False, default="{}"),  # field -> canonical value, JSON
    sa.Column("stored", sa.Text, nullable=False, default="{}"),  # where Odoo made something else of it
    sa.Column("before", sa.Text, nullable=False, default="{}"),  # field -> value before our first change (not created)
    sa.Column("run", sa.Integer, nullable=False),
)

PHASES = sa.Table(
    "phase_progress",
    METADATA,
    sa.Column("phase", sa.Text, primary_key=True),
    sa.Column("cohort", sa.Text, primary_key=True),  # '' is everyone
    sa.Column("finished", sa.Boolean, nullable=False),
    sa.Column("detail", sa.Text, nullable=False, default=""),
    sa.Column("updated_at", sa.Text, nullable=False),
)

APPLY_RUNS = sa.Table(
    "apply_runs",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("cohort", sa.Text, nullable=False, default=""),
    sa.Column("started_at", sa.Text, nullable=False),
    sa.Column("finished_at", sa.Text),
    sa.Column("target", sa.Text, nullable=False, default=""),  # uuid of Odoo's database
    sa.Column("counts", sa.Text, nullable=False, default="{}"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: a record, or a line if ``parent`` is set. ``created`` by us, or adopted."""

    xid: str
    seq: int
    parent: str
    model: str
    res_id: int
    phase: str
    customer: str | None
    source: str
    state: str
    created: bool
    sent: Mapping[str, Canon]
    stored: Mapping[str, Canon]
    before: Mapping[str, Canon]
    run: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a phase is for a cohort ('' is everyone)."""

    phase: Phase
    cohort: str
    finished: bool
    detail: str
    updated_at: str


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
            self._seq = int(db.scalar(sa.select(sa.func.coalesce(sa.func.max(APPLIED_RECORDS.c.seq), 0))) or 0)
        self.run = key[0] if key else 0
        return self.run

    def require_same(self, target: str) -> None:
        """Raise Blocked if the ledger tells of records in another database than ``target``."""
        query = sa.select(APPLY_RUNS.c.target).where(APPLY_RUNS.c.target != "").order_by(APPLY_RUNS.c.id.desc())
        with self.store.begin() as db:
            before = db.scalar(query.limit(1))
            held = db.scalar(sa.select(sa.func.count()).select_from(APPLIED_RECORDS))
        if target and before and before != target and held:
            raise Blocked(
                f"this state tells of {held} records in another Odoo database ({before}): connect to that one, "
                "or give this one a state of its own ([store] url)"
            )

    def end(self, counts: Mapping[str, Any], now: datetime | None = None) -> None:
        """Close the run with its counts."""
        values = {"finished_at": (now or datetime.now(UTC)).isoformat(), "counts": json.dumps(counts)}
        with self.store.begin() as db:
            db.execute(APPLY_RUNS.update().where(APPLY_RUNS.c.id == self.run).values(**values))

    def runs(self, limit: int = 20) -> list[dict[str, Any]]:
        """The latest runs, newest first."""
        with self.store.begin() as db:
            rows = db.execute(sa.select(APPLY_RUNS).order_by(APPLY_RUNS.c.id.desc()).limit(limit))
            return [{**row._mapping, "counts": json.loads(row.counts)} for row in rows]

    # --- reading ------------------------------------------------------------------------------------------------

    def entries(
        self, phases: Iterable[Phase] | None = None, customers: frozenset[str] | None = None
    ) -> Iterator[Entry]:
        """Rows in order of application. ``customers``: only theirs; records shared by all belong to nobody."""
        query = sa.select(APPLIED_RECORDS).order_by(APPLIED_RECORDS.c.seq)
        if phases is not None:
            query = query.where(APPLIED_RECORDS.c.phase.in_([p.value for p in phases]))
        with self.store.begin() as db:
            rows = db.execute(query).all()
        return (_entry(row) for row in rows if customers is None or row.customer in customers)

    def known(self, phases: Iterable[Phase] | None = None, customers: frozenset[str] | None = None) -> dict[str, Known]:
        """External id -> what was applied and verified, in order of application; and what was under way when a run was
        stopped (``writing``; of a creation nothing is known as sent)."""
        entries = list(self.entries(phases, customers))
        lines: dict[str, dict[str, Known]] = {}
        for entry in entries:
            if entry.parent:
                lines.setdefault(entry.parent, {})[entry.xid] = _known(entry, {})
        return {e.xid: _known(e, lines.get(e.xid, {})) for e in entries if not e.parent}

    def lines_of(self, xids: Sequence[str]) -> list[str]:
        """The external ids of the lines of these records."""
        found: list[str] = []
        with self.store.begin() as db:
            for start in range(0, len(xids), 500):
                parents = APPLIED_RECORDS.c.parent.in_(xids[start : start + 500])
                found += db.scalars(sa.select(APPLIED_RECORDS.c.xid).where(parents))
        return found

    def count(self) -> dict[str, int]:
        """Phase -> records applied (lines not counted)."""
        table = APPLIED_RECORDS.c
        query = sa.select(table.phase, sa.func.count()).where(table.parent == "", table.state != SENT)
        with self.store.begin() as db:
            return {phase: int(number) for phase, number in db.execute(query.group_by(table.phase))}

    # --- writing ------------------------------------------------------------------------------------------------

    def intend(self, changes: Sequence[Change]) -> None:
        """We are about to write these. Remembers what is ours to delete, and what a field held before."""
        touched = [c.xid for c in changes] + [line.xid for c in changes for line in c.lines]
        with self.store.begin() as db:
            old = self._rows(db, touched)
            rows = [row for c in changes for row in self._intended(c, old)]
            self._replace(db, rows)

    def applied(
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
        wanted = [line.xid for c in changes if c.desired for _, line in each_line(c.desired)]
        with self.store.begin() as db:
            old = self._rows(db, [c.xid for c in changes] + wanted + [line.xid for line in lines])
            rows = [row for c in changes for row in self._verified(c, seen[c.xid], observed, old)]
            rows += [_asleep(old[xid], values, seen) for xid, values in zeroed.items()]
            self._delete(db, [line.xid for line in lines if line.desired is None])
            self._replace(db, rows)

    def forget(self, xids: Sequence[str]) -> None:
        """These are undone; their lines go with them."""
        with self.store.begin() as db:
            for start in range(0, len(xids), 500):
                db.execute(APPLIED_RECORDS.delete().where(APPLIED_RECORDS.c.parent.in_(xids[start : start + 500])))
            self._delete(db, xids)

    def _intended(self, change: Change, old: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        creation = change.action is Action.CREATE
        before = {d.field: d.before for d in change.diffs}
        yield self._intent(change, change.xid, "", change.model, creation, before, old)
        for line in change.lines:
            if line.action in (Action.CREATE, Action.UPDATE) or line.desired is None:
                values = {d.field: d.before for d in line.diffs}
                new = line.action is Action.CREATE
                yield self._intent(change, line.xid, change.xid, line.model, new, values, old)

    def _intent(
        self,
        change: Change,
        xid: str,
        parent: str,
        model: str,
        creation: bool,
        before: Mapping[str, Canon],
        old: Mapping[str, Any],
    ) -> dict[str, Any]:
        row = old.get(xid)
        if row is not None and not (creation and row.state != SENT):
            merged = _dump({**before, **_load(row.before)}) if not row.created else row.before
            return {**row._asdict(), "before": merged, "state": WRITING if row.state == APPLIED else row.state}
        return {
            **self._row(change, xid, parent, model),
            "res_id": 0,
            "state": SENT,
            "created": creation,
            "before": "{}" if creation else _dump(before),
        }

    def _verified(
        self, change: Change, seen: Seen, observed: Observed, old: Mapping[str, Any]
    ) -> Iterator[dict[str, Any]]:
        if change.desired is None:
            return
        kept = {d.field for d in change.diffs if d.verdict in (Action.KEPT, Action.CONFLICT)}
        values = compared(change.desired, observed)
        stood = observed.records.get(change.xid)
        yield self._merge(self._row(change, change.xid, "", change.model), values, seen, kept, old, stood)
        diffs = {line.xid: line.diffs for line in change.lines}
        for name, line in each_line(change.desired):
            found = seen.lines.get(name, {}).get(line.xid)
            if found is not None:
                held = {d.field for d in diffs.get(line.xid, ()) if d.verdict in (Action.KEPT, Action.CONFLICT)}
                row = self._row(change, line.xid, change.xid, line.model)
                before = stood.lines.get(name, {}).get(line.xid) if stood else None
                yield self._merge(row, compared(line, observed), found, held, old, before)

    def _merge(
        self,
        row: dict[str, Any],
        values: Mapping[str, Canon],
        seen: Seen,
        kept: set[str],
        old: Mapping[str, Any],
        stood: Seen | None,
    ) -> dict[str, Any]:
        """Fields that were kept stay as the ledger had them: they are still someone else's.

        ``stood``: the record as it was read before we wrote.
        """
        before = old.get(row["xid"])
        sent, stored = (_load(before.sent), _load(before.stored)) if before else ({}, {})
        fresh = {n: v for n, v in values.items() if n not in kept}
        unlike = {n: seen.values[n] for n, v in fresh.items() if n in seen.values and seen.values[n] != v}
        return {
            **row,
            "res_id": seen.res_id,
            "state": APPLIED,
            "created": before.created if before else False,
            "before": _before(before, seen, stood),
            "seq": before.seq if before else row["seq"],
            "sent": _dump({n: v for n, v in sent.items() if n in kept} | fresh),
            "stored": _dump({n: v for n, v in stored.items() if n in kept} | unlike),
        }

    def _row(self, change: Change, xid: str, parent: str, model: str) -> dict[str, Any]:
        self._seq += 1
        return {
            "xid": xid,
            "seq": self._seq,
            "parent": parent,
            "model": model,
            "res_id": 0,
            "phase": change.phase.value,
            "customer": change.customer,
            "source": change.source,
            "state": APPLIED,
            "created": False,
            "sent": "{}",
            "stored": "{}",
            "before": "{}",
            "run": self.run,
        }

    @staticmethod
    def _rows(db: sa.Connection, xids: Sequence[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for start in range(0, len(xids), 500):
            query = sa.select(APPLIED_RECORDS).where(APPLIED_RECORDS.c.xid.in_(xids[start : start + 500]))
            found.update({row.xid: row for row in db.execute(query)})
        return found

    def _replace(self, db: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        self._delete(db, [row["xid"] for row in rows])
        if rows:
            db.execute(APPLIED_RECORDS.insert(), [dict(row) for row in rows])

    @staticmethod
    def _delete(db: sa.Connection, xids: Sequence[str]) -> None:
        for start in range(0, len(xids), 500):
            db.execute(APPLIED_RECORDS.delete().where(APPLIED_RECORDS.c.xid.in_(xids[start : start + 500])))

    # --- phases -------------------------------------------------------------------------------------------------

    def set_phase(
        self, phase: Phase, cohort: str, *, finished: bool, detail: str = "", now: datetime | None = None
    ) -> None:
        """Remember how far a phase is. ``cohort`` '' is everyone."""
        values = {"finished": finished, "detail": detail, "updated_at": (now or datetime.now(UTC)).isoformat()}
        with self.store.begin() as db:
            db.execute(PHASES.delete().where(PHASES.c.phase == phase.value, PHASES.c.cohort == cohort))
            db.execute(PHASES.insert().values(phase=phase.value, cohort=cohort, **values))

    def drop_phase(self, phase: Phase, cohort: str) -> None:
        """The phase is undone: for everyone, or for the cohort (then it is no longer finished for everyone either)."""
        with self.store.begin() as db:
            same = PHASES.c.phase == phase.value
            db.execute(PHASES.delete().where(same & (PHASES.c.cohort.in_([cohort, ""]) if cohort else sa.true())))

    def phases(self) -> tuple[Progress, ...]:
        """All that is known, in order of the phases."""
        order = [p.value for p in Phase]
        with self.store.begin() as db:
            rows = db.execute(sa.select(PHASES)).all()
        found = [Progress(Phase(r.phase), r.cohort, r.finished, r.detail, r.updated_at) for r in rows]
        return tuple(sorted(found, key=lambda p: (order.index(p.phase.value), p.cohort)))


def _before(row: Any, seen: Seen, stood: Seen | None) -> str:
    """What rollback gives back: of a record that stood before us also what Odoo moved when it saw what we wrote."""
    if row is None or row.created or stood is None:
        return row.before if row else "{}"
    moved = {n: v for n, v in stood.values.items() if n in seen.values and seen.values[n] != v}
    return _dump({**moved, **_load(row.before)})


def _asleep(row: Any, values: Mapping[str, Canon], seen: Mapping[str, Seen]) -> dict[str, Any]:
    """Nothing of such a line is ours any more: it stands as Odoo computes it, until it is wanted again."""
    stands = next((found for r in seen.values() for some in r.lines.values() if (found := some.get(row.xid))), None)
    held = stands.values if stands else {}
    sent = {name: held.get(name, value) for name, value in {**_load(row.sent), **values}.items()}
    return {**row._asdict(), "state": ZEROED, "sent": _dump(sent), "stored": "{}"}


def _known(entry: Entry, lines: Mapping[str, Known]) -> Known:
    return Known(
        entry.model,
        entry.res_id,
        entry.sent,
        entry.stored,
        lines,
        entry.phase,
        entry.customer,
        entry.source,
        entry.state == ZEROED,
        entry.state in (SENT, WRITING),
    )


def _entry(row: Any) -> Entry:
    values = dict(row._mapping)
    for name in ("sent", "stored", "before"):
        values[name] = _load(values[name])
    return Entry(**values)


def _dump(values: Mapping[str, Canon]) -> str:
    return json.dumps(values, ensure_ascii=False)


def _load(text: str) -> dict[str, Canon]:
    if text == "{}":  # most often; a ledger has many rows
        return {}
    values: dict[str, Canon] = json.loads(text)
    return {name: canon_from_json(value) for name, value in values.items()} if "[" in text else values
