from datetime import timedelta

from odoo import fields, models


class FusionBillingIssueKey(models.TransientModel):
    """Issues a key; it is shown once, in a window that keeps nothing."""

    _name = "fusion.billing.issue.key"
    _description = "Issue a Service Key"

    service_id = fields.Many2one("fusion.billing.service", required=True, ondelete="cascade")
    overlap_hours = fields.Integer(default=24, help="The keys in use keep working this long; 0 ends them at once")

    _overlap_is_no_past = models.Constraint("CHECK (overlap_hours >= 0)", "The overlap is 0 hours or more.")

    def action_issue(self):
        """Issue, let the older keys expire, show. The key is in the answer's context, and nowhere else."""
        self.ensure_one()
        older = self.env["fusion.billing.key"].sudo().search([("service_id", "=", self.service_id.id)])
        key = self.env["fusion.billing.key"]._issue(self.service_id)
        ends = fields.Datetime.now() + timedelta(hours=self.overlap_hours)
        for old in older:
            if not old.revoked_at and (not old.expires_at or old.expires_at > ends):
                old.expires_at = ends
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Key of %s", self.service_id.name),
            "res_model": "fusion.billing.show.key",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_key": key},
        }


class FusionBillingShowKey(models.AbstractModel):
    """The window that shows a new key. It has no table: what it shows comes from the context and goes with it."""

    _name = "fusion.billing.show.key"
    _description = "New Service Key"

    # the client asks for a record's defaults by onchange, which needs an id
    id = fields.Id()
    key = fields.Char(readonly=True)
