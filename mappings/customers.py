"""Customers -> partners with their contacts, their terms of payment, and their account in each service.

A deleted customer still has invoices, perhaps unpaid: it becomes an archived partner. Addresses: Lago's own is where
invoices go; a shipping address that differs becomes a delivery contact, a person named on a company an invoice contact.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from mappings.context import Context, Problem, partner_ref, state_code
from mappings.names import contact_name, customer_name, is_company, language
from mappings.payment_terms import term_gap, term_ref
from mappings.records import Address, Customer
from mappings.services import Service, services_by_customer
from mappings.target import Desired, Find, Mapped, Phase, Ref, Source, Value, xid
from mappings.taxes import line_taxes
from mappings.text import composed, json_text

_STATE_CODE = re.compile(r"[A-Z0-9]{1,3}")


def customers(context: Context) -> Iterator[Mapped]:
    """Every customer, in the order of Lago's ids: partner, contacts, accounts; or why not."""
    services = services_by_customer(context)
    for lago_id, customer in sorted(context.customers.items()):
        problem = context.blocked.get(lago_id)
        if problem:
            yield problem.skips(Phase.CUSTOMERS, source(customer), customer.external_id)
        else:
            yield from _customer(context, customer, services[lago_id])


def source(customer: Customer) -> Source:
    """How a customer is called to people."""
    label = customer.external_id + (f" (deleted, {customer.lago_id[:8]})" if customer.deleted else "")
    return Source("customer", label, customer.lago_id)


def invoice_contact(customer: Customer) -> Ref | None:
    """The person of a company to whom invoices are addressed."""
    if not is_company(customer) or contact_name(customer) in (None, customer_name(customer)):
        return None
    return Ref(xid("customer", customer.lago_id, "invoice"))


def delivery_contact(customer: Customer) -> Ref | None:
    """The shipping address, where it says something else than the customer's own."""
    shipping = customer.shipping_address
    if shipping is None or shipping == Address() or shipping == _own_address(customer):
        return None
    return Ref(xid("customer", customer.lago_id, "delivery"))


def _customer(context: Context, customer: Customer, services: tuple[Service, ...]) -> Iterator[Mapped]:
    yield _partner(context, customer)
    yield from _contacts(context, customer)
    yield from (_link(context, customer, service) for service in services if context.target.addon)
    for problem in _gaps(context, customer):
        yield problem.skips(Phase.CUSTOMERS, source(customer), customer.external_id)


def _partner(context: Context, customer: Customer) -> Desired:
    values: dict[str, Value] = {
        "name": customer_name(customer),
        "ref": customer.external_id,
        "is_company": is_company(customer),
        "active": not customer.deleted,
        "vat": customer.tax_identification_number or None,
        "company_registry": customer.legal_number or None,
        "email": customer.email or None,
        "phone": customer.phone or None,
        "website": customer.url or None,
        "tz": customer.applicable_timezone,
        "comment": _comment(customer),
        "customer_rank": 1,
        **_address(context, _own_address(customer)),
    }
    if term := term_ref(context, customer):
        values["property_payment_term_id"] = term
    if customer.currency and context.currency_problem(customer.currency) is None:
        values["specific_property_product_pricelist"] = pricelist_ref(customer.currency)
    if _language(context, customer):
        values["lang"] = _language(context, customer)
    return Desired(
        phase=Phase.CUSTOMERS,
        model="res.partner",
        xid=partner_ref(customer.lago_id).xid,
        values=values,
        source=source(customer),
        customer=customer.external_id,
        once=frozenset({"customer_rank"}),
        existing=_existing(context, customer),
    )


def _existing(context: Context, customer: Customer) -> int | None:
    """The partner of Odoo's that finance says it is; a wrong one has been refused before."""
    decision = None if customer.deleted else context.tables.partners.get(composed(customer.external_id))
    return decision if isinstance(decision, int) else None


def pricelist_ref(currency: str) -> Ref:
    """The price list through which orders are in this currency."""
    return Ref(xid("pricelist", currency.upper()))


def _contacts(context: Context, customer: Customer) -> Iterator[Desired]:
    invoice, delivery = invoice_contact(customer), delivery_contact(customer)
    if invoice:
        yield _contact(
            customer, invoice, {"type": "invoice", "name": contact_name(customer), "email": customer.email or None}
        )
    if delivery and customer.shipping_address:
        shipping = customer.shipping_address
        yield _contact(customer, delivery, {"type": "delivery", **_address(context, shipping)})


def _contact(customer: Customer, ref: Ref, values: dict[str, Value]) -> Desired:
    return Desired(
        phase=Phase.CUSTOMERS,
        model="res.partner",
        xid=ref.xid,
        values={"parent_id": partner_ref(customer.lago_id), "active": not customer.deleted, **values},
        source=source(customer),
        customer=customer.external_id,
    )


def account_ref(lago_customer_id: str, service: Service) -> Ref:
    """The customer's account at the service."""
    return Ref(xid("account", lago_customer_id, service.code))


def account_of(context: Context, customer: Customer, service: Service) -> dict[str, Value]:
    """Whose an order is, whatever becomes of the contact: an older addon has no place for the account."""
    if not context.has("sale.order", "fusion_account_id"):
        return {"fusion_service_id": service.ref}
    return {"fusion_service_id": service.ref, "fusion_account_id": account_ref(customer.lago_id, service)}


def _link(context: Context, customer: Customer, service: Service) -> Desired:
    return Desired(
        phase=Phase.CUSTOMERS,
        model="fusion.billing.account.link",
        xid=account_ref(customer.lago_id, service).xid,
        values={
            "service_id": service.ref,
            "partner_id": partner_ref(customer.lago_id),
            "external_id": customer.external_id,
            "fusion_lago_id": customer.lago_id,
            "timezone": customer.applicable_timezone,
            "currency_id": Ref(f"base.{customer.currency.upper()}") if customer.currency else None,
            "grace_days": _grace_days(context, customer),
            "finalize_zero": _finalize_zero(context, customer),
            **_api_values(context, customer),
        },
        source=source(customer),
        customer=customer.external_id,
    )


def _api_values(context: Context, customer: Customer) -> dict[str, Value]:
    """What the addon's API shows and new subscriptions take; an older addon has no place for it."""
    if not context.has("fusion.billing.account.link", "details"):
        return {}
    taxes = line_taxes(context, customer, None, ())
    return {
        "details": json_text(details) if (details := _details(customer)) else None,
        "tax_ids": () if isinstance(taxes, Problem) else taxes,
        "active": not customer.deleted,
    }


def _inherited(customer: Customer) -> list[str]:
    """What Odoo holds in the customer's own place, and is the billing entity's."""
    has_term = customer.net_payment_term is not None or customer.payment_term is not None
    has = {"timezone": customer.timezone is not None, "net_payment_term": has_term}
    return [name for name, is_own in has.items() if not is_own]


def _details(customer: Customer) -> dict[str, object]:
    """What Odoo has no field for, as docs/design/addon-fields.md names it."""
    billing = customer.billing_configuration
    configuration = {
        "payment_provider": billing.payment_provider,
        "payment_provider_code": billing.payment_provider_code,
        "provider_customer_id": billing.provider_customer_id,
        "provider_payment_methods": billing.provider_payment_methods,
        "document_locale": billing.document_locale,
    }
    details: dict[str, object] = {
        "firstname": customer.firstname,
        "lastname": customer.lastname,
        "legal_name": customer.legal_name,
        "customer_type": customer.customer_type,
        "state": customer.state,
        "shipping_state": customer.shipping_address.state if customer.shipping_address else None,
        "inherited": _inherited(customer),
        "finalize_zero_amount_invoice": customer.finalize_zero_amount_invoice,
        "billing_configuration": {name: value for name, value in configuration.items() if value},
        "metadata": [{"key": item.key, "value": item.value or ""} for item in customer.metadata],
        "tax_codes": [tax.code for tax in customer.taxes],
    }
    return {name: value for name, value in details.items() if value}


def _gaps(context: Context, customer: Customer) -> Iterator[Problem]:
    locale = customer.billing_configuration.document_locale
    if locale and not _language(context, customer):
        yield Problem("language_not_installed", f"documents are in {locale}: install that language in Odoo")
    if customer.state and _state(context, _own_address(customer)) is None:
        detail = f"state {customer.state!r} of {customer.country or 'no country'} is not looked up in Odoo"
        detail += f": see [states] in {context.tables.name}"
        yield Problem("state_not_linked", detail)
    named = {s.external_customer_id for s in context.held.get(customer.lago_id, ())} - {customer.external_id, ""}
    if named:
        others = ", ".join(map(repr, sorted(named)))
        detail = f"is {customer.external_id!r} in Lago's list and {others} to its subscriptions"
        yield Problem("external_id_contradicts", f"{detail}: extract again, or correct it in Lago")
    if term := term_gap(context, customer):
        yield term
    if customer.integration_customers:
        yield Problem(
            "integration_customer", "is linked to a tax, accounting or CRM provider in Lago: link it in Odoo by hand"
        )


def _own_address(customer: Customer) -> Address:
    return Address(
        address_line1=customer.address_line1,
        address_line2=customer.address_line2,
        city=customer.city,
        zipcode=customer.zipcode,
        state=customer.state,
        country=customer.country,
    )


def _address(context: Context, address: Address) -> dict[str, Value]:
    return {
        "street": address.address_line1 or None,
        "street2": address.address_line2 or None,
        "city": address.city or None,
        "zip": address.zipcode or None,
        "country_id": _country(address.country) if address.country else None,
        "state_id": _state(context, address),
    }


def _country(code: str) -> Ref:
    return Ref("base." + {"GB": "uk"}.get(code.upper(), code.lower()))  # Odoo's one exception to ISO 3166


def _state(context: Context, address: Address) -> Find | None:
    country = (address.country or "").upper()
    code = state_code(country, address.state, context.tables)
    linked = country == "CA" or country in context.tables.countries
    if not linked or code is None or not _STATE_CODE.fullmatch(code):
        return None
    hint = f"Odoo has no state {code} in {country}: correct it in Lago, or add it in Odoo under Contacts, Fed. States"
    return Find("res.country.state", (("country_id.code", "=", country), ("code", "=", code)), hint)


def _language(context: Context, customer: Customer) -> str | None:
    locale = customer.billing_configuration.document_locale
    if not locale:
        return None
    return language(locale, customer.country, context.target.languages, context.tables.languages)


def _comment(customer: Customer) -> str | None:
    """The metadata, one paragraph each. HTML, so every text is escaped."""
    items = (f"<p>{escape(m.key, quote=False)}: {escape(m.value or '', quote=False)}</p>" for m in customer.metadata)
    return "".join(items) or None


def _grace_days(context: Context, customer: Customer) -> int:
    own = customer.billing_configuration.invoice_grace_period
    return own if own is not None else context.entity.invoice_grace_period if context.entity else 0


def _finalize_zero(context: Context, customer: Customer) -> bool:
    if customer.finalize_zero_amount_invoice == "inherit":
        return context.entity.finalize_zero_amount_invoice if context.entity else True
    return customer.finalize_zero_amount_invoice == "finalize"
