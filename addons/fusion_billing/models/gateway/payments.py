"""Payments of a service's invoices: native ones, made by providers or entered; their receipts; saved cards."""

from odoo import fields, models

from ...api import answers, catalog_given, invoices, payments, texts
from ...api.overrides import is_cents

STATUSES = {
    "draft": "pending",
    "in_process": "pending",
    "paid": "succeeded",
    "canceled": "failed",
    "rejected": "failed",
}


class Payments(models.AbstractModel):
    _inherit = "fusion.billing.gateway"

    def list_payments(self, service, query):
        domain = self._payment_domain(service, query)
        shape = lambda payment: self._payment(payment, service)  # noqa: E731
        return self._page("account.payment", domain, query, "payments", shape, "create_date desc, id")

    def find_payment(self, service, _query, lago_id):
        return {"payment": self._payment(self._payment_of(service, lago_id, "payment"), service)}

    def create_payment(self, service, body):
        """What was paid elsewhere; entered in the journal that finance chose for the service."""
        given = answers.root(body, "payment", dict)
        move = self._sole_move(service, texts.scalar(given.get("invoice_id")) or "")
        self._check_payable(move)
        due, cents = self._cents_of(move)(move.amount_residual), given.get("amount_cents")
        errors = texts.too_long(given, ("reference",))
        if not is_cents(cents) or not 0 < catalog_given.cents(cents) <= due:
            errors["amount_cents"] = ["value_is_out_of_range"]
        if given.get("paid_at") and not invoices.day(given["paid_at"]):
            errors["paid_at"] = ["invalid_date"]
        journal = service.sudo().payment_journal_id
        if not journal:
            errors["base"] = ["no_payment_journal_for_this_service"]
        self._refuse(errors)
        register = self.env["account.payment.register"].sudo().with_context(
            active_model="account.move", active_ids=move.ids
        )  # fmt: skip
        made = register.create(
            {
                "journal_id": journal.id,
                "amount": move.currency_id._fusion_units(catalog_given.cents(cents)),
                "currency_id": move.currency_id.id,
                "payment_date": invoices.day(given.get("paid_at")) or fields.Date.context_today(move),
                "communication": texts.scalar(given.get("reference")) or move.name,
            }
        )._create_payments()
        return {"payment": self._payment(made, service)}

    def list_payment_receipts(self, service, query):
        """One of each payment that came."""
        domain = [*self._payment_domain(service, query), ("state", "=", "paid")]
        if query.get("invoice_id"):
            domain.append(("invoice_ids", "in", self._move(service, query["invoice_id"]).ids))
        shape = lambda payment: self._receipt(payment, service)  # noqa: E731
        return self._page("account.payment", domain, query, "payment_receipts", shape, "create_date desc, id")

    def find_payment_receipt(self, service, _query, lago_id):
        return {"payment_receipt": self._receipt(self._payment_of(service, lago_id, "payment_receipt"), service)}

    def list_payment_requests(self, _service, query):
        """None: Odoo reminds of what is due by its follow-ups."""
        return answers.empty_page("payment_requests", query)

    def find_payment_request(self, _service, _query, lago_id):
        raise answers.not_found("payment_request")

    def list_customer_payment_methods(self, service, query, external_id):
        """Cards that are saved; those that pay another service's subscriptions only are not this one's."""
        link = self._link(service, external_id)
        partner = link.partner_id | link.partner_id.commercial_partner_id
        tokens = self.env["payment.token"].sudo().search([("partner_id", "in", partner.ids)], order="id desc")
        own = tokens.filtered(
            lambda token: not token.fusion_order_ids or service in token.fusion_order_ids.fusion_service_id
        )
        return answers.page_of("payment_methods", [self._payment_method(token, own[:1]) for token in own], query)

    # records

    def _payment_domain(self, service, query=None):
        """Payments of invoices that are this service's alone."""
        others = self.env["fusion.billing.service"].sudo().with_context(active_test=False)
        others = others.search([("company_id", "=", service.company_id.id), ("id", "!=", service.id)])
        moves = self.env["account.move"].sudo()
        own = list(self._invoice_domain(service))
        if query and query.get("external_customer_id"):
            own += self._billed_to("fusion_account_id", "id", self._links(service, query["external_customer_id"]))
        if query and query.get("invoice_id"):
            own.append(("id", "=", answers.row_number("invoice", query["invoice_id"])))
        foreign = moves._search(self._billed_to("fusion_service_id", "service_id", others))
        return [("invoice_ids", "in", moves._search(own)), "!", ("invoice_ids", "in", foreign)]

    def _payment_of(self, service, lago_id, kind):
        number = answers.row_number(kind, lago_id)
        found = self.env["account.payment"].sudo().search([("id", "=", number), *self._payment_domain(service)])
        if not found:
            raise answers.not_found(kind)
        return found

    def _payment(self, payment, service):
        moves, transaction = payment.invoice_ids, payment.payment_transaction_id
        link = self._link_of(moves[:1], service)
        return payments.show(
            {
                "lago_id": answers.stable_id("payment", payment.id),
                "lago_customer_id": link.fusion_lago_id or None,
                "external_customer_id": link.external_id or None,
                "invoice_ids": [answers.stable_id("invoice", move.id) for move in moves],
                "invoice_numbers": moves.mapped("name"),
                "amount": payment.currency_id._fusion_cents(payment.amount),
                "currency": payment.currency_id.name,
                "status": STATUSES.get(payment.state, "pending"),
                "reference": payment.memo or payment.name or "",
                "provider": transaction.provider_id.code or None,
                "provider_reference": transaction.provider_reference or None,
                "created_at": payment.create_date,
            }
        )

    def _receipt(self, payment, service):
        return {
            "lago_id": answers.stable_id("payment_receipt", payment.id),
            "number": payment.name or str(payment.id),
            "file_url": None,
            "xml_url": None,
            "payment": self._payment(payment, service),
            "created_at": answers.seconds(payment.create_date),
        }

    @staticmethod
    def _payment_method(token, default):
        return {
            "lago_id": answers.stable_id("payment_method", token.id),
            "is_default": token == default,
            "payment_provider_code": token.provider_id.code,
            "payment_provider_name": token.provider_id.name,
            "payment_provider_type": token.provider_id.code,
            "provider_method_id": token.provider_ref or None,
            "created_at": answers.seconds(token.create_date),
        }
