"""The two sides' registers: what each side's own invoice headers add up to, by month and currency.

Nothing here comes from lines: a header counts whether or not its invoice can be compared. What Lago billed is
compared + not compared + outside the scope, by whole invoices and in money; drafts and voided invoices are no claims,
and are told apart. What was settled since (credit notes, credits, payments) is a block of its own beside the open
balances, on both sides where Odoo has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from reports.data import COMPARED, OUTSIDE, SETTLEMENTS, InvoiceView, RegisterView, ReportData
from reports.tallies import TieOutBroken
from reports.verdict import is_refused


class Part(StrEnum):
    """How far an invoice was compared, as a whole."""

    COMPARED = "compared"
    APART = "not_compared"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True, kw_only=True)
class SideSums:
    """Headers of one side. ``gross`` (net + taxes, before anything was settled) is in three parts.

    ``alone``: of what was compared, the invoices that this side bills and the other does not.
    """

    invoices: int
    net_cents: int
    tax_cents: int
    gross_cents: int
    compared_cents: int
    not_compared_cents: int
    outside_cents: int
    alone: int
    alone_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of the first side's claims, and the tie of what is left to the second side's open balances."""

    credit_notes_cents: int
    prepaid_cents: int
    total_cents: int  # billed less the two: the total that the first side states
    paid_cents: int
    open_cents: int  # still due on the first side
    tied: int  # invoices whose open balance the second side states too
    tied_left_cents: int
    tied_right_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One month (empty: all of them) in one currency. Counts and shares are of the first side's claims."""

    month: str
    currency: str
    left: SideSums
    right: SideSums
    compared: int
    not_compared: int
    outside: int
    unclaimed: int  # drafts and voided invoices, which are in none of the sums
    unclaimed_cents: int
    settled: Settled

    @property
    def delta_cents(self) -> int:
        """Of the invoices that were compared."""
        return self.right.compared_cents - self.left.compared_cents

    @property
    def whole(self) -> bool:
        """Whether everything that the first side billed was compared."""
        return not (self.not_compared or self.outside)


def by_month(data: ReportData) -> tuple[Register, ...]:
    """One register per month and currency."""
    return _registers(data, lambda invoice: invoice.month)


def by_currency(data: ReportData) -> tuple[Register, ...]:
    """One register per currency, over all months."""
    return _registers(data, lambda invoice: "")


def part_of(invoice: InvoiceView, pair: tuple[str, str]) -> Part:
    """Compared is only what was compared in full; settlements are none of the invoice's amounts."""
    billed = [p.status for p in invoice.positions if p.kind not in SETTLEMENTS]
    refused = any(refusal.side in pair for refusal in invoice.refusals)
    if refused or (not invoice.refusals and is_refused(invoice)):
        return Part.APART
    if any(name.startswith("outside_") for name in invoice.notes) or (billed and set(billed) == {OUTSIDE}):
        return Part.OUTSIDE
    return Part.COMPARED if set(billed) <= set(COMPARED) else Part.APART


def _registers(data: ReportData, month_of: Callable[[InvoiceView], str]) -> tuple[Register, ...]:
    groups: dict[tuple[str, str], list[InvoiceView]] = {}
    for invoice in data.invoices:
        groups.setdefault((month_of(invoice), invoice.currency), []).append(invoice)
    return tuple(_register(month, currency, groups[month, currency], data) for month, currency in sorted(groups))


def _register(month: str, currency: str, invoices: list[InvoiceView], data: ReportData) -> Register:
    pair = data.run.pair
    claims = [(i, part_of(i, pair)) for i in invoices if i.claim]
    unclaimed = [i for i in invoices if not i.claim]
    parts = [part for i, part in claims if pair[0] in i.registers]
    return Register(
        month=month,
        currency=currency,
        left=_side(claims, pair[0], pair[1]),
        right=_side(claims, pair[1], pair[0]),
        compared=parts.count(Part.COMPARED),
        not_compared=parts.count(Part.APART),
        outside=parts.count(Part.OUTSIDE),
        unclaimed=len(unclaimed),
        unclaimed_cents=sum(r.gross_cents for r in _headers(unclaimed, pair[0])),
        settled=_settled([i for i, _ in claims], pair),
    )


def _headers(invoices: Iterable[InvoiceView], side: str) -> list[RegisterView]:
    return [i.registers[side] for i in invoices if side in i.registers]


def _side(claims: list[tuple[InvoiceView, Part]], side: str, other: str) -> SideSums:
    stated = [(i, part, i.registers[side]) for i, part in claims if side in i.registers]
    cents = {part: sum(r.gross_cents for _, its, r in stated if its is part) for part in Part}
    alone = [r.gross_cents for i, part, r in stated if part is Part.COMPARED and r.gross_cents and not _bills(i, other)]
    return SideSums(
        invoices=len(stated),
        net_cents=sum(r.net_cents for _, _, r in stated),
        tax_cents=sum(r.tax_cents for _, _, r in stated),
        gross_cents=sum(r.gross_cents for _, _, r in stated),
        compared_cents=cents[Part.COMPARED],
        not_compared_cents=cents[Part.APART],
        outside_cents=cents[Part.OUTSIDE],
        alone=len(alone),
        alone_cents=sum(alone),
    )


def _bills(invoice: InvoiceView, side: str) -> bool:
    """Whether the side bills anything of it; lines that cancel out are billed too."""
    header = invoice.registers.get(side)
    lines = any(p.sides[side].lines for p in invoice.positions if not p.header and side in p.sides)
    return header is not None and (header.gross_cents != 0 or lines)


def _settled(claims: list[InvoiceView], pair: tuple[str, str]) -> Settled:
    left, right = pair
    headers = _headers(claims, left)
    tied = [(i.open_cents.get(left, 0), i.open_cents[right]) for i in claims if right in i.open_cents]
    return Settled(
        credit_notes_cents=sum(r.credit_notes_cents for r in headers),
        prepaid_cents=sum(r.prepaid_cents for r in headers),
        total_cents=sum(r.gross_cents - r.credit_notes_cents - r.prepaid_cents for r in headers),
        paid_cents=sum(r.paid_cents for r in headers),
        open_cents=sum(i.open_cents.get(left, 0) for i in claims),
        tied=len(tied),
        tied_left_cents=sum(ours for ours, _ in tied),
        tied_right_cents=sum(theirs for _, theirs in tied),
    )


def check_registers(data: ReportData) -> None:
    """Assert that the positions of each invoice that was compared add up to the headers of both sides."""
    for invoice in data.invoices:
        if part_of(invoice, data.run.pair) is Part.COMPARED:
            for side in data.run.pair:
                _check_header(invoice, side)


def _check_header(invoice: InvoiceView, side: str) -> None:
    header = invoice.registers.get(side)
    stated = header.gross_cents if header else 0
    billed = sum(p.cents(side) or 0 for p in invoice.positions if p.kind not in SETTLEMENTS)
    if billed != stated:
        raise TieOutBroken(f"{invoice.number}: positions of {side} add up to {billed}, its header to {stated}")
