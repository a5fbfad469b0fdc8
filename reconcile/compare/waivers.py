"""Differences that someone looked at and accepts for a while: a reviewed TOML file.

    [[waiver]]
    rule = "tax_rounding"            # a cause, or "refused:<reason>"
    customer = "NX-1042"             # optional: only this customer (external id)
    max_cents = 5                    # optional: only differences up to this size
    reason = "Odoo rounds per line until the company setting is changed in September"
    author = "ana@example.com"
    approver = "bo@example.com"      # somebody else
    expires = 2026-09-30             # the last day it holds; after it, the difference counts again

A waived difference never becomes a match: it is counted apart, and the run ends with 3 instead of 2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

from mappings.reasons import spell
from mappings.text import composed
from mappings.toml import NotTomlError, read_toml
from mappings.toml_lines import TomlLines
from migrate.errors import ConfigError
from reports.data import Finding, InvoiceView, LapseView, Position, ReceivableView, RefusalView, ReportData, WaiverView
from reports.people import same_person
from reports.verdict import untied

REFUSED = "refused:"
UNTIED = "receivables_untied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """One ``[[waiver]]`` of the file, as it is written there."""

    rule: str
    reason: str
    author: str
    approver: str
    expires: date
    customer: str | None = None
    max_cents: int | None = None

    def holds(self, today: date) -> bool:
        return today <= self.expires

    def covers(self, rule: str, customer: str, cents: int) -> bool:
        return (
            spell(self.rule) == rule
            and (self.customer is None or composed(self.customer) == composed(customer))
            and (self.max_cents is None or abs(cents) <= self.max_cents)
        )

    @property
    def identity(self) -> tuple[object, ...]:
        """Of two with the same nobody could tell which one was meant."""
        return composed(self.customer or ""), spell(self.rule), self.max_cents, self.expires

    @property
    def name(self) -> str:
        return self.rule + (f" ({self.customer})" if self.customer else "")


_TYPES: Mapping[str, tuple[type, str]] = {
    "rule": (str, "text in quotes"),
    "reason": (str, "text in quotes"),
    "author": (str, "text in quotes"),
    "approver": (str, "text in quotes"),
    "expires": (date, "a date like 2026-09-30"),
    "customer": (str, "text in quotes"),
    "max_cents": (int, "a whole number"),
}
_OPTIONAL = {"customer", "max_cents"}


def parse(text: str, name: str, rules: Iterable[str]) -> tuple[Waiver, ...]:
    """Check the text of a waiver file called ``name``; ``rules`` are the known causes.

    Raises ConfigError, with file and line, for anything that is wrong.
    """
    try:
        raw = read_toml(text)
    except NotTomlError as error:
        raise ConfigError(f"{name}: not valid TOML: {error}") from error
    lines = TomlLines(text)
    unknown = sorted(set(raw) - {"waiver"})
    if unknown:
        raise ConfigError(f"{name}:{lines.of(unknown[0])}: unknown table {unknown[0]!r}; only [[waiver]] is known")
    items = raw.get("waiver", [])
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ConfigError(f"{name}:{lines.of('waiver')}: write each waiver as a [[waiver]] table")
    known = set(rules)
    waivers: dict[tuple[object, ...], Waiver] = {}
    for number, item in enumerate(items, 1):
        place = _WaiverPlace(name, lines, number)
        waiver = _waiver(item, place, known)
        if waiver.identity in waivers:
            raise place.error("rule", f"a second waiver of {waiver.name} until {waiver.expires}: take one of them out")
        waivers[waiver.identity] = waiver
    return tuple(waivers.values())


@dataclass(frozen=True, slots=True)
class _WaiverPlace:
    """Where a waiver stands: the ``number``-th ``[[waiver]]`` of the file."""

    file: str
    lines: TomlLines
    number: int  # from 1

    def error(self, key: str, problem: str) -> ConfigError:
        return ConfigError(f"{self.file}:{self.lines.of(f'waiver.{key}', self.number)}: {problem}")


def _waiver(item: Mapping[str, Any], place: _WaiverPlace, rules: set[str]) -> Waiver:  # Any: TOML, checked key by key
    for key, value in item.items():
        if key not in _TYPES:
            raise place.error(key, f"unknown key {key!r}; known: {', '.join(_TYPES)}")
        kind, kind_name = _TYPES[key]
        if type(value) is not kind or (isinstance(value, str) and not value.strip()):
            raise place.error(key, f"{key} must be {kind_name}, not {value!r}")
        if isinstance(value, int) and value < 0:
            raise place.error(key, f"{key} must be 0 or more, not {value}: a difference is measured without its sign")
    missing = [f.name for f in fields(Waiver) if f.name not in item and f.name not in _OPTIONAL]
    if missing:
        raise place.error("", f"this waiver has no {missing[0]}")
    if same_person(item["approver"], item["author"]):
        raise place.error("approver", "the approver must be somebody else than the author")
    if spell(item["rule"]) not in rules and not item["rule"].startswith(REFUSED):
        raise place.error("rule", f"unknown rule {item['rule']!r}; known: {', '.join(sorted(rules))}, refused:<reason>")
    return Waiver(**item)


@dataclass(frozen=True, slots=True)
class Numbered:
    """A waiver and its place in the file, from 1 on: what tells it from another of the same name."""

    number: int
    waiver: Waiver


def apply(data: ReportData, waivers: Iterable[Waiver], today: date) -> ReportData:
    """Mark what is waived. Expired waivers are listed as such and cover nothing."""
    all_of_them = tuple(Numbered(number, waiver) for number, waiver in enumerate(waivers, 1))
    valid = tuple(numbered for numbered in all_of_them if numbered.waiver.holds(today))
    invoices = tuple(_waived_invoice(invoice, valid) for invoice in data.invoices)
    lapses = tuple(_waived_lapse(lapse, valid) for lapse in data.lapses)
    receivables = tuple(_waived_receivables(data, valid))
    used = Counter(_numbers(invoices, lapses, receivables))
    views = tuple(_view(numbered.waiver, today, used[numbered.number]) for numbered in all_of_them)
    return replace(data, invoices=invoices, lapses=lapses, receivables=receivables, waivers=views)


def unused(waivers: Iterable[Waiver], data: ReportData, customers: Collection[str], today: date) -> Iterator[str]:
    """Waivers that covered nothing, and why that may be. ``customers``: external ids of all that Lago shows.

    ``data``: the report to which these waivers, in this order, were applied.
    """
    known = {composed(customer) for customer in customers}
    used = {number for number, view in enumerate(data.waivers, 1) if view.used}
    each = tuple(waivers)
    names = Counter(waiver.name for waiver in each)
    for number, waiver in enumerate(each, 1):
        if number in used and waiver.holds(today):
            continue
        why = "covers nothing here"
        if not waiver.holds(today):
            why = f"expired after {waiver.expires}, and covers nothing any more"
        elif waiver.customer is not None and composed(waiver.customer) not in known:
            why = "covers nothing: Lago shows no customer of that external id"
        which = f", number {number} in the file," if names[waiver.name] > 1 else ""
        yield f"waiver {waiver.name}{which} {why}"


def _covering(valid: Iterable[Numbered], rule: str, customer: str, cents: int) -> tuple[str | None, int | None]:
    """The first waiver of the file that covers it: its name and number."""
    covering = ((one.waiver.name, one.number) for one in valid if one.waiver.covers(rule, customer, cents))
    return next(covering, (None, None))


def _waived_lapse(lapse: LapseView, valid: tuple[Numbered, ...]) -> LapseView:
    name, number = _covering(valid, lapse.kind, lapse.customer, lapse.cents or 0)
    return replace(lapse, waiver=name, waiver_number=number)


def _waived_receivables(data: ReportData, valid: tuple[Numbered, ...]) -> Iterator[ReceivableView]:
    """Those that do not tie are waived as a whole: they are of no customer."""
    differing = untied(data)
    for view in data.receivables:
        name, number = _covering(valid, UNTIED, "", view.broken_cents) if view in differing else (None, None)
        yield replace(view, waiver=name, waiver_number=number)


def _waived_invoice(invoice: InvoiceView, valid: tuple[Numbered, ...]) -> InvoiceView:
    positions = tuple(_waived_position(p, invoice.customer, valid) for p in invoice.positions)
    refusals = tuple(_waived_refusal(r, invoice.customer, valid) for r in invoice.refusals)
    return replace(invoice, positions=positions, refusals=refusals)


def _waived_position(position: Position, customer: str, valid: tuple[Numbered, ...]) -> Position:
    findings = tuple(_waived_finding(f, customer, valid) for f in position.findings)
    return replace(position, findings=findings)


def _waived_finding(finding: Finding, customer: str, valid: tuple[Numbered, ...]) -> Finding:
    name, number = _covering(valid, finding.cause, customer, finding.delta_cents)
    return replace(finding, waiver=name, waiver_number=number)


def _waived_refusal(refusal: RefusalView, customer: str, valid: tuple[Numbered, ...]) -> RefusalView:
    name, number = _covering(valid, REFUSED + refusal.reason, customer, 0)
    return replace(refusal, waiver=name, waiver_number=number)


def _numbers(
    invoices: tuple[InvoiceView, ...], lapses: tuple[LapseView, ...], receivables: tuple[ReceivableView, ...]
) -> Iterator[int | None]:
    yield from (f.waiver_number for i in invoices for p in i.positions for f in p.findings)
    yield from (r.waiver_number for i in invoices for r in i.refusals)
    yield from (lapse.waiver_number for lapse in lapses)
    yield from (view.waiver_number for view in receivables)


def _view(waiver: Waiver, today: date, used: int) -> WaiverView:
    return WaiverView(
        rule=waiver.name,
        reason=waiver.reason,
        author=waiver.author,
        approver=waiver.approver,
        expires=waiver.expires,
        expired=not waiver.holds(today),
        used=used,
    )
