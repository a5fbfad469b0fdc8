"""The re-rate of Lago's invoices from plans, subscriptions, coupons, taxes and raw events: the third vote.

    rerate(snapshot, events)  ->  a function: Lago's invoices -> the same invoices, re-rated

    invoice -> billings -> base fee, charges, fixed charges, commitment, in advance -> bill

Lago's stored boundaries are used (facts §0.1), and only events that Lago could know when it computed the invoice. Every
line that cannot be recomputed is a named refusal; an invoice with one has no totals. All usage of all invoices asked
for is aggregated in one go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mappings.known import INVOICE_TYPES
from mappings.phrases import Told
from mappings.records import Invoice, Snapshot
from migrate.progress import Progress, quiet
from reconcile.billed import BilledInvoice, BilledLine, Origin, Refusal
from reconcile.rating.bill import FeeLine, bill
from reconcile.rating.header import totals
from reconcile.rating.refusal import RerateRefused
from reconcile.rating.rules import rules_for
from reconcile.rating.unforeseen import OF_DATA, unforeseen
from reconcile.rerate.billing import IN_ADVANCE
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.held_coupons import usable_coupons
from reconcile.rerate.history import History
from reconcile.rerate.inputs import RerateInputs
from reconcile.rerate.lines import InvoiceLines, lines_of, refusal_of
from reconcile.rerate.lines_base import add_base_line
from reconcile.rerate.lines_charges import add_advance_lines, add_charge_lines
from reconcile.rerate.lines_commitment import add_commitment_line
from reconcile.rerate.lines_fixed import add_fixed_lines
from reconcile.rerate.lines_single import add_single_lines
from reconcile.rerate.progressive_credits import credit_of_progressive, credits_progressive
from reconcile.rerate.unexplained import refuse_unexplained
from reconcile.rerate.usage_queries import InvoiceDraft, UsageAnswers, answered, draft_of

NOT_RATED = {  # invoice types that no usage and no plan explains
    "advance_charges": Told.PAID_BEFORE,
    "add_on": Told.TYPE_OF_OLD,
}
SINGLE = ("one_off", "credit")  # invoice types without a subscription
TAX_PROVIDERS = ("anrok", "avalara")


def rerate(
    snapshot: Snapshot,
    events: Path | EventSource,
    *,
    late: bool = False,
    progress: Progress = quiet,
) -> Callable[[Sequence[BilledInvoice]], Mapping[str, BilledInvoice]]:
    """A function that re-rates Lago's invoices (by their ids) from ``snapshot`` and its usage ``events``.

    ``late`` counts events too that arrived after the invoice was final: what would have been billed had they come in
    time. It explains differences; it is no vote.
    """

    def again(lago: Sequence[BilledInvoice]) -> dict[str, BilledInvoice]:
        history = History(snapshot, late=late)
        if isinstance(events, EventSource):
            return _rerate_all(history, events, lago, progress)
        with EventSource.from_parquet(events) as source:
            return _rerate_all(history, source, lago, progress)

    return again


def _rerate_all(
    history: History, source: EventSource, lago: Sequence[BilledInvoice], progress: Progress
) -> dict[str, BilledInvoice]:
    rules = rules_for(history.snapshot.lago_version)
    inputs = RerateInputs(history=history, source=source, rules=rules, premium=history.premium)
    rerated: dict[str, BilledInvoice] = {}
    for invoice in rerate_invoices(inputs, lago):
        rerated[invoice.lago_id] = invoice
        progress("re-rate", len(rerated), len(lago))
    return rerated


def rerate_invoices(inputs: RerateInputs, lago: Sequence[BilledInvoice]) -> Iterator[BilledInvoice]:
    """Lago's invoices re-rated, in their order. The questions of all of them are answered together, first."""
    drafts = list(answered(inputs, [draft_of(inputs, shown) for shown in lago]))
    return (_guarded(inputs, draft, usage) for draft, usage in drafts)


def _guarded(inputs: RerateInputs, draft: InvoiceDraft, usage: UsageAnswers) -> BilledInvoice:
    """The invoice re-rated; refused as a whole where something breaks that nobody foresaw."""
    refused = draft.refused
    if refused is None:
        try:
            return _rerate_draft(inputs, draft, usage)
        except OF_DATA as error:
            refused = unforeseen(error)
    return replace(draft.shown, lines=(), totals=None, refusals=(refusal_of(refused, draft.invoice.number),))


def fee_lines(inputs: RerateInputs, shown: BilledInvoice) -> InvoiceLines:
    """The lines of one invoice before coupons and taxes, with what of it is refused."""
    ((draft, usage),) = answered(inputs, [draft_of(inputs, shown)])
    if draft.refused is not None:
        raise draft.refused
    return _made_lines(inputs, draft, usage)


def _rerate_draft(inputs: RerateInputs, draft: InvoiceDraft, usage: UsageAnswers) -> BilledInvoice:
    return _finished(inputs.history, draft, _made_lines(inputs, draft, usage))


def _made_lines(inputs: RerateInputs, draft: InvoiceDraft, usage: UsageAnswers) -> InvoiceLines:
    lines = lines_of(inputs.history, draft.invoice)
    with lines.refusing(draft.invoice.number):
        _add_lines(inputs, draft, usage, lines)
    lines.refusals.extend(_refusals_of_the_whole(inputs.history, draft))
    return lines


def _add_lines(inputs: RerateInputs, draft: InvoiceDraft, usage: UsageAnswers, lines: InvoiceLines) -> None:
    """All lines of an invoice. Raises RerateRefused for one that cannot be recomputed at all."""
    _check_rated(draft.invoice)
    _check_seller(inputs.history, draft.invoice)
    _check_usage(inputs.history, draft.invoice)
    if draft.invoice.invoice_type in SINGLE:
        add_single_lines(inputs.history, draft.invoice, lines)
        return
    for billing in draft.billings:
        if billing.billed.period.invoicing_reason == IN_ADVANCE:
            add_advance_lines(billing, usage, lines)
            continue
        if billing.billed.is_progressive:
            add_charge_lines(billing, usage, lines)
            continue
        add_base_line(inputs, billing.billed, lines)
        add_charge_lines(billing, usage, lines)
        add_fixed_lines(inputs.history, billing.billed, lines)
        add_commitment_line(inputs, billing.billed, lines)
    refuse_unexplained(inputs.history, draft, lines)


def _check_rated(invoice: Invoice) -> None:
    if invoice.invoice_type in NOT_RATED:
        raise RerateRefused(f"{invoice.invoice_type}_invoice", NOT_RATED[invoice.invoice_type].of())
    if invoice.invoice_type not in INVOICE_TYPES:
        raise RerateRefused("unknown_invoice_type", Told.UNKNOWN_TYPE.of(repr(invoice.invoice_type)))
    if invoice.invoice_type == "subscription" and not invoice.billing_periods:
        raise RerateRefused("boundaries_missing", Told.NO_BOUNDARIES.of())
    if any(fee.lago_original_fee_id for fee in invoice.fees):
        raise RerateRefused("regenerated_invoice", Told.COPIED_FEES.of())


def _check_seller(history: History, invoice: Invoice) -> None:
    """Taxes of a seller of whom nothing is known are not none: no line can be told without them."""
    unread = history.unread_seller(invoice)
    if unread is not None:
        raise RerateRefused(unread.reason, Told.SELLER_UNREAD.of(unread.name, unread.field, unread.problem))


def _check_usage(history: History, invoice: Invoice) -> None:
    """Nobody knows whose an event is that Lago does not give: units that come out equal without it may be wrong."""
    unread = history.unread_usage(invoice)
    if unread is not None:
        raise RerateRefused(unread.reason, Told.USAGE_UNREAD.of(unread))


def _refusals_of_the_whole(history: History, draft: InvoiceDraft) -> Iterator[Refusal]:
    """Why the totals of an invoice cannot be told, whatever its lines are."""
    invoice = draft.invoice
    known = {period.lago_subscription_id for period in invoice.billing_periods}
    for lago_id in sorted(known - {billing.billed.subscription.lago_id for billing in draft.billings}):
        yield Refusal(reason="subscription_missing", detail=Told.LOST_SUBSCRIPTION.of(lago_id))
    if _has_provider_taxes(history, invoice):
        yield Refusal(reason="provider_taxes", detail=Told.PROVIDER_TAXES.of())
    if invoice.progressive_billing_credit_amount_cents and not credits_progressive(history, invoice):
        yield Refusal(reason="progressive_credit", detail=Told.CREDITED_LOST.of())


def _has_provider_taxes(history: History, invoice: Invoice) -> bool:
    customer = history.customer(invoice)
    integrations = customer.integration_customers if customer else ()
    return any(str(each.get("integration_type") or each.get("type")) in TAX_PROVIDERS for each in integrations)


def _finished(history: History, draft: InvoiceDraft, lines: InvoiceLines) -> BilledInvoice:
    invoice = draft.invoice
    billed = bill(
        lines.lines,
        invoice.currency,
        coupons=usable_coupons(history, invoice),
        progressive=credit_of_progressive(history, invoice, lines.lines),
    )
    stated = totals(
        billed,
        credit_notes_cents=invoice.credit_notes_amount_cents,
        prepaid_cents=invoice.prepaid_credit_amount_cents,
    )
    return replace(
        draft.shown,
        lines=tuple(billed_line(fee.line, fee.taxed.amount_cents) for fee in billed.fees),
        totals=None if lines.refusals else stated,
        refusals=tuple(lines.refusals),
    )


def billed_line(line: FeeLine, tax_cents: int) -> BilledLine:
    """A line of the re-rate as the comparison takes it."""
    return BilledLine(
        key=line.key,
        amount_cents=line.amount_cents,
        units=line.units,
        events=line.events,
        precise_cents=line.precise_cents,
        tax_cents=tax_cents,
        origin=Origin(),
        steps=line.steps,
    )
