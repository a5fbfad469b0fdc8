"""Undo exactly what the ledger says we did, newest first; refuse what someone else changed since.

    rollback(odoo, ledger, phases=..., cohort=..., progress=...) -> RolledBack
    foresee(odoo, ledger, phases=..., cohort=..., progress=...) -> Foreseen       writes nothing

A record that we created is deleted; where Odoo forbids that, it is archived, and the result says so. A record that
stood in Odoo before us gets the values back that it had, also those that Odoo moved when it saw ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mappings.target import Phase, is_ours
from migrate.adopt import is_at_rest, left_of_before, strangers
from migrate.change_set.changes import Action, FieldDiff, Known, Seen
from migrate.change_set.compare import booked, drift
from migrate.errors import Blocked, OdooError
from migrate.odoo.discover import identity
from migrate.odoo.door import Door
from migrate.odoo.known_places import Place
from migrate.odoo.methods import MOVED_ALONG, done_field, write_arguments
from migrate.odoo.observe import look_known
from migrate.odoo.remove import RELEASE, Undone, drop_lines, remove
from migrate.odoo.resolve import OdooReader, Wanted
from migrate.odoo.standing import unbind
from migrate.odoo.withheld import is_of_all
from migrate.phases import EVERYONE, ORDER, Cohort
from migrate.progress import Progress, quiet
from migrate.rolled_back import Foreseen, Planned, RolledBack
from migrate.state.entries import Entry
from migrate.state.ledger import Ledger
from migrate.staying import parts_of_owners, staying_with
from migrate.values import Canon, OdooField

POSTED = "is posted: what stands in the books is corrected by a reversal, in Odoo, and never deleted"
_NEVER = object()  # unlike any value
BATCH = 200


def rollback(
    odoo: Door,
    ledger: Ledger,
    *,
    phases: Sequence[Phase] = ORDER,
    cohort: Cohort = EVERYONE,
    progress: Progress = quiet,
) -> RolledBack:
    """Undo the phases, last first. Hold ``ledger.store.lock()``. Blocked if a later phase still stands on one."""
    run = _Undo.open(OdooReader(odoo, progress), ledger, phases, cohort)
    ledger.begin("rollback", cohort.name, identity(odoo))
    run.look()
    for phase in reversed([p for p in ORDER if p in phases]):
        if phase in (Phase.USAGE, Phase.SUBSCRIPTIONS):
            run.undo_owners()
        run.undo(phase)
        ledger.drop_phase(phase, cohort.name)
    run.unknown += _strangers(odoo, ledger, phases, cohort, run)
    result = run.result()
    counts = {"deleted": result.deleted, "restored": result.restored, "archived": len(result.archived)}
    ledger.end({"rollback": counts})
    return result


def foresee(
    odoo: Door,
    ledger: Ledger,
    *,
    phases: Sequence[Phase] = ORDER,
    cohort: Cohort = EVERYONE,
    progress: Progress = quiet,
) -> Foreseen:
    """What ``rollback`` with the same arguments would do. Reads only; refuses what rollback would refuse."""
    ledger.require_same(identity(odoo))
    run = _Undo.open(OdooReader(odoo, progress), ledger, phases, cohort)
    run.look()
    run.unknown += _strangers(odoo, ledger, phases, cohort, run)
    return run.foreseen()


def _strangers(odoo: Door, ledger: Ledger, phases: Sequence[Phase], cohort: Cohort, run: _Undo) -> list[str]:
    """What stands in Odoo under our external ids and is not in the ledger: all of it, or nothing, is asked about."""
    whole = set(phases) == set(ORDER) and cohort.customers is None
    if not whole and next(ledger.entries(), None) is not None:
        return []
    remedy = "this state knows nothing of it; 'lago2odoo adopt' takes it up, then roll back again"
    others = (record for record in strangers(odoo, ledger) if record.xid not in run.names)
    return [f"{record.model} {record.xid}: {remedy}" for record in others]


def _require_no_successors(ledger: Ledger, phases: Sequence[Phase], cohort: Cohort) -> None:
    """Records of later phases stand on those of earlier ones: undoing the customers under their orders cannot work."""
    last = max(ORDER.index(p) for p in phases)
    for later in ORDER[last + 1 :]:
        standing = (entry for entry in ledger.entries([later], cohort.customers) if not is_at_rest(entry))
        if (entry := next(standing, None)) is not None:
            option = f" --cohort {cohort.name}" if cohort.name else ""
            raise Blocked(
                f"phase {later.value} still stands on {ORDER[last].value} ({entry.source}): "
                f"run 'lago2odoo rollback --phase {later.value}{option}' first"
            )


@dataclass(slots=True)
class _Undo:
    """One rollback on its way."""

    ledger: Ledger
    reader: OdooReader
    known: Mapping[str, Known]
    entries: Sequence[Entry]  # in order of application
    lines: Mapping[str, Sequence[Entry]]  # external id of a record -> its lines
    seen: dict[str, Seen] = field(default_factory=dict)
    done: Undone = field(default_factory=Undone)
    restored: int = 0
    changed: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    hidden: Mapping[str, str] = field(default_factory=dict)  # what Odoo does not show, or not readably -> why
    kept: Mapping[str, str] = field(default_factory=dict)  # external id -> that of the record which needs it and stays
    left: frozenset[str] = frozenset()  # all that stays: hidden, changed by someone else, refused, or needed by those
    early: dict[str, str] = field(default_factory=dict)  # what went before its turn, and its parts -> why: its owner

    @staticmethod
    def open(reader: OdooReader, ledger: Ledger, phases: Sequence[Phase], cohort: Cohort) -> _Undo:
        """Over the ledger's records of these phases. Blocked if later ones stand on them."""
        _require_no_successors(ledger, phases, cohort)
        every = list(ledger.entries(phases, cohort.customers))
        lines: dict[str, list[Entry]] = {}
        for entry in every:
            if entry.parent:
                lines.setdefault(entry.parent, []).append(entry)
        known = ledger.known(phases, cohort.customers)
        names = {e.xid: e.source for e in every}
        return _Undo(ledger, reader, known, [e for e in every if not e.parent], lines, names=names)

    def look(self) -> None:
        """Everything as it stands, and the ids of records that were sent but never confirmed."""
        fields: dict[str, set[str]] = {}
        for entry in (*self.entries, *(line for some in self.lines.values() for line in some)):
            fields.setdefault(entry.model, set()).update(entry.before, entry.sent)
        self.reader.learn_fields(fields)
        for model in {e.model for e in self.entries if not e.created} & MOVED_ALONG.keys():
            self.reader.learn_present(model, MOVED_ALONG[model])
        self.seen = look_known(self.reader, self.known)
        # somebody else's record whose external id was deleted is let go: a rollback tells people to do so
        released = {e.xid for e in self.entries if not e.created and e.xid not in self.reader.ids}
        kept = {xid: why for xid, why in self.reader.withheld(self.known).items() if xid not in released}
        self.hidden = kept | {xid: POSTED for xid, seen in self.seen.items() if self._is_posted(xid, seen)}
        changed = {e.xid: e for e in reversed(self.entries) if e.xid not in self.hidden and self._is_changed(e)}
        stays = staying_with(self.entries, self.lines, [*sorted(self.hidden), *changed])
        self.kept = {e.xid: stays[e.xid] for e in reversed(self.entries) if e.xid in stays and self._stands(e)}
        self.left = frozenset((*self.hidden, *changed, *stays))

    def _is_posted(self, xid: str, seen: Seen) -> bool:
        """Whether it stands in the books, where nothing is taken out any more. ``apply`` posts nothing."""
        values = seen.values
        is_booked = values.get("action_post()") or values.get("state", "draft") != "draft"
        return self.known[xid].phase == Phase.BOOKS.value and bool(is_booked)

    def undo_owners(self) -> None:
        """Orders before their usage and charges: one that Odoo does not let go stays whole."""
        parts = parts_of_owners(self.entries)
        owners = [e for e in reversed(self.entries) if e.xid in parts and e.xid not in self.left | self.early.keys()]
        self.early |= {xid: owner.xid for owner in owners for xid in (owner.xid, *parts[owner.xid])}
        for group in _groups(owners):
            self._delete(group)

    def undo(self, phase: Phase) -> None:
        """Newest first, neighbours of one model together."""
        entries = [e for e in reversed(self.entries) if e.phase == phase.value]
        total, done = len(entries), 0
        for group in _groups(entries):
            self.done.refused |= {e.xid: self.hidden[e.xid] for e in group if e.xid in self.hidden}
            ours = [e for e in group if e.xid not in self.left and self.early.get(e.xid) != e.xid]
            self._delete([e for e in ours if e.created])
            for entry in ours:
                if not entry.created:
                    self._restore(entry)
            done += len(group)
            self.reader.progress(f"rollback {phase.value}", done, total)

    def foreseen(self) -> Foreseen:
        """The same walk, without a step."""
        stays = [f"{self.names[xid]}: {self.hidden[xid]}" for xid in sorted(self.hidden)]
        ours = [e for e in reversed(self.entries) if e.xid not in self.left]
        delete = [e for e in ours if e.created and self._stands(e)]
        restore = [(e, fields) for e in ours if not e.created and (fields := self._touched(e))]
        return Foreseen(
            tuple(Planned(e.model, e.source) for e in delete),
            tuple(Planned(e.model, e.source, fields) for e, fields in restore),
            tuple(self.changed),
            tuple(stays + self.unknown + [left_of_before(e) for e in ours if e.adopted]),
            self._kept(),
        )

    def _kept(self) -> tuple[str, ...]:
        return tuple(f"{self.names[xid]}: stays with {self.names[other]}" for xid, other in self.kept.items())

    def _stands(self, entry: Entry) -> bool:
        place = self.reader.ids.get(entry.xid)
        return place is not None and place[0] == entry.model

    def _touched(self, entry: Entry) -> tuple[str, ...]:
        """What we changed of a record that stood before us: its fields, and those of its lines."""
        lines = self.lines.get(entry.xid, ())
        return (*entry.before, *(f"{line.xid}: {name}" for line in lines for name in line.before or {"created": 1}))

    def _is_changed(self, entry: Entry) -> bool:
        """Someone else changed it: a field or a line of ours is neither what we left there nor what it was before."""
        seen, known = self.seen.get(entry.xid), self.known.get(entry.xid)
        if seen is None or known is None:
            return False
        # what a stopped run left is half its work; it posts nothing, though
        moved = booked(seen, known) if known.writing else drift(seen, known)
        diffs = [d for d in moved if d.before != entry.before.get(d.field, _NEVER) and not self._is_emptied(d)]
        if known.res_id and seen.res_id != known.res_id and not known.writing:
            diffs.insert(0, FieldDiff("id", seen.res_id, known.res_id, Action.KEPT))
        if diffs:
            fields = ", ".join(d.field for d in diffs[:3])
            self.changed.append(f"{entry.source} ({entry.model}: {fields})")
        return bool(diffs)

    def _is_emptied(self, diff: FieldDiff) -> bool:
        """What we left there is a record of ours that is gone: the rollback before this one emptied it."""
        left = diff.after if isinstance(diff.after, str) else ""
        if diff.before is not None or not is_ours(left):
            return False
        if left not in self.reader.ids:
            self.reader.learn_xids([left])
        return left not in self.reader.ids

    def _delete(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        model = entries[0].model
        places = {e.xid: self.reader.ids.get(e.xid) for e in entries}
        there = {xid: place[1] for xid, place in places.items() if place is not None and place[0] == model}
        if model in RELEASE:
            self.ledger.begin_undoing(list(there))
        outcome = remove(self.reader, model, there)
        self.done.add(outcome)
        self.done.deleted += [xid for xid in outcome.gone if xid in self.early]  # with the order that it belonged to
        self._keep_what_is_needed(outcome.refused)
        gone = [*(xid for xid in places if xid not in there), *outcome.gone]
        # what went along with another record left its external id behind, as lines do
        dropped = self._drop([*gone, *outcome.deleted], {xid: (model, there[xid]) for xid in outcome.gone})
        self.ledger.leave_archived({xid: there[xid] for xid in outcome.archived})
        self.ledger.forget([*dropped, *outcome.archived])

    def _keep_what_is_needed(self, refused: Iterable[str]) -> None:
        """What Odoo does not let go stays with all that it needs, as what somebody changed does."""
        stays = staying_with(self.entries, self.lines, sorted(refused))
        self.left |= {*refused, *stays}
        gone = {*self.done.deleted, *self.done.gone, *self.done.archived}
        kept = (e.xid for e in reversed(self.entries) if e.xid in stays and e.xid not in gone and self._stands(e))
        self.kept = {**{xid: stays[xid] for xid in kept}, **self.kept}

    def _drop(self, xids: Sequence[str], stale: Mapping[str, Place]) -> list[str]:
        """Lines of records that are gone, and external ids (``stale``) left behind; those that are rid of all that.

        The others are refused: an order whose external id somebody deleted looks gone, and stands with its lines.
        """
        if not xids:
            return []
        try:
            drop_lines(self.reader, {**{x: stale[x] for x in xids if x in stale}, **self.ledger.lines_of(xids)})
        except OdooError as error:
            if is_of_all(error, self.reader.door, "ir.model.data", "unlink"):
                raise
            if len(xids) == 1:
                text = "is not found by its external id any more, but lines of it stand in Odoo: cancel and delete it"
                self.done.refused[xids[0]] = f"{text} there ({error})"
                return []
            middle = len(xids) // 2
            return self._drop(xids[:middle], stale) + self._drop(xids[middle:], stale)
        return list(xids)

    def _restore(self, entry: Entry) -> None:
        """The values from before our first change; of its lines, ours go and the others get their values back."""
        lines, changed = self.lines.get(entry.xid, ()), False
        self.ledger.begin_undoing([entry.xid, *(line.xid for line in lines)])
        for line in lines:
            place = self.reader.ids.get(line.xid)
            if line.created and place is not None:
                outcome = remove(self.reader, line.model, {line.xid: place[1]})
                self.done.refused |= outcome.refused
                changed |= bool(outcome.deleted)
        try:
            for written in (entry, *(line for line in lines if not line.created)):
                changed |= self._write_back(written)
        except OdooError as error:
            if is_of_all(error, self.reader.door, entry.model, "write"):
                raise
            self.done.refused[entry.xid] = str(error)
        if not self.done.refused.keys() & {entry.xid, *(line.xid for line in lines)}:
            self.restored += changed
            given_back = unbind(self.reader.door, [entry.xid])
            is_unknown = entry.adopted and entry.xid in self.seen
            if is_unknown:
                self.unknown.append(left_of_before(entry))
            if is_unknown and not given_back:
                self._leave(entry, lines)
            else:
                self.ledger.forget([entry.xid])

    def _leave(self, entry: Entry, lines: Sequence[Entry]) -> None:
        """It stands, with our id, and nobody knows as what: the rollback after this one names it too."""
        rest = [each for each in (entry, *lines) if not each.created]
        self.ledger.leave_standing(rest, [line.xid for line in lines if line.created])

    def _write_back(self, entry: Entry) -> bool:
        """Write, look, and write again what Odoo moved when it saw the rest: a stage that starts a subscription.

        Such a stage dates it today. Whether there was something to give back; OdooError if it does not come back.
        """
        place = self.reader.ids.get(entry.xid)
        if place is None or not entry.before:
            return False
        fields = self.reader.fields[entry.model]
        self._require_undone(entry, place[1])
        before = {n: v for n, v in entry.before.items() if n in fields}
        along = {*entry.sent, *MOVED_ALONG.get(entry.model, ())} & fields.keys()
        target = {**self._values(entry, place[1], along), **before}
        due: Mapping[str, Canon] = before
        for _ in range(3):
            if not due:
                return True
            values = {n: self._raw(v, fields[n]) for n, v in due.items()}
            self.reader.write(entry.model, "write", [place[1]], **write_arguments(entry.model, values))
            stands = self._values(entry, place[1], target.keys())
            moved = {n: v for n, v in target.items() if stands.get(n) != v}
            due = {n: v for n, v in moved.items() if n in before or not fields[n].readonly}
        if left := sorted(due.keys() & before.keys()):
            raise OdooError(f"Odoo does not take the value of before of {', '.join(left)}")
        return True

    def _values(self, entry: Entry, res_id: int, names: Iterable[str]) -> dict[str, Canon]:
        """The fields of one record as they stand, in canonical form."""
        wish = Wanted(entry.model, frozenset(names))
        self.reader.ids[entry.xid] = (entry.model, res_id)
        seen = self.reader.look({entry.xid: wish}).get(entry.xid)
        return dict(seen.values) if seen else {}

    def _require_undone(self, entry: Entry, res_id: int) -> None:
        """A method that we called on a record of before has no way back that we know."""
        for name in entry.before:
            if not name.endswith("()"):
                continue
            check = done_field(entry.model, name[:-2])
            row = self.reader.door.read_one(entry.model, res_id, [check.field])
            if row[check.field] in check.values:
                raise OdooError(f"{name} was called on it, which only a person can take back: do so in Odoo")

    def _raw(self, value: Canon, field: OdooField) -> object:
        """A canonical value as ``write`` takes it."""
        if field.type == "many2many":
            return [[6, 0, [self._id(name, field) for name in (value if isinstance(value, tuple) else ())]]]
        if field.type == "many2one" and isinstance(value, str):
            return self._id(value, field)
        if field.type in ("float", "monetary"):
            return float(str(value or 0))
        return False if value is None else value

    def _id(self, name: str, field: OdooField) -> int:
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
            tuple(self.unknown),
            self._kept(),
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
