"""The catalogue: plans, metrics, add-ons, coupons, taxes. It is shared by all services of a company."""

from odoo import models

from ...api import answers, catalog

PRODUCT_FIELDS = (
    "name", "default_code", "create_date", "write_date", "fusion_lago_id", "fusion_interval", "fusion_amount",
    "fusion_pay_in_advance", "fusion_trial_days", "fusion_bill_charges_monthly", "fusion_bill_fixed_charges_monthly",
    "fusion_commitment", "fusion_invoice_name", "fusion_description", "fusion_tax_codes",
)  # fmt: skip
CHARGE_FIELDS = (
    "name", "code", "kind", "create_date", "charge_model", "properties", "filters", "pay_in_advance", "prorated",
    "invoiceable", "min_amount", "units", "tax_codes", "fusion_lago_id",
)  # fmt: skip
METRIC_FIELDS = (
    "name", "code", "description", "aggregation", "weighted_interval", "recurring", "rounding_function",
    "rounding_precision", "has_rounding_precision", "create_date", "field_name", "filters", "fusion_lago_id",
)  # fmt: skip
COUPON_FIELDS = (
    "name", "code", "description", "coupon_type", "amount", "percentage_rate", "frequency", "frequency_duration",
    "reusable", "limited_plans", "plan_codes", "limited_metrics", "metric_codes", "expires_at", "terminated_at",
    "create_date", "fusion_lago_id",
)  # fmt: skip
TAX_FIELDS = ("name", "code", "rate", "description", "applied_by_default", "create_date", "fusion_lago_id")


def row(record, names):
    """One record as a dict of these fields."""
    return record.read(names)[0]


class Catalog(models.AbstractModel):
    _inherit = "fusion.billing.gateway"

    # plans and add-ons

    def find_plan(self, service, _query, code):
        return {"plan": self._plan_shown(self._offered(service, "plan", code), fixed_charges=True)}

    def list_plans(self, service, query):
        domain = self._offer_domain(service, "plan")
        return self._page("product.template", domain, query, "plans", self._plan_shown, "create_date desc, id desc")

    def find_add_on(self, service, _query, code):
        return {"add_on": self._add_on(self._offered(service, "add_on", code))}

    def list_add_ons(self, service, query):
        domain = self._offer_domain(service, "add_on")
        return self._page("product.template", domain, query, "add_ons", self._add_on, "create_date desc, id desc")

    @staticmethod
    def _offer_domain(service, kind):
        return [("fusion_kind", "=", kind), ("company_id", "in", (False, service.company_id.id))]

    def _offered(self, service, kind, code):
        """The product template of a plan or add-on, or Lago's 404."""
        domain = [*self._offer_domain(service, kind), ("default_code", "=", str(code))]
        found = self.env["product.template"].sudo().search(domain, limit=1, order="id desc")
        if not found:
            raise answers.not_found(kind)
        return found

    def _plan_shown(self, template, fixed_charges=False):
        charges = template.fusion_charge_ids.filtered(lambda c: not c.order_id and c.company_id == self.env.company)
        return catalog.plan(
            row(template, PRODUCT_FIELDS),
            [self._charge_row(charge) for charge in charges],
            self._taxes_by_code(),
            fixed_charges=fixed_charges,
            currency=self._offer_currency(template),
        )

    def _add_on(self, template):
        return catalog.add_on(row(template, PRODUCT_FIELDS), self._taxes_by_code(), self._offer_currency(template))

    def _offer_currency(self, template):
        return (template.fusion_currency_id or self.env.company.currency_id).name

    @staticmethod
    def _charge_row(charge):
        values = row(charge, CHARGE_FIELDS)
        if charge.kind == "usage":
            return {**values, "metric": row(charge.metric_id, METRIC_FIELDS)}
        product = charge.product_id.product_tmpl_id
        nothing = {"id": 0, "name": charge.name, "default_code": charge.code, "fusion_lago_id": False}
        return {**values, "add_on": row(product, PRODUCT_FIELDS) if product else nothing}

    # metrics, coupons, taxes

    def find_metric(self, service, _query, code):
        metric = self._coded(service, "fusion.billing.metric", "billable_metric", code)
        return {"billable_metric": catalog.metric(row(metric, METRIC_FIELDS))}

    def list_metrics(self, service, query):
        return self._own_page(
            service,
            "fusion.billing.metric",
            query,
            "billable_metrics",
            lambda metric: catalog.metric(row(metric, METRIC_FIELDS), listed=True),
        )

    def find_coupon(self, service, _query, code):
        return {"coupon": self._coupon(self._coded(service, "fusion.billing.coupon", "coupon", code))}

    def list_coupons(self, service, query):
        order = "terminated_at desc nulls first, create_date desc, id desc"
        return self._own_page(service, "fusion.billing.coupon", query, "coupons", self._coupon, order)

    @staticmethod
    def _coupon(coupon):
        return catalog.coupon(row(coupon, COUPON_FIELDS), coupon.currency_id.name or None)

    def find_tax(self, service, _query, code):
        tax = self._coded(service, "fusion.billing.tax", "tax", code)
        return {"tax": catalog.tax(row(tax, TAX_FIELDS))}

    def list_taxes(self, service, query):
        shape = lambda tax: catalog.tax(row(tax, TAX_FIELDS), listed=True)  # noqa: E731
        return self._own_page(service, "fusion.billing.tax", query, "taxes", shape)

    def _taxes_by_code(self):
        taxes = self.env["fusion.billing.tax"].sudo().search([("company_id", "=", self.env.company.id)])
        return {tax["code"]: tax for tax in taxes.read(TAX_FIELDS)}

    def _coded(self, service, model, resource, code):
        """The company's record with this code, the newest if a terminated one has it too; or Lago's 404."""
        domain = [("company_id", "=", service.company_id.id), ("code", "=", str(code))]
        found = self.env[model].sudo().search(domain, order="id desc", limit=1)
        if not found:
            raise answers.not_found(resource)
        return found

    def _own_page(self, service, model, query, name, shape, order="create_date desc, id desc"):
        return self._page(model, [("company_id", "=", service.company_id.id)], query, name, shape, order)

    # webhooks

    def json_public_key(self, _service, _query):
        """The key that checks webhooks signed as JWT."""
        return {"webhook": {"public_key": self.env["fusion.billing.webhook"].sudo().public_key()}}

    def public_key(self, _service, _query):
        """The same as bare text: how old applications fetch it."""
        return self.env["fusion.billing.webhook"].sudo().public_key()
