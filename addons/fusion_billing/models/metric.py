import uuid

from odoo import api, fields, models, tools

from ..rating.shapes import METRIC_FILTERS
from ..tools import check_json

AGGREGATIONS = [
    ("count_agg", "Count"),
    ("sum_agg", "Sum"),
    ("max_agg", "Maximum"),
    ("unique_count_agg", "Unique count"),
    ("weighted_sum_agg", "Weighted sum"),
    ("latest_agg", "Latest"),
    ("custom_agg", "Custom"),
]
NUMERIC = ("sum_agg", "max_agg", "weighted_sum_agg", "latest_agg")
VALUED = {"code", "aggregation", "field_name", "company_id"}


class FusionBillingMetric(models.Model):
    """How events of one code become a number of units."""

    _name = "fusion.billing.metric"
    _description = "Billable Metric"
    _order = "code"

    name = fields.Char(required=True)
    code = fields.Char(required=True)
    description = fields.Char()
    aggregation = fields.Selection(AGGREGATIONS, required=True)
    field_name = fields.Char(help="Property of the event that holds the value")
    recurring = fields.Boolean(help="Units persist from one period to the next")
    rounding_function = fields.Selection([("round", "Round"), ("ceil", "Ceil"), ("floor", "Floor")])
    rounding_precision = fields.Integer()
    has_rounding_precision = fields.Boolean()
    weighted_interval = fields.Selection([("seconds", "Seconds")])
    filters = fields.Text(help='JSON: [{"key": ..., "values": [...]}]')
    fusion_lago_id = fields.Char("Lago id", index="btree_not_null", default=lambda self: str(uuid.uuid4()), copy=False)
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)

    _code_uniq = models.Constraint("unique (company_id, code)", "A metric with this code exists already.")

    @api.model
    @tools.ormcache("company_id")
    def _valued(self, company_id):
        """Code -> the property that a number is taken from. Kept: every event of an app asks for it."""
        domain = [("company_id", "=", company_id), ("aggregation", "in", NUMERIC), ("field_name", "!=", False)]
        return {metric.code: metric.field_name for metric in self.search(domain)}

    @api.model_create_multi
    def create(self, vals_list):
        self.env.registry.clear_cache()
        return super().create(vals_list)

    def write(self, vals):
        if VALUED & vals.keys():
            self.env.registry.clear_cache()
        return super().write(vals)

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()

    @api.constrains("filters")
    def _check_filters(self):
        check_json(self, "filters", list, METRIC_FILTERS)
