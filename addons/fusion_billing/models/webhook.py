from odoo import fields, models


class FusionBillingWebhook(models.Model):
    """Outbox: one message for one endpoint, written in the transaction of the change it tells of."""

    _name = "fusion.billing.webhook"
    _description = "Webhook Outbox"
    _rec_name = "webhook_type"
    _order = "id desc"

    service_id = fields.Many2one("fusion.billing.service", required=True, ondelete="cascade", index=True)
    webhook_type = fields.Char(required=True)
    object_type = fields.Char(required=True)
    unique_key = fields.Char(required=True, index=True)
    payload = fields.Text(required=True, help="The JSON body, byte for byte as it is signed and sent")
    state = fields.Selection(
        [("pending", "Pending"), ("sent", "Sent"), ("failed", "Parked")], required=True, default="pending"
    )
    attempts = fields.Integer()
    next_attempt_at = fields.Datetime(default=fields.Datetime.now)
    sent_at = fields.Datetime()
    response_status = fields.Integer()
    last_error = fields.Char()
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)

    _due_idx = models.Index("(next_attempt_at) WHERE state = 'pending'")
