"""Plans and add-ons -> intervals, price lists, products and their prices.

    plan      product.template (the base fee) + its variant + one price in the price list of its currency
    interval  sale.subscription.plan (Enterprise) or sale.subscription.template (OCA), shared by all plans that have it
    currency  res.currency (made active) + product.pricelist, through which an Odoo order gets its currency

An override has no product of its own: the order pays another price for its parent's product.
"""

from __future__ import annotations

from collections.abc import Iterator

from mappings import dialects, fields
from mappings.charges import plan_charges
from mappings.context import Context, Problem, currency_ref
from mappings.customers import pricelist_ref
from mappings.fields import written
from mappings.money import from_subunits
from mappings.products import product, product_ref, template_ref
from mappings.records import AddOn, Plan
from mappings.target import Desired, Mapped, Phase, Ref, Source, Value, xid
from mappings.taxes import odoo_taxes
from mappings.text import json_text, plain

THRESHOLDS = Problem("progressive_billing", "bills when usage passes a threshold; Odoo bills by date only")


def catalog(context: Context) -> tuple[Plan, ...]:
    """Plans that get a product: those of the list, and any parent or orphan a subscription still refers to."""
    paid = (context.plan_of(subscription) for subscription in context.snapshot.subscriptions)
    plans = {plan.lago_id: plan for plan in (context.catalog_plan(p) for p in paid if p)}
    plans |= {plan.lago_id: plan for plan in context.plans.values()}
    return tuple(sorted(plans.values(), key=lambda plan: (plan.code, plan.lago_id)))


def currencies(context: Context) -> Iterator[Mapped]:
    """What orders and balances are in: each currency active, and with a price list."""
    for currency in sorted(_used_currencies(context)):
        problem = context.currency_problem(currency)
        if problem:
            yield problem.skips(Phase.CATALOG, Source("currency", currency), None)
            continue
        # also when it is active already: a wish that vanished once fulfilled would look like a removal
        yield _shared("res.currency", currency_ref(currency).xid, {"active": True}, Source("currency", currency))
        values: dict[str, Value] = {"name": f"Lago {currency}", "currency_id": currency_ref(currency)}
        yield _shared("product.pricelist", pricelist_ref(currency).xid, values, Source("currency", currency))


def intervals(context: Context) -> Iterator[Desired]:
    """The billing intervals that plans use."""
    used = {dialects.cadence(context.target, plan) for plan in catalog(context)}
    for interval in dialects.INTERVALS:
        if interval in used:
            yield dialects.interval(context.target, interval)


def plans(context: Context) -> Iterator[Mapped]:
    """Every plan: product, price, charges; and what of it the target cannot express."""
    for plan in catalog(context):
        source = Source("plan", plan.code, plan.lago_id)
        recurring = dialects.recurring(context, dialects.cadence(context.target, plan))
        more = {**recurring, **_plan_offer(context, plan), **_plan_taxes(context, plan)}
        yield product(context, "plan", plan.lago_id, plan.code, plan.name, source, more)
        gaps = list(_gaps(context, plan))
        if unpriced := context.currency_problem(plan.amount_currency):
            gaps.append(unpriced)
        else:
            yield _price(context, plan)
        yield from (problem.skips(Phase.CATALOG, source, None) for problem in gaps)
        yield from plan_charges(context, plan, template_ref("plan", plan.lago_id))


def _plan_taxes(context: Context, plan: Plan) -> dict[str, Value]:
    """A plan's own taxes, for subscriptions that start in Odoo; those that are moved spell theirs out on every line."""
    taxes = odoo_taxes(context, plan.taxes)
    return {} if isinstance(taxes, Problem) or not taxes else {"taxes_id": taxes}


def add_ons(context: Context) -> Iterator[Mapped]:
    """Every add-on, also those that only a fixed charge still knows, as a product."""
    fixed = [charge for plan in catalog(context) for charge in plan.fixed_charges]
    for subscription in context.snapshot.subscriptions:
        fixed += subscription.fixed_charges or ()
        fixed += subscription.plan.fixed_charges if subscription.plan else ()
    found = {c.lago_add_on_id: (c.add_on_code, c.invoice_display_name or c.add_on_code) for c in fixed}
    found |= {add_on.lago_id: (add_on.code, add_on.name) for add_on in context.snapshot.add_ons}
    listed = {add_on.lago_id: add_on for add_on in context.snapshot.add_ons}
    for lago_id, (code, name) in sorted(found.items(), key=lambda item: (item[1][0], item[0])):
        source, add_on = Source("add_on", code, lago_id), listed.get(lago_id)
        more = {**dialects.recurring(context, None), **_add_on_offer(context, add_on)}
        yield product(context, "add_on", lago_id, code, name, source, more)
        if add_on and (unpriced := context.currency_problem(add_on.amount_currency)):
            yield unpriced.skips(Phase.CATALOG, source, None)


def base_product(context: Context, plan: Plan) -> Ref:
    """The product of the base fee."""
    return product_ref("plan", context.catalog_plan(plan).lago_id)


def _price(context: Context, plan: Plan) -> Desired:
    values: dict[str, Value] = {
        "pricelist_id": pricelist_ref(plan.amount_currency),
        "applied_on": "1_product",
        "product_tmpl_id": template_ref("plan", plan.lago_id),
        "compute_price": "fixed",
        "fixed_price": from_subunits(plan.amount_cents, plan.amount_currency),
    }
    if "plan_id" in context.target.models.get("product.pricelist.item", ()):
        values["plan_id"] = dialects.interval_ref(dialects.cadence(context.target, plan))
    return _shared(
        "product.pricelist.item", xid("price", plan.lago_id), values, Source("plan", plan.code, plan.lago_id)
    )


def _shared(model: str, external_id: str, values: dict[str, Value], source: Source) -> Desired:
    return Desired(phase=Phase.CATALOG, model=model, xid=external_id, values=values, source=source)


def _plan_offer(context: Context, plan: Plan) -> dict[str, Value]:
    """What a new subscription copies from its plan. A plan that Lago lists no more is not offered."""
    if not _offers(context, plan) or plan.lago_id not in {listed.lago_id for listed in context.snapshot.plans}:
        return {}
    return {**_offer("plan", plan), **written(fields.TERMS, plan), **commitment(plan)}


def commitment(plan: Plan) -> dict[str, Value]:
    """The minimum of a full period, on products and orders alike."""
    due = plan.minimum_commitment
    return (
        written(fields.COMMITMENT, due, plan.amount_currency) if due else {row.odoo: None for row in fields.COMMITMENT}
    )


def _add_on_offer(context: Context, add_on: AddOn | None) -> dict[str, Value]:
    return _offer("add_on", add_on) if add_on and _offers(context, add_on) else {}


def _offers(context: Context, item: Plan | AddOn) -> bool:
    """What has its price in a currency that Odoo lacks is a product without an offer: others' orders may name it."""
    priced = context.currency_problem(item.amount_currency) is None
    return priced and context.target.addon and context.has("product.template", "fusion_kind")


def _offer(kind: str, item: Plan | AddOn) -> dict[str, Value]:
    return {
        "fusion_kind": kind,
        "fusion_amount": plain(from_subunits(item.amount_cents, item.amount_currency)),
        "fusion_currency_id": currency_ref(item.amount_currency),
        "fusion_invoice_name": item.invoice_display_name or None,
        "fusion_description": item.description or None,
        "fusion_tax_codes": json_text(sorted(tax.code for tax in item.taxes)) if item.taxes else None,
    }


def _used_currencies(context: Context) -> set[str]:
    snapshot = context.snapshot
    used = {plan.amount_currency for plan in catalog(context)}
    used |= {plan.amount_currency for s in snapshot.subscriptions if (plan := s.plan)}
    used |= {s.plan_amount_currency for s in snapshot.subscriptions if s.plan_amount_currency}
    used |= {customer.currency for customer in context.customers.values() if customer.currency}
    used |= {invoice.currency for invoice in snapshot.invoices} | {note.currency for note in snapshot.credit_notes}
    return {currency.upper() for currency in used}


def _gaps(context: Context, plan: Plan) -> Iterator[Problem]:
    if plan.usage_thresholds:
        yield THRESHOLDS
    if context.target.addon:
        return
    if plan.minimum_commitment:
        yield Problem("commitment_needs_addon", "has a minimum commitment: install fusion_billing")
    if plan.amount_cents and not plan.pay_in_advance:
        yield Problem(
            "arrears_needs_addon", "is paid in arrears, native subscriptions in advance: install fusion_billing"
        )
    if dialects.bills_parts_monthly(plan):
        yield Problem("monthly_parts_need_addon", f"is {plan.interval} but bills parts monthly: install fusion_billing")
