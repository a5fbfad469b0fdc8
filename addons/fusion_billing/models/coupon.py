import uuid

from odoo import api, fields, models

from ..tools import check_decimal, check_json


class FusionBillingCoupon(models.Model):
    """What a coupon takes off, and from what. Customers who hold one have it on their orders (``fusion_coupons``)."""

    _name = "fusion.billing.coupon"
    _description = "Coupon"
    _order = "terminated_at desc nulls first, code, id desc"

    name = fields.Char(required=True)
    code = fields.Char(required=True)
    description = fields.Char()
    coupon_type = fields.Selection([("fixed_amount", "Amount"), ("percentage", "Percentage")], required=True)
    amount = fields.Char(help="In currency units")
    currency_id = fields.Many2one("res.currency")
    percentage_rate = fields.Char(help="Percent, as a plain decimal")
    frequency = fields.Selection(
        [("once", "Once"), ("recurring", "Some periods"), ("forever", "Forever")], required=True, default="once"
    )
    frequency_duration = fields.Integer("Periods")
    reusable = fields.Boolean(default=True, help="A customer may hold it more than once")
    limited_plans = fields.Boolean("Only some plans")
    plan_codes = fields.Text(help="JSON list")
    limited_metrics = fields.Boolean("Only some metrics")
    metric_codes = fields.Text(help="JSON list")
    expires_at = fields.Datetime(help="It cannot be given to customers after that")
    terminated_at = fields.Datetime(help="It cannot be given to customers any more")
    fusion_lago_id = fields.Char("Lago id", default=lambda self: str(uuid.uuid4()), copy=False)
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)

    # Lago frees the code of a coupon that was terminated
    _code_uniq = models.UniqueIndex(
        "(company_id, code) WHERE terminated_at IS NULL", "A coupon with this code exists already."
    )

    @api.constrains("amount", "percentage_rate")
    def _check_decimals(self):
        check_decimal(self, "amount")
        check_decimal(self, "percentage_rate")

    @api.constrains("plan_codes", "metric_codes")
    def _check_json(self):
        check_json(self, "plan_codes", list)
        check_json(self, "metric_codes", list)
