"""Records that others of Lago's name and that its lists lack: lost on the way, not gone. Pure.

    invoices, fees, credit notes  ->  the subscriptions that they bill
    running subscriptions         ->  their plans, and their customers
    credits of invoices           ->  the coupons that their customers hold
    orders that ``apply`` made    ->  the subscriptions that they were made of: Lago ends one, and deletes none

Lago ends what a customer or a plan has when it deletes that: a running subscription is of one that is there. Each is in
quarantine: what depends on it is compared with nothing, and what stands of it in Odoo stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce

from mappings.phrases import Phrase, Told
from mappings.quarantine import Quarantined, quarantined
from mappings.records import Fee, Snapshot

SUBSCRIPTION, CUSTOMER, PLAN, COUPON = "subscription_lost", "customer_lost", "plan_lost", "coupon_lost"
_RUNNING = "active"
_LISTS = {
    "subscriptions": Told.LIST_OF_SUBSCRIPTIONS,
    "customers": Told.LIST_OF_CUSTOMERS,
    "plans": Told.LIST_OF_PLANS,
    "applied_coupons": Told.LIST_OF_COUPONS,
}
# what names it: one of them, several
_BY = {
    "invoice": (Told.AN_INVOICE, Told.INVOICES),
    "fee": (Told.A_FEE, Told.FEES),
    "order in Odoo": (Told.AN_ORDER, Told.ORDERS),
    "running subscription": (Told.A_RUNNING, Told.RUNNING),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedSubscription:
    """A subscription that an order was made of. ``external_id`` and ``customer`` (external id) as Odoo was told."""

    lago_id: str
    external_id: str
    customer: str


def with_lost(snapshot: Snapshot, applied: Sequence[AppliedSubscription] = ()) -> Snapshot:
    """The snapshot, with what is lost of it in quarantine. ``applied``: what orders in Odoo were made of."""
    lost = tuple(lost_records(snapshot, applied))
    if not lost:
        return snapshot
    gone = {unread.id for unread in lost if unread.resource == "customers"}
    unread = sorted((*snapshot.quarantined, *lost), key=lambda record: (record.resource, record.id))
    kept = tuple(customer for customer in snapshot.customers if customer.lago_id not in gone)
    return replace(snapshot, customers=kept, quarantined=tuple(unread))


def lost_records(snapshot: Snapshot, applied: Sequence[AppliedSubscription] = ()) -> Iterator[Quarantined]:
    """All of them, each once; what is in quarantine already is named there.

    The lists are read one after the other: what was made since the first of them names what that one cannot hold yet.
    """
    seen = _as_of_its_begin(snapshot)
    shown = {s.lago_id for s in snapshot.subscriptions}
    yield from _subscriptions(seen, [made for made in applied if made.lago_id not in shown])
    yield from _customers(seen)
    yield from _plans(seen)
    yield from _coupons(seen)


def _as_of_its_begin(snapshot: Snapshot) -> Snapshot:
    begin = snapshot.taken_at
    return replace(
        snapshot,
        subscriptions=tuple(s for s in snapshot.subscriptions if s.created_at <= begin),
        invoices=tuple(i for i in snapshot.invoices if i.created_at <= begin),
        fees=tuple(f for f in snapshot.fees if f.created_at <= begin),
        credit_notes=tuple(n for n in snapshot.credit_notes if n.created_at <= begin),
    )


@dataclass(slots=True)
class _Naming:
    """What names one record: kind of record -> their ids; whose it is, and what people call it."""

    by: dict[str, set[str]] = field(default_factory=dict)
    label: str = ""
    customer: str = ""
    customer_id: str = ""

    def add(self, kind: str, lago_id: str, label: str, customer: str, customer_id: str) -> None:
        self.by.setdefault(kind, set()).add(lago_id)
        self.label, self.customer = self.label or label, self.customer or customer
        self.customer_id = self.customer_id or customer_id

    @property
    def told(self) -> Phrase:
        counted = [_BY[kind][len(ids) > 1].of(f"{len(ids):,}") for kind, ids in self.by.items()]
        return reduce(Told.AND_ALSO.of, counted)


def _subscriptions(snapshot: Snapshot, gone: Sequence[AppliedSubscription]) -> Iterator[Quarantined]:
    """``gone``: those that an order was made of, and that no list shows."""
    there = {s.lago_id for s in snapshot.subscriptions} | _unread(snapshot, "subscriptions")
    named: dict[str, _Naming] = {}
    for invoice in snapshot.invoices:
        external = invoice.customer.external_id if invoice.customer else ""
        customer_id = invoice.customer.lago_id if invoice.customer else ""
        for period in invoice.billing_periods:
            if period.lago_subscription_id not in there:
                naming = named.setdefault(period.lago_subscription_id, _Naming())
                naming.add("invoice", invoice.lago_id, period.external_subscription_id, external, customer_id)
    for fee in _fees(snapshot):
        if fee.lago_subscription_id and fee.lago_subscription_id not in there:
            naming = named.setdefault(fee.lago_subscription_id, _Naming())
            external, customer = fee.external_subscription_id or "", fee.external_customer_id or ""
            naming.add("fee", fee.lago_id, external, customer, fee.lago_customer_id or "")
    ids = {customer.external_id: customer.lago_id for customer in snapshot.customers}
    for made in gone:
        if made.lago_id not in there:
            naming = named.setdefault(made.lago_id, _Naming())
            naming.add("order in Odoo", made.lago_id, made.external_id, made.customer, ids.get(made.customer, ""))
    for lago_id, naming in sorted(named.items()):
        yield _lost("subscriptions", lago_id, SUBSCRIPTION, naming)


def _fees(snapshot: Snapshot) -> Iterator[Fee]:
    yield from snapshot.fees
    for invoice in snapshot.invoices:
        yield from invoice.fees
    for note in snapshot.credit_notes:
        yield from (item.fee for item in note.items if item.fee)


def _customers(snapshot: Snapshot) -> Iterator[Quarantined]:
    """Of a page of customers that Lago does not give, nobody knows whether they were deleted: that page is named."""
    if any(record.of_page and record.resource == "customers" for record in snapshot.quarantined):
        return
    there = {c.lago_id for c in snapshot.customers if not c.deleted} | _unread(snapshot, "customers")
    named: dict[str, _Naming] = {}
    for running in snapshot.subscriptions:
        customer = running.lago_customer_id
        if running.status == _RUNNING and customer not in there:
            external = running.external_customer_id
            naming = named.setdefault(customer, _Naming())
            naming.add("running subscription", running.lago_id, external, external, customer)
    for lago_id, naming in sorted(named.items()):
        yield _lost("customers", lago_id, CUSTOMER, naming)


def _plans(snapshot: Snapshot) -> Iterator[Quarantined]:
    """Those that no page of a subscription shows either."""
    there = {plan.code for plan in snapshot.plans}
    there |= {record.label for record in snapshot.quarantined if record.resource == "plans"}
    ids = {p.lago_subscription_id: p.lago_plan_id for i in snapshot.invoices for p in i.billing_periods}
    named: dict[str, _Naming] = {}
    known: dict[str, str] = {}
    for running in snapshot.subscriptions:
        code = running.plan_code
        if running.status == _RUNNING and running.plan is None and code not in there:
            named.setdefault(code, _Naming()).add("running subscription", running.lago_id, code, "", "")
            known.setdefault(code, ids.get(running.lago_id) or code)
    for code, naming in sorted(named.items()):
        yield _lost("plans", known[code], PLAN, naming)


def _coupons(snapshot: Snapshot) -> Iterator[Quarantined]:
    """Of a deleted customer Lago shows none."""
    holdings = {(applied.lago_customer_id, applied.lago_coupon_id) for applied in snapshot.applied_coupons}
    unread = {record.customer_id for record in snapshot.quarantined if record.resource == "applied_coupons"}
    if any(record.of_page and record.resource == "applied_coupons" for record in snapshot.quarantined):
        return
    deleted = {c.lago_id for c in snapshot.customers if c.deleted}
    named: dict[tuple[str, str], _Naming] = {}
    for invoice in snapshot.invoices:
        customer = invoice.customer
        if customer is None or customer.lago_id in deleted | unread:
            continue
        for credit in invoice.credits:
            coupon = credit.item.lago_item_id
            if credit.item.type == "coupon" and coupon and (customer.lago_id, coupon) not in holdings:
                naming = named.setdefault((customer.lago_id, coupon), _Naming())
                naming.add("invoice", invoice.lago_id, credit.item.code or "", customer.external_id, customer.lago_id)
    for (customer_id, coupon), naming in sorted(named.items()):
        yield _lost("applied_coupons", f"{customer_id}/{coupon}", COUPON, naming)


def _unread(snapshot: Snapshot, resource: str) -> set[str]:
    return {record.id for record in snapshot.quarantined if record.resource == resource}


def _lost(resource: str, lago_id: str, reason: str, naming: _Naming) -> Quarantined:
    problem = Told.LOST_ON_THE_WAY.of(naming.told, _LISTS[resource].of())
    lost = quarantined(resource, lago_id, ("lago_id", reason, problem), "{}", {})
    return replace(lost, label=naming.label, customer=naming.customer, customer_id=naming.customer_id)
