"""What every renderer says in the same words: the verdict in one sentence, and the biggest differences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from reports.data import (
    COMPARED,
    OPEN,
    OUTSIDE,
    REFUSED,
    CauseTotal,
    InvoiceView,
    Position,
    ReportData,
    Tally,
    TieOutBroken,
    cause_totals,
    check_ties,
    count,
    tallies,
    ties,
)
from reports.texts import Texts


def totals(data: ReportData) -> list[Tally]:
    """One tally per currency."""
    return [found for _, found in sorted(tallies(data, lambda i, p: "").items())]


def heading(data: ReportData, texts: Texts) -> str:
    """The title, with the cohort if not everybody was compared."""
    title = texts.title(data.run.period)
    return f"{title} · {texts('run.cohort', cohort=data.run.cohort)}" if data.run.cohort else title


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
    reasons = apart(data, texts)
    if reasons:
        listed = ", ".join(f"{reason}: {texts.number(n)}" for reason, n in reasons.items())
        yield texts("verdict.apart", positions=texts.counted("positions", sum(reasons.values())), reasons=listed)
    states = count(i.state for i in data.invoices)
    unclaimed = [("voided", states.get("voided", 0)), ("drafts", states.get("draft", 0))]
    if any(n for _, n in unclaimed):
        yield texts("verdict.states", what=", ".join(texts.counted(name, n) for name, n in unclaimed if n))
    model = sum(1 for p in rows if p.verdict == "model")
    if model:
        yield texts("verdict.model", count=texts.number(model))


def _figures(data: ReportData, rows: list[Position], texts: Texts) -> dict[str, str]:
    deltas = [texts.money(t.delta_cents, t.currency, sign=True) for t in totals(data) if t.delta_cents]
    return {
        "left": texts.named("side", data.run.pair[0]),
        "right": texts.named("side", data.run.pair[1]),
        "open": texts.number(sum(1 for p in rows if p.status in OPEN)),
        "positions": texts.counted("positions", sum(1 for p in rows if p.status in COMPARED)),
        "affected": texts.number(sum(1 for i in data.invoices if any(p.status in OPEN for p in i.positions))),
        "invoices": texts.counted("invoices", len(data.invoices)),
        "deltas": ", ".join(deltas) or texts("verdict.no_delta"),
    }


def biggest(data: ReportData, limit: int = 10) -> list[tuple[InvoiceView, Position]]:
    """The largest differences, currencies side by side (amounts of different currencies do not compare exactly)."""
    differing = [(i, p) for i, p in data.rows() if p.status in OPEN]
    return sorted(differing, key=lambda row: (-abs(row[1].delta_cents), row[0].number, row[1].id))[:limit]


def apart(data: ReportData, texts: Texts) -> dict[str, int]:
    """Why positions were not compared -> how many, the most frequent first."""
    reasons = Counter(_why_apart(i, p, texts) for i, p in data.rows() if p.status in (REFUSED, OUTSIDE))
    return dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0])))


def _why_apart(invoice: InvoiceView, position: Position, texts: Texts) -> str:
    if position.status == REFUSED:
        said = sorted({f"{texts.named('side', r.side)} {r.reason}" for r in invoice.refusals})
        return " + ".join(said) or texts("status.refused")
    kind = next((value for name, value in sorted(invoice.notes.items()) if name.startswith("outside_")), "")
    return texts.named("type", kind) if kind else texts.named("kind", position.kind)


def what_to_do(data: ReportData, texts: Texts) -> list[tuple[CauseTotal, str]]:
    """Every cause with the remedy that most of its findings have, in a sentence."""
    found: dict[tuple[str, str, str], Counter[str]] = {}
    for invoice, position in data.rows():
        for finding in position.findings:
            own = found.setdefault((finding.cause, finding.side, invoice.currency), Counter())
            if finding.remedy:
                own[texts.evidence("remedy", finding.remedy, invoice.currency)] += 1
    return [(c, _remedy(c.cause, found[c.cause, c.side, c.currency], texts)) for c in cause_totals(data)]


def _remedy(cause: str, remedies: Counter[str], texts: Texts) -> str:
    if not remedies:
        default = texts.named("what_to_do", cause)
        return "" if default == cause else default
    first, _ = min(remedies.items(), key=lambda item: (-item[1], item[0]))
    others = len(remedies) - 1
    return texts("what_to_do.more", remedy=first, n=texts.number(others)) if others else first


def tie_lines(data: ReportData, texts: Texts) -> list[str] | None:
    """That every level adds up to the same, in one sentence per currency; None if it does not hold."""
    try:
        check_ties(data)
    except TieOutBroken:
        return None
    return [_tie_line(data, total, texts) for total in totals(data)]


def _tie_line(data: ReportData, total: Tally, texts: Texts) -> str:
    levels = [t.level for t in ties(data) if t.sum.currency == total.currency]
    left, right = (texts.named("side", side) for side in data.run.pair)
    return texts(
        "ties.line",
        currency=total.currency,
        levels=texts.counted("levels", len(levels)),
        names=", ".join(texts.named("level", level) for level in levels),
        positions=texts.counted("positions", total.positions),
        left=left,
        right=right,
        left_sum=texts.money(total.left_cents, total.currency),
        right_sum=texts.money(total.right_cents, total.currency),
        delta=texts.money(total.delta_cents, total.currency, sign=True),
    )


def refusal_counts(data: ReportData) -> dict[tuple[str, str], int]:
    """(side, reason) -> how often."""
    keyed = count(f"{r.side}\0{r.reason}" for i in data.invoices for r in i.refusals)
    return {(key.split("\0")[0], key.split("\0")[1]): number for key, number in keyed.items()}


def position_name(position: Position, texts: Texts) -> str:
    """A position as a person would call it."""
    kind = texts.named("kind", position.kind)
    return texts("position.name", kind=kind, label=position.label) if position.label else kind
