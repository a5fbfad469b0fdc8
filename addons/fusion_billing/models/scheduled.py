"""Invoices of what is due, by the clock: customer by customer, and a person hears of whatever cannot be invoiced."""

from odoo import api, models
from odoo.tools import groupby
from odoo.tools.mail import plaintext2html

from .apart import tried, tried_in_job
from .dialects import dialect
from .service import is_person


class SaleOrder(models.Model):
    _inherit = "sale.order"

    @api.model
    def _fusion_cron_invoice(self):
        """Drafts of what is due and nobody invoiced: customer by customer, each in a transaction of its own.

        Posted and sent where the company says so.
        """
        asked = self._fusion_awake(("company_id.fusion_invoicing_by", "in", (False, "odoo")))
        by_customer = groupby(asked, lambda order: (order.company_id, order.partner_invoice_id))
        customers = [self.concat(*own) for _, own in by_customer]
        for number, orders in enumerate(customers, 1):
            tried_in_job(orders, lambda orders=orders: orders._fusion_invoice_apart()._fusion_finish_later())
            if self.env.context.get("ir_cron_progress_id"):
                self.env["ir.cron"]._commit_progress(1, remaining=len(customers) - number)
        self.env["account.move"]._fusion_cron_finish()

    def _fusion_awake(self, *more):
        """The orders that scheduled actions invoice; ``more``: terms of a domain."""
        native = dialect(self.env)
        found = self.search([("fusion_external_id", "!=", False), ("state", "=", "sale"), *more])._fusion_metered()
        return found.filtered(lambda order: not native.rests(order))

    def _fusion_invoice_apart(self):
        """Invoices of what is due of one customer's orders.

        Orders that cannot be invoiced are left out; a person hears of each.
        """
        moves, reason = self._fusion_tried_due()
        if not reason:
            return moves
        sound = self._fusion_sound() if len(self) > 1 else self
        if sound and sound != self:
            moves, reason = sound._fusion_tried_due()
        if reason:
            sound._fusion_tell_finance(reason)
        return moves

    def _fusion_tried_due(self):
        """(the invoices, why there are none)"""
        made = self.env["account.move"]

        def invoice():
            nonlocal made
            made = self._fusion_invoice_due()

        reason = tried(self, invoice)
        return self.env["account.move"] if reason else made, reason

    def _fusion_sound(self):
        """Those that could be invoiced alone; a person hears why of each that could not."""
        reasons = {order: tried(order, order._fusion_invoice_due, keep=False) for order in self}
        for order, reason in reasons.items():
            if reason:
                order._fusion_tell_finance(reason)
        return self.filtered(lambda order: not reasons[order])

    def _fusion_invoice_due(self):
        moves = self.with_context(raise_if_nothing_to_invoice=False)._create_invoices()
        dialect(self.env).invoiced(self, moves)
        return moves

    def _fusion_tell_finance(self, reason, summary=None):
        """A person hears why these are not invoiced: once, until the activity is done."""
        told = self.env.ref("fusion_billing.activity_not_invoiced")
        for order in self.filtered(lambda order: told not in order.sudo().activity_ids.activity_type_id):
            order.activity_schedule(
                "fusion_billing.activity_not_invoiced",
                summary=summary or self.env._("Usage is not invoiced"),
                note=plaintext2html(reason),
                user_id=order._fusion_person().id,
            )

    def _fusion_person(self):
        """Who hears of this order: its salesperson, else who hears of its service's messages."""
        seller = self.sudo().user_id
        return seller if is_person(seller) else self.sudo().fusion_service_id._escalation_user(self.company_id)
