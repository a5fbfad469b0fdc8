import json
import uuid

from odoo import api, fields, models

from ..rating.shapes import FILTERS, PROPERTIES
from ..tools import check_decimal, check_json

CHARGE_MODELS = [
    ("standard", "Standard"),
    ("graduated", "Graduated"),
    ("graduated_percentage", "Graduated percentage"),
    ("package", "Package"),
    ("percentage", "Percentage"),
    ("volume", "Volume"),
    ("dynamic", "Dynamic"),
    ("custom", "Custom"),
]


class FusionBillingCharge(models.Model):
    """The price of one metric (or of a fixed quantity) on a price plan, or on one order that overrides its plan."""

    _name = "fusion.billing.charge"
    _description = "Billing Charge"
    _order = "sequence, id"
    _check_company_auto = True

    name = fields.Char(required=True)
    code = fields.Char(index=True)
    kind = fields.Selection([("usage", "Usage"), ("fixed", "Fixed")], required=True, default="usage")
    metric_id = fields.Many2one("fusion.billing.metric", ondelete="restrict", index=True, check_company=True)
    product_id = fields.Many2one(
        "product.product", ondelete="restrict", check_company=True, help="The product of the invoice line"
    )
    plan_id = fields.Many2one("product.template", ondelete="restrict", index=True, check_company=True)
    order_id = fields.Many2one("sale.order", ondelete="cascade", index="btree_not_null", check_company=True)
    sequence = fields.Integer(default=10)
    charge_model = fields.Selection(CHARGE_MODELS, required=True)
    properties = fields.Text(help="JSON: prices of the charge model, in currency units")
    filters = fields.Text(help='JSON: [{"lago_id", "values", "properties", "invoice_display_name"}]')
    pay_in_advance = fields.Boolean()
    prorated = fields.Boolean()
    invoiceable = fields.Boolean(default=True)
    min_amount = fields.Char(help="Minimum spending of a full period, in currency units")
    units = fields.Char(help="Units of a fixed charge")
    unit_changes = fields.Text(
        readonly=True, help='JSON: [{"at", "was", "units"}], how the units of a fixed charge changed, oldest first'
    )
    tax_codes = fields.Text(help="JSON list of Lago tax codes, as a record of where the taxes came from")
    tax_ids = fields.Many2many(
        "account.tax", string="Taxes", check_company=True, help="Empty: those of the order's plan line"
    )
    fusion_lago_id = fields.Char("Lago id", index="btree_not_null", default=lambda self: str(uuid.uuid4()), copy=False)
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)

    # in SQL: a Python check does not run when none of its fields is given
    _owner_is_set = models.Constraint(
        "CHECK (plan_id IS NOT NULL OR order_id IS NOT NULL)", "A charge needs its plan or its order."
    )
    _usage_has_a_metric = models.Constraint(
        "CHECK (kind <> 'usage' OR metric_id IS NOT NULL)", "A usage charge needs a metric."
    )

    def write(self, vals):
        """Units that change are remembered with their moment: a running period is billed with both."""
        if "units" not in vals or "unit_changes" in vals:
            return super().write(vals)
        for charge in self:
            changes = json.loads(charge.unit_changes) if charge.unit_changes else []
            if charge.kind == "fixed" and charge.units and charge.units != vals["units"]:
                at = fields.Datetime.to_datetime(self.env.context.get("fusion_at")) or fields.Datetime.now()
                changes.append({"at": at.isoformat(), "was": charge.units, "units": vals["units"] or "0"})
            super(FusionBillingCharge, charge).write(
                {**vals, "unit_changes": json.dumps(changes) if changes else False}
            )
        return True

    @api.constrains("properties", "filters", "tax_codes", "unit_changes")
    def _check_json(self):
        check_json(self, "properties", dict, PROPERTIES)
        check_json(self, "filters", list, FILTERS)
        check_json(self, "tax_codes", list)
        check_json(self, "unit_changes", list)

    @api.constrains("min_amount", "units")
    def _check_decimals(self):
        check_decimal(self, "min_amount")
        check_decimal(self, "units")
