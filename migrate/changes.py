"""What apply would do, worked out without touching anything. Pure.

Three-way, field by field: *base* is what we sent last (the ledger), *wanted* is what the mappers want now, *observed*
is what stands in Odoo, *stored* is what Odoo made of what we sent.

    observed = wanted                         nothing to do
    wanted = base,  observed = stored         nothing to do (Odoo normalises some values)
    wanted = base,  observed moved            kept: someone, or Odoo itself, changed it; reported, never overwritten
    wanted moved,   observed = stored         update
    wanted moved,   observed moved            conflict: named, nothing of the record is written
    no base,        observed differs          update: the record is ours by its external id, the ledger does not know it
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mappings.target import Desired, Find, Mapped, Phase, Ref, Skipped
from migrate.errors import ConfigError
from migrate.odoo.values import Canon, Field, wanted
from migrate.wire import desired_from_json, desired_to_json, skipped_from_json, skipped_to_json


class Action(StrEnum):
    """What happens to a record."""

    CREATE = "create"
    UPDATE = "update"
    REMOVE = "remove"
    UNCHANGED = "unchanged"
    KEPT = "kept"
    CONFLICT = "conflict"
    SKIPPED = "skipped"


PENDING = frozenset({Action.CREATE, Action.UPDATE, Action.REMOVE, Action.CONFLICT})


@dataclass(frozen=True, slots=True)
class Known:
    """The ledger's memory of a record or line. ``stored``: where Odoo keeps something else than the ``sent`` value."""

    model: str
    res_id: int
    sent: Mapping[str, Canon]
    stored: Mapping[str, Canon] = field(default_factory=dict)
    lines: Mapping[str, Known] = field(default_factory=dict)
    phase: str = ""
    customer: str | None = None
    source: str = ""
    zeroed: bool = False  # a line that Odoo would not delete: it stands with quantity 0
    writing: bool = False  # a run was writing it and was stopped: what Odoo moved along may still be as Odoo left it

    def expected(self, name: str) -> Canon:
        """What Odoo held when we last looked."""
        return self.stored[name] if name in self.stored else self.sent[name]


@dataclass(frozen=True, slots=True)
class Seen:
    """A record or line as it stands in Odoo. ``foreign``: lines that are not ours."""

    model: str
    res_id: int
    values: Mapping[str, Canon]
    lines: Mapping[str, Mapping[str, Seen]] = field(default_factory=dict)  # one2many field -> external id -> line
    foreign: int = 0


@dataclass(frozen=True, slots=True)
class Observed:
    """Odoo's side, read once. ``ids``: external id -> (model, id) of all that is referred to and exists."""

    fields: Mapping[str, Mapping[str, Field]]
    records: Mapping[str, Seen]
    ids: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    found: Mapping[Find, int] = field(default_factory=dict)
    names: Mapping[tuple[str, int], str] = field(default_factory=dict)

    def name(self, value: Ref | Find) -> str:
        """The canonical name of a relation's target, which may not exist yet."""
        if isinstance(value, Ref):
            place = self.ids.get(value.xid)
            return self.names.get(place, value.xid) if place else value.xid
        return self.name_of(value.model, self.found[value])

    def name_of(self, model: str, res_id: int) -> str:
        """The canonical name of a record that exists."""
        return self.names.get((model, res_id)) or f"{model}#{res_id}"


@dataclass(frozen=True, slots=True)
class FieldDiff:
    """One field: ``before`` stands in Odoo, ``after`` is wanted.

    ``verdict``: create, update, kept, conflict, or unchanged, where Odoo keeps our value in a form of its own.
    """

    field: str
    before: Canon
    after: Canon
    verdict: Action


def exempt(diffs: Iterable[FieldDiff]) -> frozenset[str]:
    """The fields that are to stay as they stand in Odoo."""
    return frozenset(d.field for d in diffs if d.verdict in (Action.KEPT, Action.CONFLICT, Action.UNCHANGED))


@dataclass(frozen=True, slots=True)
class LineChange:
    """A one2many line: ``desired`` is None if it is to be removed."""

    field: str
    model: str
    xid: str
    action: Action
    desired: Desired | None = None
    res_id: int | None = None
    diffs: tuple[FieldDiff, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One record: what happens to it and why. ``fresh``: the ledger has to learn it although nothing is written."""

    action: Action
    phase: Phase
    model: str
    xid: str
    source: str
    customer: str | None = None
    desired: Desired | None = None
    skipped: Skipped | None = None
    res_id: int | None = None
    diffs: tuple[FieldDiff, ...] = ()
    lines: tuple[LineChange, ...] = ()
    after: tuple[str, ...] = ()  # methods still to be called
    fresh: bool = False
    note: str = ""

    @property
    def updates(self) -> frozenset[str]:
        """The fields to write."""
        return frozenset(d.field for d in self.diffs if d.verdict is Action.UPDATE)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a change set covers: phases, and the cohort's name ('' is everyone)."""

    phases: tuple[Phase, ...] = tuple(Phase)
    cohort: str = ""

    def __str__(self) -> str:
        who = f"cohort {self.cohort}" if self.cohort else "everyone"
        whole = set(self.phases) == set(Phase)
        return f"{who}, {'all phases' if whole else 'phase ' + ', '.join(p.value for p in self.phases)}"


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """The frozen tuple that preview shows and apply walks. ``snapshot``: digest of what was read from Lago."""

    changes: tuple[Change, ...]
    snapshot: str = ""
    scope: Scope = Scope()

    def of(self, *actions: Action) -> Iterator[Change]:
        """The changes with one of these actions, in order."""
        return (c for c in self.changes if c.action in actions)

    @property
    def pending(self) -> bool:
        """Whether there is anything to do or to decide."""
        return any(c.action in PENDING for c in self.changes)

    def counts(self) -> dict[str, dict[str, int]]:
        """Phase -> action -> records; skipped ones count what they stand for."""
        table: dict[str, dict[str, int]] = {}
        for change in self.changes:
            row = table.setdefault(change.phase.value, {})
            row[change.action.value] = row.get(change.action.value, 0) + (change.skipped.count if change.skipped else 1)
        return table

    @property
    def digest(self) -> str:
        """Changes whenever Lago's snapshot, the mapping's result, or what concerns it in Odoo changes."""
        hasher = hashlib.sha256(f"{self.snapshot}\0{self.scope}\0".encode())
        for change in self.changes:
            hasher.update(_fingerprint(change).encode())
        return hasher.hexdigest()

    def to_json(self) -> str:
        """For a file; ``from_json`` reads it back."""
        body = [_change_to_json(c) for c in self.changes]
        scope = {"phases": [p.value for p in self.scope.phases], "cohort": self.scope.cohort}
        document = {
            "format": FORMAT,
            "snapshot": self.snapshot,
            "scope": scope,
            "digest": self.digest,
            "changes": body,
        }
        return json.dumps(document, ensure_ascii=False, indent=1)

    @staticmethod
    def from_json(text: str, place: str = "changes file") -> ChangeSet:
        """Read a saved preview; one that was edited or cut is refused with a ConfigError."""
        try:
            raw = json.loads(text)
            if raw["format"] != FORMAT:
                raise ConfigError(f"{place}: written by another version; preview again")
            scope = Scope(tuple(Phase(p) for p in raw["scope"]["phases"]), raw["scope"]["cohort"])
            changes = ChangeSet(tuple(_change_from_json(c) for c in raw["changes"]), raw["snapshot"], scope)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"{place}: not a saved preview ({type(error).__name__}: {error}); preview again"
            ) from None
        if changes.digest != raw["digest"]:
            raise ConfigError(f"{place}: was changed after it was saved; preview again")
        return changes

    def moved_since(self, other: ChangeSet) -> tuple[str, ...]:
        """The sources of the records whose change is not the same in both."""
        mine = {c.xid or c.source: c for c in self.changes}
        theirs = {c.xid or c.source: c for c in other.changes}
        moved = [k for k in {**mine, **theirs} if _print_of(mine.get(k)) != _print_of(theirs.get(k))]
        return tuple(sorted((mine.get(k) or theirs[k]).source for k in moved))


FORMAT = 2


def diff(
    mapped: Sequence[Mapped],
    observed: Observed,
    base: Mapping[str, Known],
    *,
    snapshot: str = "",
    scope: Scope = Scope(),
    mapped_elsewhere: frozenset[str] = frozenset(),
) -> ChangeSet:
    """Compare; the result keeps the order of ``mapped``, removals come last, newest first.

    ``base``: what the ledger knows within the scope (phases, cohort), in the order of its application. Records of it
    that nobody wants any more are removed, unless they are ``mapped_elsewhere`` (outside the scope).
    """
    changes = [_skip(m) if isinstance(m, Skipped) else _record(m, observed, base.get(m.xid)) for m in mapped]
    live = {m.xid for m in mapped if isinstance(m, Desired)} | mapped_elsewhere
    vanished = [(x, k) for x, k in base.items() if x not in live]
    removals = [_removal(xid, known, observed.records.get(xid)) for xid, known in reversed(vanished)]
    return ChangeSet((*changes, *removals), snapshot, scope)


def _skip(skipped: Skipped) -> Change:
    return Change(
        Action.SKIPPED,
        skipped.phase,
        "",
        "",
        skipped.source,
        skipped.customer,
        skipped=skipped,
        note=f"{skipped.reason}: {skipped.detail}",
    )


def _record(desired: Desired, observed: Observed, known: Known | None) -> Change:
    seen = observed.records.get(desired.xid)
    if seen is None:
        return _creation(desired, observed, known)
    return against(desired, seen, observed, known)


def against(desired: Desired, seen: Seen, observed: Observed, known: Known | None = None) -> Change:
    """What is to be done to a record that stands there, lines and all."""
    unfinished = known is not None and known.writing
    want = compared(desired, observed, unfinished=unfinished)
    diffs = tuple(_fields(want, seen, known, desired.late if unfinished else frozenset()))
    lines = tuple(_lines(desired, seen, observed, known))
    verdicts = {d.verdict for d in diffs} | {v for line in lines for v in _verdicts(line)}
    action = next((a for a in (Action.CONFLICT, Action.UPDATE, Action.KEPT) if a in verdicts), Action.UNCHANGED)
    after = tuple(d.field[:-2] for d in diffs if d.field.endswith("()") and d.verdict is Action.UPDATE)
    return Change(
        action,
        desired.phase,
        desired.model,
        desired.xid,
        desired.source,
        desired.customer,
        desired=desired,
        res_id=seen.res_id,
        diffs=diffs,
        lines=lines,
        after=after,
        fresh=known is None or unfinished or _moved(want, seen, known),
        note=f"{seen.foreign} lines were added in Odoo" if seen.foreign else "",
    )


def _creation(desired: Desired, observed: Observed, known: Known | None) -> Change:
    diffs = tuple(
        FieldDiff(n, None, value, Action.CREATE) for n, value in compared(desired, observed, creation=True).items()
    )
    lines = tuple(
        LineChange(name, line.model, line.xid, Action.CREATE, line, None, _line_creation(line, observed))
        for name, line in each_line(desired)
    )
    return Change(
        Action.CREATE,
        desired.phase,
        desired.model,
        desired.xid,
        desired.source,
        desired.customer,
        desired=desired,
        diffs=diffs,
        lines=lines,
        after=desired.after,
        note="was deleted in Odoo; is created again" if known and known.sent else "",
    )


def _line_creation(line: Desired, observed: Observed) -> tuple[FieldDiff, ...]:
    values = compared(line, observed, creation=True)
    return tuple(FieldDiff(n, None, value, Action.CREATE) for n, value in values.items())


def compared(
    desired: Desired, observed: Observed, *, creation: bool = False, unfinished: bool = False
) -> dict[str, Canon]:
    """Field -> canonical wanted value. Methods of ``after`` are fields named ``method()``, wanted true.

    A record that we want is wanted active, unless the mapper says otherwise: someone may archive it.
    ``unfinished``: a run was stopped before it could write the late fields, so that they count even if only once.
    """
    fields = observed.fields[desired.model]
    name: Callable[[Ref | Find], str] = observed.name
    values = {
        key: wanted(value, fields[key], name)
        for key, value in desired.values.items()
        if creation or key not in desired.once or (unfinished and key in desired.late)
    }
    if not creation:
        active = fields.get("active")
        if active is not None and active.type == "boolean" and "active" not in desired.values:
            values["active"] = True
    values.update({f"{method}()": True for method in desired.after})
    return values


def each_line(desired: Desired) -> Sequence[tuple[str, Desired]]:
    """(one2many field, line) pairs."""
    if not desired.children:
        return ()
    return [(name, line) for name, lines in desired.children.items() for line in lines]


def _fields(
    want: Mapping[str, Canon], seen: Seen, known: Known | None, ours: frozenset[str] = frozenset()
) -> Iterator[FieldDiff]:
    """``ours``: fields that nobody but our own interrupted writing can have moved."""
    values = seen.values
    for name, value in want.items():
        before = values.get(name)
        if before != value:
            verdict = Action.UPDATE if name in ours else _verdict(name, value, before, known)
            yield FieldDiff(name, before, value, verdict)


def _verdict(name: str, value: Canon, before: Canon, known: Known | None) -> Action:
    """For a field whose observed value is not the wanted one."""
    if known is None or name not in known.sent:
        return Action.UPDATE
    wanted_moved = value != known.sent[name]
    observed_moved = before != known.expected(name)
    if wanted_moved and observed_moved:
        return Action.CONFLICT
    if wanted_moved:
        return Action.UPDATE
    return Action.KEPT if observed_moved else Action.UNCHANGED


def _lines(desired: Desired, seen: Seen, observed: Observed, known: Known | None) -> Iterator[LineChange]:
    known_lines = known.lines if known else {}
    for name, line in each_line(desired):
        found = seen.lines.get(name, {}).get(line.xid)
        if found is None:
            yield LineChange(name, line.model, line.xid, Action.CREATE, line, None, _line_creation(line, observed))
        else:
            diffs = tuple(_fields(compared(line, observed), found, known_lines.get(line.xid)))
            yield LineChange(name, line.model, line.xid, _worst(diffs), line, found.res_id, diffs)
    live = {line.xid for _, line in each_line(desired)}
    for name in desired.children:
        for xid, found in seen.lines.get(name, {}).items():
            if xid not in live and not _stays_zeroed(found, known_lines.get(xid)):
                yield _line_removal(name, xid, found, known_lines.get(xid))


def _worst(diffs: Iterable[FieldDiff]) -> Action:
    verdicts = {d.verdict for d in diffs}
    return next((a for a in (Action.CONFLICT, Action.UPDATE, Action.KEPT) if a in verdicts), Action.UNCHANGED)


def _verdicts(line: LineChange) -> Iterator[Action]:
    """What a line means for its record: lines that come or go are an update of it."""
    if line.action in (Action.CREATE, Action.REMOVE):
        yield Action.UPDATE
    yield from (d.verdict for d in line.diffs)


def _line_removal(name: str, xid: str, seen: Seen, known: Known | None) -> LineChange:
    moved = tuple(_drift(seen, known, Action.CONFLICT)) if known else ()
    return LineChange(name, seen.model, xid, Action.CONFLICT if moved else Action.REMOVE, None, seen.res_id, moved)


def _stays_zeroed(seen: Seen, known: Known | None) -> bool:
    return known is not None and known.zeroed and not list(_drift(seen, known, Action.KEPT))


def _drift(seen: Seen, known: Known, verdict: Action) -> Iterator[FieldDiff]:
    for name in known.sent:
        if name in seen.values and seen.values[name] != known.expected(name):
            yield FieldDiff(name, seen.values[name], known.expected(name), verdict)


def drift(seen: Seen, known: Known) -> tuple[FieldDiff, ...]:
    """What someone changed since we applied: ``before`` stands in Odoo now, ``after`` is what we left there.

    Fields of lines are named ``line external id: field``; a line that is gone has the one diff ``deleted``.
    """
    found = list(_drift(seen, known, Action.KEPT))
    present = {xid: line for lines in seen.lines.values() for xid, line in lines.items()}
    for xid, line in known.lines.items():
        if xid not in present:
            found.append(FieldDiff(f"{xid}: deleted", True, False, Action.KEPT))
        else:
            inner = _drift(present[xid], line, Action.KEPT)
            found += [FieldDiff(f"{xid}: {d.field}", d.before, d.after, d.verdict) for d in inner]
    return tuple(found)


def _moved(want: Mapping[str, Canon], seen: Seen, known: Known) -> bool:
    """Whether Odoo already holds a newly wanted value: the ledger must learn it, or later edits look like ours."""
    if known.res_id != seen.res_id:
        return True
    if known.sent == want and not known.stored:
        return False
    return any(
        seen.values.get(n) == v and (n not in known.sent or v != known.sent[n] or v != known.expected(n))
        for n, v in want.items()
    )


def _removal(xid: str, known: Known, seen: Seen | None) -> Change:
    moved = drift(seen, known) if seen else ()
    action = Action.CONFLICT if moved else Action.REMOVE
    note = "no longer in Lago" if seen else "no longer in Lago, and already gone in Odoo"
    diffs = tuple(FieldDiff(d.field, d.before, d.after, Action.CONFLICT) for d in moved)
    return Change(
        action,
        Phase(known.phase),
        known.model,
        xid,
        known.source,
        known.customer,
        res_id=seen.res_id if seen else None,
        diffs=diffs,
        note=note,
    )


# --- files and fingerprints ----------------------------------------------------------------------------------------


def _fingerprint(change: Change) -> str:
    """What makes two changes the same: the record, what is done to it, and every value before and after."""
    lines = [[x.field, x.xid, x.action.value, [_diff_to_json(d) for d in x.diffs]] for x in change.lines]
    head = [change.action.value, change.phase.value, change.model, change.xid, change.source, change.res_id]
    tail = [change.note, list(change.after), change.fresh]
    return json.dumps([head, [_diff_to_json(d) for d in change.diffs], lines, tail], ensure_ascii=False, default=list)


def _print_of(change: Change | None) -> str | None:
    return _fingerprint(change) if change else None


def _diff_to_json(diff: FieldDiff) -> list[Any]:
    return [diff.field, diff.before, diff.after, diff.verdict.value]


def _diff_from_json(raw: Sequence[Any]) -> FieldDiff:
    return FieldDiff(raw[0], canon_from_json(raw[1]), canon_from_json(raw[2]), Action(raw[3]))


def canon_from_json(raw: Any) -> Canon:
    """JSON has no tuples."""
    result: Canon = tuple(raw) if isinstance(raw, list) else raw
    return result


def _change_to_json(change: Change) -> dict[str, Any]:
    return {
        "action": change.action.value,
        "phase": change.phase.value,
        "model": change.model,
        "xid": change.xid,
        "source": change.source,
        "customer": change.customer,
        "res_id": change.res_id,
        "after": list(change.after),
        "fresh": change.fresh,
        "note": change.note,
        "desired": desired_to_json(change.desired) if change.desired else None,
        "skipped": skipped_to_json(change.skipped) if change.skipped else None,
        "diffs": [_diff_to_json(d) for d in change.diffs],
        "lines": [
            [x.field, x.model, x.xid, x.action.value, x.res_id, [_diff_to_json(d) for d in x.diffs]]
            for x in change.lines
        ],
    }


def _change_from_json(raw: Mapping[str, Any]) -> Change:
    desired = desired_from_json(raw["desired"]) if raw["desired"] else None
    wanted_lines = {line.xid: line for _, line in each_line(desired)} if desired else {}
    return Change(
        action=Action(raw["action"]),
        phase=Phase(raw["phase"]),
        model=raw["model"],
        xid=raw["xid"],
        source=raw["source"],
        customer=raw["customer"],
        desired=desired,
        skipped=skipped_from_json(raw["skipped"]) if raw["skipped"] else None,
        res_id=raw["res_id"],
        diffs=tuple(_diff_from_json(d) for d in raw["diffs"]),
        lines=tuple(
            LineChange(f, m, x, Action(a), wanted_lines.get(x), i, tuple(_diff_from_json(d) for d in ds))
            for f, m, x, a, i, ds in raw["lines"]
        ),
        after=tuple(raw["after"]),
        fresh=raw["fresh"],
        note=raw["note"],
    )
