"""The same lists, of one customer; and its wallets by their code."""

from odoo import models

from ...api import answers


class OfCustomers(models.AbstractModel):
    _inherit = "fusion.billing.gateway"

    def list_customer_applied_coupons(self, service, query, external_id):
        return self.list_applied_coupons(service, self._of_customer(service, query, external_id))

    def list_customer_credit_notes(self, service, query, external_id):
        return self.list_credit_notes(service, self._of_customer(service, query, external_id))

    def list_customer_invoices(self, service, query, external_id):
        return self.list_invoices(service, self._of_customer(service, query, external_id))

    def list_customer_payment_requests(self, service, query, external_id):
        return self.list_payment_requests(service, self._of_customer(service, query, external_id))

    def list_customer_payments(self, service, query, external_id):
        return self.list_payments(service, self._of_customer(service, query, external_id))

    def list_customer_subscriptions(self, service, query, external_id):
        return self.list_subscriptions(service, self._of_customer(service, query, external_id))

    def list_customer_wallets(self, service, query, external_id):
        return self.list_wallets(service, self._of_customer(service, query, external_id))

    def create_customer_wallet(self, service, body, external_id):
        given = answers.root(body, "wallet", dict)
        return self.create_wallet(service, {"wallet": {**given, "external_customer_id": external_id}})

    def find_customer_wallet(self, service, query, external_id, code):
        return self.find_wallet(service, query, self._wallet_by_code(service, external_id, code))

    def update_customer_wallet(self, service, body, external_id, code):
        return self.update_wallet(service, body, self._wallet_by_code(service, external_id, code))

    def destroy_customer_wallet(self, service, query, external_id, code):
        return self.destroy_wallet(service, query, self._wallet_by_code(service, external_id, code))

    def _of_customer(self, service, query, external_id):
        return {**query, "external_customer_id": self._link(service, external_id).external_id}

    def _wallet_by_code(self, service, external_id, code):
        """Its id."""
        link = self._link(service, external_id)
        if not self._has_wallets():
            raise answers.not_found("wallet")
        cards = self.env["loyalty.card"].sudo().with_context(active_test=False)
        card = cards.search([*self._card_domain(link), ("code", "=", code)], limit=1)
        if not card:
            raise answers.not_found("wallet")
        return self._wallet_id(card)
