import json

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger
from psycopg2.errors import UniqueViolation

from .common import FusionCase

JULY = fields.Datetime.to_datetime("2026-07-01 06:00:00")
AUGUST = fields.Datetime.to_datetime("2026-08-01 06:00:00")
SEPTEMBER = fields.Datetime.to_datetime("2026-09-01 06:00:00")


class InvoicingCase(FusionCase):
    def invoice(self, order, at=AUGUST, **options):
        return order.with_context(fusion_at=at)._create_invoices(**options)

    def amounts(self, move):
        return move.invoice_line_ids.sorted(lambda line: (line.sequence, line.id)).mapped("price_subtotal")

    def assert_nothing_due(self, order, at=AUGUST):
        with self.assertRaises(UserError):
            self.invoice(order, at)


@tagged("post_install", "-at_install")
class TestInvoicing(InvoicingCase):
    def test_usage_comes_along_on_the_native_invoice(self):
        order = self.subscription("inv-1")
        self.use("inv-1", ["2026-07-03 10:00:00", "2026-07-04 10:00:00", "2026-08-01 00:00:00"])
        move = self.invoice(order)
        self.assertEqual(self.amounts(move), [30.0, 0.1])
        base, usage = move.invoice_line_ids.sorted(lambda line: (line.sequence, line.id))
        self.assertEqual(base.sale_line_ids, order.order_line)
        self.assertEqual((usage.fusion_order_id, str(usage.fusion_to)), (order, "2026-07-31 23:59:59"))
        self.assertEqual((usage.tax_ids, usage.quantity), (self.tax, 1.0))
        self.assertIn("07/01/2026 – 07/31/2026: 2 units", usage.name)
        self.assertTrue(json.loads(usage.fusion_explanation))
        self.assertEqual((move.amount_total, order.invoice_ids), (34.01, move))
        period = order.fusion_period_ids
        self.assertEqual((period.move_id, str(period.usage_from)), (move, "2026-07-01 00:00:00"))

    def test_the_amount_is_the_rated_cent_where_units_times_a_rounded_price_is_not(self):
        self.charge.properties = json.dumps({"amount": "0.0033335"})
        order = self.subscription("inv-cent")
        self.use("inv-cent", [f"2026-07-03 10:{n // 60:02}:{n % 60:02}" for n in range(150)])
        self.assertEqual(self.amounts(self.invoice(order)), [30.0, 0.5])

    def test_the_same_billing_is_made_once(self):
        order = self.subscription("inv-2")
        self.use("inv-2", ["2026-07-03 10:00:00"])
        self.invoice(order)
        self.assert_nothing_due(order)
        self.assertEqual(len(order.fusion_period_ids), 1)

    @mute_logger("odoo.sql_db")
    def test_the_database_itself_refuses_a_second_billing(self):
        order = self.subscription("inv-2b")
        self.invoice(order)
        period = order.fusion_period_ids
        with self.assertRaises(UniqueViolation), self.env.cr.savepoint():
            period.copy({"move_id": period.move_id.id}).flush_recordset()

    def test_a_cancelled_invoice_frees_its_usage_and_claims_it_when_it_comes_back(self):
        order = self.subscription("inv-3")
        self.use("inv-3", ["2026-07-03 10:00:00"])
        first = self.invoice(order)
        first.button_cancel()
        first.button_draft()
        self.assert_nothing_due(order)
        first.button_cancel()
        second = self.invoice(order)
        self.assertEqual(self.amounts(second), [30.0, 0.05])
        with self.assertRaises(UniqueViolation), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
            first.button_draft()

    def test_a_deleted_draft_frees_its_usage(self):
        order = self.subscription("inv-3b")
        self.use("inv-3b", ["2026-07-03 10:00:00"])
        self.invoice(order).unlink()
        self.assertEqual(self.amounts(self.invoice(order)), [30.0, 0.05])

    def test_missed_months_are_caught_up_one_invoice_each(self):
        order = self.subscription("inv-4", fusion_billed_until="2026-05-01 00:00:00")
        self.use("inv-4", ["2026-06-03 10:00:00", "2026-07-03 10:00:00", "2026-07-04 10:00:00"])
        moves = self.invoice(order)
        self.assertEqual([self.amounts(move) for move in moves.sorted("id")], [[30.0], [30.0, 0.05], [30.0, 0.1]])
        self.assertEqual(
            order.fusion_period_ids.sorted("at").mapped(lambda p: str(p.usage_to)),
            ["2026-05-31 23:59:59", "2026-06-30 23:59:59", "2026-07-31 23:59:59"],
        )
        self.assert_nothing_due(order)

    def test_what_lago_billed_is_not_billed_again(self):
        order = self.subscription("inv-5", fusion_billed_until="2026-08-01 00:00:00")
        self.use("inv-5", ["2026-07-03 10:00:00"])
        self.assert_nothing_due(order)

    def test_an_order_that_does_not_say_is_billed_from_the_day_it_was_entered(self):
        order = self.subscription("inv-6", fusion_billed_until=False)
        self.assert_nothing_due(order)

    def test_rerun_drafts_do_not_count_as_invoiced(self):
        journal = self.env["account.journal"].create({"name": "Shadow", "code": "FT2", "type": "sale"})
        order = self.subscription("inv-7")
        self.use("inv-7", ["2026-07-03 10:00:00"])
        order.fusion_rerun(
            [{"order": order.id, "at": "2026-08-01 06:00:00", "reason": "subscription_periodic"}],
            keep=True, journal_id=journal.id,
        )  # fmt: skip
        self.assertEqual(self.amounts(self.invoice(order)), [30.0, 0.05])
        self.assertEqual(len(order.invoice_ids), 1)

    def test_other_orders_are_left_alone(self):
        order = self.env["sale.order"].create(
            {"partner_id": self.env["res.partner"].create({"name": "P"}).id,
             "order_line": [(0, 0, {"product_id": self.plan.id, "product_uom_qty": 2})]}
        )  # fmt: skip
        order.action_confirm()
        self.assertEqual(len(order._create_invoices().invoice_line_ids), 1)

    def test_what_is_sold_beside_the_plan_is_invoiced_natively(self):
        order = self.subscription("inv-8")
        setup = self.env["product.product"].create({"name": "Setup", "type": "service", "invoice_policy": "order"})
        order.order_line = [(0, 0, {"product_id": setup.id, "product_uom_qty": 2, "price_unit": 7.0})]
        self.assertEqual(self.amounts(self.invoice(order)), [30.0, 14.0])

    def test_a_plain_and_a_metered_order_are_invoiced_together(self):
        partner = self.env["res.partner"].create({"name": "Both"})
        metered = self.subscription("inv-9", partner=partner)
        plain = self.env["sale.order"].create(
            {"partner_id": partner.id, "order_line": [(0, 0, {"product_id": self.plan.id, "price_unit": 5.0})]}
        )
        plain.action_confirm()
        move = self.invoice(metered | plain)
        self.assertEqual(sorted(self.amounts(move)), [5.0, 30.0])

    def test_usage_without_amount_stops_the_invoice_by_name(self):
        self.charge.write({"charge_model": "volume", "properties": json.dumps({"volume_ranges": []})})
        order = self.subscription("inv-10")
        self.use("inv-10", ["2026-07-03 10:00:00"])
        with self.assertRaisesRegex(UserError, f"{order.name}: volume_without_tier"):
            self.invoice(order)
        self.assertFalse(order.invoice_ids | order.fusion_period_ids.move_id)

    def test_the_scheduled_action_invoices_what_is_due_and_tells_what_it_cannot(self):
        fine, broken = self.subscription("inv-13"), self.subscription("inv-14")
        bad = {"charge_model": "volume", "properties": json.dumps({"volume_ranges": []})}
        self.charge.copy({"plan_id": False, "order_id": broken.id, **bad})
        self.use("inv-14", ["2026-07-03 10:00:00"])
        orders = self.env["sale.order"].with_context(fusion_at=AUGUST)
        orders._fusion_cron_invoice()
        broken.activity_ids.summary = "Ask Nadia"  # whatever somebody writes there, it is told once
        orders._fusion_cron_invoice()
        self.assertEqual([self.amounts(move) for move in fine.invoice_ids], [[30.0]])
        self.assertFalse(broken.invoice_ids)
        self.assertEqual(len(broken.activity_ids), 1)
        self.assertIn("volume_without_tier", broken.activity_ids.note)

    def test_late_usage_is_flagged_and_billed_if_its_invoice_goes(self):
        order = self.subscription("inv-11")
        move = self.invoice(order)
        gateway = self.env["fusion.billing.gateway"]
        event = {"transaction_id": "late-1", "external_subscription_id": "inv-11", "code": "fusion_test_calls",
                 "timestamp": "1783072800"}  # fmt: skip
        gateway.create_event(self.service, {"event": event})
        late = self.env["fusion.billing.usage"].search([("transaction_id", "=", "late-1")])
        self.assertTrue(late.late)
        self.assert_nothing_due(order)
        move.button_cancel()
        self.assertFalse(late.late)
        self.assertEqual(self.amounts(self.invoice(order)), [30.0, 0.05])

    def test_taxes_come_from_the_charge_else_from_the_fiscal_position(self):
        none = self.env["account.fiscal.position"].create({"name": "Abroad"})
        zero = self.tax.copy({"name": "Fusion 0%", "amount": 0.0})
        zero.write({"fiscal_position_ids": [(6, 0, none.ids)], "original_tax_ids": [(6, 0, self.tax.ids)]})
        partner = self.env["res.partner"].create({"name": "Abroad", "property_account_position_id": none.id})
        order = self.subscription("inv-12", partner=partner)
        order.order_line.tax_ids = none.map_tax(self.tax)
        self.use("inv-12", ["2026-07-03 10:00:00"])
        move = self.invoice(order)
        self.assertEqual(move.invoice_line_ids.tax_ids, zero)
        move.button_cancel()
        self.charge.tax_ids = self.tax
        usage = self.invoice(order).invoice_line_ids.filtered(lambda line: line.fusion_kind == "charge")
        self.assertEqual(usage.tax_ids, self.tax)


@tagged("post_install", "-at_install")
class TestLifecycle(InvoicingCase):
    def test_charges_paid_in_advance_are_billed_per_event_with_the_next_invoice(self):
        self.charge.write({"pay_in_advance": True, "properties": json.dumps({"amount": "0.025"})})
        order = self.subscription("adv-1")
        self.use("adv-1", ["2026-07-03 10:00:00", "2026-07-04 10:00:00", "2026-08-01 00:30:00"])
        move = self.invoice(order)
        self.assertEqual(self.amounts(move), [30.0, 0.03, 0.03, 0.03])  # rounded per event, not 0.08
        self.use("adv-1", ["2026-08-02 10:00:00"])
        self.assertEqual(self.amounts(self.invoice(order, SEPTEMBER)), [30.0, 0.03])
        move.button_cancel()
        self.assertEqual(self.amounts(self.invoice(order, SEPTEMBER)), [30.0, 0.03, 0.03, 0.03])

    def test_events_that_lago_billed_in_advance_are_not_billed_again(self):
        self.charge.pay_in_advance = True
        order = self.subscription("adv-2", fusion_advance_until="2026-07-20 00:00:00")
        self.use("adv-2", ["2026-07-03 10:00:00", "2026-07-21 10:00:00"])
        self.assertEqual(self.amounts(self.invoice(order)), [30.0, 0.05])

    def test_minimum_spending_of_the_days_that_ran(self):
        """Facts 4.10: 10.00 for 25 of 28 days, 8.00 used: 0.93 are missing."""
        self.charge.write({"min_amount": "10.00", "properties": json.dumps({"amount": "8"})})
        order = self.subscription(
            "min-1", fusion_started_at="2026-02-04 00:00:00", fusion_created_at="2026-02-04 00:00:00",
            fusion_anchor="2026-02-04 00:00:00", fusion_billed_until="2026-02-04 00:00:00", fusion_plan_amount="0",
        )  # fmt: skip
        self.use("min-1", ["2026-02-10 10:00:00"])
        move = self.invoice(order, fields.Datetime.to_datetime("2026-03-01 06:00:00"))
        self.assertEqual(self.amounts(move), [0.0, 8.0, 0.93])

    def test_minimum_commitment_of_the_days_that_ran(self):
        """Facts 7.1: 10,000.00 committed, 1,000.00 a month, start on 4 February 2023: 8,035.71 are missing."""
        order = self.subscription(
            "com-1", fusion_started_at="2023-02-04 00:00:00", fusion_created_at="2023-02-04 00:00:00",
            fusion_anchor="2023-02-04 00:00:00", fusion_billed_until="2023-02-04 00:00:00",
            fusion_plan_amount="1000.00", fusion_commitment="10000.00",
        )  # fmt: skip
        moves = self.invoice(order, fields.Datetime.to_datetime("2023-04-01 06:00:00"))
        self.assertEqual([self.amounts(move) for move in moves.sorted("id")], [[892.86, 8035.71], [1000.0, 9000.0]])

    def fixed(self, **values):
        return self.env["fusion.billing.charge"].create(
            {"name": "Seats", "code": "seats", "kind": "fixed", "product_id": self.plan.id, "charge_model": "standard",
             "plan_id": self.plan.product_tmpl_id.id, "properties": json.dumps({"amount": "10"}), "units": "10",
             "fusion_lago_id": "fixed-1", "sequence": 20, **values}
        )  # fmt: skip

    def test_units_that_change_within_the_period_count_for_their_days(self):
        seats = self.fixed(prorated=True)
        order = self.subscription("fix-1")
        seats.with_context(fusion_at=fields.Datetime.to_datetime("2026-07-11 12:00:00")).units = "15"
        # 10 units for 10 of 31 days (3.225806), 15 for 21 (10.161290)
        self.assertEqual(self.amounts(self.invoice(order)), [30.0, 133.87])
        self.assertEqual(self.amounts(self.invoice(order, SEPTEMBER)), [30.0, 150.0])

    def test_units_of_an_order_that_started_after_the_change(self):
        seats = self.fixed()
        seats.with_context(fusion_at=fields.Datetime.to_datetime("2026-04-11 12:00:00")).units = "15"
        self.assertEqual(self.amounts(self.invoice(self.subscription("fix-2"))), [30.0, 150.0])

    def test_a_line_of_the_order_for_a_fixed_charge_is_not_sold_besides(self):
        seat = self.env["product.product"].create({"name": "Seat", "type": "service", "invoice_policy": "order"})
        seats = self.fixed(product_id=seat.id)
        order = self.subscription("fix-3")
        order.order_line = [(0, 0, {"product_id": seats.product_id.id, "product_uom_qty": 10, "price_unit": 10.0})]
        self.assertEqual(self.amounts(self.invoice(order)), [30.0, 100.0])

    def test_a_subscription_paid_in_advance_is_billed_when_it_starts(self):
        """Facts 3.3: 50.00 a month in advance, start on 8 January 2023 (24 of 31 days): 38.71."""
        order = self.subscription(
            "start-1", fusion_started_at="2023-01-08 10:00:00", fusion_created_at="2023-01-08 10:00:00",
            fusion_anchor="2023-01-08 10:00:00", fusion_billed_until="2023-01-01 00:00:00",
            fusion_plan_amount="50.00", fusion_pay_in_advance=True,
        )  # fmt: skip
        moves = self.invoice(order, fields.Datetime.to_datetime("2023-02-01 06:00:00"))
        self.assertEqual([self.amounts(move) for move in moves.sorted("id")], [[38.71], [50.0]])

    def test_an_upgrade_bills_the_old_plan_to_the_day_before_and_the_new_one_from_its_day(self):
        """Recording, NEX Rideau Analytics: starter in arrears, replaced on 14 April by pro in advance."""
        old = self.subscription("up-1", fusion_billed_until="2026-04-01 12:00:00", fusion_plan_amount="49.00")
        partner = old.partner_id
        old.write({"fusion_ended_at": "2026-04-14 12:00:00"})
        new = self.subscription(
            "up-1", partner=partner, fusion_started_at="2026-04-14 12:00:00", fusion_created_at="2026-04-14 12:00:00",
            fusion_billed_until="2026-04-01 12:00:00", fusion_plan_amount="199.00", fusion_pay_in_advance=True,
            fusion_previous_order_id=old.id,
        )  # fmt: skip
        self.use("up-1", ["2026-04-13 10:00:00", "2026-04-20 10:00:00"])
        old.write({"fusion_anchor": "2026-02-09 00:00:00", "fusion_started_at": "2026-02-09 00:00:00"})
        moves = self.invoice(old | new, fields.Datetime.to_datetime("2026-04-15 06:00:00"))
        # 13 of 30 days of 49.00, one call; 17 of 30 days of 199.00
        self.assertEqual([self.amounts(move) for move in moves], [[21.23, 0.05, 112.77]])
        may = self.invoice(old | new, fields.Datetime.to_datetime("2026-05-01 06:00:00"))
        self.assertEqual([self.amounts(move) for move in may], [[199.0, 0.05]])

    def test_an_ended_subscription_is_billed_to_its_end(self):
        order = self.subscription("end-1", fusion_plan_amount="31.00")
        self.use("end-1", ["2026-07-03 10:00:00", "2026-07-10 13:00:00"])
        order.fusion_ended_at = "2026-07-10 12:00:00"
        self.assertEqual(self.amounts(self.invoice(order)), [10.0, 0.05])
        self.assert_nothing_due(order, SEPTEMBER)

    def test_one_that_ends_on_a_billing_day_is_billed_the_month_and_the_day(self):
        order = self.subscription("end-2", fusion_plan_amount="31.00")
        self.use("end-2", ["2026-07-03 10:00:00", "2026-08-01 07:00:00"])
        order.fusion_ended_at = "2026-08-01 08:00:00"
        moves = self.invoice(order, fields.Datetime.to_datetime("2026-08-02 06:00:00"))
        self.assertEqual([amount for move in moves for amount in self.amounts(move)], [31.0, 0.05, 1.0, 0.05])


@tagged("post_install", "-at_install")
class TestCoupons(InvoicingCase):
    def held(self, **values):
        given = {"lago_id": "ac-1", "coupon_code": "big", "frequency": "once", "created_at": "2026-05-01T00:00:00Z"}
        return json.dumps([{**given, **values}])

    def monthly(self, name, **coupon):
        return self.subscription(name, fusion_billed_until="2026-05-01 00:00:00", fusion_coupons=self.held(**coupon))

    def test_an_amount_is_used_up_over_several_invoices_and_no_further(self):
        order = self.monthly("cou-1", amount_cents=7000, amount_cents_remaining=7000, amount_currency="USD")
        order.fusion_coupons = order.fusion_coupons.replace("USD", order.currency_id.name)
        moves = self.invoice(order).sorted("id")
        self.assertEqual([self.amounts(move) for move in moves], [[30.0, -30.0], [30.0, -30.0], [30.0, -10.0]])
        self.assertEqual(self.amounts(self.invoice(order, SEPTEMBER)), [30.0])
        moves[1].button_cancel()
        again = self.invoice(order, SEPTEMBER)
        self.assertEqual(self.amounts(again), [30.0, -30.0])

    def test_what_lago_used_of_it_is_gone(self):
        order = self.subscription(
            "cou-2", fusion_coupons=self.held(amount_cents=2500, amount_cents_remaining=1000)
        )  # fmt: skip
        self.assertEqual(self.amounts(self.invoice(order)), [30.0, -10.0])

    def test_some_periods_are_counted(self):
        order = self.monthly("cou-3", percentage_rate="20", frequency="recurring", frequency_duration_remaining=2)
        moves = self.invoice(order).sorted("id")
        self.assertEqual([self.amounts(move) for move in moves], [[30.0, -6.0], [30.0, -6.0], [30.0]])

    def test_a_percentage_once(self):
        order = self.monthly("cou-4", percentage_rate="20", frequency="once")
        moves = self.invoice(order).sorted("id")
        self.assertEqual([self.amounts(move) for move in moves], [[30.0, -6.0], [30.0], [30.0]])

    def test_orders_of_one_customer_share_the_invoice_and_the_coupon(self):
        partner = self.env["res.partner"].create({"name": "Two"})
        coupons = self.held(amount_cents=1200, amount_cents_remaining=1200)
        orders = self.subscription("cou-5", partner=partner, fusion_coupons=coupons)
        orders |= self.subscription("cou-6", partner=partner, fusion_coupons=coupons)
        move = self.invoice(orders)
        self.assertEqual(sorted(self.amounts(move)), [-12.0, 30.0, 30.0])
        self.assertEqual(move.amount_total, 54.24)


@tagged("post_install", "-at_install")
class TestTokens(FusionCase):
    def test_a_token_is_set_on_the_subscriptions_it_pays(self):
        order = self.subscription("tok-1")
        provider = self.env["payment.provider"].create({"name": "Test", "state": "test"})
        token = self.env["payment.token"].create(
            {
                "provider_id": provider.id,
                "payment_method_id": self.env["payment.method"].with_context(active_test=False).search([], limit=1).id,
                "partner_id": order.partner_id.id,
                "provider_ref": "cus_1",
                "fusion_order_ids": [(6, 0, order.ids)],
            }
        )
        self.assertEqual(token.fusion_order_ids, order)
        if "payment_token_id" in order._fields:
            self.assertEqual(order.payment_token_id, token)
