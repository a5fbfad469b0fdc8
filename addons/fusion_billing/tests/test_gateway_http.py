import json

from odoo.tests import HttpCase, tagged

from ..api import reading
from .common import FusionCase


@tagged("post_install", "-at_install")
class TestHttp(FusionCase, HttpCase):
    """Whatever is sent below /api/v1 is answered in JSON, in Lago's words."""

    def setUp(self):
        super().setUp()
        self.env.user.group_ids |= self.env.ref("fusion_billing.group_manager")
        self.key = self.env["fusion.billing.key"]._issue(self.service)

    def call(self, method, path, data=None, key=None):
        headers = {"Authorization": f"Bearer {key or self.key}", "Content-Type": "application/json"}
        raw = data if data is None or isinstance(data, bytes) else json.dumps(data).encode()
        answer = self.opener.request(method, f"{self.base_url()}/api/v1/{path}", data=raw, headers=headers, timeout=60)
        if answer.content:
            self.assertTrue(answer.headers["Content-Type"].startswith("application/json"), answer.text[:200])
        return answer.status_code, answer.json() if answer.content else None

    def test_routes_that_are_none(self):
        for method, path in (("GET", "nothing"), ("PATCH", "customers"), ("DELETE", "invoices/x"), ("PUT", "customers"),
                             ("GET", ""), ("POST", "customers/a/b/c")):  # fmt: skip
            with self.subTest(method=method, path=path):
                status, body = self.call(method, path, {})
                self.assertEqual((status, body["code"]), (404, "resource_not_found"))

    def test_what_is_done_elsewhere_says_where(self):
        for method, path, code in (
            ("POST", "invoices/x/void", "posted_invoices_are_not_voided"), ("GET", "quotes", "quotes_are_quotations"),
            ("PATCH", "plans/x/metadata", "no_metadata_of_plans"), ("GET", "analytics/mrr", "analytics_are_odoos"),
        ):  # fmt: skip
            with self.subTest(path=path):
                status, body = self.call(method, path, {} if method != "GET" else None)
                self.assertEqual((status, body["status"], body["code"]), (405, 405, code))
                self.assertTrue(body["error_details"]["instead"][0])
                self.assertEqual(self.call(method, path, key="wrong")[0], 401)

    def test_somebody_is_there(self):
        answer = self.opener.get(f"{self.base_url()}/health", timeout=60)
        self.assertEqual((answer.status_code, answer.json()["message"]), (200, "Success"))
        self.assertTrue(answer.json()["version"].startswith("19.0."))

    def test_without_a_key(self):
        for path in ("customers", "nothing"):
            self.assertEqual(self.call("GET", path, key="wrong"), (401, {"status": 401, "error": "Unauthorized"}))

    def test_bodies_that_are_none(self):
        nested = b'{"customer": {"external_id": "x", "a": ' + b"[" * 40 + b"]" * 40 + b"}}"
        texts = [b'{"customer": {"external_id": "a%s"}}' % text for text in (b"\\u0000", b"\\ud800")]
        numbers = [b'{"customer": NaN}', b"1" * 5000]
        for raw in (
            b"{",
            b"\xff\xfe",
            b"[" * 100_000 + b"]" * 100_000,
            nested,
            *texts,
            *numbers,
            b"[]",
            b'"x"',
            b"null",
        ):
            with self.subTest(raw=raw[:40]):
                status, body = self.call("POST", "customers", raw)
                self.assertEqual((status, body["error"][:11]), (400, "BadRequest:"))

    def test_too_large(self):
        status, body = self.call("POST", "customers", b" " * (reading.LARGEST + 1))
        self.assertEqual((status, body["status"]), (413, 413))

    def test_strange_addresses(self):
        for path in ("customers/%00", "customers?external_id=%00", "events/%00"):
            self.assertEqual(self.call("GET", path)[0], 400, path)
        self.assertEqual(self.call("GET", "customers/%27%3B%20DROP%20TABLE%20x%3B--")[1]["code"], "customer_not_found")

    def test_hostile_texts_are_data(self):
        hostile = "'; DROP TABLE res_partner; -- <script>alert(1)</script> {{7*7}} ${1} \u202e株式会社"
        names = (
            "name",
            "city",
            "address_line1",
            "legal_name",
            "firstname",
            "lastname",
            "url",
            "phone",
            "zipcode",
            "state",
        )
        given = {
            "external_id": "h-1",
            **dict.fromkeys(names, hostile),
            "metadata": [{"key": hostile, "value": hostile}],
        }
        status, body = self.call("POST", "customers", {"customer": given})
        self.assertEqual(status, 200)
        shown = body["customer"]
        self.assertEqual([shown[name] for name in names if name != "url"], [hostile] * (len(names) - 1))
        url = self.call("GET", "customers/h-1/portal_url")[1]["customer"]["portal_url"]
        page = self.url_open(url[url.index("/fusion_billing/") :])
        self.assertEqual(page.status_code, 200)
        self.assertNotIn("<script>alert(1)", page.text)

    def test_wrong_types_are_no_bug_of_ours(self):
        for value in ([], {}, 5, True, [{}], {"a": 1}, "", "x" * 70_000):
            for field in ("name", "email", "currency", "timezone", "country", "net_payment_term", "metadata", "state",
                          "billing_configuration", "shipping_address", "tax_codes", "customer_type", "url",
                          "tax_identification_number", "finalize_zero_amount_invoice"):  # fmt: skip
                with self.subTest(field=field, value=str(value)[:20]):
                    status, _body = self.call("POST", "customers", {"customer": {"external_id": "w-1", field: value}})
                    self.assertIn(status, (200, 404, 422))

    def test_wrong_types_of_subscriptions_too(self):
        known = {"external_customer_id": "w-1", "external_id": "w-s", "plan_code": "starter"}
        for value in ([], {"a": 1}, 5, True, [{}], [1], "x", "9999-99-99", "0001-01-01T00:00:00Z"):
            for field in ("external_customer_id", "external_id", "plan_code", "name", "billing_time", "subscription_at",
                          "ending_at", "plan_overrides", "purchase_order_number"):  # fmt: skip
                with self.subTest(field=field, value=value):
                    status, _body = self.call("POST", "subscriptions", {"subscription": {**known, field: value}})
                    self.assertIn(status, (200, 400, 404, 422))

    def test_lists_take_rails_arrays(self):
        self.subscription("s-1")
        self.assertEqual(len(self.call("GET", "subscriptions?status[]=active&status[]=pending")[1]["subscriptions"]), 1)
        self.assertEqual(self.call("GET", "subscriptions?status[]=pending")[1]["subscriptions"], [])

    def test_from_customer_to_termination(self):
        self.call("POST", "customers", {"customer": {"external_id": "j-1", "name": "Oak"}})
        given = {"external_customer_id": "j-1", "external_id": "j-s", "plan_code": "starter"}
        self.assertEqual(self.call("POST", "subscriptions", {"subscription": given})[0], 200)
        self.assertEqual(
            self.call("PUT", "subscriptions/j-s", {"subscription": {"name": "N"}})[1]["subscription"]["name"], "N"
        )
        status, body = self.call("DELETE", "subscriptions/j-s?on_termination_invoice=skip")
        self.assertEqual((status, body["subscription"]["status"]), (200, "terminated"))
        self.assertEqual(self.call("DELETE", "customers/j-1")[0], 200)
        self.assertEqual(self.call("GET", "customers/j-1")[1]["code"], "customer_not_found")
