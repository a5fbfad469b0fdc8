"""The control run: Lago's invoices against the re-rate alone, which is the noise floor of every other comparison.

    control(snapshot, events)  ->  per invoice: header and fees equal, different or refused (with the reason)

Apart from that, Lago's calendar is recomputed and compared with the boundaries that Lago stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from mappings.lost import REASON
from mappings.phrases import Told
from mappings.records import Invoice, Snapshot
from migrate.progress import Progress, quiet
from reconcile.billed import BilledInvoice, BilledLine, LineKey, Refusal, Totals
from reconcile.rating.rules import Rules, rules_for
from reconcile.rating.unforeseen import OF_DATA, unforeseen
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.hidden_invoices import CLOSED, LOST, STANDALONE, hidden_invoices
from reconcile.rerate.history import History
from reconcile.rerate.invoices import rerate
from reconcile.rerate.lago_calendar import calendar_differences
from reconcile.rerate.lines import refusal_of
from reconcile.sides.lago import ALL, lago_invoices

Rerate = Callable[[Sequence[BilledInvoice]], Mapping[str, BilledInvoice]]
_IS_LOST = Refusal(reason=REASON, detail=Told.NAMED_BY_FEES.of())

__all__ = [
    "FeeCheck",
    "InvoiceCheck",
    "control",
    "rerate",
    "same",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeCheck:
    """One fee of Lago against the re-rate (or one of the re-rate that Lago has not: ``lago`` is None)."""

    fee: str  # Lago's fee id
    kind: str
    label: str
    outcome: str  # equal | differs | refused
    lago: BilledLine | None
    rerate: BilledLine | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceCheck:
    """One invoice: its fees, its header, and whether Lago's own calendar leads to the boundaries Lago stored.

    ``header`` is ``hidden`` where Lago shows no invoice, only fees. ``calendar`` names boundaries that differ.
    """

    lago_id: str
    number: str
    customer: str
    type: str
    state: str
    header: str  # equal | differs | refused | hidden
    fees: tuple[FeeCheck, ...]
    refusals: tuple[Refusal, ...] = ()
    lago: Totals | None = None
    rerate: Totals | None = None
    calendar: tuple[str, ...] = ()

    @property
    def is_equal(self) -> bool:
        return self.header in ("equal", "hidden") and all(fee.outcome == "equal" for fee in self.fees)


def control(
    snapshot: Snapshot,
    events: Path | EventSource,
    *,
    period: str = ALL,
    progress: Progress = quiet,
    again: Rerate | None = None,
) -> tuple[InvoiceCheck, ...]:
    """Lago against the re-rate alone: the noise floor. Fees of hidden invoices are checked too.

    ``again``: the re-rate of these events, where it is used elsewhere too (the fuzz rates each company once).
    """
    history = History(snapshot)
    hidden = replace(snapshot, invoices=hidden_invoices(snapshot))
    shown = (*lago_invoices(snapshot, period), *lago_invoices(hidden, period))
    mine = (again or rerate(snapshot, events, progress=progress))(shown)
    rules = rules_for(snapshot.lago_version)
    return tuple(_checked(invoice, mine[invoice.lago_id], history, rules) for invoice in shown)


def _checked(lago: BilledInvoice, mine: BilledInvoice, history: History, rules: Rules) -> InvoiceCheck:
    invoice = history.invoices[lago.lago_id]
    is_hidden, is_lost = invoice.status in (CLOSED, STANDALONE), invoice.status == LOST
    header = "hidden" if is_hidden else "refused" if is_lost else _header(lago, mine)
    calendar = () if is_hidden or is_lost else _calendar(invoice, history, rules)
    broken = (calendar,) if isinstance(calendar, Refusal) else ()
    return InvoiceCheck(
        lago_id=lago.lago_id,
        number=lago.number,
        customer=lago.customer,
        type=invoice.invoice_type,
        state=invoice.status,
        header="refused" if broken else header,
        fees=tuple(_fee_checks(lago, mine)),
        refusals=(*_without_twins(lago.refusals, mine.refusals), *([_IS_LOST] if is_lost else []), *broken),
        lago=None if is_hidden or is_lost else lago.totals,
        rerate=None if is_hidden or is_lost else mine.totals,
        calendar=() if isinstance(calendar, Refusal) else calendar,
    )


def _calendar(invoice: Invoice, history: History, rules: Rules) -> tuple[str, ...] | Refusal:
    """Where Lago's calendar leads elsewhere than Lago did."""
    try:
        return tuple(calendar_differences(invoice, history, rules))
    except OF_DATA as error:
        return refusal_of(unforeseen(error), invoice.number)


def _header(lago: BilledInvoice, mine: BilledInvoice) -> str:
    """Two headers that nobody can tell are not equal."""
    if lago.totals is None or mine.totals is None:
        return "refused"
    return "equal" if lago.totals == mine.totals else "differs"


def _without_twins(lago: Sequence[Refusal], mine: Sequence[Refusal]) -> Iterator[Refusal]:
    """What either side refuses; what both refuse for one reason is said once."""
    told = {refusal.reason for refusal in mine}
    yield from (refusal for refusal in lago if refusal.reason not in told)
    yield from mine


def _fee_checks(lago: BilledInvoice, mine: BilledInvoice) -> Iterator[FeeCheck]:
    """Lines by their keys; twins (a null and a blank group are one key) in the order of their amounts."""
    left: dict[LineKey, list[BilledLine]] = {}
    for line in sorted(mine.lines, key=_amount):
        left.setdefault(line.key, []).append(line)
    reason = "; ".join(sorted({refusal.reason for refusal in mine.refusals}))
    for line in sorted(lago.lines, key=_amount):
        twins = left.get(line.key)
        twin = twins.pop(0) if twins else None
        outcome = "equal" if twin and same(line, twin) else "refused" if twin is None and reason else "differs"
        yield FeeCheck(
            fee=line.origin.fee if line.origin else "",
            kind=line.key.kind,
            label=line.label,
            outcome=outcome,
            lago=line,
            rerate=twin,
            reason=reason if outcome == "refused" else "",
        )
    for line in (line for lines in left.values() for line in lines):
        yield FeeCheck(
            fee="", kind=line.key.kind, label=line.label, outcome="differs", lago=None, rerate=line, reason="only ours"
        )


def same(lago: BilledLine, mine: BilledLine) -> bool:
    """Amount, tax, units and number of events, exactly (Lago's API rounds nothing of them)."""
    units = lago.units is None or lago.units == mine.units
    events = lago.events is None or mine.events is None or lago.events == mine.events
    return (lago.amount_cents, lago.tax_cents) == (mine.amount_cents, mine.tax_cents) and units and events


def _amount(line: BilledLine) -> tuple[int, Decimal]:
    return (line.amount_cents, line.units or Decimal(0))
