"""Which application a plan or an add-on belongs to (finance's table), and who is a customer of which."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mappings.context import Context
from mappings.target import Desired, Phase, Ref, Source, xid


@dataclass(frozen=True, slots=True, order=True)
class Service:
    """One of the company's services; reports add up by it."""

    code: str
    name: str

    @property
    def ref(self) -> Ref:
        return Ref(xid("service", self.code))


def service_of(context: Context, code: str) -> Service:
    """The service of a plan or add-on code; what the table does not claim belongs to the organization itself."""
    entry = context.tables.service(code)
    return Service(entry.code, entry.name) if entry else own_service(context)


def own_service(context: Context) -> Service:
    """The service named after the organization."""
    name = context.snapshot.organization.name.strip() or "Lago"
    return Service(re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_") or "lago", name)


def services_by_customer(context: Context) -> dict[str, tuple[Service, ...]]:
    """Lago customer id -> the services whose plans they hold or whose add-ons they bought, in order of code.

    The company's own service where they have none; none of who has nothing but subscriptions that cannot be read.
    """
    codes: dict[str, set[str]] = {lago_id: set() for lago_id in context.customers}
    for subscription in context.snapshot.subscriptions:
        codes.setdefault(subscription.lago_customer_id, set()).add(subscription.plan_code)
    for invoice in context.snapshot.invoices:
        if invoice.customer is not None:
            bought = {fee.item.code for fee in invoice.fees if fee.item.type == "add_on" and fee.item.code}
            codes.setdefault(invoice.customer.lago_id, set()).update(bought)
    unread = {record.customer_id for record in context.snapshot.quarantined if record.resource == "subscriptions"}
    return {key: _services(context, used) if used or key not in unread else () for key, used in codes.items()}


def services(context: Context) -> Iterator[Desired]:
    """One ``fusion.billing.service`` for every service that has plans or customers."""
    if not context.target.addon:
        return
    used = {service_of(context, plan.code) for plan in context.plans.values()}
    used.update(*services_by_customer(context).values())
    for service in sorted(used):
        yield Desired(
            phase=Phase.CATALOG,
            model="fusion.billing.service",
            xid=service.ref.xid,
            values={"name": service.name, "code": service.code},
            source=Source("service", service.code),
        )


def _services(context: Context, codes: set[str]) -> tuple[Service, ...]:
    return tuple(sorted({service_of(context, code) for code in codes})) or (own_service(context),)
