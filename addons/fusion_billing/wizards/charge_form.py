"""A charge as a form: its prices in fields and rows, read from the JSON that rating reads, and written back to it."""

import json
import uuid

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Command

from ..api import charge_properties
from ..forms import lists, prices
from ..models.charge import CHARGE_MODELS
from ..tools import check_decimal

WITH_FREE_PRICES = ("dynamic", "custom")  # the events bring their amounts, or nobody rates it
OF_CHARGE = ("name", "code", "kind", "charge_model", "pay_in_advance", "prorated", "invoiceable", "min_amount", "units")
LINKS = ("metric_id", "product_id")
FIXED_MODELS = ("standard", "graduated", "volume")
ALL_VALUES = "__ALL_FILTER_VALUES__"


class PriceFields(models.AbstractModel):
    _name = "fusion.billing.price.fields"
    _description = "Prices in fields and rows"

    amount = fields.Char("Price", help="Of one unit; of a package: of each package begun. In currency units")
    package_size = fields.Char("Units in a package", default="1")
    free_units = fields.Char("Free units", default="0", help="Of a period; they are not charged")
    rate = fields.Char("Rate (%)", help="Percent of the sum that the metric gives")
    fixed_amount = fields.Char("Fee per event", help="Besides the rate, in currency units")
    free_units_per_events = fields.Char("Free events", help="So many events of a period are not charged")
    free_units_per_total_aggregation = fields.Char("Free amount", help="So much of the sum is not charged")
    per_transaction_min_amount = fields.Char("Least per event")
    per_transaction_max_amount = fields.Char("Most per event")
    pricing_groups = fields.Char("Group usage by", help="Properties of the event, with commas: one line per group")
    rest = fields.Text(help="JSON: what of the properties this form does not show; it is kept")

    @api.model
    def _price_values(self, model, properties):
        """The values of the fields for these properties."""
        shown = prices.shown(model, properties)
        return {
            **{name: shown.single.get(name) or False for name in prices.FIELDS},
            "pricing_groups": shown.groups or False,
            "rest": json.dumps(shown.rest, ensure_ascii=False) if shown.rest else False,
            "tier_ids": [Command.create(dict(tier)) for tier in shown.tiers],
        }

    def _properties(self, model):
        """Lago's properties of what was typed."""
        names = ("from_value", "to_value", "per_unit_amount", "flat_amount", "rate")
        return prices.properties(
            model,
            prices.Prices(
                single={name: self[name] or "" for name in prices.FIELDS},
                tiers=[{name: tier[name] or "" for name in names} for tier in self.tier_ids],
                groups=self.pricing_groups or "",
                rest=json.loads(self.rest or "{}"),
            ),
        )

    def _check_prices(self, model):
        """The rules of the API's door; what is wrong is said by the names that the form has."""
        wrong = charge_properties.errors(model, self._properties(model))
        if wrong:
            told = [f"{self._label(name)}: {self._flaw(code)}" for name, codes in wrong.items() for code in codes]
            raise ValidationError("\n".join(told))

    def _label(self, name):
        if name in prices.TIERS.values():
            return self.env._("Tiers")
        fields_of = self.env["fusion.billing.charge.form.tier"] if name not in self._fields else self
        name = "pricing_groups" if name in (prices.GROUPS, "grouped_by") else name
        known = fields_of if name in fields_of._fields else self
        return known.fields_get([name], ["string"])[name]["string"] if name in known._fields else name

    def _flaw(self, code):
        """Lago's code, for people."""
        env = self.env
        if code == "per_transaction_max_lower_than_per_transaction_min":
            return env._("is lower than the least")
        if code.startswith("missing_"):
            return env._("there is none")
        if code.endswith("_ranges"):
            return env._("each must go on where the one before ended, the first from 0, the last without an end")
        if code in ("invalid_package_size", "invalid_free_units", "invalid_free_units_per_events"):
            return env._("must be a whole number")
        return env._("must be a number that is not negative")


class ChargeForm(models.TransientModel):
    _name = "fusion.billing.charge.form"
    _inherit = "fusion.billing.price.fields"
    _description = "Charge with its prices"

    charge_id = fields.Many2one("fusion.billing.charge", ondelete="cascade")
    plan_id = fields.Many2one("product.template", readonly=True)
    name = fields.Char(required=True, help="As it stands on invoices")
    code = fields.Char(help="Empty: the metric's")
    kind = fields.Selection([("usage", "Usage"), ("fixed", "Fixed")], "For", required=True, default="usage")
    metric_id = fields.Many2one("fusion.billing.metric")
    metric_filters = fields.Text(compute="_compute_metric_filters")
    units = fields.Char(default="1", help="So many are billed every period")
    product_id = fields.Many2one("product.product", help="Of the invoice's lines. Empty: the plan's")
    charge_model = fields.Selection(
        [model for model in CHARGE_MODELS if model[0] != "custom"], "Priced", required=True, default="standard"
    )
    pay_in_advance = fields.Boolean("Paid in advance")
    prorated = fields.Boolean(help="Units that come or go within a period are billed by days")
    invoiceable = fields.Boolean(default=True)
    min_amount = fields.Char("Minimum spending", help="Of a full period, in currency units")
    tax_ids = fields.Many2many("account.tax", string="Taxes", help="Empty: those of the order's plan line")
    tier_ids = fields.One2many("fusion.billing.charge.form.tier", "form_id", "Tiers")
    filter_ids = fields.One2many("fusion.billing.charge.form.filter", "form_id", "Prices by filter")

    @api.depends("metric_id")
    def _compute_metric_filters(self):
        for form in self:
            form.metric_filters = lists.written_keys(json.loads(form.metric_id.filters or "[]")) or False

    @api.onchange("metric_id")
    def _onchange_metric(self):
        for form in self.filtered("metric_id"):
            form.name = form.name or form.metric_id.name

    @api.constrains("min_amount", "units")
    def _check_decimals(self):
        check_decimal(self, "min_amount")
        check_decimal(self, "units")

    # from the charge

    @api.model
    def _of(self, charge):
        """The form of a charge."""
        values = {name: charge[name] for name in OF_CHARGE} | {name: charge[name].id for name in LINKS}
        filters = json.loads(charge.filters or "[]")
        return self.create(
            {
                **values,
                **self._price_values(charge.charge_model, prices.parsed(charge.properties)),
                "charge_id": charge.id,
                "plan_id": charge.plan_id.id,
                "tax_ids": [Command.set(charge.tax_ids.ids)],
                "filter_ids": [Command.create(self._filter_values(charge.charge_model, one)) for one in filters],
            }
        )

    def _filter_values(self, model, given):
        rest = {k: v for k, v in given.items() if k not in ("values", "properties", "invoice_display_name")}
        return {
            **self._price_values(model, given.get("properties") or {}),
            "invoice_display_name": given.get("invoice_display_name") or False,
            "others": json.dumps(rest, ensure_ascii=False) if rest else False,
            "value_ids": [
                Command.create({"key": key, "values": lists.written(values)}) for key, values in given["values"].items()
            ],
        }

    # to the charge

    def action_save(self):
        """Write the charge, if Lago would take its prices."""
        self.ensure_one()
        self._check_form()
        values = self._charge_values()
        if self.charge_id:
            self.charge_id.write(values)
        else:
            self.env["fusion.billing.charge"].create(
                {**values, "plan_id": self.plan_id.id, "fusion_lago_id": str(uuid.uuid4())}
            )
        return {"type": "ir.actions.act_window_close"}

    def _charge_values(self):
        usage = self.kind == "usage"
        return {
            **{name: self[name] for name in OF_CHARGE},
            "code": self.code or self.metric_id.code or False,
            "metric_id": usage and self.metric_id.id,
            "units": not usage and self.units,
            "product_id": self.product_id.id,
            "tax_ids": [Command.set(self.tax_ids.ids)],
            "properties": json.dumps(self._properties(self.charge_model), ensure_ascii=False),
            "filters": json.dumps([one._told() for one in self.filter_ids], ensure_ascii=False)
            if usage and self.filter_ids
            else False,
        }

    def _check_form(self):
        if self.kind == "usage" and not self.metric_id:
            raise ValidationError(self.env._("Usage needs a metric."))
        if self.kind == "fixed" and self.charge_model not in FIXED_MODELS:
            raise ValidationError(self.env._("Fixed units are priced as standard, graduated or volume."))
        if self.charge_model in WITH_FREE_PRICES:
            return
        self._check_prices(self.charge_model)
        for one in self.filter_ids:
            one._check_filter(self.charge_model, self.metric_id)


class ChargeFormFilter(models.TransientModel):
    _name = "fusion.billing.charge.form.filter"
    _inherit = "fusion.billing.price.fields"
    _description = "Prices of events with certain properties"

    form_id = fields.Many2one("fusion.billing.charge.form", required=True, ondelete="cascade")
    charge_model = fields.Selection(related="form_id.charge_model")
    invoice_display_name = fields.Char("Name on invoices")
    others = fields.Text(help="JSON: what of the filter this form does not show; it is kept")
    value_ids = fields.One2many("fusion.billing.charge.form.value", "filter_id", "Of events with")
    tier_ids = fields.One2many("fusion.billing.charge.form.tier", "filter_id", "Tiers")
    summary = fields.Char("Events with", compute="_compute_summary")

    @api.depends("value_ids.key", "value_ids.values")
    def _compute_summary(self):
        for one in self:
            one.summary = "; ".join(f"{value.key}: {value.values}" for value in one.value_ids)

    def _told(self):
        """The filter as Lago keeps it."""
        told = {
            **json.loads(self.others or "{}"),
            "values": {value.key: list(lists.read(value.values)) for value in self.value_ids},
            "properties": self._properties(self.form_id.charge_model),
        }
        if self.invoice_display_name:
            told["invoice_display_name"] = self.invoice_display_name
        return told

    def _check_filter(self, model, metric):
        """Its values are declared by the metric, its prices are prices."""
        declared = {row["key"]: row["values"] for row in json.loads(metric.filters or "[]")}
        if not self.value_ids:
            raise ValidationError(self.env._("Prices by filter: say of which events."))
        for value in self.value_ids:
            for wanted in lists.read(value.values):
                if wanted not in (*declared.get(value.key, ()), *((ALL_VALUES,) if value.key in declared else ())):
                    raise ValidationError(
                        self.env._(
                            "Prices by filter: the metric %(metric)s declares no %(key)s = %(value)s.",
                            metric=metric.name,
                            key=value.key,
                            value=wanted,
                        )
                    )
        self._check_prices(model)


class ChargeFormValue(models.TransientModel):
    _name = "fusion.billing.charge.form.value"
    _description = "Property of an event, and its values"

    filter_id = fields.Many2one("fusion.billing.charge.form.filter", required=True, ondelete="cascade")
    key = fields.Char("Property", required=True)
    values = fields.Char(required=True, help="With commas between them")


class ChargeFormTier(models.TransientModel):
    _name = "fusion.billing.charge.form.tier"
    _description = "Tier"
    _order = "sequence, id"

    form_id = fields.Many2one("fusion.billing.charge.form", ondelete="cascade")
    filter_id = fields.Many2one("fusion.billing.charge.form.filter", ondelete="cascade")
    sequence = fields.Integer(default=10)
    from_value = fields.Char("From", help="Empty: after the tier before")
    to_value = fields.Char("Up to", help="Empty: without end, the last tier only")
    per_unit_amount = fields.Char("Price of a unit", default="0")
    flat_amount = fields.Char("Price of the tier", default="0")
    rate = fields.Char("Rate (%)", default="0")
