from odoo import fields
from odoo.tests import tagged

from .common import FusionCase

EVENT = {
    "transaction_id": "t1",
    "external_subscription_id": "api-1",
    "code": "fusion_test_calls",
    "timestamp": 1782900000.25,
}


@tagged("post_install", "-at_install")
class TestGateway(FusionCase):
    def setUp(self):
        super().setUp()
        self.gateway = self.env["fusion.billing.gateway"]
        self.order = self.subscription("api-1")
        self.other = self.env["fusion.billing.service"].create({"name": "Other", "code": "fusion_test_other"})

    def test_event_is_stored_and_found(self):
        answer = self.gateway.create_event(self.service, {"event": {**EVENT, "properties": {"a": 1.5}}})["event"]
        self.assertEqual(answer["timestamp"], "2026-07-01T10:00:00.250Z")
        self.assertEqual(answer["properties"], {"a": 1.5})
        self.assertEqual(self.gateway.find_event(self.service, {}, "t1")["event"]["lago_id"], answer["lago_id"])

    def test_the_same_event_is_refused(self):
        self.gateway.create_event(self.service, {"event": EVENT})
        body = self.refused(422, self.gateway.create_event, self.service, {"event": EVENT})
        self.assertEqual(body["error_details"], {"transaction_id": ["value_already_exist"]})
        self.assertEqual(self.env["fusion.billing.usage"].search_count([("transaction_id", "=", "t1")]), 1)

    def test_batch_is_all_or_nothing(self):
        self.gateway.create_event(self.service, {"event": EVENT})
        batch = {"events": [{**EVENT, "transaction_id": "t2"}, EVENT]}
        body = self.refused(422, self.gateway.create_events, self.service, batch)
        self.assertEqual(body["error_details"], {"1": {"transaction_id": ["value_already_exist"]}})
        self.assertEqual(self.env["fusion.billing.usage"].search_count([("transaction_id", "=", "t2")]), 0)
        many = {"events": [{**EVENT, "transaction_id": f"m{n}"} for n in range(101)]}
        self.assertEqual(
            self.refused(422, self.gateway.create_events, self.service, many)["error_details"],
            {"events": ["too_many_events"]},
        )

    def test_bodies_without_root(self):
        self.assertIn("event", self.refused(400, self.gateway.create_event, self.service, {})["error"])
        self.refused(400, self.gateway.create_events, self.service, {"events": ["x"]})
        self.refused(400, self.gateway.upsert_customer, self.service, [])

    def test_another_service_sees_and_meters_nothing(self):
        self.gateway.create_event(self.service, {"event": EVENT})
        self.refused(404, self.gateway.find_event, self.other, {}, "t1")
        self.refused(404, self.gateway.find_subscription, self.other, {}, "api-1")

    def test_unknown_subscription_and_code_are_taken(self):
        event = {**EVENT, "external_subscription_id": "nobody", "code": "nothing"}
        self.assertTrue(self.gateway.create_event(self.service, {"event": event})["event"])
        self.assertTrue(self.gateway.find_event(self.service, {}, "t1"))
        self.refused(404, self.gateway.find_event, self.other, {}, "t1")

    def test_usage_after_its_invoice_is_flagged_late(self):
        self.use("api-1", ["2026-07-03 10:00:00"])
        self.order.with_context(fusion_at=self.order.fusion_started_at.replace(month=8, hour=6))._create_invoices()
        self.gateway.create_event(self.service, {"event": EVENT})
        august = {**EVENT, "transaction_id": "t2", "timestamp": 1785600000}
        self.gateway.create_event(self.service, {"event": august})
        usage = self.env["fusion.billing.usage"].search(
            [("transaction_id", "in", ("t1", "t2"))], order="transaction_id"
        )
        self.assertEqual(usage.mapped("late"), [True, False])

    def test_customer_is_upserted(self):
        given = {
            "external_id": "c-1",
            "name": "Maple",
            "email": "a@b.example",
            "country": "CA",
            "timezone": "Asia/Tokyo",
        }
        answer = self.gateway.upsert_customer(self.service, {"customer": given})["customer"]
        self.assertEqual(
            (answer["name"], answer["country"], answer["applicable_timezone"]), ("Maple", "CA", "Asia/Tokyo")
        )
        again = self.gateway.upsert_customer(self.service, {"customer": {"external_id": "c-1", "name": "Oak"}})[
            "customer"
        ]
        self.assertEqual((again["lago_id"], again["name"], again["email"]), (answer["lago_id"], "Oak", "a@b.example"))
        found = self.gateway.list_customers(self.service, {"per_page": "1"})
        self.assertEqual((len(found["customers"]), found["meta"]["total_count"]), (1, 1))
        self.refused(404, self.gateway.find_customer, self.other, {}, "c-1")

    def test_customer_with_wrong_values(self):
        given = {"currency": "XXQ", "timezone": "Mars/Base", "country": "QQ"}
        body = self.refused(422, self.gateway.upsert_customer, self.service, {"customer": given})
        self.assertEqual(sorted(body["error_details"]), ["country", "currency", "external_id", "timezone"])

    def test_subscription_is_shown(self):
        answer = self.gateway.find_subscription(self.service, {}, "api-1")["subscription"]
        self.assertEqual((answer["status"], answer["plan_amount_cents"]), ("active", 3000))
        self.assertEqual(answer["started_at"], "2026-05-01T00:00:00.000Z")
        listed = self.gateway.list_subscriptions(self.service, {})
        self.assertEqual([row["external_id"] for row in listed["subscriptions"]], ["api-1"])

    def test_current_usage(self):
        link = self.env["fusion.billing.account.link"]
        link.create({"service_id": self.service.id, "partner_id": self.order.partner_id.id, "external_id": "c-9"})
        now = fields.Datetime.now()
        self.use("api-1", [str(now.replace(microsecond=0))] * 1)
        query = {"external_subscription_id": "api-1"}
        usage = self.gateway.current_usage(self.service, query, external_id="c-9")["customer_usage"]
        self.assertEqual((usage["amount_cents"], usage["taxes_amount_cents"]), (5, 1))
        self.assertEqual(usage["charges_usage"][0]["units"], "1.0")
        self.refused(405, self.gateway.current_usage, self.service, {}, external_id="c-9")
        self.refused(404, self.gateway.current_usage, self.service, query, external_id="nobody")
