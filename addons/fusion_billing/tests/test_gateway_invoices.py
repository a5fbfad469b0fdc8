import base64

from freezegun import freeze_time
from odoo.tests import HttpCase, tagged

from ..api import answers
from .common import FusionCase


class InvoiceCase(FusionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ahead = cls.other_plan("fusion_ahead", "31.00", fusion_pay_in_advance=True)
        cls.gateway = cls.env["fusion.billing.gateway"]
        cls.other = cls.env["fusion.billing.service"].create({"name": "Other", "code": "fusion_test_other"})

    def billed(self, external_id="s-1", customer="c-1"):
        """(invoice, its Lago id) of a new subscription that is paid in advance."""
        given = {"external_customer_id": customer, "external_id": external_id, "plan_code": "fusion_ahead"}
        self.gateway.create_subscription(self.service, {"subscription": given})
        order = self.gateway._found(self.service, external_id, "active")
        move = self.env["account.move.line"].search([("fusion_order_id", "=", order.id)]).move_id
        return move, answers.stable_id("invoice", move.id)


@tagged("post_install", "-at_install")
@freeze_time("2026-07-11 10:00:00")
class TestInvoices(InvoiceCase):
    def pay(self, move):
        self.env["account.payment.register"].with_context(active_model="account.move", active_ids=move.ids).create(
            {}
        )._create_payments()

    def numbers(self, **query):
        return [i["number"] for i in self.gateway.list_invoices(self.service, query)["invoices"]]

    def test_find(self):
        move, lago_id = self.billed()
        shown = self.gateway.find_invoice(self.service, {}, lago_id)["invoice"]
        self.assertEqual(
            (shown["number"], shown["status"], shown["payment_status"]), (move.name, "finalized", "pending")
        )
        self.assertEqual(
            (shown["fees_amount_cents"], shown["taxes_amount_cents"], shown["total_amount_cents"]), (2100, 273, 2373)
        )
        (fee,) = shown["fees"]
        self.assertEqual((fee["item"]["type"], fee["amount_cents"], fee["taxes_rate"]), ("subscription", 2100, 13.0))
        self.assertEqual(
            (fee["precise_amount"], fee["units"], fee["from_date"]), ("21.0", "1.0", "2026-07-11T00:00:00+00:00")
        )
        (period,) = shown["billing_periods"]
        self.assertEqual(period["subscription_to_datetime"], "2026-07-31T23:59:59Z")
        self.assertEqual([s["external_id"] for s in shown["subscriptions"]], ["s-1"])
        self.assertEqual([t["amount_cents"] for t in shown["applied_taxes"]], [273])
        self.assertEqual(shown["customer"]["external_id"], "c-1")

    def test_metered_fees_tell_units_and_events(self):
        given = {"external_customer_id": "c-1", "external_id": "s-1", "plan_code": "starter"}
        self.gateway.create_subscription(self.service, {"subscription": given})
        order = self.gateway._found(self.service, "s-1", "active")
        self.use("s-1", ["2026-07-11 10:00:00"] * 3)
        with freeze_time("2026-07-12 10:00:00"):
            self.gateway.terminate_subscription(self.service, {}, "s-1")
        move = self.env["account.move.line"].search([("fusion_order_id", "=", order.id)]).move_id
        shown = self.gateway.find_invoice(self.service, {}, answers.stable_id("invoice", move.id))["invoice"]
        fee = next(fee for fee in shown["fees"] if fee["item"]["type"] == "charge")
        self.assertEqual((fee["units"], fee["events_count"], fee["precise_unit_amount"]), ("3.0", 3, "0.05"))
        self.assertEqual((fee["lago_charge_id"], fee["item"]["code"]), ("charge-1", "fusion_test_calls"))

    def test_unknown_ids_are_not_found(self):
        _move, lago_id = self.billed()
        self.refused(404, self.gateway.find_invoice, self.other, {}, lago_id)
        for wrong in ("x", "0" * 36, answers.stable_id("event", 1), answers.stable_id("invoice", 2**31 - 1)):
            self.assertEqual(
                self.refused(404, self.gateway.find_invoice, self.service, {}, wrong)["code"], "invoice_not_found"
            )

    def test_list_filters(self):
        first, _ = self.billed()
        second, _ = self.billed("s-2", "c-2")
        self.pay(first)
        second.button_draft()
        self.assertEqual(self.numbers(external_customer_id="c-1"), [first.name])
        self.assertEqual(self.numbers(external_customer_id="nobody"), [])
        self.assertEqual(self.numbers(payment_status="succeeded"), [first.name])
        self.assertEqual(self.numbers(**{"payment_statuses[]": ["failed", "pending"]}), [second.name])
        self.assertEqual(self.numbers(status="draft"), [second.name])
        self.assertEqual(self.numbers(**{"statuses[]": ["finalized"]}), [first.name])
        self.assertEqual(self.numbers(issuing_date_from="2026-07-12"), [])
        self.assertEqual(self.numbers(issuing_date_to="2026-07-11", search_term=first.name), [first.name])
        self.assertEqual(len(self.numbers(currency=first.currency_id.name)), 2)
        self.assertEqual(self.gateway.list_invoices(self.other, {})["meta"]["total_count"], 0)

    def test_a_failed_payment_is_told(self):
        move, lago_id = self.billed()
        self.transaction(move, "error")
        self.assertEqual(self.gateway.find_invoice(self.service, {}, lago_id)["invoice"]["payment_status"], "failed")
        self.assertEqual(self.numbers(payment_status="failed"), [move.name])
        self.assertEqual(self.numbers(payment_status="pending"), [])

    def provider(self):
        return self.env["payment.provider"].create({"name": "Fusion test", "code": "none", "state": "test"})

    def transaction(self, move, state):
        provider = self.provider()
        method = self.env["payment.method"].with_context(active_test=False).search([], limit=1)
        return self.env["payment.transaction"].create(
            {
                "provider_id": provider.id,
                "payment_method_id": method.id,
                "reference": f"fusion {move.name}",
                "amount": move.amount_total,
                "currency_id": move.currency_id.id,
                "partner_id": move.partner_id.id,
                "state": state,
                "invoice_ids": [(6, 0, move.ids)],
            }
        )

    def test_metadata_stay_with_the_invoice(self):
        _move, lago_id = self.billed()
        update = lambda *items: self.gateway.update_invoice(  # noqa: E731
            self.service, {"invoice": {"metadata": list(items)}}, lago_id
        )["invoice"]["metadata"]
        (first,) = update({"key": "po", "value": "1"})
        (again,) = update({"id": first["lago_id"], "key": "po", "value": "2"})
        self.assertEqual((again["lago_id"], again["value"]), (first["lago_id"], "2"))
        self.refused(404, self.gateway.update_invoice, self.other, {"invoice": {"metadata": []}}, lago_id)

    def test_a_reported_payment_needs_a_journal(self):
        move, lago_id = self.billed()
        paid = {"invoice": {"payment_status": "succeeded"}}
        details = self.refused(422, self.gateway.update_invoice, self.service, paid, lago_id)["error_details"]
        self.assertEqual(details, {"payment_status": ["no_payment_journal_for_this_service"]})
        self.service.payment_journal_id = self.env["account.journal"].search(
            [("type", "=", "bank"), ("company_id", "=", self.env.company.id)], limit=1
        )
        shown = self.gateway.update_invoice(self.service, paid, lago_id)["invoice"]
        self.assertEqual((shown["payment_status"], shown["total_due_amount_cents"]), ("succeeded", 0))
        self.assertIn(move.payment_state, ("paid", "in_payment"))
        failed = {"invoice": {"payment_status": "failed"}}
        details = self.refused(422, self.gateway.update_invoice, self.service, failed, lago_id)["error_details"]
        self.assertEqual(details, {"payment_status": ["not_supported_by_native_payments"]})

    def test_paying_needs_a_provider(self):
        _move, lago_id = self.billed()
        self.env["payment.provider"].search([]).state = "disabled"
        for call in (self.gateway.payment_url, self.gateway.retry_payment):
            details = self.refused(422, call, self.service, {}, lago_id)["error_details"]
            self.assertEqual(details, {"base": ["no_linked_payment_provider"]})

    def test_payment_url_is_the_native_page(self):
        move, lago_id = self.billed()
        self.provider()
        shown = self.gateway.payment_url(self.service, {}, lago_id)["invoice_payment_details"]
        self.assertIn(f"/my/invoices/{move.id}", shown["payment_url"])
        self.assertEqual((shown["external_customer_id"], shown["lago_invoice_id"]), ("c-1", lago_id))
        self.pay(move)
        self.refused(405, self.gateway.payment_url, self.service, {}, lago_id)

    def test_retry_charges_the_saved_means(self):
        move, lago_id = self.billed()
        provider = self.provider()
        method = self.env["payment.method"].with_context(active_test=False).search([], limit=1)
        token = self.env["payment.token"].create(
            {"provider_id": provider.id, "payment_method_id": method.id, "partner_id": move.partner_id.id,
             "provider_ref": "ref", "payment_details": "1234"}
        )  # fmt: skip
        self.assertIsNone(self.gateway.retry_payment(self.service, {}, lago_id))
        self.assertEqual((move.transaction_ids.token_id, move.transaction_ids.amount), (token, move.amount_residual))

    def test_a_deleted_customers_invoice_still_names_it(self):
        _move, lago_id = self.billed()
        self.gateway.delete_customer(self.service, {}, "c-1")
        shown = self.gateway.find_invoice(self.service, {}, lago_id)["invoice"]
        self.assertEqual(shown["customer"]["external_id"], "c-1")


@tagged("post_install", "-at_install")
class TestDocuments(InvoiceCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.move, self.lago_id = self.billed()
        self.move.invoice_pdf_report_file = base64.b64encode(b"%PDF-1.7 test")
        self.move.invalidate_recordset()

    def path(self, url):
        return url[url.index("/fusion_billing/") :]

    def test_the_pdf_behind_its_address(self):
        url = self.gateway.download_invoice(self.service, {}, self.lago_id)["invoice"]["file_url"]
        answer = self.url_open(self.path(url))
        self.assertEqual((answer.status_code, answer.content), (200, b"%PDF-1.7 test"))
        self.assertEqual(answer.headers["Content-Type"], "application/pdf")
        forged = self.path(url)[:-4] + "AAAA"
        self.assertEqual(self.url_open(forged).status_code, 404)
        self.assertEqual(self.url_open("/fusion_billing/invoice/x").status_code, 404)

    def test_an_address_of_another_kind_opens_nothing(self):
        portal = self.gateway.portal_url(self.service, {}, "c-1")["customer"]["portal_url"]
        token = portal.rsplit("/", 1)[-1]
        self.assertEqual(self.url_open(f"/fusion_billing/invoice/{token}").status_code, 404)

    def test_the_portal_shows_the_customers_documents_only(self):
        other, _lago_id = self.billed("s-2", "c-2")
        url = self.gateway.portal_url(self.service, {}, "c-1")["customer"]["portal_url"]
        page = self.url_open(self.path(url))
        self.assertEqual(page.status_code, 200)
        self.assertIn(self.move.name, page.text)
        self.assertIn("s-1", page.text)
        self.assertNotIn(other.name, page.text)

    def test_the_portal_address_ends(self):
        url = self.gateway.portal_url(self.service, {}, "c-1")["customer"]["portal_url"]
        link = self.gateway._links(self.service, "c-1")
        link.active = False
        self.assertEqual(self.url_open(self.path(url)).status_code, 404)
