"""What a company sets once: who invoices and how, whom to tell, which Lago it had."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .apart import tried

MODES = [("draft", "Leave drafts"), ("post", "Post"), ("send", "Post and send by e-mail")]
BY = [("odoo", "Odoo by itself"), ("native", "Native subscriptions"), ("people", "People, with the button")]
PREMIUM, MINUTES = "fusion_billing.lago_premium", "fusion_billing.escalate_minutes"


class ResCompany(models.Model):
    _inherit = "res.company"

    fusion_invoicing_by = fields.Selection(BY, "Who invoices")
    fusion_invoice_mode = fields.Selection(MODES, "Invoices of the scheduled action", required=True, default="draft")
    fusion_escalation_user_id = fields.Many2one("res.users", "Whom to tell", ondelete="set null")
    fusion_grace_days = fields.Integer("Days of grace")

    _fusion_grace_is_no_past = models.Constraint(
        "CHECK (fusion_grace_days BETWEEN 0 AND 3650)", "The grace period is between 0 and 3650 days."
    )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    fusion_invoicing_by = fields.Selection(related="company_id.fusion_invoicing_by", readonly=False)
    fusion_invoice_every = fields.Integer("Every")
    fusion_invoice_unit = fields.Selection([("hours", "hours"), ("days", "days")])
    fusion_invoice_next = fields.Datetime("Next time")
    fusion_invoice_mode = fields.Selection(related="company_id.fusion_invoice_mode", readonly=False)
    fusion_escalation_user_id = fields.Many2one(
        related="company_id.fusion_escalation_user_id", readonly=False, domain=[("share", "=", False)]
    )
    fusion_grace_days = fields.Integer(related="company_id.fusion_grace_days", readonly=False)
    fusion_escalate_minutes = fields.Integer("Minutes without acknowledgement")
    fusion_lago_premium = fields.Boolean("Lago ran with a licence")

    @api.model
    def _fusion_cron(self):
        return self.env.ref("fusion_billing.cron_invoice").sudo()

    @api.model
    def get_values(self):
        cron, parameters = self._fusion_cron(), self.env["ir.config_parameter"].sudo()
        return {
            **super().get_values(),
            "fusion_invoice_every": cron.interval_number,
            "fusion_invoice_unit": cron.interval_type if cron.interval_type in ("hours", "days") else "hours",
            "fusion_invoice_next": cron.nextcall,
            "fusion_escalate_minutes": int(parameters.get_param(MINUTES) or 60),
            "fusion_lago_premium": self.env["sale.order"]._fusion_premium(),
        }

    def set_values(self):
        done = super().set_values()
        if self.fusion_invoice_every < 1 or self.fusion_escalate_minutes < 1:
            raise ValidationError(self.env._("Metering: intervals and minutes are 1 or more."))
        wanted = {
            "active": bool(self.env["res.company"].sudo().search_count([("fusion_invoicing_by", "=", "odoo")])),
            "interval_number": self.fusion_invoice_every,
            "interval_type": self.fusion_invoice_unit or "hours",
            "nextcall": self.fusion_invoice_next or fields.Datetime.now(),
        }
        cron = self._fusion_cron()
        changed = {name: value for name, value in wanted.items() if cron[name] != value}
        if changed:
            cron.write(changed)
        parameters = self.env["ir.config_parameter"].sudo()
        parameters.set_param(MINUTES, str(self.fusion_escalate_minutes))
        parameters.set_param(PREMIUM, "1" if self.fusion_lago_premium else "0")
        return done


class AccountLink(models.Model):
    _inherit = "fusion.billing.account.link"

    grace_days = fields.Integer(default=lambda self: self.env.company.fusion_grace_days)


class AccountMove(models.Model):
    _inherit = "account.move"

    fusion_finish_on = fields.Date(
        "Posted by itself on", copy=False, index="btree_not_null", help="By the scheduled action; empty: by people"
    )

    def _fusion_finish_later(self):
        """Drafts that the scheduled action made are posted, and sent, when their days of grace are over."""
        today = fields.Date.context_today(self)
        for move in self.filtered(lambda move: move.company_id.fusion_invoice_mode != "draft"):
            accounts = move.sudo()._fusion_orders().fusion_account_id
            days = max(accounts.filtered("active").mapped("grace_days"), default=0)
            move.fusion_finish_on = today + timedelta(days=days)
        return self

    @api.model
    def _fusion_cron_finish(self):
        """Post what waited for it; a person hears of what cannot be posted or sent."""
        due = [("state", "=", "draft"), ("fusion_finish_on", "<=", fields.Date.context_today(self))]
        for move in self.search(due):
            reason = tried(move, lambda move=move: move._fusion_finish())
            if reason:
                move.fusion_finish_on = False
                move._fusion_orders()[:1]._fusion_tell_finance(reason, self.env._("An invoice is not posted"))
            if self.env.context.get("ir_cron_progress_id"):
                self.env["ir.cron"]._commit_progress()

    def _fusion_finish(self):
        self.fusion_finish_on = False
        self.action_post()
        if self.company_id.fusion_invoice_mode == "send":
            self.env["account.move.send"]._generate_and_send_invoices(self, sending_methods=["email"])
