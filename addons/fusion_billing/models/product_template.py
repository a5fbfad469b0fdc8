from odoo import api, fields, models

from ..tools import check_decimal, check_json
from .sale_order import INTERVALS


class ProductTemplate(models.Model):
    """A price plan or an add-on: what a new subscription copies (the names are those of the order), and the API shows.

    Its code is the internal reference.
    """

    _inherit = "product.template"

    fusion_lago_id = fields.Char("Lago id", index="btree_not_null", copy=False, help="Of the plan or add-on")
    fusion_kind = fields.Selection(
        [("plan", "Price plan"), ("add_on", "Add-on")], "Sold as", copy=False, help="Empty: the API does not offer it"
    )
    fusion_interval = fields.Selection(INTERVALS, "Interval", copy=False)
    fusion_amount = fields.Char("Amount", copy=False, help="Of a full period, in currency units")
    fusion_currency_id = fields.Many2one("res.currency", "Currency of the amount", copy=False)
    fusion_pay_in_advance = fields.Boolean("Paid in advance", copy=False)
    fusion_trial_days = fields.Char("Trial days", copy=False)
    fusion_bill_charges_monthly = fields.Boolean("Charges billed monthly", copy=False)
    fusion_bill_fixed_charges_monthly = fields.Boolean("Fixed charges billed monthly", copy=False)
    fusion_commitment = fields.Char("Minimum commitment", copy=False, help="Of a full period, in currency units")
    fusion_invoice_name = fields.Char("Name on invoices", copy=False)
    fusion_description = fields.Char("Description in the API", copy=False)
    fusion_tax_codes = fields.Text("Tax codes", copy=False, help="JSON list; empty: those of the customer apply")
    fusion_charge_ids = fields.One2many("fusion.billing.charge", "plan_id", string="Charges")

    _fusion_kind_idx = models.Index("(fusion_kind, default_code) WHERE fusion_kind IS NOT NULL")

    @api.constrains("fusion_amount", "fusion_trial_days", "fusion_commitment")
    def _check_fusion_decimals(self):
        for name in ("fusion_amount", "fusion_trial_days", "fusion_commitment"):
            check_decimal(self, name)

    @api.constrains("fusion_tax_codes")
    def _check_fusion_tax_codes(self):
        check_json(self, "fusion_tax_codes", list)
