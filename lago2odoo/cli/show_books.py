"""How the books look: what was written, what was left out, and the register against the journal."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict

from lago2odoo.cli import show
from mappings.books.tie import BooksTie, TieRow, told_rows
from mappings.money import from_subunits
from mappings.target import Skipped
from migrate.books.keep import BooksKept
from reports.columns import table

SHOWN = 20


def data(kept: BooksKept) -> dict[str, object]:
    """For ``--format json``: cents as integers."""
    runs = [kept.drafted, kept.posted] if kept.posted else [kept.drafted]
    return {
        "counts": (kept.posted or kept.drafted).changes.counts(),
        "written": [run.written for run in runs],
        "calls": sum(run.calls for run in runs),
        "taxes_set": kept.adjusted,
        "settled": kept.settled,
        "refused": refused_data(change.skipped for change in kept.drafted.changes.changes),
        "wrong": refused_data(kept.wrong),
        "failures": [str(failure) for run in runs for failure in run.failures],
        "tie": _tie(kept.tie),
    }


def refused_data(items: Iterable[Skipped | None]) -> list[dict[str, object]]:
    """What is left out, one by one."""
    return [
        {"document": str(item.source), "lago_id": item.source.lago_id, "reason": item.reason, "detail": item.detail}
        for item in items
        if item is not None
    ]


def _tie(tie: BooksTie) -> dict[str, object]:
    rows = [{**asdict(row), "difference": row.difference} for row in tie.rows]
    return {"ok": tie.ok, "rows": rows, "left_open": [asdict(each) for each in tie.left_open], "foreign": tie.foreign}


def text(kept: BooksKept, waived: Collection[str]) -> str:
    """For people: the tie comes last."""
    last = kept.posted or kept.drafted
    lines = [show.counts(last.counts()), "", *show.skipped(kept.drafted.changes, waived)]
    lines += show.refused([each for run in (kept.drafted, kept.posted) if run for each in run.refused])
    lines += [f"not as in Lago: {item.source}: {item.detail}" for item in kept.wrong[:SHOWN]]
    lines += [f"in the journal, and not ours: {name}" for name in kept.tie.foreign[:SHOWN]]
    lines += _open_lines(kept.tie)
    lines += [tie_table(kept.tie), ""]
    lines.append(
        f"{kept.written:,} written ({kept.adjusted:,} taxes set to Lago's, {kept.settled:,} settled)"
        if kept.written
        else "nothing to do"
    )
    return "\n".join(lines)


def _open_lines(tie: BooksTie) -> Iterator[str]:
    for each in tie.left_open[:SHOWN]:
        why = each.reason or "NOT EXPLAINED"
        yield f"open otherwise than in Lago: {each.number}: {_money(each.cents, each.currency)} ({why})"


def tie_table(tie: BooksTie) -> str:
    """Totals by month and currency, and whatever does not tie."""
    rows = [_cells(row) for row in told_rows(tie.rows)]
    return table(("month", "currency", "sum of", "Lago", "Odoo", "left out", "difference"), rows)


def _cells(row: TieRow) -> tuple[str, ...]:
    amounts = (row.lago, row.odoo, row.left_out, row.difference)
    return (row.month or "all", row.currency, row.kind, *(_money(cents, row.currency) for cents in amounts))


def _money(cents: int, currency: str) -> str:
    return f"{from_subunits(cents, currency):,}"
