"""The catalogue as people write it in Odoo: codes as tags, filters as lines, and Lago's rules for what they may write.

The rules hold where ``fusion_by_hand`` is in the context, as in the addon's own menus: what Lago had when it was moved
stays as it was.
"""

import json

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..api.overrides import MOST_TRIAL_DAYS
from ..forms import lists, prices
from ..rating.numbers import parsed

WITHOUT_VALUE = ("count_agg", "custom_agg")
RECURRING = ("sum_agg", "unique_count_agg", "weighted_sum_agg", "custom_agg")


def by_hand(records):
    return records if records.env.context.get("fusion_by_hand") else records.browse()


def codes(text):
    found = json.loads(text or "[]")
    return [str(code) for code in found] if isinstance(found, list) else []


def refused(record, why):
    return ValidationError(f"{record.display_name}: {why}")


def not_negative(text):
    number = parsed(text or "0")
    return number is not None and number >= 0


def tags(model, of, field, company=None):
    """(compute, inverse) of records shown for the codes in a text field; codes of nothing that is known are kept."""

    def known(self, wanted):
        domain = (
            [(of, "in", wanted)] if model != "product.template" else [(of, "in", wanted), ("fusion_kind", "=", "plan")]
        )
        owner = self.company_id or self.env.company
        return self.env[model].search([*domain, ("company_id", "in", (False, owner.id))])

    def compute(self):
        for record in self:
            record[company] = known(record, codes(record[field]))

    def inverse(self):
        for record in self:
            shown = known(record, codes(record[field])).mapped(of)
            kept = [code for code in codes(record[field]) if code not in shown]
            made = [*kept, *(code for code in record[company].mapped(of) if code)]
            record[field] = json.dumps(list(dict.fromkeys(made)), ensure_ascii=False) if made else False

    return compute, inverse


class ProductTemplate(models.Model):
    _inherit = "product.template"

    fusion_tax_code_ids = fields.Many2many(
        "fusion.billing.tax",
        string="Tax codes in the API",
        compute="_compute_fusion_tax_code_ids",
        inverse="_inverse_fusion_tax_code_ids",
        help="Empty: those of the customer apply",
    )
    _compute_tags, _inverse_tags = tags("fusion.billing.tax", "code", "fusion_tax_codes", "fusion_tax_code_ids")

    @api.depends("fusion_tax_codes")
    def _compute_fusion_tax_code_ids(self):
        self._compute_tags()

    def _inverse_fusion_tax_code_ids(self):
        self._inverse_tags()

    @api.onchange("fusion_amount")
    def _onchange_fusion_amount(self):
        """What is sold without a subscription costs the same."""
        for plan in self:
            amount = parsed(plan.fusion_amount)
            if amount is not None:
                plan.list_price = float(amount)

    @api.constrains(
        "fusion_kind", "default_code", "fusion_amount", "fusion_interval", "fusion_currency_id", "fusion_trial_days",
        "fusion_commitment",
    )  # fmt: skip
    def _check_fusion_plan(self):
        for plan in by_hand(self).filtered(lambda product: product.fusion_kind == "plan"):
            if not plan.fusion_interval or not plan.fusion_currency_id:
                raise refused(plan, self.env._("a price plan needs an interval and a currency."))
            if not plan.fusion_amount or not not_negative(plan.fusion_amount):
                raise refused(plan, self.env._("the base fee must be a number that is not negative."))
            if not not_negative(plan.fusion_commitment):
                raise refused(plan, self.env._("the minimum commitment must be a number that is not negative."))
            days = parsed(plan.fusion_trial_days or "0")
            if days is None or not 0 <= days <= MOST_TRIAL_DAYS:
                raise refused(plan, self.env._("the trial has between 0 and %s days.", MOST_TRIAL_DAYS))
            plan._check_fusion_code()

    def _check_fusion_code(self):
        if not self.default_code:
            return  # a new product gets its code after it was made; the form asks for one
        owners = (False, (self.company_id or self.env.company).id)
        same = [("fusion_kind", "=", "plan"), ("default_code", "=", self.default_code), ("company_id", "in", owners)]
        if self.search_count([*same, ("id", "!=", self.id)]):
            raise refused(self, self.env._("another price plan has the code %s.", self.default_code))

    def action_fusion_new_charge(self):
        """The form of a charge of this plan."""
        self.ensure_one()
        return self.env["fusion.billing.charge"]._form_action(
            self.env._("Add a charge"), context={"default_plan_id": self.id}
        )


class FusionBillingCharge(models.Model):
    _inherit = "fusion.billing.charge"

    price_text = fields.Text("Prices", compute="_compute_price_text")

    @api.depends("charge_model", "properties", "filters")
    @api.depends_context("lang")
    def _compute_price_text(self):
        """The prices for people, line by line; empty where the JSON is none that rating reads."""
        for charge in self:
            lines = charge._price_lines(prices.parsed(charge.properties))
            for one in json.loads(charge.filters or "[]"):
                events = "; ".join(f"{key}: {lists.written(values)}" for key, values in one["values"].items())
                lines += [f"{events} — {line}" for line in charge._price_lines(one.get("properties") or {})]
            charge.price_text = "\n".join(lines)

    def _price_lines(self, properties):
        shown, form = prices.shown(self.charge_model, properties), self.env["fusion.billing.charge.form"]
        lines = [f"{form._label(name)}: {value}" for name, value in shown.single.items() if value not in ("", "0")]
        for tier in shown.tiers:
            price = " + ".join(
                f"{tier[name]} %" if name == "rate" else tier[name]
                for name in prices.OF_TIER[self.charge_model]
                if tier[name] not in ("", "0")
            )
            lines.append(f"{tier['from_value']} – {tier['to_value'] or '∞'}: {price or '0'}")
        return [*lines, *([f"{form._label(prices.GROUPS)}: {shown.groups}"] if shown.groups else [])]

    def action_edit(self):
        """The charge as a form."""
        self.ensure_one()
        self.check_access("write")
        form = self.env["fusion.billing.charge.form"]._of(self)
        return self._form_action(self.name, res_id=form.id)

    @api.model
    def _form_action(self, name, **more):
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": "fusion.billing.charge.form",
            "view_mode": "form",
            "target": "new",
            **more,
        }


class FusionBillingMetric(models.Model):
    _inherit = "fusion.billing.metric"

    filter_text = fields.Text(
        "Declared filters",
        compute="_compute_filter_text",
        inverse="_inverse_filter_text",
        help="One property of the event a line, with its values: region: eu, us",
    )

    @api.depends("filters")
    def _compute_filter_text(self):
        for metric in self:
            metric.filter_text = lists.written_keys(json.loads(metric.filters or "[]")) or False

    def _inverse_filter_text(self):
        for metric in self:
            try:
                rows = lists.read_keys(metric.filter_text or "")
            except ValueError as error:
                raise refused(
                    metric, self.env._("a filter is a property and its values, as in region: eu, us; not %s", error)
                ) from error
            metric.filters = json.dumps(rows, ensure_ascii=False) if rows else False

    @api.constrains("aggregation", "field_name", "recurring", "weighted_interval", "filters")
    def _check_by_hand(self):
        for metric in by_hand(self):
            if metric.aggregation not in WITHOUT_VALUE and not metric.field_name:
                raise refused(metric, self.env._("say which property of the event holds the value."))
            if metric.recurring and metric.aggregation not in RECURRING:
                raise refused(metric, self.env._("units of a count, a maximum or a latest value do not persist."))
            if metric.aggregation == "weighted_sum_agg" and not metric.weighted_interval:
                raise refused(metric, self.env._("a weighted sum needs its interval."))
            keys = [row["key"] for row in json.loads(metric.filters or "[]")]
            if len(set(keys)) < len(keys):
                raise refused(metric, self.env._("each property is declared once."))


class FusionBillingCoupon(models.Model):
    _inherit = "fusion.billing.coupon"

    plan_ids = fields.Many2many(
        "product.template",
        string="Of plans",
        compute="_compute_plan_ids",
        inverse="_inverse_plan_ids",
        domain=[("fusion_kind", "=", "plan")],
    )
    metric_ids = fields.Many2many(
        "fusion.billing.metric", string="Of metrics", compute="_compute_metric_ids", inverse="_inverse_metric_ids"
    )
    _compute_plans, _inverse_plans = tags("product.template", "default_code", "plan_codes", "plan_ids")
    _compute_metrics, _inverse_metrics = tags("fusion.billing.metric", "code", "metric_codes", "metric_ids")

    @api.depends("plan_codes")
    def _compute_plan_ids(self):
        self._compute_plans()

    def _inverse_plan_ids(self):
        self._inverse_plans()

    @api.depends("metric_codes")
    def _compute_metric_ids(self):
        self._compute_metrics()

    def _inverse_metric_ids(self):
        self._inverse_metrics()

    @api.constrains(
        "coupon_type", "amount", "currency_id", "percentage_rate", "frequency", "frequency_duration", "limited_plans",
        "plan_codes", "limited_metrics", "metric_codes",
    )  # fmt: skip
    def _check_by_hand(self):
        for coupon in by_hand(self):
            fixed = coupon.coupon_type == "fixed_amount"
            number = parsed((coupon.amount if fixed else coupon.percentage_rate) or "0")
            if number is None or number <= 0:
                raise refused(coupon, self.env._("what it takes off must be a number above 0."))
            if fixed and not coupon.currency_id:
                raise refused(coupon, self.env._("an amount has a currency."))
            if coupon.frequency == "recurring" and coupon.frequency_duration <= 0:
                raise refused(coupon, self.env._("say for how many periods."))
            if (coupon.limited_plans and not codes(coupon.plan_codes)) or (
                coupon.limited_metrics and not codes(coupon.metric_codes)
            ):
                raise refused(coupon, self.env._("say from which plans or metrics."))
