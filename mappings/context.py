"""What every mapper may look at: the snapshot with its indexes, the target, finance's tables, the options.

A customer that cannot be moved takes everything of theirs along: nobody wants an order without its partner.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from mappings.records import (
    BillableMetric,
    BillingEntity,
    Customer,
    Invoice,
    Plan,
    Snapshot,
    Subscription,
    Tax,
)
from mappings.tables import Tables
from mappings.target import Phase, Ref, Skipped, Target, xid

CURRENT = ("active", "pending")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """``history``: terminated and cancelled subscriptions become closed orders (else they stay in Lago's archive).

    ``usage_since``: load all usage from then on, so that Odoo can rerun past periods; None loads the open periods only.
    ``activate_currencies``: bring a currency that is inactive in Odoo to life; else what needs it is skipped.
    """

    history: bool = True
    usage_since: datetime | None = None
    activate_currencies: bool = True


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something cannot be expressed: the reason's name, and one sentence with the way out."""

    reason: str
    detail: str

    def skips(self, phase: Phase, source: str, customer: str | None) -> Skipped:
        return Skipped(phase=phase, source=source, reason=self.reason, detail=self.detail, customer=customer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The inputs and their indexes, built once by ``context()``. Customers and plans are indexed by Lago id."""

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

    def has(self, model: str, field: str) -> bool:
        """Whether the server has the field. A model that discovery did not look at counts as complete."""
        return model not in self.target.models or field in self.target.models[model]

    def has_model(self, model: str) -> bool:
        """Whether the server has the model: an older addon lacks some. Nothing discovered counts as everything."""
        return not self.target.models or model in self.target.models

    def problem(self, lago_customer_id: str) -> Problem | None:
        """Why nothing of this customer can be moved, if so."""
        if lago_customer_id not in self.customers:
            detail = f"its customer {lago_customer_id} is neither in Lago's list nor on an invoice: extract again"
            return Problem("customer-unknown", detail)
        return self.blocked.get(lago_customer_id)

    def external(self, lago_customer_id: str) -> str | None:
        """The external id of a customer, which cohorts go by."""
        customer = self.customers.get(lago_customer_id)
        return customer.external_id if customer else None

    def plan_of(self, subscription: Subscription) -> Plan | None:
        """The plan as this subscription pays it: its override if it has one, else the catalog's.

        A plan on a subscription's own page lacks its fixed charges; the catalog's has them.
        """
        own = subscription.plan
        if own is None:
            return self.codes.get(subscription.plan_code)
        return own if own.parent_id else self.plans.get(own.lago_id, own)

    def catalog_plan(self, plan: Plan) -> Plan:
        """The plan an override was made from, or the plan itself."""
        return self.plans.get(plan.parent_id or plan.lago_id, plan)

    def account(self, kind: str, code: str) -> Ref | None:
        return self.tables.income_account(kind, code, self.target.company_id)

    def currency_problem(self, currency: str) -> Problem | None:
        """Why a currency cannot be used: it is inactive and must stay so."""
        if currency in self.target.currencies or self.options.activate_currencies:
            return None
        return Problem(
            "currency-inactive", f"{currency} is not active in Odoo: activate it under Accounting, Currencies"
        )


def context(snapshot: Snapshot, target: Target, tables: Tables, options: Options) -> Context:
    """Index the inputs, and decide which customers cannot be moved at all."""
    entity, plans = _entity(snapshot, tables), _plans(snapshot)
    customers = {c.lago_id: c for c in _with_taxes(snapshot)}
    problems = ((lago_id, _customer_problem(c, entity, tables)) for lago_id, c in customers.items())
    return Context(
        snapshot=snapshot,
        target=target,
        tables=tables,
        options=options,
        customers=customers,
        blocked={lago_id: problem for lago_id, problem in problems if problem is not None},
        plans=plans,
        codes={plan.code: plan for plan in plans.values()},
        metrics={metric.lago_id: metric for metric in snapshot.billable_metrics},
        held=_held(snapshot.subscriptions),
        entity=entity,
    )


def currency_ref(currency: str) -> Ref:
    return Ref(f"base.{currency.upper()}")


def partner_ref(lago_customer_id: str) -> Ref:
    return Ref(xid("customer", lago_customer_id))


def local_day(moment: datetime, timezone: str) -> date:
    """The customer's calendar day of a moment."""
    return moment.astimezone(ZoneInfo(timezone)).date()


def day_after(end: datetime, timezone: str) -> date:
    """The customer's first day after a period that ends at 23:59:59 local time."""
    return local_day(end + timedelta(seconds=1), timezone)


def state_code(country: str | None, state: str | None, tables: Tables) -> str | None:
    """The code of a state. In Canada one of finance's table, found by code or by name; elsewhere what Lago has."""
    text = (state or "").strip()
    if (country or "").upper() != "CA":
        return text.upper() or None
    if text.upper() in tables.provinces:
        return text.upper()
    return next((code for code, names in tables.provinces.items() if text.casefold() in names), None)


def _entity(snapshot: Snapshot, tables: Tables) -> BillingEntity | None:
    entities = snapshot.billing_entities
    named = [e for e in entities if e.code == tables.entity] if tables.entity else [e for e in entities if e.is_default]
    return next(iter(named or (entities if not tables.entity else ())), None)


def _customer_problem(customer: Customer, entity: BillingEntity | None, tables: Tables) -> Problem | None:
    own = tables.entity or (entity.code if entity else None)
    if own and customer.billing_entity_code not in (None, own):
        detail = f"billed by {customer.billing_entity_code}, and this company of Odoo stands for {own}"
        return Problem("other-billing-entity", detail + f": run again with [entity] code in {tables.name}")
    if (customer.country or "").upper() == "CA" and state_code("CA", customer.state, tables) is None:
        detail = f"lives in Canada, in {customer.state or 'no province'}: Odoo would charge no tax"
        return Problem("customer-without-province", detail + f"; set the province in Lago, or name it in {tables.name}")
    return None


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


def _plans(snapshot: Snapshot) -> dict[str, Plan]:
    """Plans by Lago id. Deleted ones are not in the list any more, but stand on the subscriptions that have them."""
    own = [s.plan for s in snapshot.subscriptions if s.plan is not None and s.plan.parent_id is None]
    return {plan.lago_id: plan for plan in (*own, *snapshot.plans)}


def _held(subscriptions: Iterable[Subscription]) -> dict[str, tuple[Subscription, ...]]:
    held: dict[str, tuple[Subscription, ...]] = {}
    for subscription in subscriptions:
        held[subscription.lago_customer_id] = (*held.get(subscription.lago_customer_id, ()), subscription)
    return held
