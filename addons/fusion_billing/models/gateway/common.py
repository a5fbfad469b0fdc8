"""What every resource of the Lago-shaped API needs: its service's records, pages. One file per resource beside this."""

import re

from odoo import models

from ...api import answers


class FusionBillingGateway(models.AbstractModel):
    _name = "fusion.billing.gateway"
    _description = "Lago-shaped API"

    def _links(self, service, external_id):
        return (
            self.env["fusion.billing.account.link"]
            .sudo()
            .search([("service_id", "=", service.id), ("external_id", "=", external_id)])
        )

    def _currency(self, code):
        currencies = self.env["res.currency"].sudo().with_context(active_test=False)
        return currencies.search([("name", "=", str(code))], limit=1)

    def _country(self, code):
        return self.env["res.country"].sudo().search([("code", "=", str(code).upper())], limit=1)

    def _orders(self, service, external_id):
        """The service's subscriptions of that id: another service may use the same one."""
        domain = [("fusion_external_id", "=", external_id), ("fusion_service_id", "=", service.id)]
        return self.env["sale.order"].sudo().search(domain, order="fusion_started_at desc, id desc")

    @staticmethod
    def _entity_code(company):
        """Lago's billing entity: the company."""
        return re.sub(r"[^a-z0-9]+", "_", company.name.lower()).strip("_")

    def _page(self, model, domain, query, name, shape, order):
        number, per_page = answers.page(query)
        records = self.env[model].sudo()
        found = records.search(domain, offset=(number - 1) * per_page, limit=per_page, order=order)
        return {
            name: [shape(record) for record in found],
            "meta": answers.meta(number, per_page, records.search_count(domain)),
        }
