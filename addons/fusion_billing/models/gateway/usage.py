"""The usage of the running period."""

from odoo import models

from ...api import answers
from ...api.usage import customer_usage
from ...rating import running, usage_of
from ..gathered import Gathered
from ..lifecycle import now_exactly


class Usage(models.AbstractModel):
    _inherit = "fusion.billing.gateway"

    def current_usage(self, service, query, external_id):
        """Usage of the running period; taxes as Odoo computes them on the amounts so far."""
        link = self._link(service, external_id)
        orders = self._orders(service, query.get("external_subscription_id") or "")
        order = orders.filtered(lambda o: o.fusion_account_id == link and self._status(o) == "active")[:1]
        if not order:
            raise answers.not_allowed("no_active_subscription")
        now = now_exactly()
        gathered = Gathered(order)  # without usage: most of it is summed where it lies
        given = gathered.billing(order.id, now, "")
        period = running(given["order"], given["charges"], given["metrics"], now)
        if period is None:
            raise answers.not_allowed("no_active_subscription")
        events = self.env["fusion.billing.usage"].sudo()
        usage = usage_of(period, *events._of_running(order.company_id, order.fusion_external_id, period, service))
        usage = self._asked_usage(usage, query)
        taxes = 0 if query.get("apply_taxes") == "false" else self._usage_taxes(order, usage, gathered)
        return {"customer_usage": customer_usage(usage, taxes)}

    def _asked_usage(self, usage, query):
        """Only the charges asked for: by id, by code, by metric."""
        wanted = (("charge_id", "charge", "lago_id"), ("charge_code", "charge", "code"),
                  ("billable_metric_code", "billable_metric", "code"))  # fmt: skip
        charges = usage["charges_usage"]
        for name, part, field in wanted:
            value = query.get(name) or query.get(f"filter_by_{name}")
            charges = [charge for charge in charges if not value or charge[part][field] == value]
        return {**usage, "charges_usage": charges, "amount_cents": sum(charge["amount_cents"] for charge in charges)}

    def _usage_taxes(self, order, usage, gathered):
        currency, total = order.currency_id, 0.0
        for charge in usage["charges_usage"]:
            row = gathered.charge(order.id, charge["charge"]["lago_id"])
            taxes = self.env["account.tax"].browse(gathered.taxes(order.id, row)).sudo()
            amount = currency._fusion_units(charge["amount_cents"])
            found = taxes.compute_all(amount, currency=currency, rounding_method="round_globally")["taxes"]
            total += sum(tax["amount"] for tax in found)
        return currency._fusion_cents(currency.round(total))
