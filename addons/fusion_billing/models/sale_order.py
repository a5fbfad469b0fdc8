from odoo import api, fields, models

from ..tools import check_decimal, check_json, check_timezone

INTERVALS = [
    ("weekly", "Weekly"),
    ("monthly", "Monthly"),
    ("quarterly", "Quarterly"),
    ("semiannual", "Semiannual"),
    ("yearly", "Yearly"),
]


RUNNING_TWICE = "A running subscription with this external id exists already."


class SaleOrder(models.Model):
    """A subscription: the native order, plus what Lago's calendar and prices need."""

    _inherit = "sale.order"

    fusion_service_id = fields.Many2one(
        "fusion.billing.service", copy=False, index="btree_not_null", ondelete="restrict", check_company=True
    )
    fusion_account_id = fields.Many2one(
        "fusion.billing.account.link",
        "Account",
        compute="_compute_fusion_account_id",
        store=True,
        readonly=False,
        precompute=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
        check_company=True,
        domain="[('service_id', '=', fusion_service_id)]",
        help="The customer as the service knows it: by this, not by the contact, the service finds the subscription",
    )
    fusion_external_id = fields.Char("Subscription id", copy=False, index="btree_not_null")
    fusion_lago_id = fields.Char("Lago id", copy=False, index="btree_not_null")
    fusion_plan_code = fields.Char("Plan code", copy=False)
    fusion_interval = fields.Selection(INTERVALS, "Interval", copy=False)
    fusion_billing_time = fields.Selection(
        [("calendar", "Calendar"), ("anniversary", "Anniversary")], "Billing time", copy=False
    )
    fusion_anchor = fields.Datetime("Anchor", copy=False, help="Start of the subscription chain (subscription_at)")
    fusion_started_at = fields.Datetime("Started at", copy=False)
    fusion_started_us = fields.Integer("Started at, microseconds", copy=False)
    fusion_ended_at = fields.Datetime("Ended at", copy=False)
    fusion_ended_us = fields.Integer("Ended at, microseconds", copy=False)
    fusion_ending_at = fields.Datetime("Planned end", copy=False)
    fusion_created_at = fields.Datetime("Created at", copy=False)
    fusion_previous_order_id = fields.Many2one(
        "sale.order", "Replaces", copy=False, index="btree_not_null", ondelete="set null"
    )
    fusion_trial_days = fields.Char("Trial days", copy=False)
    fusion_pay_in_advance = fields.Boolean("Paid in advance", copy=False)
    fusion_bill_charges_monthly = fields.Boolean("Charges billed monthly", copy=False)
    fusion_bill_fixed_charges_monthly = fields.Boolean("Fixed charges billed monthly", copy=False)
    fusion_plan_amount = fields.Char("Plan amount", copy=False, help="Of a full period, in currency units")
    fusion_commitment = fields.Char("Minimum commitment", copy=False, help="Of a full period, in currency units")
    fusion_timezone = fields.Char("Time zone", copy=False)
    fusion_coupons = fields.Text("Coupons", copy=False, help="JSON: the applied coupons in Lago's shape")
    fusion_charge_ids = fields.One2many("fusion.billing.charge", "order_id", string="Charges of this order only")

    # an external id is its service's own, and shared along a chain of upgrades: it is unique while it runs
    _fusion_running_of_service_uniq = models.UniqueIndex(
        "(company_id, fusion_service_id, fusion_external_id) WHERE fusion_external_id IS NOT NULL"
        " AND fusion_service_id IS NOT NULL AND fusion_ended_at IS NULL AND fusion_started_at IS NOT NULL"
        " AND state = 'sale'",
        RUNNING_TWICE,
    )
    _fusion_running_alone_uniq = models.UniqueIndex(
        "(company_id, fusion_external_id) WHERE fusion_external_id IS NOT NULL"
        " AND fusion_service_id IS NULL AND fusion_ended_at IS NULL AND fusion_started_at IS NOT NULL"
        " AND state = 'sale'",
        RUNNING_TWICE,
    )

    @api.constrains("fusion_timezone")
    def _check_fusion_timezone(self):
        check_timezone(self, "fusion_timezone")

    @api.constrains("fusion_coupons")
    def _check_fusion_json(self):
        check_json(self, "fusion_coupons", list)

    @api.constrains("fusion_trial_days", "fusion_plan_amount", "fusion_commitment")
    def _check_fusion_decimals(self):
        for name in ("fusion_trial_days", "fusion_plan_amount", "fusion_commitment"):
            check_decimal(self, name)
