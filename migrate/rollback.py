"""Undo exactly what the ledger says we did, newest first; refuse what someone else changed since.

    rollback(odoo, ledger, company_id=..., phases=..., cohort=..., progress=...) -> RolledBack
    remove_shadow_invoices(odoo, company_id, journal_code) -> RolledBack

A record that we created is deleted; where Odoo forbids that, it is archived, and the result says so. A record that
stood in Odoo before us gets the values back that it had.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mappings.target import Phase
from migrate.apply import look_known
from migrate.changes import Known, Seen, drift
from migrate.errors import Blocked, OdooError
from migrate.ledger import SENT, Entry, Ledger
from migrate.odoo.discover import identity
from migrate.odoo.loader import FATAL
from migrate.odoo.methods import write_arguments
from migrate.odoo.protocol import Odoo
from migrate.odoo.remove import Undone, drop_lines, remove
from migrate.odoo.resolve import Patience, Progress, Reader, quiet
from migrate.odoo.values import Canon, Field
from migrate.phases import EVERYONE, ORDER, Cohort

SHADOW_JOURNAL = "SHDW"
BATCH = 200


@dataclass(frozen=True, slots=True)
class RolledBack:
    """``deleted``, ``restored``: numbers of records; the others name each record and why."""

    deleted: int = 0
    restored: int = 0
    archived: tuple[str, ...] = ()
    changed_since: tuple[str, ...] = ()  # left alone: someone else changed them
    refused: tuple[str, ...] = ()  # Odoo does not let them go

    @property
    def ok(self) -> bool:
        """Whether nothing of ours is left active."""
        return not (self.changed_since or self.refused)

    def raise_if_failed(self) -> None:
        """OdooError naming the first records that are still there."""
        if self.ok:
            return
        named = [f"{text}: changed in Odoo since" for text in self.changed_since[:3]] + list(self.refused[:3])
        raise OdooError(
            f"{len(self.changed_since) + len(self.refused)} records were not undone: {'; '.join(named)}; "
            "mend them in Odoo, then run the same command again"
        )


def rollback(
    odoo: Odoo,
    ledger: Ledger,
    *,
    company_id: int,
    phases: Sequence[Phase] = ORDER,
    cohort: Cohort = EVERYONE,
    progress: Progress = quiet,
    patience: Patience | None = None,
) -> RolledBack:
    """Undo the phases, last first. Hold ``ledger.store.lock()``. Blocked if a later phase still stands on one."""
    _require_no_successors(ledger, phases, cohort)
    every = list(ledger.entries(phases, cohort.customers))
    entries = [e for e in every if not e.parent]
    lines = [e for e in every if e.parent]
    known = ledger.known(phases, cohort.customers)
    run = _Undo(ledger, Reader(odoo, company_id, patience, progress), known, lines, progress)
    ledger.begin("rollback", cohort.name, identity(odoo))
    run.look(entries)
    for phase in reversed([p for p in ORDER if p in phases]):
        mine = [e for e in reversed(entries) if e.phase == phase.value]
        run.undo(phase, mine)
        ledger.drop_phase(phase, cohort.name)
    result = run.result()
    ledger.end({"rollback": {"deleted": result.deleted, "restored": result.restored, "archived": len(result.archived)}})
    return result


def _require_no_successors(ledger: Ledger, phases: Sequence[Phase], cohort: Cohort) -> None:
    """Records of later phases stand on those of earlier ones: undoing the customers under their orders cannot work."""
    last = max(ORDER.index(p) for p in phases)
    for later in ORDER[last + 1 :]:
        held = next(ledger.entries([later], cohort.customers), None)
        if held is not None:
            option = f" --cohort {cohort.name}" if cohort.name else ""
            raise Blocked(
                f"phase {later.value} still stands on {ORDER[last].value} ({held.source}): "
                f"run 'lago2odoo rollback --phase {later.value}{option}' first"
            )


@dataclass(slots=True)
class _Undo:
    """One rollback on its way."""

    ledger: Ledger
    reader: Reader
    known: Mapping[str, Known]
    lines: Sequence[Entry]
    progress: Progress
    seen: dict[str, Seen] = field(default_factory=dict)
    done: Undone = field(default_factory=Undone)
    restored: int = 0
    changed: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    def look(self, entries: Sequence[Entry]) -> None:
        """Everything as it stands, and the ids of records that were sent but never confirmed."""
        self.names = {e.xid: e.source for e in (*entries, *self.lines)}
        fields: dict[str, set[str]] = {}
        for entry in (*entries, *self.lines):
            fields.setdefault(entry.model, set()).update(entry.before)
        self.reader.learn_fields(fields)
        self.seen = look_known(self.reader, self.known)

    def undo(self, phase: Phase, entries: Sequence[Entry]) -> None:
        """Newest first, neighbours of one model together."""
        total, done = len(entries), 0
        for group in _groups(entries):
            ours = [e for e in group if not self._is_changed(e)]
            self._delete([e for e in ours if e.created])
            for entry in ours:
                if not entry.created:
                    self._restore(entry)
            done += len(group)
            self.progress(f"rollback {phase.value}", done, total)

    def _is_changed(self, entry: Entry) -> bool:
        """Someone else changed it: a field or a line of ours is not what we left there."""
        seen, known = self.seen.get(entry.xid), self.known.get(entry.xid)
        if seen is None or known is None or entry.state == SENT:
            return False
        diffs = drift(seen, known)
        if diffs:
            fields = ", ".join(d.field for d in diffs[:3])
            self.changed.append(f"{entry.source} ({entry.model}: {fields})")
        return bool(diffs)

    def _delete(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        model = entries[0].model
        places = {e.xid: self.reader.ids.get(e.xid) for e in entries}
        there = {xid: place[1] for xid, place in places.items() if place is not None and place[0] == model}
        outcome = remove(self.reader, model, there)
        self.done.add(outcome)
        gone = [xid for xid in places if xid not in there]
        drop_lines(self.reader, self.ledger.lines_of([*gone, *outcome.deleted]))
        self.ledger.forget([*gone, *outcome.deleted, *outcome.archived])

    def _restore(self, entry: Entry) -> None:
        """The values from before our first change; of its lines, ours go and the others get their values back."""
        lines = [line for line in self.lines if line.parent == entry.xid]
        for line in lines:
            place = self.reader.ids.get(line.xid)
            if line.created and place is not None:
                self.done.refused |= remove(self.reader, line.model, {line.xid: place[1]}).refused
        try:
            for one in (entry, *(line for line in lines if not line.created)):
                self._write_back(one)
        except FATAL:
            raise
        except OdooError as error:
            self.done.refused[entry.xid] = str(error)
        if not self.done.refused.keys() & {entry.xid, *(line.xid for line in lines)}:
            self.restored += bool(entry.before or lines)
            self.ledger.forget([entry.xid])

    def _write_back(self, entry: Entry) -> None:
        place, fields = self.reader.ids.get(entry.xid), self.reader.fields[entry.model]
        values = {n: self._raw(v, fields[n]) for n, v in entry.before.items() if n in fields}
        if place is not None and values:
            self.reader.write(entry.model, "write", [place[1]], **write_arguments(entry.model, values))

    def _raw(self, value: Canon, field: Field) -> object:
        """A canonical value as ``write`` takes it."""
        if field.type == "many2many":
            return [[6, 0, [self._id(name, field) for name in (value if isinstance(value, tuple) else ())]]]
        if field.type == "many2one" and isinstance(value, str):
            return self._id(value, field)
        if field.type in ("float", "monetary"):
            return float(str(value or 0))
        return False if value is None else value

    def _id(self, name: str, field: Field) -> int:
        if name.startswith(f"{field.relation}#"):
            return int(name.rpartition("#")[2])
        if name not in self.reader.ids:
            self.reader.learn_xids([name])
        return self.reader.ids[name][1]

    def result(self) -> RolledBack:
        return RolledBack(
            len(self.done.deleted),
            self.restored,
            tuple(f"{self.names[x]}: {why}" for x, why in self.done.archived.items()),
            tuple(self.changed),
            tuple(f"{self.names[x]}: {why}" for x, why in self.done.refused.items()),
        )


def _groups(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    group: list[Entry] = []
    for entry in entries:
        if group and (group[-1].model != entry.model or len(group) >= BATCH):
            yield group
            group = []
        group.append(entry)
    if group:
        yield group


def remove_shadow_invoices(
    odoo: Odoo, company_id: int, journal_code: str = SHADOW_JOURNAL, progress: Progress = quiet
) -> RolledBack:
    """Delete every draft of the shadow journal. One that someone posted or named is not a shadow any more: refused."""
    reader = Reader(odoo, company_id, progress=progress)
    domain = [["journal_id.code", "=", journal_code], ["journal_id.company_id", "=", company_id]]
    rows = reader.ask("account.move", "search_read", domain=domain, fields=["ref", "state", "name"], load="")
    real = [row for row in rows if row["state"] != "draft" or row["name"] not in (False, "", "/")]
    drafts = [row["id"] for row in rows if row not in real]
    for start in range(0, len(drafts), BATCH):
        reader.write("account.move", "unlink", drafts[start : start + BATCH])
        progress("removing shadow invoices", min(start + BATCH, len(drafts)), len(drafts))
    refused = tuple(f"shadow invoice {row['ref'] or row['id']}: was posted or numbered in Odoo" for row in real)
    return RolledBack(deleted=len(drafts), refused=refused)
