import json

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from ..models.dialects import dialect
from .common import FusionCase

JULY = {"at": "2026-07-01 04:10:00", "reason": "subscription_periodic"}


@tagged("post_install", "-at_install")
class TestRerun(FusionCase):
    def test_one_month_is_billed_to_the_cent_and_leaves_no_trace(self):
        order = self.subscription("sub-1")
        self.use("sub-1", ["2026-06-03 10:00:00", "2026-06-30 23:59:59", "2026-05-31 23:59:59", "2026-07-01 00:00:00"])
        moves = self.env["account.move"].search_count([])
        (answer,) = order.fusion_rerun([{"order": order.id, **JULY}])
        self.assertEqual([line["amount_cents"] for line in answer["lines"]], [3000, 10])
        self.assertEqual([line["key"]["kind"] for line in answer["lines"]], ["subscription", "charge"])
        self.assertEqual(answer["lines"][1]["key"]["item"], "charge-1")
        self.assertEqual(answer["lines"][1]["events"], 2)
        self.assertEqual(answer["lines"][1]["subtotal"], "0.10")
        self.assertEqual((answer["untaxed"], answer["tax"], answer["total"]), ("30.10", "3.91", "34.01"))
        self.assertEqual(answer["taxes"], {"Fusion 13%": "3.91"})
        self.assertFalse(answer["move_id"])
        self.assertFalse(answer["refusals"])
        self.assertEqual(self.env["account.move"].search_count([]), moves)

    def test_kept_draft_is_shadow_unnamed_and_explains_itself(self):
        journal = self.env["account.journal"].create({"name": "Shadow", "code": "FT1", "type": "sale"})
        order = self.subscription("sub-2")
        self.use("sub-2", ["2026-06-03 10:00:00"])
        (answer,) = order.fusion_rerun([{"order": order.id, **JULY}], keep=True, journal_id=journal.id, ref="NEX-1")
        move = self.env["account.move"].browse(answer["move_id"])
        self.assertEqual((move.state, move.name, move.ref, move.journal_id), ("draft", False, "NEX-1", journal))
        self.assertTrue(move.fusion_shadow)
        self.assertEqual(json.loads(move.invoice_line_ids[1].fusion_key)["subscription"], "lago-sub-2")
        self.assertEqual(str(move.invoice_line_ids[1].fusion_from), "2026-06-01 00:00:00")
        self.assertTrue(json.loads(move.invoice_line_ids[1].fusion_explanation))

    def test_keeping_needs_a_journal(self):
        order = self.subscription("sub-3")
        with self.assertRaises(UserError):
            order.fusion_rerun([{"order": order.id, **JULY}], keep=True)

    def test_unknown_order_is_refused(self):
        order = self.subscription("sub-4")
        with self.assertRaises(UserError):
            order.fusion_rerun([{"order": order.id + 1, **JULY}])

    def test_usage_that_arrived_later_is_not_known(self):
        order = self.subscription("sub-5")
        self.use("sub-5", ["2026-06-03 10:00:00"], received_at="2026-07-04 00:00:00")
        (answer,) = order.fusion_rerun([{"order": order.id, **JULY}])
        self.assertEqual([line["amount_cents"] for line in answer["lines"]], [3000])

    def test_grace_period_knows_it(self):
        order = self.subscription("sub-6")
        self.env["fusion.billing.account.link"].create(
            {"service_id": self.service.id, "partner_id": order.partner_id.id, "external_id": "c6", "grace_days": 5}
        )
        self.use("sub-6", ["2026-06-03 10:00:00"], received_at="2026-07-04 00:00:00")
        (answer,) = order.fusion_rerun([{"order": order.id, **JULY}])
        self.assertEqual([line["amount_cents"] for line in answer["lines"]], [3000, 5])

    def test_orders_of_one_partner_share_an_invoice_and_the_coupon(self):
        partner = self.env["res.partner"].create({"name": "Two"})
        coupon = [{"lago_id": "ac-1", "coupon_code": "ten", "percentage_rate": "10", "frequency": "forever"}]
        orders = self.subscription("sub-7", partner=partner, fusion_coupons=json.dumps(coupon))
        orders |= self.subscription("sub-8", partner=partner, fusion_coupons=json.dumps(coupon))
        answers = orders.fusion_rerun([{"order": order.id, **JULY} for order in orders])
        self.assertEqual(len(answers), 1)
        self.assertEqual(sorted(line["amount_cents"] for line in answers[0]["lines"]), [-600, 3000, 3000])
        self.assertEqual((answers[0]["untaxed"], answers[0]["tax"]), ("54.00", "7.02"))

    def test_an_order_that_overrides_its_plan_uses_its_own_charges(self):
        order = self.subscription("sub-9")
        self.charge.copy({"plan_id": False, "order_id": order.id, "properties": json.dumps({"amount": "7"})})
        self.use("sub-9", ["2026-06-03 10:00:00"])
        (answer,) = order.fusion_rerun([{"order": order.id, **JULY}])
        self.assertEqual([line["amount_cents"] for line in answer["lines"]], [3000, 700])

    def test_taxes_of_the_charge_win(self):
        other = self.tax.copy({"name": "Fusion 5%", "amount": 5.0})
        self.charge.tax_ids = other
        order = self.subscription("sub-10")
        self.use("sub-10", ["2026-06-03 10:00:00"] * 1 + ["2026-06-03 10:00:01"])
        (answer,) = order.fusion_rerun([{"order": order.id, **JULY}])
        self.assertEqual([line["tax_ids"] for line in answer["lines"]], [self.tax.ids, other.ids])

    def test_what_cannot_be_rated_is_refused_by_name(self):
        self.charge.write({"charge_model": "volume", "properties": json.dumps({"volume_ranges": []})})
        order = self.subscription("sub-11")
        (answer,) = order.fusion_rerun([{"order": order.id, **JULY}])
        self.assertEqual([refusal["reason"] for refusal in answer["refusals"]], ["volume_without_tier"])
        self.assertEqual(len(answer["lines"]), 1)

    def test_an_order_without_calendar_is_refused_by_name_and_the_others_are_billed(self):
        fine, other = self.subscription("sub-12"), self.subscription("sub-13", fusion_interval=False)
        answers = (fine | other).fusion_rerun([{"order": o.id, **JULY} for o in fine | other])
        found = [[refusal["reason"] for refusal in answer["refusals"]] for answer in answers]
        self.assertEqual(found, [[], ["order_incomplete"]])
        self.assertEqual([answer["untaxed"] for answer in answers], ["30.00", "0.00"])

    def test_a_time_zone_that_does_not_exist_is_refused_where_it_is_entered(self):
        with self.assertRaisesRegex(ValidationError, "time zone such as America/Toronto, not Mars/Olympus"):
            self.subscription("sub-14", fusion_timezone="Mars/Olympus")

    def test_what_odoo_itself_refuses_to_draft_is_refused_by_name(self):
        fine, broken = self.subscription("sub-15"), self.subscription("sub-16")
        create = type(self.env["account.move"]).create

        def refuse(moves, values):
            if any(value["partner_id"] == broken.partner_id.id for value in values):
                raise UserError("No journal\ncould be found")  # pylint: disable=translation-required  # stands for Odoo
            return create(moves, values)

        self.patch(type(self.env["account.move"]), "create", refuse)
        answers = (fine | broken).fusion_rerun([{"order": o.id, **JULY} for o in fine | broken])
        self.assertEqual([answer["untaxed"] for answer in answers], ["30.00", "0.00"])
        refusal = {"reason": "invoice_refused", "detail": f"{broken.name}: No journal could be found"}
        self.assertEqual(answers[1]["refusals"], [refusal])

    def test_without_a_licence_bounds_per_transaction_do_not_apply(self):
        """Facts 4.5: values 10, 80, 10000 at 2.99 %, from 1.75 to 12: 16.14; without a licence 301.69."""
        bounds = {"rate": "2.99", "per_transaction_min_amount": "1.75", "per_transaction_max_amount": "12"}
        self.charge.write({"charge_model": "percentage", "properties": json.dumps(bounds)})
        self.metric.write({"aggregation": "sum_agg", "field_name": "value"})
        order = self.subscription("sub-17")
        for day, value in enumerate(("10", "80", "10000"), 1):
            self.use("sub-17", [f"2026-06-0{day} 10:00:00"], properties=json.dumps({"value": value}))
        for parameter, cents in (("1", 1614), ("0", 30169), ("False", 30169)):
            self.env["ir.config_parameter"].set_param("fusion_billing.lago_premium", parameter)
            (answer,) = order.fusion_rerun([{"order": order.id, **JULY}])
            self.assertEqual(answer["lines"][1]["amount_cents"], cents, parameter)

    def test_what_the_order_sells_beside_its_plan_is_on_the_invoice(self):
        """A discount on the plan's line, an added line, goodwill, a note: the customer gets all of it."""
        order = self.subscription("sub-20")
        self.use("sub-20", ["2026-06-03 10:00:00"])
        plan, other = order.order_line, self.env["product.product"].create(
            {"name": "Setup", "type": "service", "invoice_policy": "order", "taxes_id": [(6, 0, self.tax.ids)]}
        )  # fmt: skip
        plan.discount = 10.0
        extra = self.env["sale.order.line"].create(
            {"order_id": order.id, "product_id": other.id, "price_unit": 500.0, "tax_ids": [(6, 0, self.tax.ids)]}
        )
        self.env["sale.order.line"].create({"order_id": order.id, "display_type": "line_note", "name": "Thank you"})
        wizard = {"sale_order_id": order.id, "discount_type": "amount", "discount_amount": 20.0}
        self.env["sale.order.discount"].create(wizard).action_apply_discount()
        (answer,) = order.fusion_rerun([{"order": order.id, **JULY}])
        found = {(line["key"]["kind"], line["subtotal"], line["amount_cents"]) for line in answer["lines"]}
        fees = {("subscription", "27.00", 3000), ("charge", "0.05", 5), ("other", "500.00", 50000)}
        self.assertLess(fees, found)
        (goodwill,) = found - fees
        self.assertEqual(goodwill[0], "other")
        beside = next(line for line in answer["lines"] if line["subtotal"] == "500.00")
        self.assertEqual(beside["key"]["item"], f"sale.order.line,{extra.id}")
        self.assertEqual(beside["key"]["subscription"], "lago-sub-20")
        total = sum(float(line["subtotal"]) for line in answer["lines"])
        self.assertAlmostEqual(total, float(answer["untaxed"]))
        self.assert_same_as_native(order, answer, "2026-07-01 05:00:00")

    def assert_same_as_native(self, order, answer, at):
        """The invoice that the scheduled action makes is the rerun's, to the cent."""
        order.fusion_billed_until = "2026-06-15 00:00:00"
        order.with_context(fusion_at=at)._create_invoices()
        move = order.invoice_ids
        lines = move.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        told = sorted((line["subtotal"], line["tax_ids"]) for line in answer["lines"])
        self.assertEqual(told, sorted((f"{line.price_subtotal:.2f}", line.tax_ids.ids) for line in lines))
        totals = (move.amount_untaxed, move.amount_tax, move.amount_total)
        self.assertEqual((answer["untaxed"], answer["tax"], answer["total"]), tuple(f"{sum_:.2f}" for sum_ in totals))
        self.assertEqual(answer["invoice_partner_id"], move.partner_id.id)

    def test_a_discount_on_the_plans_line_holds_for_every_period(self):
        order = self.subscription("sub-21", fusion_billed_until="2026-06-15 00:00:00")
        order.order_line.discount = 10.0
        for at in ("2026-07-01 05:00:00", "2026-08-01 05:00:00"):
            order.with_context(fusion_at=at)._create_invoices()
        self.assertEqual(order.invoice_ids.mapped("amount_untaxed"), [27.0, 27.0])

    def test_kept_drafts_invoice_nothing_of_the_order(self):
        journal = self.env["account.journal"].create({"name": "Shadow", "code": "FT2", "type": "sale"})
        order = self.subscription("sub-22")
        order.fusion_rerun([{"order": order.id, **JULY}], keep=True, journal_id=journal.id, ref="NEX-2")
        self.assertEqual((order.order_line.qty_invoiced, order.order_line.qty_to_invoice), (0.0, 1.0))
        self.assertFalse(order.invoice_ids)

    def test_an_order_that_native_invoicing_bills_without_usage_is_refused(self):
        order = self.subscription("sub-23")
        order._action_cancel()
        (answer,) = order.fusion_rerun([{"order": order.id, **JULY}])
        self.assertEqual([refusal["reason"] for refusal in answer["refusals"]], ["order_not_metered"])
        self.assertEqual(answer["lines"], [])

    def test_a_total_below_nothing_is_refused(self):
        order = self.subscription("sub-24")
        other = self.env["product.product"].create({"name": "Refund", "type": "service", "invoice_policy": "order"})
        order.order_line.create({"order_id": order.id, "product_id": other.id, "price_unit": -99.0})
        (answer,) = order.fusion_rerun([{"order": order.id, **JULY}])
        self.assertEqual([refusal["reason"] for refusal in answer["refusals"]], ["invoice_refused"])

    def test_what_odoo_drafts_and_does_not_post_is_refused(self):
        """Each would be a draft that nobody can post."""
        euro = self.env["res.currency"].with_context(active_test=False).search([("name", "=", "EUR")])
        euro.active = True
        prices = self.env["product.pricelist"].create({"name": "Euro", "currency_id": euro.id})
        abroad, closed, shelved = (self.subscription(f"sub-28-{number}") for number in range(3))
        for values in ({"state": "draft"}, {"pricelist_id": prices.id}, {"state": "sale"}):
            abroad.write(values)
        euro.active = False
        account = self.env["account.account"].create({"name": "Closed", "code": "499999", "account_type": "income"})
        closed.order_line.product_id.property_account_income_id = account
        account.active = False
        journal = self.env["account.journal"].create({"name": "Shelved", "code": "FT3", "type": "sale"})
        shelved.journal_id = journal
        journal.active = False
        for order, told in ((abroad, "EUR"), (closed, "Closed"), (shelved, "Shelved")):
            (answer,) = order.fusion_rerun([{"order": order.id, **JULY}])
            self.assertEqual({refusal["reason"] for refusal in answer["refusals"]}, {"invoice_refused"}, told)
            told_of = [refusal["detail"] for refusal in answer["refusals"] if told in refusal["detail"]]
            self.assertEqual(len(told_of), 1, answer["refusals"])

    def test_lines_that_cancel_out_are_both_there_or_named(self):
        """A price below 0 is invoiced like any other; a quantity below 0 only where refunds are made too."""
        other = self.env["product.product"].create({"name": "Setup", "type": "service", "invoice_policy": "order"})
        prices = [(1.0, 100.0), (1.0, -100.0)], [(1.0, 100.0), (-1.0, 100.0)]
        for number, lines in enumerate(prices):
            order = self.subscription(f"sub-27-{number}")
            order.order_line.create(
                [
                    {"order_id": order.id, "product_id": other.id, "product_uom_qty": quantity, "price_unit": price}
                    for quantity, price in lines
                ]
            )
            (answer,) = order.fusion_rerun([{"order": order.id, **JULY}])
            reasons = [refusal["reason"] for refusal in answer["refusals"]]
            native = number == 0 or dialect(self.env).final
            self.assertEqual((reasons, answer["untaxed"]), ([], "30.00") if native else (["line_left_out"], "130.00"))

    def test_two_customers_with_one_invoice_address_keep_their_invoices(self):
        payer = self.env["res.partner"].create({"name": "Payer"})
        orders = self.subscription("sub-25") | self.subscription("sub-26")
        orders.partner_invoice_id = payer
        answers = orders.fusion_rerun([{"order": order.id, **JULY} for order in orders])
        self.assertEqual([answer["partner_id"] for answer in answers], orders.partner_id.ids)
        self.assertEqual({answer["invoice_partner_id"] for answer in answers}, {payer.id})
        self.assertEqual([answer["untaxed"] for answer in answers], ["30.00", "30.00"])

    def traces(self, *records):
        models = ("account.move", "account.move.line", "mail.message", "mail.activity", "fusion.billing.webhook",
                  "fusion.billing.period", "ir.attachment", "mail.followers")  # fmt: skip
        self.env.flush_all()
        self.env.invalidate_all()
        sequences = self.env["ir.sequence"].search([]).mapped("number_next_actual")
        counts = [self.env[model].with_context(active_test=False).search_count([]) for model in models]
        return counts, sequences, [record.mapped("write_date") for record in records]

    def test_nothing_is_left_behind(self):
        order = self.subscription("sub-18")
        self.use("sub-18", ["2026-06-03 10:00:00"])
        records = (order, order.order_line, order.partner_id, self.plan, self.charge)
        before = self.traces(*records)
        order.fusion_rerun([{"order": order.id, **JULY}])
        self.assertEqual(self.traces(*records), before)
        next_one = self.env["account.move"].create(
            {"move_type": "out_invoice", "partner_id": order.partner_id.id, "invoice_date": "2031-01-01",
             "invoice_line_ids": [(0, 0, {"name": "x", "price_unit": 1.0})]}
        )  # fmt: skip
        next_one.action_post()
        self.assertTrue(next_one.name.endswith("00001"), next_one.name)

    def test_many_subscriptions_in_one_call(self):
        partners = self.env["res.partner"].create([{"name": f"Customer {n}"} for n in range(200)])
        orders = self.env["sale.order"].concat(
            *(self.subscription(f"many-{n}", partner=partner) for n, partner in enumerate(partners))
        )
        self.use("many-7", ["2026-06-03 10:00:00"])
        answers = orders.fusion_rerun([{"order": order.id, **JULY} for order in orders])
        self.assertEqual(len(answers), 200)
        self.assertEqual(sorted({answer["untaxed"] for answer in answers}), ["30.00", "30.05"])
