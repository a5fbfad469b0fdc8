import secrets

from odoo import _, fields, models


class FusionBillingService(models.Model):
    """An application that meters its customers here, and calls the API with a key of its own."""

    _name = "fusion.billing.service"
    _description = "Billing Service"
    _order = "name"

    name = fields.Char(required=True)
    code = fields.Char(required=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    webhook_url = fields.Char("Webhook address", groups="fusion_billing.group_manager", help="Empty: nothing is sent")
    webhook_secret = fields.Char(
        groups="fusion_billing.group_manager",
        copy=False,
        default=lambda self: secrets.token_urlsafe(32),
        help="Key of the signature; the service checks with it that a message is ours",
    )
    key_ids = fields.One2many("fusion.billing.key", "service_id", string="Keys")
    link_ids = fields.One2many("fusion.billing.account.link", "service_id", string="Accounts")

    _code_uniq = models.Constraint("unique (company_id, code)", "A service with this code exists already.")

    def action_issue_key(self):
        """Open the wizard that issues a key."""
        return {
            "type": "ir.actions.act_window",
            "name": _("Issue a key"),
            "res_model": "fusion.billing.issue.key",
            "view_mode": "form",
            "target": "new",
            "context": {"default_service_id": self.id},
        }
