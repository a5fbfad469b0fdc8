from odoo import fields, models


class SaleSubscriptionPlan(models.Model):
    _name = "sale.subscription.plan"
    _description = "Subscription Plan"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    company_id = fields.Many2one("res.company")
    billing_period_value = fields.Integer(string="Duration", required=True, default=1)
    billing_period_unit = fields.Selection(
        [("week", "Weeks"), ("month", "Months"), ("year", "Years")], string="Unit", required=True, default="month"
    )
    auto_close_limit = fields.Integer(default=15)
    user_closable = fields.Boolean(string="Closable")

    _positive_period = models.Constraint("check (billing_period_value > 0)", "The billing period must be positive.")


class SaleOrderCloseReason(models.Model):
    _name = "sale.order.close.reason"
    _description = "Subscription Close Reason"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
