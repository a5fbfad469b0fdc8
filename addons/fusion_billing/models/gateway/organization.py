"""Who bills: the company, as Lago's organization and its only billing entity; and where its webhooks go."""

from urllib.parse import urlsplit

from odoo import models

from ...api import answers, catalog, texts

ALGORITHMS = ("hmac", "jwt")


class Organization(models.AbstractModel):
    _inherit = "fusion.billing.gateway"

    def find_organization(self, service, _query):
        company, url = service.company_id, service.sudo().webhook_url or None
        shown = self._company(company)
        return {
            "organization": {
                "lago_id": self._organization_id(company),
                "name": company.name,
                "slug": self._entity_code(company).replace("_", "-"),
                "default_currency": company.currency_id.name,
                "created_at": answers.seconds(company.create_date),
                "webhook_url": url,
                "webhook_urls": [url] if url else [],
                **shown,
                "billing_configuration": {"invoice_footer": None, "invoice_grace_period": company.fusion_grace_days,
                                          "document_locale": self._locale(company)},
                "events_store": "postgres",
            }
        }  # fmt: skip

    def list_billing_entities(self, service, _query):
        return {"billing_entities": [self._billing_entity(service.company_id)]}

    def find_billing_entity(self, service, _query, code):
        if code != self._entity_code(service.company_id):
            raise answers.not_found("billing_entity")
        taxes = [catalog.tax(row) for row in self._taxes_by_code().values() if row["applied_by_default"]]
        shown = self._billing_entity(service.company_id)
        return {"billing_entity": {**shown, "taxes": taxes, "selected_invoice_custom_sections": []}}

    def _billing_entity(self, company):
        return {
            "lago_id": answers.stable_id("billing_entity", company.id),
            "code": self._entity_code(company),
            "name": company.name,
            "default_currency": company.currency_id.name,
            "created_at": answers.seconds(company.create_date),
            "updated_at": answers.seconds(company.write_date),
            **self._company(company),
            "einvoicing": False,
            "invoice_footer": None,
            "invoice_grace_period": company.fusion_grace_days,
            "subscription_invoice_issuing_date_adjustment": "align_with_finalization_date",
            "subscription_invoice_issuing_date_anchor": "next_period_start",
            "document_locale": self._locale(company),
            "is_default": True,
            "eu_tax_management": False,
            "logo_url": None,
        }

    def _company(self, company):
        partner = company.partner_id
        return {
            **self._address(partner),
            "email": company.email or None,
            "phone": company.phone or None,
            "legal_name": company.name,
            "legal_number": company.company_registry or None,
            "timezone": partner.tz or "UTC",
            "net_payment_term": 0,
            "email_settings": [],
            "document_numbering": "per_organization",
            "document_number_prefix": "INV",
            "tax_identification_number": company.vat or None,
            "finalize_zero_amount_invoice": True,
        }

    @staticmethod
    def _organization_id(company):
        return answers.stable_id("organization", company.id)

    @staticmethod
    def _locale(company):
        return (company.partner_id.lang or "en").split("_")[0]

    # webhook endpoints: a service has one address

    def list_webhook_endpoints(self, service, query):
        rows = [self._endpoint(service)] if service.sudo().webhook_url else []
        return answers.page_of("webhook_endpoints", rows, query)

    def find_webhook_endpoint(self, service, _query, lago_id):
        return {"webhook_endpoint": self._endpoint(self._with_endpoint(service, lago_id))}

    def create_webhook_endpoint(self, service, body):
        if service.sudo().webhook_url:
            raise answers.invalid({"base": ["exceeded_limit"]})
        return self._save_endpoint(service, body, new=True)

    def update_webhook_endpoint(self, service, body, lago_id):
        return self._save_endpoint(self._with_endpoint(service, lago_id), body)

    def destroy_webhook_endpoint(self, service, _query, lago_id):
        shown = self._endpoint(self._with_endpoint(service, lago_id))
        service.sudo().webhook_url = False
        return {"webhook_endpoint": shown}

    def _save_endpoint(self, service, body, new=False):
        given = answers.root(body, "webhook_endpoint", dict)
        self._refuse(self._endpoint_errors(given, new))
        values = {}
        if given.get("webhook_url"):
            values["webhook_url"] = given["webhook_url"]
        if given.get("signature_algo"):
            values["webhook_algorithm"] = given["signature_algo"]
        service.sudo().write(values)
        return {"webhook_endpoint": self._endpoint(service)}

    @staticmethod
    def _endpoint_errors(given, new):
        errors = texts.too_long(given, ("webhook_url",), texts.ADDRESS)
        url = given.get("webhook_url")
        if new and not url:
            errors["webhook_url"] = ["value_is_mandatory"]
        elif url and not is_address(url):
            errors["webhook_url"] = ["url_invalid"]
        if given.get("signature_algo") not in (None, *ALGORITHMS):
            errors["signature_algo"] = ["value_is_invalid"]
        if given.get("event_types") not in (None, [], ["*"]):
            errors["event_types"] = ["not_supported_by_odoo"]
        return errors

    def _with_endpoint(self, service, lago_id):
        """The service, if that is its address."""
        if not service.sudo().webhook_url or lago_id != answers.stable_id("webhook_endpoint", service.id):
            raise answers.not_found("webhook_endpoint")
        return service

    def _endpoint(self, service):
        own = service.sudo()
        return {
            "lago_id": answers.stable_id("webhook_endpoint", service.id),
            "lago_organization_id": self._organization_id(service.company_id),
            "webhook_url": own.webhook_url,
            "signature_algo": own.webhook_algorithm,
            "name": None,
            "event_types": None,
            "created_at": answers.seconds(service.create_date),
        }


def is_address(text):
    """Whether it is an address on the web; whether it may be called is asked when it is."""
    if not isinstance(text, str):
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
