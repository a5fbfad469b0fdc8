"""Invoices that cannot be compared because something of Lago's cannot be read, or was lost: named, with their money."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeGuard

from mappings.checks import CONTRADICTED
from mappings.dependents import unread_invoices, unread_subscriptions
from mappings.headers import OPEN
from mappings.known import WORDS, is_currency
from mappings.lost import REASON as LOST
from mappings.lost import LostInvoice, lost_invoices
from mappings.money import told_money
from mappings.names import customer_name
from mappings.notes import contradicted_notes
from mappings.owed import credited_to
from mappings.phrases import Phrase, Told
from mappings.quarantine import Quarantined
from mappings.records import Snapshot
from mappings.target import xid
from mappings.wallets import CONTRADICTED_WALLET, contradicted_wallets
from migrate.rawjson import loads
from reconcile.billed import BilledInvoice, Refusal, ThreeSides, Totals
from reconcile.sides.lago import ALL, in_month, is_of_no_currency
from reconcile.sides.odoo_balances import BALANCE_CURRENCY

NO_CURRENCY = "XXX"
_NO_AMOUNTS = ("payment_methods",)
_ZONES = timedelta(days=1)  # a month begins and ends in the customer's time zone
_CREDIT_NOTE = "credit_note"
_DOCUMENTS = ("invoices", "credit_notes")
_CREDIT = ("applied_coupons", "wallets")
# Of what is in quarantine: what is left of it, or else what it came to.
_LEFT = {
    "credit_notes": {"balance_amount_cents": Told.LEFT_IN_LAGO, "total_amount_cents": Told.ALL_IN_LAGO},
    "applied_coupons": {"amount_cents_remaining": Told.LEFT_IN_LAGO, "amount_cents": Told.ALL_IN_LAGO},
    "wallets": {"balance_cents": Told.LEFT_IN_LAGO},
    "payments": {"amount_cents": Told.ALL_IN_LAGO},
}
_KINDS = {"credit_notes": _CREDIT_NOTE, "applied_coupons": "applied_coupon", "wallets": "wallet", "payments": "payment"}
_MOST = 2**63  # cents: as many as Lago can keep
_NET = ("fees", "coupons", "sub_total_excluding_taxes", "taxes")
_HEADER = (*_NET, "sub_total_including_taxes", "credit_notes", "prepaid_credit", "total")


def set_apart(
    snapshot: Snapshot, lago: Sequence[BilledInvoice], period: str, customers: frozenset[str] | None
) -> tuple[tuple[BilledInvoice, ...], tuple[BilledInvoice, ...]]:
    """(Lago's invoices that can be compared, those that cannot with the reason)."""
    missing = (_lost(invoice, snapshot, period) for invoice in lost_invoices(snapshot))
    billed = frozenset(invoice.customer for invoice in lago)
    credit = (*_held_credit(snapshot, period, billed), *_contradicted(snapshot), *_wallets(snapshot, period))
    shown = (*_shown(snapshot, period), *credit, *_payments(snapshot, period), *missing)
    ours = (i for i in shown if customers is None or i.customer in (*customers, ""))
    unread = tuple(i for i in ours if in_month(i.issued_on, period))
    causes = unread_invoices(snapshot, unread_subscriptions(snapshot))
    dependent = tuple(_refused(invoice, causes[invoice.lago_id]) for invoice in lago if invoice.lago_id in causes)
    return tuple(i for i in lago if i.lago_id not in causes), (*dependent, *unread)


def without_blame(sides: ThreeSides) -> ThreeSides:
    """The sides, where nobody in Odoo is blamed for a currency that Lago's own records contradict.

    What Odoo bills of it in another one is no bill of Odoo's alone, nor is its open balance to be changed: the sum is
    told with Lago's refusal.
    """
    lago, odoo = dict(sides.lago), dict(sides.odoo)
    for lago_id, invoice in sides.odoo.items():
        if lago_id in lago and is_of_no_currency(lago[lago_id].refusals):
            told = (Told.BILLS_OF_IT.of(foreign.amount, foreign.currency) for foreign in invoice.foreign)
            more = tuple(Refusal(reason=CONTRADICTED, detail=detail) for detail in told)
            lago[lago_id] = replace(lago[lago_id], refusals=(*lago[lago_id].refusals, *more))
            others = tuple(refusal for refusal in invoice.refusals if refusal.reason != BALANCE_CURRENCY)
            odoo[lago_id] = replace(invoice, foreign=(), refusals=others)
    return replace(sides, lago=lago, odoo=odoo)


def _shown(snapshot: Snapshot, period: str) -> Iterator[BilledInvoice]:
    for unread in snapshot.quarantined:
        if unread.of_page and unread_page_may_touch(unread, snapshot, period):
            yield _of_page(unread, snapshot, period)
        elif unread.resource in _DOCUMENTS and not unread.of_page:
            yield _unread(unread, snapshot, period)


def _held_credit(snapshot: Snapshot, period: str, billed: frozenset[str]) -> Iterator[BilledInvoice]:
    """Coupons and prepaid credits in quarantine that lessen what their customers owe, in each month that they last.

    A coupon takes nothing off where nothing is billed (``billed``: customers of the month's invoices).
    """
    for unread in snapshot.quarantined:
        if unread.of_page or unread.resource not in _CREDIT:
            continue
        shown = _payload(unread)
        counts = _has_balance(shown) if unread.resource == "wallets" else unread.customer in (*billed, "")
        if counts and _lasts_in(shown, period):
            yield replace(_unread(unread, snapshot, period), issued_on=_begin_of(period) or snapshot.taken_at.date())


def _lasts_in(shown: Mapping[str, object], period: str) -> bool:
    """From the month it was made in to the one it ended in; what does not say when may be of any."""
    begins, ends = (_day(str(shown.get(name))[:10]) for name in ("created_at", "terminated_at"))
    has_begun = begins is None or f"{begins:%Y-%m}" <= period
    return period == ALL or (has_begun and (ends is None or period <= f"{ends:%Y-%m}"))


def _has_balance(shown: Mapping[str, object]) -> bool:
    """Whether prepaid credits may be left: one that was terminated is spent by nobody."""
    return shown.get("status") != "terminated" and shown.get("balance_cents") != 0


def _contradicted(snapshot: Snapshot) -> Iterator[BilledInvoice]:
    """Credit notes that contradict themselves or others: what is left of them nobody knows, and no balance is moved."""
    invoices = {invoice.lago_id: invoice for invoice in snapshot.invoices}
    customers = {customer.lago_id: customer for customer in snapshot.customers}
    contradicted = contradicted_notes(snapshot)
    for note in snapshot.credit_notes:
        if note.lago_id not in contradicted:
            continue
        holder = customers.get(credited_to(note, invoices.get(note.lago_invoice_id)))
        left = told_money(note.balance_amount_cents, note.currency)
        detail = Told.LEFT_IN_LAGO.of(contradicted[note.lago_id], left)
        yield BilledInvoice(
            lago_id=note.lago_id,
            number=note.number,
            customer=holder.external_id if holder else "",
            currency=note.currency,
            issued_on=note.issuing_date,
            lines=(),
            totals=None,
            refusals=(Refusal(reason=OPEN, detail=detail),),
            type=_CREDIT_NOTE,
            customer_name=customer_name(holder) if holder else "",
        )


def _wallets(snapshot: Snapshot, period: str) -> Iterator[BilledInvoice]:
    """Prepaid credits that contradict themselves, in each month since they began: what may pay its invoices with."""
    customers = {customer.lago_id: customer for customer in snapshot.customers}
    contradicted = contradicted_wallets(snapshot)
    for wallet in snapshot.wallets:
        begun = wallet.created_at is None or period == ALL or f"{wallet.created_at:%Y-%m}" <= period
        if wallet.lago_id not in contradicted or not begun:
            continue
        holder = customers.get(wallet.lago_customer_id)
        detail = Told.LEFT_IN_LAGO.of(contradicted[wallet.lago_id], told_money(wallet.balance_cents, wallet.currency))
        yield BilledInvoice(
            lago_id=wallet.lago_id,
            number=wallet.code or wallet.name or wallet.lago_id,
            customer=wallet.external_customer_id,
            currency=wallet.currency,
            issued_on=_begin_of(period) or snapshot.taken_at.date(),
            lines=(),
            totals=None,
            refusals=(Refusal(reason=CONTRADICTED_WALLET, detail=detail),),
            type=_KINDS["wallets"],
            customer_name=customer_name(holder) if holder else "",
        )


def _payments(snapshot: Snapshot, period: str) -> Iterator[BilledInvoice]:
    """Payments in quarantine, in the months of the invoices that they paid: what is left of those nobody knows."""
    days = {invoice.lago_id: invoice.issuing_date for invoice in snapshot.invoices}
    for unread in snapshot.quarantined:
        if unread.of_page or unread.resource != "payments":
            continue
        shown = _payload(unread)
        paid = shown.get("invoice_ids")
        named = [days[n] for n in paid if isinstance(n, str) and n in days] if isinstance(paid, list) else []
        received = _day(str(shown.get("created_at"))[:10])
        months = named or ([received] if received else [])
        if shown.get("payment_status") != "failed" and (not months or any(in_month(day, period) for day in months)):
            yield replace(_unread(unread, snapshot, period), issued_on=_begin_of(period) or snapshot.taken_at.date())


def unread_owed(snapshot: Snapshot) -> Iterator[tuple[str, str, str, int]]:
    """(external id in Odoo, its customer's in Lago, currency, cents) of documents in quarantine that are still owed.

    As far as their own text can be read; what Lago owes is below 0.
    """
    for unread in snapshot.quarantined:
        if unread.of_page or unread.resource not in _DOCUMENTS:
            continue
        shown, is_note = _payload(unread), unread.resource == "credit_notes"
        currency, cents = _currency(shown), (_left_of_note if is_note else _due)(shown)
        if cents and currency != NO_CURRENCY:
            name = xid("credit_note" if is_note else "invoice", unread.id)
            yield name, unread.customer, currency, -cents if is_note else cents


def _left_of_note(shown: Mapping[str, object]) -> int:
    left = shown.get("balance_amount_cents")
    return left if _is_cents(left) and shown.get("credit_status") not in ("consumed", "voided") else 0


def _due(shown: Mapping[str, object]) -> int:
    """Of one whose state cannot be told too: it may well be owed."""
    total, paid, due = (shown.get(f"total_{name}amount_cents") for name in ("", "paid_", "due_"))
    if _state(shown.get("status")) not in ("finalized", "") or shown.get("payment_status") == "succeeded":
        return 0
    if _is_cents(due):
        return due
    return total - paid if _is_cents(total) and _is_cents(paid) else 0


def _lost(lost: LostInvoice, snapshot: Snapshot, period: str) -> BilledInvoice:
    """An invoice that only its fees tell of: their money is billed, and compared with nothing."""
    told = Totals.of(lost.net_cents, lost.tax_cents, coupons_cents=lost.coupons_cents)
    return BilledInvoice(
        lago_id=lost.lago_id,
        number=lost.name,
        customer=lost.customer,
        currency=lost.currency or NO_CURRENCY,
        issued_on=lost.day or _begin_of(period) or snapshot.taken_at.date(),
        lines=(),
        totals=None,
        register=told if lost.fees else None,
        refusals=(Refusal(reason=LOST, detail=lost.detail),),
        customer_name=lost.customer_name,
    )


def _refused(invoice: BilledInvoice, cause: Quarantined) -> BilledInvoice:
    """Without its lines: what one side cannot say, none is held against."""
    detail = Told.IN_QUARANTINE.of(cause.resource, cause.name, cause.field, cause.problem)
    return replace(
        invoice, lines=(), totals=None, refusals=(*invoice.refusals, Refusal(reason=cause.reason, detail=detail))
    )


def _unread(unread: Quarantined, snapshot: Snapshot, period: str) -> BilledInvoice:
    """What is in quarantine, as far as it can be told. What has no date is shown in every period."""
    shown = _payload(unread)
    day = _day(shown.get("issuing_date")) or _begin_of(period) or snapshot.taken_at.date()
    currency, header = _currency(shown), _header(shown)
    quarantined = _in_quarantine(unread)
    detail = Told.WITH_CENTS.of(quarantined, header.total_cents) if header else _with_credit(unread, shown, currency)
    kind = shown.get("invoice_type") if unread.resource == "invoices" else _KINDS.get(unread.resource)
    return BilledInvoice(
        lago_id=unread.id,
        number=unread.label or unread.id,
        customer=unread.customer,
        currency=currency,
        issued_on=day,
        lines=(),
        totals=None,
        register=header,
        refusals=(Refusal(reason=unread.reason, detail=detail),),
        state=_state(shown.get("status")),
        type=str(kind or "")[:20],
        customer_name=unread.customer,
    )


def _in_quarantine(unread: Quarantined) -> Phrase:
    """``Quarantined.detail``, as words that each language says its own way."""
    return Told.SELF_IN_QUARANTINE.of(unread.field, unread.problem)


def _payload(unread: Quarantined) -> dict[str, object]:
    payload = loads(unread.raw)
    return payload if isinstance(payload, dict) else {}


def _currency(shown: Mapping[str, object]) -> str:
    currency = shown.get("currency") or shown.get("amount_currency")
    return currency if isinstance(currency, str) and len(currency) == 3 and currency.isalpha() else NO_CURRENCY


def _with_credit(unread: Quarantined, shown: Mapping[str, object], currency: str) -> Phrase:
    """With what Lago says to be left of a credit note, a coupon or a wallet, as far as it can be read."""
    fields = _LEFT.get(unread.resource, {})
    amounts = (
        told.of(_in_quarantine(unread), _money(cents, currency))
        for n, told in fields.items()
        if _is_cents(cents := shown.get(n))
    )
    return next(amounts, _in_quarantine(unread))


def _money(cents: int, currency: str) -> str:
    return f"{cents} cents" if not is_currency(currency) else told_money(cents, currency)


def _of_page(unread: Quarantined, snapshot: Snapshot, period: str) -> BilledInvoice:
    """A page that Lago did not give, among the invoices of a month that it may concern."""
    told = Told.MAY_CONCERN.of(_in_quarantine(unread))
    shown = _unread(unread, snapshot, period)
    return replace(shown, refusals=(Refusal(reason=unread.reason, detail=told),))


def unread_page_may_touch(unread: Quarantined, snapshot: Snapshot, period: str) -> bool:
    """Whether a month (or ``all``) may look different with a page that Lago did not give.

    Of usage it is known when it was, of an invoice that was read before, which month it is of. Of anything else it is
    not: a customer, a coupon, a subscription that nobody saw may be billed in any month.
    """
    if unread.resource in _NO_AMOUNTS:
        return False
    first = _begin_of(period)
    if first is None:
        return True
    usage = next((gap for gap in snapshot.usage_gaps if gap.unread is unread), None)
    if usage is not None:
        begin = datetime.combine(first, time(), UTC)
        return usage.touches(begin - _ZONES, begin + timedelta(days=monthrange(first.year, first.month)[1]) + _ZONES)
    lago_id = unread.id.partition("/")[2]
    known = next((i for i in snapshot.invoices if unread.resource == "invoices" and i.lago_id == lago_id), None)
    return known is None or in_month(known.issuing_date, period)


def _header(shown: Mapping[str, object]) -> Totals | None:
    """What Lago says that it comes to: counted in its register, whatever else of it cannot be read."""
    fees, coupons, net, tax, gross, notes, prepaid, total = (shown.get(f"{name}_amount_cents") for name in _HEADER)
    if not (_is_cents(fees) and _is_cents(coupons) and _is_cents(net) and _is_cents(tax)):
        return None
    if not (_is_cents(gross) and _is_cents(notes) and _is_cents(prepaid) and _is_cents(total)):
        return None
    return Totals(
        fees_cents=fees,
        coupons_cents=coupons,
        net_cents=net,
        tax_cents=tax,
        gross_cents=gross,
        credit_notes_cents=notes,
        prepaid_cents=prepaid,
        total_cents=total,
    )


def _state(status: object) -> str:
    """Lago's, if it is one that we know; an invoice of which that cannot be told may well be owed."""
    return status if isinstance(status, str) and status in WORDS["Invoice.status"][1] else ""


def _is_cents(value: object) -> TypeGuard[int]:
    return type(value) is int and abs(value) < _MOST


def _begin_of(period: str) -> date | None:
    return _day(f"{period}-01")


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        return None
