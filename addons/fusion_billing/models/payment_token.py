from odoo import api, fields, models


class PaymentToken(models.Model):
    """A token says which subscriptions it pays; they say it themselves where they can (Enterprise's subscriptions)."""

    _inherit = "payment.token"

    fusion_order_ids = fields.Many2many(
        "sale.order", "fusion_billing_token_order", "token_id", "order_id", "Pays the subscriptions", copy=False
    )

    @api.model_create_multi
    def create(self, vals_list):
        tokens = super().create(vals_list)
        tokens._fusion_pay()
        return tokens

    def write(self, vals):
        written = super().write(vals)
        if "fusion_order_ids" in vals:
            self._fusion_pay()
        return written

    def _fusion_paying(self, move):
        """The first that may pay the invoice: not one that pays for another customer of the same contact."""
        accounts = move.sudo()._fusion_orders().fusion_account_id
        return self.filtered(
            lambda token: (
                not token.fusion_order_ids.fusion_account_id or token.fusion_order_ids.fusion_account_id & accounts
            )
        )[:1]

    def _fusion_pay(self):
        """Set the token on its orders, where orders have one."""
        if "payment_token_id" in self.env["sale.order"]._fields:
            for token in self.filtered("fusion_order_ids"):
                token.fusion_order_ids.write({"payment_token_id": token.id})
