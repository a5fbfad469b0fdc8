import json

from freezegun import freeze_time
from odoo.tests import tagged

from .common import FusionCase

TIERS = [
    {"from_value": 0, "to_value": 10, "per_unit_amount": "1", "flat_amount": "0"},
    {"from_value": 11, "to_value": None, "per_unit_amount": "0.5", "flat_amount": "2"},
]
METRIC = {"name": "Bytes", "code": "w_bytes", "aggregation_type": "sum_agg", "field_name": "bytes",
          "filters": [{"key": "region", "values": ["eu", "us"]}]}  # fmt: skip


class WritingCase(FusionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway = cls.env["fusion.billing.gateway"]
        cls.other = cls.env["fusion.billing.service"].create({"name": "Other", "code": "fusion_test_other"})
        cls.currency = cls.env.company.currency_id.name

    def make(self, kind, given):
        return getattr(self.gateway, f"create_{kind}")(self.service, {ROOT.get(kind, kind): given})[
            ROOT.get(kind, kind)
        ]

    def wrong(self, call, root, given, *more):
        return self.refused(422, call, self.service, {root: given}, *more)["error_details"]

    def plan_given(self, **more):
        charge = {"billable_metric_code": "w_bytes", "charge_model": "graduated",
                  "properties": {"graduated_ranges": TIERS}}  # fmt: skip
        return {
            "name": "Written", "code": "w_plan", "interval": "monthly", "amount_cents": 2050,
            "amount_currency": self.currency, "pay_in_advance": False, "charges": [charge], **more,
        }  # fmt: skip


ROOT = {"metric": "billable_metric"}


@tagged("post_install", "-at_install")
class TestCatalogueIsWritten(WritingCase):
    def test_a_metric(self):
        made = self.make("metric", METRIC)
        self.assertEqual({name: made[name] for name in METRIC}, METRIC)
        changed = self.gateway.update_metric(self.service, {"billable_metric": {"name": "Octets"}}, "w_bytes")
        self.assertEqual((changed["billable_metric"]["name"], changed["billable_metric"]["lago_id"]),
                         ("Octets", made["lago_id"]))  # fmt: skip
        self.gateway.destroy_metric(self.service, {}, "w_bytes")
        self.assertEqual(self.refused(404, self.gateway.find_metric, self.service, {}, "w_bytes")["code"],
                         "billable_metric_not_found")  # fmt: skip

    def test_a_metric_that_lago_refuses(self):
        create = self.gateway.create_metric
        for given, errors in (
            ({"name": "x"}, {"code": ["value_is_mandatory"], "aggregation_type": ["value_is_mandatory"]}),
            ({**METRIC, "aggregation_type": "median_agg"}, {"aggregation_type": ["value_is_invalid"]}),
            ({**METRIC, "field_name": ""}, {"field_name": ["value_is_mandatory"]}),
            ({**METRIC, "aggregation_type": "max_agg", "recurring": True},
             {"recurring": ["not_compatible_with_aggregation_type"]}),
            ({**METRIC, "filters": [{"key": "a", "values": []}]}, {"filters": ["value_is_invalid"]}),
            ({**METRIC, "expression": "event.x * 2"}, {"expression": ["not_supported_by_odoo"]}),
            ({**METRIC, "code": "fusion_test_calls"}, {"code": ["value_already_exist"]}),
        ):  # fmt: skip
            self.assertEqual(self.wrong(create, "billable_metric", given), errors)

    def test_a_metric_in_use_keeps_what_amounts_hang_on(self):
        self.subscription("s-1")
        changed = self.gateway.update_metric(
            self.service, {"billable_metric": {"name": "N", "aggregation_type": "sum_agg", "field_name": "x"}},
            "fusion_test_calls",
        )  # fmt: skip
        shown = changed["billable_metric"]
        self.assertEqual((shown["name"], shown["aggregation_type"]), ("N", "count_agg"))
        answer = self.refused(405, self.gateway.destroy_metric, self.service, {}, "fusion_test_calls")
        self.assertEqual(answer["code"], "in_use")

    def test_a_tax_finds_the_native_one_of_its_rate(self):
        tax = self.env["account.tax"].create({"name": "Odd", "amount": 7.77, "type_tax_use": "sale"})
        made = self.make("tax", {"name": "Odd", "code": "odd", "rate": "7.77"})
        self.assertEqual((made["rate"], self.gateway._native_taxes(["odd"])), (7.77, tax))
        self.gateway.update_tax(self.service, {"tax": {"rate": 1.234}}, "odd")
        self.assertEqual(self.refused(422, self.gateway._native_taxes, ["odd"])["error_details"],
                         {"tax_codes": ["no_native_tax"]})  # fmt: skip
        wrong = self.wrong(self.gateway.create_tax, "tax", {"name": "x", "code": "odd2", "rate": "high"})
        self.assertEqual(wrong, {"rate": ["value_is_invalid"]})
        self.gateway.upsert_customer(self.other, {"customer": {"external_id": "theirs"}})
        link = self.gateway._links(self.other, "theirs")
        link.details = json.dumps({"tax_codes": ["odd"]})
        answer = self.refused(405, self.gateway.destroy_tax, self.service, {}, "odd")
        self.assertEqual(answer["code"], "catalogue_used_by_another_service")
        link.details = False
        self.gateway.destroy_tax(self.service, {}, "odd")
        self.refused(404, self.gateway.find_tax, self.service, {}, "odd")

    def test_an_add_on(self):
        given = {"name": "Setup", "code": "w_setup", "amount_cents": 12345, "amount_currency": self.currency}
        made = self.make("add_on", given)
        self.assertEqual({name: made[name] for name in given}, given)
        product = self.gateway._offered(self.service, "add_on", "w_setup")
        self.assertEqual(product.list_price, 123.45)
        changed = self.gateway.update_add_on(self.service, {"add_on": {"amount_cents": 5}}, "w_setup")["add_on"]
        self.assertEqual((changed["amount_cents"], changed["name"]), (5, "Setup"))
        wrong = self.wrong(self.gateway.create_add_on, "add_on", {**given, "amount_cents": -1})
        self.assertEqual(wrong, {"amount_cents": ["value_is_invalid"]})
        self.assertEqual(self.wrong(self.gateway.create_add_on, "add_on", given), {"code": ["value_already_exist"]})
        unknown = {**given, "code": "w_2", "amount_currency": "XXQ"}
        self.assertEqual(self.wrong(self.gateway.create_add_on, "add_on", unknown),
                         {"amount_currency": ["value_is_invalid"]})  # fmt: skip
        self.gateway.destroy_add_on(self.service, {}, "w_setup")
        self.refused(404, self.gateway.find_add_on, self.service, {}, "w_setup")

    def test_a_coupon(self):
        given = {"name": "Five", "code": "w_five", "coupon_type": "fixed_amount", "amount_cents": 500,
                 "amount_currency": self.currency, "frequency": "recurring", "frequency_duration": 3,
                 "expiration": "time_limit", "expiration_at": "2099-01-01T00:00:00Z", "reusable": False}  # fmt: skip
        made = self.make("coupon", {**given, "applies_to": {"plan_codes": ["starter"]}})
        self.assertEqual({name: made[name] for name in given}, given)
        self.assertEqual((made["limited_plans"], made["plan_codes"]), (True, ["starter"]))
        missing = self.refused(
            404, self.gateway.create_coupon, self.service,
            {"coupon": {**given, "code": "w_6", "applies_to": {"plan_codes": ["nothing"]}}},
        )  # fmt: skip
        self.assertEqual(missing["code"], "plan_not_found")
        wrong = self.wrong(self.gateway.create_coupon, "coupon", {**given, "amount_cents": 0, "frequency": "never"})
        self.assertEqual(wrong, {"amount_cents": ["value_is_out_of_range"], "frequency": ["value_is_invalid"]})
        self.gateway.upsert_customer(self.service, {"customer": {"external_id": "c-1", "currency": self.currency}})
        held = {"applied_coupon": {"external_customer_id": "c-1", "coupon_code": "w_five"}}
        self.gateway.apply_coupon(self.service, held)
        changed = self.gateway.update_coupon(self.service, {"coupon": {"name": "V", "amount_cents": 9}}, "w_five")
        self.assertEqual((changed["coupon"]["name"], changed["coupon"]["amount_cents"]), ("V", 500))
        answer = self.refused(405, self.gateway.destroy_coupon, self.other, {}, "w_five")
        self.assertEqual(answer["code"], "catalogue_used_by_another_service")
        self.gateway.destroy_coupon(self.service, {}, "w_five")
        (left,) = self.gateway.list_applied_coupons(self.service, {})["applied_coupons"]
        self.assertEqual(left["status"], "terminated")


@tagged("post_install", "-at_install")
class TestPlansAreWritten(WritingCase):
    def setUp(self):
        super().setUp()
        self.make("metric", METRIC)
        self.make("add_on", {"name": "Seat", "code": "w_seat", "amount_cents": 100, "amount_currency": self.currency})

    @freeze_time("2026-07-11 10:00:00")
    def test_a_plan_is_sold_and_rated_as_it_was_written(self):
        fixed = {"add_on_code": "w_seat", "charge_model": "standard", "properties": {"amount": "4"}, "units": "2.5"}
        filters = [{"values": {"region": ["eu"]}, "properties": {"graduated_ranges": [{**TIERS[1], "from_value": 0}]},
                    "invoice_display_name": "Europe"}]  # fmt: skip
        given = self.plan_given(fixed_charges=[fixed], trial_period=3.5, minimum_commitment={"amount_cents": 9000})
        given["charges"][0] |= {"filters": filters, "min_amount_cents": 700}
        made = self.make("plan", given)
        (charge,), (seats,) = made["charges"], made["fixed_charges"]
        self.assertEqual((made["amount_cents"], made["trial_period"]), (2050, 3.5))
        self.assertEqual(made["minimum_commitment"]["amount_cents"], 9000)
        self.assertEqual((charge["billable_metric_code"], charge["min_amount_cents"]), ("w_bytes", 700))
        self.assertEqual(charge["properties"], {"graduated_ranges": TIERS})
        self.assertEqual((charge["filters"][0]["values"], seats["units"]), ({"region": ["eu"]}, "2.5"))
        self.gateway.update_plan(self.service, {"plan": {"trial_period": 0, "minimum_commitment": None}}, "w_plan")
        sub = {"external_customer_id": "c-1", "external_id": "s-1", "plan_code": "w_plan"}
        self.gateway.create_subscription(self.service, {"subscription": sub})
        event = {"external_subscription_id": "s-1", "code": "w_bytes", "timestamp": 1783764000}
        for name, region in (("e1", "us"), ("e2", "eu")):
            own = {"transaction_id": name, "properties": {"bytes": 12, "region": region}}
            self.gateway.create_event(self.service, {"event": {**event, **own}})
        query = {"external_subscription_id": "s-1"}
        usage = self.gateway.current_usage(self.service, query, external_id="c-1")["customer_usage"]
        self.assertEqual(usage["charges_usage"][0]["charge"]["lago_id"], charge["lago_id"])
        self.assertEqual(usage["amount_cents"], 1000 + 200 + 100 + 200 + 600)  # us: tiers; eu: one tier
        lifetime = self.gateway.lifetime_usage(self.service, {}, "s-1")["lifetime_usage"]
        self.assertEqual(lifetime["current_usage_amount_cents"], usage["amount_cents"])

    def test_prices_are_held_against_their_model(self):
        create = self.gateway.create_plan
        for charge, errors in (
            ({"charge_model": "graduated", "properties": {"graduated_ranges": TIERS[1:]}},
             {"charges.0.properties.graduated_ranges": ["invalid_graduated_ranges"]}),
            ({"charge_model": "standard", "properties": {"amount": "abc"}},
             {"charges.0.properties.amount": ["invalid_amount"]}),
            ({"charge_model": "nothing", "properties": {}}, {"charges.0.charge_model": ["value_is_invalid"]}),
            ({"charge_model": "volume", "properties": {"volume_ranges": TIERS}, "pay_in_advance": True},
             {"charges.0.pay_in_advance": ["invalid_aggregation_type_or_charge_model"]}),
            ({"charge_model": "standard", "properties": {"amount": "1"}, "prorated": True},
             {"charges.0.prorated": ["invalid_billable_metric_or_charge_model"]}),
            ({"charge_model": "standard", "properties": {"amount": "1"},
              "filters": [{"values": {"region": ["moon"]}, "properties": {"amount": "1"}}]},
             {"charges.0.filters.0.values": ["value_is_invalid"]}),
        ):  # fmt: skip
            given = self.plan_given(charges=[{"billable_metric_code": "w_bytes", **charge}])
            self.assertEqual(self.wrong(create, "plan", given), errors)
        found = self.env["product.template"].search_count([("default_code", "=", "w_plan")])
        self.assertEqual(found, 0, "nothing is left of what was refused")
        for changed, errors in (
            ({"amount_currency": "XXQ"}, {"amount_currency": ["value_is_invalid"]}),
            ({"interval": "daily"}, {"interval": ["value_is_invalid"]}),
            ({"code": "starter"}, {"code": ["value_already_exist"]}),
            ({"usage_thresholds": [{"amount_cents": 5}]}, {"usage_thresholds": ["not_supported_by_odoo"]}),
        ):
            self.assertEqual(self.wrong(create, "plan", self.plan_given(**changed)), errors)
        unknown = self.plan_given(charges=[{"billable_metric_code": "nothing", "charge_model": "standard"}])
        answer = self.refused(404, create, self.service, {"plan": unknown})
        self.assertEqual(answer["code"], "billable_metric_not_found")

    def test_an_update_keeps_the_ids_of_charges_and_drops_what_is_not_sent(self):
        (first,) = self.make("plan", self.plan_given())["charges"]
        second = {"billable_metric_id": first["lago_billable_metric_id"], "code": "again", "charge_model": "standard",
                  "properties": {"amount": "2"}}  # fmt: skip
        changed = {"id": first["lago_id"], "charge_model": "standard", "properties": {"amount": "3"},
                   "billable_metric_code": "w_bytes"}  # fmt: skip
        after = self.gateway.update_plan(self.service, {"plan": {"charges": [changed, second]}}, "w_plan")["plan"]
        self.assertEqual([one["properties"] for one in after["charges"]], [{"amount": "3"}, {"amount": "2"}])
        self.assertEqual(after["charges"][0]["lago_id"], first["lago_id"])
        after = self.gateway.update_plan(self.service, {"plan": {"charges": [after["charges"][1] | {
            "id": after["charges"][1]["lago_id"]}]}}, "w_plan")["plan"]  # fmt: skip
        self.assertEqual([one["code"] for one in after["charges"]], ["again"])
        listed = self.gateway.list_plan_charges(self.service, {}, "w_plan")
        self.assertEqual((listed["charges"], listed["meta"]["total_count"]), (after["charges"], 1))
        one = {"charge": {"properties": {"amount": "7"}}}
        shown = self.gateway.update_plan_charge(self.service, one, "w_plan", "again")["charge"]
        self.assertEqual((shown["properties"], shown["lago_id"]), ({"amount": "7"}, after["charges"][0]["lago_id"]))
        self.gateway.destroy_plan_charge(self.service, {}, "w_plan", "again")
        self.assertEqual(self.gateway.find_plan(self.service, {}, "w_plan")["plan"]["charges"], [])

    def test_what_others_have_is_not_changed(self):
        self.make("plan", self.plan_given())
        given = {"external_customer_id": "c-1", "external_id": "s-1", "plan_code": "w_plan"}
        self.gateway.create_subscription(self.other, {"subscription": given})
        one = {"charge": {"properties": {"amount": "7"}}}
        code = self.gateway.find_plan(self.service, {}, "w_plan")["plan"]["charges"][0]["code"]
        calls = (
            (self.gateway.update_plan, {"plan": {"name": "x"}}, "w_plan"),
            (self.gateway.destroy_plan, {}, "w_plan"),
            (self.gateway.update_plan_charge, one, "w_plan", code),
            (self.gateway.update_metric, {"billable_metric": {"name": "x"}}, "w_bytes"),
        )
        for call, *given in calls:
            answer = self.refused(405, call, self.service, *given)
            self.assertEqual(answer["code"], "catalogue_used_by_another_service")
        changed = {"plan": {"name": "Theirs", "amount_cents": 1}}
        wrong = self.refused(422, self.gateway.update_plan, self.other, changed, "w_plan")["error_details"]
        self.assertEqual(wrong, {"amount_cents": ["not_supported_while_subscribed"]})
        self.assertEqual(self.refused(405, self.gateway.destroy_plan, self.other, {}, "w_plan")["code"], "in_use")
        self.gateway.terminate_subscription(self.other, {}, "s-1")
        self.gateway.destroy_plan(self.other, {}, "w_plan")
        self.refused(404, self.gateway.find_plan, self.service, {}, "w_plan")
