"""Markdown for a pull request: verdict, totals, causes, the biggest differences, the tie-out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

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
    tone,
    total_refusals,
    verdict,
    what_to_do,
)
from reports.tallies import tie_levels
from reports.texts import Texts

MARKS = {"equal": "✅", "waived": "🟡", "immaterial": "🟡", "to_act": "❌", "nothing": "⚪"}


def write(data: ReportData, path: Path, locale: str = "en_CA") -> None:
    """Write the summary to ``path`` (UTF-8)."""
    path.write_text(render(data, locale), encoding="utf-8")


def render(data: ReportData, locale: str = "en_CA") -> str:
    """The summary as Markdown. Names from the data are escaped: they format nothing and link nowhere."""
    texts = Texts(locale)
    parts = [
        f"## {escape(heading(data, texts))}",
        f"{MARKS[tone(data)]} **{escape(verdict(data, texts))}**",
        "\n".join(f"- {escape(remark)}" for remark in remarks(data, texts)),
        _totals(data, texts),
        _lapses(data, texts),
        _causes(data, texts),
        _refusals(data, texts),
        _ages(data, texts),
        _biggest(data, texts),
        _registers(data, texts),
        _ties(data, texts),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def escape(text: str) -> str:
    """Text as itself in Markdown and in GitHub's dialect: no markup, HTML, link, mention or reference."""
    one_line = " ".join(text.split())
    marked = re.sub(r"([\\`*_{}\[\]()#|~!^])", r"\\\1", one_line)
    plain = marked.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"(@|https?:|www\.)", lambda found: found[0][0] + "\u200b" + found[0][1:], plain)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: int) -> str:
    """A table whose last ``numbers`` columns are set to the right."""
    rule = ["---"] * (len(head) - numbers) + ["---:"] * numbers
    lines = [head, rule, *rows]
    return "\n".join("| " + " | ".join(cell or " " for cell in line) + " |" for line in lines)


def _totals(data: ReportData, texts: Texts) -> str:
    rows = [total_cells(register, texts) for register in by_currency(data)]
    return _table(total_heads(data, texts), rows, 6) if rows else ""


def _registers(data: ReportData, texts: Texts) -> str:
    rows = register_rows(data, texts)
    if not rows:
        return ""
    lines = "\n".join(f"- {escape(line)}" for line in settlement_lines(data, texts))
    written = _table(register_heads(texts), rows, 6)
    return f"<details><summary>{texts('registers')}</summary>\n\n{written}\n\n{lines}\n\n</details>"


def _lapses(data: ReportData, texts: Texts) -> str:
    rows = [[escape(cell) for cell in lapse_cells(lapse, texts)] for lapse in data.lapses]
    remedies = [f"- {escape(f'{kind}: {remedy}')}" for kind, remedy in lapse_remedies(data, texts).items()]
    return "\n".join([_table(lapse_heads(texts), rows, 2), "", *remedies]).rstrip() if rows else ""


def _causes(data: ReportData, texts: Texts) -> str:
    rows = [
        [
            texts.named("cause", c.cause),
            texts.named("side", c.side),
            texts("proven") if c.proven else texts("not_proven"),
            escape(remedy),
            texts.number(c.count),
            texts.money(c.delta_cents, c.currency, sign=True),
        ]
        for c, remedy in what_to_do(data, texts)
    ]
    head = [texts("cause"), texts("wrong_side"), " ", texts("what_to_do"), texts("count"), texts("difference")]
    return _table(head, rows, 2) if rows else ""


def _refusals(data: ReportData, texts: Texts) -> str:
    rows = [
        [
            texts.named("side", r.side),
            escape(f"{texts.named('refusal', r.reason)} ({r.reason})"),
            escape(r.said(texts)),
            texts.number(r.count),
        ]
        for r in total_refusals(data)
    ]
    return _table([texts("refusals"), texts("reason"), texts("detail"), texts("count")], rows, 1) if rows else ""


def _ages(data: ReportData, texts: Texts) -> str:
    rows = [
        [
            texts(f"age.{b.name}"),
            texts.day(b.oldest),
            texts.number(b.count),
            texts.money(b.gross_cents, b.currency),
            texts.money(b.delta_cents, b.currency, sign=True),
        ]
        for b in buckets(data)
    ]
    head = [texts("age"), texts("oldest"), texts("count"), texts("gross"), texts("difference")]
    return _table(head, rows, 3) if rows else ""


def _biggest(data: ReportData, texts: Texts) -> str:
    rows = [
        [
            escape(i.customer_name),
            escape(i.number),
            escape(position_name(p, texts)),
            ", ".join(dict.fromkeys(texts.named("cause", f.cause) for f in p.findings)),
            texts.counted("days", p.age.days) if p.age else "",
            texts.money(p.at_stake_cents, i.currency, sign=True),
        ]
        for i, p in biggest(data)
    ]
    head = [texts("customer"), texts("invoice"), texts("line"), texts("cause"), texts("age"), texts("difference")]
    return _table(head, rows, 1) if rows else ""


def _ties(data: ReportData, texts: Texts) -> str:
    rows = [
        [
            f"{texts.named('level', t.level)} {t.sum.currency}",
            texts.number(t.groups),
            texts.number(t.sum.positions),
            texts.money(t.sum.delta_cents, t.sum.currency),
            texts.money(t.sum.explained_cents, t.sum.currency),
        ]
        for t in tie_levels(data)
    ]
    head = [texts("ties"), texts("groups"), texts("positions"), texts("difference"), texts("causes_sum")]
    return f"<details><summary>{texts('ties')}</summary>\n\n{_table(head, rows, 4)}\n\n</details>" if rows else ""
