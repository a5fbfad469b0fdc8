"""JSON beside the report: the frozen data, tallies and ties, in a versioned schema (``report.schema.json``).

Amounts are integers in the currency's smallest unit; exact decimals are strings. Empty parts are left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from importlib.resources import files
from pathlib import Path
from typing import Any

from mappings.explain import Step
from mappings.phrases import Phrase
from reports.data import Evidence, LapseView, ReceivableView, RefusalView, ReportData
from reports.evidence.ageing import buckets
from reports.registers import Register, by_currency, by_month
from reports.step_labels import label_of
from reports.tallies import tie_levels, total_causes, total_doubts
from reports.verdict import judge

Document = dict[str, Any]


def schema() -> Document:
    """The published JSON Schema of this version."""
    text = files("reports").joinpath("report.schema.json").read_text(encoding="utf-8")
    loaded: Document = json.loads(text)
    return loaded


def document(data: ReportData) -> Document:
    """The whole report as plain JSON values."""
    judged = judge(data)
    return {
        "schema": data.schema,
        "outcome": judged.outcome.value,
        "state": judged.state.value,
        "exit_code": judged.exit_code,
        "run": plain(data.run),
        "totals": totals(data),
        "registers": [_register(r) for r in by_month(data)],
        "ties": [
            {"level": t.level, "groups": t.groups, "positions": t.sum.positions, **plain(t.sum, keep=True)}
            for t in tie_levels(data)
        ],
        "causes": [plain(c, keep=True) for c in total_causes(data)],
        **({"doubts": [plain(d, keep=True) for d in doubts]} if (doubts := total_doubts(data)) else {}),
        "ages": [plain(b, keep=True) for b in buckets(data)],
        "waivers": [plain(w, keep=True) for w in data.waivers],
        **({"lapses": [_lapse(lapse) for lapse in data.lapses]} if data.lapses else {}),
        **({"receivables": [_receivable(view) for view in data.receivables]} if data.receivables else {}),
        **({"credits": [plain(c, keep=True) for c in data.credits]} if data.credits else {}),
        **({"records": [plain(r, keep=True) for r in data.records]} if data.records else {}),
        "invoices": [{**plain(i), "delta_cents": i.delta_cents} for i in data.invoices],
    }


def totals(data: ReportData) -> list[Document]:
    """What both sides billed, by currency."""
    return [_register(register) for register in by_currency(data)]


def _register(register: Register) -> Document:
    return {**plain(register, keep=True), "delta_cents": register.delta_cents}


def plain(value: Any, *, keep: bool = False) -> Any:
    """A frozen record as JSON values, exactly. Without ``keep``, empty fields are left out."""
    if isinstance(value, Step):
        return _step(value)
    if isinstance(value, Evidence | RefusalView):
        return _evidence(value) if isinstance(value, Evidence) else _refusal(value)
    if is_dataclass(value) and not isinstance(value, type):
        pairs = ((f.name, plain(getattr(value, f.name), keep=keep)) for f in fields(value))
        return {name: item for name, item in pairs if keep or item not in (None, "", [], {})}
    if isinstance(value, Mapping):
        return {str(key): plain(item, keep=keep) for key, item in value.items()}
    if isinstance(value, tuple | list | frozenset):
        return [plain(item, keep=keep) for item in value]
    return _scalar(value)


def _evidence(evidence: Evidence) -> Document:
    """Its values as text and numbers; which of them are words of ours, that each language says its own way, beside."""
    phrases = {key: value for key, value in evidence.values.items() if isinstance(value, Phrase)}
    told = {"name": evidence.name, "values": plain({**evidence.values, **{k: str(v) for k, v in phrases.items()}})}
    return {**{name: value for name, value in told.items() if value}, **_words(phrases)}


def _refusal(view: RefusalView) -> Document:
    """Its detail as text; where that is words of ours, which ones, beside."""
    written = {f.name: getattr(view, f.name) for f in fields(view)}
    told = {name: value for name, value in {**written, "detail": str(view.detail)}.items() if value not in (None, "")}
    return {**told, **_words({"detail": view.detail} if isinstance(view.detail, Phrase) else {})}


def _words(phrases: Mapping[str, Phrase]) -> Document:
    return {"words": {name: _phrase(phrase) for name, phrase in phrases.items()}} if phrases else {}


def _phrase(phrase: Phrase) -> Document:
    values = [_phrase(value) if isinstance(value, Phrase) else value for value in phrase.values]
    return {"kind": phrase.kind.value, **({"values": values} if values else {})}


def _receivable(view: ReceivableView) -> Document:
    """Every amount, also one of nothing; a waiver where there is one."""
    return {name: value for name, value in plain(view, keep=True).items() if value is not None}


def _lapse(lapse: LapseView) -> Document:
    """With all its fields, but for which waiver covers it where none does."""
    told: Document = plain(lapse, keep=True)
    return told if lapse.waiver_number else {name: v for name, v in told.items() if name != "waiver_number"}


def _step(step: Step) -> dict[str, str]:
    """The schema has one text for what a step is: the notation of its kind and values."""
    numbers = {"units": step.units, "unit_price": step.unit_price, "flat": step.flat, "amount": step.amount}
    label = label_of(step)
    return {**({"label": label} if label else {}), **{name: f"{n:f}" for name, n in numbers.items() if n is not None}}


def _scalar(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def write(data: ReportData, path: Path) -> None:
    """Write the report's JSON to ``path`` (UTF-8)."""
    path.write_text(json.dumps(document(data), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
