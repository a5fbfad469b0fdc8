"""Invoices that cannot be compared because something of Lago's cannot be read, or was lost: named, with their money."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeGuard

from mappings.checks import CONTRADICTED
from mappings.dependents import unread_invoices, unread_subscriptions
from mappings.known import WORDS
from mappings.lost import REASON as LOST
from mappings.lost import LostInvoice, lost_invoices
from mappings.quarantine import Quarantined
from mappings.records import Snapshot
from migrate.lago.rawjson import loads
from reconcile.billed import BilledInvoice, Refusal, ThreeSides, Totals
from reconcile.sides.lago import in_month, is_of_no_currency
from reconcile.sides.odoo_balances import BALANCE_CURRENCY

NO_CURRENCY = "XXX"
_NO_AMOUNTS = ("payment_methods",)
_ZONES = timedelta(days=1)  # a month begins and ends in the customer's time zone
_MOST = 2**63  # cents: as many as Lago can keep
_NET = ("fees", "coupons", "sub_total_excluding_taxes", "taxes")
_HEADER = (*_NET, "sub_total_including_taxes", "credit_notes", "prepaid_credit", "total")


def set_apart(
    snapshot: Snapshot, lago: Sequence[BilledInvoice], period: str, customers: frozenset[str] | None
) -> tuple[tuple[BilledInvoice, ...], tuple[BilledInvoice, ...]]:
    """(Lago's invoices that can be compared, those that cannot with the reason)."""
    missing = (_lost(invoice, snapshot, period) for invoice in lost_invoices(snapshot))
    shown = (*_shown(snapshot, period), *missing)
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
            told = (f"Odoo bills {foreign.amount} {foreign.currency} of it" for foreign in invoice.foreign)
            more = tuple(Refusal(reason=CONTRADICTED, detail=detail) for detail in told)
            lago[lago_id] = replace(lago[lago_id], refusals=(*lago[lago_id].refusals, *more))
            others = tuple(refusal for refusal in invoice.refusals if refusal.reason != BALANCE_CURRENCY)
            odoo[lago_id] = replace(invoice, foreign=(), refusals=others)
    return replace(sides, lago=lago, odoo=odoo)


def _shown(snapshot: Snapshot, period: str) -> Iterator[BilledInvoice]:
    for unread in snapshot.quarantined:
        if unread.of_page and unread_page_may_touch(unread, snapshot, period):
            yield _of_page(unread, snapshot, period)
        elif unread.resource == "invoices" and not unread.of_page:
            yield _unread(unread, snapshot, period)


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
    detail = f"not compared because {cause.resource} {cause.name} is in quarantine: field {cause.field} {cause.problem}"
    return replace(
        invoice, lines=(), totals=None, refusals=(*invoice.refusals, Refusal(reason=cause.reason, detail=detail))
    )


def _unread(unread: Quarantined, snapshot: Snapshot, period: str) -> BilledInvoice:
    """An invoice in quarantine, as far as it can be told. What has no date is shown in every period."""
    payload = loads(unread.raw)
    shown: dict[str, object] = payload if isinstance(payload, dict) else {}
    day = _day(shown.get("issuing_date")) or _begin_of(period) or snapshot.taken_at.date()
    currency, header = shown.get("currency"), _header(shown)
    amount = f"; Lago says {header.total_cents} cents" if header else ""
    return BilledInvoice(
        lago_id=unread.id,
        number=unread.label or unread.id,
        customer=unread.customer,
        currency=currency if isinstance(currency, str) and len(currency) == 3 and currency.isalpha() else NO_CURRENCY,
        issued_on=day,
        lines=(),
        totals=None,
        register=header,
        refusals=(Refusal(reason=unread.reason, detail=f"{unread.detail}{amount}"),),
        state=_state(shown.get("status")),
        type=str(shown.get("invoice_type") or "")[:20],
        customer_name=unread.customer,
    )


def _of_page(unread: Quarantined, snapshot: Snapshot, period: str) -> BilledInvoice:
    """A page that Lago did not give, among the invoices of a month that it may concern."""
    told = f"incomplete, and it may concern this month: {unread.detail}"
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
