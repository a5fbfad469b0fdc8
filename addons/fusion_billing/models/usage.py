from odoo import api, fields, models

from ..tools import check_decimal, check_json


class FusionBillingUsage(models.Model):
    """One event. Millions of rows: no chatter, no log columns, times split to keep microseconds."""

    _name = "fusion.billing.usage"
    _description = "Usage Event"
    _rec_name = "transaction_id"
    _order = "timestamp desc, id desc"
    _log_access = False

    transaction_id = fields.Char(required=True, index=True)
    external_subscription_id = fields.Char(required=True)
    code = fields.Char(required=True, help="Code of the metric")
    timestamp = fields.Datetime(required=True, default=fields.Datetime.now, help="UTC, whole seconds")
    timestamp_us = fields.Integer("Microseconds")
    received_at = fields.Datetime(required=True, default=fields.Datetime.now)
    received_us = fields.Integer("Received microseconds")
    properties = fields.Text(help="JSON object")
    precise_total_amount_cents = fields.Char(help="Decimal; of dynamic charges")
    service_id = fields.Many2one("fusion.billing.service", ondelete="set null", help="Who sent it")
    late = fields.Boolean(help="Arrived after its period had been invoiced: kept, not billed")
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)

    _transaction_uniq = models.Constraint(
        "unique (company_id, external_subscription_id, transaction_id)",
        "This subscription has an event with this transaction id already.",
    )
    # the reading path of rating: one subscription, one code, a window
    _window_idx = models.Index("(company_id, external_subscription_id, code, timestamp)")
    _received_idx = models.Index("USING brin (received_at)")  # the hourly look at what came in
    _late_idx = models.Index("(company_id, external_subscription_id) WHERE late")

    @api.constrains("properties")
    def _check_properties(self):
        check_json(self, "properties", dict)

    @api.constrains("precise_total_amount_cents")
    def _check_amount(self):
        check_decimal(self, "precise_total_amount_cents")
