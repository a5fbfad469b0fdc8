import base64
import hashlib
import hmac
import json
from datetime import timedelta

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from ..api import delivery
from ..models import webhook
from .common import FusionCase
from .receiver import receiver

ALLOWED = "fusion_billing.webhook_allowed_hosts"


class WebhookCase(FusionCase):
    def setUp(self):
        super().setUp()
        self.app = self.enterContext(receiver())
        self.service.webhook_url = self.app.url
        self.env["ir.config_parameter"].set_param(ALLOWED, "127.0.0.1")
        self.outbox = self.env["fusion.billing.webhook"]
        self.classPatch(type(self.env["ir.cron"]), "_commit_progress", lambda *_args, **_more: 1.0)

    def told(self, kind, service=None):
        domain = [("webhook_type", "=", kind), ("service_id", "=", (service or self.service).id)]
        return self.outbox.search(domain, order="id")

    def heard(self):
        return [json.loads(body)["webhook_type"] for _headers, body in self.app.got]

    def deliver(self):
        """As if the waiting time of what is pending were over."""
        due = fields.Datetime.now() - timedelta(seconds=1)
        self.outbox.search([("state", "=", "pending")]).next_attempt_at = due
        self.outbox._cron_deliver()

    def link(self, external_id="c-1", **values):
        partner = values.get("partner_id") or self.env["res.partner"].create({"name": "Maple"}).id
        return self.env["fusion.billing.account.link"].create(
            {"service_id": self.service.id, "partner_id": partner, "external_id": external_id}
        )

    def invoice(self, external_id, **values):
        """A posted invoice, five days overdue."""
        order = self.subscription(external_id, **values)
        move = order.with_context(fusion_at=fields.Datetime.to_datetime("2026-08-01 06:00:00"))._create_invoices()
        move.invoice_date = move.invoice_date_due = fields.Date.today() - timedelta(days=5)
        move.action_post()
        return move

    def pay(self, move):
        wizard = self.env["account.payment.register"].with_context(active_model="account.move", active_ids=move.ids)
        return wizard.create({})._create_payments()


@tagged("post_install", "-at_install")
class TestSignals(WebhookCase):
    """What is told, when, and in which shape."""

    def test_customer_changes_are_told(self):
        link = self.link()
        payload = json.loads(self.told("customer.created").payload)
        self.assertEqual((payload["object_type"], payload["customer"]["external_id"]), ("customer", "c-1"))
        self.told("customer.created").state = "sent"
        link.partner_id.email = "a@b.example"
        self.assertEqual(json.loads(self.told("customer.updated").payload)["customer"]["email"], "a@b.example")
        link.partner_id.comment = "not shown, not told"
        self.assertEqual(len(self.told("customer.updated")), 1)

    def test_one_transaction_tells_a_customer_once_with_its_last_state(self):
        link = self.link()
        link.partner_id.email = "a@b.example"
        link.timezone = "America/Toronto"
        payload = json.loads(self.told("customer.created").payload)
        self.assertFalse(self.told("customer.updated"))
        self.assertEqual(payload["webhook_type"], "customer.created")
        self.assertEqual(
            (payload["customer"]["email"], payload["customer"]["timezone"]), ("a@b.example", "America/Toronto")
        )

    def test_a_service_without_address_hears_nothing(self):
        self.service.webhook_url = False
        self.link()
        self.assertFalse(self.told("customer.created"))

    def test_only_the_customers_service_hears(self):
        other = self.service.copy({"code": "fusion_test_other", "webhook_url": self.app.url})
        self.link()
        self.assertFalse(self.told("customer.created", other))

    def test_what_is_undone_is_not_told(self):
        with self.assertRaises(RuntimeError), self.env.cr.savepoint():
            self.link()
            raise RuntimeError
        self.assertFalse(self.told("customer.created"))

    def test_subscription_changes_are_told(self):
        order = self.subscription("w-1")
        self.assertEqual(len(self.told("subscription.started")), 1)
        self.told("subscription.started").state = "sent"
        order.fusion_plan_amount = "31"
        self.assertEqual(len(self.told("subscription.updated")), 1)
        order.fusion_ended_at = "2026-07-15 00:00:00"
        payload = json.loads(self.told("subscription.terminated").payload)
        self.assertEqual(payload["subscription"]["status"], "terminated")

    def test_unpaid_overdue_paid_and_taken_back(self):
        move = self.invoice("w-2")
        self.assertEqual(len(self.told("invoice.created")), 1)
        self.assertEqual(len(self.told("invoice.generated")), 1)
        self.env["account.move"]._fusion_cron_overdue()
        self.env["account.move"]._fusion_cron_overdue()
        overdue = json.loads(self.told("invoice.payment_overdue").payload)["invoice"]
        self.assertEqual((overdue["payment_overdue"], overdue["payment_status"]), (True, "pending"))
        self.pay(move)
        paid = json.loads(self.told("invoice.payment_status_updated").payload)["invoice"]
        self.assertEqual((paid["payment_status"], paid["payment_overdue"]), ("succeeded", False))
        self.assertEqual(paid["lago_id"], overdue["lago_id"])
        move.line_ids.remove_move_reconcile()
        again = json.loads(self.told("invoice.payment_status_updated")[-1].payload)["invoice"]
        self.assertEqual(again["payment_status"], "pending")
        self.env["account.move"]._fusion_cron_overdue()
        self.assertEqual(len(self.told("invoice.payment_overdue")), 2)

    def test_a_credit_note_restores_too(self):
        move = self.invoice("w-3")
        move._reverse_moves([{"invoice_date": fields.Date.today()}], cancel=True)
        self.env["account.move"]._fusion_cron_overdue()
        told = self.told("invoice.payment_status_updated")
        self.assertEqual(json.loads(told.payload)["invoice"]["payment_status"], "succeeded")
        self.assertFalse(self.told("invoice.payment_overdue"))

    def test_a_failed_payment_is_told(self):
        partner = self.env["res.partner"].create({"name": "Maple"})
        link = self.link("c-9", partner_id=partner.id)
        move = self.invoice("w-4", partner=partner)
        provider = self.env["payment.provider"].create({"name": "Bank", "code": "none", "state": "test"})
        method = self.env["payment.method"].create(
            {"name": "Bank", "code": "fusion_test", "provider_ids": provider.ids}
        )
        payment = self.env["payment.transaction"].create(
            {
                "provider_id": provider.id,
                "payment_method_id": method.id,
                "reference": "fusion-1",
                "amount": move.amount_total,
                "currency_id": move.currency_id.id,
                "partner_id": partner.id,
                "invoice_ids": [fields.Command.set(move.ids)],
            }
        )
        payment._set_error("Card declined")
        payment._set_error("Card declined")
        body = json.loads(self.told("invoice.payment_failure").payload)
        self.assertEqual(body["object_type"], "payment_provider_invoice_payment_error")
        error = body["payment_provider_invoice_payment_error"]
        self.assertEqual((error["external_customer_id"], error["lago_customer_id"]), ("c-9", link.fusion_lago_id))
        self.assertEqual(error["provider_error"]["message"], "Card declined")

    def test_shadow_invoices_are_never_told(self):
        journal = self.env["account.journal"].create({"name": "Shadow", "code": "FT3", "type": "sale"})
        order = self.subscription("w-5")
        billing = {"order": order.id, "at": "2026-07-01 04:10:00", "reason": "subscription_periodic"}
        order.fusion_rerun([billing], keep=True, journal_id=journal.id)
        self.assertFalse(self.told("invoice.created"))

    def test_events_that_cannot_be_billed_are_told_once(self):
        self.subscription("w-6")
        self.env["fusion.billing.metric"].create(
            {
                "name": "Traffic",
                "code": "fusion_test_gb",
                "aggregation": "sum_agg",
                "field_name": "gb",
                "filters": json.dumps([{"key": "region", "values": ["eu", "us"]}]),
            }
        )
        sent = {
            "good": ("w-6", "fusion_test_gb", {"gb": "1.5", "region": "eu"}),
            "code": ("w-6", "fusion_test_none", {}),
            "absent": ("w-6", "fusion_test_gb", {}),
            "words": ("w-6", "fusion_test_gb", {"gb": "many"}),
            "region": ("w-6", "fusion_test_gb", {"gb": 2, "region": "mars"}),
            "who": ("nobody", "fusion_test_calls", {}),
        }
        for name, (subscription, code, properties) in sent.items():
            self.env["fusion.billing.usage"].create(
                {
                    "transaction_id": name,
                    "external_subscription_id": subscription,
                    "code": code,
                    "properties": json.dumps(properties),
                    "service_id": self.service.id,
                }
            )
        upto = fields.Datetime.now() + timedelta(minutes=1)
        self.service._check_events(upto)
        self.service._check_events(upto)
        body = json.loads(self.told("events.errors").payload)
        self.assertEqual(
            body["events_errors"],
            {
                "invalid_code": ["code"],
                "missing_aggregation_property": ["absent", "words"],
                "missing_group_key": [],
                "invalid_filter_values": ["region"],
                "unknown_subscription": ["who"],
            },
        )


@tagged("post_install", "-at_install")
class TestDelivery(WebhookCase):
    """How it gets to the app."""

    def message(self):
        self.link()
        return self.told("customer.created")

    def test_signed_by_hmac(self):
        message = self.message()
        self.deliver()
        headers, body = self.app.got[0]
        expected = hmac.new(self.service.webhook_secret.encode(), body, hashlib.sha256).digest()
        self.assertEqual(headers["X-Lago-Signature"], base64.b64encode(expected).decode())
        self.assertEqual(headers["X-Lago-Signature-Algorithm"], "hmac")
        self.assertEqual(headers["X-Lago-Unique-Key"], message.unique_key)
        self.assertEqual(headers["Content-Type"], "application/json")
        self.assertEqual((message.state, message.attempts, message.response_status), ("sent", 1, 200))

    def test_signed_by_jwt_that_the_served_key_checks(self):
        self.service.webhook_algorithm = "jwt"
        self.service.webhook_secret = False
        self.message()
        self.deliver()
        headers, body = self.app.got[0]
        self.assertEqual(headers["X-Lago-Signature-Algorithm"], "jwt")
        signed, _, sign = headers["X-Lago-Signature"].rpartition(".")
        key = serialization.load_pem_public_key(base64.b64decode(self.outbox.public_key()))
        key.verify(unpart(sign), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        header, claims = (json.loads(unpart(part)) for part in signed.split("."))
        self.assertEqual(header["alg"], "RS256")
        self.assertEqual(claims["data"], body.decode())
        self.assertEqual(claims["iss"], self.env["ir.config_parameter"].get_param("web.base.url"))

    def test_nobody_reads_the_private_key(self):
        key = self.env["fusion.billing.signing.key"]._pair()
        admin = self.env.ref("base.user_admin")
        for call in (lambda k: k.read(["private_pem"]), lambda k: k.export_data(["private_pem"]), lambda k: k.read()):
            with self.assertRaises(AccessError):
                call(key.with_user(admin))
        self.assertEqual(self.env["fusion.billing.signing.key"]._pair(), key)

    def test_three_attempts_then_parked_then_retried(self):
        message = self.message()
        self.app.answers = [500, 404, (302, b"elsewhere")]
        self.app.elsewhere = self.app.url
        self.outbox._cron_deliver()
        self.assertEqual((message.state, message.attempts, message.response_status), ("pending", 1, 500))
        self.assertGreater(message.next_attempt_at, fields.Datetime.now())
        self.outbox._cron_deliver()
        self.assertEqual(len(self.app.got), 1, "it waits")
        self.deliver()
        self.deliver()
        self.assertEqual((message.state, message.attempts, message.response_status), ("failed", 3, 302))
        self.assertEqual(message.response_body, "elsewhere")
        self.assertEqual(len(self.app.got), 3, "redirects are not followed")
        self.deliver()
        self.assertEqual(len(self.app.got), 3, "parked")
        message.action_retry()
        self.outbox._cron_deliver()
        self.assertEqual((message.state, message.attempts), ("sent", 1))
        self.assertEqual(len({headers["X-Lago-Unique-Key"] for headers, _body in self.app.got}), 1)

    def test_answers_are_kept_in_part(self):
        message = self.message()
        self.app.answers = [(200, b"x" * 50_000)]
        self.deliver()
        self.assertEqual(len(message.response_body), delivery.KEPT)

    def test_without_secret_nothing_leaves(self):
        message = self.message()
        self.service.webhook_secret = False
        for _attempt in range(webhook.ATTEMPTS):
            self.deliver()
        self.assertFalse(self.app.got)
        self.assertEqual(message.state, "failed")
        self.assertIn("no secret", message.last_error)

    def test_private_addresses_are_not_called(self):
        message = self.message()
        self.env["ir.config_parameter"].set_param(ALLOWED, "10.0.0.0/8 app.internal")
        self.deliver()
        self.assertFalse(self.app.got)
        self.assertIn("not public", message.last_error)

    def test_an_endpoint_that_hangs_does_not_hold_the_others(self):
        other = self.service.copy({"code": "fusion_test_other"})
        with receiver() as slow:
            slow.open.clear()
            other.webhook_url = slow.url
            for number in range(3):
                self.outbox._tell(other, "customer.updated", "customer", lambda number=number: {"n": number})
            message = self.message()
            self.patch(webhook, "TIMEOUT", 2)
            self.deliver()
            self.assertEqual(len(slow.got), 1)
        self.assertEqual(message.state, "sent")
        waiting = self.told("customer.updated", other)
        self.assertEqual(waiting.mapped("attempts"), [1, 0, 0])
        self.assertIn("no answer within", waiting[0].last_error)


@tagged("post_install", "-at_install")
class TestControlLoop(WebhookCase):
    """An app suspends its customer when an invoice is overdue, and restores it when it is paid."""

    def setUp(self):
        super().setUp()
        self.finance = self.env["res.users"].create({"name": "Finance", "login": "fusion_test_finance"})
        self.service.escalation_user_id = self.finance
        self.partner = self.env["res.partner"].create({"name": "Maple"})
        self.account = self.link("c-1", partner_id=self.partner.id)
        self.move = self.invoice("w-1", partner=self.partner)
        self.deliver()
        self.app.got.clear()
        self.env["account.move"]._fusion_cron_overdue()
        self.overdue = self.told("invoice.payment_overdue")

    def activities(self):
        return self.env["mail.activity"].search(
            [("res_model", "=", "account.move"), ("res_id", "=", self.move.id), ("user_id", "=", self.finance.id)]
        )

    def test_state_per_event_and_customer(self):
        self.assertEqual(
            (self.account.control_type, self.account.control_state), ("invoice.payment_overdue", "pending")
        )
        self.deliver()
        self.account.invalidate_recordset()
        self.assertEqual((self.overdue.state, self.account.control_state), ("sent", "sent"))
        self.assertTrue(self.overdue.sent_at)
        self.pay(self.move)
        self.account.invalidate_recordset()
        self.assertEqual(
            (self.account.control_type, self.account.control_state), ("invoice.payment_status_updated", "pending")
        )

    def test_the_restore_waits_for_the_suspend(self):
        self.pay(self.move)
        self.app.answers = [503]
        self.deliver()
        self.assertEqual(self.heard(), ["invoice.payment_overdue"])
        self.deliver()
        self.assertEqual(self.heard()[1:], ["invoice.payment_overdue", "invoice.payment_status_updated"])
        self.assertEqual(self.overdue.state, "sent")

    def test_other_customers_do_not_wait(self):
        self.invoice("w-2")
        self.env["account.move"]._fusion_cron_overdue()
        self.app.answers = [503]
        self.deliver()
        self.assertEqual(self.heard().count("invoice.payment_overdue"), 2)

    def test_unacknowledged_escalates_to_finance(self):
        self.app.answers = [500, 500, 500]
        for _attempt in range(webhook.ATTEMPTS):
            self.deliver()
        self.assertEqual(self.overdue.state, "failed")
        self.assertEqual(len(self.activities()), 1)
        self.assertIn(self.overdue.unique_key, self.activities().note)
        self.deliver()
        self.assertEqual(len(self.activities()), 1, "once")
        self.overdue.action_retry()
        self.deliver()
        self.assertFalse(self.activities(), "acknowledged: nothing left to do")

    def test_waiting_too_long_escalates_too(self):
        self.service.webhook_url = False
        self.overdue.next_attempt_at = fields.Datetime.now() - timedelta(minutes=61)
        self.outbox._escalate_waiting()
        self.assertEqual(len(self.activities()), 1)

    def test_a_suspend_that_was_never_acknowledged_is_not_sent_after_the_restore(self):
        self.app.answers = [500, 500, 500]
        for _attempt in range(webhook.ATTEMPTS):
            self.deliver()
        self.pay(self.move)
        self.deliver()
        self.assertEqual(self.told("invoice.payment_status_updated").state, "sent")
        self.assertEqual(self.overdue.state, "superseded")
        self.assertFalse(self.activities())
        self.app.got.clear()
        self.overdue.action_retry()
        self.service.replay_since("2020-01-01 00:00:00")
        self.deliver()
        self.assertNotIn("invoice.payment_overdue", self.heard())

    def test_a_service_may_ask_for_the_key_in_the_answer(self):
        self.service.webhook_named = True
        self.app.answers = [(200, b"ok"), (200, json.dumps({"key": self.overdue.unique_key}).encode())]
        self.deliver()
        self.assertEqual((self.overdue.state, self.overdue.attempts), ("pending", 1))
        self.assertIn("unique key", self.overdue.last_error)
        self.deliver()
        self.assertEqual(self.overdue.state, "sent")

    def test_replay_in_order(self):
        self.pay(self.move)
        self.deliver()
        before = [headers["X-Lago-Unique-Key"] for headers, _body in self.app.got]
        since = self.overdue.create_date - timedelta(seconds=1)
        everything = self.outbox.search([("service_id", "=", self.service.id)], order="id")
        self.app.got.clear()
        self.app.answers = [200, 500]
        self.assertEqual(self.service.replay_since(since), len(everything))
        self.deliver()
        self.assertEqual(len(self.app.got), 2, "those after the refused one wait")
        self.deliver()
        heard = [headers["X-Lago-Unique-Key"] for headers, _body in self.app.got]
        order = [*everything.mapped("unique_key")[:1], *everything.mapped("unique_key")[1:2] * 2]
        self.assertEqual(heard, order + everything.mapped("unique_key")[2:])
        self.assertLessEqual(set(before), set(heard))

    def test_only_managers_replay(self):
        user = self.env["res.users"].create({"name": "User", "login": "fusion_test_user"})
        user.group_ids = self.env.ref("fusion_billing.group_user")
        with self.assertRaises(AccessError):
            self.service.with_user(user).replay_since("2020-01-01 00:00:00")
        with self.assertRaises(AccessError):
            self.overdue.with_user(user).action_retry()


def unpart(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
