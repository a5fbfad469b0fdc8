"""The frozen report data: everything a renderer needs, nothing it could compute differently from another.

``reconcile.run`` builds it once; HTML, JSON, CSV, XLSX, Markdown and JUnit only show it. All amounts are integers in
the smallest unit of the currency next to them ("cents"), ``delta`` is always second side minus first side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from operator import attrgetter

from mappings.explain import Step

SCHEMA = "1.0"
SIDES = ("lago", "odoo", "rerate")

EQUAL, TOLERATED, DIFFERS, ONLY_LEFT, ONLY_RIGHT, REFUSED, OUTSIDE = STATUSES = (
    "equal",
    "tolerated",  # differs by no more than the declared tolerance
    "differs",
    "only_left",
    "only_right",
    "refused",  # a side could not give it: counted as open
    "outside",  # a side does not state it by design: out of the declared scope
)
COMPARED = (EQUAL, TOLERATED, DIFFERS, ONLY_LEFT, ONLY_RIGHT)
OPEN = (DIFFERS, ONLY_LEFT, ONLY_RIGHT)


class Outcome(StrEnum):
    """The run in one word; each has its exit code (0, 3, 2)."""

    EQUAL = "equal"
    WAIVED = "waived"
    DIFFERENT = "different"


EXIT_CODES = {Outcome.EQUAL: 0, Outcome.DIFFERENT: 2, Outcome.WAIVED: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class SideView:
    """What one side billed for a position. ``lines`` counts the lines behind it (0: it bills nothing, amount 0)."""

    cents: int
    lines: int = 1
    units: Decimal | None = None
    events: int | None = None
    precise_cents: Decimal | None = None
    source: str = ""
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A fact behind a cause: ``name`` picks the sentence of ``reports.texts``, ``values`` fill it."""

    name: str
    values: Mapping[str, str | int | Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Why a position differs. ``proven``: recomputing under this cause gave the delta to the cent."""

    cause: str
    side: str  # lago | odoo | rerate | unknown
    delta_cents: int
    proven: bool
    evidence: tuple[Evidence, ...] = ()
    remedy: Evidence | None = None
    waiver: str | None = None  # name of the waiver that covers it


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """A usage event as Lago has it. ``in_odoo``: whether Odoo has it too; None where nobody asked."""

    transaction_id: str
    at: datetime
    received: datetime | None
    properties: str  # JSON
    in_odoo: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The events of a metric in the period of a position: the first ones, and how many there are."""

    metric: str
    total: int
    events: tuple[EventView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """How long a position has been different, over the runs that looked at it (``reports.ageing``)."""

    since: date  # day (UTC) of the run that first found it so
    runs: int  # that found it so, this one included
    days: int
    reopened: int = 0  # how often it was settled before


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """One compared thing of an invoice: a line, or a part of the header (coupons, one tax...).

    ``sides`` holds the sides that know it. ``status`` and ``delta_cents`` are about the compared pair.
    The positions of an invoice add up to its total on every side.
    """

    id: str  # stable over runs: permalinks, ageing
    kind: str  # line kind, or the header part: adjustment coupons tax tax_rounding credit_notes prepaid
    header: bool
    label: str
    service: str
    key: Mapping[str, str]
    status: str
    shape: str
    delta_cents: int
    verdict: str
    sides: Mapping[str, SideView]
    findings: tuple[Finding, ...] = ()
    lookalikes: tuple[str, ...] = ()  # ids of positions that may be the other half; never matched by guess
    age: Age | None = None  # of one that differs
    usage: Usage | None = None  # of one that differs and is billed by usage

    def cents(self, side: str) -> int | None:
        view = self.sides.get(side)
        return None if view is None else view.cents

    @property
    def open(self) -> bool:
        """Still to be explained to somebody: it differs, or nobody could compare it, and no waiver covers it."""
        if self.status == REFUSED:
            return True
        return self.status in OPEN and not (self.findings and all(f.waiver for f in self.findings))


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalView:
    """What a side could not give for an invoice."""

    side: str
    reason: str
    detail: str
    waiver: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceView:
    """One Lago invoice (or one that only the other side has) with all its positions."""

    id: str  # Lago's id
    number: str
    customer: str
    customer_name: str
    currency: str
    month: str
    issued_on: date
    type: str  # subscription one_off credit...
    state: str  # finalized draft voided...
    positions: tuple[Position, ...]
    refusals: tuple[RefusalView, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)

    def total(self, side: str) -> int | None:
        """Total of one side, where it knows every position it states."""
        known = [p.cents(side) for p in self.positions if p.status != OUTSIDE or side in p.sides]
        return None if any(c is None for c in known) else sum(c or 0 for c in known)

    @property
    def delta_cents(self) -> int:
        return sum(p.delta_cents for p in self.positions)

    @property
    def differs(self) -> bool:
        return any(p.status in (*OPEN, REFUSED) for p in self.positions) or bool(self.refusals)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverView:
    """A waiver as it stood on the day of the run."""

    rule: str
    reason: str
    author: str
    approver: str
    expires: date
    expired: bool
    used: int  # findings it covered


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """Under which conditions the comparison was made; all of it is declared before the run."""

    period: str
    organization: str
    pair: tuple[str, str]  # ("lago", "odoo"), or ("lago", "rerate") in a control run
    lago_version: str
    odoo_version: str
    tool_version: str
    snapshot_taken_at: datetime
    compared_at: datetime
    tolerance_cents: int = 0
    materiality_cents: int = 0
    cohort: str = ""  # name of the customers that were compared; empty: everybody


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """The whole report."""

    run: RunView
    invoices: tuple[InvoiceView, ...]
    waivers: tuple[WaiverView, ...] = ()
    schema: str = SCHEMA

    def rows(self) -> Iterator[tuple[InvoiceView, Position]]:
        for invoice in self.invoices:
            for position in invoice.positions:
                yield invoice, position

    @property
    def outcome(self) -> Outcome:
        refused = any(not r.waiver for i in self.invoices for r in i.refusals)
        if refused or any(p.open and p.status != REFUSED for _, p in self.rows()):
            return Outcome.DIFFERENT
        waived = any(p.status in (*OPEN, REFUSED) for _, p in self.rows()) or any(i.refusals for i in self.invoices)
        return Outcome.WAIVED if waived else Outcome.EQUAL

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Positions and amounts of a set of rows in one currency. Sums of tallies are tallies of the union."""

    currency: str
    equal: int = 0
    tolerated: int = 0
    differs: int = 0
    only_left: int = 0
    only_right: int = 0
    refused: int = 0
    outside: int = 0
    left_cents: int = 0  # of what was compared
    right_cents: int = 0
    delta_cents: int = 0
    explained_cents: int = 0  # sum of the findings
    apart_cents: int = 0  # first side's amount of what could not be compared

    @property
    def positions(self) -> int:
        return sum(getattr(self, status) for status in STATUSES)

    @staticmethod
    def total(currency: str, parts: Sequence[Tally]) -> Tally:
        """The tally of all ``parts``, which are of this currency."""
        if len(parts) == 1:
            return parts[0]
        sums = map(sum, zip(*map(_numbers, parts), strict=True))
        return Tally(currency=currency, **dict(zip(_NUMBERS, sums, strict=True)))


_NUMBERS = tuple(f.name for f in fields(Tally) if f.name != "currency")
_numbers = attrgetter(*_NUMBERS)


def tally(position: Position, currency: str, pair: tuple[str, str]) -> Tally:
    """The tally of one position."""
    left, right = (position.cents(side) or 0 for side in pair)
    if position.status not in COMPARED:
        return Tally(currency=currency, apart_cents=left, **{position.status: 1})
    return Tally(
        currency=currency,
        left_cents=left,
        right_cents=right,
        delta_cents=position.delta_cents,
        explained_cents=sum(f.delta_cents for f in position.findings),
        **{position.status: 1},
    )


Group = Callable[[InvoiceView, Position], str]

LEVELS: tuple[tuple[str, Group], ...] = (
    ("line", lambda i, p: p.id),
    ("invoice", lambda i, p: i.id),
    ("customer", lambda i, p: i.customer),
    ("service", lambda i, p: p.service),
    ("month", lambda i, p: i.month),
    ("all", lambda i, p: ""),
)


def tallies(data: ReportData, group: Group) -> dict[tuple[str, str], Tally]:
    """(group, currency) -> tally."""
    grouped: dict[tuple[str, str], list[Tally]] = defaultdict(list)
    for invoice, position in data.rows():
        grouped[group(invoice, position), invoice.currency].append(tally(position, invoice.currency, data.run.pair))
    return {key: Tally.total(key[1], parts) for key, parts in grouped.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """A level of the report in one currency: its groups and what they add up to."""

    level: str
    groups: int
    sum: Tally


def ties(data: ReportData) -> tuple[Tie, ...]:
    """Every level added up on its own, from lines to all. ``check_ties`` asserts that they agree."""
    found = []
    for level, group in LEVELS:
        by_currency: dict[str, list[Tally]] = defaultdict(list)
        for (_, currency), one in tallies(data, group).items():
            by_currency[currency].append(one)
        for currency, parts in sorted(by_currency.items()):
            found.append(Tie(level=level, groups=len(parts), sum=Tally.total(currency, parts)))
    return tuple(found)


class TieOutBroken(AssertionError):
    """The report contradicts itself: a bug of this program, never a finding about the data."""


def check_ties(data: ReportData) -> tuple[Tie, ...]:
    """Assert that every level adds up to the same, that deltas are differences and that causes add up to them."""
    found = ties(data)
    everything = {t.sum.currency: t.sum for t in found if t.level == "all"}
    for tie in found:
        if tie.sum != everything[tie.sum.currency]:
            raise TieOutBroken(f"{tie.level} adds up to {tie.sum}, all to {everything[tie.sum.currency]}")
        if tie.sum.right_cents - tie.sum.left_cents != tie.sum.delta_cents:
            raise TieOutBroken(f"{tie.level}: delta is not the difference of the sides in {tie.sum}")
    for invoice, position in data.rows():
        explained = sum(f.delta_cents for f in position.findings)
        if position.status in COMPARED and explained != position.delta_cents:
            raise TieOutBroken(
                f"{invoice.number} {position.label}: causes add up to {explained}, not {position.delta_cents}"
            )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseTotal:
    """A cause in one currency. ``gross_cents`` adds absolute values, so that opposite signs do not hide each other."""

    cause: str
    side: str
    currency: str
    count: int
    delta_cents: int
    gross_cents: int
    waived: int
    proven: bool


def cause_totals(data: ReportData) -> tuple[CauseTotal, ...]:
    """Causes by side and currency, the largest first."""
    grouped: dict[tuple[str, str, str], list[Finding]] = defaultdict(list)
    for invoice, position in data.rows():
        for finding in position.findings:
            grouped[finding.cause, finding.side, invoice.currency].append(finding)
    totals = [_cause_total(key, found) for key, found in grouped.items()]
    return tuple(sorted(totals, key=lambda t: (-t.gross_cents, t.cause, t.side, t.currency)))


def _cause_total(key: tuple[str, str, str], found: list[Finding]) -> CauseTotal:
    return CauseTotal(
        cause=key[0],
        side=key[1],
        currency=key[2],
        count=len(found),
        delta_cents=sum(f.delta_cents for f in found),
        gross_cents=sum(abs(f.delta_cents) for f in found),
        waived=sum(1 for f in found if f.waiver),
        proven=all(f.proven for f in found),
    )


def count(values: Iterable[str]) -> dict[str, int]:
    """How often each value occurs, by name."""
    counts: dict[str, int] = defaultdict(int)
    for value in values:
        counts[value] += 1
    return dict(sorted(counts.items()))
