"""OCA's own invoicing of a subscription of ours goes the way of its order: with usage, in its currency, once.

``subscription_oca`` bills the lines of ``sale.subscription`` as they stand. The addon does not depend on it, and is
loaded before it, so that its methods are taken over when the registry is complete (as ``base_automation`` does).
"""

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import html_escape

from ..rating.moments import moment
from ..rating.schedule import next_invoicing
from .apart import tried

TAKEN_OVER = ("create_invoice", "create_sale_order", "generate_invoice", "manual_invoice")


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def _register_hook(self):
        """Take over what makes invoices of OCA's subscriptions, if they are there."""
        super()._register_hook()
        if "sale.subscription" in self.env:
            native = self.env.registry["sale.subscription"]
            for name in TAKEN_OVER:
                take_over(native, name)

    def _fusion_oca_create_invoice(self, _subscription):
        """All that is due on the order. Raises UserError if nothing is."""
        moves = self._fusion_oca_invoice()
        if not moves:
            raise UserError(self.env._("%s: nothing is due; usage is billed when its period is over.", self.name))
        return moves

    def _fusion_oca_create_sale_order(self, _subscription):
        raise UserError(self.env._("%s is invoiced from its own order; another one would bill it twice.", self.name))

    def _fusion_oca_manual_invoice(self, subscription):
        return self.action_view_invoice(self._fusion_oca_create_invoice(subscription))

    def _fusion_oca_generate_invoice(self, subscription):
        """What OCA's scheduled action asks for, of all orders of the customer: they are on one invoice, as in Lago.

        Trouble of one order becomes an activity, as in the addon's own action.
        """
        if not self._fusion_metered():
            self._fusion_tell_finance(self._fusion_oca_unfit())
            return
        same = (("company_id", "=", self.company_id.id), ("partner_invoice_id", "=", self.partner_invoice_id.id))
        moves = (self._fusion_awake(*same) | self)._fusion_invoice_apart()
        for move in moves:
            reason = tried(move, lambda move=move: send(move.subscription_id, move))
            if reason:
                self._fusion_tell_finance(reason)
        for native in self._fusion_oca_natives(moves):
            native.message_post(body=", ".join(html_escape(move.display_name) for move in of_native(native, moves)))
        if not of_native(subscription, moves):
            subscription.message_post(body=self.env._("Nothing was due: no invoice was made."))

    def _fusion_oca_invoice(self):
        """Invoices of what is due on one order."""
        if not self._fusion_metered():
            raise UserError(self._fusion_oca_unfit())
        return self._fusion_invoice_due()

    def _fusion_oca_unfit(self):
        return self.env._("%s does not run as a subscription: it is not invoiced.", self.name)

    def _fusion_oca_invoiced(self, moves):
        """The invoices are shown with their subscriptions, whose next dates are then the calendar's."""
        for move in moves.sudo():
            move.subscription_id = (self._fusion_oca_natives(move) or self.subscription_ids)[:1]
        self._fusion_oca_move_on()

    @api.model
    def _fusion_oca_natives(self, moves):
        """The subscriptions that the invoices bill."""
        return moves.sudo().line_ids.fusion_order_id.subscription_ids.sudo(False)

    def _fusion_oca_move_on(self):
        """The day on which OCA's scheduled action must look again."""
        now = moment(fields.Datetime.to_datetime(self.env.context.get("fusion_at")) or fields.Datetime.now())
        for order in self.sudo().filtered(lambda order: not order.fusion_ended_at):
            following = next_invoicing(order._fusion_row(), now)
            running = order.subscription_ids.filtered("in_progress")
            running.filtered(lambda native, day=following: native.recurring_next_date != day).write(
                {"recurring_next_date": following}
            )


def of_native(native, moves):
    """Those of the invoices that bill an OCA subscription."""
    return moves.filtered(lambda move: native in move.sudo().line_ids.fusion_order_id.subscription_ids)


def send(subscription, moves):
    """Post and send, as the subscription's template says."""
    mode = subscription.template_id.invoicing_mode
    if mode == "draft" or not moves:
        return
    moves.action_post()
    if mode == "invoice_send":
        subscription.env["account.move.send"]._generate_and_send_invoices(
            moves, mail_template=subscription.template_id.invoice_mail_template_id, sending_methods=["email"]
        )


def take_over(model, name):
    """Let method ``name`` of ``sale.subscription`` ask the order's, where the order is one of ours."""
    native = getattr(model, name)
    if hasattr(native, "fusion_native"):
        return

    def of_order(self, *args, **kwargs):
        orders = self.sudo().sale_order_id
        if len(self) == 1 and orders.fusion_external_id:
            return getattr(orders.sudo(False), f"_fusion_oca_{name}")(self)
        return native(self, *args, **kwargs)

    of_order.__name__ = name
    of_order.fusion_native = native
    setattr(model, name, of_order)
