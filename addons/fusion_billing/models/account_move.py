import json
from contextlib import suppress

from odoo import api, fields, models

from ..tools import check_json


class AccountMove(models.Model):
    _inherit = "account.move"

    fusion_shadow = fields.Boolean("Shadow invoice", copy=False, index="btree_not_null", help="A dual-run draft")
    fusion_lago_number = fields.Char("Lago invoice", copy=False, index="btree_not_null")
    fusion_metadata = fields.Text("Metadata", copy=False, help="JSON: what services keep with the invoice")
    fusion_period_ids = fields.One2many(
        "fusion.billing.period", "move_id", "Billed periods", context={"active_test": False}
    )

    def write(self, vals):
        """A cancelled invoice frees what it billed; reset to draft it claims it again (refused if billed elsewhere)."""
        written = super().write(vals)
        if "state" in vals:
            periods = self.sudo().with_context(active_test=False).fusion_period_ids
            gone = periods.filtered(lambda period: period.active and period.move_id.state == "cancel")
            back = periods.filtered(lambda period: not period.active and period.move_id.state != "cancel")
            gone._free()
            back._claim()
        return written

    def unlink(self):
        """A deleted draft frees what it billed."""
        self.sudo().fusion_period_ids.filtered("active")._free()
        return super().unlink()

    @api.constrains("fusion_metadata")
    def _check_fusion_metadata(self):
        check_json(self, "fusion_metadata", list)

    def _fusion_pdf(self):
        """The file that was sent, else the native report as of now. UserError where nothing can render it."""
        if self.invoice_pdf_report_id:
            return self.invoice_pdf_report_id.raw
        report = self.env["ir.actions.report"].sudo().with_context(force_report_rendering=True)
        return report._render_qweb_pdf("account.account_invoices", self.ids)[0]


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    fusion_key = fields.Char("Billed line", copy=False, help="JSON: subscription, kind, item, filter, group, event")
    fusion_kind = fields.Char("Billed as", compute="_compute_fusion_key_parts", store=True, help="Kind of the key")
    fusion_item = fields.Char(
        "Billed item", compute="_compute_fusion_key_parts", store=True, index="btree_not_null", help="Item of the key"
    )
    fusion_order_id = fields.Many2one(
        "sale.order", "Subscription", copy=False, index="btree_not_null", ondelete="set null"
    )
    fusion_units = fields.Char("Units", copy=False, help="Decimal: the units that the amount was rated for")
    fusion_events = fields.Integer("Events", copy=False)
    fusion_from = fields.Datetime("Usage from", copy=False)
    fusion_to = fields.Datetime("Usage to", copy=False)
    fusion_explanation = fields.Text("How it was rated", copy=False, help="JSON: the steps of the amount")

    @api.depends("fusion_key")
    def _compute_fusion_key_parts(self):
        for line in self:
            key = line._fusion_key_parts()
            line.fusion_kind, line.fusion_item = key.get("kind") or False, key.get("item") or False

    def _fusion_key_parts(self):
        """The key; what is none is empty here, and refused by ``_check_fusion_key``."""
        with suppress(ValueError):
            key = json.loads(self.fusion_key or "{}")
            return key if isinstance(key, dict) else {}
        return {}

    @api.constrains("fusion_key")
    def _check_fusion_key(self):
        check_json(self, "fusion_key", dict)
