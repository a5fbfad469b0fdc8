from datetime import timedelta

from odoo import _, fields, models


class FusionBillingIssueKey(models.TransientModel):
    """Issues a key and shows it this one time."""

    _name = "fusion.billing.issue.key"
    _description = "Issue a Service Key"

    service_id = fields.Many2one("fusion.billing.service", required=True)
    overlap_hours = fields.Integer(default=24, help="The keys in use keep working this long; 0 ends them at once")

    def action_issue(self):
        """Issue, let the older keys expire, show."""
        self.ensure_one()
        older = self.env["fusion.billing.key"].sudo().search([("service_id", "=", self.service_id.id)])
        key = self.env["fusion.billing.key"]._issue(self.service_id)
        ends = fields.Datetime.now() + timedelta(hours=self.overlap_hours)
        for old in older:
            if not old.revoked_at and (not old.expires_at or old.expires_at > ends):
                old.expires_at = ends
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "title": _("Key of %s: copy it now, it is not shown again", self.service_id.name),
                "message": key,
                "sticky": True,
                "type": "success",
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
