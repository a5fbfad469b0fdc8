import secrets

from odoo import SUPERUSER_ID, fields, models
from odoo.exceptions import UserError


def is_person(user):
    """Somebody who reads activities: no robot, no portal user, nobody who has left."""
    return bool(user.active and not user.share and user.id != SUPERUSER_ID)


class FusionBillingService(models.Model):
    """An application that meters its customers here, and calls the API with a key of its own."""

    _name = "fusion.billing.service"
    _description = "Billing Service"
    _order = "name"
    _check_company_auto = True

    name = fields.Char(required=True)
    code = fields.Char(required=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    webhook_url = fields.Char("Webhook address", groups="fusion_billing.group_manager", help="Empty: nothing is sent")
    webhook_secret = fields.Char(
        groups="fusion_billing.group_manager",
        copy=False,
        default=lambda self: secrets.token_urlsafe(32),
        help="Key of the HMAC signature; the service checks with it that a message is ours. Empty: nothing is sent",
    )
    webhook_algorithm = fields.Selection(
        [("hmac", "HMAC-SHA256"), ("jwt", "JWT (RS256)")],
        "Signature",
        required=True,
        default="hmac",
        help="JWT is checked with the public key under /api/v1/webhooks/json_public_key and needs no secret",
    )
    webhook_named = fields.Boolean(
        "Acknowledged by key",
        help="Messages that suspend or restore customers count as acknowledged only if the answer (2xx) repeats the "
        "message's unique key, in its body or in X-Lago-Unique-Key. Otherwise any 2xx does",
    )
    escalation_user_id = fields.Many2one(
        "res.users", help="Gets an activity when such a message is not acknowledged. Empty: an accounting manager"
    )
    payment_journal_id = fields.Many2one(
        "account.journal",
        groups="fusion_billing.group_manager",
        check_company=True,
        domain="[('type', 'in', ('bank', 'cash'))]",
        help="Where a payment is entered that the service reports as received; empty: it may report none",
    )
    key_ids = fields.One2many("fusion.billing.key", "service_id", string="Keys")
    link_ids = fields.One2many("fusion.billing.account.link", "service_id", string="Accounts")

    _code_uniq = models.Constraint("unique (company_id, code)", "A service with this code exists already.")

    def action_issue_key(self):
        """Open the wizard that issues a key."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Issue a key"),
            "res_model": "fusion.billing.issue.key",
            "view_mode": "form",
            "target": "new",
            "context": {"default_service_id": self.id},
        }

    def _escalation_user(self, company=None):
        """The person in finance who hears of what nobody else can settle. ``company``: where there is no service.

        Whom the service names, whom the company names, an accounting manager, an administrator: the first who reads it.
        """
        company = company or self.company_id
        named = (self.sudo().escalation_user_id, company.sudo().fusion_escalation_user_id)
        groups = (
            self.env.ref(name).sudo().all_user_ids for name in ("account.group_account_manager", "base.group_system")
        )
        known = (people.filtered(lambda user: company in user.company_ids).sorted("id") for people in groups)
        readers = (user for people in (*named, *known) for user in people if is_person(user))
        return next(readers, self.env.ref("base.user_admin"))

    def replay_since(self, since):
        """Tell the service again, in order, what it was told since then (UTC, ``2026-07-01 04:10:00``); how many."""
        self.check_access("write")
        moment = fields.Datetime.to_datetime(since)
        if not moment:
            raise UserError(self.env._("Say since when to replay, as 2026-07-01 04:10:00."))
        told = [("service_id", "in", self.ids), ("create_date", ">=", moment)]
        return self.env["fusion.billing.webhook"].sudo().search(told, order="id")._replay()

    def action_replay(self):
        """Open the wizard that replays."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Replay webhooks"),
            "res_model": "fusion.billing.replay",
            "view_mode": "form",
            "target": "new",
            "context": {"default_service_id": self.id},
        }
