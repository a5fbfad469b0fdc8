"""The short summary for a terminal: what ``lago2odoo reconcile`` prints."""

from __future__ import annotations

from collections.abc import Sequence

from reports.ageing import buckets
from reports.data import ReportData, Tally, ties
from reports.summary import (
    biggest,
    heading,
    position_name,
    refusal_counts,
    remarks,
    tie_lines,
    totals,
    verdict,
    what_to_do,
)
from reports.texts import Texts


def render(data: ReportData, locale: str = "en_CA") -> str:
    """The verdict, totals by currency, causes, what could not be compared, biggest differences and the tie-out."""
    texts = Texts(locale)
    parts = [
        _clean(heading(data, texts)),
        "\n".join([_clean(verdict(data, texts)), *map(_clean, remarks(data, texts))]),
        _totals(data, texts),
        _causes(data, texts),
        _what_to_do(data, texts),
        _refusals(data, texts),
        _ages(data, texts),
        _biggest(data, texts),
        _ties(data, texts),
    ]
    return "\n\n".join(part for part in parts if part)


def _totals(data: ReportData, texts: Texts) -> str:
    left, right = (texts.named("side", side) for side in data.run.pair)
    head = [
        texts("currency"),
        left,
        right,
        texts("difference"),
        texts("positions"),
        texts("equal"),
        texts("not_compared"),
    ]
    return table(head, [_total(t, texts) for t in totals(data)])


def _total(t: Tally, texts: Texts) -> list[str]:
    amounts = [texts.money(c, t.currency) for c in (t.left_cents, t.right_cents)]
    counts = (t.positions, t.equal, t.refused + t.outside)
    return [t.currency, *amounts, texts.money(t.delta_cents, t.currency, sign=True), *map(texts.number, counts)]


def _causes(data: ReportData, texts: Texts) -> str:
    rows = [
        [
            texts.named("cause", c.cause),
            texts.named("side", c.side),
            texts.number(c.count),
            texts.money(c.delta_cents, c.currency, sign=True),
            texts("proven") if c.proven else texts("not_proven"),
        ]
        for c, _ in what_to_do(data, texts)
    ]
    head = [texts("cause"), texts("wrong_side"), texts("count"), texts("difference"), ""]
    return table(head, rows) if rows else ""


def _what_to_do(data: ReportData, texts: Texts) -> str:
    """Sentences are too long for a column: they stand under the causes, one line per cause and side."""
    said = {(c.cause, c.side): remedy for c, remedy in reversed(what_to_do(data, texts)) if remedy}
    lines = [f"  {texts.named('cause', c)} ({texts.named('side', s)}): {_clean(r)}" for (c, s), r in said.items()]
    return "\n".join([texts("what_to_do"), *reversed(lines)]) if lines else ""


def _refusals(data: ReportData, texts: Texts) -> str:
    rows = [
        [texts.named("side", s), f"{texts.named('refusal', reason)} ({reason})", texts.number(n)]
        for (s, reason), n in refusal_counts(data).items()
    ]
    return table([texts("refusals"), texts("reason"), texts("count")], rows) if rows else ""


def _ages(data: ReportData, texts: Texts) -> str:
    rows = [
        [
            texts(f"age.{b.name}"),
            texts.day(b.oldest),
            texts.number(b.count),
            texts.money(b.gross_cents, b.currency),
        ]
        for b in buckets(data)
    ]
    return table([texts("age"), texts("oldest"), texts("count"), texts("gross")], rows) if rows else ""


def _biggest(data: ReportData, texts: Texts) -> str:
    rows = [
        [
            i.customer,
            i.number,
            position_name(p, texts),
            texts.money(p.delta_cents, i.currency, sign=True),
            ", ".join(dict.fromkeys(texts.named("cause", f.cause) for f in p.findings)),
        ]
        for i, p in biggest(data)
    ]
    head = [texts("customer"), texts("invoice"), texts("line"), texts("difference"), texts("cause")]
    return table(head, rows) if rows else ""


def _ties(data: ReportData, texts: Texts) -> str:
    """One sentence per currency; the whole table only where it does not add up."""
    lines = tie_lines(data, texts)
    if lines is not None:
        return "\n".join(map(_clean, lines))
    rows = [
        [
            texts.named("level", t.level),
            texts.number(t.groups),
            texts.number(t.sum.positions),
            *(texts.money(c, t.sum.currency) for c in (t.sum.left_cents, t.sum.right_cents, t.sum.delta_cents)),
            texts.money(t.sum.explained_cents, t.sum.currency),
        ]
        for t in ties(data)
    ]
    left, right = (texts.named("side", side) for side in data.run.pair)
    head = [texts("level"), texts("groups"), texts("positions"), left, right, texts("difference"), texts("causes_sum")]
    return f"{texts('ties')}\n{table(head, rows)}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns in plain text; those that hold numbers are set to the right."""
    cells = [[_clean(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    right = [all(not row[i] or row[i].lstrip("+-")[:1].isdigit() for row in cells[1:]) for i in range(len(head))]
    lines = [
        "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)).rstrip()
        for row in cells
    ]
    return "\n".join([lines[0], "  ".join("-" * w for w in widths), *lines[1:]])


def _clean(text: str) -> str:
    """One line without control characters: a customer's name must not move the terminal's cursor."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))
