"""The catalogue as apps write it: metrics, coupons, taxes, add-ons. Plans are in ``plans_writing``.

It is shared by the services of a company: what another one's customers have is not changed by this one's key.
"""

import json
from datetime import UTC, datetime
from decimal import Decimal

from odoo import models
from odoo.fields import Command

from ...api import answers, catalog_given, coupons, texts
from ...api.subscriptions import moment
from ...rating.exact import exponent
from ..currency import NOT_KEPT
from .subscriptions import naive

FOREIGN, IN_USE = "catalogue_used_by_another_service", "in_use"


class CatalogWriting(models.AbstractModel):
    _inherit = "fusion.billing.gateway"

    # metrics

    def create_metric(self, service, body):
        given = answers.root(body, "billable_metric", dict)
        self._refuse(catalog_given.metric_errors(given, new=True))
        self._check_code(service, "fusion.billing.metric", given["code"])
        values = {"company_id": service.company_id.id, **self._metric_values(given)}
        if given["aggregation_type"] == "weighted_sum_agg":
            values.setdefault("weighted_interval", "seconds")
        metric = self.env["fusion.billing.metric"].sudo().create(values)
        return self.find_metric(service, {}, metric.code)

    def update_metric(self, service, body, code):
        """Of a metric that subscriptions use only what moves no amount, as in Lago."""
        metric = self._coded(service, "fusion.billing.metric", "billable_metric", code)
        given = answers.root(body, "billable_metric", dict)
        self._refuse(catalog_given.metric_errors(given, new=False))
        self._refuse_foreign(service, self._orders_of_metric(metric))
        if self._orders_of_metric(metric):
            given = {name: given[name] for name in ("name", "description", "filters") if name in given}
        if given.get("code") not in (None, metric.code):
            self._check_code(service, "fusion.billing.metric", given["code"])
        metric.write(self._metric_values(given))
        return self.find_metric(service, {}, metric.code)

    def destroy_metric(self, service, _query, code):
        metric = self._coded(service, "fusion.billing.metric", "billable_metric", code)
        if self.env["fusion.billing.charge"].sudo().search_count([("metric_id", "=", metric.id)]):
            raise answers.elsewhere(IN_USE, "take it off its plans first: DELETE plans/:code/charges/:charge")
        shown = self.find_metric(service, {}, code)
        metric.unlink()
        return shown

    @staticmethod
    def _metric_values(given):
        names = {"name": "name", "code": "code", "description": "description", "aggregation_type": "aggregation",
                 "field_name": "field_name", "weighted_interval": "weighted_interval",
                 "rounding_function": "rounding_function"}  # fmt: skip
        values = {field: texts.scalar(given[name]) or False for name, field in names.items() if name in given}
        if "recurring" in given:
            values["recurring"] = bool(given["recurring"])
        if "rounding_precision" in given:
            digits = given["rounding_precision"]
            values["has_rounding_precision"] = digits is not None
            values["rounding_precision"] = catalog_given.cents(digits)
        if "filters" in given:
            rows = [{"key": row["key"], "values": row["values"]} for row in given["filters"] or []]
            values["filters"] = json.dumps(rows, ensure_ascii=False) if rows else False
        return values

    def _orders_of_metric(self, metric):
        charges = self.env["fusion.billing.charge"].sudo().search([("metric_id", "=", metric.id)])
        return charges.order_id | self._orders_of_plans(charges.plan_id)

    # taxes

    def create_tax(self, service, body):
        given = answers.root(body, "tax", dict)
        self._refuse(catalog_given.tax_errors(given, new=True))
        self._check_code(service, "fusion.billing.tax", given["code"])
        values = {"company_id": service.company_id.id, **self._tax_values(service, given)}
        return self.find_tax(service, {}, self.env["fusion.billing.tax"].sudo().create(values).code)

    def update_tax(self, service, body, code):
        tax = self._coded(service, "fusion.billing.tax", "tax", code)
        given = answers.root(body, "tax", dict)
        self._refuse(catalog_given.tax_errors(given, new=False))
        self._refuse_foreign_holders(service, tax)
        if given.get("code") not in (None, tax.code):
            self._check_code(service, "fusion.billing.tax", given["code"])
        tax.write(self._tax_values(service, given))
        return self.find_tax(service, {}, tax.code)

    def destroy_tax(self, service, _query, code):
        tax = self._coded(service, "fusion.billing.tax", "tax", code)
        self._refuse_foreign_holders(service, tax)
        shown = self.find_tax(service, {}, code)
        tax.unlink()
        return shown

    def _tax_values(self, service, given):
        """A code for applications; the native tax behind it is the company's only one of that rate."""
        values = {name: texts.scalar(given[name]) or False for name in ("name", "code", "description") if name in given}
        if "applied_to_organization" in given:
            values["applied_by_default"] = bool(given["applied_to_organization"])
        if given.get("rate") is not None:
            values["rate"] = catalog_given.units_text(given["rate"])
            native = self.env["account.tax"].sudo().search(
                [("company_id", "=", service.company_id.id), ("type_tax_use", "=", "sale"),
                 ("amount_type", "=", "percent"), ("amount", "=", float(values["rate"]))]
            )  # fmt: skip
            values["tax_ids"] = [Command.set(native.ids if len(native) == 1 else [])]
        return values

    def _refuse_foreign_holders(self, service, tax):
        """Customers of another service have this code."""
        links = self.env["fusion.billing.account.link"].sudo()
        holding = links.search([("company_id", "=", service.company_id.id), ("service_id", "!=", service.id),
                                ("details", "like", json.dumps(tax.code, ensure_ascii=False))])  # fmt: skip
        if any(tax.code in (json.loads(link.details or "{}").get("tax_codes") or []) for link in holding):
            raise self._foreign()

    # add-ons

    def create_add_on(self, service, body):
        given = answers.root(body, "add_on", dict)
        self._refuse(catalog_given.add_on_errors(given, new=True))
        self._check_offer_code(service, "add_on", given["code"])
        values = {
            "type": "service",
            "fusion_kind": "add_on",
            "invoice_policy": "order",
            "company_id": service.company_id.id,
            **self._offer_values(given),
        }
        return {"add_on": self._add_on(self.env["product.template"].sudo().create(values))}

    def update_add_on(self, service, body, code):
        product = self._offered(service, "add_on", code)
        given = answers.root(body, "add_on", dict)
        self._refuse(catalog_given.add_on_errors(given, new=False))
        self._refuse_foreign(service, self._orders_selling(product))
        if given.get("code") not in (None, product.default_code):
            self._check_offer_code(service, "add_on", given["code"])
        product.write(self._offer_values(given, product))
        return {"add_on": self._add_on(product)}

    def destroy_add_on(self, service, _query, code):
        product = self._offered(service, "add_on", code)
        if (
            self.env["fusion.billing.charge"]
            .sudo()
            .search_count([("product_id", "in", product.product_variant_ids.ids)])
        ):
            raise answers.elsewhere(IN_USE, "take it off its plans first: DELETE plans/:code/fixed_charges/:charge")
        self._refuse_foreign(service, self._orders_selling(product))
        shown = self._add_on(product)
        product.active = False
        return {"add_on": shown}

    def _orders_selling(self, product):
        lines = self.env["sale.order.line"].sudo()
        sold = [("product_template_id", "=", product.id), ("order_id.fusion_service_id", "!=", False)]
        charges = self.env["fusion.billing.charge"].sudo().search([("product_id.product_tmpl_id", "=", product.id)])
        return lines.search(sold).order_id | charges.order_id | self._orders_of_plans(charges.plan_id)

    def _offer_values(self, given, product=None):
        """What a plan and an add-on have in common, of what was sent."""
        names = {"name": "name", "code": "default_code", "invoice_display_name": "fusion_invoice_name",
                 "description": "fusion_description"}  # fmt: skip
        values = {field: texts.scalar(given[name]) or False for name, field in names.items() if name in given}
        currency = product.fusion_currency_id if product else self.env["res.currency"]
        if given.get("amount_currency"):
            currency = self._kept_currency(given["amount_currency"])
            values["fusion_currency_id"] = currency.id
        if given.get("amount_cents") is not None:
            amount = currency._fusion_units(catalog_given.cents(given["amount_cents"]))
            values |= {"fusion_amount": self._written(given["amount_cents"], currency), "list_price": amount}
        if given.get("tax_codes") is not None:
            values["fusion_tax_codes"] = json.dumps(given["tax_codes"]) if given["tax_codes"] else False
            values["taxes_id"] = [Command.set(self._native_taxes(given["tax_codes"]).ids)]
        return values

    def _kept_currency(self, code):
        currency = self._currency(code)
        if not currency or not currency._fusion_keeps():
            raise answers.invalid({"amount_currency": [NOT_KEPT if currency else "value_is_invalid"]})
        return currency

    # coupons

    def create_coupon(self, service, body):
        given = answers.root(body, "coupon", dict)
        self._refuse(catalog_given.coupon_errors(given, new=True))
        self._check_code(service, "fusion.billing.coupon", given["code"], [("terminated_at", "=", False)])
        values = {"company_id": service.company_id.id, **self._coupon_values(service, given)}
        return {"coupon": self._coupon(self.env["fusion.billing.coupon"].sudo().create(values))}

    def update_coupon(self, service, body, code):
        """Of a coupon that somebody holds only its name, its description and its end, as in Lago."""
        coupon = self._coded(service, "fusion.billing.coupon", "coupon", code)
        given = answers.root(body, "coupon", dict)
        self._refuse(catalog_given.coupon_errors(given, new=False))
        self._refuse_foreign(service, *self._coupon_holders(coupon))
        if any(self._coupon_holders(coupon)):
            kept = ("name", "description", "expiration", "expiration_at")
            given = {name: given[name] for name in kept if name in given}
        if given.get("code") not in (None, coupon.code):
            self._check_code(service, "fusion.billing.coupon", given["code"], [("terminated_at", "=", False)])
        coupon.write(self._coupon_values(service, given, coupon))
        return {"coupon": self._coupon(coupon)}

    def destroy_coupon(self, service, _query, code):
        """It ends for those who hold it, too, as in Lago."""
        coupon = self._coded(service, "fusion.billing.coupon", "coupon", code)
        orders, links = self._coupon_holders(coupon)
        self._refuse_foreign(service, orders, links)
        shown = self._coupon(coupon)
        now = datetime.now(UTC)
        for record, name in [*((order, "fusion_coupons") for order in orders), *((link, "coupons") for link in links)]:
            held = coupons.parse(record[name])
            record[name] = coupons.dump(
                [
                    coupons.terminate(one, now)
                    if one["lago_coupon_id"] == coupon.fusion_lago_id and coupons.active(one)
                    else one
                    for one in held
                ]
            )
        coupon.unlink()
        return {"coupon": shown}

    def _coupon_holders(self, coupon):
        """(orders, accounts) on which it stands."""
        held = coupon.fusion_lago_id
        orders = self.env["sale.order"].sudo().search([("fusion_coupons", "like", held)])
        links = self.env["fusion.billing.account.link"].sudo().search([("coupons", "like", held)])
        return orders, links

    def _coupon_values(self, service, given, coupon=None):
        names = ("name", "code", "description", "coupon_type", "frequency")
        values = {name: texts.scalar(given[name]) or False for name in names if name in given}
        currency = coupon.currency_id if coupon else self.env["res.currency"]
        if given.get("amount_currency"):
            currency = self._kept_currency(given["amount_currency"])
            values["currency_id"] = currency.id
        if given.get("amount_cents") is not None:
            values["amount"] = self._written(given["amount_cents"], currency or service.company_id.currency_id)
        if given.get("percentage_rate") is not None:
            values["percentage_rate"] = catalog_given.units_text(given["percentage_rate"])
        if given.get("frequency_duration") is not None:
            values["frequency_duration"] = catalog_given.cents(given["frequency_duration"])
        if "reusable" in given:
            values["reusable"] = given["reusable"] is not False
        if "expiration" in given or "expiration_at" in given:
            limited = given.get("expiration", "time_limit") == "time_limit"
            values["expires_at"] = naive(moment(given.get("expiration_at"))) if limited else False
        return {**values, **self._coupon_limits(service, given.get("applies_to"))}

    def _coupon_limits(self, service, applies):
        if applies is None:
            return {}
        plans, metrics = applies.get("plan_codes") or [], applies.get("billable_metric_codes") or []
        for code in plans:
            self._offered(service, "plan", code)
        for code in metrics:
            self._coded(service, "fusion.billing.metric", "billable_metric", code)
        return {
            "limited_plans": bool(plans),
            "plan_codes": json.dumps(plans) if plans else False,
            "limited_metrics": bool(metrics),
            "metric_codes": json.dumps(metrics) if metrics else False,
        }

    # all of them

    @staticmethod
    def _refuse(errors):
        if errors:
            raise answers.invalid(errors)

    @staticmethod
    def _written(cents, currency):
        """Cents as the catalogue keeps amounts: text in units."""
        return f"{Decimal(catalog_given.cents(cents)).scaleb(-exponent(currency.name)):f}"

    def _check_code(self, service, model, code, more=()):
        same = [("company_id", "=", service.company_id.id), ("code", "=", texts.scalar(code)), *more]
        if self.env[model].sudo().search_count(same, limit=1):
            raise answers.invalid({"code": ["value_already_exist"]})

    def _check_offer_code(self, service, kind, code):
        same = [*self._offer_domain(service, kind), ("default_code", "=", texts.scalar(code))]
        if self.env["product.template"].sudo().search_count(same, limit=1):
            raise answers.invalid({"code": ["value_already_exist"]})

    def _orders_of_plans(self, plans):
        """Orders that run on these plans, or wait to."""
        return self.env["sale.order"].sudo().search(
            [("fusion_plan_code", "in", plans.mapped("default_code")), ("fusion_service_id", "!=", False),
             ("company_id", "=", self.env.company.id), ("state", "!=", "cancel"), ("fusion_ended_at", "=", False)]
        )  # fmt: skip

    def _refuse_foreign(self, service, *records):
        """Records that say a service, as orders and accounts do."""
        for found in records:
            services = found.fusion_service_id if "fusion_service_id" in found._fields else found.service_id
            if services - service:
                raise self._foreign()

    @staticmethod
    def _foreign():
        return answers.elsewhere(FOREIGN, "finance changes it in Odoo (Sales, Metering) for all services")
