"""One offline HTML file: no network, a strict content policy, and a first screen that needs no JavaScript."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mappings.money import exponent
from reports import charts
from reports.data import (
    OPEN,
    REFUSED,
    SIDES,
    STATUSES,
    Finding,
    InvoiceView,
    Position,
    RefusalView,
    ReportData,
    SideView,
    Usage,
    WaiverView,
)
from reports.evidence.ageing import BUCKETS, OLDEST, buckets
from reports.glance import glance
from reports.register_cells import register_heads, register_rows, settlement_lines, total_cells, total_heads
from reports.registers import by_currency
from reports.summary import (
    age_sentence,
    biggest,
    heading,
    lapse_cells,
    lapse_heads,
    lapse_remedy,
    position_name,
    remarks,
    tone,
    total_refusals,
    verdict,
    waived_by,
    what_to_do,
)
from reports.tallies import Tie, tie_levels
from reports.texts import Texts

PLAIN_LIMIT = 200_000  # characters of data up to which the page carries it readable
CHUNK = 2_000  # positions whose details are unpacked together, when one of them is opened
STEPS_LIMIT = 5_000  # positions up to which the steps of equal ones come along too


def write(data: ReportData, path: Path, locale: str = "en_CA") -> None:
    """Write the report to ``path`` (UTF-8)."""
    path.write_text(render(data, locale), encoding="utf-8")


def render(data: ReportData, locale: str = "en_CA") -> str:
    """The whole page."""
    texts = Texts(locale)
    css, script = _asset("report.css"), _asset("report.js")
    encoding, text = embed(payload(data, texts))
    details = [embed(chunk) for chunk in chunks(data, texts)]
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            data=data,
            t=texts,
            policy=policy(css, script),
            css=Markup(css),  # noqa: S704 (our own file)
            script=Markup(script),  # noqa: S704 (our own file)
            payload=Markup(text),  # noqa: S704 (embed() leaves no "<")
            encoding=encoding,
            details=[(kind, Markup(one)) for kind, one in details],  # noqa: S704 (embed() leaves no "<")
            chunk=CHUNK,
            sentence=verdict(data, texts),
            remarks=remarks(data, texts),
            totals=by_currency(data),
            total_heads=total_heads(data, texts),
            total_cells=total_cells,
            register_heads=register_heads(texts),
            register_rows=register_rows(data, texts),
            settlement_lines=settlement_lines(data, texts),
            lapse_heads=lapse_heads(texts),
            lapse_cells=lapse_cells,
            lapse_remedy=lapse_remedy,
            waived_by=waived_by,
            causes=what_to_do(data, texts),
            cause_charts=charts.draw_causes(data, texts),
            trend_charts=charts.draw_trend(data, texts),
            biggest=biggest(data),
            glance=glance(data, texts),
            tone=tone(data),
            ages=buckets(data),
            refusals=total_refusals(data),
            ties=tie_levels(data),
            tie_columns=_tie_columns(tie_levels(data), data, texts),
            heading=heading(data, texts),
            position_name=position_name,
        )
    )


def _tie_columns(found: Sequence[Tie], data: ReportData, texts: Texts) -> list[tuple[str, str, bool]]:
    """(heading, field of the tally, is money) of the columns that are not zero everywhere."""
    counts = [(texts.status(name, data), name, False) for name in STATUSES]
    sides = zip((texts.named("side", side) for side in data.run.pair), ("left_cents", "right_cents"), strict=True)
    amounts = [(name, value, True) for name, value in sides]
    amounts += [(texts("difference"), "delta_cents", True), (texts("causes_sum"), "explained_cents", True)]
    amounts.append((texts("settled_difference"), "settled_delta_cents", True))
    return [one for one in (*counts, *amounts) if any(getattr(tie.sum, one[1]) for tie in found)]


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("reports", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )


@lru_cache(maxsize=4)
def _asset(name: str) -> str:
    return files("reports").joinpath("templates", name).read_text(encoding="utf-8")


def policy(css: str, script: str) -> str:
    """The page may run its own script and style, by their hashes: no network, no frame, no form, no image."""
    allowed = f"script-src '{_hash(script)}'; style-src '{_hash(css)}'"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def embed(document: Mapping[str, Any]) -> tuple[str, str]:
    """(encoding, text) of the data inside a script element: without any ``<``, compressed when it is large."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    if len(text) > PLAIN_LIMIT:
        return "gzip", base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()
    return "plain", text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


# --- data for the script: columns for the list; apart from it, in chunks, what only an opened position needs ----------


@dataclass(slots=True)
class _Numbered:
    """Values that occur often, by number."""

    numbers: dict[Any, int] = field(default_factory=dict)

    def __call__(self, value: Any) -> int:
        return self.numbers.setdefault(value, len(self.numbers))

    def all(self) -> list[Any]:
        return list(self.numbers)


def payload(data: ReportData, texts: Texts) -> dict[str, Any]:
    """What the list, its filters and its sums need, in columns: amounts in cents, texts by number."""
    strings, found = _Numbered(), _Numbered()
    rows = list(data.rows())
    people = {i.customer: i.customer_name for i in data.invoices}
    customers = {customer: n for n, customer in enumerate(sorted(people, key=lambda c: (people[c].casefold(), c)))}
    numbers = {i.id: n for n, i in enumerate(data.invoices)}
    sides = [side for side in SIDES if side in data.run.pair or any(side in p.sides for _, p in rows)]
    return {
        "locale": texts.tag,
        "pair": data.run.pair,
        "sides": sides,
        "materiality": data.run.materiality_cents,
        "trimmed": len(rows) > STEPS_LIMIT,
        "digits": {currency: exponent(currency) for currency in sorted({i.currency for i in data.invoices})},
        "ages": [[name, most] for most, name in BUCKETS] + [[OLDEST, None]],
        "statuses": STATUSES,
        "texts": texts.catalog(),
        "customers": [[customer, people[customer]] for customer in customers],
        "invoices": _invoices(data, customers, texts),
        "positions": _positions(rows, numbers, data.run.pair, strings, found),
        "found": found.all(),
        "strings": strings.all(),
    }


def _invoices(data: ReportData, customers: Mapping[str, int], texts: Texts) -> dict[str, list[Any]]:
    each = data.invoices
    return {
        "id": [i.id for i in each],
        "number": [i.number for i in each],
        "customer": [customers[i.customer] for i in each],
        "currency": [i.currency for i in each],
        "day": [i.issued_on.isoformat() for i in each],
        "type": [i.type for i in each],
        "state": [i.state for i in each],
        "refusals": [[_refusal(r, texts) for r in i.refusals] for i in each],
    }


def _refusal(refusal: RefusalView, texts: Texts) -> list[str | None]:
    return [refusal.side, texts.named("refusal", refusal.reason), texts.said(refusal.detail), refusal.waiver]


def _positions(
    rows: Sequence[tuple[InvoiceView, Position]],
    numbers: Mapping[str, int],
    pair: tuple[str, str],
    strings: _Numbered,
    found: _Numbered,
) -> dict[str, list[Any]]:
    """``found``: number of the combination of (cause, side, waived) that a position's findings make."""
    each, status = [p for _, p in rows], {name: n for n, name in enumerate(STATUSES)}
    return {
        "invoice": [numbers[i.id] for i, _ in rows],
        "id": [p.id for p in each],
        "kind": [strings(p.kind) for p in each],
        "header": [int(p.header) for p in each],
        "label": [strings(p.label) for p in each],
        "service": [strings(p.service) for p in each],
        "status": [status[p.status] for p in each],
        "delta": [p.delta_cents for p in each],
        "verdict": [strings(p.verdict) for p in each],
        "age": [p.age and p.age.days for p in each],
        "found": [found(tuple((f.cause, f.side, int(bool(f.waiver))) for f in p.findings)) for p in each],
        **_sides(each, pair),
    }


def _sides(each: Sequence[Position], pair: tuple[str, str]) -> dict[str, list[int | None]]:
    """Cents of every side; the others than the first as what they are above it, which is mostly nothing."""
    base = [p.cents(pair[0]) or 0 for p in each]
    others = [side for side in SIDES if side != pair[0]]
    return {
        pair[0]: [p.cents(pair[0]) for p in each],
        **{side: [_above(p.cents(side), cents) for p, cents in zip(each, base, strict=True)] for side in others},
    }


def _above(cents: int | None, base: int) -> int | None:
    return None if cents is None else cents - base


def chunks(data: ReportData, texts: Texts) -> Iterator[dict[str, Any]]:
    """The details of the positions, ``CHUNK`` at a time, in the order of the list, with texts of their own.

    The sides are in columns, one column after the other: what two sides say alike costs next to nothing, packed.
    """
    rows = list(data.rows())
    trimmed = len(rows) > STEPS_LIMIT
    for start in range(0, len(rows), CHUNK):
        strings, own = _Numbered(), rows[start : start + CHUNK]
        kept = [not trimmed or p.status in (*OPEN, REFUSED) or p.doubt is not None for _, p in own]
        shown = [
            _details(i, p, data.waivers, texts, strings) if keep else {} for (i, p), keep in zip(own, kept, strict=True)
        ]
        views = [{} if p.header or not keep else p.sides for (_, p), keep in zip(own, kept, strict=True)]
        sides = {side: _columns([each.get(side) for each in views], texts, strings) for side in SIDES}
        yield {"rows": shown, "sides": sides, "strings": strings.all()}


def _details(
    invoice: InvoiceView, position: Position, waivers: Sequence[WaiverView], texts: Texts, strings: _Numbered
) -> dict[str, Any]:
    """What is shown only when a position is opened."""
    details: dict[str, Any] = {"key": [[strings(name), strings(value)] for name, value in position.key.items()]}
    if position.findings:
        details["findings"] = [_finding(f, invoice.currency, waivers, texts, strings) for f in position.findings]
    if position.age:
        details["age"] = strings(age_sentence(position, texts))
    if position.usage:
        details["usage"] = _usage(position.usage, texts)
    if position.lookalikes:
        details["looks"] = list(position.lookalikes)
    return details


def _usage(usage: Usage, texts: Texts) -> dict[str, Any]:
    missing = sum(1 for event in usage.events if event.in_odoo is False)
    said = texts("usage.of", metric=usage.metric, events=texts.counted("events", usage.total))
    return {
        "said": f"{said} {texts('usage.missing', n=texts.number(missing))}" if missing else said,
        "more": usage.total - len(usage.events),
        "events": [[e.transaction_id, e.at.isoformat(" ")[:19], e.properties, e.in_odoo] for e in usage.events],
    }


def _columns(views: Sequence[SideView | None], texts: Texts, strings: _Numbered) -> dict[str, list[Any]]:
    """One side of many positions; ``lines`` is None where it says nothing. Steps stand one after the other."""
    steps = [step for view in views if view for step in view.steps]
    return {
        "lines": [view and view.lines for view in views],
        "events": [view and view.events for view in views],
        "source": [strings(view.source) if view and view.source else None for view in views],
        "steps": [len(view.steps) if view else 0 for view in views],
        "units": [_exact(view.units) if view else None for view in views],
        "label": [strings(texts.step(step)) for step in steps],
        "of": [_exact(step.units) for step in steps],
        "price": [_exact(step.unit_price) for step in steps],
        "flat": [_exact(step.flat) for step in steps],
        "amount": [_exact(step.amount) for step in steps],
    }


def _exact(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:f}"


def _finding(
    finding: Finding, currency: str, waivers: Sequence[WaiverView], texts: Texts, strings: _Numbered
) -> list[Any]:
    return [
        finding.cause,
        finding.side,
        finding.delta_cents,
        int(finding.proven),
        [strings(texts.evidence("evidence", e, currency)) for e in finding.evidence],
        strings(texts.evidence("remedy", finding.remedy, currency)) if finding.remedy else None,
        waived_by(finding, waivers),
    ]
