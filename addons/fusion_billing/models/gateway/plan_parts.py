"""Charges of a plan and of a subscription, one by one, and the prices of their filters."""

from odoo import models

from ...api import answers, catalog

ROOTS = {"usage": ("charge", "charges"), "fixed": ("fixed_charge", "fixed_charges")}


class PlanParts(models.AbstractModel):
    _inherit = "fusion.billing.gateway"

    def list_plan_charges(self, service, query, code):
        return self._listed_charges(self._planned(service, code), "usage", query)

    def find_plan_charge(self, service, _query, code, charge):
        return self._charge_answer(self._charge_of(self._planned(service, code), "usage", charge))

    def list_plan_fixed_charges(self, service, query, code):
        return self._listed_charges(self._planned(service, code), "fixed", query)

    def find_plan_fixed_charge(self, service, _query, code, charge):
        return self._charge_answer(self._charge_of(self._planned(service, code), "fixed", charge))

    def list_plan_filters(self, service, query, code, charge):
        charges = self._planned(service, code)
        return self._listed_filters(self._charge_of(charges, "usage", charge), query)

    def find_plan_filter(self, service, _query, code, charge, lago_id):
        charges = self._planned(service, code)
        return self._filter_of(self._charge_of(charges, "usage", charge), lago_id)

    def list_subscription_charges(self, service, query, external_id):
        return self._listed_charges(self._agreed(service, query, external_id), "usage", query)

    def find_subscription_charge(self, service, query, external_id, charge):
        return self._charge_answer(self._charge_of(self._agreed(service, query, external_id), "usage", charge))

    def list_subscription_fixed_charges(self, service, query, external_id):
        return self._listed_charges(self._agreed(service, query, external_id), "fixed", query)

    def find_subscription_fixed_charge(self, service, query, external_id, charge):
        return self._charge_answer(self._charge_of(self._agreed(service, query, external_id), "fixed", charge))

    def list_subscription_filters(self, service, query, external_id, charge):
        charges = self._agreed(service, query, external_id)
        return self._listed_filters(self._charge_of(charges, "usage", charge), query)

    def find_subscription_filter(self, service, query, external_id, charge, lago_id):
        charges = self._agreed(service, query, external_id)
        return self._filter_of(self._charge_of(charges, "usage", charge), lago_id)

    def list_plan_entitlements(self, service, _query, code):
        """None: Odoo keeps no features of plans."""
        self._offered(service, "plan", code)
        return {"entitlements": []}

    def list_subscription_entitlements(self, service, query, external_id):
        self._found(service, external_id, query.get("subscription_status"))
        return {"entitlements": []}

    def list_features(self, _service, query):
        return answers.empty_page("features", query)

    # records

    def _planned(self, service, code):
        return self._charges(self._offered(service, "plan", code))

    def _agreed(self, service, query, external_id):
        """A subscription's own charges, else those of its plan."""
        order = self._found(service, external_id, query.get("subscription_status"))
        domain = [*self._offer_domain(service, "plan"), ("default_code", "=", order.fusion_plan_code)]
        plan = self.env["product.template"].sudo().search(domain, limit=1, order="id desc")
        return order.fusion_charge_ids or self._charges(plan)

    @staticmethod
    def _charge_of(charges, kind, wanted):
        """The charge of that code, or of that id, or Lago's 404."""
        found = charges.filtered(lambda charge: charge.kind == kind and wanted in (charge.code, charge.fusion_lago_id))
        if not found:
            raise answers.not_found(ROOTS[kind][0])
        return found[0]

    def _listed_charges(self, charges, kind, query):
        shown = [self._charge_shown(charge) for charge in charges.filtered(lambda charge: charge.kind == kind)]
        return answers.page_of(ROOTS[kind][1], shown, query)

    def _charge_answer(self, charge):
        return {ROOTS[charge.kind][0]: self._charge_shown(charge)}

    def _charge_shown(self, charge):
        taxes = self._taxes_by_code()
        if charge.kind == "fixed":
            return catalog.fixed_charge(self._charge_row(charge), taxes)
        plan = charge.plan_id
        currency = charge.order_id.currency_id.name if charge.order_id else self._offer_currency(plan)
        return catalog.charge(self._charge_row(charge), taxes, currency)

    def _listed_filters(self, charge, query):
        return answers.page_of("filters", self._charge_shown(charge)["filters"], query)

    def _filter_of(self, charge, lago_id):
        found = [row for row in self._charge_shown(charge)["filters"] if row["lago_id"] == lago_id]
        if not found:
            raise answers.not_found("charge_filter")
        return {"filter": found[0]}
