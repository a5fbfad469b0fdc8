"""What a report says as a whole, decided in one place.

Headline, colours, exit code, JUnit and the gate of signing are read off one ``ReportVerdict``:
none of them looks for itself.

    equal        nothing differs, nothing was refused, nothing lapsed
    waived       only what a reviewed waiver covers
    immaterial   every difference has a proven cause; what is to be mended, or doubted by the re-rate alone, is below
                 the materiality declared before
    to_act       a difference without proof, one to be mended, something refused, a lapse in Lago's register, what both
                 sides bill alike and the re-rate does not, or receivable accounts that do not add up
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from reports.data import OPEN, REFUSED, Finding, InvoiceView, Position, ReceivableView, ReportData

# Remedies that say: this is how it stays. What has one of them needs no mending, whatever its amount.
NOTHING_TO_MEND = frozenset({"waive_rounding", "accept_rule", "price_passed", "bill_by_date"})


class State(StrEnum):
    """What a reader has to do about the run."""

    EQUAL = "equal"
    WAIVED = "waived"
    IMMATERIAL = "immaterial"
    TO_ACT = "to_act"


class RunOutcome(StrEnum):
    """The run in one word; each has its exit code (0, 3, 2)."""

    EQUAL = "equal"
    WAIVED = "waived"
    DIFFERENT = "different"


OUTCOMES = {
    State.EQUAL: RunOutcome.EQUAL,
    State.WAIVED: RunOutcome.WAIVED,
    State.IMMATERIAL: RunOutcome.DIFFERENT,
    State.TO_ACT: RunOutcome.DIFFERENT,
}
EXIT_CODES = {RunOutcome.EQUAL: 0, RunOutcome.DIFFERENT: 2, RunOutcome.WAIVED: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportVerdict:
    """What counts in a report. Waived things are counted apart, and only there."""

    differing: int  # positions that differ
    doubtful: int  # of them: without a proven cause
    doubted: int  # positions on which both sides agree and the re-rate does not
    material_doubts: int  # of them: in currencies in which their money reaches the declared materiality
    refused: int  # invoices that could not be compared in full
    untied: int  # currencies whose receivable accounts do not add up, and nothing waives
    lapsed: int  # stretches that Lago billed twice, or never
    waived: int  # positions, doubts, refusals, lapses and receivables that a waiver covers
    unproven_waived: int  # findings that a waiver covers and nothing proves
    material: bool  # what is to be mended, or doubted, reaches the declared materiality

    @property
    def state(self) -> State:
        if not self.settled or self.material:
            return State.TO_ACT
        if self.differing or self.doubted:
            return State.IMMATERIAL
        return State.WAIVED if self.waived else State.EQUAL

    @property
    def outcome(self) -> RunOutcome:
        return OUTCOMES[self.state]

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.outcome]

    @property
    def settled(self) -> bool:
        """Whether all that counts is explained by proof: such a month is signed without a reason."""
        return not (self.doubtful or self.material_doubts or self.refused or self.untied or self.lapsed)

    @property
    def proven(self) -> bool:
        """Whether it is true of every difference there is, waived ones included, that its cause is proven."""
        return self.settled and not self.unproven_waived


def judge(data: ReportData) -> ReportVerdict:
    """The verdict on a report."""
    differing = [(i, p) for i, p in data.rows() if p.status in OPEN]
    counting = [(i, p) for i, p in differing if p.open]
    at_stake = [(invoice.currency, doubt.delta_cents) for invoice, _, doubt in data.doubted() if not doubt.waiver]
    material = _material(at_stake, data.run.materiality_cents)
    refusals = [r for i in data.invoices for r in i.refusals]
    covered = [item.waiver for item in refusals] + [item.waiver for item in data.lapses]
    covered += [view.waiver for view in data.receivables] + [doubt.waiver for _, _, doubt in data.doubted()]
    return ReportVerdict(
        differing=len(counting),
        doubtful=sum(1 for _, p in counting if is_doubtful(p)),
        doubted=len(at_stake),
        material_doubts=sum(currency in material for currency, _ in at_stake),
        refused=sum(1 for i in data.invoices if is_refused(i)),
        untied=sum(1 for view in untied(data) if not view.waiver),
        lapsed=sum(1 for lapse in data.lapses if not lapse.waiver),
        waived=len(differing) - len(counting) + sum(map(bool, covered)),
        unproven_waived=sum(1 for _, p in differing for f in p.findings if f.waiver and not f.proven),
        material=bool(_material([*_to_mend(counting), *at_stake], data.run.materiality_cents)),
    )


def control_exit_code(data: ReportData, *, all_agree: bool) -> int:
    """Of a control run, which looks at units and events of each fee and at the credit notes of terminations too.

    What differs there alone is a difference.
    """
    return judge(data).exit_code or (0 if all_agree else EXIT_CODES[RunOutcome.DIFFERENT])


def untied(data: ReportData) -> tuple[ReceivableView, ...]:
    """Receivables whose accounts hold something else than the brought balances and the other documents.

    What a balance differs by is a difference of its own document, in the month of that, and counts there alone.
    """
    return tuple(view for view in data.receivables if not view.ties)


def is_doubtful(position: Position) -> bool:
    """Whether something of a difference is neither proven nor waived."""
    return not position.findings or any(not f.proven and not f.waiver for f in position.findings)


def is_refused(invoice: InvoiceView) -> bool:
    """Whether a side could not give an invoice in full, and no waiver covers it; also where it has no position."""
    if invoice.refusals:
        return any(not refusal.waiver for refusal in invoice.refusals)
    return any(p.status == REFUSED for p in invoice.positions)


def needs_mending(finding: Finding) -> bool:
    """Whether somebody has to do something about it."""
    return not finding.waiver and not (finding.remedy and finding.remedy.name in NOTHING_TO_MEND)


def _to_mend(rows: list[tuple[InvoiceView, Position]]) -> list[tuple[str, int]]:
    """(currency, cents) of what somebody has to do something about."""
    return [(i.currency, f.delta_cents) for i, p in rows for f in p.findings if needs_mending(f)]


def _material(amounts: Iterable[tuple[str, int]], materiality_cents: int) -> frozenset[str]:
    """Currencies that reach the materiality, in absolute values: opposite signs make nothing immaterial."""
    sums: dict[str, int] = defaultdict(int)
    for currency, cents in amounts:
        sums[currency] += abs(cents)
    return frozenset(currency for currency, cents in sums.items() if cents >= max(materiality_cents, 1))
