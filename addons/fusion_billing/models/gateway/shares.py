"""Whose an invoice is where services share a contact: each reads its own part of it, and changes that only."""

from odoo import models

from ...api import answers, invoices

SHARED = "invoice_shared_with_another_service"


def is_coupon(line):
    return line.fusion_kind == "coupon"


class Shares(models.AbstractModel):
    _inherit = "fusion.billing.gateway"

    @staticmethod
    def _is_shared(move):
        return len(move._fusion_services()) > 1

    def _owner(self, move, service):
        return invoices.Owner(service.id, alone=not self._is_shared(move))

    def _own_lines(self, move, service):
        """The lines that sell something; of a shared invoice those of the service's orders."""
        lines = move.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        if not self._is_shared(move):
            return lines
        return lines.filtered(lambda line: self._order_of(line).fusion_service_id == service)

    @staticmethod
    def _order_of(line):
        return line.fusion_order_id or line.sale_line_ids.order_id[:1]

    def _sole_move(self, service, lago_id):
        """The invoice, if it is this service's alone: what concerns the whole of it would concern the other, too."""
        move = self._move(service, lago_id)
        if self._is_shared(move):
            raise answers.not_allowed(SHARED)
        return move

    def _amounts(self, move, service):
        """Cents of the invoice, or of the service's part of it; what is due of a part is its share of the whole."""
        cents = self._cents_of(move)
        lines = self._own_lines(move, service)
        coupon = sum(lines.filtered(is_coupon).mapped("price_subtotal"))
        if not self._is_shared(move):
            return {
                "fees": cents(move.amount_untaxed - coupon),
                "coupons": cents(-coupon),
                "taxes": cents(move.amount_tax),
                "total": cents(move.amount_total),
                "due": cents(move.amount_residual),
                "paid": cents(move.amount_total - move.amount_residual),
            }
        net, total = sum(lines.mapped("price_subtotal")), sum(lines.mapped("price_total"))
        open_share = move.amount_residual / move.amount_total if move.amount_total else 0.0
        due = cents(move.currency_id.round(total * open_share))
        return {
            "fees": cents(net - coupon),
            "coupons": cents(-coupon),
            "taxes": cents(total - net),
            "total": cents(total),
            "due": due,
            "paid": cents(total) - due,
        }

    def _applied_taxes(self, move, service):
        """Of a shared invoice: what its lines' taxes come to."""
        if not self._is_shared(move):
            return [
                self._applied_tax(move, line.id, line.tax_line_id, -line.amount_currency, abs(line.tax_base_amount))
                for line in move.line_ids.filtered("tax_line_id").sorted("id")
            ]
        amounts, bases = {}, {}
        for line in self._own_lines(move, service):
            found = line.tax_ids.compute_all(line.price_subtotal, currency=move.currency_id, partner=move.partner_id)
            for row in found["taxes"]:
                tax = self.env["account.tax"].browse(row["id"])
                amounts[tax] = amounts.get(tax, 0.0) + row["amount"]
                bases[tax] = bases.get(tax, 0.0) + row["base"]
        return [self._applied_tax(move, tax.id, tax, amount, bases[tax]) for tax, amount in amounts.items()]

    def _applied_tax(self, move, number, tax, amount, base):
        cents = self._cents_of(move)
        return {
            "lago_id": answers.stable_id("applied_tax", number),
            "lago_invoice_id": answers.stable_id("invoice", move.id),
            **self._tax_row(tax),
            "amount_cents": cents(amount),
            "amount_currency": move.currency_id.name,
            "fees_amount_cents": cents(base),
            "created_at": answers.seconds(move.create_date),
        }

    def _tax_row(self, tax):
        known = self.env["fusion.billing.tax"].sudo().search([("tax_ids", "in", tax.ids)], limit=1)
        return {
            "lago_tax_id": known.fusion_lago_id or answers.stable_id("tax", tax.id),
            "tax_name": known.name or tax.name,
            "tax_code": known.code or tax.name,
            "tax_rate": float(tax.amount),
            "tax_description": known.description or None,
        }
