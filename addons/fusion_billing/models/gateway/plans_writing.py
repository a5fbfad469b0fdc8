"""Plans as apps write them, with their charges; prices are held against their charge model."""

import json
import uuid

from odoo import models

from ...api import answers, catalog_given, texts
from .catalog_writing import IN_USE

# of a plan that somebody has: what its subscriptions took over from it
TAKEN_OVER = ("code", "interval", "amount_cents", "amount_currency", "pay_in_advance", "trial_period",
              "bill_charges_monthly", "bill_fixed_charges_monthly", "minimum_commitment")  # fmt: skip
SUBSCRIBED = "not_supported_while_subscribed"


class PlansWriting(models.AbstractModel):
    _inherit = "fusion.billing.gateway"

    def create_plan(self, service, body):
        given = answers.root(body, "plan", dict)
        self._refuse(catalog_given.plan_errors(given, new=True))
        self._check_offer_code(service, "plan", given["code"])
        prepared = self._prepared_charges(service, given)
        values = {
            "type": "service",
            "fusion_kind": "plan",
            "invoice_policy": "order",
            "company_id": service.company_id.id,
            **self._plan_values(given),
        }
        plan = self.env["product.template"].sudo().create(values)
        for row in prepared:
            self._write_charge(plan, *row)
        return {"plan": self._plan_shown(plan, fixed_charges=True)}

    def update_plan(self, service, body, code):
        plan, given = self._own_plan(service, code), answers.root(body, "plan", dict)
        self._refuse(catalog_given.plan_errors(given, new=False))
        if given.get("code") not in (None, plan.default_code):
            self._check_offer_code(service, "plan", given["code"])
        self._check_taken_over(plan, given)
        prepared = self._prepared_charges(service, given, plan)
        plan.write(self._plan_values(given, plan))
        kept = self.env["fusion.billing.charge"].sudo()
        for row in prepared:
            kept |= self._write_charge(plan, *row)
        for name, kind in (("charges", "usage"), ("fixed_charges", "fixed")):
            if given.get(name) is not None:
                (self._charges(plan).filtered(lambda charge, kind=kind: charge.kind == kind) - kept).unlink()
        return {"plan": self._plan_shown(plan, fixed_charges=True)}

    def destroy_plan(self, service, _query, code):
        plan = self._own_plan(service, code)
        if self._orders_of_plans(plan):
            raise answers.elsewhere(IN_USE, "end its subscriptions first: DELETE subscriptions/:external_id")
        shown = self._plan_shown(plan, fixed_charges=True)
        plan.active = False
        return {"plan": shown}

    # one charge

    def create_plan_charge(self, service, body, code):
        return self._save_charge(service, answers.root(body, "charge", dict), code, "usage")

    def update_plan_charge(self, service, body, code, charge):
        return self._save_charge(service, answers.root(body, "charge", dict), code, "usage", charge)

    def destroy_plan_charge(self, service, _query, code, charge):
        return self._drop_charge(service, code, "usage", charge)

    def create_plan_fixed_charge(self, service, body, code):
        return self._save_charge(service, answers.root(body, "fixed_charge", dict), code, "fixed")

    def update_plan_fixed_charge(self, service, body, code, charge):
        return self._save_charge(service, answers.root(body, "fixed_charge", dict), code, "fixed", charge)

    def destroy_plan_fixed_charge(self, service, _query, code, charge):
        return self._drop_charge(service, code, "fixed", charge)

    def _save_charge(self, service, given, code, kind, charge=None):
        plan = self._own_plan(service, code)
        known = self._charge_of(self._charges(plan), kind, charge) if charge else None
        values, errors = self._charge_given(service, given, kind, known)
        self._refuse(errors)
        saved = self._write_charge(plan, known, values)
        return self._charge_answer(saved)

    def _drop_charge(self, service, code, kind, charge):
        plan = self._own_plan(service, code)
        found = self._charge_of(self._charges(plan), kind, charge)
        shown = self._charge_answer(found)
        found.unlink()
        return shown

    # the plan

    def _own_plan(self, service, code):
        """A plan that no other service's customers have: its charges are theirs, too."""
        plan = self._offered(service, "plan", code)
        self._refuse_foreign(service, self._orders_of_plans(plan))
        return plan

    def _check_taken_over(self, plan, given):
        """What running subscriptions keep of their own is not changed for them behind their back."""
        if not self._orders_of_plans(plan):
            return
        shown = self._plan_shown(plan)
        shown["minimum_commitment"] = {"amount_cents": (shown.get("minimum_commitment") or {}).get("amount_cents")}
        sent = {name: given[name] for name in TAKEN_OVER if given.get(name) is not None}
        if "minimum_commitment" in sent:
            sent["minimum_commitment"] = {"amount_cents": (sent["minimum_commitment"] or {}).get("amount_cents")}
        self._refuse({name: [SUBSCRIBED] for name, value in sent.items() if value != shown[name]})

    def _plan_values(self, given, plan=None):
        values = self._offer_values(given, plan)
        names = ("interval", "pay_in_advance", "bill_charges_monthly", "bill_fixed_charges_monthly")
        values |= {f"fusion_{name}": given[name] or False for name in names if name in given}
        if given.get("trial_period") is not None:
            values["fusion_trial_days"] = catalog_given.units_text(given["trial_period"])
        if "minimum_commitment" in given:
            commitment = given["minimum_commitment"]
            known = values.get("fusion_currency_id") or plan.fusion_currency_id.id
            currency = self.env["res.currency"].browse(known)
            values["fusion_commitment"] = self._written(commitment["amount_cents"], currency) if commitment else False
        return values

    # its charges

    def _prepared_charges(self, service, given, plan=None):
        """(charge or None, values) of all that were sent; nothing is written before all of them are right."""
        rows, errors = [], {}
        for name, kind in (("charges", "usage"), ("fixed_charges", "fixed")):
            for place, one in enumerate(given.get(name) or []):
                known = self._charge_of(self._charges(plan), kind, one["id"]) if plan and one.get("id") else None
                values, wrong = self._charge_given(service, one, kind, known)
                errors |= catalog_given.at(f"{name}.{place}", wrong)
                rows.append((known, {**values, "sequence": 10 + place}))
        self._refuse(errors)
        return rows

    def _charge_given(self, service, given, kind, known):
        """(values, errors) of one charge; what is not sent of a known one stays."""
        if known:
            given = {**self._charge_shown(known), **{name: value for name, value in given.items() if value is not None}}
        read = self._usage_charge if kind == "usage" else self._fixed_charge
        values, errors = read(service, given)
        if errors:
            return {}, errors
        name = texts.scalar(given.get("invoice_display_name")) or values.pop("plain_name")
        values.pop("plain_name", None)
        return {
            "name": name,
            "kind": kind,
            "charge_model": given["charge_model"],
            "pay_in_advance": bool(given.get("pay_in_advance")),
            "prorated": bool(given.get("prorated")),
            "properties": json.dumps(given.get("properties") or {}, ensure_ascii=False),
            "tax_codes": json.dumps(given["tax_codes"]) if given.get("tax_codes") else False,
            "tax_ids": [(6, 0, self._native_taxes(given["tax_codes"]).ids if given.get("tax_codes") else [])],
            "company_id": service.company_id.id,
            **values,
        }, {}

    def _usage_charge(self, service, given):
        metric = self._asked_metric(service, given)
        known = catalog_given.KnownMetric(
            metric.aggregation,
            metric.recurring,
            {row["key"]: row["values"] for row in json.loads(metric.filters or "[]")},
        )
        errors = catalog_given.charge_errors(given, known)
        if errors:
            return {}, errors
        return {
            "plain_name": metric.name,
            "code": texts.scalar(given.get("code")) or metric.code,
            "metric_id": metric.id,
            "invoiceable": given.get("invoiceable") is not False,
            "min_cents": catalog_given.cents(given.get("min_amount_cents")),
            "filters": self._filters_text(given.get("filters")),
        }, {}

    def _fixed_charge(self, service, given):
        wanted = given.get("add_on_code") or given.get("add_on_id") or given.get("lago_add_on_id")
        product = self._asked_offer(service, "add_on", wanted)
        errors = catalog_given.fixed_charge_errors(given)
        if errors:
            return {}, errors
        units = given.get("units") if given.get("units") is not None else 1
        return {
            "plain_name": product.name,
            "code": texts.scalar(given.get("code")) or product.default_code,
            "product_id": product.product_variant_id.id,
            "units": catalog_given.units_text(units),
        }, {}

    @staticmethod
    def _filters_text(rows):
        """Filters keep their ids; new ones get one."""
        kept = [
            {
                "lago_id": texts.scalar(row.get("lago_id")) or str(uuid.uuid4()),
                "values": row["values"],
                "properties": row["properties"],
                "invoice_display_name": texts.scalar(row.get("invoice_display_name")),
            }
            for row in rows or []
        ]
        return json.dumps(kept, ensure_ascii=False) if kept else False

    def _asked_metric(self, service, given):
        """By its code, or by the id that the API shows."""
        code = given.get("billable_metric_code")
        if code:
            return self._coded(service, "fusion.billing.metric", "billable_metric", code)
        wanted = texts.scalar(given.get("billable_metric_id") or given.get("lago_billable_metric_id")) or ""
        own = [("company_id", "=", service.company_id.id), ("fusion_lago_id", "=", wanted)]
        found = self.env["fusion.billing.metric"].sudo().search(own, limit=1)
        if not found:
            raise answers.not_found("billable_metric")
        return found

    def _asked_offer(self, service, kind, wanted):
        """By its code, by its id of Lago's, or by the one that the API shows."""
        text = texts.scalar(wanted) or ""
        named = ["|", ("default_code", "=", text), "|", ("fusion_lago_id", "=", text),
                 ("id", "=", answers.row_number(kind, text))]  # fmt: skip
        found = (
            self.env["product.template"]
            .sudo()
            .search([*self._offer_domain(service, kind), *named], limit=1, order="id desc")
        )
        if not found:
            raise answers.not_found(kind)
        return found

    def _write_charge(self, plan, known, values):
        """Of the plan; its smallest amount is in the plan's currency."""
        cents = values.pop("min_cents", None)
        if cents is not None:
            values["min_amount"] = self._written(cents, plan.fusion_currency_id) if cents else False
        if known:
            known.write(values)
            return known
        return self.env["fusion.billing.charge"].sudo().create({**values, "plan_id": plan.id})
