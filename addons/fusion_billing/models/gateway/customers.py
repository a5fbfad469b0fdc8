"""Customers: a service's link to a partner."""

import zoneinfo

from odoo import models

from ...api import answers


class Customers(models.AbstractModel):
    _inherit = "fusion.billing.gateway"

    def upsert_customer(self, service, body):
        given = answers.root(body, "customer", dict)
        external_id = str(given.get("external_id") or "").strip()
        link = self._links(service, external_id) if external_id else None
        self._check_customer(given, external_id)
        values = self._partner_values(given)
        if link:
            link.partner_id.write(values)
        else:
            partner = self.env["res.partner"].sudo().create({"name": external_id, **values})
            link = self.env["fusion.billing.account.link"].sudo().create(
                {"service_id": service.id, "partner_id": partner.id, "external_id": external_id,
                 "company_id": service.company_id.id}
            )  # fmt: skip
        link.write(self._link_values(given))
        return {"customer": self._customer(link)}

    def find_customer(self, service, _query, external_id):
        link = self._links(service, external_id)
        if not link:
            raise answers.not_found("customer")
        return {"customer": self._customer(link)}

    def list_customers(self, service, query):
        domain = [("service_id", "=", service.id)]
        if query.get("external_id"):
            domain.append(("external_id", "=", query["external_id"]))
        return self._page("fusion.billing.account.link", domain, query, "customers", self._customer, "id desc")

    def _check_customer(self, given, external_id):
        errors = {}
        if not external_id:
            errors["external_id"] = ["value_is_mandatory"]
        if given.get("currency") and not self._currency(given["currency"]):
            errors["currency"] = ["value_is_invalid"]
        if given.get("timezone") and given["timezone"] not in zoneinfo.available_timezones():
            errors["timezone"] = ["value_is_invalid"]
        if given.get("country") and not self._country(given["country"]):
            errors["country"] = ["country_code_invalid"]
        if errors:
            raise answers.invalid(errors)

    def _partner_values(self, given):
        """Only what was given: an upsert leaves the rest alone."""
        names = {
            "name": "name", "email": "email", "phone": "phone", "address_line1": "street", "address_line2": "street2",
            "zipcode": "zip", "city": "city", "tax_identification_number": "vat", "url": "website",
            "legal_number": "company_registry",
        }  # fmt: skip
        values = {field: given[name] or False for name, field in names.items() if name in given}
        if not values.get("name"):
            values.pop("name", None)
        if given.get("country"):
            values["country_id"] = self._country(given["country"]).id
        return values

    def _link_values(self, given):
        values = {}
        if given.get("currency"):
            values["currency_id"] = self._currency(given["currency"]).id
        if given.get("timezone"):
            values["timezone"] = given["timezone"]
        return values

    def _customer(self, link):
        partner = link.partner_id
        address = {"address_line1": partner.street or None, "address_line2": partner.street2 or None,
                   "city": partner.city or None, "zipcode": partner.zip or None,
                   "state": partner.state_id.name or None, "country": partner.country_id.code or None}  # fmt: skip
        return {
            "lago_id": link.fusion_lago_id,
            "external_id": link.external_id,
            "account_type": "customer",
            "name": partner.name,
            "customer_type": "company" if partner.is_company else None,
            "sequential_id": link.id,
            "slug": f"{link.service_id.code.upper()}-{link.id}",
            "created_at": answers.seconds(link.create_date),
            "updated_at": answers.seconds(max(link.write_date, partner.write_date)),
            **address,
            "email": partner.email or None,
            "phone": partner.phone or None,
            "url": partner.website or None,
            "legal_number": partner.company_registry or None,
            "tax_identification_number": partner.vat or None,
            "currency": link.currency_id.name or None,
            "timezone": link.timezone or None,
            "applicable_timezone": link.timezone or "UTC",
            "finalize_zero_amount_invoice": "inherit",
            "billing_configuration": {"invoice_grace_period": link.grace_days or None},
            "metadata": [],
        }
