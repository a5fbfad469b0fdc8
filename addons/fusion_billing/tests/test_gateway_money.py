from freezegun import freeze_time
from odoo.tests import tagged

from ..api import answers
from .test_gateway_invoices import InvoiceCase


@tagged("post_install", "-at_install")
@freeze_time("2026-07-11 10:00:00")
class TestMoney(InvoiceCase):
    """Fees, credit notes, payments, one-off invoices, what was used: an own invoice of 21.00 and 13 % tax."""

    def setUp(self):
        super().setUp()
        self.move, self.lago_id = self.billed()

    def nothing(self, call, *given):
        self.refused(404, call, self.other, {}, *given)

    def test_fees(self):
        (fee,) = self.gateway.list_fees(self.service, {})["fees"]
        (shown,) = self.gateway.find_invoice(self.service, {}, self.lago_id)["invoice"]["fees"]
        self.assertEqual({name: fee[name] for name in shown}, shown)
        self.assertEqual([tax["amount_cents"] for tax in fee["applied_taxes"]], [273])
        self.assertEqual(self.gateway.find_fee(self.service, {}, fee["lago_id"])["fee"], fee)
        self.nothing(self.gateway.find_fee, fee["lago_id"])
        self.assertEqual(self.gateway.list_fees(self.other, {})["fees"], [])
        for query, count in (
            ({"external_customer_id": "c-1", "external_subscription_id": "s-1", "fee_type": "subscription"}, 1),
            ({"external_customer_id": "nobody"}, 0), ({"fee_type": "charge"}, 0), ({"payment_status": "succeeded"}, 0),
            ({"created_at_from": "2020-01-01T00:00:00Z", "currency": self.move.currency_id.name}, 1),
            ({"event_transaction_id": "100%_"}, 0),
        ):  # fmt: skip
            self.assertEqual(self.gateway.list_fees(self.service, query)["meta"]["total_count"], count, query)
        self.refused(422, self.gateway.list_fees, self.service, {"created_at_to": "2026-99-99"})

    def test_credit_notes(self):
        self.assertEqual(self.gateway.list_credit_notes(self.service, {})["credit_notes"], [])
        note = self.move._reverse_moves([{"invoice_date": "2026-07-11"}])
        note.action_post()
        (shown,) = self.gateway.list_credit_notes(self.service, {"external_customer_id": "c-1"})["credit_notes"]
        self.assertEqual((shown["total_amount_cents"], shown["taxes_amount_cents"]), (2373, 273))
        self.assertEqual((shown["lago_invoice_id"], shown["items"][0]["amount_cents"]), (self.lago_id, 2100))
        self.assertEqual(
            (shown["credit_status"], shown["balance_amount_cents"]), ("consumed", 0), "it was set off at once"
        )
        found = self.gateway.find_credit_note(self.service, {}, shown["lago_id"])["credit_note"]
        self.assertEqual(found, shown)
        self.nothing(self.gateway.find_credit_note, shown["lago_id"])
        self.assertEqual(self.gateway.list_credit_notes(self.other, {})["credit_notes"], [])
        later = {"issuing_date_from": "2026-07-12"}
        self.assertEqual(self.gateway.list_credit_notes(self.service, later)["credit_notes"], [])

    def test_payments(self):
        given = {"invoice_id": self.lago_id, "amount_cents": 1000, "reference": "wire 7"}
        wrong = self.refused(422, self.gateway.create_payment, self.service, {"payment": given})["error_details"]
        self.assertEqual(wrong, {"base": ["no_payment_journal_for_this_service"]})
        journal = self.env["account.journal"].search([("type", "=", "bank"), ("company_id", "=", self.env.company.id)])
        self.service.payment_journal_id = journal[0]
        for cents in (0, 2374, "x", 1.5, None):
            more = {"payment": {**given, "amount_cents": cents}}
            wrong = self.refused(422, self.gateway.create_payment, self.service, more)["error_details"]
            self.assertEqual(wrong, {"amount_cents": ["value_is_out_of_range"]})
        self.refused(404, self.gateway.create_payment, self.other, {"payment": given})
        made = self.gateway.create_payment(self.service, {"payment": given})["payment"]
        self.assertEqual((made["amount_cents"], made["reference"], made["type"]), (1000, "wire 7", "manual"))
        self.assertEqual(made["invoice_ids"], [self.lago_id])
        shown = self.gateway.find_invoice(self.service, {}, self.lago_id)["invoice"]
        self.assertEqual((shown["total_paid_amount_cents"], shown["total_due_amount_cents"]), (1000, 1373))
        listed = self.gateway.list_payments(self.service, {"external_customer_id": "c-1", "invoice_id": self.lago_id})
        self.assertEqual(listed["payments"], [made])
        self.assertEqual(self.gateway.find_payment(self.service, {}, made["lago_id"])["payment"], made)
        self.nothing(self.gateway.find_payment, made["lago_id"])
        self.assertEqual(self.gateway.list_payments(self.other, {})["payments"], [])
        payment = self.env["account.payment"].browse(answers.row_number("payment", made["lago_id"]))
        payment.action_validate()
        (receipt,) = self.gateway.list_payment_receipts(self.service, {"invoice_id": self.lago_id})["payment_receipts"]
        self.assertEqual(receipt["payment"]["status"], "succeeded")
        found = self.gateway.find_payment_receipt(self.service, {}, receipt["lago_id"])["payment_receipt"]
        self.assertEqual(found, receipt)

    def add_on(self, code="w_setup", cents=1999):
        given = {"name": "Setup", "code": code, "amount_cents": cents, "amount_currency": self.move.currency_id.name}
        return self.gateway.create_add_on(self.service, {"add_on": given})["add_on"]

    def test_a_one_off_invoice(self):
        self.service.webhook_url = "https://app.example/hooks"
        self.add_on()
        given = {"external_customer_id": "c-1", "currency": self.move.currency_id.name,
                 "fees": [{"add_on_code": "w_setup", "units": "2.5", "invoice_display_name": "Start"},
                          {"add_on_code": "w_setup", "unit_amount_cents": 333, "units": 3}]}  # fmt: skip
        made = self.gateway.create_invoice(self.service, {"invoice": given})["invoice"]
        self.assertEqual(
            (made["invoice_type"], made["status"], made["fees_amount_cents"]), ("one_off", "finalized", 5997)
        )
        told = self.env["fusion.billing.webhook"].search([("service_id", "=", self.service.id)]).mapped("webhook_type")
        self.assertIn("invoice.one_off_created", told)
        first, second = made["fees"]
        self.assertEqual((first["amount_cents"], first["units"], first["item"]["type"]), (4998, "2.5", "add_on"))
        self.assertEqual((second["amount_cents"], second["item"]["code"]), (999, "w_setup"))
        self.assertEqual(made["customer"]["external_id"], "c-1")
        found = self.gateway.list_invoices(self.service, {"external_customer_id": "c-1"})["invoices"]
        self.assertEqual({one["lago_id"] for one in found}, {made["lago_id"], self.lago_id})
        self.nothing(self.gateway.find_invoice, made["lago_id"])
        fees = self.gateway.list_fees(self.service, {"external_customer_id": "c-1"})["fees"]
        self.assertEqual(len(fees), 3)
        for wrong, errors in (
            ({"fees": []}, {"fees": ["value_is_mandatory"]}),
            ({"fees": [{"units": 1}]}, {"fees.0.add_on_code": ["value_is_mandatory"]}),
            ({"fees": [{"add_on_code": "w_setup", "units": "x"}]}, {"fees.0.units": ["value_is_invalid"]}),
            ({"currency": "XXQ"}, {"currency": ["value_is_invalid"]}),
        ):
            answer = self.refused(422, self.gateway.create_invoice, self.service, {"invoice": {**given, **wrong}})
            self.assertEqual(answer["error_details"], errors)
        self.refused(404, self.gateway.create_invoice, self.other, {"invoice": given})

    def test_a_draft_is_finalized(self):
        self.move.button_draft()
        shown = self.gateway.finalize_invoice(self.service, {}, self.lago_id)["invoice"]
        self.assertEqual((shown["status"], self.move.state), ("finalized", "posted"))
        self.assertEqual(self.gateway.finalize_invoice(self.service, {}, self.lago_id)["invoice"], shown)
        self.nothing(self.gateway.finalize_invoice, self.lago_id)
        self.assertEqual(self.refused(405, self.gateway.retry_invoice, self.service, {}, self.lago_id)["code"],
                         "invalid_status")  # fmt: skip

    def test_what_was_used(self):
        partner = self.gateway._links(self.service, "c-1").partner_id
        order = self.subscription("m-1", partner=partner)
        self.use("m-1", ["2026-07-03 10:00:00", "2026-07-04 10:00:00"])
        self.use("m-1", ["2026-08-03 10:00:00"])
        order.with_context(fusion_at=order.fusion_started_at.replace(month=8, hour=6))._create_invoices().action_post()
        with freeze_time("2026-08-05 10:00:00"):
            self.check_what_was_used()

    def check_what_was_used(self):
        query = {"external_subscription_id": "m-1"}
        (period,) = self.gateway.past_usage(self.service, query, "c-1")["usage_periods"]
        (charge,) = period["charges_usage"]
        self.assertEqual((charge["units"], charge["events_count"], charge["amount_cents"]), ("2.0", 2, 10))
        self.assertEqual(charge["charge"]["lago_id"], "charge-1")
        self.assertEqual((period["from_datetime"], period["amount_cents"]), ("2026-07-01T00:00:00Z", 3010))
        self.assertEqual(self.gateway.past_usage(self.service, {**query, "billable_metric_code": "x"}, "c-1")[
            "usage_periods"][0]["charges_usage"], [])  # fmt: skip
        self.refused(422, self.gateway.past_usage, self.service, {}, "c-1")
        life = self.gateway.lifetime_usage(self.service, {}, "m-1")["lifetime_usage"]
        self.assertEqual((life["invoiced_usage_amount_cents"], life["current_usage_amount_cents"]), (10, 5))
        body = {"lifetime_usage": {"external_historical_usage_amount_cents": 700}}
        told = self.gateway.update_lifetime_usage(self.service, body, "m-1")["lifetime_usage"]
        self.assertEqual(told["external_historical_usage_amount_cents"], 700)
        self.nothing(self.gateway.lifetime_usage, "m-1")
        sums = self.gateway.invoiced_usage(self.service, {})["invoiced_usages"]
        self.assertEqual([(one["code"], one["amount_cents"]) for one in sums], [("fusion_test_calls", 10)])
        listed = self.gateway.list_subscription_charges(self.service, {}, "m-1")["charges"]
        self.assertEqual([one["lago_id"] for one in listed], ["charge-1"])

    def test_sums_of_months(self):
        (gross,) = self.gateway.gross_revenue(self.service, {"months": "1"})["gross_revenues"]
        self.assertEqual((gross["amount_cents"], gross["invoices_count"], gross["month"][:7]), (2373, 1, "2026-07"))
        self.assertEqual(self.gateway.gross_revenue(self.other, {})["gross_revenues"], [])
        (open_,) = self.gateway.invoice_collection(self.service, {})["invoice_collections"]
        self.assertEqual((open_["payment_status"], open_["amount_cents"]), ("pending", 2373))
        self.assertEqual(self.gateway.overdue_balance(self.service, {})["overdue_balances"], [])
        self.move.invoice_date_due = "2026-07-01"
        (due,) = self.gateway.overdue_balance(self.service, {})["overdue_balances"]
        self.assertEqual((due["amount_cents"], due["lago_invoice_ids"]), (2373, [self.lago_id]))

    def test_who_bills_and_where_webhooks_go(self):
        (entity,) = self.gateway.list_billing_entities(self.service, {})["billing_entities"]
        found = self.gateway.find_billing_entity(self.service, {}, entity["code"])["billing_entity"]
        self.assertEqual({name: found[name] for name in entity}, entity)
        self.refused(404, self.gateway.find_billing_entity, self.service, {}, "nobody")
        self.assertEqual(self.gateway.list_webhook_endpoints(self.service, {})["webhook_endpoints"], [])
        body = {"webhook_endpoint": {"webhook_url": "https://app.example/hooks", "signature_algo": "jwt"}}
        made = self.gateway.create_webhook_endpoint(self.service, body)["webhook_endpoint"]
        self.assertEqual(
            (self.service.webhook_url, self.service.webhook_algorithm), ("https://app.example/hooks", "jwt")
        )
        self.refused(422, self.gateway.create_webhook_endpoint, self.service, body)
        self.nothing(self.gateway.find_webhook_endpoint, made["lago_id"])
        for url in ("ftp://x", "javascript:alert(1)", "nothing", "http://", 5):
            wrong = {"webhook_endpoint": {"webhook_url": url}}
            self.refused(422, self.gateway.update_webhook_endpoint, self.service, wrong, made["lago_id"])
        organization = self.gateway.find_organization(self.service, {})["organization"]
        self.assertEqual(organization["webhook_urls"], ["https://app.example/hooks"])
        self.gateway.destroy_webhook_endpoint(self.service, {}, made["lago_id"])
        self.assertFalse(self.service.webhook_url)

    def test_events_are_listed(self):
        event = {"external_subscription_id": "s-1", "code": "fusion_test_calls", "timestamp": 1783764000}
        for name, service in (("a", self.service), ("b", self.other)):
            self.gateway.create_event(service, {"event": {**event, "transaction_id": name}})
        self.use("s-1", ["2026-07-03 10:00:00"], transaction_id="brought")
        names = lambda **query: [  # noqa: E731
            one["transaction_id"] for one in self.gateway.list_events(self.service, query)["events"]
        ]
        self.assertEqual(names(), ["a", "brought"])
        self.assertEqual(names(timestamp_from="2026-07-05", external_subscription_id="s-1"), ["a"])
        self.assertEqual(names(code="nothing"), [])
        self.refused(422, self.gateway.list_events, self.service, {"timestamp_to": "x"})
