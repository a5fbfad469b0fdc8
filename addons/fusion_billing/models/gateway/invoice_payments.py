"""Paying an invoice: the native page for it, another try, and what an app says was paid elsewhere."""

from datetime import timedelta

import psycopg2.errors
from odoo import fields, models
from odoo.tools import SQL

from ...api import answers, invoices

PAID = ("paid", "in_payment", "reversed")
BEING_PAID = "payment_processor_is_currently_handling_payment"
ABANDONED = timedelta(hours=1)  # a payment page that somebody opened and left keeps its draft for ever


class InvoicePayments(models.AbstractModel):
    _inherit = "fusion.billing.gateway"

    def payment_url(self, service, _body, lago_id):
        """The native page where this invoice can be paid."""
        move = self._sole_move(service, lago_id)
        self._check_payable(move)
        provider = self._payment_providers(move)[:1]
        if not provider:
            raise answers.invalid({"base": ["no_linked_payment_provider"]})
        values = {"res_model": "account.move", "res_id": move.id, **move._get_default_payment_link_values()}
        known = self.env["payment.link.wizard"]._fields
        wizard = self.env["payment.link.wizard"].sudo().create({k: v for k, v in values.items() if k in known})
        link = self._link_of(move, service)
        return {
            "invoice_payment_details": {
                "lago_customer_id": link.fusion_lago_id,
                "external_customer_id": link.external_id,
                "payment_provider": provider.code,
                "lago_invoice_id": answers.stable_id("invoice", move.id),
                "payment_url": wizard.link,
            }
        }

    def retry_payment(self, service, _body, lago_id):
        """Charge the customer's saved means of payment once more; 422 without one, 405 while a payment is under way."""
        move = self._sole_move(service, lago_id)
        self._check_payable(move)
        self._claim_payment(move)
        partner = move.partner_id | move.commercial_partner_id
        tokens = self.env["payment.token"].sudo().search(
            [("partner_id", "in", partner.ids), ("provider_id", "in", self._payment_providers(move).ids)],
            order="id desc",
        )  # fmt: skip
        token = tokens._fusion_paying(move)
        if not token:
            raise answers.invalid({"base": ["no_linked_payment_provider"]})
        transactions = self.env["payment.transaction"].sudo()
        transactions.create(
            {
                "provider_id": token.provider_id.id,
                "payment_method_id": token.payment_method_id.id,
                "reference": transactions._compute_reference(token.provider_id.code, prefix=move.name),
                "amount": move.amount_residual,
                "currency_id": move.currency_id.id,
                "partner_id": token.partner_id.id,
                "operation": "offline",
                "token_id": token.id,
                "invoice_ids": [fields.Command.set(move.ids)],
            }
        )._charge_with_token()

    def _check_payable(self, move):
        if move.state != "posted" or move.payment_state in PAID:
            raise answers.not_allowed("invalid_status")

    def _claim_payment(self, move):
        """Only one payment of an invoice at a time: until this transaction ends, and while one may still come.

        The row is written, too: a request that began before and comes after must not go on with what it saw then.
        """
        try:
            with self.env.cr.savepoint(flush=False):
                lock = SQL("SELECT FROM account_move WHERE id = %s FOR NO KEY UPDATE NOWAIT", move.id)
                self.env.cr.execute(lock, log_exceptions=False)
        except psycopg2.errors.LockNotAvailable:
            raise answers.not_allowed(BEING_PAID) from None
        self.env.cr.execute(SQL("UPDATE account_move SET write_date = now() AT TIME ZONE 'UTC' WHERE id = %s", move.id))
        move.invalidate_recordset()
        since = fields.Datetime.now() - ABANDONED
        if move.sudo().transaction_ids.filtered(
            lambda payment: (
                payment.state in ("pending", "authorized") or (payment.state == "draft" and payment.create_date > since)
            )
        ):
            raise answers.not_allowed(BEING_PAID)
        self._check_payable(move)

    def _payment_providers(self, move):
        domain = [("state", "!=", "disabled"), ("company_id", "=", move.company_id.id)]
        return self.env["payment.provider"].sudo().search(domain, order="sequence, id")

    def _report_payment(self, service, move, status):
        if status not in invoices.PAYMENT_STATUSES:
            raise answers.invalid({"payment_status": ["value_is_invalid"]})
        if status == self._payment_status(move):
            return
        if status != "succeeded" or move.state != "posted":
            raise answers.invalid({"payment_status": ["not_supported_by_native_payments"]})
        journal = service.sudo().payment_journal_id
        if not journal:
            raise answers.invalid({"payment_status": ["no_payment_journal_for_this_service"]})
        register = self.env["account.payment.register"].sudo().with_context(
            active_model="account.move", active_ids=move.ids
        )  # fmt: skip
        register.create({"journal_id": journal.id})._create_payments()

    def _payment_status(self, move):
        if move.payment_state in PAID:
            return "succeeded"
        states = set(move.sudo().transaction_ids.mapped("state"))
        return "failed" if "error" in states and not states & {"draft", "pending", "authorized", "done"} else "pending"
