"""Invoices: native posted ones."""

from odoo import fields, models

from ...api import answers

PAID = ("paid", "in_payment", "reversed")


def is_coupon(line):
    return '"kind": "coupon"' in (line.fusion_key or "")


class Invoices(models.AbstractModel):
    _inherit = "fusion.billing.gateway"

    def list_invoices(self, service, query):
        domain = self._invoice_domain(service)
        if query.get("external_customer_id"):
            domain.append(("partner_id", "=", self._links(service, query["external_customer_id"]).partner_id.id))
        return self._page(
            "account.move",
            domain,
            query,
            "invoices",
            lambda move: self._invoice(move, service),
            "invoice_date desc, id desc",
        )

    def find_invoice(self, service, _query, lago_id):
        moves = self.env["account.move"].sudo().search(self._invoice_domain(service))
        found = moves.filtered(lambda move: answers.stable_id("invoice", move.id) == lago_id)
        if not found:
            raise answers.not_found("invoice")
        return {"invoice": self._invoice(found, service)}

    @staticmethod
    def _invoice_domain(service):
        return [
            ("move_type", "=", "out_invoice"),
            ("state", "=", "posted"),
            ("fusion_shadow", "=", False),
            ("company_id", "=", service.company_id.id),
            "|",
            ("invoice_line_ids.fusion_order_id.fusion_service_id", "=", service.id),
            ("invoice_line_ids.sale_line_ids.order_id.fusion_service_id", "=", service.id),
        ]

    def _invoice(self, move, service):
        """A posted invoice as Lago shows one. Amounts in cents of its currency."""
        digits = move.currency_id.decimal_places
        coupon = sum(move.invoice_line_ids.filtered(is_coupon).mapped("price_subtotal"))

        def cents(amount):
            return round(amount * 10**digits)

        paid = move.amount_total - move.amount_residual
        today = fields.Date.context_today(move)
        link = (
            self.env["fusion.billing.account.link"]
            .sudo()
            .search(
                [
                    ("service_id", "=", service.id),
                    ("partner_id", "in", (move.partner_id | move.commercial_partner_id).ids),
                ],
                limit=1,
            )
        )
        return {
            "lago_id": answers.stable_id("invoice", move.id),
            "sequential_id": move.id,
            "number": move.name,
            "issuing_date": str(move.invoice_date),
            "payment_due_date": str(move.invoice_date_due or move.invoice_date),
            "net_payment_term": (move.invoice_date_due - move.invoice_date).days if move.invoice_date_due else 0,
            "invoice_type": "subscription",
            "status": "finalized",
            "payment_status": "succeeded" if move.payment_state in PAID else "pending",
            "payment_dispute_lost_at": None,
            "payment_overdue": bool(
                move.payment_state not in PAID and move.invoice_date_due and move.invoice_date_due < today
            ),
            "currency": move.currency_id.name,
            "fees_amount_cents": cents(move.amount_untaxed - coupon),
            "coupons_amount_cents": cents(-coupon),
            "taxes_amount_cents": cents(move.amount_tax),
            "credit_notes_amount_cents": 0,
            "progressive_billing_credit_amount_cents": 0,
            "prepaid_credit_amount_cents": 0,
            "sub_total_excluding_taxes_amount_cents": cents(move.amount_untaxed),
            "sub_total_including_taxes_amount_cents": cents(move.amount_total),
            "total_amount_cents": cents(move.amount_total),
            "total_paid_amount_cents": cents(paid),
            "total_due_amount_cents": cents(move.amount_residual),
            "total_offsetted_credit_note_amount_cents": 0,
            "version_number": 4,
            "file_url": None,
            "created_at": answers.seconds(move.create_date),
            "updated_at": answers.seconds(move.write_date),
            "customer": self._customer(link) if link else None,
        }
