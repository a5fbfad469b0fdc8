"""The short summary for a terminal: what ``lago2odoo reconcile`` prints."""

from __future__ import annotations

from reports.columns import clean, table
from reports.data import ReportData
from reports.evidence.ageing import buckets
from reports.register_cells import register_heads, register_rows, settlement_lines, total_cells, total_heads
from reports.registers import by_currency
from reports.summary import (
    biggest,
    heading,
    lapse_cells,
    lapse_heads,
    lapse_remedies,
    position_name,
    remarks,
    tie_lines,
    total_refusals,
    verdict,
    what_to_do,
)
from reports.tallies import tie_levels
from reports.texts import Texts


def render(data: ReportData, locale: str = "en_CA") -> str:
    """The verdict, totals by currency, causes, what could not be compared, biggest differences and the tie-out."""
    texts = Texts(locale)
    parts = [
        clean(heading(data, texts)),
        "\n".join([clean(verdict(data, texts)), *map(clean, remarks(data, texts))]),
        _totals(data, texts),
        _lapses(data, texts),
        _causes(data, texts),
        _what_to_do(data, texts),
        _refusals(data, texts),
        _ages(data, texts),
        _biggest(data, texts),
        _registers(data, texts),
        _ties(data, texts),
    ]
    return "\n\n".join(part for part in parts if part)


def lapses(data: ReportData, locale: str = "en_CA") -> str:
    """What Lago billed twice, or never; nothing where there is nothing."""
    return _lapses(data, Texts(locale))


def totals(data: ReportData, locale: str = "en_CA") -> str:
    """What both sides billed, by currency; how much of it was compared."""
    return _totals(data, Texts(locale))


def registers(data: ReportData, locale: str = "en_CA") -> str:
    """Both sides' registers by month, and what was settled since."""
    return _registers(data, Texts(locale))


def _totals(data: ReportData, texts: Texts) -> str:
    rows = [total_cells(register, texts) for register in by_currency(data)]
    return table(total_heads(data, texts), rows) if rows else ""


def _registers(data: ReportData, texts: Texts) -> str:
    rows = register_rows(data, texts)
    if not rows:
        return ""
    written = table(register_heads(texts), rows)
    return "\n".join([texts("registers"), written, *map(clean, settlement_lines(data, texts))])


def _lapses(data: ReportData, texts: Texts) -> str:
    rows = [lapse_cells(lapse, texts) for lapse in data.lapses]
    remedies = [f"  {kind}: {remedy}" for kind, remedy in lapse_remedies(data, texts).items()]
    return "\n".join([table(lapse_heads(texts), rows), *map(clean, remedies)]) if rows else ""


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
    lines = [f"  {texts.named('cause', c)} ({texts.named('side', s)}): {clean(r)}" for (c, s), r in said.items()]
    return "\n".join([texts("what_to_do"), *reversed(lines)]) if lines else ""


def _refusals(data: ReportData, texts: Texts) -> str:
    """What a side said itself is too long for a column: it stands under the reasons."""
    totals_of = total_refusals(data)
    rows = [
        [texts.named("side", r.side), f"{texts.named('refusal', r.reason)} ({r.reason})", texts.number(r.count)]
        for r in totals_of
    ]
    said = [f"  {texts.named('refusal', r.reason)} ({texts.named('side', r.side)}): {r.said(texts)}" for r in totals_of]
    written = table([texts("refusals"), texts("reason"), texts("count")], rows)
    return "\n".join([written, *map(clean, said)]) if rows else ""


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
            texts.money(p.at_stake_cents, i.currency, sign=True),
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
        return "\n".join(map(clean, lines))
    rows = [
        [
            texts.named("level", t.level),
            texts.number(t.groups),
            texts.number(t.sum.positions),
            *(texts.money(c, t.sum.currency) for c in (t.sum.left_cents, t.sum.right_cents, t.sum.delta_cents)),
            texts.money(t.sum.explained_cents, t.sum.currency),
        ]
        for t in tie_levels(data)
    ]
    left, right = (texts.named("side", side) for side in data.run.pair)
    head = [texts("level"), texts("groups"), texts("positions"), left, right, texts("difference"), texts("causes_sum")]
    return f"{texts('ties')}\n{table(head, rows)}"
