"""Fees: the lines of a service's invoices; and credit notes, which are finance's, to read."""

from datetime import UTC

from odoo import fields, models
from odoo.tools import hash_sign

from ...api import answers, credit_notes, invoices
from ...api.subscriptions import moment
from .invoices import BY_PAYMENT, FILE_HOURS, FILE_SCOPE

NOT_COUPONS = ["|", ("fusion_kind", "=", False), ("fusion_kind", "!=", "coupon")]
KINDS = {"charge": ("charge", "true_up"), "subscription": ("subscription",), "fixed_charge": ("fixed_charge",),
         "commitment": ("commitment",)}  # fmt: skip


class Fees(models.AbstractModel):
    _inherit = "fusion.billing.gateway"

    def list_fees(self, service, query):
        domain = [*self._fee_domain(service), *self._fee_filters(service, query)]
        return self._page("account.move.line", domain, query, "fees", lambda line: self._fee(line, service), "id")

    def find_fee(self, service, _query, lago_id):
        number = answers.row_number("fee", lago_id)
        line = self.env["account.move.line"].sudo().search([("id", "=", number), *self._fee_domain(service)])
        if not line:
            raise answers.not_found("fee")
        return {"fee": self._fee(line, service)}

    def _fee_domain(self, service):
        """Lines of the service's own orders, and of invoices that it asked for."""
        own = [
            [(f"{path}.fusion_service_id", "=", service.id)] for path in ("fusion_order_id", "sale_line_ids.order_id")
        ]
        return [
            ("move_id.move_type", "=", "out_invoice"), ("move_id.fusion_shadow", "=", False),
            ("company_id", "=", service.company_id.id), ("display_type", "=", "product"), *NOT_COUPONS,
            *fields.Domain.OR([*own, [("move_id.fusion_account_id.service_id", "=", service.id)]]),
        ]  # fmt: skip

    def _fee_filters(self, service, query):
        domain = []
        if query.get("external_customer_id"):
            links = self._links(service, query["external_customer_id"])
            paths = ("fusion_order_id.fusion_account_id", "sale_line_ids.order_id.fusion_account_id",
                     "move_id.fusion_account_id")  # fmt: skip
            domain += fields.Domain.OR([[(path, "in", links.ids)] for path in paths])
        if query.get("external_subscription_id"):
            orders = self._orders(service, query["external_subscription_id"])
            domain += fields.Domain.OR(
                [[(path, "in", orders.ids)] for path in ("fusion_order_id", "sale_line_ids.order_id")]
            )
        if query.get("currency"):
            domain.append(("currency_id.name", "=", query["currency"]))
        if query.get("fee_type"):
            domain.append(("fusion_kind", "in", KINDS.get(query["fee_type"], ("",))))
        if query.get("billable_metric_code"):
            charges = (
                self.env["fusion.billing.charge"]
                .sudo()
                .search(
                    [("metric_id.code", "=", query["billable_metric_code"]), ("company_id", "=", service.company_id.id)]
                )
            )
            domain.append(("fusion_item", "in", [name for name in charges.mapped("fusion_lago_id") if name]))
        domain += self._fee_state_filters(query)
        return domain

    def _fee_state_filters(self, query):
        domain = []
        if query.get("payment_status") in BY_PAYMENT:
            moves = self.env["account.move"].sudo()._search(BY_PAYMENT[query["payment_status"]])
            domain.append(("move_id", "in", moves))
        for name, operator in (("created_at_from", ">="), ("created_at_to", "<=")):
            if query.get(name):
                at = moment(query[name])
                if not at:
                    raise answers.invalid({name: ["invalid_date"]})
                domain.append(("create_date", operator, at.astimezone(UTC).replace(tzinfo=None)))
        if query.get("event_transaction_id"):
            quoted = f'"event": "{query["event_transaction_id"]}"'
            domain.append(("fusion_key", "like", quoted.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")))
        return domain

    def _fee(self, line, service):
        """As Lago's list shows one: with the taxes on it."""
        found = line.tax_ids.compute_all(line.price_subtotal, currency=line.currency_id, partner=line.partner_id)
        cents, lago_id = self._cents_of(line.move_id), answers.stable_id("fee", line.id)
        taxes = [
            {
                "lago_id": answers.stable_id("applied_tax", row["id"]),
                "lago_fee_id": lago_id,
                **self._tax_row(self.env["account.tax"].browse(row["id"])),
                "amount_cents": cents(row["amount"]),
                "amount_currency": line.currency_id.name,
                "created_at": answers.seconds(line.create_date),
            }
            for row in found["taxes"]
        ]
        return {**invoices.fee(self._fee_row(line, service)), "applied_taxes": taxes}

    # credit notes

    def list_credit_notes(self, service, query):
        domain = self._credit_note_domain(service)
        if query.get("external_customer_id"):
            links = self._links(service, query["external_customer_id"])
            domain += self._credited_to("fusion_account_id", "id", links)
        for name, operator in (("issuing_date_from", ">="), ("issuing_date_to", "<=")):
            if query.get(name):
                domain.append(("invoice_date", operator, self._asked_day(query, name)))
        shape = lambda move: self._credit_note(move, service)  # noqa: E731
        return self._page("account.move", domain, query, "credit_notes", shape, "create_date desc, id")

    def find_credit_note(self, service, _query, lago_id):
        return {"credit_note": self._credit_note(self._credit_note_move(service, lago_id), service)}

    def download_credit_note(self, service, _body, lago_id):
        move = self._credit_note_move(service, lago_id)
        if not move.invoice_pdf_report_id and self.env["ir.actions.report"].get_wkhtmltopdf_state() == "install":
            return None
        token = hash_sign(self.sudo().env, FILE_SCOPE, move.id, expiration_hours=FILE_HOURS)
        url = f"{move.get_base_url()}/fusion_billing/invoice/{token}"
        return {"credit_note": {**self._credit_note(move, service), "file_url": url}}

    def _credit_note_domain(self, service):
        """Posted ones of the service's orders; of invoices that it shares with another service none."""
        others = self.env["fusion.billing.service"].sudo().with_context(active_test=False)
        others = others.search([("company_id", "=", service.company_id.id), ("id", "!=", service.id)])
        return [
            ("move_type", "=", "out_refund"), ("fusion_shadow", "=", False), ("state", "=", "posted"),
            ("company_id", "=", service.company_id.id),
            *self._credited_to("fusion_service_id", "service_id", service),
            "!", *self._credited_to("fusion_service_id", "service_id", others),
        ]  # fmt: skip

    def _credited_to(self, of_order, of_account, records):
        """Credit notes of such orders or accounts, or of their invoices: a note's lines need not name the order."""
        billed = self._billed_to(of_order, of_account, records)
        return list(fields.Domain.OR([billed, [("reversed_entry_id", "any", billed)]]))

    def _credit_note_move(self, service, lago_id):
        number = answers.row_number("credit_note", lago_id)
        found = self.env["account.move"].sudo().search([("id", "=", number), *self._credit_note_domain(service)])
        if not found:
            raise answers.not_found("credit_note")
        return found

    def _credit_note(self, move, service):
        cents, link = self._cents_of(move), self._link_of(move, service)
        invoice, lines = (
            move.reversed_entry_id,
            move.invoice_line_ids.filtered(lambda one: one.display_type == "product"),
        )
        return credit_notes.show(
            {
                "lago_id": answers.stable_id("credit_note", move.id),
                "billing_entity_code": self._entity_code(move.company_id),
                "sequential_id": move.id,
                "number": move.name,
                "lago_invoice_id": answers.stable_id("invoice", invoice.id) if invoice else None,
                "invoice_number": invoice.name or None,
                "issuing_date": str(move.invoice_date),
                "description": move.ref or None,
                "currency": move.currency_id.name,
                "total": cents(move.amount_total),
                "taxes": cents(move.amount_tax),
                "net": cents(move.amount_untaxed),
                "open": cents(move.amount_residual),
                "created_at": move.create_date,
                "updated_at": move.write_date,
                "customer": self._customer(link) if link else None,
                "items": [
                    credit_notes.item(
                        answers.stable_id("credit_note_item", line.id),
                        cents(line.price_subtotal),
                        move.currency_id.name,
                        invoices.fee(self._fee_row(line, service)),
                    )
                    for line in lines
                ],
                "applied_taxes": self._applied_taxes(move, service),
            }
        )
