"""Invoices that other records of Lago name and that the snapshot lacks, unless Lago's own rules hide them. Pure.

Lago shows no invoice of nothing where the customer or the seller wants none of those, and none that waits for its first
payment. Every other invoice is on Lago's list: one that is not here was lost on the way. It cannot be compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import reduce

from mappings.contracts import timezone_of
from mappings.money import from_subunits, told_money
from mappings.names import customer_name
from mappings.period import local_date
from mappings.phrases import Phrase, Said, Told
from mappings.records import Customer, Fee, Snapshot

REASON = "invoice_lost"
UNLISTED = "fee_unlisted"
_WAITING = "incomplete"  # a subscription whose first invoice is not paid yet: that invoice is open, and not shown
_SETTLED, _SUCCEEDED = "settled", "succeeded"
_PROGRESSIVE = "invoice"  # what a credit is of that takes a progressive invoice off


# what names it: one of them, several
_BY = {
    "fee": (Told.A_FEE, Told.FEES),
    "credit note": (Told.A_NOTE, Told.NOTES),
    "payment": (Told.A_PAYMENT, Told.SOME_PAYMENTS),
    "coupon": (Told.A_COUPON, Told.COUPONS),
    "progressive credit": (Told.A_PROGRESSIVE_CREDIT, Told.PROGRESSIVE_CREDITS),
    "wallet transaction": (Told.A_TRANSACTION, Told.TRANSACTIONS),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LostInvoice:
    """One of them, as far as it can be told. ``day`` is its fees' (None: nothing tells it), in the customer's zone."""

    lago_id: str
    number: str  # empty: only its id is known
    customer: str  # external id
    customer_name: str
    named_by: tuple[Phrase, ...]  # "3 fees", "1 credit note"
    fees: tuple[Fee, ...]
    currency: str  # of its fees, else of what names it
    day: date | None

    @property
    def name(self) -> str:
        return self.number or self.lago_id

    @property
    def net_cents(self) -> int:
        """What its fees come to after their coupons: cents, in ``currency``."""
        return sum(fee.amount_cents for fee in self._own) - self.coupons_cents

    @property
    def coupons_cents(self) -> int:
        return round(sum(fee.precise_coupons_amount_cents for fee in self._own))

    @property
    def tax_cents(self) -> int:
        return sum(fee.taxes_amount_cents for fee in self._own)

    @property
    def detail(self) -> Phrase:
        """One sentence, with the way out."""
        return Told.INVOICE_LOST.of(reduce(Told.AND_ALSO.of, self.named_by), self.money)

    @property
    def money(self) -> Said:
        """``80.00 CAD and 10.40 of taxes``; of fees in another currency too."""
        others: dict[str, int] = defaultdict(int)
        for fee in self.fees:
            others[fee.amount_currency] += fee.amount_cents
        net = told_money(self.net_cents, self.currency)
        rest = ", ".join(told_money(n, code) for code, n in sorted(others.items()) if code != self.currency)
        if not self.tax_cents:
            return f"{net}, {rest}" if rest else net
        taxes = f"{from_subunits(self.tax_cents, self.currency):,}"
        return Told.WITH_TAXES_AND.of(net, taxes, rest) if rest else Told.WITH_TAXES.of(net, taxes)

    @property
    def _own(self) -> Iterator[Fee]:
        return (fee for fee in self.fees if fee.amount_currency == self.currency)


@dataclass(slots=True)
class _Named:
    """What names one invoice that is not there."""

    by: dict[str, int]  # kind of record -> how many
    fees: dict[str, Fee]
    number: str = ""
    customer: str = ""
    currency: str = ""


def lost_invoices(snapshot: Snapshot) -> tuple[LostInvoice, ...]:
    """By their ids. An invoice in quarantine is not lost: it is named there."""
    there = {invoice.lago_id for invoice in snapshot.invoices}
    there |= {unread.id for unread in snapshot.quarantined if unread.resource == "invoices"}
    named: dict[str, _Named] = {}
    for lago_id, kind, told in _names(snapshot):
        if lago_id not in there:
            naming = named.setdefault(lago_id, _Named({}, {}))
            naming.by[kind] = naming.by.get(kind, 0) + 1
            _learn(naming, told)
    customers = {customer.external_id: customer for customer in snapshot.customers}
    hides = _Hiding.of(snapshot)
    return tuple(
        _lost(lago_id, naming, customers.get(naming.customer))
        for lago_id, naming in sorted(named.items())
        if not hides(naming, customers.get(naming.customer))
    )


def unlisted_fees(snapshot: Snapshot, missed: Collection[str]) -> tuple[Fee, ...]:
    """Fees that Lago's list of fees (their taxes, what was billed in advance) does not show any more.

    ``missed``: ids of fees that it showed once. Their invoices stand, and show them: they are not deleted.
    """
    unread = {record.id for record in snapshot.quarantined}
    shown = (fee for invoice in snapshot.invoices for fee in invoice.fees)
    return tuple(fee for fee in shown if fee.lago_id in missed and fee.lago_id not in unread)


@dataclass(frozen=True, slots=True)
class _Told:
    """What a record says of the invoice that it names."""

    fees: tuple[Fee, ...] = ()
    number: str = ""
    customer: str = ""
    currency: str = ""


def _names(snapshot: Snapshot) -> Iterator[tuple[str, str, _Told]]:
    """(an invoice's id, what kind of record names it, what that says of it). Only what a shown invoice can have."""
    for fee in snapshot.fees:
        if fee.lago_invoice_id:
            told = _Told((fee,), customer=fee.external_customer_id or "", currency=fee.amount_currency)
            yield fee.lago_invoice_id, "fee", told
    for note in snapshot.credit_notes:
        items = tuple(item.fee for item in note.items if item.fee and item.fee.lago_invoice_id == note.lago_invoice_id)
        customer = note.customer.external_id if note.customer else ""
        yield note.lago_invoice_id, "credit note", _Told(items, note.invoice_number, customer, note.currency)
    for payment in snapshot.payments:
        if payment.payment_status == _SUCCEEDED:  # an invoice that waits for its payment may be hidden
            told = _Told(customer=payment.external_customer_id or "", currency=payment.amount_currency)
            yield from ((lago_id, "payment", told) for lago_id in payment.invoice_ids)
    yield from _names_of_credits(snapshot)


def _names_of_credits(snapshot: Snapshot) -> Iterator[tuple[str, str, _Told]]:
    """Coupons and progressive invoices that were taken off something, credits that were bought."""
    for applied in snapshot.applied_coupons:
        for credit in applied.credits:
            lago_id = credit.invoice.lago_id if credit.invoice else ""
            if lago_id and credit.amount_cents:
                yield lago_id, "coupon", _Told(customer=applied.external_customer_id, currency=credit.amount_currency)
    for invoice in snapshot.invoices:
        customer = invoice.customer.external_id if invoice.customer else ""
        for credit in invoice.credits:
            if credit.item.type == _PROGRESSIVE and credit.item.lago_item_id and credit.amount_cents:
                told = _Told((), credit.item.code or "", customer, credit.amount_currency)
                yield credit.item.lago_item_id, "progressive credit", told
    owners = {w.lago_id: _Told(customer=w.external_customer_id, currency=w.currency) for w in snapshot.wallets}
    for bought in snapshot.wallet_transactions:
        if bought.lago_invoice_id and bought.status == _SETTLED:
            yield bought.lago_invoice_id, "wallet transaction", owners.get(bought.lago_wallet_id, _Told())


def _learn(naming: _Named, told: _Told) -> None:
    for fee in told.fees:
        naming.fees.setdefault(fee.lago_id, fee)
    naming.number = naming.number or told.number
    naming.customer = naming.customer or told.customer
    naming.currency = naming.currency or told.currency


def _lost(lago_id: str, naming: _Named, customer: Customer | None) -> LostInvoice:
    fees = tuple(naming.fees.values())
    zone = timezone_of(customer)
    name = customer_name(customer) if customer else ""
    return LostInvoice(
        lago_id=lago_id,
        number=naming.number,
        customer=naming.customer,
        customer_name=name or naming.customer,
        named_by=tuple(_BY[kind][n > 1].of(f"{n:,}") for kind, n in naming.by.items()),
        fees=fees,
        currency=fees[0].amount_currency if fees else naming.currency,
        day=min((local_date(fee.created_at, zone) for fee in fees), default=None),
    )


@dataclass(frozen=True, slots=True)
class _Hiding:
    """Lago's rules for invoices that its API does not show, and the settings that they ask."""

    entities: Mapping[str, bool]  # code of a seller -> whether it makes invoices of nothing
    waiting: frozenset[str]  # subscriptions whose first invoice is not paid

    @staticmethod
    def of(snapshot: Snapshot) -> _Hiding:
        return _Hiding(
            {entity.code: entity.finalize_zero_amount_invoice for entity in snapshot.billing_entities},
            frozenset(s.lago_id for s in snapshot.subscriptions if s.status == _WAITING),
        )

    def __call__(self, naming: _Named, customer: Customer | None) -> bool:
        """Whether Lago hides it: closed because it bills nothing, or open until it is paid."""
        if set(naming.by) != {"fee"}:
            return False
        fees = naming.fees.values()
        return (not any(fee.amount_cents for fee in fees) and self._skips(customer)) or self._is_open(fees)

    def _skips(self, customer: Customer | None) -> bool:
        """Whether nothing is made where nothing is billed; of a customer that is gone, nobody knows."""
        if customer is None or customer.deleted:
            return True
        if customer.finalize_zero_amount_invoice != "inherit":
            return customer.finalize_zero_amount_invoice == "skip"
        code = customer.billing_entity_code
        own = [makes for entity, makes in self.entities.items() if code in (None, entity)]
        return not all(own)

    def _is_open(self, fees: Iterable[Fee]) -> bool:
        """Credits that are not paid, or the first invoice of subscriptions that wait for its payment."""
        if all(fee.payment_status == _SUCCEEDED for fee in fees):
            return False
        return all(fee.item.type == "credit" or fee.lago_subscription_id in self.waiting for fee in fees)
