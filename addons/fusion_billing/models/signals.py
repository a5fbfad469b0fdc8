"""Which changes services hear of. Every message is written in the transaction of its change."""

from odoo import api, fields, models

SHOWN_PARTNER = {"name", "email", "phone", "street", "street2", "city", "zip", "state_id", "country_id", "vat"}
SHOWN_LINK = {"partner_id", "external_id", "timezone", "currency_id", "grace_days"}
SHOWN_ORDER = {"fusion_plan_code", "fusion_plan_amount", "fusion_ending_at", "fusion_timezone", "fusion_billing_time"}
STARTING = {"fusion_started_at", "state"}


class AccountLink(models.Model):
    _inherit = "fusion.billing.account.link"

    @api.model_create_multi
    def create(self, vals_list):
        links = super().create(vals_list)
        links._fusion_tell("customer.created")
        return links

    def write(self, vals):
        done = super().write(vals)
        if SHOWN_LINK & vals.keys():
            self._fusion_tell("customer.updated")
        return done

    def _fusion_tell(self, webhook_type):
        gateway, outbox = self.env["fusion.billing.gateway"], self.env["fusion.billing.webhook"]
        for link in self.sudo():
            outbox._tell(link.service_id, webhook_type, "customer", lambda link=link: gateway._customer(link))


class ResPartner(models.Model):
    _inherit = "res.partner"

    def write(self, vals):
        done = super().write(vals)
        if SHOWN_PARTNER & vals.keys():
            links = self.env["fusion.billing.account.link"].sudo()
            links.search([("partner_id", "in", self.ids)])._fusion_tell("customer.updated")
        return done


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def write(self, vals):
        if not (vals.keys() & (SHOWN_ORDER | STARTING | {"fusion_ended_at"})):
            return super().write(vals)
        before = {order.id: order._fusion_phase() for order in self}
        done = super().write(vals)
        for order in self.filtered("fusion_service_id"):
            order._fusion_tell_change(before[order.id], vals)
        return done

    def _fusion_phase(self):
        if self.fusion_ended_at:
            return "terminated"
        return "active" if self.fusion_started_at and self.state == "sale" else "pending"

    def _fusion_tell_change(self, before, vals):
        phase = self._fusion_phase()
        if phase not in (before, "pending"):
            kind = "subscription.started" if phase == "active" else "subscription.terminated"
        elif phase == "active" and SHOWN_ORDER & vals.keys():
            kind = "subscription.updated"
        else:
            return
        order, gateway = self.sudo(), self.env["fusion.billing.gateway"]
        outbox = self.env["fusion.billing.webhook"]
        outbox._tell(order.fusion_service_id, kind, "subscription", lambda: gateway._subscription(order))


class AccountMove(models.Model):
    _inherit = "account.move"

    fusion_overdue_told = fields.Boolean(copy=False)

    def _fusion_services(self):
        """The services whose subscriptions this invoice bills."""
        lines = self.sudo().invoice_line_ids
        return (lines.fusion_order_id | lines.sale_line_ids.order_id).fusion_service_id

    def _fusion_tell(self, webhook_type):
        gateway, outbox = self.env["fusion.billing.gateway"], self.env["fusion.billing.webhook"]
        for move in self.sudo().filtered(lambda m: m.move_type == "out_invoice" and not m.fusion_shadow):
            for service in move._fusion_services():
                shape = lambda move=move, service=service: gateway._invoice(move, service)  # noqa: E731
                outbox._tell(service, webhook_type, "invoice", shape)

    def _post(self, soft=True):
        posted = super()._post(soft)
        posted._fusion_tell("invoice.created")
        posted._fusion_tell("invoice.generated")
        return posted

    def _invoice_paid_hook(self):
        done = super()._invoice_paid_hook()
        self._fusion_tell("invoice.payment_status_updated")
        return done

    @api.model
    def _fusion_cron_overdue(self):
        """Tell of invoices whose due date has passed, once each."""
        late = self.search(
            [
                ("move_type", "=", "out_invoice"),
                ("state", "=", "posted"),
                ("payment_state", "in", ("not_paid", "partial")),
                ("invoice_date_due", "<", fields.Date.context_today(self)),
                ("fusion_overdue_told", "=", False),
                "|",
                ("invoice_line_ids.fusion_order_id", "!=", False),
                ("invoice_line_ids.sale_line_ids.order_id.fusion_service_id", "!=", False),
            ],
            limit=500,
        )
        late._fusion_tell("invoice.payment_overdue")
        late.fusion_overdue_told = True
