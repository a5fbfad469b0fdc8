"""How changes look on a terminal: counts by phase, the coverage matrix, and field by field where it is short."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from mappings.coverage import CoverageRow
from mappings.target import Skipped
from migrate.changes import Action, ChangeSet, FieldDiff
from reports.text import table

SHOWN = 20
VALUE = 60


def counts(table_of: Mapping[str, Mapping[str, int]]) -> str:
    """Phase by action."""
    actions = [a.value for a in Action if any(a.value in row for row in table_of.values())]
    rows = [(phase, *(f"{row.get(a, 0):,}" for a in actions)) for phase, row in table_of.items()]
    return table(("phase", *actions), rows)


def matrix(rows: Sequence[CoverageRow]) -> str:
    """What becomes of each Lago resource; the reasons of what is left out are listed elsewhere, once."""
    heads = ("Lago", "records", "moved", "left out", "in part", "nothing to move", "becomes, or why not")
    listed = [row for row in rows if row.records is not None]
    text = table(heads, [_matrix_row(row) for row in listed])
    besides = ", ".join(f"{row.resource} {row.expressed:,}" for row in rows if row.records is None and row.expressed)
    return f"{text}\nmade besides, for all of them: {besides}" if besides else text


def _matrix_row(row: CoverageRow) -> tuple[str, ...]:
    numbers = (row.records, row.expressed, sum(row.skipped.values()), sum(row.parts.values()), row.nothing_to_move)
    why = f"rest: {row.why_nothing}" if row.models and row.why_nothing else row.why_nothing
    becomes = "; ".join(part for part in (_tally(row.models), why) if part)
    return (row.resource, *(f"{number:,}" if number else "" for number in numbers), becomes)


def _tally(found: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in found.items())


def skipped(changes: ChangeSet, waived: Collection[str]) -> Iterator[str]:
    """What is waived in one line; the rest with an example each: finance or a mender has to decide."""
    reasons: dict[str, list[Skipped]] = {}
    for change in changes.of(Action.SKIPPED):
        if change.skipped:
            reasons.setdefault(change.skipped.reason, []).append(change.skipped)
    totals = {reason: sum(item.count for item in found) for reason, found in reasons.items()}
    if accepted := {reason: total for reason, total in totals.items() if reason in waived}:
        yield f"left out, waived: {_tally(accepted)}"
    rows = [
        (reason, f"{totals[reason]:,}", f"{found[0].source}: {found[0].detail}")
        for reason, found in reasons.items()
        if reason not in waived
    ]
    if rows:
        yield table(("left out, NOT waived", "records", "for example"), rows)


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
