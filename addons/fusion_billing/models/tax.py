import uuid

from odoo import api, fields, models

from ..tools import check_decimal


class FusionBillingTax(models.Model):
    """A tax as applications know it, by code. It computes nothing: the taxes of a line are Odoo's own."""

    _name = "fusion.billing.tax"
    _description = "Tax Code"
    _order = "code"

    name = fields.Char(required=True)
    code = fields.Char(required=True)
    rate = fields.Char(required=True, help="Percent, as a plain decimal")
    description = fields.Char()
    tax_ids = fields.Many2many("account.tax", string="Native taxes", help="Of customers who are given this code")
    applied_by_default = fields.Boolean(help="To customers without taxes of their own")
    fusion_lago_id = fields.Char("Lago id", default=lambda self: str(uuid.uuid4()), copy=False)
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)

    _code_uniq = models.Constraint("unique (company_id, code)", "A tax with this code exists already.")

    @api.constrains("rate")
    def _check_rate(self):
        check_decimal(self, "rate")
