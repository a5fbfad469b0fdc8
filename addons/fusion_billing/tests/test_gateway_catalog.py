import hmac
import json
from unittest.mock import patch

from odoo.tests import tagged

from .common import FusionCase


@tagged("post_install", "-at_install")
class TestGatewayCatalog(FusionCase):
    def setUp(self):
        super().setUp()
        self.gateway = self.env["fusion.billing.gateway"]
        self.coupon = self.env["fusion.billing.coupon"].create(
            {"name": "Ten", "code": "ten", "coupon_type": "percentage", "percentage_rate": "10", "frequency": "forever"}
        )

    def customer(self, external_id):
        return self.gateway.upsert_customer(self.service, {"customer": {"external_id": external_id}})["customer"]

    def give(self, external_id, **more):
        body = {"applied_coupon": {"external_customer_id": external_id, "coupon_code": "ten", **more}}
        return self.gateway.apply_coupon(self.service, body)["applied_coupon"]

    def order_of(self, external_id):
        return self.env["sale.order"].search([("fusion_external_id", "=", external_id)])

    def subscribe(self, customer, external_id):
        given = {"external_customer_id": customer, "external_id": external_id, "plan_code": "starter"}
        self.gateway.create_subscription(self.service, {"subscription": given})
        return self.order_of(external_id)

    def test_plan_shows_its_prices(self):
        plan = self.gateway.find_plan(self.service, {}, "starter")["plan"]
        self.assertEqual((plan["amount_cents"], plan["interval"], plan["lago_id"]), (3000, "monthly", "plan-1"))
        self.assertEqual([charge["properties"] for charge in plan["charges"]], [{"amount": "0.05"}])
        self.plan.product_tmpl_id.fusion_kind = False
        self.refused(404, self.gateway.find_plan, self.service, {}, "starter")

    def test_a_coupon_waits_for_the_first_order(self):
        self.customer("c-1")
        held = self.give("c-1")
        link = self.gateway._links(self.service, "c-1")
        self.assertEqual([one["lago_id"] for one in json.loads(link.coupons)], [held["lago_id"]])
        order = self.subscribe("c-1", "s-1")
        self.assertEqual([one["lago_id"] for one in json.loads(order.fusion_coupons)], [held["lago_id"]])
        self.assertFalse(link.coupons)
        second = self.subscribe("c-1", "s-2")
        self.assertEqual([one["lago_id"] for one in json.loads(second.fusion_coupons)], [held["lago_id"]])
        listed = self.gateway.list_applied_coupons(self.service, {"external_customer_id": "c-1"})
        self.assertEqual([one["lago_id"] for one in listed["applied_coupons"]], [held["lago_id"]])

    def test_a_coupon_ends_on_every_order(self):
        self.customer("c-1")
        orders = self.subscribe("c-1", "s-1") | self.subscribe("c-1", "s-2")
        held = self.give("c-1")
        self.gateway.destroy_applied_coupon(self.service, {}, "c-1", held["lago_id"])
        self.assertEqual({json.loads(order.fusion_coupons)[0]["status"] for order in orders}, {"terminated"})
        self.refused(404, self.gateway.destroy_applied_coupon, self.service, {}, "c-1", "nothing")
        third = self.subscribe("c-1", "s-3")
        self.assertFalse(third.fusion_coupons)

    def test_a_coupon_stands_where_it_may_reduce(self):
        self.customer("c-1")
        order = self.subscribe("c-1", "s-1")
        self.coupon.write({"limited_plans": True, "plan_codes": '["other"]'})
        self.give("c-1")
        self.assertFalse(order.fusion_coupons)
        self.assertTrue(self.gateway._links(self.service, "c-1").coupons)

    def test_a_coupon_that_cannot_be_had(self):
        self.customer("c-1")
        self.coupon.reusable = False
        self.give("c-1")
        body = {"applied_coupon": {"external_customer_id": "c-1", "coupon_code": "ten"}}
        wrong = self.refused(422, self.gateway.apply_coupon, self.service, body)["error_details"]
        self.assertEqual(wrong, {"coupon": ["coupon_is_not_reusable"]})
        self.coupon.expires_at = "2020-01-01 00:00:00"
        self.assertEqual(self.refused(404, self.gateway.apply_coupon, self.service, body)["code"], "coupon_not_found")

    def test_wallets_need_the_native_ewallets(self):
        if "loyalty.history" in self.env:
            self.skipTest("sale_loyalty is installed: tests/odoo/test_conformance.py")
        self.customer("c-1")
        body = {"wallet": {"external_customer_id": "c-1", "granted_credits": "5"}}
        wrong = self.refused(422, self.gateway.create_wallet, self.service, body)["error_details"]
        self.assertIn("sale_loyalty", wrong["wallet"][0])
        self.assertEqual(self.gateway.list_wallets(self.service, {})["wallets"], [])
        self.refused(404, self.gateway.find_wallet, self.service, {}, "nothing")

    def test_keys_are_compared_in_constant_time(self):
        wizard = self.env["fusion.billing.issue.key"].create({"service_id": self.service.id})
        wizard.action_issue()
        compared = []

        def spy(left, right):
            compared.append((left, right))
            return compare(left, right)

        compare = hmac.compare_digest
        with patch("odoo.addons.fusion_billing.models.key.hmac.compare_digest", spy):
            self.env["fusion.billing.key"]._service_of("a wrong key")
            self.env["fusion.billing.key"]._service_of("")
        self.assertEqual(len(compared), 2)
        self.assertEqual({len(text) for pair in compared for text in pair}, {64})  # fingerprints, never keys
