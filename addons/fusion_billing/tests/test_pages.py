from datetime import timedelta

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import Form, new_test_user, tagged

from ..models.service import is_person
from .common import FusionCase


@tagged("post_install", "-at_install")
class TestSettings(FusionCase):
    def settings(self, **values):
        form = Form(self.env["res.config.settings"])
        for name, value in values.items():
            form[name] = value
        form.save().execute()

    @property
    def cron(self):
        return self.env.ref("fusion_billing.cron_invoice")

    def test_odoo_invoices_when_the_company_says_so(self):
        self.assertFalse(self.cron.active)
        at = fields.Datetime.now().replace(microsecond=0) + timedelta(hours=5)
        self.settings(
            fusion_invoicing_by="odoo", fusion_invoice_every=6, fusion_invoice_unit="hours", fusion_invoice_next=at
        )
        self.assertEqual((self.cron.active, self.cron.interval_number, self.cron.nextcall), (True, 6, at))
        self.settings(fusion_invoicing_by="native")
        self.assertFalse(self.cron.active)

    def test_the_licence_and_the_minutes_are_read_where_they_count(self):
        self.assertTrue(self.env["sale.order"]._fusion_premium())
        self.settings(fusion_lago_premium=False, fusion_escalate_minutes=5)
        self.assertFalse(self.env["sale.order"]._fusion_premium())
        self.assertEqual(self.env["ir.config_parameter"].get_param("fusion_billing.escalate_minutes"), "5")
        self.settings(fusion_lago_premium=True)
        self.assertTrue(self.env["sale.order"]._fusion_premium())
        for wrong in ({"fusion_escalate_minutes": 0}, {"fusion_invoicing_by": "odoo", "fusion_invoice_every": 0}):
            with self.assertRaises(ValidationError):
                self.settings(**wrong)

    def test_new_customers_have_the_companys_days_of_grace(self):
        self.settings(fusion_grace_days=4)
        self.env["fusion.billing.gateway"].upsert_customer(self.service, {"customer": {"external_id": "g-1"}})
        self.assertEqual(self.env["fusion.billing.gateway"]._links(self.service, "g-1").grace_days, 4)

    def due(self, external_id, **account):
        partner = self.env["res.partner"].create({"name": external_id, "email": f"{external_id}@example.com"})
        self.env["fusion.billing.account.link"].create(
            {"service_id": self.service.id, "partner_id": partner.id, "external_id": external_id, **account}
        )
        return self.subscription(external_id, partner=partner, fusion_billed_until="2026-06-30 00:00:00")

    def run_cron(self):
        self.env["sale.order"].with_context(fusion_at="2026-07-01 01:00:00")._fusion_cron_invoice()

    def test_drafts_posted_or_left_as_the_company_says(self):
        for mode, state in (("draft", "draft"), ("post", "posted")):
            with self.subTest(mode):
                self.env.company.write({"fusion_invoicing_by": "odoo", "fusion_invoice_mode": mode})
                order = self.due(f"m-{mode}")
                self.run_cron()
                self.assertEqual(order.invoice_ids.mapped("state"), [state])

    def test_grace_keeps_a_draft_until_it_is_over(self):
        self.env.company.write({"fusion_invoicing_by": "odoo", "fusion_invoice_mode": "post"})
        order = self.due("m-grace", grace_days=3)
        self.run_cron()
        move = order.invoice_ids
        self.assertEqual((move.state, move.fusion_finish_on), ("draft", fields.Date.today() + timedelta(days=3)))
        move.fusion_finish_on = fields.Date.today()
        self.env["account.move"]._fusion_cron_finish()
        self.assertEqual((move.state, move.fusion_finish_on), ("posted", False))

    def test_a_draft_of_a_person_is_left_to_people(self):
        self.env.company.write({"fusion_invoicing_by": "odoo", "fusion_invoice_mode": "post"})
        order = self.due("m-hand")
        move = order.with_context(fusion_at="2026-07-01 01:00:00")._create_invoices()
        self.env["account.move"]._fusion_cron_finish()
        self.assertEqual(move.state, "draft")

    def test_sent_by_mail(self):
        self.env.company.write({"fusion_invoicing_by": "odoo", "fusion_invoice_mode": "send"})
        order = self.due("m-send")
        self.run_cron()
        self.assertEqual(order.invoice_ids.state, "posted")
        self.assertTrue(order.invoice_ids.is_move_sent)

    def test_what_cannot_be_posted_is_told_and_the_next_one_is(self):
        self.env.company.write({"fusion_invoicing_by": "odoo", "fusion_invoice_mode": "post"})
        bad, good = self.due("m-bad"), self.due("m-good")
        move = bad.with_context(fusion_at="2026-07-01 01:00:00")._create_invoices()
        move.line_ids.account_id.filtered(lambda account: account.account_type == "income").active = False
        move.fusion_finish_on = fields.Date.today()
        other = self.env["account.account"].search(
            [("account_type", "=", "income"), ("active", "=", True), ("company_ids", "in", self.env.company.ids)],
            limit=1,
        )
        made = good.with_context(fusion_at="2026-07-01 01:00:00")._create_invoices()
        made.invoice_line_ids.account_id = other
        made.fusion_finish_on = fields.Date.today()
        self.env["account.move"]._fusion_cron_finish()
        self.assertEqual((move.state, made.state), ("draft", "posted"))
        self.assertFalse(move.fusion_finish_on, "not tried again and again")
        self.assertTrue(is_person(bad.activity_ids.user_id))

    def test_another_company_is_not_invoiced_by_the_clock(self):
        self.env.company.fusion_invoicing_by = "native"
        order = self.due("m-native")
        self.run_cron()
        self.assertFalse(order.invoice_ids)


@tagged("post_install", "-at_install")
class TestWhomToTell(FusionCase):
    def user(self, login, groups="base.group_user"):
        return new_test_user(self.env, login, groups=groups)

    def test_the_service_the_company_then_accounting_and_never_a_robot(self):
        manager = self.user("w-manager", "account.group_account_manager")
        first = self.service._escalation_user()
        self.assertTrue(is_person(first))
        self.assertIn(first, self.env.ref("account.group_account_manager").all_user_ids)
        of_company, of_service = self.user("w-company"), self.user("w-service")
        self.env.company.fusion_escalation_user_id = of_company
        self.assertEqual(self.service._escalation_user(), of_company)
        self.assertEqual(self.env["fusion.billing.service"]._escalation_user(self.env.company), of_company)
        self.service.escalation_user_id = of_service
        self.assertEqual(self.service._escalation_user(), of_service)
        of_service.active = False
        self.assertEqual(self.service._escalation_user(), of_company, "who has left reads nothing")
        self.env.company.fusion_escalation_user_id = self.env.ref("base.user_root")
        self.assertTrue(is_person(self.service._escalation_user()))
        self.assertTrue(manager)


@tagged("post_install", "-at_install")
class TestHealth(FusionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user = new_test_user(cls.env, "h-user", groups="fusion_billing.group_user")

    def page(self):
        action = self.env["fusion.billing.health"].with_user(self.user).action_open()
        return self.env[action["res_model"]].with_user(self.user).browse(action["res_id"])

    def job(self, name):
        cron = self.env.ref(f"fusion_billing.{name}")
        return self.page().job_ids.filtered(lambda job: job.name == cron.name)

    def test_jobs_tell_whether_they_run(self):
        cron = self.env.ref("fusion_billing.cron_deliver")
        now = fields.Datetime.now()
        cron.nextcall = now + timedelta(minutes=1)
        self.assertEqual(self.job("cron_deliver").state, "good")
        cron.nextcall = now - timedelta(hours=2)
        self.assertEqual(self.job("cron_deliver").state, "late")
        self.assertIn(cron.name, self.page().trouble)
        cron.failure_count = 1
        self.assertEqual(self.job("cron_deliver").state, "failing")
        cron.active = False
        self.assertEqual(self.job("cron_deliver").state, "off")

    def test_events_and_the_oldest_that_is_not_billed(self):
        self.subscription("h-1", fusion_billed_until="2026-06-30 00:00:00")
        now = fields.Datetime.now()
        before = self.page()
        self.use("h-1", ["2026-06-05 00:00:00"])
        self.use("h-1", ["2026-07-02 00:00:00", "2026-07-03 00:00:00"], received_at=now - timedelta(hours=2))
        self.use("h-1", ["2026-07-04 00:00:00"], received_at=now - timedelta(minutes=1))
        page = self.page()
        self.assertEqual(page.events_hour - before.events_hour, 1)
        self.assertEqual(page.events_day - before.events_day, 3)
        self.assertEqual(page.unbilled_events - before.unbilled_events, 3)
        self.assertEqual(page.oldest_unbilled_at, fields.Datetime.to_datetime("2026-07-02 00:00:00"))

    def test_what_waits_is_counted(self):
        before = self.page()
        message = {"service_id": self.service.id, "webhook_type": "x", "object_type": "x", "payload": "{}"}
        outbox = self.env["fusion.billing.webhook"]
        outbox.create([{**message, "unique_key": "h-1"}, {**message, "unique_key": "h-2", "state": "failed"}])
        self.subscription("h-nobody")
        page = self.page()
        self.assertEqual(page.webhooks_waiting - before.webhooks_waiting, 1)
        self.assertEqual(page.webhooks_parked - before.webhooks_parked, 1)
        self.assertEqual(page.without_account - before.without_account, 1)
        for act in (page.action_activities, page.action_webhooks, page.action_undecided, page.action_without_account):
            action = act()
            self.env[action["res_model"]].search_count(action["domain"])

    def test_trouble_reaches_a_person_once_and_is_taken_back(self):
        cron = self.env.ref("fusion_billing.cron_deliver")
        health, kind = self.env["fusion.billing.health"], self.env.ref("fusion_billing.activity_health")

        def told():
            return self.env.company.partner_id.activity_ids.filtered(lambda a: a.activity_type_id == kind)

        for name in ("deliver", "overdue", "lifecycle", "check_events", "watch"):
            self.env.ref(f"fusion_billing.cron_{name}").write(
                {"nextcall": fields.Datetime.now() + timedelta(hours=1), "failure_count": 0}
            )
        health._cron_watch()
        self.assertFalse(told())
        cron.failure_count = 3
        for _twice in range(2):
            health._cron_watch()
        self.assertEqual(len(told()), 1)
        self.assertTrue(is_person(told().user_id))
        self.assertIn(cron.name, told().note)
        cron.failure_count = 0
        health._cron_watch()
        self.assertFalse(told())

    def test_what_is_due_and_left_is_trouble(self):
        order = self.subscription("h-due", fusion_billed_until="2026-06-30 00:00:00")
        self.use("h-due", ["2026-06-30 10:00:00"])
        partner = order.partner_id
        order.fusion_account_id = self.env["fusion.billing.account.link"].create(
            {"service_id": self.service.id, "partner_id": partner.id, "external_id": "h-due"}
        )
        self.assertIn("is not billed since", self.page().trouble)
        order._create_invoices()
        self.assertNotIn("is not billed since", self.page().trouble or "")


@tagged("post_install", "-at_install")
class TestFirstSteps(FusionCase):
    def test_steps_are_done_as_they_are_done(self):
        user = new_test_user(self.env, "f-user", groups="fusion_billing.group_manager")
        company = self.env["res.company"].create({"name": "New"})
        user.write({"company_ids": [(4, company.id)]})
        onboarding = self.env["fusion.billing.onboarding"].with_user(user).with_company(company)

        def done():
            action = onboarding.action_open()
            page = onboarding.browse(action["res_id"])
            self.assertEqual(page.step_count, len(page.step_ids))
            for step in page.step_ids:
                self.assertTrue(step.action_do()["type"])
            return {step.action: step.is_done for step in page.step_ids if step.action != "service_action"}, page

        first, page = done()
        self.assertFalse(any(done for action, done in first.items() if action != "plan_action"))
        count = page.done_count
        service = self.env["fusion.billing.service"].create({"name": "A", "code": "a", "company_id": company.id})
        self.assertEqual(done()[1].done_count, count + 1)
        self.env["fusion.billing.issue.key"].create({"service_id": service.id}).action_issue()
        company.fusion_invoicing_by = "people"
        self.assertEqual(done()[1].done_count, count + 3)
