from odoo import fields, models


class ProductTemplate(models.Model):
    _inherit = "product.template"

    recurring_invoice = fields.Boolean(string="Subscription Product")


class ProductPricelistItem(models.Model):
    _inherit = "product.pricelist.item"

    plan_id = fields.Many2one("sale.subscription.plan", string="Recurring Plan", ondelete="restrict")
