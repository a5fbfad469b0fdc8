"""What is known about the lines of a differing invoice, so that causes can be proposed: other prices, late events...

Hints claim nothing. A cause built on one is accepted only if the invoice computed again under it hits the difference.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cached_property

from mappings.money import round_float, to_subunits
from mappings.records import Charge, ChargeFilter, FixedCharge, Json, Plan, Snapshot
from reconcile.classify import SUSPECTS
from reconcile.compare import ComparedInvoice, plain
from reconcile.control import calendar_differences
from reconcile.facts import lago_key
from reconcile.held import Held
from reconcile.history import Billed, History
from reconcile.lines import BilledInvoice, BilledLine, LineKey
from reconcile.rate import Aggregation, rate
from reconcile.refusal import Refused
from reconcile.rerate import Work
from reconcile.rules import rules_for
from reconcile.suspects import suspects
from reconcile.taxes import applicable
from reconcile.usage import EventSource
from reconcile.whatif import LineTax
from reconcile.world import World, Worlds

Hint = Mapping[str, object]
Priced = Charge | FixedCharge
TAXES = LineKey("", "tax", "")  # under this key: name of a set of taxes -> the taxes

# Models whose amount follows from the units of a bucket alone; others need its events.
BY_UNITS = frozenset({"standard", "graduated", "package", "volume", "graduated_percentage"})


class Known:
    """Everything a snapshot tells, indexed once and asked per invoice.

    ``late``: the invoices as they would be if no event had come too late (computed when first asked for).
    ``unmapped``: Lago id of a charge, plan or subscription -> why the migration left it out.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        late: Callable[[], Mapping[str, BilledInvoice]] = dict,
        unmapped: Mapping[str, str] | None = None,
        worlds: Worlds | None = None,
        held: Held | None = None,
        tax_codes: Mapping[str, str] | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.unmapped = unmapped or {}
        self.worlds = worlds
        self.held = held or Held()
        self.tax_codes = tax_codes or {}
        self._late = late

    def __call__(self, invoice: ComparedInvoice) -> dict[LineKey, Hint]:
        """Hints for the lines of an invoice that differ, and the sets of taxes that are in use."""
        hints: dict[LineKey, dict[str, object]] = {TAXES: dict(self.tax_sets)}
        if self.worlds is not None:
            hints[SUSPECTS] = dict(self._whole(invoice, self.worlds))
        for position in invoice.positions:
            if isinstance(position.key, LineKey) and position.delta_cents:
                lines = position.lines.get("rerate") or position.lines.get("lago") or ()
                hints[position.key] = dict(self._line(position.key, lines, invoice))
        return dict(hints)

    def _whole(self, compared: ComparedInvoice, worlds: Worlds) -> Iterator[tuple[str, object]]:
        """What is known of the whole invoice: Odoo's records that differ, and what in Lago's own is odd."""
        history = worlds.history
        invoice, customer = history.invoices.get(compared.base.lago_id), worlds.customer_of(compared.base.lago_id)
        if invoice is None or customer is None:
            return
        world, rules = worlds.of(customer), rules_for(self.snapshot.lago_version)
        billings = [b for p in invoice.billing_periods if (b := history.billed_on(invoice, p))]
        odoo = compared.sides.get("odoo")
        windows = odoo.facts.get("windows", {}) if odoo else {}
        yield "suspects", suspects(billings, self.held, history, world, self.unmapped, windows)
        yield "read", frozenset(self.held.orders)
        yield "rules", rules
        yield "calendar", "; ".join(calendar_differences(invoice, history, rules))
        yield "repeated", _repeated(world)
        if odoo is not None:
            yield "line_taxes", self._line_taxes(odoo)
        yield "todays_taxes", dict(_todays(billings, history))
        orders = (self.held.orders.get(b.subscription.lago_id) for b in billings)
        yield "away", ", ".join({order.away for order in orders if order and order.away})

    def _line_taxes(self, odoo: BilledInvoice) -> dict[LineKey, tuple[LineTax, ...]]:
        """The taxes on Odoo's lines, by Lago's codes where finance's table has them."""
        taxes = self.held.taxes
        found: dict[LineKey, tuple[LineTax, ...]] = {}
        for key, numbers in odoo.facts.get("line_taxes", {}).items():
            parts = [part for n in numbers if n in taxes for part in taxes[n].parts or (n,)]
            if all(n in taxes for n in numbers):
                found[key] = tuple(
                    LineTax(self.tax_codes.get(taxes[n].name, taxes[n].name), taxes[n].rate) for n in parts
                )
        return found

    def _line(
        self, key: LineKey, lines: tuple[BilledLine, ...], invoice: ComparedInvoice
    ) -> Iterator[tuple[str, object]]:
        reason = self.unmapped.get(key.item) or self.unmapped.get(key.subscription)
        if reason:
            yield "unmapped", reason
        yield from self._late_hint(key, lines, invoice.base.lago_id)
        if key.kind == "subscription":
            yield "prices", self._base_prices(key, lines)
            yield "plan_change", self._other_days(key, invoice.base.lago_id)
        charge = self.charges.get(key.item)
        if charge is not None and key.kind in ("charge", "fixed_charge"):
            currency = invoice.base.currency
            yield "reprice", lambda units: self.amount(charge, key, units, currency)
            yield "prices", self._other_prices(charge, key, lines, currency)

    def _late_hint(self, key: LineKey, lines: tuple[BilledLine, ...], lago_id: str) -> Iterator[tuple[str, object]]:
        late = self.late.get(lago_id)
        if late is None or late.refusals:
            return
        own = [line for line in late.lines if plain(line.key) == key]
        cents = sum(line.amount_cents for line in own)
        if cents != sum(line.amount_cents for line in lines):
            yield "late_cents", cents
            yield "late_events", sum(line.events or 0 for line in own) - sum(line.events or 0 for line in lines)

    @cached_property
    def late(self) -> Mapping[str, BilledInvoice]:
        return self._late()

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
        found: dict[str, list[Priced]] = defaultdict(list)
        for charge in self.charges.values():
            parent = self.charges.get(charge.lago_parent_id or "")
            if parent is not None:
                found[charge.lago_id].append(parent)
                found[parent.lago_id].append(charge)
        return found

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
        except Refused:
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
        own = self.amount(charge, key, lines[0].units, currency)
        found = {}
        for other in self.relatives.get(charge.lago_id, ()):
            cents = self.amount(other, key, lines[0].units, currency)
            if cents is not None and own is not None and cents != own:
                found[_owner(self.owners[other.lago_id])] = cents
        return found

    def _base_prices(self, key: LineKey, lines: tuple[BilledLine, ...]) -> dict[str, int]:
        """Prices of related plans and of today, for a period that was billed in full."""
        subscription = next((s for s in self.snapshot.subscriptions if s.lago_id == key.subscription), None)
        billed = sum(line.amount_cents for line in lines)
        if subscription is None or billed not in self._prices_once(key.subscription):
            return {}
        own = subscription.plan or next((p for p in self.snapshot.plans if p.code == subscription.plan_code), None)
        related = [own, self.plans.get(own.parent_id or "")] if own else []
        related += [p for p in self.snapshot.plans if p.code == subscription.plan_code]
        return {_owner(plan): plan.amount_cents for plan in related if plan and plan.amount_cents != billed}

    def _prices_once(self, subscription: str) -> set[int]:
        """Prices that Lago noted with the subscription's fees when it billed them."""
        return {
            int(fee.amount_details["plan_amount_cents"])
            for fee in self.snapshot.fees
            if fee.lago_subscription_id == subscription and "plan_amount_cents" in fee.amount_details
        }

    # --- dates ---

    @cached_property
    def _work(self) -> Work:
        rules = rules_for(self.snapshot.lago_version)
        return Work(history=History(self.snapshot), source=EventSource.from_events(()), rules=rules)

    def _other_days(self, key: LineKey, lago_id: str) -> dict[str, int]:
        """The base fee for every other number of days of its period, as Lago prorates: days / days of the period."""
        invoice = self._work.history.invoices.get(lago_id)
        billed = self._work.billings(invoice) if invoice else ()
        one = next((b for b in billed if b.subscription.lago_id == key.subscription), None)
        if one is None:
            return {}
        days = self._work.stored(one).subscription_days
        price = self._work.history.price_then(one.subscription, one.plan, one.invoice.created_at)
        return {f"{n} / {days}": round_float(price / days * n) for n in range(1, days + 1)}

    # --- taxes ---

    @cached_property
    def tax_sets(self) -> Mapping[str, tuple[LineTax, ...]]:
        """The sets of taxes that this seller charges, by name, and none at all."""
        found: dict[str, tuple[LineTax, ...]] = {}
        for fee in self.snapshot.fees:
            taxes = tuple(LineTax(tax.tax_code, tax.tax_rate) for tax in fee.applied_taxes)
            if taxes:
                found[" + ".join(f"{tax.code} {tax.rate}%" for tax in taxes)] = taxes
        return found


def _repeated(world: World) -> int:
    """How many events of the world are there under a name that another one of the subscription has."""
    columns = (world.events.column(name).to_pylist() for name in ("external_subscription_id", "transaction_id"))
    names = list(zip(*columns, strict=True))
    return len(names) - len(set(names))


def _todays(billings: Sequence[Billed], history: History) -> Iterator[tuple[LineKey, tuple[LineTax, ...]]]:
    """The taxes that Lago would put on its lines today: assignments have no history."""
    for one in billings:
        own, entity = history.customer_taxes(one.invoice)
        items: tuple[Priced, ...] = (*one.plan.charges, *history.fixed_charges(one))
        charges = {item.lago_id: item for item in items}
        for fee in one.invoice.fees:
            if fee.lago_subscription_id == one.subscription.lago_id:
                charge = charges.get(fee.lago_charge_id or fee.lago_fixed_charge_id or "")
                taxes = applicable(charge.taxes if charge else (), one.plan.taxes, own, entity)
                yield lago_key(fee), tuple(LineTax(tax.code, tax.rate) for tax in taxes)


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
