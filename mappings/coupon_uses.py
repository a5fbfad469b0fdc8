"""Whether what customers' coupons say of their uses is what the invoices say, to the cent. Pure.

Lago lists with each coupon what every invoice took of it, and with each invoice what it took, under the same ids. What
is left of a fixed coupon that is given once is its amount less what those invoices took that were not voided (facts
§6.4). Which of the two is right, nobody knows: each contradiction is told with its amounts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mappings.money import told_money
from mappings.records import AppliedCoupon, Credit, Invoice, Snapshot

Uses = Mapping[str, Sequence[tuple[Invoice, Credit]]]  # by the customer's Lago id


def coupon_contradictions(snapshot: Snapshot) -> dict[str, str]:
    """Lago id of a coupon in force that a customer holds -> what contradicts it; those that fit are left out."""
    invoices, unlisted = {invoice.lago_id: invoice for invoice in snapshot.invoices}, _unlisted(snapshot)
    told = {
        applied.lago_id: "; ".join((*_by_invoices(applied, unlisted), *_by_itself(applied, invoices)))
        for applied in snapshot.applied_coupons
        if applied.status == "active"
    }
    return {lago_id: sentences for lago_id, sentences in told.items() if sentences}


def is_left_known(applied: AppliedCoupon) -> bool:
    """Whether what a coupon still gives is known without its uses: they end neither it nor its amount."""
    return applied.frequency == "forever"


def _unlisted(snapshot: Snapshot) -> Uses:
    """What invoices took of coupons, and no coupon lists."""
    listed = {credit.lago_id for applied in snapshot.applied_coupons for credit in applied.credits}
    by_customer: dict[str, list[tuple[Invoice, Credit]]] = {}
    for invoice in snapshot.invoices:
        if invoice.created_at > snapshot.taken_at:
            continue  # made while the lists were read: the coupon's own page may be older
        for credit in invoice.credits:
            if invoice.customer is not None and credit.item.type == "coupon" and credit.lago_id not in listed:
                by_customer.setdefault(invoice.customer.lago_id, []).append((invoice, credit))
    return by_customer


def _by_invoices(applied: AppliedCoupon, unlisted: Uses) -> Iterator[str]:
    for invoice, credit in unlisted.get(applied.lago_customer_id, ()):
        if _is_of(credit, applied) and invoice.created_at >= applied.created_at:
            taken = told_money(credit.amount_cents, credit.amount_currency)
            yield f"invoice {invoice.number} took {taken} of it, which it does not list"


def _is_of(credit: Credit, applied: AppliedCoupon) -> bool:
    named = credit.item.lago_item_id
    return named == applied.lago_coupon_id if named else credit.item.code == applied.coupon_code


def _by_itself(applied: AppliedCoupon, invoices: Mapping[str, Invoice]) -> Iterator[str]:
    for credit in applied.credits:
        if credit.invoice is None:
            yield f"it lists {told_money(credit.amount_cents, credit.amount_currency)} that no invoice took"
    amount, currency, left = applied.amount_cents, applied.amount_currency, applied.amount_cents_remaining
    if applied.frequency != "once" or amount is None or currency is None or left is None:
        return
    shown = ((invoices.get(credit.invoice.lago_id), credit) for credit in applied.credits if credit.invoice)
    used = sum(credit.amount_cents for invoice, credit in shown if invoice and invoice.status != "voided")
    if left != amount - used:
        whole, taken, made, stated = (told_money(cents, currency) for cents in (amount, used, amount - used, left))
        yield f"{whole} less {taken} that invoices took make {made}, and it says that {stated} are left"
