"""Fields that decide a bill and that we do not (always) write: what stood in them after apply is remembered.

Drift compares them with what stands there now; nothing else does: they are never written, and keep nothing from going.
"""

from __future__ import annotations

from collections.abc import Mapping

from migrate.values import Canon

WHO = {
    "partner_invoice_id": "who gets the invoice",
    "partner_shipping_id": "whose country and province the taxes are found by",
    "fiscal_position_id": "which taxes new lines get",
    "journal_id": "in which journal, and under which numbers",
    "currency_id": "in which currency",
    "company_id": "which company bills",
}
LINE = {
    "product_id": "whether it is the plan's line, and which account it goes to",
    "product_uom_qty": "how much of it",
    "product_uom_id": "in which unit",
    "price_unit": "at which price",
    "discount": "what is taken off what was rated",
    "tax_ids": "which taxes",
}
RATED = {
    "fusion_external_id": "which usage is its own",
    "fusion_lago_id": "what its lines are matched by",
    "fusion_plan_code": "which plan's line and charges",
    "fusion_interval": "how long a period is",
    "fusion_billing_time": "by the calendar or by its anchor",
    "fusion_anchor": "on which day periods begin",
    "fusion_started_at": "since when it is billed",
    "fusion_started_us": "since when, within the second",
    "fusion_ended_at": "until when it is billed",
    "fusion_ended_us": "until when, within the second",
    "fusion_ending_at": "when it will end by itself",
    "fusion_created_at": "whether a first period is billed at its start",
    "fusion_previous_order_id": "what it goes on from, and what is credited",
    "fusion_trial_days": "which days are free",
    "fusion_pay_in_advance": "before or after its period",
    "fusion_bill_charges_monthly": "how often usage is billed",
    "fusion_bill_fixed_charges_monthly": "how often fixed charges are billed",
    "fusion_plan_amount": "the base fee",
    "fusion_commitment": "the least that a period costs",
    "fusion_timezone": "when its days begin",
    "fusion_coupons": "what is taken off",
    "fusion_billed_until": "which periods Lago has billed",
    "fusion_advance_until": "which events paid in advance Lago has billed",
    "fusion_service_id": "which service's account it belongs to",
    "fusion_account_id": "whose it is, and how long its drafts take late usage",
}
# Model -> every field that decides a bill, and what it decides. What the migration writes of them is in the ledger; the
# others are watched. A test holds the addon's models against this.
DECIDES: Mapping[str, Mapping[str, str]] = {
    "sale.order": {
        **WHO,
        **RATED,
        "partner_id": "whose order it is",
        "pricelist_id": "in which currency",
        "payment_term_id": "when the invoice is due",
        "state": "whether it is billed: only confirmed orders are",
        "subscription_state": "whether it is billed: paused and closed ones are not",
        "plan_id": "how often it is looked at",
        "start_date": "since when native subscriptions bill it",
        "next_invoice_date": "when it is billed next",
        "end_date": "when native subscriptions close it",
    },
    "res.partner": {
        "parent_id": "who owes what it is billed: a contact's company does",
        "is_company": "whether it owes its own bills although it is somebody's contact",
    },
    "sale.order.line": LINE,
    "sale.subscription": {
        **WHO,
        "partner_id": "whose subscription it is",
        "pricelist_id": "in which currency",
        "template_id": "how often it is looked at",
        "stage_id": "whether it is billed",
        "in_progress": "whether it is billed",
        "is_paused": "whether it is billed",
        "date_start": "since when",
        "date": "when it is closed",
        "recurring_next_date": "when it is billed next",
        "sale_order_id": "which order bills it, with its usage",
    },
    "sale.subscription.line": {name: why for name, why in LINE.items() if name != "product_uom_id"},
    "sale.subscription.plan": {
        "billing_period_value": "how often its orders are looked at",
        "billing_period_unit": "how often its orders are looked at",
        "auto_close_limit": "after how many days unpaid its orders are closed",
    },
    "sale.subscription.template": {
        "recurring_interval": "how often its subscriptions are looked at",
        "recurring_rule_type": "how often its subscriptions are looked at",
        "recurring_rule_boundary": "whether its subscriptions end by themselves",
        "recurring_rule_count": "after how many periods",
        "invoicing_mode": "whether its invoices are drafts, posted or sent",
    },
    "product.product": {
        "recurring_invoice": "whether its line recurs",
        "subscribable": "whether its line recurs",
        "fusion_lago_id": "which plan its line stands for",
        "subscription_template_id": "whether confirming an order with it makes another subscription",
    },
    "product.pricelist": {"currency_id": "in which currency its orders bill"},
    "fusion.billing.charge": {
        "code": "how its lines are told apart",
        "fusion_lago_id": "what its lines are matched by",
        "kind": "usage, or fixed units",
        "metric_id": "which usage",
        "product_id": "which line of the order stands for it, and which account",
        "plan_id": "whose orders it bills",
        "order_id": "whose order it bills",
        "sequence": "the order of lines, in which coupons are spent",
        "charge_model": "how units become an amount",
        "properties": "its prices",
        "filters": "which events have prices of their own",
        "pay_in_advance": "before or after the period",
        "prorated": "whether days count",
        "invoiceable": "whether it is on invoices",
        "min_amount": "the least that a period costs",
        "units": "how many fixed units",
        "unit_changes": "how many fixed units until when",
        "tax_ids": "which taxes its lines have",
        "company_id": "which company bills it",
    },
    "fusion.billing.metric": {
        "code": "which events count",
        "aggregation": "what is made of them",
        "field_name": "which property counts",
        "recurring": "whether units stay from one period to the next",
        "rounding_function": "how units are rounded",
        "rounding_precision": "how units are rounded",
        "has_rounding_precision": "how units are rounded",
        "weighted_interval": "what a unit is weighted by",
        "filters": "which values are told apart",
        "fusion_lago_id": "what usage is matched by",
        "company_id": "which company's usage",
    },
    "fusion.billing.usage": {
        "transaction_id": "whether an event is counted once",
        "external_subscription_id": "whose usage it is",
        "code": "of which metric",
        "timestamp": "in which period",
        "timestamp_us": "in which period, within the second",
        "received_at": "whether it came in time",
        "received_us": "whether it came in time, within the second",
        "properties": "how much",
        "precise_total_amount_cents": "what it costs, where it says so itself",
        "company_id": "which company's usage",
    },
    "loyalty.card": {"points": "how much is left of prepaid credits"},
    "account.move": {
        "partner_id": "who owes it",
        "partner_shipping_id": "whose country and province the taxes are found by",
        "fiscal_position_id": "which taxes new lines get",
        "journal_id": "in which journal, and under which numbers",
        "currency_id": "in which currency it is open",
        "invoice_date": "since when it is owed",
        "invoice_date_due": "when it is due",
        "fusion_shadow": "whether it is an invoice at all",
        "state": "whether it is owed: a cancelled one is not",
        "posted_before": "whether it has stood in the books, under a number",
    },
    "account.move.line": {
        "quantity": "how much of it is owed",
        "price_unit": "how much is owed",
        "discount": "what is taken off what is owed",
        "tax_ids": "which taxes come on top: those of Lago's invoice are in what is owed",
        "account_id": "which account it is booked against",
    },
}
# Who keeps the books posts what we made: no drift, and ours to undo no more (``compare.booked``).
BOOKED: Mapping[str, frozenset[str]] = {"account.move": frozenset({"state", "posted_before"})}
WHOLE = frozenset({"fusion.billing.usage"})  # written whole by the migration, in numbers: nothing is left to watch
WATCHED: Mapping[str, tuple[str, ...]] = {model: tuple(names) for model, names in DECIDES.items() if model not in WHOLE}
# Native invoicing moves these on with every bill: they tell something as long as Odoo has billed nothing.
MOVING = frozenset({"next_invoice_date", "recurring_next_date"})
# After a change in one of these Odoo fills in the others anew: they are ours again.
LEADING = frozenset({"partner_id", "pricelist_id", "action_confirm()", "stage_id", "in_progress", "subscription_state"})


def watched_values(model: str, values: Mapping[str, Canon], sent: Mapping[str, Canon]) -> dict[str, Canon]:
    """Those of ``values`` that are watched and not written."""
    return {name: values[name] for name in WATCHED.get(model, ()) if name in values and name not in sent}
