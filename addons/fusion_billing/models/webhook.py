"""The outbox of webhooks: written in the transaction of the change, delivered by a job, kept for 90 days."""

import json
import logging
import random
import uuid
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..api import answers, delivery, keypair, signature
from ..quiet import where
from .apart import tried_in_job

_logger = logging.getLogger(__name__)
ATTEMPTS = 3
TIMEOUT = 30
KEPT_DAYS = 90
# What an app suspends and restores its customers by: each waits for the app's acknowledgement, in order.
CONTROL = frozenset({"invoice.payment_overdue", "invoice.payment_failure", "invoice.payment_status_updated"})
# A change that is told in the same transaction as one of these tells nothing new: that message takes its content.
TELLING = {
    "customer.updated": ("customer.created", "customer.updated"),
    "subscription.updated": ("subscription.started", "subscription.updated"),
}


class FusionBillingWebhook(models.Model):
    """One message for one service."""

    _name = "fusion.billing.webhook"
    _description = "Webhook Outbox"
    _rec_name = "webhook_type"
    _order = "id desc"

    service_id = fields.Many2one("fusion.billing.service", required=True, ondelete="cascade", index=True)
    webhook_type = fields.Char(required=True)
    object_type = fields.Char(required=True)
    unique_key = fields.Char(required=True, index=True, help="The same at every attempt: the app drops repetitions")
    payload = fields.Text(required=True, help="The JSON body, byte for byte as it is signed and sent")
    state = fields.Selection(
        [("pending", "Pending"), ("sent", "Sent"), ("failed", "Parked"), ("superseded", "Superseded")],
        required=True,
        default="pending",
        help="Sent: the app answered 2xx, which acknowledges it. Parked: not acknowledged after three attempts. "
        "Superseded: parked, and a later message on the same invoice was acknowledged",
    )
    control = fields.Boolean(help="The app suspends or restores the customer by it")
    res_model = fields.Char("About", help="Model of the record it is about")
    res_id = fields.Many2oneReference("Record", model_field="res_model")
    partner_id = fields.Many2one("res.partner", "Customer", ondelete="set null", index="btree_not_null")
    account_id = fields.Many2one("fusion.billing.account.link", ondelete="set null", index="btree_not_null")
    replayed = fields.Boolean(help="Sent again on request, in order")
    attempts = fields.Integer()
    next_attempt_at = fields.Datetime(default=fields.Datetime.now)
    sent_at = fields.Datetime("Acknowledged at")
    escalated_at = fields.Datetime(help="Since then finance has an activity about it")
    activity_id = fields.Many2one("mail.activity", ondelete="set null", index="btree_not_null")
    response_status = fields.Integer()
    response_body = fields.Text("Answer", help="What the app answered last, its first 1,000 bytes")
    last_error = fields.Char()
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)

    _due_idx = models.Index("(service_id, id) WHERE state = 'pending'")
    _about_idx = models.Index("(res_model, res_id, service_id)")
    _customer_idx = models.Index("(service_id, partner_id, id) WHERE control")

    # what is told

    @api.model
    def _tell(self, service, webhook_type, object_type, shape, about=None, partner=None, account=None):
        """Put a message into the outbox, if the service listens.

        ``shape``: a function that gives the object. ``about``: the record it is about; ``partner``: its customer, and
        ``account``: as the service knows it.
        """
        if not service.sudo().webhook_url:
            return
        body = {
            "webhook_type": webhook_type,
            "object_type": object_type,
            "organization_id": answers.stable_id("organization", service.company_id.id),
            object_type: shape(),
        }
        told = about and self._told_before(service, webhook_type, about)
        if told:
            told.payload = json.dumps({**body, "webhook_type": told.webhook_type}, ensure_ascii=False)
            return
        self.sudo().create(
            {
                "service_id": service.id,
                "webhook_type": webhook_type,
                "object_type": object_type,
                "unique_key": str(uuid.uuid4()),
                "payload": json.dumps(body, ensure_ascii=False),
                "control": webhook_type in CONTROL,
                "res_model": about and about._name,
                "res_id": about and about.id,
                "partner_id": partner and partner.id,
                "account_id": account and account.id,
                "company_id": service.company_id.id,
            }
        )
        self._wake()

    def _told_before(self, service, webhook_type, about):
        """The message of this very transaction that this change is part of."""
        if webhook_type not in TELLING:
            return self.browse()
        return self.sudo().search(
            [
                ("service_id", "=", service.id),
                ("res_model", "=", about._name),
                ("res_id", "=", about.id),
                ("webhook_type", "in", TELLING[webhook_type]),
                ("create_date", "=", self.env.cr.now()),
                ("state", "=", "pending"),
                ("attempts", "=", 0),
            ],
            limit=1,
        )

    @api.model
    def _wake(self, at=None):
        """Have the job run as soon as this is committed; once per transaction is enough."""
        told = self.env.cr.precommit.data.setdefault("fusion_billing_wake", set())
        if at not in told:
            told.add(at)
            self.env.ref("fusion_billing.cron_deliver").sudo()._trigger(at)

    @api.model
    def public_key(self):
        """The key that checks messages signed as JWT, as Lago's API shows it."""
        return keypair.served(self.env["fusion.billing.signing.key"]._pair().public_pem)

    # delivery

    @api.model
    def _cron_deliver(self):
        """Send what is due; every message is committed on its own, so that nothing is sent twice for another's sake."""
        tried_in_job(self, self._escalate_waiting)
        self.env["ir.cron"]._commit_progress()
        silent, failed = set(), set()
        while message := self._next_due(silent, failed):
            if not message._attempt():
                failed.add(message.id)
            if message.state == "pending" and not message.response_status:
                silent.add(message.service_id.id)  # what else waits for it would only wait for its time-out again
            if not self.env["ir.cron"]._commit_progress(1, remaining=1):
                return
        self.env["ir.cron"]._commit_progress(remaining=0)

    def _next_due(self, silent, failed):
        """The oldest message that may go now, locked.

        A control message waits for the earlier ones of its customer, a replayed one for the earlier replayed ones.
        """
        self.flush_model()
        self.env.cr.execute(
            SQL(
                """SELECT due.id FROM fusion_billing_webhook due
                    WHERE due.state = 'pending' AND due.next_attempt_at <= %(now)s
                      AND NOT due.service_id = ANY(%(silent)s) AND NOT due.id = ANY(%(failed)s)
                      AND NOT EXISTS (
                          SELECT FROM fusion_billing_webhook earlier
                           WHERE earlier.state = 'pending' AND earlier.service_id = due.service_id
                             AND earlier.id < due.id
                             AND (earlier.replayed AND due.replayed
                                  OR earlier.control AND due.control AND earlier.partner_id = due.partner_id))
                 ORDER BY due.id LIMIT 1 FOR UPDATE SKIP LOCKED""",
                now=fields.Datetime.now(),
                silent=list(silent),
                failed=list(failed),
            )
        )
        return self.browse(row[0] for row in self.env.cr.fetchall())

    def _attempt(self):
        """One attempt: was it acknowledged? Without an address or a way to sign nothing leaves."""
        self.ensure_one()
        try:
            answer = self._post()
        except delivery.Undelivered as error:
            return self._unsent(str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the other messages' turn must come
            _logger.error("%s %s: %s", self._name, self.ids, where(error))
            return self._unsent(type(error).__name__)
        self.write({"response_status": answer.status, "response_body": answer.text})
        if not 200 <= answer.status < 300:
            self._failed(self.env._("The endpoint answered %s.", answer.status))
            return False
        if self.control and self.service_id.sudo().webhook_named and not self._is_named(answer):
            self._failed(self.env._("The endpoint answered %s without naming the message's unique key.", answer.status))
            return False
        self._acknowledged()
        return True

    def _unsent(self, why):
        self.write({"response_status": 0, "response_body": False})
        self._failed(why)
        return False

    def _is_named(self, answer):
        return self.unique_key == answer.named or self.unique_key in answer.text

    def _post(self):
        """Sign and send. Raises delivery.Undelivered."""
        service = self.service_id.sudo()
        if not service.webhook_url:
            raise delivery.Undelivered(self.env._("The service has no address for webhooks."))
        parameters = self.env["ir.config_parameter"].sudo()
        allowed = delivery.Allowed.parse(parameters.get_param("fusion_billing.webhook_allowed_hosts") or "")
        headers = signature.headers(service.webhook_algorithm, self._signed(service), self.unique_key)
        return delivery.post(
            service.webhook_url, self.payload.encode(), headers, allowed=allowed, timeout=TIMEOUT
        )  # fmt: skip

    def _signed(self, service):
        if service.webhook_algorithm == "jwt":
            issuer = self.env["ir.config_parameter"].sudo().get_param("web.base.url") or ""
            return keypair.jwt(self.env["fusion.billing.signing.key"]._pair().private_pem, self.payload, issuer)
        if not service.webhook_secret:
            raise delivery.Undelivered(self.env._("The service has no secret for webhooks: nothing is sent unsigned."))
        return signature.signature(service.webhook_secret, self.payload.encode())

    def _failed(self, error):
        attempts = self.attempts + 1
        later = fields.Datetime.now() + timedelta(seconds=signature.delay_seconds(attempts, random.random()))  # noqa: S311
        parked = attempts >= ATTEMPTS
        self.write(
            {
                "attempts": attempts,
                "last_error": error[:500],
                "state": "failed" if parked else "pending",
                "next_attempt_at": later,
            }
        )
        if parked:
            self.filtered("control")._escalate()

    def _acknowledged(self):
        now = fields.Datetime.now()
        self.write({"state": "sent", "sent_at": now, "attempts": self.attempts + 1, "last_error": False})
        if self.control:
            self._close_escalation()
            earlier = self.search([*self._same_record(), ("id", "<", self.id), ("state", "=", "failed")])
            earlier.state = "superseded"
            earlier._close_escalation()

    def _same_record(self):
        return [
            ("service_id", "=", self.service_id.id),
            ("res_model", "=", self.res_model),
            ("res_id", "=", self.res_id),
            ("control", "=", True),
        ]

    # escalation

    @api.model
    def _escalate_waiting(self):
        """Control messages that nobody acknowledged for an hour, whatever they wait for."""
        minutes = int(self.env["ir.config_parameter"].sudo().get_param("fusion_billing.escalate_minutes") or 60)
        since = fields.Datetime.now() - timedelta(minutes=minutes)
        waiting = [("state", "=", "pending"), ("next_attempt_at", "<=", since)]
        self.search([("control", "=", True), ("escalated_at", "=", False), *waiting], limit=500)._escalate()

    def _escalate(self):
        """An activity for finance on the invoice (else on the customer), one per message."""
        for message in self.filtered(lambda message: not message.escalated_at):
            target, service = message._escalation_target(), message.service_id.sudo()
            told = {"service": service.name, "event": message.webhook_type, "key": message.unique_key}
            message.activity_id = target and target.activity_schedule(
                "fusion_billing.activity_unacknowledged",
                summary=self.env._("%(service)s has not acknowledged %(event)s", **told),
                note=self.env._("Message %(key)s: %(why)s", **told, why=message.last_error or self.env._("waiting")),
                user_id=service._escalation_user().id,
            )
            message.escalated_at = fields.Datetime.now()

    def _escalation_target(self):
        moves = self.env["account.move"].sudo()
        move = moves.browse(self.res_id if self.res_model == moves._name else []).exists()
        return move or self.partner_id.sudo()

    def _close_escalation(self):
        self.activity_id.sudo().action_feedback(feedback=self.env._("Acknowledged, or superseded by a later message."))
        self.filtered("escalated_at").escalated_at = False

    # by hand

    def action_retry(self):
        """Give parked messages three more attempts."""
        self.check_access("write")
        parked = self.sudo().filtered(lambda message: message.state == "failed")
        parked.write({"state": "pending", "attempts": 0, "next_attempt_at": fields.Datetime.now()})
        if parked:
            self._wake()

    def _replay(self):
        """Send these again, in their order and under their unique keys; how many."""
        again = self.sudo().filtered(lambda message: message.state != "superseded")
        now = fields.Datetime.now()
        again.write({"state": "pending", "attempts": 0, "replayed": True, "next_attempt_at": now})
        if again:
            self._wake()
        return len(again)

    @api.autovacuum
    def _gc_old(self):
        """What was acknowledged or superseded is kept for 90 days, as Lago does."""
        limit = fields.Datetime.now() - timedelta(days=KEPT_DAYS)
        self.search([("state", "in", ("sent", "superseded")), ("create_date", "<", limit)], limit=10_000).unlink()
