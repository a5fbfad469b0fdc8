"""What things are called: partners, orders, languages. Lago's text passes unchanged, however hostile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mappings.records import Customer, Subscription


def customer_name(customer: Customer) -> str:
    """Name, else legal name, else first and last name, else the external id: Odoo requires one, Lago does not."""
    person = contact_name(customer)
    return next(n for n in (customer.name, customer.legal_name, person, customer.external_id) if n and n.strip())


def contact_name(customer: Customer) -> str | None:
    """First and last name of the person Lago knows, if any."""
    return " ".join(part for part in (customer.firstname, customer.lastname) if part) or None


def is_company(customer: Customer) -> bool:
    """As Lago says; where it does not say, only someone with nothing but a first and last name is a person."""
    if customer.customer_type is not None:
        return customer.customer_type == "company"
    return bool(customer.name or customer.legal_name or customer.tax_identification_number) or not contact_name(
        customer
    )


def order_names(subscriptions: Iterable[Subscription]) -> dict[str, str]:
    """Lago id -> order name. Chains share an external id: the second order is ``LAGO/sub_1/2``, and stays so."""
    seen: dict[str, int] = {}
    names = {}
    for subscription in sorted(subscriptions, key=age):
        number = seen[subscription.external_id] = seen.get(subscription.external_id, 0) + 1
        names[subscription.lago_id] = f"LAGO/{subscription.external_id}" + (f"/{number}" if number > 1 else "")
    return names


def age(subscription: Subscription) -> tuple[object, ...]:
    """Sort key: oldest first, so that an order stands after the one it replaces."""
    return (subscription.created_at, subscription.started_at or subscription.created_at, subscription.lago_id)


def language(
    locale: str, country: str | None, installed: frozenset[str], preferred: Mapping[str, tuple[str, ...]]
) -> str | None:
    """The installed Odoo language for a Lago document locale (``fr``, ``pt-BR``), or None."""
    code = locale.replace("-", "_")
    short = code.split("_", maxsplit=1)[0]
    choices = (code, f"{short}_{(country or '').upper()}", *preferred.get(short, ()))
    others = sorted(code for code in installed if code.split("_")[0] == short)
    return next((code for code in (*choices, *others) if code in installed), None)
