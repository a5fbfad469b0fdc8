"""Usage on the native invoice: what is due is added where ``sale`` prepares an invoice, whoever asked for it."""

import json

from odoo import fields, models
from odoo.fields import Command

from ..rating import bill_together
from .rerun import Gathered, naive

METERED = ("charge", "true_up", "fixed_charge")  # the base fee is the order's own line


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def _prepare_invoice(self):
        """Extends ``sale``: an invoice of a metered order takes the usage that is due along."""
        values = super()._prepare_invoice()
        if self.fusion_external_id and not self.env.context.get("fusion_no_usage"):
            values["invoice_line_ids"] = [*values.get("invoice_line_ids", []), *self._fusion_due_commands()]
        return values

    def _create_invoices(self, grouped=False, final=False, date=None):
        """Extends ``sale``: orders with nothing but usage to invoice get their invoice too."""
        usage_only = self.filtered(
            lambda order: (
                order.fusion_external_id
                and all(line.display_type for line in order._get_invoiceable_lines(final))
                and order._fusion_due_commands()
            )
        )
        moves = self.env["account.move"]
        for order in usage_only:
            own = order.with_company(order.company_id)
            moves |= own._create_account_invoices([own._prepare_invoice()], final)
        others = self - usage_only
        return moves | super(SaleOrder, others)._create_invoices(grouped, final, date) if others else moves

    def _fusion_due_commands(self):
        """Commands that create the lines of the last whole usage period, without those invoiced already."""
        order = self.sudo()
        at = order.env.context.get("fusion_at") or fields.Datetime.now()
        ended = order.fusion_ended_at and order.fusion_ended_at <= at
        reason = "subscription_terminating" if ended else "subscription_periodic"
        gathered = Gathered(order, [at])
        premium = order.env["ir.config_parameter"].get_param("fusion_billing.lago_premium", "1") not in ("0", "False")
        billing = gathered.billing({"order": order, "at": at, "reason": reason, "event": ""})
        found = bill_together([{**billing, "known_until": None}], premium=premium)
        lines = [line for line in found["lines"] if line["key"]["kind"] in METERED]
        done = order._fusion_invoiced()
        due = [line for line in lines if (json.dumps(line["key"], sort_keys=True), naive(line["to"])) not in done]
        return [
            Command.create(order._fusion_line_values(order, line, gathered, 1000 + number))
            for number, line in enumerate(due)
        ]

    def _fusion_invoiced(self):
        """(key, end of usage) of the lines that real invoices of this order hold."""
        lines = self.env["account.move.line"].search(
            [
                ("fusion_order_id", "=", self.id),
                ("parent_state", "!=", "cancel"),
                ("move_id.fusion_shadow", "=", False),
                ("fusion_key", "!=", False),
            ]
        )
        return {(line.fusion_key, line.fusion_to) for line in lines}
