import json
from datetime import timedelta

from freezegun import freeze_time
from odoo import fields
from odoo.tests import tagged

from .common import FusionCase

NOW = "2026-07-11 10:00:00"


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestSubscriptions(FusionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pro = cls.other_plan("fusion_pro", "60.00")
        cls.light = cls.other_plan("fusion_light", "10.00")
        cls.ahead = cls.other_plan("fusion_ahead", "31.00", fusion_pay_in_advance=True)

    def setUp(self):
        super().setUp()
        self.gateway = self.env["fusion.billing.gateway"]
        self.other = self.env["fusion.billing.service"].create({"name": "Other", "code": "fusion_test_other"})

    def create(self, **given):  # pylint: disable=method-required-super  # of a test, not of a model
        given = {"external_customer_id": "c-1", "external_id": "s-1", "plan_code": "starter", **given}
        return self.gateway.create_subscription(self.service, {"subscription": given})["subscription"]

    def order(self, external_id="s-1", status="active"):
        return self.gateway._found(self.service, external_id, status)

    def invoices(self, order):
        lines = self.env["account.move.line"].search([("fusion_order_id", "=", order.id)])
        return lines.move_id.filtered(lambda move: move.move_type == "out_invoice")

    def test_create_makes_a_confirmed_native_order(self):
        shown = self.create(name="Main", billing_time="anniversary")
        self.assertEqual(shown["status"], "active")
        self.assertEqual(shown["plan_code"], "starter")
        self.assertEqual(shown["plan_amount_cents"], 3000)
        self.assertEqual(shown["name"], "Main")
        self.assertEqual(shown["started_at"], "2026-07-11T10:00:00.000Z")
        self.assertEqual(shown["current_billing_period_ending_at"], "2026-08-10T23:59:59Z")
        self.assertEqual(shown["external_customer_id"], "c-1")
        order = self.order()
        self.assertEqual(order.state, "sale")
        self.assertEqual(len(order.order_line), 2)
        self.assertEqual(order.order_line.mapped("price_unit"), [30.0, 0.05])
        self.assertEqual(order.order_line[0].tax_ids, self.tax)
        self.assertEqual(order.fusion_billing_time, "anniversary")
        self.assertFalse(self.invoices(order), "paid in arrears: nothing is due yet")

    def test_the_native_subscription_runs(self):
        self.create()
        order, day = self.order(), fields.Date.to_date("2026-08-01")
        if "sale.subscription.plan" in self.env:
            self.assertEqual(order.subscription_state, "3_progress")
            self.assertEqual(order.plan_id.billing_period_unit, "month")
            self.assertEqual(order.next_invoice_date, day)
            self.assertEqual(order.order_line.mapped("product_uom_qty"), [1.0, 0.0])
        elif "sale.subscription" in self.env:
            native = order.subscription_ids
            self.assertEqual(len(native), 1)
            self.assertTrue(native.in_progress)
            self.assertEqual(native.recurring_next_date, day)
            self.assertEqual(native.date_start, fields.Date.to_date("2026-07-11"))
            self.assertEqual(native.sale_subscription_line_ids.mapped("product_uom_qty"), [1.0, 0.0])
            self.assertEqual(order.order_line.mapped("product_uom_qty"), [0.0, 0.0])

    def test_the_same_again_returns_the_same(self):
        self.assertEqual(self.create()["lago_id"], self.create()["lago_id"])
        self.assertEqual(self.env["sale.order"].search_count([("fusion_external_id", "=", "s-1")]), 1)

    def test_what_is_missing_or_unknown(self):
        refuse = lambda status, **given: self.refused(  # noqa: E731
            status, self.gateway.create_subscription, self.service, {"subscription": given}
        )
        self.assertEqual(
            set(refuse(422, plan_code="starter")["error_details"]), {"external_customer_id", "external_id"}
        )
        known = {"external_customer_id": "c-1", "external_id": "s-1"}
        self.assertEqual(refuse(404, **known, plan_code="nope")["code"], "plan_not_found")
        wrong = {"subscription_at": "tomorrow", "ending_at": "2020-01-01T00:00:00Z", "billing_time": "weekly"}
        self.assertEqual(set(refuse(422, **known, plan_code="starter", **wrong)["error_details"]), set(wrong))
        details = refuse(422, **known, plan_code="starter", activation_rules=[{"type": "payment"}])["error_details"]
        self.assertEqual(details, {"activation_rules": ["not_supported_by_native_orders"]})
        self.assertFalse(self.env["fusion.billing.account.link"].search([("external_id", "=", "c-1")]))

    def test_an_id_that_runs_for_another_customer(self):
        self.create()
        given = {"external_customer_id": "c-2", "external_id": "s-1", "plan_code": "starter"}
        body = self.refused(422, self.gateway.create_subscription, self.service, {"subscription": given})
        self.assertEqual(body["error_details"], {"external_id": ["value_already_exist"]})

    def test_currencies_do_not_mix(self):
        self.gateway.upsert_customer(self.service, {"customer": {"external_id": "c-1", "currency": "JPY"}})
        given = {"external_customer_id": "c-1", "external_id": "s-1", "plan_code": "starter"}
        body = self.refused(422, self.gateway.create_subscription, self.service, {"subscription": given})
        self.assertEqual(body["error_details"], {"currency": ["currencies_does_not_match"]})

    def test_in_advance_is_billed_at_once(self):
        self.create(plan_code="fusion_ahead")
        invoice = self.invoices(self.order())
        self.assertEqual(invoice.state, "posted")
        self.assertEqual(invoice.amount_untaxed, 21.0, "21 of 31 days")
        self.assertEqual(invoice.amount_tax, 2.73)

    def test_backdated_is_not_billed(self):
        shown = self.create(plan_code="fusion_ahead", subscription_at="2026-07-05T00:00:00Z")
        self.assertEqual(shown["started_at"], "2026-07-05T00:00:00.000Z")
        self.assertFalse(self.invoices(self.order()))

    def test_pending_starts_on_its_day(self):
        shown = self.create(subscription_at="2026-07-20T00:00:00Z")
        self.assertEqual((shown["status"], shown["started_at"]), ("pending", None))
        self.refused(404, self.gateway.find_subscription, self.service, {}, "s-1")
        self.assertTrue(self.gateway.find_subscription(self.service, {"status": "pending"}, "s-1"))
        self.env["sale.order"]._fusion_cron_lifecycle()
        self.assertEqual(self.gateway._status(self.order(status="pending")), "pending")
        with freeze_time("2026-07-20 00:10:00"):
            self.env["sale.order"]._fusion_cron_lifecycle()
            self.assertEqual(self.order().fusion_started_at, fields.Datetime.to_datetime("2026-07-20 00:00:00"))

    def test_upgrade_takes_over_at_once(self):
        first = self.create()
        old = self.order()
        self.use("s-1", ["2026-07-11 10:00:00"] * 4)
        with freeze_time("2026-07-21 10:00:00"):
            shown = self.create(plan_code="fusion_pro")
            self.assertNotEqual(shown["lago_id"], first["lago_id"])
            self.assertEqual((shown["plan_code"], shown["previous_plan_code"]), ("fusion_pro", "starter"))
            self.assertEqual(shown["subscription_at"], first["subscription_at"])
            self.assertEqual(self.gateway._status(old), "terminated")
            ended = self.gateway.find_subscription(self.service, {"status": "terminated"}, "s-1")["subscription"]
            self.assertEqual((ended["next_plan_code"], ended["terminated_at"]), ("fusion_pro", "2026-07-21T10:00:00Z"))
        # 11 days less the day of the upgrade, and four calls at 0.05
        self.assertEqual(sorted(self.invoices(old).invoice_line_ids.mapped("price_subtotal")), [0.2, 9.68])

    def test_downgrade_waits_for_the_end_of_the_period(self):
        first = self.create()
        shown = self.create(plan_code="fusion_light")
        self.assertEqual(shown["lago_id"], first["lago_id"])
        self.assertEqual(
            (shown["plan_code"], shown["next_plan_code"], shown["downgrade_plan_date"], shown["status"]),
            ("starter", "fusion_light", "2026-08-01", "active"),
        )
        old = self.order()
        with freeze_time("2026-07-31 23:50:00"):
            self.env["sale.order"]._fusion_cron_lifecycle()
            self.assertEqual(self.order(), old)
        with freeze_time("2026-08-01 00:10:00"):
            self.env["sale.order"]._fusion_cron_lifecycle()
            new = self.order()
            self.assertEqual((new.fusion_plan_code, new.fusion_previous_order_id), ("fusion_light", old))
        # the first period of the old plan: 21 of 31 days
        self.assertEqual(self.invoices(old).amount_untaxed, 20.32)

    def test_a_downgrade_is_withdrawn(self):
        self.create()
        self.create(plan_code="fusion_light")
        gone = self.gateway.terminate_subscription(self.service, {"status": "pending"}, "s-1")["subscription"]
        self.assertEqual(gone["status"], "canceled")
        shown = self.gateway.find_subscription(self.service, {}, "s-1")["subscription"]
        self.assertEqual((shown["next_plan_code"], shown["downgrade_plan_date"]), (None, None))
        if "sale.subscription.plan" in self.env:
            self.assertEqual(self.order().next_invoice_date, fields.Date.to_date("2026-08-01"))

    def test_a_second_change_replaces_the_pending_one(self):
        self.create()
        self.create(plan_code="fusion_light")
        self.create(plan_code="fusion_pro")
        self.assertEqual(self.order().fusion_plan_code, "fusion_pro")
        states = self.env["sale.order"].search([("fusion_external_id", "=", "s-1")]).mapped(self.gateway._status)
        self.assertEqual(sorted(states), ["active", "canceled", "terminated"])

    def test_terminate_bills_what_is_left(self):
        self.create()
        self.use("s-1", ["2026-07-11 10:00:00"] * 4)
        order = self.order()
        with freeze_time("2026-07-20 10:00:00"):
            shown = self.gateway.terminate_subscription(self.service, {}, "s-1")["subscription"]
            self.refused(404, self.gateway.terminate_subscription, self.service, {}, "s-1")
        self.assertEqual((shown["status"], shown["terminated_at"]), ("terminated", "2026-07-20T10:00:00Z"))
        self.assertEqual(sorted(self.invoices(order).invoice_line_ids.mapped("price_subtotal")), [0.2, 9.68])
        if "subscription_state" in order._fields:
            self.assertEqual(order.subscription_state, "6_churn")
        elif "sale.subscription" in self.env:
            self.assertFalse(order.subscription_ids.in_progress)

    def test_terminate_without_an_invoice(self):
        self.create()
        self.gateway.terminate_subscription(self.service, {"on_termination_invoice": "skip"}, "s-1")
        self.assertFalse(self.invoices(self.order(status="terminated")))

    def test_what_was_paid_in_advance_is_credited(self):
        self.create(plan_code="fusion_ahead")
        order = self.order()
        with freeze_time("2026-07-21 10:00:00"):
            self.gateway.terminate_subscription(self.service, {}, "s-1")
        credit = self.env["account.move"].search([("reversed_entry_id", "=", self.invoices(order).id)])
        self.assertEqual((credit.state, credit.amount_untaxed, credit.amount_tax), ("posted", 10.0, 1.3))

    def test_credit_can_be_skipped_but_not_refunded(self):
        self.create(plan_code="fusion_ahead")
        body = self.refused(
            422, self.gateway.terminate_subscription, self.service, {"on_termination_credit_note": "refund"}, "s-1"
        )
        self.assertEqual(body["error_details"], {"on_termination_credit_note": ["not_supported_by_native_invoicing"]})
        self.gateway.terminate_subscription(self.service, {"on_termination_credit_note": "skip"}, "s-1")
        invoice = self.invoices(self.order(status="terminated"))
        self.assertFalse(invoice.reversal_move_ids)

    def test_update(self):
        self.create()
        given = {"name": "Renamed", "ending_at": "2026-09-30T00:00:00Z", "on_termination_invoice": "skip"}
        shown = self.gateway.update_subscription(self.service, {"subscription": given}, "s-1")["subscription"]
        self.assertEqual({name: shown[name] for name in given}, given)
        self.assertEqual(self.order().order_line[0].name, "Renamed")
        body = self.refused(
            422, self.gateway.update_subscription, self.service, {"subscription": {"plan_overrides": {"x": 1}}}, "s-1"
        )
        self.assertIn("plan_overrides", body["error_details"])

    def test_a_planned_end_comes(self):
        self.create(ending_at="2026-07-15T00:00:00Z")
        with freeze_time("2026-07-15 00:05:00"):
            self.env["sale.order"]._fusion_cron_lifecycle()
            self.assertEqual(self.gateway._status(self.order(status="terminated")), "terminated")

    def test_overrides_are_charges_of_the_order(self):
        overrides = {
            "amount_cents": 2550,
            "trial_period": 5,
            "minimum_commitment": {"amount_cents": 9900},
            "charges": [{"id": "charge-1", "properties": {"amount": "0.07"}, "min_amount_cents": 100}],
        }
        shown = self.create(plan_overrides=overrides)
        order = self.order()
        self.assertEqual(shown["plan_amount_cents"], 2550)
        self.assertEqual((order.fusion_trial_days, order.fusion_commitment), ("5", "99.00"))
        self.assertEqual(json.loads(order.fusion_charge_ids.properties), {"amount": "0.07"})
        self.assertEqual(order.fusion_charge_ids.min_amount, "1.00")
        body = self.refused(
            422, self.gateway.create_subscription, self.service,
            {"subscription": {"external_customer_id": "c-1", "external_id": "s-2", "plan_code": "starter",
                              "plan_overrides": {"charges": [{"id": "nope"}], "tax_codes": ["x"]}}},
        )  # fmt: skip
        self.assertEqual(set(body["error_details"]), {"plan_overrides.tax_codes"})

    def test_list(self):
        self.create()
        self.create(external_id="s-2", plan_code="fusion_light", external_customer_id="c-2")
        self.create(external_id="s-3", subscription_at="2027-01-01T00:00:00Z")
        self.gateway.terminate_subscription(self.service, {}, "s-2")
        ids = lambda **query: sorted(  # noqa: E731
            s["external_id"] for s in self.gateway.list_subscriptions(self.service, query)["subscriptions"]
        )
        self.assertEqual(ids(), ["s-1"])
        self.assertEqual(ids(status="terminated"), ["s-1"], "a scalar is ignored, as in Lago")
        self.assertEqual(ids(**{"status[]": ["pending", "terminated"]}), ["s-2", "s-3"])
        self.assertEqual(ids(**{"status[]": ["terminated"], "plan_code": "fusion_light"}), ["s-2"])
        self.assertEqual(ids(external_customer_id="c-1"), ["s-1"])
        self.refused(404, self.gateway.list_subscriptions, self.service, {"external_customer_id": "nobody"})
        self.assertEqual(self.gateway.list_subscriptions(self.other, {})["subscriptions"], [])

    def test_another_service_changes_nothing(self):
        self.create()
        self.refused(404, self.gateway.update_subscription, self.other, {"subscription": {"name": "x"}}, "s-1")
        self.refused(404, self.gateway.terminate_subscription, self.other, {}, "s-1")

    def test_what_cannot_change_on_its_day_is_told_to_finance(self):
        self.create(subscription_at="2026-07-20T00:00:00Z")
        order = self.order(status="pending")
        order.fusion_interval = False
        self.create(external_id="s-2", subscription_at="2026-07-20T00:00:00Z")
        with freeze_time("2026-07-20 00:10:00"):
            self.env["sale.order"]._fusion_cron_lifecycle()
            self.assertTrue(self.order("s-2"))
        self.assertTrue(order.activity_ids)

    def test_usage_meets_its_subscription(self):
        self.create()
        at = fields.Datetime.now() + timedelta(hours=1)
        with freeze_time(at):
            event = {"transaction_id": "t-1", "external_subscription_id": "s-1", "code": "fusion_test_calls"}
            self.gateway.create_event(self.service, {"event": event})
            usage = self.gateway.current_usage(self.service, {"external_subscription_id": "s-1"}, "c-1")
            self.assertEqual(usage["customer_usage"]["charges_usage"][0]["events_count"], 1)
