"""Invoices that Lago's API does not show, rebuilt from their fees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from mappings.lost import lost_invoices
from mappings.records import BillingPeriod, Customer, Fee, Invoice, Snapshot
from reconcile.rerate.billing import IN_ADVANCE

CLOSED, STANDALONE = "closed", "standalone"  # states of hidden invoices
LOST = "lost"  # Lago shows it, and the snapshot lacks it


def hidden_invoices(snapshot: Snapshot) -> tuple[Invoice, ...]:
    """Invoices that the API does not show, from their fees, which it does.

    Lago closes an invoice of 0 where the customer or the seller wants none (facts §1.7). A fee without any invoice was
    paid in advance and never invoiced: it stands alone. What was lost on the way is here too: it was billed.
    """
    visible = {invoice.lago_id for invoice in snapshot.invoices}
    fees_of: dict[str, list[Fee]] = defaultdict(list)
    for fee in snapshot.fees:
        if fee.lago_invoice_id not in visible:
            fees_of[fee.lago_invoice_id or fee.lago_id].append(fee)
    customers = {customer.external_id: customer for customer in snapshot.customers}
    lost = {invoice.lago_id for invoice in lost_invoices(snapshot)}
    return tuple(_rebuilt(lago_id, fees, customers, lago_id in lost) for lago_id, fees in fees_of.items())


def _rebuilt(lago_id: str, fees: Sequence[Fee], customers: Mapping[str, Customer], lost: bool) -> Invoice:
    first, amount = fees[0], sum(fee.amount_cents for fee in fees)
    taxes = sum(fee.taxes_amount_cents for fee in fees)
    return Invoice(
        lago_id=lago_id,
        number=f"{LOST if lost else 'hidden'}-{lago_id}",
        invoice_type="subscription",
        status=LOST if lost else CLOSED if first.lago_invoice_id else STANDALONE,
        payment_status=first.payment_status or "pending",
        currency=first.amount_currency,
        issuing_date=first.created_at.date(),
        created_at=first.created_at,
        customer=customers.get(first.external_customer_id or ""),
        fees=tuple(fees),
        billing_periods=tuple(_periods(fees)),
        fees_amount_cents=amount,
        taxes_amount_cents=taxes,
        coupons_amount_cents=0,
        credit_notes_amount_cents=0,
        sub_total_excluding_taxes_amount_cents=amount,
        sub_total_including_taxes_amount_cents=amount + taxes,
        prepaid_credit_amount_cents=0,
        total_amount_cents=amount + taxes,
    )


def _periods(fees: Iterable[Fee]) -> Iterator[BillingPeriod]:
    """One per subscription. In arrears, a family without a fee has the base fee's window; in advance it is unknown."""
    by_subscription: dict[str, list[Fee]] = defaultdict(list)
    for fee in fees:
        if fee.lago_subscription_id:
            by_subscription[fee.lago_subscription_id].append(fee)
    for lago_id, billed in by_subscription.items():
        windows = {fee.item.type: (fee.from_date, fee.to_date) for fee in billed}
        base = windows.get("subscription", (None, None))
        in_advance = any(fee.item.type == "subscription" and fee.pay_in_advance for fee in billed)
        unbilled = (None, None) if in_advance else base
        charges, fixed = windows.get("charge", unbilled), windows.get("fixed_charge", unbilled)
        yield BillingPeriod(
            lago_subscription_id=lago_id,
            external_subscription_id=billed[0].external_subscription_id or "",
            subscription_from_datetime=base[0],
            subscription_to_datetime=base[1],
            charges_from_datetime=charges[0],
            charges_to_datetime=charges[1],
            fixed_charges_from_datetime=fixed[0],
            fixed_charges_to_datetime=fixed[1],
            invoicing_reason="subscription_periodic" if "subscription" in windows else IN_ADVANCE,
        )
