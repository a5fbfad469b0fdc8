"""Pages that look at everything: what is set up yet, what runs, what waits."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL
from odoo.tools.mail import plaintext2html

JOBS = ("cron_deliver", "cron_overdue", "cron_lifecycle", "cron_check_events", "cron_invoice", "cron_watch")
SPAN = {"minutes": "minutes", "hours": "hours", "days": "days", "weeks": "weeks"}
LATE_RUNS = 3  # so many intervals without a run are trouble
TROUBLE = ("activity_unacknowledged", "activity_not_invoiced", "activity_known_customer", "activity_health")
LEFT_DAYS = 3  # usage may wait so long after the month that it is billed in


class Page(models.AbstractModel):
    _name = "fusion.billing.page"
    _description = "Page about the metering of a company"

    company_id = fields.Many2one("res.company", readonly=True, default=lambda self: self.env.company)

    @api.depends("company_id")
    def _compute_display_name(self):
        for page in self:
            page.display_name = page._page_name()

    @api.model
    def action_open(self):
        """The page as it is now."""
        return {
            "type": "ir.actions.act_window",
            "name": self._page_name(),
            "res_model": self._name,
            "res_id": self.create(self._page_values()).id,
            "view_mode": "form",
            "target": "current",
            "context": {"create": False, "edit": False},
        }

    def _count(self, model, *domain):
        return self.env[model].sudo().search_count([("company_id", "=", self.env.company.id), *domain])


class Health(models.TransientModel):
    _name = "fusion.billing.health"
    _inherit = "fusion.billing.page"
    _description = "Health of the metering"
    _rec_name = "company_id"

    job_ids = fields.One2many("fusion.billing.health.job", "page_id", "Scheduled actions", readonly=True)
    events_hour = fields.Integer("Events in the last hour", readonly=True)
    events_day = fields.Integer("Events in the last 24 hours", readonly=True)
    last_event_at = fields.Datetime("Last event", readonly=True)
    oldest_unbilled_at = fields.Datetime(
        "Oldest usage not billed", readonly=True, help="Of subscriptions that run or whose last invoice is not made"
    )
    unbilled_events = fields.Integer("Events not billed", readonly=True)
    late_events = fields.Integer("Events that came too late", readonly=True)
    webhooks_waiting = fields.Integer("Webhooks that wait", readonly=True)
    webhooks_oldest_at = fields.Datetime("Waiting since", readonly=True)
    webhooks_parked = fields.Integer("Webhooks parked", readonly=True)
    activities = fields.Integer("Told to people and not done", readonly=True)
    undecided = fields.Integer("Customers perhaps known already", readonly=True)
    without_account = fields.Integer("Subscriptions of nobody", readonly=True, help="No account: no service finds them")
    trouble = fields.Text("Needs a look", readonly=True)

    def _page_name(self):
        return self.env._("Health")

    @api.model
    def _page_values(self):
        now, company = fields.Datetime.now(), self.env.company
        jobs = [self._job(now, name) for name in JOBS]
        waiting = self.env["fusion.billing.webhook"].sudo().search(
            [("company_id", "=", company.id), ("state", "=", "pending")], order="id", limit=1
        )  # fmt: skip
        values = {
            "job_ids": [fields.Command.create(job) for job in jobs],
            "webhooks_waiting": self._count("fusion.billing.webhook", ("state", "=", "pending")),
            "webhooks_oldest_at": waiting.create_date,
            "webhooks_parked": self._count("fusion.billing.webhook", ("state", "=", "failed")),
            "activities": self.env["mail.activity"].sudo().search_count(self._told()),
            "undecided": self._count("fusion.billing.account.link", ("candidate_ids", "!=", False)),
            "without_account": self._count("sale.order", *self._of_nobody()),
            **self._events(now),
        }
        return {**values, "trouble": "\n".join(self._troubles(values, jobs, now)) or False}

    @staticmethod
    def _of_nobody():
        return [("fusion_service_id", "!=", False), ("fusion_account_id", "=", False), ("state", "!=", "cancel")]

    @api.model
    def _told(self):
        kinds = [self.env.ref(f"fusion_billing.{name}").id for name in TROUBLE]
        return [("activity_type_id", "in", kinds)]

    @api.model
    def _job(self, now, name):
        cron = self.env.ref(f"fusion_billing.{name}").sudo()
        every = timedelta(**{SPAN.get(cron.interval_type, "days"): cron.interval_number})
        silent = cron.active and cron.nextcall + LATE_RUNS * every < now
        state = "off" if not cron.active else "failing" if cron.failure_count else "late" if silent else "good"
        return {"name": cron.name, "state": state, "last_at": cron.lastcall, "next_at": cron.nextcall}

    @api.model
    def _events(self, now):
        """Events by the moment they came; what is billed of them ends with the last billed period of their order."""
        self.env["fusion.billing.usage"].flush_model()
        self.env["fusion.billing.period"].flush_model()
        self.env["sale.order"].flush_model()
        self.env.cr.execute(
            SQL(
                """SELECT count(*) FILTER (WHERE received_at > %(hour)s), count(*), max(received_at)
                     FROM fusion_billing_usage WHERE company_id = %(company)s AND received_at > %(day)s""",
                hour=now - timedelta(hours=1),
                day=now - timedelta(days=1),
                company=self.env.company.id,
            )
        )
        hour, day, last = self.env.cr.fetchone()
        self.env.cr.execute(
            SQL(
                """SELECT min(u.timestamp), count(u.id)
                     FROM (SELECT o.fusion_external_id, o.fusion_service_id, max(o.fusion_started_at) AS since,
                                  greatest(max(o.fusion_billed_until), max(p.usage_to)) AS billed
                             FROM sale_order o LEFT JOIN fusion_billing_period p ON p.order_id = o.id AND p.active
                            WHERE o.company_id = %(company)s AND o.state = 'sale' AND o.fusion_started_at IS NOT NULL
                         GROUP BY o.fusion_external_id, o.fusion_service_id) s
                     JOIN fusion_billing_usage u ON u.company_id = %(company)s
                          AND u.external_subscription_id = s.fusion_external_id
                          AND (u.service_id IS NULL OR s.fusion_service_id IS NULL
                               OR u.service_id = s.fusion_service_id)
                          AND u.timestamp > coalesce(s.billed, s.since) AND u.late IS NOT TRUE""",
                company=self.env.company.id,
            )
        )
        oldest, unbilled = self.env.cr.fetchone()
        return {
            "events_hour": hour,
            "events_day": day,
            "last_event_at": last or False,
            "oldest_unbilled_at": oldest or False,
            "unbilled_events": unbilled,
            "late_events": self._count("fusion.billing.usage", ("late", "=", True)),
        }

    @api.model
    def _troubles(self, values, jobs, now):
        """What a person must look at, a sentence each."""
        env = self.env
        for job in jobs:
            if job["state"] == "failing":
                yield env._("%s: its last run failed.", job["name"])
            if job["state"] == "late":
                yield env._("%s: it should have run long ago.", job["name"])
        if values["webhooks_parked"]:
            yield env._("Webhooks that nobody acknowledged: %s.", values["webhooks_parked"])
        if values["without_account"]:
            yield env._(
                "Subscriptions that no service finds, as nobody said whose they are: %s.", values["without_account"]
            )
        oldest = values["oldest_unbilled_at"]
        if oldest and oldest < now - timedelta(days=366 + LEFT_DAYS):
            yield env._("Usage of more than a year ago is not billed.")
        elif oldest and self._due_and_left(now):
            yield env._("Usage whose period is over is not billed since %s days.", LEFT_DAYS)

    @api.model
    def _due_and_left(self, now):
        """Whether something was due some days ago and nobody invoiced it."""
        then = now - timedelta(days=LEFT_DAYS)
        orders = self.env["sale.order"].sudo()
        running = orders.search(
            [("company_id", "=", self.env.company.id), ("fusion_external_id", "!=", False), ("state", "=", "sale"),
             ("fusion_started_at", "<", then)]
        )  # fmt: skip
        return bool(running._fusion_metered()._fusion_due(then))

    # alerts

    @api.model
    def _cron_watch(self):
        """What needs a look is told to a person, once, and taken back when it is well again."""
        for company in self.env["fusion.billing.service"].sudo().search([("company_id", "!=", False)]).company_id:
            self.with_company(company)._tell_or_close()

    def _tell_or_close(self):
        company = self.env.company
        trouble = self._page_values()["trouble"]
        kind = self.env.ref("fusion_billing.activity_health")
        owner = company.partner_id.sudo()
        told = owner.activity_ids.filtered(lambda activity: activity.activity_type_id == kind)
        if not trouble:
            told.action_feedback(feedback=self.env._("All is well again."))
        elif told:
            told[0].note = plaintext2html(trouble)
        else:
            owner.activity_schedule(
                "fusion_billing.activity_health",
                summary=self.env._("The metering needs a look"),
                note=plaintext2html(trouble),
                user_id=self.env["fusion.billing.service"]._escalation_user(company).id,
            )

    # buttons

    def action_activities(self):
        return self._window("mail.activity", self.env._("Told to people"), self._told())

    def action_webhooks(self):
        domain = [("state", "in", ("pending", "failed"))]
        return self._window("fusion.billing.webhook", self.env._("Webhooks"), domain)

    def action_undecided(self):
        domain = [("candidate_ids", "!=", False)]
        return self._window("fusion.billing.account.link", self.env._("Perhaps known already"), domain)

    def action_without_account(self):
        return self._window("sale.order", self.env._("Subscriptions of nobody"), self._of_nobody())

    def _window(self, model, name, domain):
        return {"type": "ir.actions.act_window", "name": name, "res_model": model, "view_mode": "list,form",
                "domain": domain}  # fmt: skip


class HealthJob(models.TransientModel):
    _name = "fusion.billing.health.job"
    _description = "Scheduled action on the health page"

    page_id = fields.Many2one("fusion.billing.health", required=True, ondelete="cascade")
    name = fields.Char("Scheduled action", readonly=True)
    state = fields.Selection(
        [("good", "Runs"), ("off", "Switched off"), ("late", "Late"), ("failing", "Fails")], readonly=True
    )
    last_at = fields.Datetime("Last run", readonly=True)
    next_at = fields.Datetime("Next run", readonly=True)


class Onboarding(models.TransientModel):
    _name = "fusion.billing.onboarding"
    _inherit = "fusion.billing.page"
    _description = "First steps of the metering"
    _rec_name = "company_id"

    step_ids = fields.One2many("fusion.billing.onboarding.step", "page_id", readonly=True)
    done_count = fields.Integer("Done", readonly=True)
    step_count = fields.Integer("Steps", readonly=True)

    def _page_name(self):
        return self.env._("First steps")

    @api.model
    def _page_values(self):
        steps = [
            {"sequence": number, "name": name, "text": text, "is_done": bool(done), "action": action}
            for number, (name, text, done, action) in enumerate(self._steps(), 1)
        ]
        return {
            "step_ids": [fields.Command.create(step) for step in steps],
            "done_count": sum(step["is_done"] for step in steps),
            "step_count": len(steps),
        }

    @api.model
    def _steps(self):
        """(name, what it is for, is it done, the action that does it)"""
        env, company = self.env, self.env.company
        plans = env["product.template"].sudo().search(
            [("fusion_kind", "=", "plan"), ("company_id", "in", (False, company.id))]
        )  # fmt: skip
        yield (env._("Create a service"), env._("An app that meters its customers here."),
               self._count("fusion.billing.service"), "service_action")  # fmt: skip
        yield (env._("Issue a key"), env._("The app calls the API with it. It is shown once."),
               self._count("fusion.billing.key", ("revoked_at", "=", False)), "service_action")  # fmt: skip
        yield (env._("Describe a metric"), env._("How the app's events become units."),
               self._count("fusion.billing.metric"), "metric_action")  # fmt: skip
        yield (env._("Make a price plan"), env._("A base fee, and charges for what is used."),
               plans.filtered("fusion_charge_ids"), "plan_action")  # fmt: skip
        yield (env._("Say who invoices"), env._("Odoo by itself, native subscriptions, or people."),
               company.fusion_invoicing_by, "settings_action")  # fmt: skip
        yield (env._("Say whom to tell"), env._("Of what nobody else can settle. Else: accounting."),
               company.fusion_escalation_user_id, "settings_action")  # fmt: skip
        yield (env._("Give the app's address"), env._("There it hears of invoices and payments."),
               self._count("fusion.billing.service", ("webhook_url", "!=", False)), "service_action")  # fmt: skip
        yield (env._("Receive an event"), env._("The app sends usage."),
               self._count("fusion.billing.usage"), "usage_action")  # fmt: skip
        yield (env._("Start a subscription"), env._("The app subscribes a customer to a plan."),
               self._count("sale.order", ("fusion_external_id", "!=", False), ("state", "=", "sale")),
               "account_link_action")  # fmt: skip
        yield (env._("Look at the first invoice"), env._("Its lines say how they were rated."),
               self._count("fusion.billing.period", ("move_id", "!=", False)), "invoice_action")  # fmt: skip


class OnboardingStep(models.TransientModel):
    _name = "fusion.billing.onboarding.step"
    _description = "First step"
    _order = "sequence"

    page_id = fields.Many2one("fusion.billing.onboarding", required=True, ondelete="cascade")
    sequence = fields.Integer()
    name = fields.Char("Step", readonly=True)
    text = fields.Char("What for", readonly=True)
    is_done = fields.Boolean("Done", readonly=True)
    action = fields.Char(readonly=True)

    def action_do(self):
        """Where this is done."""
        return self.env["ir.actions.actions"]._for_xml_id(f"fusion_billing.{self.action}")
