from odoo import fields, models


class ProductTemplate(models.Model):
    _inherit = "product.template"

    fusion_lago_id = fields.Char("Lago id", index="btree_not_null", copy=False, help="Of the plan or add-on")
    fusion_charge_ids = fields.One2many("fusion.billing.charge", "plan_id", string="Charges")
