"""What was paid in advance and not used, when a subscription ends: a native credit note beside its invoice."""

from odoo import models
from odoo.fields import Command

from ..rating import schedule, unused
from ..rating.moments import local_date, moment, zone
from .gathered import plan_line


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def _fusion_credit_unused(self, at):
        """Credit the days after ``at`` of the last base fee, if its period was invoiced; posted, open for the next one.

        The invoice's coupons are taken off in proportion. Nothing is refunded: that is finance's to decide.
        """
        fee = self._fusion_last_base_line() if self.fusion_pay_in_advance else None
        if not fee or not self._fusion_covers(fee, at):
            return
        amount = self._fusion_unused_amount(fee, at)
        if self.currency_id.compare_amounts(amount, 0) > 0:
            self._fusion_credit_note(fee, amount, at).action_post()

    def _fusion_last_base_line(self):
        """The newest posted line of the base fee, whoever made the invoice."""
        posted = [("parent_state", "=", "posted"), ("move_id.move_type", "=", "out_invoice"),
                  ("move_id.fusion_shadow", "=", False)]  # fmt: skip
        ours = [("fusion_order_id", "=", self.id), ("fusion_kind", "=", "subscription")]
        native = [("sale_line_ids", "in", plan_line(self).ids), ("fusion_key", "=", False)]
        lines = self.env["account.move.line"].sudo()
        return lines.search([*posted, "|", "&", *ours, "&", *native], order="date desc, id desc", limit=1)

    def _fusion_covers(self, fee, at):
        """Does the line's period hold ``at``? A native line tells only when it was invoiced."""
        if fee.fusion_to:
            return fee.fusion_to > at
        start = schedule.base_period_start(self._fusion_row(), moment(at))
        return bool(start) and fee.move_id.invoice_date >= start

    def _fusion_unused_amount(self, fee, at):
        """In currency units, without taxes, less what was credited on that fee before."""
        row, following, currency = self._fusion_row(), self._fusion_next(), self.currency_id
        upgrade = bool(following) and schedule.yearly_amount(following._fusion_row()) >= schedule.yearly_amount(row)
        cents = unused.unused_cents(row, currency._fusion_cents(fee.price_subtotal), moment(at), upgrade=upgrade)
        coupons = sum(line.price_subtotal for line in fee.move_id.invoice_line_ids if line.fusion_kind == "coupon")
        fees = fee.move_id.amount_untaxed - coupons
        share = 1 + coupons / fees if fees else 1.0
        domain = [("fusion_order_id", "=", self.id), ("move_id.reversed_entry_id", "=", fee.move_id.id),
                  ("parent_state", "=", "posted")]  # fmt: skip
        before = sum(self.env["account.move.line"].sudo().search(domain).mapped("price_subtotal"))
        return currency.round(currency._fusion_units(cents) * share - before)

    def _fusion_credit_note(self, fee, amount, at):
        move = fee.move_id
        line = {
            "product_id": fee.product_id.id,
            "name": self.env._("Unused days of %s", fee.name),
            "quantity": 1.0,
            "price_unit": amount,
            "tax_ids": [Command.set(fee.tax_ids.ids)],
            "fusion_order_id": self.id,
        }
        return self.env["account.move"].sudo().with_company(move.company_id).create(
            {
                "move_type": "out_refund",
                "partner_id": move.partner_id.id,
                "currency_id": move.currency_id.id,
                "fiscal_position_id": move.fiscal_position_id.id,
                "journal_id": move.journal_id.id,
                "reversed_entry_id": move.id,
                "invoice_origin": self.name,
                "invoice_date": local_date(moment(at), zone(self.fusion_timezone or "UTC")),
                "invoice_line_ids": [Command.create(line)],
            }
        )  # fmt: skip
