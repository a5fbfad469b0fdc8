from odoo import api, fields, models
from odoo.exceptions import UserError

STATES = [
    ("1_draft", "Quotation"),
    ("2_renewal", "Renewal Quotation"),
    ("3_progress", "In Progress"),
    ("4_paused", "Paused"),
    ("5_renewed", "Renewed"),
    ("6_churn", "Churned"),
    ("7_upsell", "Upsell"),
]
# months in one unit of a plan's period, for the monthly recurring revenue
MONTHS = {"week": 7 / 30.437, "month": 1.0, "year": 12.0}


class SaleOrder(models.Model):
    _inherit = "sale.order"

    plan_id = fields.Many2one("sale.subscription.plan", string="Recurring Plan", ondelete="restrict", copy=True)
    is_subscription = fields.Boolean(compute="_compute_is_subscription", store=True, index=True)
    subscription_state = fields.Selection(
        STATES, compute="_compute_subscription_state", store=True, readonly=False, copy=False, index=True
    )
    start_date = fields.Date(copy=False)
    next_invoice_date = fields.Date(copy=False)
    end_date = fields.Date(copy=False)
    origin_order_id = fields.Many2one("sale.order", copy=False, index="btree_not_null")
    subscription_id = fields.Many2one("sale.order", string="Parent Contract", copy=False)
    close_reason_id = fields.Many2one("sale.order.close.reason", copy=False)
    payment_token_id = fields.Many2one("payment.token", copy=False)
    recurring_total = fields.Monetary(compute="_compute_recurring", store=True)
    recurring_monthly = fields.Monetary(compute="_compute_recurring", store=True)

    @api.depends("plan_id", "order_line.product_id.recurring_invoice")
    def _compute_is_subscription(self):
        for order in self:
            recurring = order.order_line.filtered(lambda line: line.product_id.recurring_invoice)
            order.is_subscription = bool(order.plan_id and recurring)

    @api.depends("is_subscription")
    def _compute_subscription_state(self):
        for order in self:
            if order.is_subscription and not order.subscription_state:
                order.subscription_state = "1_draft"
            elif not order.is_subscription and order.subscription_state == "1_draft":
                order.subscription_state = False
            else:
                order.subscription_state = order.subscription_state

    @api.depends("plan_id", "order_line.price_subtotal", "order_line.product_id.recurring_invoice")
    def _compute_recurring(self):
        for order in self:
            recurring = order.order_line.filtered(lambda line: line.product_id.recurring_invoice)
            total = sum(recurring.mapped("price_subtotal")) if order.plan_id else 0.0
            plan = order.plan_id
            months = MONTHS.get(plan.billing_period_unit, 1.0) * (plan.billing_period_value or 1)
            order.recurring_total = total
            order.recurring_monthly = total / months

    def action_confirm(self):
        result = super().action_confirm()
        for order in self.filtered("is_subscription"):
            start = order.start_date or fields.Date.context_today(order)
            order.write(
                {
                    "subscription_state": "3_progress",
                    "start_date": start,
                    "next_invoice_date": order.next_invoice_date or start,
                }
            )
        return result

    def _check_state(self, expected, verb):
        for order in self:
            if order.subscription_state not in expected:
                raise UserError(f"{order.name}: only a subscription in progress or paused can be {verb}.")

    def set_close(self, close_reason_id=None):
        self._check_state(("3_progress", "4_paused"), "closed")
        values = {"subscription_state": "6_churn", "close_reason_id": close_reason_id or False}
        for order in self:
            order.write({**values, "end_date": order.end_date or fields.Date.context_today(order)})
        return True

    def pause_subscription(self):
        self._check_state(("3_progress",), "paused")
        self.write({"subscription_state": "4_paused"})
        return True

    def resume_subscription(self):
        self._check_state(("4_paused",), "resumed")
        self.write({"subscription_state": "3_progress"})
        return True
