from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger
from psycopg2 import IntegrityError

from .common import FusionCase

OPERATIONS = ("read", "write", "create", "unlink")
# what a group may do; a model that is not named here is read by users and managers only
FORMS = ("charge.form", "charge.form.filter", "charge.form.tier", "charge.form.value")
NO_FORMS = {f"fusion.billing.{name}": "" for name in FORMS}
PAGES = ("health", "health.job", "onboarding", "onboarding.step")
OWN_PAGES = {f"fusion.billing.{name}": "rwc" for name in PAGES}
NO_PAGES = dict.fromkeys(OWN_PAGES, "")
RIGHTS = {
    "group_user": {
        "fusion.billing.key": "",
        "fusion.billing.issue.key": "",
        "fusion.billing.replay": "",
        **NO_FORMS,
        **OWN_PAGES,
    },
    "group_manager": {
        "fusion.billing.key": "rw",
        "fusion.billing.issue.key": "rwc",
        "fusion.billing.replay": "rwc",
        "fusion.billing.period": "r",
        **OWN_PAGES,
    },
    "group_integration": {
        "fusion.billing.account.link": "rwc",
        "fusion.billing.usage": "rwc",
        "fusion.billing.reconciliation": "rwcd",
        **NO_FORMS,
        **NO_PAGES,
        "fusion.billing.key": "",
        "fusion.billing.issue.key": "",
        "fusion.billing.replay": "",
    },
}
OTHERWISE = {"group_user": "r", "group_manager": "rwcd", "group_integration": "r"}
NOBODYS = {"fusion.billing.signing.key"}


@tagged("post_install", "-at_install")
class TestRights(FusionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        found = cls.env["ir.model"].sudo().search([("model", "=like", "fusion.billing.%")])
        cls.tables = sorted(m.model for m in found if not cls.env[m.model]._abstract)

    def may(self, user, model):
        """The rights as letters: read, write, create, delete."""
        table = self.env[model].with_user(user)
        return "".join(letter for letter, name in zip("rwcd", OPERATIONS, strict=True) if table.has_access(name))

    def test_every_group_may_what_it_is_for(self):
        for group, own in RIGHTS.items():
            user = new_test_user(self.env, f"r-{group}", groups=f"base.group_user,fusion_billing.{group}")
            for model in self.tables:
                expected = "" if model in NOBODYS else own.get(model, OTHERWISE[group])
                with self.subTest(group=group, model=model):
                    self.assertEqual(self.may(user, model), expected)

    def test_others_may_nothing(self):
        people = [
            new_test_user(self.env, "r-employee", groups="base.group_user"),
            new_test_user(self.env, "r-salesman", groups="sales_team.group_sale_manager"),
            new_test_user(self.env, "r-portal", groups="base.group_portal"),
            self.env.ref("base.public_user"),
        ]
        for user in people:
            self.assertEqual({model: self.may(user, model) for model in self.tables}, dict.fromkeys(self.tables, ""))

    def test_every_table_of_a_company_has_its_rule(self):
        kept = [m for m in self.tables if "company_id" in self.env[m]._fields and not self.env[m]._transient]
        rules = self.env["ir.rule"].search([("model_id.model", "in", kept), ("groups", "=", False)])
        self.assertEqual(sorted(rules.mapped("model_id.model")), kept)

    def one_of_each(self):
        partner = self.env["res.partner"].create({"name": "Of the first company"})
        link = self.env["fusion.billing.account.link"].create(
            {"service_id": self.service.id, "partner_id": partner.id, "external_id": "r-1"}
        )
        message = {"service_id": self.service.id, "webhook_type": "x", "object_type": "x", "payload": "{}"}
        coupon = {"name": "C", "code": "r-c", "coupon_type": "percentage", "percentage_rate": "5"}
        return {
            "fusion.billing.service": self.service,
            "fusion.billing.metric": self.metric,
            "fusion.billing.charge": self.charge,
            "fusion.billing.account.link": link,
            "fusion.billing.usage": self.use("r-1", ["2026-06-01 00:00:00"]),
            "fusion.billing.webhook": self.env["fusion.billing.webhook"].create({**message, "unique_key": "r"}),
            "fusion.billing.reconciliation": self.env["fusion.billing.reconciliation"].create({"period": "2026-07"}),
            "fusion.billing.tax": self.env["fusion.billing.tax"].create({"name": "T", "code": "r-t", "rate": "5"}),
            "fusion.billing.coupon": self.env["fusion.billing.coupon"].create(coupon),
        }

    def test_two_companies_do_not_see_each_other(self):
        other = self.env["res.company"].create({"name": "Second"})
        groups = "fusion_billing.group_manager"
        stranger = new_test_user(self.env, "r-2", groups=groups, company_id=other.id, company_ids=[(6, 0, other.ids)])
        both = new_test_user(
            self.env, "r-both", groups=groups, company_ids=[(6, 0, (self.env.company | other).ids)]
        )  # fmt: skip
        for model, record in self.one_of_each().items():
            with self.subTest(model=model):
                self.assertFalse(self.env[model].with_user(stranger).search([("id", "=", record.id)]))
                self.assertTrue(self.env[model].with_user(both).search([("id", "=", record.id)]))
                for act in (lambda r: r.read(["id"]), lambda r: r.write({}), lambda r: r.unlink()):
                    with self.assertRaises(AccessError):
                        act(record.with_user(stranger))
                        record.with_user(stranger).check_access("write")
                elsewhere = self.env[model].with_user(both).with_context(allowed_company_ids=other.ids)
                self.assertFalse(elsewhere.search([("id", "=", record.id)]))

    def test_records_of_two_companies_are_not_tied_together(self):
        other = self.env["res.company"].create({"name": "Second"})
        theirs = self.env["fusion.billing.service"].create({"name": "App", "code": "app", "company_id": other.id})
        metric = self.env["fusion.billing.metric"].create(
            {"name": "M", "code": "m", "aggregation": "count_agg", "company_id": other.id}
        )
        partner = self.env["res.partner"].create({"name": "P", "company_id": other.id})
        with self.assertRaises(UserError):
            self.charge.metric_id = metric
        with self.assertRaises(UserError):
            self.subscription("r-cross").fusion_service_id = theirs
        for values in ({"service_id": theirs.id}, {"partner_id": partner.id}):
            own = {"service_id": self.service.id, "partner_id": self.env.user.partner_id.id, "external_id": "r-x"}
            with self.assertRaises(UserError):
                self.env["fusion.billing.account.link"].create({**own, **values})

    def test_a_charge_needs_an_owner_and_a_metric(self):
        values = {"name": "C", "charge_model": "standard"}
        owned = {**values, "plan_id": self.plan.product_tmpl_id.id}
        for wrong in ({**values, "metric_id": self.metric.id}, owned, {**owned, "kind": "usage"}):
            with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.cr.savepoint():
                self.env["fusion.billing.charge"].create(wrong)
        self.assertTrue(self.env["fusion.billing.charge"].create({**owned, "kind": "fixed", "units": "1"}))

    def test_a_service_that_bills_cannot_be_deleted(self):
        self.subscription("r-bound")
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.cr.savepoint():
            self.service.unlink()
            self.env.flush_all()

    def test_a_time_zone_that_is_none_is_refused(self):
        values = {"service_id": self.service.id, "partner_id": self.env.user.partner_id.id, "external_id": "r-tz"}
        for name in ("Mars/Olympus", "../etc/passwd", "EST5EDT4"):
            with self.assertRaises(ValidationError):
                self.env["fusion.billing.account.link"].create({**values, "timezone": name})
            with self.assertRaises(ValidationError):
                self.subscription(f"r-{name}", fusion_timezone=name)
        self.assertTrue(self.env["fusion.billing.account.link"].create({**values, "timezone": "America/Toronto"}))


@tagged("post_install", "-at_install")
class TestVerdicts(FusionCase):
    def verdicts(self, order, *opened):
        values = {"period": "2026-07", "order_id": order.id, "partner_id": order.partner_id.id}
        return self.env["fusion.billing.reconciliation"].create([{**values, "is_open": state} for state in opened])

    def test_orders_and_customers_count_theirs(self):
        first, second = self.subscription("v-1"), self.subscription("v-2")
        gone = self.verdicts(first, True, False, True)[2]
        gone.active = False
        orders = first | second
        self.assertEqual([(o.fusion_verdict_open_count, o.fusion_verdict_count) for o in orders], [(1, 2), (0, 0)])
        partner = first.partner_id
        self.assertEqual((partner.fusion_verdict_open_count, partner.fusion_verdict_count), (1, 2))
        action = first.action_fusion_verdicts()
        self.assertEqual(self.env[action["res_model"]].search_count(action["domain"]), 2)

    def test_a_period_is_a_month(self):
        for period in ("2026", "2026-13", "July", "2026-07-01"):
            with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.cr.savepoint():
                self.env["fusion.billing.reconciliation"].create({"period": period})

    def test_who_may_not_meter_opens_orders_and_customers_all_the_same(self):
        order = self.subscription("v-3")
        self.verdicts(order, True)
        salesman = new_test_user(
            self.env, "v-salesman", groups="sales_team.group_sale_salesman_all_leads,base.group_partner_manager"
        )
        for record in (order, order.partner_id):
            with Form(record.with_user(salesman)) as form:
                shown = [name for name in form._view["fields"] if name.startswith("fusion_")]
                self.assertEqual(shown, [])
        user = new_test_user(
            self.env, "v-user", groups="sales_team.group_sale_salesman_all_leads,fusion_billing.group_user"
        )
        self.assertIn("fusion_verdict_count", Form(order.with_user(user))._view["fields"])


@tagged("post_install", "-at_install")
class TestShownOnce(FusionCase):
    def test_the_window_shows_the_key_and_keeps_nothing(self):
        manager = new_test_user(self.env, "k-manager", groups="fusion_billing.group_manager")
        wizard = self.env["fusion.billing.issue.key"].with_user(manager).create({"service_id": self.service.id})
        action = wizard.action_issue()
        window = self.env[action["res_model"]].with_user(manager).with_context(**action["context"])
        key = action["context"]["default_key"]
        self.assertEqual(window.default_get(["key"]), {"key": key})
        self.assertEqual(self.env["fusion.billing.key"]._service_of(key), self.service)
        self.env.cr.execute("SELECT to_regclass('fusion_billing_show_key')")
        self.assertEqual(self.env.cr.fetchone(), (None,), "there is no table it could stay in")
        wizard.flush_recordset()
        self.env.cr.execute("SELECT * FROM fusion_billing_issue_key")
        self.assertNotIn(key, str(self.env.cr.fetchall()))

    def test_an_overlap_does_not_reach_into_the_past(self):
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), self.cr.savepoint():
            self.env["fusion.billing.issue.key"].create({"service_id": self.service.id, "overlap_hours": -1})

    def test_a_shorter_overlap_ends_the_older_keys_earlier_and_a_longer_one_does_not_revive_them(self):
        def ends():
            return self.service.key_ids.sorted("id").mapped("expires_at")

        for hours in (24, 2, 48):
            self.env["fusion.billing.issue.key"].create(
                {"service_id": self.service.id, "overlap_hours": hours}
            ).action_issue()
        first, second, third = ends()
        soon = fields.Datetime.now() + timedelta(hours=2)
        self.assertAlmostEqual(first, soon, delta=timedelta(minutes=1))
        self.assertGreater(second, soon)
        self.assertFalse(third)
