"""The frozen report data: everything a renderer needs, nothing it could compute differently from another.

``reconcile.run`` builds it once; HTML, JSON, CSV, XLSX, Markdown and JUnit only show it. All amounts are integers in
the smallest unit of the currency next to them ("cents"), ``delta`` is always second side minus first side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

from mappings.accounting import RecordsAccount
from mappings.explain import Step
from mappings.phrases import Phrase, Said

SCHEMA = "1.1"

SideName = Literal["lago", "odoo", "rerate"]  # who bills: as texts, keys of the JSON
LAGO: Final = "lago"
ODOO: Final = "odoo"
RERATE: Final = "rerate"
SIDES: tuple[SideName, ...] = (LAGO, ODOO, RERATE)
Pair = tuple[SideName, SideName]  # the two that are compared
UNKNOWN: Final = "unknown"  # of a finding: nobody can tell which side is wrong
DOUBT: Final = "rerate_differs"  # cause of a finding: both sides agree, and the re-rate does not

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
SETTLEMENTS = ("credit_notes", "prepaid", "settled")  # kinds of positions that are taken off after tax: not billed


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


EvidenceValue = str | int | Decimal | Phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A fact behind a cause: ``name`` picks the sentence of ``reports.texts``, ``values`` fill it."""

    name: str
    values: Mapping[str, EvidenceValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Why a position differs. ``proven``: recomputing under this cause gave the delta to the cent.

    One of cause ``DOUBT`` is about no difference of the pair: its delta is what the re-rate says beyond the first side.
    """

    cause: str
    side: str  # lago | odoo | rerate | unknown
    delta_cents: int
    proven: bool
    evidence: tuple[Evidence, ...] = ()
    remedy: Evidence | None = None
    waiver: str | None = None  # what the waiver that covers it is called: several may be called so
    waiver_number: int | None = None  # which one it is: its place in ``ReportData.waivers``, from 1 on


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
    """How long a position has been different, over the runs that looked at it (``reports.evidence.ageing``)."""

    since: date  # day (UTC) of the run that first found it so
    runs: int  # that found it so, this one included
    days: int
    reopened: int = 0  # how often it was settled before


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """One compared thing of an invoice: a line, or a part of the header (coupons, one tax...).

    ``sides`` holds the sides that know it. ``status`` and ``delta_cents`` are about the compared pair.
    The positions of an invoice add up to its total on every side. Findings add up to the delta, but for a ``doubt``.
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
    def doubt(self) -> Finding | None:
        """Both sides of the pair agree and the re-rate does not: they may be wrong alike."""
        return next((finding for finding in self.findings if finding.cause == DOUBT), None)

    @property
    def explained_cents(self) -> int:
        """What the findings say of the difference of the pair."""
        return sum(finding.delta_cents for finding in self.findings if finding.cause != DOUBT)

    @property
    def at_stake_cents(self) -> int:
        """The difference; of what only the re-rate doubts, by how much."""
        return self.doubt.delta_cents if self.doubt else self.delta_cents

    @property
    def open(self) -> bool:
        """Still to be explained to somebody: it differs, is doubted or was not compared, and no waiver covers it."""
        if self.status == REFUSED:
            return True
        if self.doubt:
            return not self.doubt.waiver
        return self.status in OPEN and not (self.findings and all(f.waiver for f in self.findings))


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalView:
    """What a side could not give for an invoice."""

    side: str
    reason: str
    detail: Said
    waiver: str | None = None
    waiver_number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterView:
    """The header of one side as it states it, whether or not the invoice can be compared.

    ``gross`` is what was billed: net and taxes, before anything was settled.
    """

    net_cents: int
    tax_cents: int
    gross_cents: int
    credit_notes_cents: int = 0
    prepaid_cents: int = 0
    paid_cents: int = 0


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
    registers: Mapping[str, RegisterView] = field(default_factory=dict)  # by side; a side that refuses has none
    open_cents: Mapping[str, int] = field(default_factory=dict)  # what is still due today, by the side that says so

    @property
    def claim(self) -> bool:
        """Whether it is owed: not a draft, not voided. One that only Odoo has bears no state of Lago's."""
        return self.state in ("finalized", "")

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
    """A waiver as it stood on the day of the run; its place in the file is its place among the others."""

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
    pair: Pair  # ("lago", "odoo"), or ("lago", "rerate") in a control run
    lago_version: str
    odoo_version: str
    tool_version: str
    snapshot_taken_at: datetime
    compared_at: datetime
    tolerance_cents: int = 0
    materiality_cents: int = 0
    cohort: str = ""  # name of the customers that were compared; empty: everybody


@dataclass(frozen=True, slots=True, kw_only=True)
class LapseView:
    """A stretch of a subscription's life that Lago billed twice, or never: no comparison of invoices can see it.

    ``kind``: usage_billed_twice period_billed_twice usage_never_billed period_never_billed usage_came_late. ``cents``:
    what it is worth before taxes, None where the re-rate refuses to tell. ``begins``/``ends``: the stretch; ``day``:
    when it was billed the second time, or should have been billed.
    """

    kind: str
    customer: str
    customer_name: str
    subscription: str  # external id
    begins: datetime
    ends: datetime
    day: date
    currency: str
    cents: int | None
    events: int
    invoices: tuple[str, ...] = ()  # numbers of those that bill it
    waiver: str | None = None
    waiver_number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivableView:
    """What Lago is owed against Odoo's receivable accounts, of all months in one currency.

    ``lago`` is what the migration brought, ``missing`` what Lago is owed besides. In Odoo the brought balances are
    ``draft`` or ``posted`` (what is left of them); ``account`` is the trial balance of the receivable accounts, of
    which ``other`` belongs to other documents. ``paid``: what was settled in Odoo of the posted ones since. ``astray``:
    what Lago is owed in this currency of balances that are posted in another; below 0: those of another, posted here.
    """

    currency: str
    lago_cents: int
    missing_cents: int
    draft_cents: int
    posted_cents: int
    other_cents: int
    account_cents: int
    paid_cents: int = 0
    astray_cents: int = 0
    waiver: str | None = None
    waiver_number: int | None = None

    @property
    def delta_cents(self) -> int:
        """Odoo less Lago, of what was brought; what was paid in Odoo since is in it."""
        return self.draft_cents + self.posted_cents - self.lago_cents

    @property
    def ties(self) -> bool:
        """Whether the accounts hold what the brought balances and the other documents say."""
        return not self.broken_cents

    @property
    def broken_cents(self) -> int:
        """What the accounts hold beyond the posted balances, each in its own currency, and the other documents.

        An account that holds just what is astray does not tie either.
        """
        beyond = self.account_cents - self.posted_cents - self.other_cents
        return beyond - self.astray_cents or beyond


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditsView:
    """Prepaid credits in one currency that wait for records in quarantine. None: their amount cannot be read."""

    currency: str
    wallets: int
    balance_cents: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """The whole report."""

    run: RunView
    invoices: tuple[InvoiceView, ...]
    lapses: tuple[LapseView, ...] = ()
    receivables: tuple[ReceivableView, ...] = ()
    credits: tuple[CreditsView, ...] = ()  # whatever the month: a wallet has none
    waivers: tuple[WaiverView, ...] = ()
    records: tuple[RecordsAccount, ...] = ()  # of the whole company; none in a control run, which asks no Odoo
    schema: str = SCHEMA

    def rows(self) -> Iterator[tuple[InvoiceView, Position]]:
        for invoice in self.invoices:
            for position in invoice.positions:
                yield invoice, position

    def doubted(self) -> Iterator[tuple[InvoiceView, Position, Finding]]:
        """Positions on which both sides agree and the re-rate does not, with what it says."""
        for invoice, position in self.rows():
            if position.doubt:
                yield invoice, position, position.doubt
