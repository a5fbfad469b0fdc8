"""What depends on a record in quarantine: the subscriptions and invoices that cannot be judged without it. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mappings.money import told_money
from mappings.quarantine import Quarantined
from mappings.records import Customer, Invoice, Plan, Snapshot, Subscription
from mappings.sellers import UnreadSellers
from mappings.unread_usage import UnreadUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependents:
    """Of one record in quarantine; ``cents``: what the invoices come to, by currency."""

    subscriptions: int = 0
    invoices: int = 0
    cents: Mapping[str, int]

    def __str__(self) -> str:
        """``12 invoices (1,234.50 CAD) and 2 subscriptions depend on it``; empty for none."""
        amounts = ", ".join(told_money(cents, code) for code, cents in sorted(self.cents.items()))
        parts = [f"{self.invoices:,} invoices ({amounts})"] if self.invoices else []
        parts += [f"{self.subscriptions:,} subscriptions"] if self.subscriptions else []
        return f"{' and '.join(parts)} depend on it" if parts else ""


Key = tuple[str, str]  # resource and id of a record in quarantine: an id is unique within its resource only


def find_dependents(snapshot: Snapshot) -> dict[Key, Dependents]:
    """By the record in quarantine; those of which nothing depends are left out."""
    if not snapshot.quarantined:
        return {}
    subscriptions = unread_subscriptions(snapshot)
    invoices = unread_invoices(snapshot, subscriptions)
    dependents = {}
    numbers = Counter(map(id, subscriptions.values()))
    billed_of: dict[int, list[Invoice]] = defaultdict(list)
    for invoice in snapshot.invoices:
        if (cause := invoices.get(invoice.lago_id)) is not None:
            billed_of[id(cause)].append(invoice)
    for unread in snapshot.quarantined:
        number, billed = numbers[id(unread)], billed_of[id(unread)]
        if number or billed:
            dependents[unread.resource, unread.id] = Dependents(
                subscriptions=number, invoices=len(billed), cents=_sums(billed)
            )
    return dependents


def unread_subscriptions(snapshot: Snapshot) -> dict[str, Quarantined]:
    """Lago ids of subscriptions that cannot be judged, or that are in quarantine themselves -> because of what."""
    unread = _by_key(snapshot)
    codes = {q.label: q for q in snapshot.quarantined if q.resource == "plans"}
    plans = {plan.lago_id: plan for plan in snapshot.plans}
    sellers = UnreadSellers.of(snapshot)
    customers = {customer.lago_id: customer for customer in snapshot.customers}
    causes_by_id = {q.id: q for q in snapshot.quarantined if q.resource == "subscriptions"}
    for subscription in snapshot.subscriptions:
        needed = _needed(subscription, plans)
        cause = next((unread[key] for key in needed if key in unread), None)
        if cause is None and subscription.plan is None:
            cause = codes.get(subscription.plan_code)
        if cause is None and subscription.lago_customer_id in customers:
            cause = sellers.of_customer(customers[subscription.lago_customer_id])
        if cause is not None:
            causes_by_id[subscription.lago_id] = cause
    return causes_by_id


def readable_subscriptions(snapshot: Snapshot, customers: frozenset[str] | None) -> list[Subscription]:
    """Of whose customers nothing is in quarantine: of the others it is not known what was billed."""
    unread = {q.customer_id for q in snapshot.quarantined}
    chosen = [s for s in snapshot.subscriptions if customers is None or s.external_customer_id in customers]
    return [s for s in chosen if s.lago_customer_id not in unread]


def unread_invoices(snapshot: Snapshot, subscriptions: Mapping[str, Quarantined]) -> dict[str, Quarantined]:
    """Lago ids of invoices that cannot be judged -> because of what. ``subscriptions``: of ``unread_subscriptions``."""
    unread = _by_key(snapshot)
    sellers, usage = UnreadSellers.of(snapshot), UnreadUsage(snapshot)
    customers = {customer.lago_id: customer for customer in snapshot.customers}
    causes_by_id = {}
    for invoice in snapshot.invoices:
        billed = (subscriptions.get(period.lago_subscription_id) for period in invoice.billing_periods)
        causes = (*billed, *(unread.get(key) for key in _named(invoice)))
        cause = next((cause for cause in causes if cause is not None), None)
        cause = cause or sellers.of_invoice(invoice, _customer(invoice, customers)) or usage.of(invoice)
        if cause is not None:
            causes_by_id[invoice.lago_id] = cause
    return causes_by_id


def _by_key(snapshot: Snapshot) -> dict[Key, Quarantined]:
    return {(q.resource, q.id): q for q in snapshot.quarantined}


def _needed(subscription: Subscription, plans: Mapping[str, Plan]) -> Iterator[Key]:
    """What a subscription's bills are made from."""
    yield "customers", subscription.lago_customer_id
    shown = subscription.plan
    if shown is not None:
        yield from (("plans", lago_id) for lago_id in (shown.parent_id, shown.lago_id) if lago_id)
        plan = plans.get(shown.lago_id, shown)
        yield from (("billable_metrics", charge.lago_billable_metric_id) for charge in plan.charges)


def _customer(invoice: Invoice, customers: Mapping[str, Customer]) -> Customer | None:
    shown = invoice.customer
    return customers.get(shown.lago_id, shown) if shown else None


def _named(invoice: Invoice) -> Iterator[Key]:
    """What an invoice bills and whom."""
    if invoice.customer is not None:
        yield "customers", invoice.customer.lago_id
    yield from (("subscriptions", period.lago_subscription_id) for period in invoice.billing_periods)
    yield from (("plans", period.lago_plan_id) for period in invoice.billing_periods if period.lago_plan_id)
    yield from (("fees", fee.lago_id) for fee in invoice.fees)


def _sums(invoices: list[Invoice]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for invoice in invoices:
        sums[invoice.currency] = sums.get(invoice.currency, 0) + invoice.total_amount_cents
    return sums
