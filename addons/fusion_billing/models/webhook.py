import json
import logging
import uuid
from datetime import timedelta

import requests
from odoo import _, api, fields, models

from ..api import keypair, signature

_logger = logging.getLogger(__name__)
ATTEMPTS = 3
TIMEOUT = 30
BATCH = 100


class FusionBillingWebhook(models.Model):
    """Outbox: one message for one endpoint, written in the transaction of the change it tells of."""

    _name = "fusion.billing.webhook"
    _description = "Webhook Outbox"
    _rec_name = "webhook_type"
    _order = "id desc"

    service_id = fields.Many2one("fusion.billing.service", required=True, ondelete="cascade", index=True)
    webhook_type = fields.Char(required=True)
    object_type = fields.Char(required=True)
    unique_key = fields.Char(required=True, index=True)
    payload = fields.Text(required=True, help="The JSON body, byte for byte as it is signed and sent")
    state = fields.Selection(
        [("pending", "Pending"), ("sent", "Sent"), ("failed", "Parked")], required=True, default="pending"
    )
    attempts = fields.Integer()
    next_attempt_at = fields.Datetime(default=fields.Datetime.now)
    sent_at = fields.Datetime()
    response_status = fields.Integer()
    last_error = fields.Char()
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)

    _due_idx = models.Index("(next_attempt_at) WHERE state = 'pending'")

    @api.model
    def _tell(self, service, webhook_type, object_type, shape):
        """Put a message into the outbox, if the service listens. ``shape``: a function that gives the object."""
        if not service.sudo().webhook_url:
            return
        body = {
            "webhook_type": webhook_type,
            "object_type": object_type,
            "organization_id": str(service.company_id.id),
            object_type: shape(),
        }
        self.sudo().create(
            {
                "service_id": service.id,
                "webhook_type": webhook_type,
                "object_type": object_type,
                "unique_key": str(uuid.uuid4()),
                "payload": json.dumps(body, ensure_ascii=False),
                "company_id": service.company_id.id,
            }
        )

    @api.model
    def public_key(self):
        """The key that checks messages signed as JWT, as Lago's API shows it."""
        return keypair.served(self.env["fusion.billing.signing.key"]._pair().public_pem)

    @api.model
    def _cron_deliver(self):
        """Send what is due; every message is committed on its own, so that nothing is sent twice for another's sake."""
        due = self.search(
            [("state", "=", "pending"), ("next_attempt_at", "<=", fields.Datetime.now())], order="id", limit=BATCH
        )
        for number, message in enumerate(due, 1):
            if message.try_lock_for_update():
                message._attempt()
            self.env["ir.cron"]._commit_progress(1, remaining=len(due) - number)

    def _attempt(self):
        """One attempt; without an address or a secret nothing leaves."""
        self.ensure_one()
        service = self.service_id.sudo()
        try:
            if not service.webhook_url or not service.webhook_secret:
                raise requests.RequestException(_("The service has no address or no secret for webhooks."))
            body = self.payload.encode()
            answer = requests.post(
                service.webhook_url,
                data=body,
                headers=signature.headers(service.webhook_secret, body, self.unique_key),
                timeout=TIMEOUT,
                allow_redirects=False,
            )
            self.response_status = answer.status_code
            if not 200 <= answer.status_code < 300:
                raise requests.RequestException(_("The endpoint answered %s.", answer.status_code))
        except requests.RequestException as error:
            self._failed(str(error))
        else:
            now = fields.Datetime.now()
            self.write({"state": "sent", "sent_at": now, "attempts": self.attempts + 1, "last_error": False})

    def _failed(self, error):
        attempts = self.attempts + 1
        self.write(
            {
                "attempts": attempts,
                "last_error": error[:500],
                "state": "failed" if attempts >= ATTEMPTS else "pending",
                "next_attempt_at": fields.Datetime.now() + timedelta(seconds=signature.delay_seconds(attempts)),
            }
        )

    def action_retry(self):
        """Give parked messages three more attempts."""
        self.check_access("write")
        parked = self.sudo().filtered(lambda message: message.state == "failed")
        parked.write({"state": "pending", "attempts": 0, "next_attempt_at": fields.Datetime.now()})
