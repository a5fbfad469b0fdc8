"""What every mapper may look at: the snapshot with its indexes, the target, finance's tables, the options.

A customer that cannot be moved takes everything of theirs along: nobody wants an order without its partner.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from mappings.coupon_uses import coupon_contradictions
from mappings.leaving import going_on
from mappings.partners import PartnerProposal, find_proposals
from mappings.quarantine import Quarantined
from mappings.records import (
    AppliedCoupon,
    BillableMetric,
    BillingEntity,
    CreditNote,
    Customer,
    Invoice,
    Plan,
    Snapshot,
    Subscription,
    Tax,
    Wallet,
)
from mappings.sellers import UnreadSellers
from mappings.tables import Tables
from mappings.target import Phase, Ref, Skipped, Source, Target, xid
from mappings.text import composed

CURRENT = ("active", "pending")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """``history``: terminated and cancelled subscriptions become closed orders (else they stay in Lago's archive).

    ``usage_since``: load all usage from then on, so that Odoo can rerun past periods; None loads the open periods only.
    ``activate_currencies``: bring a currency that is inactive in Odoo to life; else what needs it is skipped.
    ``open_items``: bring what is open of invoices and credit notes; else the books hold all of them.
    ``waived``: names of what may be left out; an order whose charge is one of them does not wait for it.
    ``left``: subscription (Lago id) -> the boundary at which it leaves Lago, and from which on Odoo bills it.
    """

    history: bool = True
    usage_since: datetime | None = None
    activate_currencies: bool = True
    waived: frozenset[str] = frozenset()
    open_items: bool = True
    left: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something cannot be expressed: the reason's name, and one sentence with the way out."""

    reason: str
    detail: str
    because: str = ""  # id of the record in quarantine that it depends on

    def skips(self, phase: Phase, source: Source, customer: str | None) -> Skipped:
        return Skipped(
            phase=phase,
            source=source,
            reason=self.reason,
            detail=self.detail,
            customer=customer,
            because=self.because,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The inputs and their indexes, built once by ``context()``. Customers and plans are indexed by Lago id.

    ``unread``: what is in quarantine, by Lago's id.
    """

    snapshot: Snapshot
    target: Target
    tables: Tables
    options: Options
    customers: Mapping[str, Customer]
    blocked: Mapping[str, Problem]  # by the customer's Lago id
    plans: Mapping[str, Plan]  # those of the list, and those found on a subscription's own page
    codes: Mapping[str, Plan]  # the same by code
    metrics: Mapping[str, BillableMetric]
    held: Mapping[str, tuple[Subscription, ...]]  # by the customer's Lago id
    entity: BillingEntity | None
    unread: Mapping[str, Quarantined] = field(default_factory=dict)
    sellers: UnreadSellers = field(default_factory=UnreadSellers)
    notes: Mapping[str, tuple[CreditNote, ...]] = field(default_factory=dict)  # by the invoice they are of
    billed_plans: Mapping[str, str] = field(default_factory=dict)  # subscription -> the plan its last invoice names
    coupon_contradictions: Mapping[str, str] = field(default_factory=dict)  # by the applied coupon's Lago id

    def has(self, model: str, field: str) -> bool:
        """Whether the server has the field. A model that discovery did not look at counts as complete."""
        return model not in self.target.models or field in self.target.models[model]

    def has_model(self, model: str) -> bool:
        """Whether the server has the model: an older addon lacks some. Nothing discovered counts as everything."""
        return not self.target.models or model in self.target.models

    def problem(self, lago_customer_id: str) -> Problem | None:
        """Why nothing of this customer can be moved, if so."""
        if lago_customer_id in self.unread:
            return self.in_quarantine(lago_customer_id)
        if lago_customer_id not in self.customers:
            detail = f"its customer {lago_customer_id} is neither in Lago's list nor on an invoice: extract again"
            return Problem("customer_unknown", detail)
        return self.blocked.get(lago_customer_id)

    def seller_problem(self, document: Invoice | CreditNote) -> Problem | None:
        """That an open amount is owed to another seller than ours, or that nothing is known of the seller.

        Lago lets a subscription be billed by another entity than its customer: that entity is who is owed.
        """
        unread = self.sellers.of_invoice(document, None) if isinstance(document, Invoice) else None
        if unread is not None:
            return self.in_quarantine(unread.id)
        ours, theirs = _our_entity(self.entity, self.tables), document.billing_entity_code
        if not ours or theirs in (None, ours):
            return None
        detail = f"is owed to {theirs}, and this company of Odoo stands for {ours}"
        return Problem("other_billing_entity", f"{detail}: enter it by hand in the books of {theirs}")

    def own_seller_problem(self, record: Subscription | Wallet | AppliedCoupon) -> Problem | None:
        """That a thing of a customer's is another seller's than the customer (Lago has that since July 2026).

        An order of Odoo's is billed by its customer's company, with its taxes: there is no right place for it.
        """
        holder, named = self.customers.get(record.lago_customer_id), record.billing_entity_code
        usual = (holder.billing_entity_code if holder else None) or _our_entity(self.entity, self.tables)
        if named is None or usual in (None, named):
            return None
        detail = f"is of {named}, and its customer of {usual}, whose company of Odoo would bill it with its own taxes"
        return Problem("other_billing_entity", f"{detail}: enter it by hand in the books of {named}")

    def in_quarantine(self, *lago_ids: str | None) -> Problem | None:
        """That one of these cannot be read, which what depends on it waits for."""
        unread = next((self.unread[i] for i in lago_ids if i and i in self.unread), None)
        if unread is None:
            return None
        detail = f"depends on {unread.resource} {unread.name}, in quarantine: field {unread.field} {unread.problem}"
        return Problem(unread.reason, detail, unread.id)

    def unread_of(self, resource: str, lago_customer_id: str) -> Problem | None:
        """That a record of this kind cannot be read which is this customer's: what lacks may only be unread."""
        customer = self.customers.get(lago_customer_id)
        names = {lago_customer_id, customer.external_id if customer else lago_customer_id}
        return self.in_quarantine(
            *(q.id for q in self.unread.values() if q.resource == resource and {q.customer_id, q.customer} & names)
        )

    def unread_named(self, resource: str, label: str) -> Problem | None:
        """That what is named by this external id or code may be there, and cannot be read."""
        return self.in_quarantine(*(q.id for q in self.unread.values() if q.resource == resource and q.label == label))

    def external(self, lago_customer_id: str) -> str | None:
        """The external id of a customer, which cohorts go by."""
        customer = self.customers.get(lago_customer_id)
        if customer is None and lago_customer_id in self.unread:
            return self.unread[lago_customer_id].customer or None
        return customer.external_id if customer else None

    def plan_problem(self, subscription: Subscription) -> Problem | None:
        """That the plan it pays cannot be read: neither by its id nor, where there is no id, by its code."""
        plan = subscription.plan
        if plan is not None:
            return self.in_quarantine(plan.parent_id, plan.lago_id)
        named = (q.id for q in self.unread.values() if q.resource == "plans" and q.label == subscription.plan_code)
        return self.in_quarantine(*named)

    def plan_of(self, subscription: Subscription) -> Plan | None:
        """The plan as this subscription pays it: its override if it has one, else the catalog's.

        A plan on a subscription's own page lacks its fixed charges; the catalog's has them.
        """
        paid_plan = subscription.plan
        if paid_plan is None:
            billed = self.billed_plans.get(subscription.lago_id)
            return self.plans.get(billed) if billed else self.codes.get(subscription.plan_code)
        return paid_plan if paid_plan.parent_id else self.plans.get(paid_plan.lago_id, paid_plan)

    def catalog_plan(self, plan: Plan) -> Plan:
        """The plan an override was made from, or the plan itself."""
        return self.plans.get(plan.parent_id or plan.lago_id, plan)

    def account(self, kind: str, code: str) -> Ref | None:
        return self.tables.income_account(kind, code, self.target.company_id)

    def currency_problem(self, currency: str) -> Problem | None:
        """Why a currency cannot be used: Odoo does not know it, or it is inactive and must stay so."""
        if unknown := _unknown_currency(currency, self.target):
            return unknown
        if currency in self.target.currencies or self.options.activate_currencies:
            return None
        return Problem(
            "currency_inactive", f"{currency} is not active in Odoo: activate it under Accounting, Currencies"
        )


def context(snapshot: Snapshot, target: Target, tables: Tables, options: Options) -> Context:
    """Index the inputs, and decide which customers cannot be moved at all."""
    snapshot = going_on(snapshot, options.left)
    entity, plans = _entity(snapshot, tables), _plans(snapshot)
    customers = {c.lago_id: c for c in _with_taxes(snapshot)}
    unread = {unread.id: unread for unread in snapshot.quarantined}
    sellers = UnreadSellers.of(snapshot)
    problems = (
        (
            lago_id,
            _seller_problem(c, sellers)
            or _customer_problem(c, entity, tables)
            or _unknown_currency(c.currency or "", target)
            or _partner_problem(c, target, tables),
        )
        for lago_id, c in customers.items()
    )
    undecided = {p.customer.lago_id: _undecided(p, tables) for p in proposals(snapshot, target, tables)}
    blocked = {lago_id: problem for lago_id, problem in problems if problem is not None}
    return Context(
        snapshot=snapshot,
        target=target,
        tables=tables,
        options=options,
        customers=customers,
        blocked=undecided | blocked,
        plans=plans,
        codes={plan.code: plan for plan in plans.values()},
        metrics={metric.lago_id: metric for metric in snapshot.billable_metrics},
        held=_held(snapshot.subscriptions),
        entity=entity,
        unread=unread,
        sellers=sellers,
        notes=_notes(snapshot.credit_notes),
        billed_plans=_billed_plans(snapshot),
        coupon_contradictions=coupon_contradictions(snapshot),
    )


def proposals(snapshot: Snapshot, target: Target, tables: Tables) -> tuple[PartnerProposal, ...]:
    """Customers that may stand in Odoo already, and about whom finance's table says nothing."""
    return find_proposals(snapshot.customers, target.standing, tables.partners)


def currency_ref(currency: str) -> Ref:
    """The currency's record, which Odoo owns."""
    return Ref(f"base.{currency.upper()}")


def partner_ref(lago_customer_id: str) -> Ref:
    """The customer's partner in Odoo."""
    return Ref(xid("customer", lago_customer_id))


def local_day(moment: datetime, timezone: str) -> date:
    """The customer's calendar day of a moment."""
    return moment.astimezone(ZoneInfo(timezone)).date()


def day_after(end: datetime, timezone: str) -> date:
    """The customer's first day after a period that ends at 23:59:59 local time."""
    return local_day(end + timedelta(seconds=1), timezone)


def state_code(country: str | None, state: str | None, tables: Tables) -> str | None:
    """The code of a state. In Canada one of finance's table, found by code or by name; elsewhere what Lago has."""
    text = composed(state or "").strip()
    if (country or "").upper() != "CA":
        return text.upper() or None
    if text.upper() in tables.provinces:
        return text.upper()
    return next((code for code, names in tables.provinces.items() if text.casefold() in map(composed, names)), None)


def _billed_plans(snapshot: Snapshot) -> dict[str, str]:
    """By id: the code of a plan that was deleted may be another plan's by now."""
    invoices = sorted(snapshot.invoices, key=lambda invoice: (invoice.created_at, invoice.lago_id))
    periods = (period for invoice in invoices for period in invoice.billing_periods)
    return {period.lago_subscription_id: period.lago_plan_id for period in periods if period.lago_plan_id}


def _entity(snapshot: Snapshot, tables: Tables) -> BillingEntity | None:
    entities = snapshot.billing_entities
    named = [e for e in entities if e.code == tables.entity] if tables.entity else [e for e in entities if e.is_default]
    return next(iter(named or (entities if not tables.entity else ())), None)


def _our_entity(entity: BillingEntity | None, tables: Tables) -> str | None:
    """The code of the seller for whom this company of Odoo stands."""
    return tables.entity or (entity.code if entity else None)


def _customer_problem(customer: Customer, entity: BillingEntity | None, tables: Tables) -> Problem | None:
    our_entity = _our_entity(entity, tables)
    if our_entity and customer.billing_entity_code not in (None, our_entity):
        detail = f"billed by {customer.billing_entity_code}, and this company of Odoo stands for {our_entity}"
        return Problem("other_billing_entity", detail + f": run again with [entity] code in {tables.name}")
    if (customer.country or "").upper() == "CA" and state_code("CA", customer.state, tables) is None:
        detail = f"lives in Canada, in {customer.state or 'no province'}: Odoo would charge no tax"
        return Problem("customer_without_province", detail + f"; set the province in Lago, or name it in {tables.name}")
    return None


def _unknown_currency(currency: str, target: Target) -> Problem | None:
    """That Odoo has no such currency, or none by the external id that it gives to its own."""
    known, code = target.all_currencies, currency.upper()
    if not code or not known or code in known:
        return None
    detail = f"{code} is no currency that Odoo has: correct it in Lago, or import it into Odoo with the id base.{code}"
    return Problem("currency_unknown", detail)


def _partner_problem(customer: Customer, target: Target, tables: Tables) -> Problem | None:
    """That the partner which finance's table names for it cannot be it."""
    decision = None if customer.deleted else tables.partners.get(composed(customer.external_id))
    if not isinstance(decision, int):
        return None
    bound = target.standing.bound.get(customer.lago_id)
    place = tables.places.get(f"partners.{composed(customer.external_id)}", tables.name)
    if bound is not None and bound != decision:
        detail = f"{place}: is partner {bound} in Odoo since it was applied, not {decision}"
        return Problem("partner_already_chosen", detail + ": correct the table, or roll the phase customers back first")
    if bound is None and decision not in target.standing.partners:
        detail = f"{place}: Odoo has no partner {decision} that it could become (gone, of another company, a contact"
        return Problem("partner_not_found", detail + " of somebody, or another customer's): name another, or 'new'")
    return None


def _undecided(proposal: PartnerProposal, tables: Tables) -> Problem:
    first, *others = proposal.matches
    more = f", and {len(others)} more" if others else ""
    detail = f"may be partner {first.partner.id} of Odoo already ({first}{more}): decide in [partners] of {tables.name}"
    return Problem("partner_undecided", detail)


def _seller_problem(customer: Customer, sellers: UnreadSellers) -> Problem | None:
    """A billing entity of which nothing is known takes its customers along: its taxes are theirs."""
    unread = sellers.of_customer(customer)
    if unread is None:
        return None
    detail = f"its billing entity {unread.name} is in quarantine: field {unread.field} {unread.problem}"
    return Problem(unread.reason, detail, unread.id)


def _with_taxes(snapshot: Snapshot) -> Iterable[Customer]:
    """The customers; a deleted one, rebuilt from invoices, gets the taxes of the newest invoice that had any."""
    newest: dict[str, Invoice] = {}
    for invoice in sorted(snapshot.invoices, key=lambda i: (i.issuing_date, i.lago_id)):
        if invoice.customer is not None and invoice.applied_taxes:
            newest[invoice.customer.lago_id] = invoice
    for customer in snapshot.customers:
        if customer.deleted and not customer.taxes and customer.lago_id in newest:
            yield replace(customer, taxes=_taxes_of(newest[customer.lago_id]))
        else:
            yield customer


def _taxes_of(invoice: Invoice) -> tuple[Tax, ...]:
    return tuple(
        Tax(lago_id=t.lago_tax_id or t.tax_code, code=t.tax_code, name=t.tax_name or t.tax_code, rate=t.tax_rate)
        for t in invoice.applied_taxes
    )


def _notes(notes: Iterable[CreditNote]) -> dict[str, tuple[CreditNote, ...]]:
    by_invoice: dict[str, tuple[CreditNote, ...]] = {}
    for note in notes:
        by_invoice[note.lago_invoice_id] = (*by_invoice.get(note.lago_invoice_id, ()), note)
    return by_invoice


def _plans(snapshot: Snapshot) -> dict[str, Plan]:
    """Plans by Lago id. Deleted ones are not in the list any more, but stand on the subscriptions that have them."""
    subscribed = [s.plan for s in snapshot.subscriptions if s.plan is not None and s.plan.parent_id is None]
    return {plan.lago_id: plan for plan in (*subscribed, *snapshot.plans)}


def _held(subscriptions: Iterable[Subscription]) -> dict[str, tuple[Subscription, ...]]:
    by_customer: dict[str, tuple[Subscription, ...]] = {}
    for subscription in subscriptions:
        by_customer[subscription.lago_customer_id] = (*by_customer.get(subscription.lago_customer_id, ()), subscription)
    return by_customer
