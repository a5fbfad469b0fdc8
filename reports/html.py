"""One offline HTML file: no network, a strict content policy, and a first screen that needs no JavaScript."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mappings.money import exponent
from reports import charts
from reports.ageing import BUCKETS, OLDEST, buckets
from reports.data import OPEN, REFUSED, SIDES, STATUSES, Finding, InvoiceView, Position, ReportData, SideView, Tie, ties
from reports.summary import (
    age_sentence,
    biggest,
    glance,
    heading,
    position_name,
    refusal_counts,
    remarks,
    totals,
    verdict,
    what_to_do,
)
from reports.texts import Texts

PLAIN_LIMIT = 200_000  # characters of data up to which the page carries it readable
STEPS_LIMIT = 5_000  # positions up to which the steps of equal ones come along too


def write(data: ReportData, path: Path, locale: str = "en_CA") -> None:
    """Write the report to ``path`` (UTF-8)."""
    path.write_text(render(data, locale), encoding="utf-8")


def render(data: ReportData, locale: str = "en_CA") -> str:
    """The whole page."""
    texts = Texts(locale)
    css, script = _asset("report.css"), _asset("report.js")
    encoding, text = embed(payload(data, texts))
    left, right = (texts.named("side", side) for side in data.run.pair)
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
            left=left,
            right=right,
            sentence=verdict(data, texts),
            remarks=remarks(data, texts),
            totals=totals(data),
            causes=what_to_do(data, texts),
            cause_charts=charts.causes(data, texts),
            trend_charts=charts.trend(data, texts),
            biggest=biggest(data),
            glance=glance(data, texts),
            ages=buckets(data),
            refusals=refusal_counts(data),
            ties=ties(data),
            tie_columns=_tie_columns(ties(data), data, texts),
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


# --- data for the script -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Strings:
    """Texts that occur often, by number."""

    numbers: dict[str, int] = field(default_factory=dict)

    def __call__(self, text: str) -> int:
        return self.numbers.setdefault(text, len(self.numbers))


def payload(data: ReportData, texts: Texts) -> dict[str, Any]:
    """Everything the page's script shows, in columns: amounts in cents, exact decimals as text, texts by number."""
    strings = _Strings()
    rows = list(data.rows())
    people = {i.customer: i.customer_name for i in data.invoices}
    customers = {customer: n for n, customer in enumerate(sorted(people, key=lambda c: (people[c].casefold(), c)))}
    numbers = {i.id: n for n, i in enumerate(data.invoices)}
    sides = [side for side in SIDES if side in data.run.pair or any(side in p.sides for _, p in rows)]
    trimmed = len(rows) > STEPS_LIMIT
    return {
        "locale": texts.tag,
        "pair": data.run.pair,
        "sides": sides,
        "materiality": data.run.materiality_cents,
        "trimmed": trimmed,
        "digits": {currency: exponent(currency) for currency in sorted({i.currency for i in data.invoices})},
        "compared": data.run.compared_at.date().isoformat(),
        "ages": [[name, most] for most, name in BUCKETS] + [[OLDEST, None]],
        "texts": texts.catalog(),
        "customers": [[customer, people[customer]] for customer in customers],
        "invoices": _invoices(data, customers),
        "positions": _positions(rows, numbers, texts, strings),
        "details": {n: d for n, (_, p) in enumerate(rows) if (d := _details(p, trimmed, texts, strings))},
        "strings": list(strings.numbers),
    }


def _invoices(data: ReportData, customers: Mapping[str, int]) -> dict[str, list[Any]]:
    each = data.invoices
    return {
        "id": [i.id for i in each],
        "number": [i.number for i in each],
        "customer": [customers[i.customer] for i in each],
        "currency": [i.currency for i in each],
        "day": [i.issued_on.isoformat() for i in each],
        "type": [i.type for i in each],
        "state": [i.state for i in each],
        "refusals": [[[r.side, r.reason, r.detail, r.waiver] for r in i.refusals] for i in each],
    }


def _positions(
    rows: list[tuple[InvoiceView, Position]], numbers: Mapping[str, int], texts: Texts, strings: _Strings
) -> dict[str, list[Any]]:
    each = [p for _, p in rows]
    return {
        "invoice": [numbers[i.id] for i, _ in rows],
        "id": [p.id for p in each],
        "kind": [strings(p.kind) for p in each],
        "header": [int(p.header) for p in each],
        "label": [strings(p.label) for p in each],
        "service": [strings(p.service) for p in each],
        "status": [p.status for p in each],
        "delta": [p.delta_cents for p in each],
        "verdict": [p.verdict for p in each],
        "age": [p.age and p.age.days for p in each],
        "findings": [[_finding(f, i.currency, texts, strings) for f in p.findings] for i, p in rows],
        **{side: [p.cents(side) for p in each] for side in SIDES},
    }


def _finding(finding: Finding, currency: str, texts: Texts, strings: _Strings) -> list[Any]:
    return [
        finding.cause,
        finding.side,
        finding.delta_cents,
        int(finding.proven),
        [strings(texts.evidence("evidence", e, currency)) for e in finding.evidence],
        strings(texts.evidence("remedy", finding.remedy, currency)) if finding.remedy else None,
        finding.waiver,
    ]


def _details(position: Position, trimmed: bool, texts: Texts, strings: _Strings) -> dict[str, Any]:
    """What is shown only when a position is opened; left out for equal ones of a large report."""
    if trimmed and position.status not in (*OPEN, REFUSED):
        return {}
    details: dict[str, Any] = {
        side: _side(view, strings) for side, view in position.sides.items() if not position.header
    }
    details["key"] = dict(position.key)
    if position.age:
        details["age"] = strings(age_sentence(position, texts))
    if position.lookalikes:
        details["looks"] = list(position.lookalikes)
    return details


def _side(view: SideView, strings: _Strings) -> dict[str, Any]:
    shown: dict[str, Any] = {"lines": view.lines}
    if view.units is not None:
        shown["units"] = f"{view.units:f}"
    if view.events is not None:
        shown["events"] = view.events
    if view.source:
        shown["source"] = view.source
    if view.steps:
        shown["steps"] = [
            [strings(s.label), *(None if n is None else f"{n:f}" for n in (s.units, s.unit_price, s.flat, s.amount))]
            for s in view.steps
        ]
    return shown
