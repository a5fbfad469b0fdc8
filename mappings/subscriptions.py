"""Subscriptions -> subscription orders.

    pending              a quotation that starts on its day
    active               a confirmed order whose next invoice is due the day after Lago's current period
    terminated, canceled history: a closed (cancelled) order without quantities, so that it can never be invoiced again,
                         but with its dates and prices, so that a past period can be rerun (option ``history``)
    incomplete           a named gap: it waits for a first payment inside Lago

Lines: the base fee, each fixed charge with its units, each metered charge with quantity 0 (metering fills it). Every
line spells out its taxes, and every price is this subscription's own, also where its plan was changed later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from mappings import dialects, fields
from mappings.charges import awaited, fixed_charges_of, gap, order_charges
from mappings.checks import CONTRADICTED, contradicted_currency
from mappings.context import CURRENT, Context, Problem, day_after, local_day, partner_ref
from mappings.coupons import coupons_by_subscription, shown_coupons
from mappings.customers import account_of, delivery_contact, invoice_contact, pricelist_ref
from mappings.dialects import CANCELLED, CLOSED, DRAFT, RUNNING, OrderLine, SubscriptionOrder
from mappings.fields import written
from mappings.money import exponent, from_subunits, round_half_up
from mappings.names import age, order_names
from mappings.payment_terms import own_term_gap, term_ref
from mappings.period import MONTHS, Cycle
from mappings.planned_ends import planned_end_gaps
from mappings.plans import THRESHOLDS, base_product, commitment
from mappings.products import product_ref
from mappings.quarantine import Quarantined
from mappings.records import Charge, Customer, FixedCharge, Plan, Subscription, Tax
from mappings.services import service_of
from mappings.target import Mapped, Phase, Ref, Skipped, Source, Value, xid
from mappings.taxes import line_taxes
from mappings.text import json_text, plain

STATES = {"pending": DRAFT, "active": RUNNING, "terminated": CLOSED, "canceled": CANCELLED}


def subscriptions(context: Context) -> Iterator[Mapped]:
    """Every subscription, oldest first (an order stands after the one it replaces), or why not."""
    ordered = sorted(context.snapshot.subscriptions, key=age)
    names, previous = order_names(ordered), predecessors(ordered)
    coupons, advance = coupons_by_subscription(context), billed_in_advance(context)
    shown = shown_coupons(context)
    moved: set[str] = set()
    for subscription in ordered:
        if not is_wanted(context, subscription):
            continue
        plan, problem = context.plan_of(subscription), refusal(context, subscription)
        before, applied = previous.get(subscription.lago_id), coupons.get(subscription.lago_id)
        if problem or plan is None:
            yield _skipped(context, subscription, problem or _no_plan(subscription))
            continue
        order = _order(
            context, subscription, plan, applied, names, before if before and before.lago_id in moved else None
        )
        if isinstance(order, Problem):
            yield _skipped(context, subscription, order)
            continue
        moved.add(subscription.lago_id)
        order = replace(
            order,
            extras={**order.extras, **_billed(context, subscription, plan, advance)},
            shown={"fusion_coupons": shown.get(subscription.lago_customer_id, frozenset())},
        )
        yield from dialects.records(context, order)
        yield from _own_charges(context, subscription, plan, order)
        yield from (_skipped(context, subscription, missing) for missing in _gaps(context, subscription, plan))


def billed_in_advance(context: Context) -> dict[str, datetime]:
    """Subscription -> when Lago billed its last event of a charge paid in advance: Odoo goes on from there."""
    billed_until: dict[str, datetime] = {}
    for fee in context.snapshot.fees:
        if fee.pay_in_advance and fee.event_transaction_id and fee.lago_subscription_id:
            billed_until[fee.lago_subscription_id] = max(
                fee.created_at, billed_until.get(fee.lago_subscription_id, fee.created_at)
            )
    return billed_until


def _billed(
    context: Context, subscription: Subscription, plan: Plan, advance: Mapping[str, datetime]
) -> dict[str, Value]:
    """What Lago has billed already: Odoo must not bill it again."""
    if not context.target.addon or "fusion_billed_until" not in context.target.models.get("sale.order", ()):
        return {}
    until = _billed_last(subscription, plan) if subscription.status == "active" else None
    return {
        "fusion_billed_until": _seconds(until or _ended(subscription)),
        "fusion_advance_until": _seconds(advance.get(subscription.lago_id)),
    }


def _billed_last(subscription: Subscription, plan: Plan) -> datetime | None:
    """The start of the running period; in advance the end of a trial within it, which Lago bills as well."""
    start, trial_end = subscription.current_billing_period_started_at, subscription.trial_ended_at
    if start is None or trial_end is None or not plan.pay_in_advance:
        return start
    return max(start, trial_end)


def source(subscription: Subscription) -> Source:
    """How a subscription is called to people; external ids are shared along a chain."""
    label = f"{subscription.external_id} ({subscription.lago_id[:8]})"
    return Source("subscription", label, subscription.lago_id)


def order_ref(lago_id: str) -> Ref:
    """The subscription's order in Odoo."""
    return Ref(xid("subscription", lago_id))


def is_wanted(context: Context, subscription: Subscription) -> bool:
    """Whether the options ask for it: history may be left behind."""
    return context.options.history or STATES.get(subscription.status) not in (CLOSED, CANCELLED)


def refusal(context: Context, subscription: Subscription) -> Problem | None:
    """Why the subscription as a whole cannot be moved, apart from its taxes."""
    plan = context.plan_of(subscription)
    if elsewhere := context.own_seller_problem(subscription) or context.problem(subscription.lago_customer_id):
        return elsewhere
    if subscription.status not in STATES:
        return Problem(f"subscription_{subscription.status}", "has not started: finish or cancel it in Lago")
    if unread := context.plan_problem(subscription) or _disturbed(context, subscription, plan):
        return unread
    if plan is None:
        return _no_plan(subscription)
    if contradiction := contradicted_currency(subscription, plan):
        return Problem(CONTRADICTED, f"{contradiction}: correct it in Lago")
    return context.currency_problem(_currency(subscription, plan)) or awaited(context, subscription, plan)


def _disturbed(context: Context, subscription: Subscription, plan: Plan | None) -> Problem | None:
    """What an order of Odoo's would bill otherwise without it, and cannot be read: a metric, a coupon, what was billed.

    An order that is there stays as it is then; one that is new waits.
    """
    metrics = (charge.lago_billable_metric_id for charge in (plan.charges if plan else ()))
    of_customer = (q for q in context.unread.values() if subscription.lago_customer_id == q.customer_id)
    return context.in_quarantine(*metrics, *(q.id for q in of_customer if _disturbs(context, q)))


def _disturbs(context: Context, unread: Quarantined) -> bool:
    """Whether orders of its customer are made from it: from invoices only what they took off coupons."""
    if unread.resource == "fees":
        return '"event_transaction_id":"' in unread.raw.replace(" ", "")
    holders = {applied.lago_customer_id for applied in context.snapshot.applied_coupons}
    return unread.resource == "applied_coupons" or (unread.resource == "invoices" and unread.customer_id in holders)


def predecessors(ordered: Iterable[Subscription]) -> dict[str, Subscription]:
    """Lago id -> the subscription it replaces: same external id, the plan Lago names, created before (oldest first)."""
    replaced: dict[str, Subscription] = {}
    newest: dict[tuple[str, str, str], Subscription] = {}
    for subscription in ordered:
        chain = (subscription.lago_customer_id, subscription.external_id)
        before = newest.get((*chain, subscription.previous_plan_code or ""))
        if before is not None and subscription.previous_plan_code:
            replaced[subscription.lago_id] = before
        if subscription.status != "canceled":
            newest[(*chain, subscription.plan_code)] = subscription
    return replaced


def _skipped(context: Context, subscription: Subscription, problem: Problem) -> Skipped:
    customer = context.external(subscription.lago_customer_id) or subscription.external_customer_id
    return problem.skips(Phase.SUBSCRIPTIONS, source(subscription), customer)


def _no_plan(subscription: Subscription) -> Problem:
    detail = f"its plan {subscription.plan_code} was deleted and Lago shows it no more: enter it in Odoo by hand"
    return Problem("plan_unknown", detail)


def next_invoice_date(context: Context, subscription: Subscription, plan: Plan, timezone: str) -> date | None:
    """The day native invoicing must act next: after Lago's current period, in the customer's days.

    Lago's current period is a month where parts are billed monthly; without the addon the base fee's own period counts.
    """
    if subscription.status == "pending":
        return local_day(subscription.subscription_at, timezone)
    if subscription.status != "active":
        return None
    end = subscription.current_billing_period_ending_at
    if end is not None and (context.target.addon or not dialects.bills_parts_monthly(plan)):
        return day_after(end, timezone)
    anniversary = subscription.billing_time == "anniversary"
    anchor = local_day(subscription.subscription_at, timezone) if anniversary else None
    cycle = Cycle(interval=dialects.cadence(context.target, plan), anchor=anchor)
    within = end or context.snapshot.taken_at  # Lago's record comes before its clock
    last = cycle.end(cycle.start(local_day(within, timezone)))
    return date.fromordinal(last.toordinal() + 1)


def _order(
    context: Context,
    subscription: Subscription,
    plan: Plan,
    coupons: str | None,
    names: Mapping[str, str],
    previous: Subscription | None,
) -> SubscriptionOrder | Problem:
    customer = context.customers[subscription.lago_customer_id]
    lines = _lines(context, customer, subscription, plan)
    if isinstance(lines, Problem):
        return lines
    zone = customer.applicable_timezone
    return SubscriptionOrder(
        xid=order_ref(subscription.lago_id).xid,
        source=source(subscription),
        customer=customer.external_id,
        name=names[subscription.lago_id],
        external_id=subscription.external_id,
        partner=partner_ref(customer.lago_id),
        invoice_to=invoice_contact(customer),
        ship_to=delivery_contact(customer),
        interval=dialects.cadence(context.target, plan),
        state=STATES[subscription.status],
        pricelist=pricelist_ref(_currency(subscription, plan)),
        payment_term=term_ref(context, customer, subscription),
        started=local_day(subscription.started_at or subscription.subscription_at, zone),
        ends=_day(_ended(subscription) or subscription.ending_at, zone),
        next_invoice=next_invoice_date(context, subscription, plan, zone),
        lines=lines,
        origin=names[previous.lago_id] if previous else None,
        extras=_extras(context, customer, subscription, plan, previous, coupons) if context.target.addon else {},
    )


def _lines(
    context: Context, customer: Customer, subscription: Subscription, plan: Plan
) -> tuple[OrderLine, ...] | Problem:
    lines = []
    items: tuple[Plan | Charge | FixedCharge, ...] = (
        plan,
        *plan.charges,
        *fixed_charges_of(context, subscription, plan),
    )
    for item in items:
        if isinstance(item, (Charge, FixedCharge)) and gap(context, item):
            continue  # named with the catalog, for all who hold the plan
        own_taxes: tuple[Tax, ...] = () if isinstance(item, Plan) else item.taxes
        taxes = line_taxes(context, customer, plan, own_taxes)
        if isinstance(taxes, Problem):
            return taxes
        lines.append(_line(context, subscription, plan, item, taxes))
    return tuple(lines)


def _line(
    context: Context, subscription: Subscription, plan: Plan, item: Plan | Charge | FixedCharge, taxes: tuple[Ref, ...]
) -> OrderLine:
    if isinstance(item, Plan):
        price = _share(context, plan, _amount(subscription, plan), _currency(subscription, plan))
        product, quantity = base_product(context, plan), Decimal(1)
        name = subscription.name or plan.invoice_display_name or plan.name
    elif isinstance(item, FixedCharge):
        product, quantity, price = product_ref("add_on", item.lago_add_on_id), item.units, _unit_price(item)
        if not plan.bill_fixed_charges_monthly:
            price = _share(context, plan, price, _currency(subscription, plan))
        name = item.invoice_display_name or item.add_on_code
    else:
        product = product_ref("metric", item.lago_billable_metric_id)
        quantity, price = Decimal(0), Decimal(0) if item.filters else _unit_price(item)
        metric = context.metrics[item.lago_billable_metric_id]
        name = item.invoice_display_name or metric.name or metric.code
    part = "base" if isinstance(item, Plan) else item.lago_id
    line = xid("line", subscription.lago_id, part)
    return OrderLine(xid=line, product=product, name=name, quantity=quantity, price=price, taxes=taxes)


def _share(context: Context, plan: Plan, price: Decimal, currency: str) -> Decimal:
    """What recurs each time native subscriptions look at the order: the month's share of a longer period.

    Native recurring totals then tell the truth of a year whose parts are billed every month. What is billed does not
    follow from it: the addon bills ``fusion_plan_amount`` when its period is over, or begins.
    """
    months = MONTHS[plan.interval] if dialects.cadence(context.target, plan) != plan.interval else 1
    return price if months == 1 else round_half_up(price / months, exponent(currency))


def _unit_price(charge: Charge | FixedCharge) -> Decimal:
    """The price of a unit where there is a single one; 0 where tiers decide (the addon computes the line)."""
    return Decimal(str(charge.properties.get("amount") or 0)) if charge.charge_model == "standard" else Decimal(0)


def _own_charges(
    context: Context, subscription: Subscription, plan: Plan, order: SubscriptionOrder
) -> Iterator[Mapped]:
    """The charges of an order that differ from its plan's: an override, or other units of a fixed charge."""
    if not context.target.addon:
        return
    fixed = fixed_charges_of(context, subscription, plan)
    standard = context.catalog_plan(plan)
    if plan.charges == standard.charges and {_price(c) for c in fixed} == {_price(c) for c in standard.fixed_charges}:
        return
    yield from order_charges(context, plan, fixed, Ref(order.xid), subscription, order.customer)


def _price(charge: FixedCharge) -> tuple[str, Decimal, str]:
    return (charge.lago_parent_id or charge.lago_id, charge.units, repr(charge.properties))


def _extras(
    context: Context,
    customer: Customer,
    subscription: Subscription,
    plan: Plan,
    previous: Subscription | None,
    coupons: str | None,
) -> dict[str, Value]:
    """The addon's fields (docs/design/addon-fields.md)."""
    cents = plan.amount_cents if subscription.plan_amount_cents is None else subscription.plan_amount_cents
    paid = replace(subscription, terminated_at=_ended(subscription), plan_amount_cents=cents)
    replaces = previous if subscription.status != "canceled" else None  # a withdrawn change replaces nothing
    return {
        **account_of(context, customer, service_of(context, plan.code)),
        "fusion_lago_id": subscription.lago_id,
        "fusion_previous_order_id": order_ref(replaces.lago_id) if replaces else None,
        **written(fields.SUBSCRIPTION, paid, _currency(subscription, plan)),
        **written(fields.PLAN, plan),
        **commitment(plan),
        **written(fields.CUSTOMER, customer),
        "fusion_coupons": coupons,
        **_details(context, subscription),
    }


def _details(context: Context, subscription: Subscription) -> dict[str, Value]:
    """What the addon's API shows and Odoo has no field for; an older addon has no place for it."""
    if not context.has("sale.order", "fusion_details"):
        return {}
    names = ("name", "purchase_order_number", "on_termination_credit_note", "on_termination_invoice")
    details = {name: value for name in names if (value := getattr(subscription, name, None))}
    return {"fusion_details": json_text(details) if details else None}


def _gaps(context: Context, subscription: Subscription, plan: Plan) -> Iterator[Problem]:
    """What of a subscription that is moved stays behind."""
    if subscription.status not in CURRENT:
        return
    if subscription.purchase_order_number:
        number = subscription.purchase_order_number
        detail = f"purchase order {number}: enter it in Odoo, the reference holds the Lago id"
        yield Problem("purchase_order_number", detail)
    yield from own_term_gap(subscription)
    if subscription.applicable_usage_thresholds and not plan.usage_thresholds:
        yield THRESHOLDS
    digits = context.target.quantity_digits
    for charge in fixed_charges_of(context, subscription, plan):
        if gap(context, charge) is None and charge.units != round_half_up(charge.units, digits):
            detail = f"{plain(charge.units)} units of {charge.add_on_code}: Odoo keeps {digits} digits of quantities"
            yield Problem("quantity_precision", detail + "; raise Decimal Accuracy of Product Unit")
    yield from planned_end_gaps(context, subscription, plan)
    if not context.target.addon:
        yield from _gaps_without_addon(subscription, plan, context)


def _gaps_without_addon(subscription: Subscription, plan: Plan, context: Context) -> Iterator[Problem]:
    zone = context.customers[subscription.lago_customer_id].applicable_timezone
    if plan.trial_period and subscription.trial_ended_at is None:
        yield Problem("trial_needs_addon", f"has {plain(plan.trial_period)} free days: install fusion_billing")
    if subscription.billing_time == "anniversary" and local_day(subscription.subscription_at, zone).day > 28:
        yield Problem(
            "anchor_needs_addon", "renews on a day some months lack; native dates drift: install fusion_billing"
        )
    named = {charge.add_on_code for charge in context.catalog_plan(plan).fixed_charges if gap(context, charge)}
    own = (gap(context, c) for c in fixed_charges_of(context, subscription, plan) if c.add_on_code not in named)
    yield from (problem for problem in own if problem is not None)


def _amount(subscription: Subscription, plan: Plan) -> Decimal:
    """The base fee of a full period as this subscription pays it, in currency units."""
    cents = plan.amount_cents if subscription.plan_amount_cents is None else subscription.plan_amount_cents
    return from_subunits(cents, _currency(subscription, plan))


def _currency(subscription: Subscription, plan: Plan) -> str:
    return subscription.plan_amount_currency or plan.amount_currency


def _ended(subscription: Subscription) -> datetime | None:
    return subscription.terminated_at or subscription.canceled_at


def _seconds(moment: datetime | None) -> datetime | None:
    return moment.replace(microsecond=0) if moment else None


def _day(moment: datetime | None, timezone: str) -> date | None:
    return local_day(moment, timezone) if moment else None
