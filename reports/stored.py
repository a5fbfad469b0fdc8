"""The report data back from its JSON, so that a report can be written again without reconciling again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from mappings.explain import Step
from mappings.phrases import Phrase, Told
from reports.data import SCHEMA, SIDES, Evidence, RefusalView, ReportData, SideName
from reports.errors import ReportError
from reports.paths import whole_file
from reports.step_labels import step_of


class StoredReportError(ReportError):
    """The file is missing, damaged, or of another version; ``str()`` is one line."""


def run_name(period: str, cohort: str | None = None, *, control: bool = False) -> str:
    """Name of a run's files: ``2026-07``, ``2026-07.nexacloud``, ``all.control``; one kind never overwrites another."""
    return ".".join([period, *([cohort] if cohort else []), *(["control"] if control else [])])


def require_own_month(data: ReportData, path: Path) -> None:
    """Raise StoredReportError for a report under another month's name: its page would bear that one's name too."""
    named, period = path.stem.partition(".")[0], data.run.period
    if named != period:
        raise StoredReportError(f"{path}: is a report of {period} under the name of {named}: take that file away")


def latest(folder: Path) -> Path:
    """The report that was reconciled last."""
    reports = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
    if not reports:
        raise StoredReportError(f"{folder}: nothing is reconciled yet; run 'lago2odoo reconcile --period MONTH' first")
    return reports[-1]


def read(path: Path) -> ReportData:
    """The frozen data that ``reports.json.write`` wrote to ``path``."""
    try:
        content = whole_file(path)
    except FileNotFoundError:
        raise StoredReportError(f"{path}: no such file; run 'lago2odoo reconcile' first") from None
    except OSError as error:
        raise StoredReportError(f"{path}: not a report: {error.strerror}") from None
    return parse(content, path)


def parse(content: bytes, path: Path) -> ReportData:
    """The data of a report's JSON; ``path`` is named where it is none."""
    try:
        raw = json.loads(content)
    except ValueError as error:
        raise StoredReportError(f"{path}: not a report: {error}") from None
    if not isinstance(raw, Mapping) or raw.get("schema") != SCHEMA:
        raise StoredReportError(f"{path}: not a report of version {SCHEMA}; run 'lago2odoo reconcile' again")
    try:
        return _record(ReportData, raw)
    except (LookupError, TypeError, AttributeError, ArithmeticError, ValueError) as error:
        raise StoredReportError(f"{path}: damaged ({error!r}); run 'lago2odoo reconcile' again") from None


T = TypeVar("T")
Raw = Mapping[str, Any]  # of a record, as JSON has it
_EMPTY: Mapping[Any, Any] = {str: "", int: 0, tuple: (), Mapping: {}}


def _record(cls: type[T], raw: Raw) -> T:
    """A record out of its JSON; parts that were left out are empty."""
    hints = get_type_hints(cls)
    given = {name: _value(hint, raw[name]) for name, hint in hints.items() if name in raw}
    empty = {name: _empty(hint) for name, hint in hints.items() if name not in raw and _needs(cls, name)}
    return cls(**given, **empty)


def _empty(hint: object) -> object:
    """What a part of this type was that an empty one leaves out; a detail is text, or words of ours."""
    if get_origin(hint) is UnionType:
        return "" if str in get_args(hint) else None
    return _EMPTY[get_origin(hint) or hint]


def _needs(cls: Any, name: str) -> bool:
    item = next(f for f in fields(cls) if f.name == name)
    return item.default is MISSING and item.default_factory is MISSING


def _value(hint: Any, raw: Any) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if hint in _OWN_FORM:
        return _OWN_FORM[hint](raw)
    if isinstance(hint, type) and is_dataclass(hint):
        return _record(hint, raw)
    if origin is tuple:
        return tuple(_value(inner[0], item) for item in raw)
    if origin is Mapping:
        return {key: _value(inner[1], item) for key, item in raw.items()}
    if origin is UnionType:
        return _one_of(inner, raw)
    return _SCALARS[hint](raw)


def _evidence(raw: Raw) -> Evidence:
    """With the words of ours among its values as such."""
    evidence = _record(Evidence, raw)
    return replace(evidence, values={**evidence.values, **_words(raw)})


def _refusal(raw: Raw) -> RefusalView:
    """A report of before has its detail as text alone, which it stays."""
    view, words = _record(RefusalView, raw), _words(raw)
    return replace(view, detail=words.get("detail", view.detail))


def _words(raw: Raw) -> dict[str, Phrase]:
    return {name: _phrase(word) for name, word in raw.get("words", {}).items()}


def _phrase(raw: Raw) -> Phrase:
    values = (_phrase(value) if isinstance(value, Mapping) else str(value) for value in raw.get("values", ()))
    return Phrase(Told(raw["kind"]), tuple(values))


def _step(raw: Mapping[str, str]) -> Step:
    numbers = {name: Decimal(text) for name, text in raw.items() if name != "label"}
    return replace(
        step_of(raw.get("label", "")),
        units=numbers.get("units"),
        unit_price=numbers.get("unit_price"),
        flat=numbers.get("flat"),
        amount=numbers.get("amount"),
    )


def _one_of(kinds: tuple[Any, ...], raw: Any) -> Any:
    """``X | None``, or a value of evidence: a whole number, or text (an exact decimal was written as text)."""
    if raw is None or (isinstance(raw, int) and int in kinds):
        return raw
    if str in kinds:
        return Decimal(raw) if Decimal in kinds and _DECIMAL.fullmatch(raw) else str(raw)
    return _value(next(kind for kind in kinds if kind is not type(None)), raw)


_DECIMAL = re.compile(r"-?\d+\.\d+")
_SCALARS: Mapping[Any, Callable[[Any], Any]] = {
    str: str,
    int: int,
    bool: bool,
    Decimal: Decimal,
    date: date.fromisoformat,
    datetime: datetime.fromisoformat,
    SideName: lambda name: SIDES[SIDES.index(name)],
}
_OWN_FORM: Mapping[object, Callable[[Raw], object]] = {Step: _step, Evidence: _evidence, RefusalView: _refusal}
