from odoo import fields, models


class FusionBillingReplay(models.TransientModel):
    """Tells a service again what it was told since a moment, in order."""

    _name = "fusion.billing.replay"
    _description = "Replay Webhooks"

    service_id = fields.Many2one("fusion.billing.service", required=True, ondelete="cascade")
    since = fields.Datetime(required=True)

    def action_replay(self):
        """Put the messages into the outbox again and show them."""
        self.service_id.replay_since(self.since)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Replayed webhooks"),
            "res_model": "fusion.billing.webhook",
            "view_mode": "list",
            "domain": [("service_id", "=", self.service_id.id), ("create_date", ">=", self.since)],
        }
