"""Charges -> metrics and prices of the addon. Without the addon Odoo cannot meter: every charge is a named gap.

A plan's charges hang on its product. An order that pays other prices (an overridden plan, or other units of a fixed
charge) gets all its charges once more with ``order_id``; they replace those of the plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from mappings import dialects, fields
from mappings.context import CURRENT, Context, Problem
from mappings.fields import written
from mappings.products import product, product_ref
from mappings.reasons import OF_THE_SERVER
from mappings.records import BillableMetric, Charge, FixedCharge, Plan, Subscription, Tax
from mappings.target import Desired, Mapped, Phase, Ref, Source, Value, xid
from mappings.taxes import TaxRefs, odoo_taxes
from mappings.text import json_text

MODEL = "fusion.billing.charge"
MODEL_METRIC = "fusion.billing.metric"


def metrics(context: Context) -> Iterator[Mapped]:
    """Every billable metric: the product of its lines and, with the addon, the metric itself."""
    for metric in sorted(context.metrics.values(), key=lambda m: (m.code, m.lago_id)):
        source = Source("billable_metric", metric.code, metric.lago_id)
        recurring = dialects.recurring(context, "monthly")
        yield product(context, "metric", metric.lago_id, metric.code, metric.name, source, recurring)
        if context.target.addon:
            yield _metric(context, metric, source)
        if context.target.addon and metric.expression:
            detail = "is computed by an expression when an event arrives; Odoo takes the events as they are"
            yield Problem("metric_expression", detail).skips(Phase.CATALOG, source, None)


def metric_ref(metric: BillableMetric) -> Ref:
    """The metric's record in Odoo."""
    return Ref(xid("metric", metric.lago_id))


def plan_charges(context: Context, plan: Plan, template: Ref) -> Iterator[Mapped]:
    """The charges and fixed charges of a plan of the catalog."""
    for number, charge in enumerate(_both(plan.charges, plan.fixed_charges), 1):
        source = _source("", charge, plan.code)
        owner: dict[str, Value] = {"plan_id": template, "sequence": number * 10}
        record = xid("charge", charge.lago_id)
        yield from _charge(context, plan, charge, Phase.CATALOG, record, source, owner, None)


def order_charges(
    context: Context,
    plan: Plan,
    fixed: tuple[FixedCharge, ...],
    order: Ref,
    subscription: Subscription,
    customer: str,
) -> Iterator[Mapped]:
    """The charges of an order that replace its plan's. ``customer`` is an external id."""
    for number, charge in enumerate(_both(plan.charges, fixed), 1):
        source = _source("order_", charge, subscription.external_id)
        owner: dict[str, Value] = {"order_id": order, "sequence": number * 10}
        record = xid("charge", charge.lago_id, subscription.lago_id)
        yield from _charge(context, plan, charge, Phase.SUBSCRIPTIONS, record, source, owner, customer)


def gap(context: Context, charge: Charge | FixedCharge) -> Problem | None:
    """Why Odoo cannot bill this charge."""
    if isinstance(charge, FixedCharge):
        return None if context.target.addon else _gap_without_addon(charge)
    metric = context.metrics.get(charge.lago_billable_metric_id)
    if metric is None:
        deleted = Problem("metric_unknown", f"its metric {charge.billable_metric_code} was deleted in Lago")
        return context.in_quarantine(charge.lago_billable_metric_id) or deleted
    if charge.charge_model == "custom" or metric.aggregation_type == "custom_agg":
        return Problem("custom_aggregation", "is computed by a script inside Lago: price it in Odoo by hand")
    if charge.applied_pricing_unit is not None:
        return Problem("pricing_unit", "is priced in units of its own, which Odoo has not: price it in a currency")
    if charge.regroup_paid_fees is not None:
        return Problem("regroup_paid_fees", "collects fees that were paid one by one; Odoo invoices each")
    return None if context.target.addon else _needs_addon(charge)


def awaited(context: Context, subscription: Subscription, plan: Plan) -> Problem | None:
    """The charge without which an order would bill less than Lago, or other usage, unless somebody has accepted that.

    One that has ended bills nothing more. What the server lacks for everybody stops ``apply`` by itself.
    """
    if subscription.status not in CURRENT:
        return None
    for charge in _both(plan.charges, fixed_charges_of(context, subscription, plan)):
        missing = gap(context, charge)
        if missing is None:
            missing, names = _expression(context, charge), {_metric_id(charge)}
            told, without = "whose usage it would bill wrongly", "with the charge as it is"
        else:
            names, told, without = set(), "without which it would bill less", "without the charge"
        if missing is None or missing.reason in OF_THE_SERVER:
            continue
        if not context.options.waived & {missing.reason, charge.lago_id, *names}:
            detail = f"waits for its charge {_code(charge)} ({charge.lago_id}), {told}"
            way_out = f"waive that id or the reason, and it is written {without}"
            return Problem(missing.reason, f"{detail}: {missing.detail}; {way_out}")
    return None


def _metric_id(charge: Charge | FixedCharge) -> str:
    return charge.lago_billable_metric_id if isinstance(charge, Charge) else ""


def _expression(context: Context, charge: Charge | FixedCharge) -> Problem | None:
    """Why Odoo would bill other usage by this charge than Lago: Lago computes it when an event arrives."""
    metric = context.metrics.get(_metric_id(charge))
    if metric is None or not metric.expression or not context.target.addon:
        return None
    detail = f"metric {metric.code} is computed by an expression when an event arrives; Odoo takes events as they are"
    return Problem("metric_expression", detail)


def fixed_charges_of(context: Context, subscription: Subscription, plan: Plan) -> tuple[FixedCharge, ...]:
    """Fixed charges with this subscription's units: Lago shows them on their own page, overrides leave them out."""
    if subscription.fixed_charges is not None:
        return subscription.fixed_charges
    return plan.fixed_charges or context.catalog_plan(plan).fixed_charges


def _charge(
    context: Context,
    plan: Plan,
    charge: Charge | FixedCharge,
    phase: Phase,
    record: str,
    source: Source,
    owner: dict[str, Value],
    customer: str | None,
) -> Iterator[Mapped]:
    problem = gap(context, charge)
    taxes = odoo_taxes(context, charge.taxes)
    for answer in (problem, taxes):
        if isinstance(answer, Problem):
            yield answer.skips(phase, source, customer)
            return
    if context.target.addon and not isinstance(taxes, Problem):
        specific = _usage(context, plan, charge) if isinstance(charge, Charge) else _fixed(charge)
        values = {**owner, **_common(charge, taxes), **specific}
        yield Desired(phase=phase, model=MODEL, xid=record, values=values, source=source, customer=customer)


def _common(charge: Charge | FixedCharge, taxes: TaxRefs) -> dict[str, Value]:
    return {
        "code": _code(charge),
        "tax_codes": json_text(_codes(charge.taxes)),
        "tax_ids": taxes,
        "fusion_lago_id": charge.lago_id,
    }


def _usage(context: Context, plan: Plan, charge: Charge) -> dict[str, Value]:
    metric = context.metrics[charge.lago_billable_metric_id]
    filters = [
        {
            "lago_id": item.lago_id,
            "values": item.values,
            "properties": item.properties,
            "invoice_display_name": item.invoice_display_name,
        }
        for item in charge.filters
    ]
    return {
        "name": charge.invoice_display_name or metric.name or metric.code,
        "kind": "usage",
        "metric_id": metric_ref(metric),
        "product_id": product_ref("metric", metric.lago_id),
        "filters": json_text(filters),
        "units": None,
        **written(fields.CHARGE, charge, plan.amount_currency),
    }


def _fixed(charge: FixedCharge) -> dict[str, Value]:
    return {
        "name": charge.invoice_display_name or charge.add_on_code,
        "kind": "fixed",
        "metric_id": None,
        "product_id": product_ref("add_on", charge.lago_add_on_id),
        "filters": "[]",
        "invoiceable": True,
        "min_amount": None,
        **written(fields.FIXED_CHARGE, charge),
    }


def _metric(context: Context, metric: BillableMetric, source: Source) -> Desired:
    values: dict[str, Value] = {
        "name": metric.name or metric.code,
        "code": metric.code,
        **({"description": metric.description or None} if context.has(MODEL_METRIC, "description") else {}),
        **written(fields.METRIC, metric),
        "filters": json_text([{"key": item.key, "values": item.values} for item in metric.filters]),
        "fusion_lago_id": metric.lago_id,
    }
    record = metric_ref(metric).xid
    return Desired(phase=Phase.CATALOG, model=MODEL_METRIC, xid=record, values=values, source=source)


def _needs_addon(charge: Charge | FixedCharge) -> Problem:
    detail = f"{charge.charge_model} prices of {_code(charge)} need metering: install fusion_billing"
    return Problem("charge_needs_addon", detail)


def _gap_without_addon(charge: FixedCharge) -> Problem | None:
    """Its price is Odoo's own then, a double: one that comes back as another would bill another amount."""
    if charge.charge_model != "standard" or charge.prorated:
        return _needs_addon(charge)
    price = Decimal(str(charge.properties.get("amount") or 0))
    kept = Decimal(repr(float(price)))
    if kept == price:
        return None
    detail = (
        f"{charge.add_on_code} costs {price}, which Odoo keeps as {kept}: install fusion_billing, or round it in Lago"
    )
    return Problem("price_not_kept_by_odoo", detail)


def _both(charges: tuple[Charge, ...], fixed: tuple[FixedCharge, ...]) -> tuple[Charge | FixedCharge, ...]:
    return (*charges, *fixed)


def _source(kind: str, charge: Charge | FixedCharge, owner: str) -> Source:
    """``kind``: empty for a plan's charge, ``order_`` for that of an order."""
    resource = "charge" if isinstance(charge, Charge) else "fixed_charge"
    return Source(f"{kind}{resource}", f"{owner}/{_code(charge)} ({charge.lago_id[:8]})", charge.lago_id)


def _code(charge: Charge | FixedCharge) -> str:
    return charge.code or (charge.billable_metric_code if isinstance(charge, Charge) else charge.add_on_code)


def _codes(taxes: tuple[Tax, ...]) -> list[str]:
    return sorted(tax.code for tax in taxes)
