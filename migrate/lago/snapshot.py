"""The latest finished extract as records: what everything after it starts from.

A record that cannot be read is put into quarantine, by itself; what it says is nowhere in the snapshot then.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import TypeVar

from mappings import records as r
from mappings.checks import wrong_dates
from mappings.context import CURRENT
from mappings.decode import NOT_UNIQUE, WRONG_VALUE, DecodeError, decode
from mappings.identities import doubled_customers, doubled_subscriptions, nobodys_subscriptions
from mappings.lost_records import with_lost
from mappings.phrases import Told
from mappings.prices import Wrong
from mappings.quarantine import FieldProblem, Quarantined, quarantined
from mappings.sellers import unlisted_entities
from migrate.errors import PayloadError
from migrate.lago.counted import kept_counts
from migrate.lago.extract import require_as_written, require_finished
from migrate.lago.gaps import Pages, behind_gaps, gaps, unread_pages
from migrate.lago.list_pages import NO_ID
from migrate.lago.read_events import SET_ASIDE
from migrate.lago.unreadable_events import problem_of
from migrate.lago.unreadable_pages import UNREADABLE
from migrate.lago.usage_gaps import usage_gaps
from migrate.rawjson import loads
from migrate.state.applied_orders import applied_subscriptions
from migrate.state.records import Raw, Run
from migrate.state.store import Store

T = TypeVar("T")
_LAGO_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
OWN_PAGE = "(its own page)"
NO_PAGE = Wrong(OWN_PAGE, UNREADABLE, Told.SHOWS_ANOTHER.of())
NO_UNITS = Wrong(OWN_PAGE, UNREADABLE, Told.NO_UNITS_SHOWN.of())
NOT_FINAL = ("draft", "pending", "failed")  # states of an invoice that may have no date yet


def load_snapshot(store: Store) -> r.Snapshot:
    """Everything of the latest finished extract as records, ordered by id.

    Raises Blocked, StoreError for an extract that is not as it was written, and PayloadError for an organization that
    cannot be read: nothing is known without it.
    """
    run = require_finished(store)
    load = _Loading(store, run)
    invoices = load.many(r.Invoice, "invoices", details="invoice_details")
    credit_notes = load.many(r.CreditNote, "credit_notes")
    customers = load.customers()
    shown = (*(i.customer for i in invoices), *(note.customer for note in credit_notes))
    plans = load.many(r.Plan, "plans", details="plan_details")
    subscriptions = load.subscriptions(billed_from(invoices), {c.lago_id for c in shown if c}, plans)
    snapshot = r.Snapshot(
        lago_version=run.lago_version,
        taken_at=run.taken_at,
        organization=load.organization(),
        billing_entities=load.many(r.BillingEntity, "billing_entities", details="billing_entity_details"),
        taxes=load.many(r.Tax, "taxes"),
        billable_metrics=load.many(r.BillableMetric, "billable_metrics"),
        add_ons=load.many(r.AddOn, "add_ons"),
        plans=plans,
        coupons=load.many(r.Coupon, "coupons"),
        applied_coupons=load.many(r.AppliedCoupon, "applied_coupons"),
        customers=customers,
        payment_methods=load.payment_methods(),
        subscriptions=subscriptions,
        wallets=load.many(r.Wallet, "wallets"),
        wallet_transactions=load.many(r.WalletTransaction, "wallet_transactions"),
        invoices=invoices,
        fees=load.many(r.Fee, "fees"),
        credit_notes=credit_notes,
        payments=load.many(r.Payment, "payments"),
        counted=kept_counts(store, run),
        features=len(store.keys("features", run)),
    )
    load.note_set_aside()
    gone = deleted_customers(customers, invoices, credit_notes, subscriptions, load.quarantined)
    load.note_gaps(gone, snapshot)
    require_as_written(store, run)
    everybody = (*customers, *(() if "customers" in load.pages else gone))
    unlisted = unlisted_entities(snapshot.billing_entities, everybody, invoices, load.quarantined)
    unread = tuple(sorted((*load.quarantined, *unlisted), key=lambda q: (q.resource, q.id)))
    whole = replace(snapshot, customers=everybody, quarantined=unread, usage_gaps=tuple(usage_gaps(unread)))
    return with_lost(whole, applied_subscriptions(store))


def billed_from(invoices: Iterable[r.Invoice]) -> dict[str, datetime]:
    """Lago id of a subscription -> where the earliest stretch begins that an invoice bills of it."""
    earliest: dict[str, datetime] = {}
    for invoice in invoices:
        for period in invoice.billing_periods:
            begin = period.subscription_from_datetime
            if begin is not None:
                earliest[period.lago_subscription_id] = min(begin, earliest.get(period.lago_subscription_id, begin))
    return earliest


def lacking_units(subscriptions: Iterable[r.Subscription], catalog: Iterable[r.Plan]) -> Iterator[r.Subscription]:
    """Those whose fixed charges no page shows, and whose plan has some: the plan's units need not be theirs.

    One that has ended is billed no more, and what was billed of it stands on its invoices.
    """
    plans = tuple(catalog)
    charging = {plan.lago_id for plan in plans if plan.fixed_charges}
    codes = {plan.code for plan in plans if plan.fixed_charges}
    for subscription in subscriptions:
        plan = subscription.plan
        if subscription.fixed_charges is not None or subscription.status not in CURRENT:
            continue
        named = subscription.plan_code in codes if plan is None else bool({plan.lago_id, plan.parent_id} & charging)
        if named or (plan is not None and plan.fixed_charges):
            yield subscription


def deleted_customers(
    customers: Iterable[r.Customer],
    invoices: Iterable[r.Invoice],
    credit_notes: Iterable[r.CreditNote],
    subscriptions: Iterable[r.Subscription],
    unread: Iterable[Quarantined] = (),
) -> tuple[r.Customer, ...]:
    """Customers that Lago's list no longer shows, from what still names them; of some only the ids are known.

    One that Lago shows and nobody can read is not deleted.
    """
    listed = {customer.lago_id for customer in customers} | {q.id for q in unread if q.resource == "customers"}
    shown = [d.customer for documents in (invoices, credit_notes) for d in documents if d.customer]
    ids = [r.Customer(lago_id=s.lago_customer_id, external_id=s.external_customer_id) for s in subscriptions]
    customers_by_id = {customer.lago_id: customer for customer in (*ids, *shown) if customer.lago_id not in listed}
    return tuple(replace(customer, deleted=True) for _, customer in sorted(customers_by_id.items()))


@dataclass
class _Loading:
    """Reads one run's records back. ``quarantined`` grows while it does."""

    store: Store
    run: Run
    quarantined: list[Quarantined] = field(default_factory=list)

    def organization(self) -> r.Organization:
        found = self.many(r.Organization, "organizations")
        if not found:
            unread = [str(q) for q in self.quarantined if q.resource == "organizations"]
            raise PayloadError("; ".join(unread) or "organizations: Lago showed none; extract again")
        return found[0]

    def many(self, cls: type[T], resource: str, *, details: str | None = None) -> tuple[T, ...]:
        """All records; ``details``: the resource of their own pages, which hold more and stand in for the list's."""
        detailed = {raw.key: raw for raw in self.store.seen(details, self.run)} if details else {}
        shown = self._shown(resource, {details: detailed.keys()} if details else {})
        return self._decoded(cls, resource, ((detailed.get(raw.key, raw), {}) for raw in shown))

    def _shown(self, resource: str, at_hand: Mapping[str, Collection[str]]) -> Iterator[Raw]:
        """The records that the run saw, but those whose own page it did not. ``at_hand``: resource -> pages at hand."""
        unread = {
            key: why for name in at_hand for key, why in self.pages.get(name, {}).items() if key not in at_hand[name]
        }
        for raw in self.store.seen(resource, self.run):
            if raw.key in unread:
                self._refuse(resource, raw, (OWN_PAGE, UNREADABLE, unread[raw.key]), loads(raw.payload))
            else:
                yield raw

    @cached_property
    def pages(self) -> Pages:
        """What Lago did not give in this run, although it answered everything else."""
        return unread_pages(self.store.done(self.run))

    def _noted(self, resource: str) -> frozenset[str]:
        """Those of which the run noted why there is nothing. Of all others something was answered."""
        return frozenset(unit.partition("/")[2] for unit in self.store.done(self.run, f"{resource}/"))

    def note_gaps(self, gone: Iterable[r.Customer], snapshot: r.Snapshot) -> None:
        """What could not be read of lists, and what may stand there."""
        refused = {q.id for q in self.quarantined if q.field == OWN_PAGE}
        self.quarantined += [
            *gaps(self.pages, refused),
            *behind_gaps(self.pages, gone, snapshot.plans, snapshot.subscriptions),
        ]

    def customers(self) -> tuple[r.Customer, ...]:
        """Those that can be told apart."""
        customers = self.many(r.Customer, "customers")
        apart = self._apart("customers", doubled_customers(customers))
        return tuple(customer for customer in customers if customer.lago_id not in apart)

    def subscriptions(
        self, billed: Mapping[str, datetime], shown: Collection[str], catalog: Iterable[r.Plan]
    ) -> tuple[r.Subscription, ...]:
        """With the plan of their own pages, and the units of their fixed charges.

        Those whose dates are possible, that can be told apart, and that are somebody's. ``shown``: ids of customers
        whom documents show, listed or not.
        """
        plans = {raw.key: _member(raw, "plan") for raw in self.store.seen("subscription_details", self.run)}
        fixed = {raw.key: loads(raw.payload) for raw in self.store.seen("subscription_fixed_charges", self.run)}
        raws = self._shown(
            "subscriptions", {"subscription_details": plans.keys(), "subscription_fixed_charges": fixed.keys()}
        )
        more = ((raw, {"plan": plans.get(raw.key), "fixed_charges": fixed.get(raw.key)}) for raw in raws)
        subscriptions = self._decoded(r.Subscription, "subscriptions", more)
        dates = {s.lago_id: wrong for s in subscriptions if (wrong := wrong_dates(s, billed.get(s.lago_id)))}
        nobodys = nobodys_subscriptions(subscriptions, {*self.listed_customers, *shown})
        asked = {s.lago_id for s in subscriptions if s.status == "active"} - self._noted("subscription_details")
        unshown = dict.fromkeys(asked - plans.keys(), NO_PAGE)
        unshown |= {s.lago_id: NO_UNITS for s in lacking_units(subscriptions, catalog)}
        apart = self._apart("subscriptions", {**unshown, **doubled_subscriptions(subscriptions), **nobodys, **dates})
        return tuple(s for s in subscriptions if s.lago_id not in apart)

    def _apart(self, resource: str, wrong_by_id: Mapping[str, Wrong]) -> Mapping[str, Wrong]:
        """Put records of which each can be read into quarantine all the same."""
        for raw in self.store.seen(resource, self.run) if wrong_by_id else ():
            if wrong := wrong_by_id.get(raw.key):
                self._refuse(resource, raw, (wrong.path, wrong.reason, wrong.problem), loads(raw.payload))
        return wrong_by_id

    def payment_methods(self) -> tuple[r.PaymentMethod, ...]:
        external = {raw.key: _member(raw, "external_id") for raw in self.store.seen("customers", self.run)}
        raws = self.store.seen("payment_methods", self.run)
        more = ((raw, {"external_customer_id": external.get(raw.parent)}) for raw in raws)
        return self._decoded(r.PaymentMethod, "payment_methods", more)

    def note_set_aside(self) -> None:
        """Those that were set aside while they were read."""
        for raw in self.store.seen(SET_ASIDE, self.run):
            payload = loads(raw.payload)
            self._refuse("events", raw, problem_of(payload), payload)

    def _decoded(self, cls: type[T], resource: str, raws: Iterable[tuple[Raw, Mapping[str, object]]]) -> tuple[T, ...]:
        """Each with what is added to it. Records of one id are none of them known to be the right one."""
        items = [(raw, loads(raw.payload), more) for raw, more in raws]
        times = Counter(_id(payload) for _, payload, _ in items)
        return tuple(
            record
            for raw, payload, more in items
            if (record := self._one(cls, resource, raw, payload, more, times[_id(payload)])) is not None
        )

    def _one(
        self, cls: type[T], resource: str, raw: Raw, payload: object, more: Mapping[str, object], times: int
    ) -> T | None:
        lago_id = _id(payload)
        if lago_id and times > 1:
            self._refuse(resource, raw, ("lago_id", NOT_UNIQUE, Told.OF_RECORDS.of(times)), payload)
            return None
        if lago_id and lago_id != raw.key and not raw.key.startswith(NO_ID):
            problem = ("lago_id", WRONG_VALUE, Told.SHOWN_OTHERWISE.of())
            self._refuse(resource, raw, problem, payload)
            return None
        try:
            if not isinstance(payload, dict):
                told = Told.SHOULD_BE.of(Told.AN_OBJECT.of(), type(payload).__name__)
                raise DecodeError(resource, raw.key, "(whole record)", told)
            record = decode(cls, {**_filled(resource, payload), **more}, resource)
        except DecodeError as error:
            shown = {**payload, **more} if isinstance(payload, dict) else payload
            self._refuse(resource, raw, (error.path, error.reason, error.problem), shown)
            return None
        path, customer = _named_customer(record)
        if customer in self.listed_customers or _LAGO_ID.fullmatch(customer):
            return record
        self._refuse(resource, raw, (path, WRONG_VALUE, Told.IS_NO_ID.of(repr(customer[:40]))), payload)
        return None

    @cached_property
    def listed_customers(self) -> frozenset[str]:
        """Ids of those that Lago lists, and "" for nobody. Any other that is named was deleted, if it is an id."""
        return frozenset({"", *self.store.keys("customers", self.run)})

    def _refuse(self, resource: str, raw: Raw, problem: FieldProblem, payload: object) -> None:
        self.quarantined.append(quarantined(resource, raw.key, problem, raw.payload, payload))


def _named_customer(record: object) -> tuple[str, str]:
    """(path, id) of the customer whom a record makes known, should no list show it; "" for none."""
    if isinstance(record, r.Subscription):
        return "lago_customer_id", record.lago_customer_id
    if isinstance(record, r.Invoice | r.CreditNote) and record.customer:
        return "customer.lago_id", record.customer.lago_id
    return "", ""


def _id(payload: object) -> str:
    lago_id = payload.get("lago_id") if isinstance(payload, dict) else None
    return lago_id if isinstance(lago_id, str) else ""


def _member(raw: Raw, name: str) -> object:
    payload = loads(raw.payload)
    return payload.get(name) if isinstance(payload, dict) else None


def _filled(resource: str, payload: Mapping[str, object]) -> Mapping[str, object]:
    """An invoice that never became final may have no date: the day it was made says to which month it belongs."""
    undated = resource == "invoices" and payload.get("issuing_date") is None and payload.get("status") in NOT_FINAL
    made = payload.get("created_at")
    return {**payload, "issuing_date": made[:10]} if undated and isinstance(made, str) else payload
