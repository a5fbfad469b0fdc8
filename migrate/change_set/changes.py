"""The records of a comparison: what the ledger knows, what stands in Odoo, and the changes that come of it. Pure.

``migrate.change_set.compare`` makes them, ``migrate.change_set.saved`` keeps them in a file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from mappings.target import Desired, Find, Phase, Ref, Skipped
from migrate.values import Canon, OdooField


class Action(StrEnum):
    """What happens to a record."""

    CREATE = "create"
    UPDATE = "update"
    REMOVE = "remove"
    UNCHANGED = "unchanged"
    KEPT = "kept"
    CONFLICT = "conflict"
    WITHHELD = "withheld"  # it stands in Odoo, which does not show it to this user, or not as what it can be
    SKIPPED = "skipped"


WITHHELD = (
    "Odoo does not show it to this user (a record rule, or another company's): let the user of the migration see it "
    "there, then run the same command again"
)
PENDING = frozenset({Action.CREATE, Action.UPDATE, Action.REMOVE, Action.CONFLICT, Action.WITHHELD})


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

    fields: Mapping[str, Mapping[str, OdooField]]
    records: Mapping[str, Seen]
    ids: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    found: Mapping[Find, int] = field(default_factory=dict)
    names: Mapping[tuple[str, int], str] = field(default_factory=dict)
    withheld: Mapping[str, str] = field(default_factory=dict)  # records that are there and cannot be read -> why

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
class ChangeScope:
    """What a change set covers: phases, and the cohort's name ('' is everyone)."""

    phases: tuple[Phase, ...] = tuple(phase for phase in Phase if phase is not Phase.BOOKS)
    cohort: str = ""

    def __str__(self) -> str:
        who = f"cohort {self.cohort}" if self.cohort else "everyone"
        whole = set(self.phases) >= set(EVERYTHING.phases)
        return f"{who}, {'all phases' if whole else 'phase ' + ', '.join(p.value for p in self.phases)}"


EVERYTHING = ChangeScope()


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """Records or lines of one model that would go: so many of those that the ledger knows within the scope."""

    model: str
    number: int
    known: int
    needs_consent: bool  # more than the ordinary: see migrate.change_set.removals


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """The frozen tuple that preview shows and apply walks. ``snapshot_digest``: of what was read from Lago."""

    changes: tuple[Change, ...]
    snapshot_digest: str = ""
    scope: ChangeScope = EVERYTHING
    removals: tuple[Removal, ...] = ()
    kept_usage: int = 0  # usage records that nobody wants any more, and that stay

    def of(self, *actions: Action) -> Iterator[Change]:
        """The changes with one of these actions, in order."""
        return (c for c in self.changes if c.action in actions)

    @property
    def pending(self) -> bool:
        """Whether there is anything to do or to decide."""
        return any(c.action in PENDING for c in self.changes)

    @property
    def removed(self) -> int:
        """How many records and lines would go."""
        return sum(removal.number for removal in self.removals)

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
        hasher = hashlib.sha256(f"{self.snapshot_digest}\0{self.scope}\0".encode())
        for change in self.changes:
            hasher.update(_fingerprint(change).encode())
        return hasher.hexdigest()

    def moved_since(self, other: ChangeSet) -> tuple[str, ...]:
        """The sources of the records whose change is not the same in both."""
        mine = {c.xid or c.source: c for c in self.changes}
        theirs = {c.xid or c.source: c for c in other.changes}
        moved = [k for k in {**mine, **theirs} if _print_of(mine.get(k)) != _print_of(theirs.get(k))]
        return tuple(sorted((mine.get(k) or theirs[k]).source for k in moved))


def left_out(changes: Iterable[Change], waived: Collection[str]) -> list[Skipped]:
    """What is skipped of them, and nobody accepted by one of its names."""
    return [change.skipped for change in changes if change.skipped and not change.skipped.is_waived(waived)]


def each_line(desired: Desired) -> Sequence[tuple[str, Desired]]:
    """(one2many field, line) pairs."""
    if not desired.children:
        return ()
    return [(name, line) for name, lines in desired.children.items() for line in lines]


def _fingerprint(change: Change) -> str:
    """What makes two changes the same: the record, what is done to it, and every value before and after."""
    lines = [[x.field, x.xid, x.action.value, [diff_to_json(d) for d in x.diffs]] for x in change.lines]
    head = [change.action.value, change.phase.value, change.model, change.xid, change.source, change.res_id]
    tail = [change.note, list(change.after), change.fresh]
    return json.dumps([head, [diff_to_json(d) for d in change.diffs], lines, tail], ensure_ascii=False, default=list)


def _print_of(change: Change | None) -> str | None:
    return _fingerprint(change) if change else None


def diff_to_json(diff: FieldDiff) -> list[Canon]:
    """Field, before, after, verdict."""
    return [diff.field, diff.before, diff.after, diff.verdict.value]
