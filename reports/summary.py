"""What every renderer says in the same words: the verdict in one sentence, and the biggest differences."""

from __future__ import annotations

from collections.abc import Iterator

from reports.data import (
    COMPARED,
    OPEN,
    OUTSIDE,
    InvoiceView,
    Position,
    ReportData,
    Tally,
    count,
    tallies,
)
from reports.texts import Texts


def totals(data: ReportData) -> list[Tally]:
    """One tally per currency."""
    return [found for _, found in sorted(tallies(data, lambda i, p: "").items())]


def verdict(data: ReportData, texts: Texts) -> str:
    """The verdict in one sentence."""
    return next(_sentences(data, texts))


def remarks(data: ReportData, texts: Texts) -> list[str]:
    """What else must be known to read the verdict: unexplained, refused, out of scope, the model's own faults."""
    return list(_sentences(data, texts))[1:]


def _sentences(data: ReportData, texts: Texts) -> Iterator[str]:
    rows = [p for _, p in data.rows()]
    if not any(p.status in COMPARED for p in rows):
        yield texts("verdict.none")
    else:
        yield texts(f"verdict.{data.outcome.value}", **_figures(data, rows, texts))
    findings = [f for p in rows for f in p.findings if p.status in OPEN]
    unexplained = sum(1 for f in findings if f.cause == "unexplained")
    if unexplained:
        yield texts("verdict.unexplained", count=texts.number(unexplained))
    elif findings:
        yield texts("verdict.proven")
    refused = sum(1 for i in data.invoices if i.refusals)
    if refused:
        yield texts("verdict.refused", count=texts.number(refused))
    yield from _apart(data, rows, texts)


def _apart(data: ReportData, rows: list[Position], texts: Texts) -> Iterator[str]:
    outside = sum(1 for i in data.invoices if i.positions and all(p.status == OUTSIDE for p in i.positions))
    if outside:
        yield texts("verdict.outside", count=texts.number(outside))
    states = count(i.state for i in data.invoices)
    voided, drafts = states.get("voided", 0), states.get("draft", 0)
    if voided or drafts:
        yield texts("verdict.states", voided=texts.number(voided), drafts=texts.number(drafts))
    model = sum(1 for p in rows if p.verdict == "model")
    if model:
        yield texts("verdict.model", count=texts.number(model))


def _figures(data: ReportData, rows: list[Position], texts: Texts) -> dict[str, str]:
    deltas = [texts.money(t.delta_cents, t.currency, sign=True) for t in totals(data) if t.delta_cents]
    return {
        "left": texts.named("side", data.run.pair[0]),
        "right": texts.named("side", data.run.pair[1]),
        "open": texts.number(sum(1 for p in rows if p.status in OPEN)),
        "positions": texts.number(sum(1 for p in rows if p.status in COMPARED)),
        "affected": texts.number(sum(1 for i in data.invoices if any(p.status in OPEN for p in i.positions))),
        "invoices": texts.number(len(data.invoices)),
        "deltas": ", ".join(deltas) or texts("verdict.no_delta"),
    }


def biggest(data: ReportData, limit: int = 10) -> list[tuple[InvoiceView, Position]]:
    """The largest differences, currencies side by side (amounts of different currencies do not compare exactly)."""
    differing = [(i, p) for i, p in data.rows() if p.status in OPEN]
    return sorted(differing, key=lambda row: (-abs(row[1].delta_cents), row[0].number, row[1].id))[:limit]


def refusal_counts(data: ReportData) -> dict[tuple[str, str], int]:
    """(side, reason) -> how often."""
    keyed = count(f"{r.side}\0{r.reason}" for i in data.invoices for r in i.refusals)
    return {(key.split("\0")[0], key.split("\0")[1]): number for key, number in keyed.items()}


def position_name(position: Position, texts: Texts) -> str:
    """A position as a person would call it."""
    kind = texts.named("kind", position.kind)
    return texts("position.name", kind=kind, label=position.label) if position.label else kind
