"""Coupons customers hold -> ``fusion_coupons`` of their orders.

Odoo's own promotions reduce sales orders, never recurring invoices, so only the addon can express a coupon. A coupon
stands on every order of its customer that it may reduce, each time with its Lago id: it counts once per invoice.
What earlier invoices used of it goes along with their moments, so that the past can be billed again as it was.
Where past periods are to be rerun (option ``usage_since``), coupons and orders that ended since then count too.
The definitions move too, so that the addon's API can give them to other customers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from mappings import fields
from mappings.context import CURRENT, Context, Problem, currency_ref
from mappings.coupon_uses import is_left_known
from mappings.fields import written
from mappings.money import from_subunits
from mappings.records import AppliedCoupon, Coupon, Invoice, Subscription
from mappings.target import Desired, Mapped, Phase, Skipped, Source, Value, xid
from mappings.text import json_text, plain


def coupon_definitions(context: Context) -> Iterator[Mapped]:
    """Every coupon of the list, ended ones too: customers may hold them still."""
    if not context.target.addon or not context.has_model("fusion.billing.coupon"):
        return
    for coupon in sorted(context.snapshot.coupons, key=lambda c: (c.code, c.lago_id)):
        source = Source("coupon", coupon.code, coupon.lago_id)
        problem = context.currency_problem(coupon.amount_currency) if coupon.amount_currency else None
        if problem:
            yield problem.skips(Phase.CATALOG, source, None)
            continue
        model, record = "fusion.billing.coupon", xid("coupon", coupon.lago_id)
        yield Desired(phase=Phase.CATALOG, model=model, xid=record, values=_definition(coupon), source=source)


def coupons_by_subscription(context: Context) -> dict[str, str]:
    """Lago id of a subscription -> JSON list of its coupons, oldest first, in Lago's shape."""
    shapes: dict[str, list[dict[str, Any]]] = {}
    uncertain = _uncertain(context)
    definitions, invoices = _definitions(context), {invoice.lago_id: invoice for invoice in context.snapshot.invoices}
    for applied in _held(context):
        coupon = definitions.get(applied.lago_coupon_id)
        elsewhere = context.own_seller_problem(applied) or context.problem(applied.lago_customer_id)
        if coupon and applied.lago_id not in uncertain and not elsewhere:
            shape = {**_shape(applied, coupon), "credits": list(_credits(applied, invoices))}
            for subscription in _orders(context, applied, coupon):
                shapes.setdefault(subscription.lago_id, []).append(shape)
    return {lago_id: json_text(items) for lago_id, items in shapes.items()}


def shown_coupons(context: Context) -> dict[str, frozenset[str]]:
    """Lago id of a customer -> the coupons of theirs that Lago shows, with what they are, or says are over."""
    definitions, uncertain, shown = _definitions(context), _uncertain(context), dict[str, set[str]]()
    for applied in context.snapshot.applied_coupons:
        is_told = applied.lago_coupon_id in definitions and applied.lago_id not in uncertain
        if applied.status != "active" or is_told:
            shown.setdefault(applied.lago_customer_id, set()).add(applied.lago_id)
    return {customer: frozenset(ids) for customer, ids in shown.items()}


def coupon_gaps(context: Context) -> Iterator[Skipped]:
    """The coupons in force that no order expresses, and those whose uses contradict each other."""
    definitions = _definitions(context)
    for applied in _held(context):
        if applied.status != "active":
            continue  # needed to rerun the past only
        problem = _problem(context, applied, definitions.get(applied.lago_coupon_id))
        problem = problem or _contradicted(context, applied)
        if problem:
            source = coupon_source(applied)
            yield problem.skips(Phase.SUBSCRIPTIONS, source, applied.external_customer_id)


def coupon_source(applied: AppliedCoupon) -> Source:
    """A customer holds a coupon's code more than once: the id's head tells them apart."""
    label = f"{applied.external_customer_id}/{applied.coupon_code} ({applied.lago_id[:8]})"
    return Source("applied_coupon", label, applied.lago_id)


def _definition(coupon: Coupon) -> dict[str, Value]:
    amount: dict[str, Value] = {"amount": None, "currency_id": None}
    if coupon.amount_cents is not None and coupon.amount_currency:
        units = from_subunits(coupon.amount_cents, coupon.amount_currency)
        amount = {"amount": plain(units), "currency_id": currency_ref(coupon.amount_currency)}
    return {
        **amount,
        "name": coupon.name,
        "code": coupon.code,
        "description": coupon.description or None,
        "coupon_type": coupon.coupon_type,
        "percentage_rate": None if coupon.percentage_rate is None else plain(coupon.percentage_rate),
        "frequency": coupon.frequency,
        "frequency_duration": coupon.frequency_duration or 0,
        "reusable": coupon.reusable,
        "limited_plans": coupon.limited_plans,
        "plan_codes": json_text(sorted(coupon.plan_codes)),
        "limited_metrics": coupon.limited_billable_metrics,
        "metric_codes": json_text(sorted(coupon.billable_metric_codes)),
        "expires_at": coupon.expiration_at.replace(microsecond=0) if coupon.expiration_at else None,
        "terminated_at": coupon.terminated_at.replace(microsecond=0) if coupon.terminated_at else None,
        "fusion_lago_id": coupon.lago_id,
    }


def _problem(context: Context, applied: AppliedCoupon, coupon: Coupon | None) -> Problem | None:
    if elsewhere := context.own_seller_problem(applied) or context.problem(applied.lago_customer_id):
        return elsewhere
    if not context.target.addon:
        return Problem(
            "coupon_needs_addon", "Odoo's promotions do not reduce recurring invoices: install fusion_billing"
        )
    if unread := context.in_quarantine(applied.lago_coupon_id):
        return unread
    if coupon is None:
        return Problem(
            "coupon_unknown", f"coupon {applied.coupon_code} was deleted in Lago: what it applies to is not known"
        )
    if not _orders(context, applied, coupon):
        none = Problem("coupon_without_order", "its customer has no running subscription that it could reduce")
        return context.unread_of("subscriptions", applied.lago_customer_id) or none
    return None


def _contradicted(context: Context, applied: AppliedCoupon) -> Problem | None:
    """What contradicts it. Where an invoice of it or another such coupon cannot be read, that is why."""
    told = context.coupon_contradictions.get(applied.lago_id)
    if told is None:
        return None
    unread = context.in_quarantine(*(credit.invoice.lago_id for credit in applied.credits if credit.invoice))
    unread = unread or context.unread_of("applied_coupons", applied.lago_customer_id)
    if unread:
        return unread
    way_out = "its orders have it all the same" if is_left_known(applied) else "its orders are without it"
    return Problem("coupon_contradicts", f"{told}: {way_out}; find out in Lago what is left of it")


def _uncertain(context: Context) -> frozenset[str]:
    """Lago ids of held coupons of which nobody knows what is left."""
    known = {applied.lago_id for applied in context.snapshot.applied_coupons if is_left_known(applied)}
    return frozenset(context.coupon_contradictions) - known


def _held(context: Context) -> list[AppliedCoupon]:
    in_force = (
        applied
        for applied in context.snapshot.applied_coupons
        if applied.status == "active" or _ended_since(context, applied.terminated_at)
    )
    return sorted(in_force, key=lambda applied: (applied.created_at, applied.lago_id))


def _definitions(context: Context) -> dict[str, Coupon]:
    return {coupon.lago_id: coupon for coupon in context.snapshot.coupons}


def _orders(context: Context, applied: AppliedCoupon, coupon: Coupon) -> list[Subscription]:
    """The subscriptions the coupon may reduce: those on its plans, if it is limited to some."""
    return [
        subscription
        for subscription in context.held.get(applied.lago_customer_id, ())
        if (subscription.status in CURRENT or _ended_since(context, subscription.terminated_at))
        and (not coupon.limited_plans or subscription.plan_code in coupon.plan_codes)
    ]


def _ended_since(context: Context, moment: datetime | None) -> bool:
    """Whether something that ended still counts, because periods before its end can be rerun."""
    since = context.options.usage_since
    return since is not None and moment is not None and moment >= since


def _credits(applied: AppliedCoupon, invoices: Mapping[str, Invoice]) -> Iterator[dict[str, Any]]:
    """What each invoice took, when it was made, and when it was voided (then Lago gives it back)."""
    for credit in applied.credits:
        invoice = invoices.get(credit.invoice.lago_id) if credit.invoice else None
        if invoice is not None:
            voided = invoice.status == "voided"
            yield {
                "at": invoice.created_at,
                "amount_cents": credit.amount_cents,
                "voided_at": (invoice.voided_at or invoice.created_at) if voided else None,
            }


def _shape(applied: AppliedCoupon, coupon: Coupon) -> dict[str, Any]:
    return {
        "lago_id": applied.lago_id,
        "lago_coupon_id": applied.lago_coupon_id,
        "coupon_code": applied.coupon_code,
        "coupon_name": coupon.name,
        "coupon_type": coupon.coupon_type,
        "status": applied.status,
        "frequency_duration_remaining": applied.frequency_duration_remaining,
        "amount_cents_remaining": applied.amount_cents_remaining,
        **written(fields.APPLIED_COUPON, applied),
        "limited_plans": coupon.limited_plans,
        "plan_codes": sorted(coupon.plan_codes),
        "limited_billable_metrics": coupon.limited_billable_metrics,
        "billable_metric_codes": sorted(coupon.billable_metric_codes),
    }
