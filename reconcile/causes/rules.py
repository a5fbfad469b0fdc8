"""The causes, in the order in which they are tried: one line in ``CAUSES`` and one function each.

A function looks at a case and proposes what to change in the baseline. It may be generous: ``classify`` accepts a
proposal only if computing again under it gives the difference to the cent.

What is known beside the amounts stands in ``Case.known`` (``knowledge``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from reconcile.causes.case import Case, Cause, Proposal
from reconcile.causes.digits import currency_rounding, line_rounding, price_precision, quantity_precision
from reconcile.causes.header_rules import (
    balance_missing,
    balance_wrong,
    coupon_missing,
    held_taxes,
    open_settlement,
    progressive_credit,
    settlement,
    tax_missing,
    tax_rounding,
    tax_wrong,
)
from reconcile.causes.lago_rules import (
    coupon_in_excess,
    duplicate_events,
    edited_header,
    edited_line,
    off_plan,
    old_rule,
    period_boundary,
)
from reconcile.causes.line_rules import (
    currency,
    discount,
    duplicate_line,
    ended_in_odoo,
    extra_line,
    late_events,
    line_by_itself,
    mapping_gap,
    missing_line,
    order_line_added,
    plan_change_date,
    price,
    subscription_state,
    usage,
)
from reconcile.causes.tax_rules import early_discount, tax_included, tax_terms


def both(*proposers: Callable[[Case], Iterable[Proposal]]) -> Callable[[Case], Iterator[Proposal]]:
    """A proposer that makes the proposals of all of them, one after the other."""
    return lambda case: (proposal for propose in proposers for proposal in propose(case))


CAUSES: tuple[Cause, ...] = (
    # lines: what was left out or is there twice
    Cause(name="currency", propose=currency, record=True),  # it explains all lines: no record beside it does
    Cause(name="mapping_gap", propose=mapping_gap),
    Cause(name="base_product_swapped"),
    Cause(name="order_line_added", propose=order_line_added),
    Cause(name="discount", propose=discount, record=True),
    Cause(name="duplicate_line", propose=duplicate_line),
    # usage
    Cause(name="late_events", propose=late_events),
    Cause(name="duplicate_events", propose=duplicate_events),
    Cause(name="old_rule", propose=old_rule, last=True),
    Cause(name="missing_usage", propose=usage(missing=True), describes=True),
    Cause(name="extra_usage", propose=usage(missing=False), describes=True),
    Cause(name="aggregation"),
    Cause(name="filter"),
    # time
    Cause(name="time_zone"),
    Cause(name="period_boundary", propose=period_boundary),
    Cause(name="proration"),
    Cause(name="trial"),
    Cause(name="previous_order"),
    # prices
    Cause(name="tier_edge"),
    Cause(name="free_units"),
    Cause(name="minimum"),
    Cause(name="price_then"),
    Cause(name="price", propose=price),
    Cause(name="quantity_precision", propose=quantity_precision),
    Cause(name="currency_rounding", propose=currency_rounding),
    Cause(name="tax_included", propose=tax_included),
    Cause(name="price_precision", propose=price_precision),
    Cause(name="line_rounding", propose=line_rounding),
    Cause(name="plan_change_date", propose=both(ended_in_odoo, plan_change_date)),
    Cause(name="edited_amount", propose=edited_line),
    # what is there, and not why
    Cause(name="subscription_state", propose=subscription_state, describes=True),
    Cause(name="charge_terms"),
    Cause(name="missing_line", propose=missing_line, describes=True),
    Cause(name="extra_line", propose=both(line_by_itself, extra_line), describes=True),
    Cause(name="off_plan", propose=off_plan, describes=True),
    # the header
    Cause(name="progressive_credit", propose=progressive_credit, header=True),
    Cause(name="coupon_missing", propose=coupon_missing, header=True),
    Cause(name="coupon_expired", header=True),
    Cause(name="coupon_limit", header=True),
    Cause(name="coupon_extra", propose=coupon_in_excess, header=True),
    Cause(name="fiscal_position", propose=held_taxes("fiscal_position"), header=True),
    Cause(name="tax_missing", propose=both(held_taxes("tax_missing"), tax_missing), header=True),
    Cause(name="tax_wrong", propose=both(held_taxes("tax_wrong"), tax_terms, tax_wrong), header=True),
    Cause(name="early_discount", propose=early_discount, header=True),
    Cause(name="tax_rounding", propose=tax_rounding, header=True),
    Cause(name="settlement_missing", propose=both(settlement, open_settlement), header=True),
    Cause(name="balance_missing", propose=balance_missing, header=True),
    Cause(name="balance_wrong", propose=balance_wrong, header=True, describes=True),
    Cause(name="edited_header", propose=edited_header, header=True, last=True),
)
