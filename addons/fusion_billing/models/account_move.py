from odoo import api, fields, models

from ..tools import check_json


class AccountMove(models.Model):
    _inherit = "account.move"

    fusion_shadow = fields.Boolean("Shadow invoice", copy=False, index="btree_not_null", help="A dual-run draft")
    fusion_lago_number = fields.Char("Lago invoice", copy=False, index="btree_not_null")


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    fusion_key = fields.Char("Billed line", copy=False, help="JSON: subscription, kind, item, filter, group, event")
    fusion_order_id = fields.Many2one(
        "sale.order", "Subscription", copy=False, index="btree_not_null", ondelete="set null"
    )
    fusion_from = fields.Datetime("Usage from", copy=False)
    fusion_to = fields.Datetime("Usage to", copy=False)
    fusion_explanation = fields.Text("How it was rated", copy=False, help="JSON: the steps of the amount")

    @api.constrains("fusion_key")
    def _check_fusion_key(self):
        check_json(self, "fusion_key", dict)
