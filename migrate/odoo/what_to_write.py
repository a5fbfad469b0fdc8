"""Which fields and lines of a change are to be written, and in which order. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mappings.target import Desired
from migrate.change_set.changes import Action, Change, FieldDiff, LineChange, Observed, exempt
from migrate.change_set.compare import compared
from migrate.odoo.meanwhile import Leads, leads_of
from migrate.values import Canon


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


def all_lines(change: Change, observed: Observed) -> tuple[LineChange, ...]:
    """Every standing line as one to be written whole, if any line is."""
    if not has_lines_to_write(change):
        return change.lines
    return tuple(_whole(line, observed) if line.action in _STANDING else line for line in change.lines)


_STANDING = (Action.UPDATE, Action.UNCHANGED, Action.KEPT)


def _whole(line: LineChange, observed: Observed) -> LineChange:
    stay = exempt(line.diffs)
    values = compared(line.desired, observed).items() if line.desired else ()
    ours = (FieldDiff(n, None, v, Action.UPDATE) for n, v in values if n not in stay)
    return replace(line, action=Action.UPDATE, diffs=(*(d for d in line.diffs if d.field in stay), *ours))


def names_of_line(line: LineChange, observed: Observed) -> frozenset[str]:
    """What is written of a line: whole, as a new quantity alone would make Odoo compute its price anew.

    Texts lead nothing: they are written alone, so that what somebody typed beside them just now stays.
    """
    if line.desired is None:
        return frozenset()
    if leads_of(line, observed.fields[line.model]) is Leads.NOTHING:
        return frozenset(d.field for d in line.diffs if d.verdict is Action.UPDATE)
    return frozenset(compared(line.desired, observed)) - exempt(line.diffs)


def has_lines_to_write(change: Change) -> bool:
    """Whether lines come, change or go."""
    return any(line.action in (Action.CREATE, Action.UPDATE, Action.REMOVE) for line in change.lines)


def has_anything_to_write(change: Change) -> bool:
    """Whether fields, lines or methods are left to be sent."""
    return bool(change.updates or change.after or has_lines_to_write(change))


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
