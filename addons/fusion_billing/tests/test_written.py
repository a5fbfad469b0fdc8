import ast
import json
from datetime import timedelta

from odoo.exceptions import ValidationError
from odoo.tests import Form, new_test_user, tagged

from .common import FusionCase

GROUPS = {"pricing_group_keys": ["account", "a, b"]}
OPEN = {"from_value": 11, "to_value": None}
FIRST = {"from_value": 0, "to_value": 10}
EVERY = {
    "standard": [{"amount": "0.05"}, {"amount": "5", **GROUPS}],
    "package": [{"amount": "3", "package_size": 100, "free_units": 10}, {"amount": "3.5", "package_size": 7}],
    "percentage": [
        {"rate": "1.3"},
        {"rate": "1.3", "fixed_amount": "0.1", "free_units_per_events": 3, "free_units_per_total_aggregation": "50.0",
         "per_transaction_min_amount": "0.5", "per_transaction_max_amount": "20", **GROUPS},
    ],
    "graduated": [
        {"graduated_ranges": [{**FIRST, "per_unit_amount": "0.5", "flat_amount": "1"},
                              {**OPEN, "per_unit_amount": "0.4", "flat_amount": "0"}]},
        {"graduated_ranges": [{**FIRST, "per_unit_amount": "0.5", "flat_amount": "1"},
                              {"from_value": 10, "to_value": None, "per_unit_amount": "0.4", "flat_amount": "0"}]},
    ],
    "volume": [
        {"volume_ranges": [{**FIRST, "per_unit_amount": "0.5", "flat_amount": "1"},
                           {**OPEN, "per_unit_amount": "0.4", "flat_amount": "0"}], **GROUPS},
    ],
    "graduated_percentage": [
        {"graduated_percentage_ranges": [{**FIRST, "rate": "1", "flat_amount": "2"},
                                         {**OPEN, "rate": "0.5", "flat_amount": "0"}]},
    ],
    "dynamic": [{}, {**GROUPS}],
}  # fmt: skip


class CatalogCase(FusionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.person = new_test_user(
            cls.env, "c-person", groups="fusion_billing.group_manager,sales_team.group_sale_salesman"
        )
        cls.metric.filters = json.dumps([{"key": "region", "values": ["eu", "us"]}])

    def form(self, charge):
        """The window that "Change" opens, as the person has it."""
        action = charge.with_user(self.person).action_edit()
        return Form(self.env[action["res_model"]].with_user(self.person).browse(action["res_id"]))

    def new_charge(self, plan):
        action = plan.with_user(self.person).action_fusion_new_charge()
        return Form(self.env[action["res_model"]].with_user(self.person).with_context(**action["context"]))


@tagged("post_install", "-at_install")
class TestChargeForm(CatalogCase):
    def test_every_charge_model_comes_back_as_it_was(self):
        for model, cases in EVERY.items():
            for properties in cases:
                other = [{"lago_id": "f-1", "values": {"region": ["eu"]}, "properties": properties,
                          "invoice_display_name": "Europe"}]  # fmt: skip
                for filters in ([], other):
                    with self.subTest(model=model, properties=properties, filters=bool(filters)):
                        stored = {"charge_model": model, "properties": json.dumps(properties),
                                  "filters": json.dumps(filters) if filters else False}  # fmt: skip
                        self.charge.write(stored)
                        self.form(self.charge).save().action_save()
                        self.assertEqual(json.loads(self.charge.properties), properties)
                        self.assertEqual(json.loads(self.charge.filters or "[]"), filters)
                        self.assertEqual(self.charge.charge_model, model)

    def test_what_the_form_does_not_show_is_kept(self):
        self.charge.properties = json.dumps({"amount": "1", "grouped_by": ["x"], "presentation_group_keys": ["y"]})
        before = json.loads(self.charge.properties)
        with self.form(self.charge) as form:
            form.amount = "2"
        form.save().action_save()
        self.assertEqual(json.loads(self.charge.properties), {**before, "amount": "2"})

    def test_tiers_are_typed_as_rows(self):
        form = self.new_charge(self.plan.product_tmpl_id)
        form.metric_id = self.metric
        self.assertEqual(form.name, "Calls")
        form.charge_model = "graduated"
        for end, price in (("1000", "0"), ("5000", "0.04"), ("", "0.02")):
            with form.tier_ids.new() as tier:
                tier.to_value, tier.per_unit_amount = end, price
        form.save().action_save()
        charge = self.plan.product_tmpl_id.fusion_charge_ids - self.charge
        bounds = [(t["from_value"], t["to_value"]) for t in json.loads(charge.properties)["graduated_ranges"]]
        self.assertEqual(bounds, [(0, 1000), (1001, 5000), (5001, None)])
        self.assertEqual((charge.code, charge.kind), ("fusion_test_calls", "usage"))
        self.assertTrue(charge.fusion_lago_id)
        self.assertIn("1001 – 5000: 0.04", charge.price_text)

    def test_what_was_typed_is_billed(self):
        order = self.subscription("t-1", fusion_billed_until="2026-06-30 00:00:00")
        with self.form(self.charge) as form:
            form.charge_model = "package"
            form.amount, form.package_size, form.free_units = "2", "10", "5"
        form.save().action_save()
        self.use("t-1", [f"2026-06-0{day} 00:00:00" for day in range(1, 10)] * 3)
        move = order.with_context(fusion_at="2026-07-01 01:00:00")._create_invoices()
        fee = move.invoice_line_ids.filtered(lambda line: line.fusion_kind == "charge")
        self.assertEqual(fee.price_subtotal, 6.0, "27 units, 5 free: three packages of 10 at 2.00")

    def test_lagos_refusals_are_told_by_the_names_of_the_form(self):
        cases = (
            ("standard", {"amount": "-1"}, "Price: must be a number that is not negative"),
            ("standard", {"amount": "abc"}, "Price"),
            ("package", {"amount": "1", "package_size": "0"}, "Units in a package: must be a whole number"),
            ("percentage", {"rate": "x"}, "Rate (%)"),
            ("percentage", {"rate": "1", "per_transaction_min_amount": "5", "per_transaction_max_amount": "1"},
             "Most per event: is lower than the least"),
            ("volume", {}, "Tiers: there is none"),
        )  # fmt: skip
        for model, values, told in cases:
            with self.subTest(model=model, values=values):
                form = self.new_charge(self.plan.product_tmpl_id)
                form.metric_id, form.charge_model = self.metric, model
                for name, value in values.items():
                    form[name] = value
                with self.assertRaises(ValidationError) as refused:
                    form.save().action_save()
                self.assertIn(told, str(refused.exception))

    def test_tiers_with_a_gap_or_without_an_open_end_are_refused(self):
        for ends in ((("0", "10"), ("20", "")), (("0", "10"), ("11", "20")), (("5", ""),)):
            with self.subTest(ends):
                form = self.new_charge(self.plan.product_tmpl_id)
                form.metric_id, form.charge_model = self.metric, "graduated"
                for start, end in ends:
                    with form.tier_ids.new() as tier:
                        tier.from_value, tier.to_value = start, end
                with self.assertRaises(ValidationError) as refused:
                    form.save().action_save()
                self.assertIn("Tiers: each must go on", str(refused.exception))

    def test_a_filter_must_be_declared_by_the_metric(self):
        for values, fits in (("eu, us", True), ("__ALL_FILTER_VALUES__", True), ("asia", False)):
            with self.subTest(values):
                form = self.new_charge(self.plan.product_tmpl_id)
                form.metric_id, form.amount = self.metric, "1"
                with form.filter_ids.new() as one:
                    one.amount = "0.5"
                    with one.value_ids.new() as value:
                        value.key, value.values = "region", values
                save = form.save().action_save
                if fits:
                    save()
                else:
                    with self.assertRaises(ValidationError):
                        save()
        made = (self.plan.product_tmpl_id.fusion_charge_ids - self.charge)[0]
        self.assertEqual(
            json.loads(made.filters), [{"values": {"region": ["eu", "us"]}, "properties": {"amount": "0.5"}}]
        )

    def test_fixed_units_and_usage_without_metric(self):
        form = self.new_charge(self.plan.product_tmpl_id)
        form.kind, form.name, form.units, form.amount = "fixed", "Seats", "5", "7"
        form.save().action_save()
        charge = self.plan.product_tmpl_id.fusion_charge_ids - self.charge
        self.assertEqual((charge.kind, charge.units, bool(charge.metric_id)), ("fixed", "5", False))
        wrong = self.new_charge(self.plan.product_tmpl_id)
        wrong.kind, wrong.name, wrong.charge_model, wrong.rate = "fixed", "Seats", "percentage", "1"
        with self.assertRaises(ValidationError):
            wrong.save().action_save()


@tagged("post_install", "-at_install")
class TestPlanForm(CatalogCase):
    def plan_form(self):
        action = self.env["ir.actions.actions"]._for_xml_id("fusion_billing.plan_action")
        context = ast.literal_eval(action["context"])
        plans = self.env["product.template"].with_user(self.person).with_context(**context)
        return Form(plans, view="fusion_billing.plan_form")

    def filled(self, **values):
        form = self.plan_form()
        given = {"name": "Gold", "default_code": "fusion_gold", "fusion_amount": "49.90",
                 "fusion_currency_id": self.env.company.currency_id, "fusion_trial_days": "14"}  # fmt: skip
        for name, value in {**given, **values}.items():
            form[name] = value
        return form

    def test_a_plan_made_in_odoo_alone_is_offered_subscribed_and_billed(self):
        plan = self.filled(fusion_trial_days="").save()
        charge = self.new_charge(plan)
        charge.metric_id, charge.amount = self.metric, "0.10"
        charge.save().action_save()
        gateway = self.env["fusion.billing.gateway"]
        shown = gateway.find_plan(self.service, {}, "fusion_gold")["plan"]
        self.assertEqual((shown["amount_cents"], shown["interval"]), (4990, "monthly"))
        self.assertEqual(shown["charges"][0]["properties"], {"amount": "0.10"})
        given = {"external_customer_id": "p-1", "external_id": "p-1", "plan_code": "fusion_gold",
                 "billing_time": "anniversary"}  # fmt: skip
        gateway.create_subscription(self.service, {"subscription": given})
        order = gateway._orders(self.service, "p-1")
        start = order.fusion_started_at
        self.use("p-1", [start + timedelta(days=1)] * 3)
        moves = order.with_context(fusion_at=start + timedelta(days=32))._create_invoices()
        self.assertAlmostEqual(moves[0].amount_untaxed, 50.20)
        self.assertEqual(plan.list_price, 49.90)

    def test_what_lago_refuses_is_refused(self):
        self.filled(default_code="fusion_taken").save()
        for values in (
            {"fusion_amount": "-1"},
            {"fusion_amount": "many"},
            {"fusion_trial_days": "-3"},
            {"fusion_trial_days": "99999"},
            {"fusion_commitment": "-5"},
            {"default_code": "fusion_taken"},
        ):
            with self.subTest(values), self.assertRaises(ValidationError):
                self.filled(**values).save()

    def test_what_was_moved_from_lago_is_not_judged(self):
        twin = self.plan.product_tmpl_id.copy(
            {"fusion_kind": "plan", "default_code": "starter", "fusion_interval": "monthly", "fusion_amount": "-1"}
        )
        self.assertEqual(twin.fusion_amount, "-1")


@tagged("post_install", "-at_install")
class TestMetricAndCouponForms(CatalogCase):
    def by_hand(self, model):
        return self.env[model].with_user(self.person).with_context(fusion_by_hand=True)

    def test_filters_of_a_metric_are_lines(self):
        filters = [{"key": "region", "values": ["eu", "u, s"]}, {"key": "a:b", "values": ['"x"']}]
        self.metric.filters = json.dumps(filters)
        self.assertIn('region: eu, "u, s"', self.metric.filter_text)
        self.metric.filter_text = self.metric.filter_text
        self.assertEqual(json.loads(self.metric.filters), filters)
        with Form(self.metric.with_user(self.person)) as form:
            form.filter_text = "cloud: aws, gcp\n"
        self.assertEqual(json.loads(self.metric.filters), [{"key": "cloud", "values": ["aws", "gcp"]}])
        for wrong in ("cloud", "cloud:", ": aws"):
            with self.subTest(wrong), self.assertRaises(ValidationError):
                self.metric.filter_text = wrong

    def test_a_metric_is_what_lago_would_take(self):
        good = {"name": "M", "code": "fusion_m", "aggregation": "sum_agg", "field_name": "gb"}
        self.assertTrue(self.by_hand("fusion.billing.metric").create(good))
        for wrong in (
            {"field_name": False},
            {"aggregation": "max_agg", "recurring": True},
            {"aggregation": "weighted_sum_agg"},
            {"filters": json.dumps([{"key": "a", "values": ["1"]}, {"key": "a", "values": ["2"]}])},
        ):
            with self.subTest(wrong), self.assertRaises(ValidationError):
                self.by_hand("fusion.billing.metric").create({**good, "code": "fusion_m2", **wrong})

    def test_a_coupon_is_limited_by_tags(self):
        coupon = self.by_hand("fusion.billing.coupon").create(
            {"name": "C", "code": "fusion_c", "coupon_type": "percentage", "percentage_rate": "10",
             "limited_plans": True, "plan_codes": '["gone"]'}
        )  # fmt: skip
        coupon.plan_ids = self.plan.product_tmpl_id
        coupon.metric_ids = self.metric
        self.assertEqual(json.loads(coupon.plan_codes), ["gone", "starter"])
        self.assertEqual(json.loads(coupon.metric_codes), ["fusion_test_calls"])
        coupon.invalidate_recordset()
        self.assertEqual(coupon.plan_ids, self.plan.product_tmpl_id)
        coupon.plan_ids = False
        self.assertEqual(json.loads(coupon.plan_codes), ["gone"])

    def test_a_coupon_is_what_lago_would_take(self):
        good = {"name": "C", "code": "fusion_c", "coupon_type": "percentage", "percentage_rate": "10"}
        self.assertTrue(self.by_hand("fusion.billing.coupon").create(good))
        for wrong in (
            {"percentage_rate": "0"},
            {"coupon_type": "fixed_amount", "amount": "5"},
            {"frequency": "recurring"},
            {"limited_plans": True},
            {"limited_metrics": True, "metric_codes": "[]"},
        ):
            with self.subTest(wrong), self.assertRaises(ValidationError):
                self.by_hand("fusion.billing.coupon").create({**good, "code": "fusion_c2", **wrong})
