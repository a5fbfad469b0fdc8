"""How changes look on a terminal: counts by phase, the coverage matrix, and field by field where it is short."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from mappings.coverage import CoverageRow
from mappings.target import Skipped
from migrate.changes import Action, Change, ChangeSet, FieldDiff
from reports.text import table

SHOWN = 20
VALUE = 60


def counts(table_of: Mapping[str, Mapping[str, int]]) -> str:
    """Phase by action."""
    actions = [a.value for a in Action if any(a.value in row for row in table_of.values())]
    rows = [(phase, *(f"{row.get(a, 0):,}" for a in actions)) for phase, row in table_of.items()]
    return table(("phase", *actions), rows)


def matrix(rows: Sequence[CoverageRow]) -> str:
    """What becomes of each Lago resource."""
    return table(
        ("Lago", "records", "expressed", "as", "skipped", "in part", "nothing to move"),
        [
            (
                row.resource,
                "" if row.records is None else f"{row.records:,}",
                f"{row.expressed:,}",
                _tally(row.models),
                _tally(row.skipped),
                _tally(row.parts),
                f"{row.nothing_to_move:,} ({row.why_nothing})" if row.nothing_to_move else "",
            )
            for row in rows
        ],
    )


def _tally(found: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in found.items())


def skipped(changes: ChangeSet, waived: Collection[str]) -> Iterator[str]:
    """One line per reason: how many, whether it is waived, and the first examples."""
    reasons: dict[str, list[Change]] = {}
    for change in changes.of(Action.SKIPPED):
        if change.skipped:
            reasons.setdefault(change.skipped.reason, []).append(change)
    for reason, found in reasons.items():
        total = sum(change.skipped.count for change in found if change.skipped)
        mark = "waived" if reason in waived else "NOT waived"
        yield f"skipped {total:,} × {reason} ({mark})"
        for change in found[:3]:
            yield f"    {change.source}: {change.skipped.detail if change.skipped else ''}"
        if len(found) > 3:
            yield f"    and {len(found) - 3:,} more"


def details(changes: ChangeSet) -> Iterator[str]:
    """Field-level differences of updates, conflicts and what was kept; creations only by name."""
    worth = list(changes.of(Action.CONFLICT, Action.UPDATE, Action.REMOVE, Action.KEPT))
    for change in worth[:SHOWN]:
        yield f"{change.action.value} {change.source} ({change.model})"
        for diff in (*change.diffs, *(d for line in change.lines for d in line.diffs)):
            if diff.verdict in (Action.UPDATE, Action.KEPT, Action.CONFLICT):
                yield f"    {field(diff)}"
    if len(worth) > SHOWN:
        yield f"and {len(worth) - SHOWN:,} more: --format json shows all"


def field(diff: FieldDiff) -> str:
    """``street: 'Old Road' -> 'New Road'``."""
    return f"{diff.field}: {_short(diff.before)} -> {_short(diff.after)}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= VALUE else f"{text[: VALUE - 1]}…"


def open_reasons(skipped: Iterable[Skipped], waived: Collection[str]) -> dict[str, int]:
    """Reasons of skipped records that nobody waived, and how many records each stands for."""
    found: dict[str, int] = {}
    for item in skipped:
        if item.reason not in waived:
            found[item.reason] = found.get(item.reason, 0) + item.count
    return found


def remedy(reasons: Mapping[str, int]) -> str:
    """What to do about skipped records that nobody waived."""
    return (
        f"{sum(reasons.values()):,} records cannot be expressed in Odoo and nobody waived it: mend them, or add to the "
        f"configuration [waive] skipped = {list(reasons)}"
    )
