"""The knowledge base of a snapshot: indexed once, asked for each invoice that differs. Pure: all was read before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cached_property

from mappings.details import price_cents
from mappings.money import round_float, to_subunits
from mappings.records import Charge, ChargeFilter, FixedCharge, Invoice, Json, Plan, Snapshot, Subscription, Tax
from reconcile.billed import BilledInvoice, BilledLine, LineKey
from reconcile.causes.knowledge import (
    Grounds,
    Knowledge,
    LagoOddities,
    LateUsage,
    LineKnowledge,
    OrderKnowledge,
    OwnLine,
    cannot_rerate,
    grounds_of,
)
from reconcile.causes.moved_charges import moved_here, others_lines
from reconcile.causes.odoo_records import names_of, orders_of, period_givers, suspected_of
from reconcile.causes.own_fields import dates_of_order, price_of_order, prices_of_charge
from reconcile.causes.taxes_held import TaxesHeld, named_tax
from reconcile.causes.terms import renamed
from reconcile.compare.positions import ComparedInvoice, plain
from reconcile.rating.aggregation import Aggregation
from reconcile.rating.charge_models import rate
from reconcile.rating.refusal import RerateRefused
from reconcile.rating.rules import rules_for
from reconcile.rating.taxes import applicable
from reconcile.rerate.billing import Billed
from reconcile.rerate.header_terms import header_terms
from reconcile.rerate.history import History
from reconcile.rerate.lago_calendar import calendar_differences
from reconcile.rerate.occasions import stored_boundaries
from reconcile.rerate.supposed import WhatIf, World
from reconcile.sides.held_terms import EarlyDiscount, Held, HeldOrder
from reconcile.sides.lago import lago_key
from reports.data import LAGO, ODOO, RERATE

Priced = Charge | FixedCharge

# Models whose amount follows from the units of a bucket alone; others need its events.
BY_UNITS = frozenset({"standard", "graduated", "package", "volume", "graduated_percentage"})


class KnowledgeBase:
    """Everything a snapshot tells, indexed once and asked per invoice.

    ``late``: the invoices as they would be if no event had come too late (those of which a line differs).
    ``unmapped``: Lago id of a charge, plan or subscription -> why the migration left it out. ``worlds``: to suppose
    things in; ``held``: what Odoo holds of the orders of what differs.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        late: Mapping[str, BilledInvoice] | None = None,
        unmapped: Mapping[str, str] | None = None,
        worlds: WhatIf | None = None,
        held: Held | None = None,
        tax_codes: Mapping[str, str] | None = None,
        mapped_taxes: Mapping[int, frozenset[str]] | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.unmapped = unmapped or {}
        self.late = late or {}
        self.worlds = worlds
        self.held = held or Held()
        self._taxes_held = TaxesHeld(self.held, tax_codes or {}, mapped_taxes or {})
        self.history = worlds.history if worlds else History(snapshot)

    def grounds(self, invoice: ComparedInvoice) -> Grounds:
        """What the invoice is explained on."""
        shown = self.history.invoices.get(invoice.base.lago_id)
        if shown is None:
            return Grounds(known=self.of(invoice))
        rerate = self.worlds.rerate if self.worlds else cannot_rerate
        return grounds_of(invoice, header_terms(self.history, shown), self.of(invoice), rerate)

    def of(self, invoice: ComparedInvoice) -> Knowledge:
        """What is known of the lines of an invoice that differ, and of the whole of it."""
        lines = {
            position.key: self._line(
                position.key, position.lines.get(RERATE) or position.lines.get(LAGO) or (), invoice
            )
            for position in invoice.positions
            if isinstance(position.key, LineKey) and position.delta_cents
        }
        orders = self._orders(invoice, self.worlds) if self.worlds is not None else None
        shown = self.history.invoices.get(invoice.base.lago_id)
        customer = shown.customer.lago_id if shown and shown.customer else ""
        held = frozenset(applied.coupon_code for applied in self.history.coupons_of.get(customer, ()))
        credited = _credited(shown)
        return Knowledge(lines=lines, tax_sets=self.tax_sets, credited=credited, held=held, orders=orders)

    def _orders(self, compared: ComparedInvoice, worlds: WhatIf) -> OrderKnowledge | None:
        """Odoo's records that differ, and what in Lago's own is odd."""
        history, rules = worlds.history, rules_for(self.snapshot.lago_version)
        invoice = history.invoices.get(compared.base.lago_id)
        if invoice is None or invoice.customer is None:
            return None
        world, odoo = worlds.of(invoice.customer.lago_id), compared.sides.get(ODOO)
        billings = [b for p in invoice.billing_periods if (b := history.billed_on(invoice, p))]
        windows = {line.key: line.window for line in odoo.lines} if odoo else {}
        orders = orders_of(billings, self.held)
        called = names_of(orders)
        suspects = suspected_of(billings, self.held, history, world, self.unmapped, windows)
        return OrderKnowledge(
            rules=rules,
            suspects=suspects,
            givers=period_givers(billings, called, suspects, windows, world),
            read=frozenset(self.held.orders),
            settings=self.held.settings,
            only_odoo=dict(item for b in billings for item in self._only_odoo(b)),
            early=_shared(order.early for order in orders.values()),
            moved_here=moved_here(orders.values(), self.owners),
            strangers=others_lines(orders.values()),
            own_lines=dict(item for order in orders.values() for item in _own_lines(order)),
            names=called,
            taxes=self._taxes_held.of(odoo, orders.values()),
            lago=LagoOddities(
                calendar=tuple(calendar_differences(invoice, history, rules)),
                repeated=_repeated(world),
                todays_taxes=dict(_todays(billings, history)),
            ),
        )

    def _only_odoo(self, billed: Billed) -> Iterator[tuple[str, str]]:
        """Charges of the order that its plan in Lago has not: how lines name them, and where they stand."""
        order = self.held.orders.get(billed.subscription.lago_id)
        if order is None or (
            order.plan and order.plan.sold.plan not in (billed.plan.lago_id, billed.plan.parent_id, "")
        ):
            return  # another plan's charges are a fault of the line that sells it
        of_plan = {name for charge in _priced(billed.plan) for name in (charge.lago_id, charge.lago_parent_id)}
        ids = {row["id"] for row in renamed(billed.plan, billed.subscription.lago_id, order)}
        for row in order.charges:
            if row["id"] in ids:
                continue  # it is one of the plan's, and its own record says so
            if not row["fusion_lago_id"] or row["fusion_lago_id"] not in of_plan:
                yield str(row["fusion_lago_id"] or row["code"]), f"fusion.billing.charge {row['code']} ({row['id']})"

    def _line(self, key: LineKey, lines: tuple[BilledLine, ...], invoice: ComparedInvoice) -> LineKnowledge:
        currency, charge = invoice.base.currency, self.charges.get(key.item)
        behind = None if key.subscription in self.held.orders else self.unmapped.get(key.subscription)
        unmapped = self.unmapped.get(key.item) or behind or ""  # an order that waits stands there as it was
        known = LineKnowledge(unmapped=unmapped, late=self._late_usage(key, lines, invoice.base.lago_id))
        if key.kind == "subscription":
            days = self._other_days(key, invoice.base.lago_id)
            prices, subscription = self._base_prices(key, lines), self.history.subscriptions.get(key.subscription)
            plan = self._plan_of(subscription) if subscription else None
            return replace(
                known,
                prices=prices,
                other_days=days,
                price_at=price_of_order(subscription, plan) if subscription and plan else {},
                dates_at=dates_of_order(self.history, subscription) if subscription else {},
                own_price=self._own_price(key, invoice.base.lago_id),
            )
        if charge is None or key.kind not in ("charge", "fixed_charge"):
            return known
        return replace(
            known,
            reprice=lambda units: self.amount(charge, key, units, currency),
            prices=self._other_prices(charge, key, lines, currency),
            price_at=prices_of_charge(charge, self.owners[charge.lago_id], key),
        )

    def _own_price(self, key: LineKey, lago_id: str) -> int | None:
        """The plan's price that Lago stored with this base fee; None where it stored none, or several fees are it."""
        shown = self.history.invoices.get(lago_id)
        own = [fee for fee in shown.fees if plain(lago_key(fee)) == key] if shown else []
        return price_cents(own[0]) if len(own) == 1 else None

    def _late_usage(self, key: LineKey, lines: tuple[BilledLine, ...], lago_id: str) -> LateUsage | None:
        late = self.late.get(lago_id)
        if late is None or late.refusals:
            return None
        lines_of_key = [line for line in late.lines if plain(line.key) == key]
        cents = sum(line.amount_cents for line in lines_of_key)
        if cents == sum(line.amount_cents for line in lines):
            return None
        events = sum(line.events or 0 for line in lines_of_key) - sum(line.events or 0 for line in lines)
        return LateUsage(cents=cents, events=events)

    # --- prices ---

    @cached_property
    def plans(self) -> Mapping[str, Plan]:
        overrides = (s.plan for s in self.snapshot.subscriptions if s.plan is not None)
        return {plan.lago_id: plan for plan in (*self.snapshot.plans, *overrides)}

    @cached_property
    def charges(self) -> Mapping[str, Priced]:
        return {charge.lago_id: charge for plan in self.plans.values() for charge in _priced(plan)}

    @cached_property
    def owners(self) -> Mapping[str, Plan]:
        """Charge -> its plan."""
        return {charge.lago_id: plan for plan in self.plans.values() for charge in _priced(plan)}

    @cached_property
    def relatives(self) -> Mapping[str, list[Priced]]:
        """Charge -> the one it overrides and those that override it."""
        charges_by_id: dict[str, list[Priced]] = defaultdict(list)
        for charge in self.charges.values():
            parent = self.charges.get(charge.lago_parent_id or "")
            if parent is not None:
                charges_by_id[charge.lago_id].append(parent)
                charges_by_id[parent.lago_id].append(charge)
        return charges_by_id

    def amount(self, charge: Priced, key: LineKey, units: Decimal, currency: str) -> int | None:
        """Cents of ``units`` at a charge's price; None where units alone do not tell."""
        properties = _properties(charge, self._filter_values(key))
        if properties is None or charge.charge_model not in BY_UNITS or charge.prorated:
            return None
        if isinstance(charge, Charge) and (charge.applied_pricing_unit or charge.pay_in_advance):
            return None
        usage = Aggregation(units=units, full_units=units, current_usage_units=units, events_count=1)
        try:
            rules = rules_for(self.snapshot.lago_version)
            rated = rate(charge.charge_model, properties, usage, currency=currency, rules=rules)
        except RerateRefused:
            return None
        return to_subunits(rated.amount, currency)

    def _filter_values(self, key: LineKey) -> Mapping[str, tuple[str, ...]] | None:
        """Values of the filter of a line; None if it has none."""
        if not key.filter:
            return None
        charge = self.charges.get(key.item)
        filters = charge.filters if isinstance(charge, Charge) else ()
        return next((f.values for f in filters if f.lago_id == key.filter), {})

    def _other_prices(
        self, charge: Priced, key: LineKey, lines: tuple[BilledLine, ...], currency: str
    ) -> dict[str, int]:
        if len(lines) != 1 or lines[0].units is None:
            return {}
        charged = self.amount(charge, key, lines[0].units, currency)
        cents_by_owner = {}
        for other in self.relatives.get(charge.lago_id, ()):
            cents = self.amount(other, key, lines[0].units, currency)
            if cents is not None and charged is not None and cents != charged:
                cents_by_owner[_owner(self.owners[other.lago_id])] = cents
        return cents_by_owner

    def _base_prices(self, key: LineKey, lines: tuple[BilledLine, ...]) -> dict[str, int]:
        """Prices of related plans and of today, for a period that was billed in full."""
        subscription = self.history.subscriptions.get(key.subscription)
        billed = sum(line.amount_cents for line in lines)
        if subscription is None or billed not in self._prices_once.get(key.subscription, ()):
            return {}
        of_code, todays = self._plans_by_code.get(subscription.plan_code, []), self._plan_of(subscription)
        related = [todays, self.plans.get(todays.parent_id or ""), *of_code] if todays else []
        return {_owner(plan): plan.amount_cents for plan in related if plan and plan.amount_cents != billed}

    def _plan_of(self, subscription: Subscription) -> Plan | None:
        return subscription.plan or next(iter(self._plans_by_code.get(subscription.plan_code, [])), None)

    @cached_property
    def _plans_by_code(self) -> Mapping[str, list[Plan]]:
        by_code: dict[str, list[Plan]] = defaultdict(list)
        for plan in self.snapshot.plans:
            by_code[plan.code].append(plan)
        return by_code

    @cached_property
    def _prices_once(self) -> Mapping[str, set[int]]:
        """Subscription -> the prices that Lago noted with its fees when it billed them."""
        prices: dict[str, set[int]] = defaultdict(set)
        for fee in self.snapshot.fees:
            price = price_cents(fee) if fee.lago_subscription_id else None
            if fee.lago_subscription_id and price is not None:
                prices[fee.lago_subscription_id].add(price)
        return prices

    # --- dates ---

    def _other_days(self, key: LineKey, lago_id: str) -> dict[str, int]:
        """The base fee for every other number of days of its period, as Lago prorates: days / days of the period."""
        invoice = self.history.invoices.get(lago_id)
        billings = self.history.billings(invoice) if invoice else ()
        billed = next((b for b in billings if b.subscription.lago_id == key.subscription), None)
        if billed is None:
            return {}
        days = stored_boundaries(self.history, billed).subscription_days
        price = self.history.price_then(billed.subscription, billed.plan, billed.invoice.created_at)
        return {f"{n} / {days}": round_float(price / days * n) for n in range(1, days + 1)}

    # --- taxes ---

    @cached_property
    def tax_sets(self) -> Mapping[str, tuple[Tax, ...]]:
        """The sets of taxes that this seller charges, by name, and none at all."""
        taxes_by_text: dict[str, tuple[Tax, ...]] = {}
        for fee in self.snapshot.fees:
            taxes = tuple(named_tax(tax.tax_code, tax.tax_rate) for tax in fee.applied_taxes)
            if taxes:
                taxes_by_text[" + ".join(f"{tax.code} {tax.rate}%" for tax in taxes)] = taxes
        return taxes_by_text


def _own_lines(order: HeldOrder) -> Iterator[tuple[str, OwnLine]]:
    """The lines of an order that the migration made, as Odoo's invoice names them."""
    for number, charge in order.lines.items():
        name = str(order.row["name"])
        yield f"sale.order.line,{number}", OwnLine(f"sale.order.line {name} ({number})", charge, name)


def _repeated(world: World) -> int:
    """How many events of the world are there under a name that another one of the subscription has."""
    columns = (world.events.column(name).to_pylist() for name in ("external_subscription_id", "transaction_id"))
    names = list(zip(*columns, strict=True))
    return len(names) - len(set(names))


def _todays(billings: Sequence[Billed], history: History) -> Iterator[tuple[LineKey, tuple[Tax, ...]]]:
    """The taxes that Lago would put on its lines today: assignments have no history."""
    for billed in billings:
        of_customer, entity = history.customer_taxes(billed.invoice)
        items: tuple[Priced, ...] = (*billed.plan.charges, *history.fixed_charges(billed))
        charges = {item.lago_id: item for item in items}
        for fee in billed.invoice.fees:
            if fee.lago_subscription_id == billed.subscription.lago_id:
                charge = charges.get(fee.lago_charge_id or fee.lago_fixed_charge_id or "")
                taxes = applicable(charge.taxes if charge else (), billed.plan.taxes, of_customer, entity)
                yield lago_key(fee), taxes


def _shared(terms: Iterable[EarlyDiscount | None]) -> tuple[EarlyDiscount, ...]:
    """The one that all have."""
    different = set(terms)
    return tuple(early for early in different if early and len(different) == 1)


def _priced(plan: Plan) -> list[Priced]:
    return [*plan.charges, *plan.fixed_charges]


def _owner(plan: Plan) -> str:
    return f"{plan.code} (override)" if plan.parent_id else plan.code


def _properties(charge: Priced, values: Mapping[str, tuple[str, ...]] | None) -> Json | None:
    """Prices of a charge, or of its filter with these values; None if it has no such filter."""
    if values is None:
        return charge.properties
    filters: tuple[ChargeFilter, ...] = charge.filters if isinstance(charge, Charge) else ()
    return next((f.properties for f in filters if f.values == values), None)


def _credited(invoice: Invoice | None) -> dict[str, tuple[int, ...]]:
    """What coupons took off an invoice of Lago's, credit by credit, by their codes."""
    credited: dict[str, tuple[int, ...]] = {}
    for credit in invoice.credits if invoice else ():
        if credit.item.type == "coupon":
            code = credit.item.code or ""
            credited[code] = (*credited.get(code, ()), credit.amount_cents)
    return credited
