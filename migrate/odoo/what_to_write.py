"""Which fields and lines of a change are to be written, and in which order. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mappings.target import Desired
from migrate.change_set.changes import Action, Change, FieldDiff, LineChange, Observed, Seen, exempt
from migrate.change_set.compare import compared
from migrate.odoo.values import Canon


def moved_since(change: Change, seen: Seen) -> str | None:
    """What someone changed between the preview and now, in what we are about to write."""
    lines = {xid: line for some in seen.lines.values() for xid, line in some.items()}
    pairs = [(change.diffs, seen)] + [(line.diffs, lines[line.xid]) for line in change.lines if line.xid in lines]
    for diffs, stands in pairs:
        for d in diffs:
            if d.verdict is Action.UPDATE and stands.values.get(d.field) not in (d.before, d.after):
                return f"{d.field} was changed in Odoo a moment ago: preview again"
    return None


def updates_of(change: Change) -> list[tuple[str, Canon]]:
    """Field and wanted value of all that is to be written."""
    return [(d.field, d.after) for d in change.diffs if d.verdict is Action.UPDATE]


def fields_to_write(change: Change) -> frozenset[str]:
    """The fields themselves, without methods."""
    return frozenset(name for name in change.updates if not name.endswith("()"))


def late_fields(change: Change) -> frozenset[str]:
    """Those that are written last."""
    return change.desired.late if change.desired else frozenset()


def early_fields_to_write(change: Change) -> frozenset[str]:
    """Those that are written first."""
    return fields_to_write(change) - late_fields(change)


def all_fields(change: Change, observed: Observed) -> tuple[FieldDiff, ...]:
    """The change's diffs, as if every field that is ours had to be written."""
    stay = exempt(change.diffs)
    values = compared(change.desired, observed).items() if change.desired else ()
    ours = (FieldDiff(n, None, v, Action.UPDATE) for n, v in values if n not in stay and not n.endswith("()"))
    return (*(d for d in change.diffs if d.field in stay), *ours)


def all_lines(change: Change) -> tuple[LineChange, ...]:
    """Every standing line as one to be written, if any line is."""
    standing = (Action.UNCHANGED, Action.KEPT)
    if not has_lines_to_write(change):
        return change.lines
    return tuple(replace(line, action=Action.UPDATE) if line.action in standing else line for line in change.lines)


def has_lines_to_write(change: Change) -> bool:
    """Whether lines come, change or go."""
    return any(line.action in (Action.CREATE, Action.UPDATE, Action.REMOVE) for line in change.lines)


def group_by_fields(
    batch: Sequence[Change], key: Callable[[Change], frozenset[str]]
) -> dict[frozenset[str], list[Change]]:
    """The changes that may go in one call: those with the same fields."""
    groups: dict[frozenset[str], list[Change]] = {}
    for change in batch:
        groups.setdefault(key(change), []).append(change)
    return groups


def join_commands(commands: Mapping[str, list[Any]], more: Sequence[tuple[str, list[Any]]]) -> dict[str, list[Any]]:
    """Odoo's commands for lines, more of them added."""
    joined = {name: list(some) for name, some in commands.items()}
    for name, command in more:
        joined.setdefault(name, []).append(command)
    return joined


def with_active(desired: Desired) -> Desired:
    """A wanted record is wanted active although no mapper says so (see ``migrate.change_set.changes.compared``)."""
    if "active" in desired.values:
        return desired
    values = {**desired.values, "active": True}
    return Desired(phase=desired.phase, model=desired.model, xid=desired.xid, values=values, source=desired.source)
