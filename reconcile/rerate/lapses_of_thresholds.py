"""Usage that a progressive invoice billed and that the next invoice of its period billed again: nothing was credited.

Odoo bills the whole period and knows no thresholds: such an invoice is equal to Odoo's, and only the credit that it
lacks tells that the customer pays twice. A threshold that made two invoices is the same: the second credits nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from mappings.period import Window
from mappings.records import Subscription
from reconcile.rating.progressive import progressive_credit
from reconcile.rerate.billing import Billed, usage_window
from reconcile.rerate.history import History
from reconcile.rerate.lapses import BILLED_TWICE, Lapse, local_day, name_of_customer
from reconcile.rerate.lapses_of_fees import Credited, standing
from reconcile.rerate.progressive_credits import credits_of, left_of_progressive, newest_progressive, stored_fees
from reconcile.sides.lago import ALL, in_month


def lapses_of_thresholds(
    history: History, subscription: Subscription, credited: Credited, period: str = ALL
) -> Iterator[Lapse]:
    """Of a subscription, for each of its invoices of the month (or all) that took off less than was billed before."""
    billings = history.billed.get(subscription.lago_id, ())
    for later in standing(billings, credited) if any(billed.is_progressive for billed in billings) else ():
        before = newest_progressive(history, later)
        day = local_day(history, subscription, later.invoice.created_at)
        if before is None or before.invoice.status != "finalized" or not in_month(day, period):
            continue
        cents = _owed_back(history, before, later) - _credited(before, later, credited)
        if cents > 0:
            yield Lapse(
                kind=BILLED_TWICE,
                customer=subscription.external_customer_id,
                customer_name=name_of_customer(history, subscription),
                subscription=subscription.external_id,
                window=_both(before, later),
                day=day,
                currency=later.invoice.currency,
                cents=cents,
                events=sum(fee.events_count or 0 for fee in before.fees() if fee.item.type == "charge"),
                invoices=(before.invoice.number, later.invoice.number),
            )


def _owed_back(history: History, before: Billed, later: Billed) -> int:
    """What the later invoice has to take off, as Lago does it, less what it took off."""
    owed = progressive_credit(
        stored_fees(later.fees()), stored_fees(before.fees()), left_of_progressive(history, before, later)
    )
    return owed.cents - _taken_off(before, later)


def _taken_off(before: Billed, later: Billed) -> int:
    """What the later invoice took off; of one that bills several subscriptions, by the invoice that it names."""
    invoice = later.invoice
    if len(invoice.billing_periods) == 1:
        return invoice.progressive_billing_credit_amount_cents
    return sum(credits_of(invoice, before.invoice))


def _credited(before: Billed, later: Billed, credited: Credited) -> int:
    """What people gave back of either since; what came off ``before`` earlier is not left to be taken off anyway."""
    charges = {fee.lago_charge_id for fee in before.fees()}
    again = [fee for fee in later.fees() if fee.item.type == "charge" and fee.lago_charge_id in charges]
    return sum(credited.get(fee.lago_id, 0) for fee in (*before.fees(), *again))


def _both(before: Billed, later: Billed) -> Window:
    """The stretch of usage that both bill."""
    first, second = usage_window(before.period), usage_window(later.period)
    assert first is not None  # noqa: S101 - newest_progressive compared them
    assert second is not None  # noqa: S101
    return Window(max(first.start, second.start), min(first.end, second.end))
