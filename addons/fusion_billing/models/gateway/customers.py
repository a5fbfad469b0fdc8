"""Customers: a service's link to a partner."""

import json
import zoneinfo

from odoo import fields, models
from odoo.fields import Command
from odoo.tools import hash_sign

from ...api import answers, catalog, customers
from ..currency import NOT_KEPT
from ..lifecycle import now_exactly

PORTAL_SCOPE = "fusion_billing.portal"
PORTAL_HOURS = 12
PARTNER_FIELDS = {
    "email": "email",
    "phone": "phone",
    "url": "website",
    "legal_number": "company_registry",
    "tax_identification_number": "vat",
}


class Customers(models.AbstractModel):
    _inherit = "fusion.billing.gateway"

    def upsert_customer(self, service, body):
        given = answers.root(body, "customer", dict)
        external_id = (customers.scalar(given.get("external_id")) or "").strip()
        link = self._links(service, external_id) if external_id else self.env["fusion.billing.account.link"]
        self._check_customer(given, external_id, link)
        return {"customer": self._whole_customer(self._save_customer(service, given, external_id, link))}

    def find_customer(self, service, _query, external_id):
        return {"customer": self._whole_customer(self._link(service, external_id))}

    def list_customers(self, service, query):
        domain = [("service_id", "=", service.id)]
        if query.get("external_id"):
            domain.append(("external_id", "=", query["external_id"]))
        if query.get("search_term"):
            term = query["search_term"]
            domain += ["|", "|", ("external_id", "ilike", term), ("partner_id.name", "ilike", term),
                       ("partner_id.email", "ilike", term)]  # fmt: skip
        if query.get("currencies[]"):
            domain.append(("currency_id.name", "in", query["currencies[]"]))
        if query.get("countries[]"):
            domain.append(("partner_id.country_id.code", "in", query["countries[]"]))
        return self._page("fusion.billing.account.link", domain, query, "customers", self._listed_customer, "id desc")

    def delete_customer(self, service, _query, external_id):
        """Ends what runs, then archives: the customer's invoices stay, and the id may be used again."""
        link = self._link(service, external_id)
        orders = self._orders_of(link)
        for order in orders.filtered(lambda order: self._status(order) == "pending"):
            order._fusion_withdraw()
        for order in orders.filtered(lambda order: self._status(order) == "active"):
            order._fusion_end(now_exactly())
        shown = self._customer(link)
        link.active = False
        self._archive_partner(link.partner_id)
        return {"customer": shown}

    def portal_url(self, service, _query, external_id):
        """A signed address that opens the customer's documents for twelve hours, without a password."""
        link = self._link(service, external_id)
        token = hash_sign(self.sudo().env, PORTAL_SCOPE, link.id, expiration_hours=PORTAL_HOURS)
        return {"customer": {"portal_url": f"{link.get_base_url()}/fusion_billing/portal/{token}"}}

    def checkout_url(self, service, _body, external_id):
        """Lago's answer without a payment provider: Odoo asks for a card on the portal page of a document."""
        self._link(service, external_id)
        raise answers.invalid({"base": ["no_linked_payment_provider"]})

    # records

    def _link(self, service, external_id):
        """The service's own customer, or 404."""
        link = self._links(service, external_id)
        if not link:
            raise answers.not_found("customer")
        return link

    def _orders_of(self, link):
        return self.env["sale.order"].sudo().search([("fusion_account_id", "=", link.id or 0)], order="id")

    def _archive_partner(self, partner):
        """Unless somebody else needs it: another service, a login, or the company itself."""
        needed = self.env["fusion.billing.account.link"].sudo().search_count([("partner_id", "=", partner.id)])
        if not needed and not partner.user_ids and not partner.ref_company_ids:
            (partner | partner.child_ids).active = False

    # what is given

    def _check_customer(self, given, external_id, link):
        errors = customers.shape_errors(given, external_id)
        currency = self._currency(given["currency"]) if given.get("currency") else None
        if given.get("currency") and not currency:
            errors["currency"] = ["value_is_invalid"]
        elif currency and not currency._fusion_keeps():
            errors["currency"] = [NOT_KEPT]
        elif currency and link.currency_id not in (currency, currency.browse()) and self._orders_of(link):
            errors["currency"] = ["currencies_does_not_match"]
        if given.get("timezone") and str(given["timezone"]) not in zoneinfo.available_timezones():
            errors["timezone"] = ["value_is_invalid"]
        if given.get("country") and not self._country(given["country"]):
            errors["country"] = ["country_code_invalid"]
        if errors:
            raise answers.invalid(errors)

    def _save_customer(self, service, given, external_id, link):
        """Create or change partner, contacts and link as the migration would make them."""
        now = answers.seconds(fields.Datetime.now())
        details = customers.details(link.details, given, link.fusion_lago_id or "", now)
        values = self._partner_values(service, given, details, external_id, link)
        if link:
            link.partner_id.write(values)
        else:
            values = {"ref": external_id, "customer_rank": 1, "company_id": False, **values}
            partner = self.env["res.partner"].sudo().create(values)
            link = link.sudo().create(
                {"service_id": service.id, "partner_id": partner.id, "external_id": external_id,
                 "company_id": service.company_id.id}
            )  # fmt: skip
        self._save_contacts(link.partner_id, given, details)
        link.write(
            {**self._link_values(given), "details": json.dumps(details, ensure_ascii=False) if details else False}
        )
        link._fusion_propose()
        return link

    def _partner_values(self, service, given, details, external_id, link):
        """Only what was given: an upsert leaves the rest alone."""
        texts = customers.given_texts(given, ("name", *PARTNER_FIELDS))
        values = {PARTNER_FIELDS[name]: text or False for name, text in texts.items() if name != "name"}
        if "name" in texts or not link:
            values["name"] = customers.display_name(texts.get("name"), details, external_id)
        if "customer_type" in given or not link:
            values["is_company"] = customers.is_company(given, details)
        if given.get("timezone"):
            values["tz"] = given["timezone"]
        if given.get("net_payment_term") is not None:
            values["property_payment_term_id"] = self._payment_term(customers.days(given["net_payment_term"])).id
        if given.get("currency"):
            values["specific_property_product_pricelist"] = self._pricelist(
                service, self._currency(given["currency"])
            ).id
        return {**values, **self._address_values(given, link.partner_id.country_id), **self._language_values(details)}

    def _address_values(self, given, known_country):
        texts = customers.given_texts(given, customers.ADDRESS)
        names = {"address_line1": "street", "address_line2": "street2", "zipcode": "zip", "city": "city"}
        values = {field: texts[name] or False for name, field in names.items() if name in texts}
        country = self._country(texts["country"]) if texts.get("country") else known_country
        if "country" in texts:
            values["country_id"] = country.id if texts["country"] else False
        if "state" in texts:
            values["state_id"] = self._state(country, texts["state"]).id
        return values

    def _state(self, country, text):
        """By code or name; Odoo has no free text for it."""
        states = self.env["res.country.state"].sudo()
        if not text:
            return states
        inside = [("country_id", "=", country.id)] if country else []
        return states.search([*inside, "|", ("code", "=ilike", text), ("name", "=ilike", text)], limit=1)

    def _language_values(self, details):
        """An installed language for the locale of documents, if there is one."""
        locale = (details.get("billing_configuration") or {}).get("document_locale")
        if not locale:
            return {}
        codes = [code for code, _name in self.env["res.lang"].sudo().get_installed()]
        wanted = locale.replace("-", "_")
        found = [code for code in codes if code == wanted] or [
            c for c in codes if c.split("_")[0] == wanted.split("_")[0]
        ]
        return {"lang": found[0]} if found else {}

    def _save_contacts(self, partner, given, details):
        """The person of a company receives the invoices; a shipping address of its own is a delivery contact."""
        person = customers.person(details)
        if partner.is_company and person and person != partner.name:
            self._save_contact(partner, "invoice", {"name": person, "email": partner.email})
        if isinstance(given.get("shipping_address"), dict):
            values = self._address_values(given["shipping_address"], self.env["res.country"])
            if any(values.values()):
                self._save_contact(partner, "delivery", values)
            else:
                partner.child_ids.filtered(lambda contact: contact.type == "delivery").active = False

    def _save_contact(self, partner, kind, values):
        contact = partner.child_ids.filtered(lambda contact: contact.type == kind)[:1]
        if contact:
            contact.write(values)
        else:
            contact.create({"parent_id": partner.id, "type": kind, **values})

    def _link_values(self, given):
        values, sent = {}, customers.configuration(given)
        if given.get("currency"):
            values["currency_id"] = self._currency(given["currency"]).id
        if "timezone" in given:
            values["timezone"] = given["timezone"] or "UTC"
        if "invoice_grace_period" in sent:
            values["grace_days"] = customers.days(sent["invoice_grace_period"]) or 0
        if given.get("finalize_zero_amount_invoice"):
            values["finalize_zero"] = given["finalize_zero_amount_invoice"] != "skip"
        if isinstance(given.get("tax_codes"), list):
            values["tax_ids"] = [Command.set(self._native_taxes(given["tax_codes"]).ids)]
        return values

    def _native_taxes(self, codes):
        """The native taxes behind these codes, or Lago's 404; 422 where finance has named none."""
        found = self.env["fusion.billing.tax"].sudo().search(
            [("code", "in", [str(code) for code in codes]), ("company_id", "=", self.env.company.id)]
        )  # fmt: skip
        if len(found) != len({str(code) for code in codes}):
            raise answers.not_found("tax")
        if not all(tax.tax_ids for tax in found):
            raise answers.invalid({"tax_codes": ["no_native_tax"]})
        return found.tax_ids

    def _payment_term(self, days):
        """Odoo's term of so many days; made where there is none."""
        terms = self.env["account.payment.term"].sudo()
        lines = self.env["account.payment.term.line"].sudo().search(
            [("value", "=", "percent"), ("value_amount", "=", 100), ("delay_type", "=", "days_after"),
             ("nb_days", "=", days), ("payment_id.company_id", "in", (False, self.env.company.id))]
        )  # fmt: skip
        found = lines.payment_id.filtered(lambda term: len(term.line_ids) == 1 and not term.early_discount)[:1]
        line = {"value": "percent", "value_amount": 100, "delay_type": "days_after", "nb_days": days}
        return found or terms.create({"name": f"{days} days", "line_ids": [Command.create(line)]})

    def _pricelist(self, service, currency):
        """The price list through which orders are in this currency; made, and the currency activated, if need be."""
        if not currency.active:
            currency.active = True
        lists = self.env["product.pricelist"].sudo()
        ours = [("currency_id", "=", currency.id), ("company_id", "in", (False, service.company_id.id))]
        plain = lists.search([*ours, ("name", "=", f"Lago {currency.name}")], limit=1)
        return plain or lists.create({"name": f"Lago {currency.name}", "currency_id": currency.id})

    # what is shown

    def _customer(self, link):
        partner, contacts = link.partner_id, link.partner_id.with_context(active_test=False).child_ids
        delivery = contacts.filtered(lambda contact: contact.type == "delivery" and contact.active == partner.active)[
            :1
        ]
        return customers.show(
            {
                "id": link.id,
                "lago_id": link.fusion_lago_id,
                "external_id": link.external_id,
                "service": link.service_id.code,
                "billing_entity_code": self._entity_code(link.company_id),
                "name": partner.name,
                "is_company": partner.is_company,
                "created_at": link.create_date,
                "updated_at": max(link.write_date, partner.write_date),
                "address": self._address(partner),
                "shipping_address": self._address(delivery),
                **{name: partner[field] for name, field in PARTNER_FIELDS.items()},
                "currency": link.currency_id.name,
                "timezone": link.timezone,
                "net_payment_term": self._term_days(partner.property_payment_term_id),
                "finalize_zero": "inherit" if link.finalize_zero else "skip",
                "grace_days": link.grace_days,
                "details": json.loads(link.details or "{}"),
                "states": {"billing": self._state_names(partner), "shipping": self._state_names(delivery)},
            }
        )

    def _whole_customer(self, link):
        return customers.whole(self._customer(link), self._customer_taxes(link, listed=False))

    def _listed_customer(self, link):
        return {**self._customer(link), "taxes": self._customer_taxes(link, listed=True)}

    def _customer_taxes(self, link, listed):
        known = self._taxes_by_code()
        codes = json.loads(link.details or "{}").get("tax_codes") or []
        return [catalog.tax(known[code], listed=listed) for code in codes if code in known]

    @staticmethod
    def _address(partner):
        return {
            "address_line1": partner.street or None,
            "address_line2": partner.street2 or None,
            "city": partner.city or None,
            "zipcode": partner.zip or None,
            "state": partner.state_id.name or None,
            "country": partner.country_id.code or None,
        }

    @staticmethod
    def _state_names(partner):
        state = partner.state_id
        return (state.code, state.name) if state else ()

    @staticmethod
    def _term_days(term):
        """Days of a term of one payment; None where there is none, or it is more than days."""
        line = term.line_ids[:1]
        return line.nb_days if len(term.line_ids) == 1 and line.delay_type == "days_after" else None
