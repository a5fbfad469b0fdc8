from odoo import api, fields, models


class FusionBillingReconciliation(models.Model):
    """A verdict of the dual run, as finance sees it inside Odoo. Written by ``lago2odoo reconcile``."""

    _name = "fusion.billing.reconciliation"
    _description = "Dual-run Verdict"
    _rec_name = "invoice_number"
    _order = "period desc, id desc"

    period = fields.Char(required=True, index=True, help="2026-07")
    order_id = fields.Many2one("sale.order", ondelete="set null", index="btree_not_null")
    partner_id = fields.Many2one("res.partner", ondelete="set null", index="btree_not_null")
    invoice_number = fields.Char(index=True, help="Number of Lago's invoice")
    currency_id = fields.Many2one("res.currency", required=True, default=lambda self: self.env.company.currency_id)
    lago_amount = fields.Monetary()
    odoo_amount = fields.Monetary()
    rerate_amount = fields.Monetary()
    delta = fields.Monetary(compute="_compute_delta", store=True, help="Odoo minus Lago")
    verdict = fields.Char(index=True)
    side = fields.Char(help="The side that is off")
    cause = fields.Char(index=True)
    detail = fields.Text()
    run = fields.Char(index=True)
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)

    @api.depends("odoo_amount", "lago_amount")
    def _compute_delta(self):
        for verdict in self:
            verdict.delta = verdict.odoo_amount - verdict.lago_amount
