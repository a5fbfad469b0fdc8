"""Which changes services hear of. Every message is written in the transaction of its change."""

import json
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL
from odoo.tools.mail import plaintext2html

from ..api import answers
from ..rating import event_checks
from .apart import tried_in_job
from .gateway.invoice_payments import PAID

SHOWN_PARTNER = {
    "name", "email", "phone", "street", "street2", "city", "zip", "state_id", "country_id", "vat", "website",
    "company_registry", "is_company",
}  # fmt: skip
SHOWN_LINK = {"partner_id", "external_id", "timezone", "currency_id", "grace_days", "finalize_zero", "details"}
SHOWN_ORDER = {
    "fusion_plan_code", "fusion_plan_amount", "fusion_ending_at", "fusion_timezone", "fusion_billing_time",
    "fusion_details",
}  # fmt: skip
STARTING = {"fusion_started_at", "state"}
CHECK_LAG = timedelta(minutes=1)  # events of transactions that are still open are left for the next check
CHECK_ROWS = 10_000
AT_ONCE = 500  # invoices that one run of the hourly job tells of


class AccountLink(models.Model):
    _inherit = "fusion.billing.account.link"

    last_control_id = fields.Many2one(
        "fusion.billing.webhook",
        "Last control message",
        compute="_compute_last_control",
        help="The last message by which the app suspends or restores this customer",
    )
    control_type = fields.Char("Last told", compute="_compute_last_control")
    control_state = fields.Selection(
        lambda self: self.env["fusion.billing.webhook"]._fields["state"].selection,
        "Acknowledgement",
        compute="_compute_last_control",
    )

    def _compute_last_control(self):
        outbox = self.env["fusion.billing.webhook"].sudo()
        domain = [("account_id", "in", self.ids), ("control", "=", True)]
        last = {account.id: number for account, number in outbox._read_group(domain, ["account_id"], ["id:max"])}
        for link in self:
            message = outbox.browse(last.get(link.id, []))
            link.last_control_id = message
            link.control_type, link.control_state = message.webhook_type, message.state

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
            shape = lambda link=link: gateway._customer(link)  # noqa: E731
            outbox._tell(
                link.service_id, webhook_type, "customer", shape, about=link, partner=link.partner_id, account=link
            )


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

    @api.model_create_multi
    def create(self, vals_list):
        orders = super().create(vals_list)
        for order in orders.filtered("fusion_service_id"):
            order._fusion_tell_change("pending", {})
        return orders

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
        shape = lambda: gateway._subscription(order)  # noqa: E731
        outbox, account = self.env["fusion.billing.webhook"], order.fusion_account_id
        outbox._tell(
            order.fusion_service_id, kind, "subscription", shape,
            about=order, partner=order.partner_id, account=account,
        )  # fmt: skip


class AccountMove(models.Model):
    _inherit = "account.move"

    fusion_overdue_told = fields.Boolean(copy=False)
    fusion_status_told = fields.Char(
        "Payment status told", copy=False, readonly=True, help="pending or succeeded: what the services heard last"
    )

    def _fusion_services(self):
        """The services whose subscriptions this invoice bills."""
        lines = self.sudo().invoice_line_ids
        ordered = (lines.fusion_order_id | lines.sale_line_ids.order_id).fusion_service_id
        return ordered | self.sudo().fusion_account_id.service_id

    def _fusion_told_about(self):
        return self.sudo().filtered(lambda move: move.move_type == "out_invoice" and not move.fusion_shadow)

    def _fusion_link(self, service):
        """The account of the invoice's customer at the service."""
        return self._fusion_account(service)

    def _fusion_tell(self, webhook_type, object_type="invoice", shape=None):
        """``shape``: a function of invoice and service; the invoice as the API shows it, if not given."""
        shape = shape or self.env["fusion.billing.gateway"]._invoice
        outbox = self.env["fusion.billing.webhook"]
        for move in self._fusion_told_about():
            for service in move._fusion_services():
                made = lambda move=move, service=service: shape(move, service)  # noqa: E731
                account = move._fusion_link(service)
                customer = account.partner_id or move.commercial_partner_id
                outbox._tell(
                    service, webhook_type, object_type, made, about=move, partner=customer, account=account
                )  # fmt: skip

    def _post(self, soft=True):
        posted = super()._post(soft)
        told = posted._fusion_told_about().filtered(lambda move: move._fusion_services())
        for move in told:
            move.fusion_status_told = move._fusion_payment_status()
        asked_for = told.filtered("fusion_account_id")
        asked_for._fusion_tell("invoice.one_off_created")
        (told - asked_for)._fusion_tell("invoice.created")
        told._fusion_tell("invoice.generated")
        return posted

    def _fusion_payment_status(self):
        return "succeeded" if self.payment_state in PAID else "pending"

    def _invoice_paid_hook(self):
        done = super()._invoice_paid_hook()
        self._fusion_tell_status()
        return done

    def _fusion_tell_status(self):
        """Tell of invoices whose payment status is no longer the one told last; paid ones may be overdue again."""
        for move in self._fusion_told_about().filtered("fusion_status_told"):
            status = move._fusion_payment_status()
            if status != move.fusion_status_told:
                move.write({"fusion_status_told": status, "fusion_overdue_told": False})
                move._fusion_tell("invoice.payment_status_updated")

    @api.model
    def _fusion_cron_overdue(self):
        """Tell of invoices whose due date has passed, once each, and of payments that no hook told of."""
        for move in self._fusion_unheard():
            move._fusion_try_telling(move._fusion_tell_status)
        late = self.search(
            [
                ("move_type", "=", "out_invoice"),
                ("state", "=", "posted"),
                ("payment_state", "in", ("not_paid", "partial")),
                ("invoice_date_due", "<", fields.Date.context_today(self)),
                ("fusion_overdue_told", "=", False),
                ("fusion_shadow", "=", False),
                "|",
                "|",
                ("fusion_account_id", "!=", False),
                ("invoice_line_ids.fusion_order_id", "!=", False),
                ("invoice_line_ids.sale_line_ids.order_id.fusion_service_id", "!=", False),
            ],
            limit=AT_ONCE,
        )
        for move in late:
            move._fusion_try_telling(move._fusion_tell_overdue)
        if len(late) == AT_ONCE:  # the rest in a transaction of its own
            self.env.ref("fusion_billing.cron_overdue").sudo()._trigger()

    def _fusion_try_telling(self, tell):
        """``tell`` of this invoice, or one activity that says why its services do not hear of it."""
        reason = tried_in_job(self, tell)
        kind = self.env.ref("fusion_billing.activity_unacknowledged")
        if reason and kind not in self.activity_ids.activity_type_id:
            self.activity_schedule(
                "fusion_billing.activity_unacknowledged",
                summary=self.env._("The services do not hear of this invoice"),
                note=plaintext2html(reason),
                user_id=self._fusion_services()[:1]._escalation_user(self.company_id).id,
            )

    def _fusion_tell_overdue(self):
        self._fusion_tell("invoice.payment_overdue")
        self.fusion_overdue_told = True

    def _fusion_unheard(self):
        """Invoices paid or reopened by ways that call no hook, such as a credit note or a payment taken back."""
        paid, open_ = ("payment_state", "in", PAID), ("payment_state", "not in", PAID)
        told = [("fusion_status_told", "=", "pending"), paid], [("fusion_status_told", "=", "succeeded"), open_]
        return self.search(["&", ("state", "=", "posted"), "|", "&", *told[0], "&", *told[1]], limit=AT_ONCE)


class AccountPartialReconcile(models.Model):
    _inherit = "account.partial.reconcile"

    def unlink(self):
        moves = (self.debit_move_id | self.credit_move_id).move_id
        done = super().unlink()
        moves.exists()._fusion_tell_status()
        return done


class PaymentTransaction(models.Model):
    _inherit = "payment.transaction"

    def write(self, vals):
        failing = self.filtered(lambda payment: payment.state != "error") if vals.get("state") == "error" else self[:0]
        done = super().write(vals)
        for payment in failing.sudo():
            payment.invoice_ids._fusion_tell(
                "invoice.payment_failure", "payment_provider_invoice_payment_error", payment._fusion_failure
            )
        return done

    def _fusion_failure(self, move, service):
        """Why a payment of an invoice failed, in Lago's shape."""
        link = move._fusion_link(service)
        return {
            "lago_invoice_id": answers.stable_id("invoice", move.id),
            "lago_customer_id": link.fusion_lago_id or None,
            "external_customer_id": link.external_id or None,
            "provider_customer_id": self.token_id.provider_ref or None,
            "payment_provider": self.provider_id.code,
            "payment_provider_code": self.provider_id.code,
            "provider_error": {"message": self.state_message or "", "code": self.state},
        }


class Service(models.Model):
    _inherit = "fusion.billing.service"

    events_checked_at = fields.Datetime(readonly=True, copy=False, help="Events received before were checked")

    @api.model
    def _cron_check_events(self):
        """Tell every service, as Lago does hourly, which events it sent since the last time cannot be billed."""
        for service in self.search([("webhook_url", "!=", False)]):
            tried_in_job(service, lambda service=service: service._check_events(fields.Datetime.now() - CHECK_LAG))
            self.env["ir.cron"]._commit_progress(1)

    def _check_events(self, upto):
        since = self.events_checked_at or upto - timedelta(hours=1)
        found = event_checks.problems(self._received(since, upto), self._metrics(), self._known_subscriptions())
        self.events_checked_at = upto
        if any(found.values()):
            outbox = self.env["fusion.billing.webhook"]
            outbox._tell(self, "events.errors", "events_errors", lambda: found)

    def _received(self, since, upto):
        """(transaction, subscription, code, properties) of what the service sent then, in order of arrival."""
        self.env["fusion.billing.usage"].flush_model()
        self.env.cr.execute(
            SQL(
                """SELECT transaction_id, external_subscription_id, code, properties FROM fusion_billing_usage
                    WHERE service_id = %s AND received_at >= %s AND received_at < %s
                 ORDER BY received_at, received_us, id""",
                self.id,
                since,
                upto,
            )
        )
        while rows := self.env.cr.fetchmany(CHECK_ROWS):
            yield from rows

    def _metrics(self):
        metrics = self.env["fusion.billing.metric"].sudo().search([("company_id", "=", self.company_id.id)])
        return {
            metric.code: {
                "aggregation": metric.aggregation,
                "field_name": metric.field_name,
                "filters": json.loads(metric.filters or "[]"),
            }
            for metric in metrics
        }

    def _known_subscriptions(self):
        orders = self.env["sale.order"].sudo()
        own = [("fusion_service_id", "=", self.id), ("fusion_external_id", "!=", False)]
        return frozenset(name for (name,) in orders._read_group(own, ["fusion_external_id"]))
