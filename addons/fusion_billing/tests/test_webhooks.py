import json
from datetime import timedelta
from unittest.mock import patch

import requests
from odoo import fields
from odoo.tests import tagged

from ..api.signature import signature
from .common import FusionCase

POST = "odoo.addons.fusion_billing.models.webhook.requests.post"


class Answer:
    def __init__(self, status_code):
        self.status_code = status_code


@tagged("post_install", "-at_install")
class TestWebhooks(FusionCase):
    def setUp(self):
        super().setUp()
        self.service.webhook_url = "https://app.example/hooks"
        self.outbox = self.env["fusion.billing.webhook"]

    def told(self, kind):
        return self.outbox.search([("webhook_type", "=", kind), ("service_id", "=", self.service.id)])

    def link(self):
        partner = self.env["res.partner"].create({"name": "Maple"})
        return self.env["fusion.billing.account.link"].create(
            {"service_id": self.service.id, "partner_id": partner.id, "external_id": "c-1"}
        )

    def test_customer_changes_are_told(self):
        link = self.link()
        payload = json.loads(self.told("customer.created").payload)
        self.assertEqual((payload["object_type"], payload["customer"]["external_id"]), ("customer", "c-1"))
        link.partner_id.email = "a@b.example"
        self.assertEqual(json.loads(self.told("customer.updated").payload)["customer"]["email"], "a@b.example")
        link.partner_id.comment = "not shown, not told"
        self.assertEqual(len(self.told("customer.updated")), 1)

    def test_a_service_without_address_hears_nothing(self):
        self.service.webhook_url = False
        self.link()
        self.assertFalse(self.told("customer.created"))

    def test_subscription_changes_are_told(self):
        order = self.subscription("w-1")
        self.assertEqual(len(self.told("subscription.started")), 1)
        order.fusion_plan_amount = "31"
        self.assertEqual(len(self.told("subscription.updated")), 1)
        order.fusion_ended_at = "2026-07-15 00:00:00"
        payload = json.loads(self.told("subscription.terminated").payload)
        self.assertEqual(payload["subscription"]["status"], "terminated")

    def test_control_loop(self):
        """An app suspends its customer when an invoice is overdue and restores it when it is paid."""
        order = self.subscription("w-2")
        at = fields.Datetime.to_datetime("2026-08-01 06:00:00")
        move = order.with_context(fusion_at=at)._create_invoices()
        move.invoice_date = move.invoice_date_due = fields.Date.today() - timedelta(days=5)
        move.action_post()
        self.assertEqual(len(self.told("invoice.created")), 1)
        self.env["account.move"]._fusion_cron_overdue()
        self.env["account.move"]._fusion_cron_overdue()
        overdue = json.loads(self.told("invoice.payment_overdue").payload)["invoice"]
        self.assertEqual((overdue["payment_overdue"], overdue["payment_status"]), (True, "pending"))
        wizard = self.env["account.payment.register"].with_context(active_model="account.move", active_ids=move.ids)
        wizard.create({})._create_payments()
        paid = json.loads(self.told("invoice.payment_status_updated").payload)["invoice"]
        self.assertEqual((paid["payment_status"], paid["payment_overdue"]), ("succeeded", False))
        self.assertEqual(paid["lago_id"], overdue["lago_id"])

    def test_shadow_invoices_are_never_told(self):
        journal = self.env["account.journal"].create({"name": "Shadow", "code": "FT3", "type": "sale"})
        order = self.subscription("w-3")
        billing = {"order": order.id, "at": "2026-07-01 04:10:00", "reason": "subscription_periodic"}
        order.fusion_rerun([billing], keep=True, journal_id=journal.id)
        self.assertFalse(self.told("invoice.created"))

    def test_delivery_is_signed(self):
        self.link()
        message = self.told("customer.created")
        with patch(POST, return_value=Answer(200)) as post:
            message._attempt()
        sent = post.call_args.kwargs
        self.assertEqual(sent["headers"]["X-Lago-Signature"], signature(self.service.webhook_secret, sent["data"]))
        self.assertEqual(sent["headers"]["X-Lago-Signature-Algorithm"], "hmac")
        self.assertEqual(sent["headers"]["X-Lago-Unique-Key"], message.unique_key)
        self.assertEqual((message.state, message.attempts), ("sent", 1))

    def test_three_attempts_then_parked_then_retried(self):
        self.link()
        message = self.told("customer.created")
        with patch(POST, side_effect=[Answer(500), requests.ConnectionError("refused"), Answer(302)]):
            message._attempt()
            self.assertGreater(message.next_attempt_at, fields.Datetime.now())
            message._attempt()
            message._attempt()
        self.assertEqual((message.state, message.attempts), ("failed", 3))
        message.action_retry()
        self.assertEqual((message.state, message.attempts), ("pending", 0))

    def test_without_secret_nothing_leaves(self):
        self.link()
        self.service.webhook_secret = False
        with patch(POST) as post:
            self.told("customer.created")._attempt()
        post.assert_not_called()
        self.assertEqual(self.told("customer.created").attempts, 1)
