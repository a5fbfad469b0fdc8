"""Whose an order and an invoice are: the account at the service. Contacts are merged, accounts never."""

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .dialects import dialect


class SaleOrder(models.Model):
    _inherit = "sale.order"

    @api.depends("fusion_service_id", "partner_id")
    def _compute_fusion_account_id(self):
        """Where nobody said whose it is: the service's only account of the contact. Two of them are for a person."""
        for order in self:
            fitting = order._fusion_fitting_accounts()
            if order.fusion_account_id not in fitting:
                order.fusion_account_id = fitting if len(fitting) == 1 else False

    def _fusion_fitting_accounts(self):
        """Those of the service and the contact; of its company if it has none; deleted ones if there is no other."""
        accounts = self.env["fusion.billing.account.link"].sudo().with_context(active_test=False)
        for partner in (self.partner_id, self.partner_id.commercial_partner_id):
            if self.fusion_service_id and partner:
                own = [("service_id", "=", self.fusion_service_id.id), ("partner_id", "=", partner._origin.id)]
                found = accounts.search(own).with_env(self.env)
                if found:
                    kept = found & self.fusion_account_id
                    return found.filtered(lambda account, kept=kept: account.active or account in kept) or found
        return accounts.browse().with_env(self.env)

    @api.constrains("fusion_account_id", "fusion_service_id")
    def _check_fusion_account(self):
        for order in self.filtered("fusion_account_id"):
            if order.sudo().fusion_account_id.service_id != order.sudo().fusion_service_id:
                raise ValidationError(
                    self.env._(
                        "%(order)s: %(account)s is no account of this order's service.",
                        order=order.display_name,
                        account=order.sudo().fusion_account_id.display_name,
                    )
                )

    def _fusion_customer(self):
        """The customer's id at the service; of what is no subscription the contact's, if it has only one."""
        if self.fusion_account_id:
            return self.sudo().fusion_account_id.external_id
        accounts = self.env["fusion.billing.account.link"].sudo()
        known = {account.external_id for account in accounts.search([("partner_id", "=", self.partner_id.id)])}
        return known.pop() if len(known) == 1 else ""

    def _prepare_invoice(self):
        """Extends ``sale``: the invoice says whose it is."""
        return {**super()._prepare_invoice(), "fusion_customer": self._fusion_customer()}

    def _get_invoice_grouping_keys(self):
        """Extends ``sale``: two customers whose contacts were merged do not share an invoice."""
        return [*super()._get_invoice_grouping_keys(), "fusion_customer"]


class AccountMove(models.Model):
    _inherit = "account.move"

    fusion_customer = fields.Char(
        "Customer at the service",
        index="btree_not_null",
        help="Orders of different customers are not invoiced together",
    )
    fusion_account_id = fields.Many2one(
        "fusion.billing.account.link",
        "Account",
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
        check_company=True,
        help="Of an invoice that no order made: a service asked for it",
    )

    def _fusion_account(self, service):
        """The service's account that the invoice bills, also if it was deleted since; of several the newest."""
        orders = self.sudo()._fusion_orders()
        for path in dialect(self.env).order_of_invoice:
            orders |= self.sudo().mapped(path)
        accounts = orders.fusion_account_id | self.sudo().fusion_account_id
        return accounts.filtered(lambda account: account.service_id == service).sorted(
            lambda account: (account.active, account.id), reverse=True
        )[:1]


class AccountLink(models.Model):
    _inherit = "fusion.billing.account.link"

    @api.model_create_multi
    def create(self, vals_list):
        """Extends: orders of the contact that were nobody's find the account that is made after them."""
        accounts = super().create(vals_list)
        accounts._fusion_adopt_orders()
        return accounts

    def _fusion_adopt_orders(self):
        orders = self.env["sale.order"].sudo()
        nobodys = orders.search(
            [
                ("fusion_service_id", "in", self.service_id.ids),
                ("partner_id", "child_of", self.partner_id.commercial_partner_id.ids),
                ("fusion_account_id", "=", False),
            ]
        )
        nobodys._compute_fusion_account_id()
