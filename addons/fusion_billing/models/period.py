from odoo import fields, models
from odoo.tools import SQL

from .usage import sent_by


class FusionBillingPeriod(models.Model):
    """One billing of one order that was made: it is never made again, unless its invoice is cancelled or deleted."""

    _name = "fusion.billing.period"
    _description = "Billed Period"
    _rec_name = "at"
    _order = "at desc, id desc"

    order_id = fields.Many2one("sale.order", required=True, ondelete="cascade", index=True)
    move_id = fields.Many2one(
        "account.move", "Invoice", ondelete="cascade", index="btree_not_null", help="Empty: there was nothing to bill"
    )
    at = fields.Datetime("Billed as of", required=True, help="The moment that the order's calendar gives, UTC")
    reason = fields.Char(required=True)
    usage_from = fields.Datetime("Usage from")
    usage_to = fields.Datetime("Usage to")
    active = fields.Boolean(default=True, help="Off: the invoice was cancelled, so that this can be billed again")
    company_id = fields.Many2one(related="order_id.company_id", store=True, index=True)

    _once = models.UniqueIndex("(order_id, at, reason) WHERE active", "This was billed on another invoice already.")

    def _free(self):
        """What was billed can be billed again; usage that had come too late for it is in time."""
        for period in self.filtered("usage_to"):
            self._set_late(period, False)
        self.write({"active": False})

    def _claim(self):
        """The invoice stands again. Raises if it was billed elsewhere meanwhile."""
        self.write({"active": True})
        self.flush_recordset()

    def _set_late(self, period, late):
        self.env["fusion.billing.usage"].flush_model()
        self.env.cr.execute(
            SQL(
                """UPDATE fusion_billing_usage SET late = %s
                    WHERE company_id = %s AND external_subscription_id = %s AND timestamp BETWEEN %s AND %s AND %s""",
                late,
                period.company_id.id,
                period.order_id.fusion_external_id,
                period.usage_from,
                period.usage_to,
                sent_by(period.order_id.fusion_service_id),
            )
        )
        self.env["fusion.billing.usage"].invalidate_model(["late"])
