"""The re-rate of Lago's invoices from plans, subscriptions, coupons, taxes and raw events: the third vote.

    rerate(snapshot, events)  ->  a function: Lago's invoices -> the same invoices, re-rated

Lago's stored boundaries are used (facts §0.1), and only events that Lago could know when it computed the invoice. Every
line that cannot be recomputed is a named refusal; an invoice with one has no totals. All usage of all invoices asked
for is aggregated in one go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from mappings.money import round_float, to_subunits
from mappings.period import (
    Boundaries,
    Contract,
    Window,
    boundaries,
    days_between,
    local_date,
    run_at,
)
from mappings.records import BillableMetric, Charge, Fee, FixedCharge, Invoice, Snapshot, Subscription, Tax
from reconcile.advance import pay_in_advance_fees
from reconcile.bill import Bill, Line, bill
from reconcile.commitment import commitment_fee
from reconcile.facts import lago_key, lago_line
from reconcile.fees import ChargeFee, fees_of, is_billed
from reconcile.fixed_charges import FixedFee, UnitsChange, advance_fee, fixed_fee, without_paid
from reconcile.history import (
    IN_ADVANCE,
    Billed,
    History,
    base_fees,
    fee_window,
    fixed_window,
    subscription_window,
    usage_window,
)
from reconcile.lines import BilledInvoice, BilledLine, LineKey, Refusal, Totals
from reconcile.parts import Occasion, has_base_fee, has_charges, in_month_of_base_fee
from reconcile.refusal import Refused
from reconcile.rules import Rules, rules_for
from reconcile.subscription_fee import History as FeeHistory
from reconcile.subscription_fee import PlanPrice, subscription_fee
from reconcile.taxes import applicable
from reconcile.usage import EventSource, aggregate
from reconcile.windows import ChargeWindow, Demand

Progress = Callable[[str, int, int], None]
NOT_RATED = {  # invoice types that no usage and no plan explains
    "advance_charges": "its fees were paid before, one by one",
    "progressive_billing": "usage thresholds are not re-rated",
    "add_on": "a type of Lago before its version 0.30",
}
TAX_PROVIDERS = ("anrok", "avalara")


def rerate(
    snapshot: Snapshot,
    events: Path | EventSource,
    *,
    late: bool = False,
    progress: Progress = lambda what, done, total: None,
) -> Callable[[Sequence[BilledInvoice]], Mapping[str, BilledInvoice]]:
    """A function that re-rates Lago's invoices (by their ids) from ``snapshot`` and its usage ``events``.

    ``late`` counts events too that arrived after the invoice was final: what would have been billed had they come in
    time. It explains differences; it is no vote.
    """

    def again(lago: Sequence[BilledInvoice]) -> dict[str, BilledInvoice]:
        if isinstance(events, EventSource):
            return _rerate_all(History(snapshot, late=late), events, lago, progress)
        with EventSource.from_parquet(events) as source:
            return _rerate_all(History(snapshot, late=late), source, lago, progress)

    return again


def _rerate_all(
    history: History, source: EventSource, lago: Sequence[BilledInvoice], progress: Progress
) -> dict[str, BilledInvoice]:
    rules = rules_for(history.snapshot.lago_version)
    work = Work(history=history, source=source, rules=rules, premium=history.premium)
    drafts = [work.draft(invoice) for invoice in lago]
    usage = work.usage([demand for draft in drafts for demand in draft.demands])
    found: dict[str, BilledInvoice] = {}
    for done, draft in enumerate(drafts):
        found[draft.shown.lago_id] = work.invoice(draft, usage)
        progress("re-rate", done + 1, len(drafts))
    return found


Usage = Mapping[int, "tuple[ChargeFee, ...] | Refused"]  # by id() of the demand


@dataclass(slots=True)
class Draft:
    """An invoice before its usage is known: its billings, and the questions to usage that each of them asks."""

    shown: BilledInvoice
    invoice: Invoice
    asked: list[tuple[Billed, Demand]] = field(default_factory=list)

    @property
    def demands(self) -> Iterator[Demand]:
        return (demand for _, demand in self.asked)


@dataclass(slots=True)
class Made:
    """Lines and refusals of one invoice."""

    lines: list[Line] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    def refuse(self, refused: Refused, where: str) -> None:
        detail = f"{where}: {refused.detail}" if refused.detail else where
        self.refusals.append(Refusal(reason=refused.reason, detail=detail))


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What re-rating needs at hand."""

    history: History
    source: EventSource
    rules: Rules
    premium: bool = True

    # --- questions to usage ---

    def draft(self, shown: BilledInvoice) -> Draft:
        draft = Draft(shown=shown, invoice=self.history.invoices[shown.lago_id])
        for one in self.billings(draft.invoice):
            if one.period.invoicing_reason != IN_ADVANCE:
                draft.asked.extend((one, demand) for demand in self.demands(one))
        return draft

    def billings(self, invoice: Invoice) -> Iterator[Billed]:
        for period in invoice.billing_periods:
            one = self.history.billed_on(invoice, period)
            if one is not None:
                yield one

    def demands(self, one: Billed) -> Iterator[Demand]:
        if not has_charges(self.occasion(one)):
            return
        for charge in self.history.charges(one):
            metric = self.history.metrics.get(charge.lago_billable_metric_id)
            if metric is not None:
                demand = Demand(window=self.charge_window(one, charge, metric), charge=charge, metric=metric)
                if is_billed(demand):
                    yield demand

    def usage(self, demands: Sequence[Demand]) -> Usage:
        found: dict[int, tuple[ChargeFee, ...] | Refused] = {}
        for index, buckets in aggregate(self.source, demands, rules=self.rules):
            demand = demands[index]
            try:
                if isinstance(buckets, Refused):
                    raise buckets
                found[id(demand)] = fees_of(demand, buckets, rules=self.rules, premium=self.premium)
            except Refused as refused:
                found[id(demand)] = refused
        return found

    def charge_window(self, one: Billed, charge: Charge, metric: BillableMetric) -> ChargeWindow:
        contract, usage = self.occasion(one).contract, usage_window(one.period)
        assert usage is not None  # noqa: S101 - has_charges said so
        following = self.history.following(one.subscription) if contract.terminated_at else None
        next_charges = following.plan.charges if following and following.plan else ()
        carries = metric.recurring and metric.aggregation_type == "weighted_sum_agg"
        return ChargeWindow(
            external_subscription_id=one.subscription.external_id,
            charges_from=usage.start,
            charges_to=usage.end,
            charges_duration=self.stored(one).charges_days,
            currency=one.invoice.currency,
            timezone=contract.timezone,
            terminated=contract.terminated_at is not None,
            terminated_by_upgrade=contract.terminated_at is not None and contract.upgraded,
            next_metrics=frozenset(charge.billable_metric_code for charge in next_charges),
            known_until=self.history.known_until(one.invoice),
            carry=self.history.carry(one, charge) if carries else None,
        )

    # --- the occasion ---

    def stored(self, one: Billed) -> Boundaries:
        """The boundaries Lago stored, with the lengths of the periods they lie in."""
        contract = self.contract(one)
        run = run_at(contract, one.invoice.created_at)
        charges, fixed = run.family(contract.charges_monthly), run.family(contract.fixed_charges_monthly)
        window = subscription_window(one.period) or Window(one.invoice.created_at, one.invoice.created_at)
        usage, fixed_usage = usage_window(one.period), fixed_window(one.period)
        return Boundaries(
            subscription=window,
            subscription_days=contract.cycle().days(_day(window, contract.timezone)),
            charges=usage,
            charges_days=charges.cycle.days(_day(usage, contract.timezone)) if usage else 1,
            fixed_charges=fixed_usage,
            fixed_charges_days=fixed.cycle.days(_day(fixed_usage, contract.timezone)) if fixed_usage else 1,
        )

    def contract(self, one: Billed) -> Contract:
        return self.history.contract(one.subscription, one.plan, self.timezone(one.invoice), one.invoice.created_at)

    def timezone(self, invoice: Invoice) -> str:
        customer = self.history.customer(invoice)
        return customer.applicable_timezone if customer else "UTC"

    def occasion(self, one: Billed) -> Occasion:
        history, earlier = self.history, self.history.earlier(one)
        contract = self.contract(one)
        previous = history.previous(one.subscription)
        starting = one.period.invoicing_reason == "subscription_starting"
        return Occasion(
            contract=contract,
            boundaries=self.stored(one),
            billing_at=one.invoice.created_at,
            invoice_created_at=one.invoice.created_at,
            created_at=one.subscription.created_at,
            initial_started_at=history.initial_started_at(one.subscription),
            trial_days=one.plan.trial_period or Decimal(0),
            has_previous=previous is not None,
            previous_upgraded=previous is not None and self._upgraded(previous),
            is_first_invoice=not earlier,
            base_fee_moments=base_fees(earlier),
            starts_fixed_only=starting and not one.plan.pay_in_advance,
        )

    def _upgraded(self, previous: Subscription) -> bool:
        old = previous.plan
        if old is None or previous.terminated_at is None:
            return False
        return self.history.contract(previous, old, "UTC", previous.terminated_at).upgraded

    # --- lines ---

    def invoice(self, draft: Draft, usage: Usage) -> BilledInvoice:
        made = Made()
        try:
            self._lines(draft, usage, made)
        except Refused as refused:
            made.refuse(refused, draft.invoice.number)
        return self._finished(draft, made)

    def _lines(self, draft: Draft, usage: Usage, made: Made) -> None:
        invoice = draft.invoice
        if invoice.invoice_type in NOT_RATED:
            raise Refused(f"{invoice.invoice_type}_invoice", NOT_RATED[invoice.invoice_type])
        if any(fee.lago_original_fee_id for fee in invoice.fees):
            raise Refused("regenerated_invoice", "its fees were copied from a voided invoice, not computed")
        if invoice.invoice_type in ("one_off", "credit"):
            made.lines.extend(self.single_lines(invoice))
            return
        for one in self.billings(invoice):
            if one.period.invoicing_reason == IN_ADVANCE:
                self.advance_lines(one, made)
                continue
            self.base_line(one, made)
            for billed, demand in draft.asked:
                if billed is one or billed.period is one.period:
                    self.charge_lines(one, demand, usage[id(demand)], made)
            self.fixed_lines(one, made)
            self.commitment_line(one, made)
        self._unexplained(draft, made)

    def base_line(self, one: Billed, made: Made) -> None:
        occasion = self.occasion(one)
        window = subscription_window(one.period)
        if window is None or not has_base_fee(occasion):
            return
        fee = subscription_fee(
            occasion.contract,
            PlanPrice(
                amount_cents=self.history.price_then(one.subscription, one.plan, one.invoice.created_at),
                trial_days=occasion.trial_days,
            ),
            window,
            one.invoice.created_at,
            FeeHistory(
                created_at=occasion.created_at,
                initial_started_at=occasion.initial_started_at,
                has_earlier_fee=bool(occasion.base_fee_moments),
                has_previous=occasion.has_previous,
                previous_upgraded=occasion.previous_upgraded,
                is_first_invoice=occasion.is_first_invoice,
            ),
            self.rules,
        )
        made.lines.append(
            self.line(
                one,
                LineKey(subscription=one.subscription.lago_id, kind="subscription", item=""),
                amount_cents=fee.amount_cents,
                precise_cents=fee.precise_cents,
                units=Decimal(1),
                steps=fee.steps(one.invoice.currency),
            )
        )

    def charge_lines(self, one: Billed, demand: Demand, fees: tuple[ChargeFee, ...] | Refused, made: Made) -> None:
        if isinstance(fees, Refused):
            made.refuse(fees, f"charge {demand.charge.code or demand.metric.code} of {one.subscription.external_id}")
            return
        made.lines.extend(self.charge_line(one, fee) for fee in fees)

    def charge_line(self, one: Billed, fee: ChargeFee, event: str = "") -> Line:
        return self.line(
            one,
            LineKey(
                subscription=one.subscription.lago_id,
                kind="true_up" if fee.true_up else "charge",
                item=fee.charge.lago_id,
                filter=fee.filter.lago_id if fee.filter else "",
                group=tuple(sorted((key, value or "") for key, value in fee.grouped_by)),
                event=event,
            ),
            metric_code=fee.charge.billable_metric_code,
            taxes=fee.charge.taxes,
            amount_cents=fee.amount_cents,
            precise_cents=fee.precise_amount_cents,
            units=fee.units,
            events=fee.events_count,
            steps=fee.steps,
        )

    def line(
        self, one: Billed, key: LineKey, *, taxes: Sequence[Tax] = (), metric_code: str | None = None, **values: object
    ) -> Line:
        """A line with the taxes Lago stored for it: assignments have no history. Unknown to Lago: today's."""
        stored = self._stored_taxes(one.invoice).get(key)
        own, entity = self.history.customer_taxes(one.invoice)
        today = applicable(taxes, one.plan.taxes, own, entity)
        return Line(
            key=key,
            plan_code=one.plan.code,
            metric_code=metric_code,
            taxes=today if stored is None else stored,
            **values,  # type: ignore[arg-type]
        )

    def _stored_taxes(self, invoice: Invoice) -> dict[LineKey, tuple[Tax, ...]]:
        return {lago_key(fee): self.history.fee_taxes(fee) for fee in invoice.fees}

    def fixed_lines(self, one: Billed, made: Made) -> None:
        contract, created = self.contract(one), one.invoice.created_at
        running = boundaries(contract, created, current_usage=True)
        for charge in self.history.fixed_charges(one):
            key = LineKey(subscription=one.subscription.lago_id, kind="fixed_charge", item=charge.lago_id)
            stored = next((fee for fee in one.invoice.fees if lago_key(fee) == key), None)
            if charge.pay_in_advance:
                if contract.terminated_at is not None:
                    continue
                window, days = running.fixed_charges, running.fixed_charges_days
            else:
                if one.period.invoicing_reason == "subscription_starting":
                    continue
                found = self.stored(one)
                window, days = found.fixed_charges, found.fixed_charges_days
            window = (fee_window(stored) if stored else None) or window
            if window is None or window.start >= window.end:
                continue
            try:
                fee = self.fixed(one, charge, stored, window, days)
            except Refused as refused:
                made.refuse(refused, f"fixed charge {charge.code or charge.add_on_code}")
                continue
            if fee.is_stored:
                made.lines.append(self.fixed_line(one, key, charge, fee))

    def fixed(self, one: Billed, charge: FixedCharge, stored: Fee | None, window: Window, days: int) -> FixedFee:
        """Units have no history in the API: those Lago stored with the fee, or today's, if they held all the time."""
        units = charge.units if stored is None else stored.units
        seen = {
            fee.units
            for other in self.history.billed.get(one.subscription.lago_id, ())
            for fee in other.invoice.fees
            if fee.lago_fixed_charge_id == charge.lago_id
        }
        if charge.prorated and not charge.pay_in_advance and len(seen | {units}) > 1:
            raise Refused("fixed_charge_units_history", "its units changed, and the API does not say when")
        change = UnitsChange(units=units, effective_at=window.start, created_at=window.start)
        fee = fixed_fee(charge, [change], window, days, self.timezone(one.invoice), one.invoice.currency)
        paid = self._paid_before_upgrade(one, charge, window) if charge.prorated and charge.pay_in_advance else None
        if paid is None:
            return fee
        return without_paid(fee, paid, days_between(window.start, window.end, self.timezone(one.invoice)), days)

    def _paid_before_upgrade(self, one: Billed, charge: FixedCharge, window: Window) -> int | None:
        """What the replaced subscription was paid in advance for the same add-on, over the start of this one."""
        previous = self.history.previous(one.subscription)
        if previous is None or window.start != one.subscription.started_at:
            return None
        same = {old.lago_id for old in (previous.fixed_charges or ()) if old.add_on_code == charge.add_on_code}
        paid = [
            fee.amount_cents
            for old in self.history.billed.get(previous.lago_id, ())
            for fee in old.invoice.fees
            if fee.lago_fixed_charge_id in same
            and (spent := fee_window(fee)) is not None
            and spent.start <= window.start <= spent.end
        ]
        return paid[-1] if paid else None

    def fixed_line(self, one: Billed, key: LineKey, charge: FixedCharge, fee: FixedFee) -> Line:
        return self.line(
            one,
            key,
            taxes=charge.taxes,
            amount_cents=fee.money.amount_cents,
            precise_cents=fee.money.precise_amount_cents,
            units=fee.units,
            steps=fee.steps,
        )

    def commitment_line(self, one: Billed, made: Made) -> None:
        try:
            self._commitment_line(one, made)
        except Refused as refused:
            made.refuse(refused, f"commitment of {one.subscription.external_id}")

    def _commitment_line(self, one: Billed, made: Made) -> None:
        commitment, occasion = one.plan.minimum_commitment, self.occasion(one)
        if commitment is None or not in_month_of_base_fee(occasion):
            return
        contract, window = occasion.contract, subscription_window(one.period)
        if window is None or (contract.pay_in_advance and not contract.terminated_at and occasion.is_first_invoice):
            return
        counted, period_of = self._committed(one, made)
        days_of = window if contract.terminated_at else period_of
        found = commitment_fee(
            commitment.amount_cents,
            days_between(days_of.start, days_of.end, contract.timezone),
            contract.cycle().days(_day(days_of, contract.timezone)),
            sum(cents for cents, _ in counted),
            sum((precise for _, precise in counted), Decimal(0)),
            rules=self.rules,
        )
        if found is not None:
            made.lines.append(
                self.line(
                    one,
                    LineKey(subscription=one.subscription.lago_id, kind="commitment", item=""),
                    taxes=commitment.taxes,
                    amount_cents=found.amount_cents,
                    precise_cents=found.precise_cents,
                    units=Decimal(1),
                    steps=found.steps(one.invoice.currency),
                )
            )

    def _committed(self, one: Billed, made: Made) -> tuple[list[tuple[int, Decimal]], Window]:
        """Fees that count towards the commitment, and the period that they are of (in advance: the last one paid)."""
        own = [
            (line.amount_cents, line.precise_cents)
            for line in made.lines
            if line.key.subscription == one.subscription.lago_id
            and not (one.plan.pay_in_advance and line.key.kind == "subscription")
        ]
        window = subscription_window(one.period)
        assert window is not None  # noqa: S101 - the caller looked
        earlier = [old for old in self.history.earlier(one) if base_fees([old])]
        if one.plan.pay_in_advance and earlier:
            window = subscription_window(earlier[-1].period) or window
        others = [
            (line.amount_cents, line.precise_cents or Decimal(line.amount_cents))
            for old in self.history.earlier(one)
            for fee in old.invoice.fees
            if fee.lago_subscription_id == one.subscription.lago_id
            and fee.item.type != "commitment"
            and (spent := fee_window(fee)) is not None
            and window.start <= spent.start
            and spent.end <= window.end
            for line in (lago_line(fee),)
        ]
        return [*own, *others], window

    # --- paid in advance ---

    def advance_lines(self, one: Billed, made: Made) -> None:
        """The invoice of one event of a pay-in-advance charge, or of fixed charges paid in advance."""
        for fee in one.invoice.fees:
            if fee.lago_subscription_id != one.subscription.lago_id:
                continue
            try:
                made.lines.append(self.advance_line(one, fee))
            except Refused as refused:
                made.refuse(refused, f"fee {fee.lago_id}")

    def advance_line(self, one: Billed, stored: Fee) -> Line:
        window = fee_window(stored)
        if window is None:
            raise Refused("fee_without_period", "Lago stored no period with it")
        if stored.item.type == "fixed_charge":
            return self._advance_fixed(one, stored, window)
        charge = next((c for c in one.plan.charges if c.lago_id == stored.lago_charge_id), None)
        metric = self.history.metrics.get(charge.lago_billable_metric_id) if charge else None
        if charge is None or metric is None:
            raise Refused("charge_deleted", "its charge is not in the plan any more")
        demand = Demand(window=self._event_window(one, window), charge=charge, metric=metric)
        for fee in pay_in_advance_fees(self.source, demand, rules=self.rules, premium=self.premium):
            if fee.transaction_id == stored.event_transaction_id:
                return self.charge_line(one, fee, event=stored.event_transaction_id or "")
        raise Refused("event_missing", f"event {stored.event_transaction_id} is not among the events of the period")

    def _event_window(self, one: Billed, window: Window) -> ChargeWindow:
        days = self.stored(replace_period(one, window)).charges_days
        return ChargeWindow(
            external_subscription_id=one.subscription.external_id,
            charges_from=window.start,
            charges_to=window.end,
            charges_duration=days,
            currency=one.invoice.currency,
            timezone=self.timezone(one.invoice),
        )

    def _advance_fixed(self, one: Billed, stored: Fee, window: Window) -> Line:
        charge = next((c for c in self.history.fixed_charges(one) if c.lago_id == stored.lago_fixed_charge_id), None)
        if charge is None:
            raise Refused("charge_deleted", "its fixed charge is not in the plan any more")
        contract = self.contract(one)
        days = boundaries(contract, one.invoice.created_at, current_usage=True).fixed_charges_days
        since = max(window.start, one.invoice.created_at - timedelta(seconds=1))
        fee = advance_fee(charge, Decimal(0), stored.units, since, window, days, one.invoice.currency)
        return self.fixed_line(one, lago_key(stored), charge, fee)

    # --- without a subscription ---

    def single_lines(self, invoice: Invoice) -> Iterator[Line]:
        """One-off fees (units × unit price, units as a double) and bought credits (the wallet transaction's amount)."""
        bought = {
            transaction.lago_id: transaction
            for transaction in self.history.snapshot.wallet_transactions
            if transaction.lago_invoice_id == invoice.lago_id
        }
        for fee in invoice.fees:
            if fee.item.type == "credit":
                transaction = bought.get(fee.item.lago_item_id or "")
                if transaction is None:
                    raise Refused("wallet_transaction_missing", f"fee {fee.lago_id}")
                cents = to_subunits(transaction.amount, invoice.currency)
            else:
                unit_cents = to_subunits(fee.precise_unit_amount or Decimal(0), invoice.currency)
                cents = round_float(unit_cents * float(fee.units))
            yield Line(
                key=lago_key(fee),
                plan_code="",
                amount_cents=cents,
                precise_cents=Decimal(cents),
                units=fee.units,
                taxes=self.history.fee_taxes(fee),
            )

    # --- the whole invoice ---

    def _unexplained(self, draft: Draft, made: Made) -> None:
        """Fees of Lago that nothing in today's catalog can give are named, not silently left out."""
        mine = {line.key for line in made.lines}
        for one in self.billings(draft.invoice):
            for fee in draft.invoice.fees:
                if fee.lago_subscription_id == one.subscription.lago_id and lago_key(fee) not in mine:
                    gone = self._gone(one, fee)
                    if gone is not None:
                        made.refuse(gone, f"fee {fee.lago_id}")

    def _gone(self, one: Billed, fee: Fee) -> Refused | None:
        """Why today's catalog does not have what a fee was for; None if it has."""
        fixed = {charge.lago_id for charge in self.history.fixed_charges(one)}
        if fee.lago_fixed_charge_id is not None and fee.lago_fixed_charge_id not in fixed:
            return Refused("charge_deleted", "its fixed charge is not in the plan any more")
        if fee.lago_charge_id is None:
            return None
        charge = next((c for c in self.history.charges(one) if c.lago_id == fee.lago_charge_id), None)
        if charge is None:
            return Refused("charge_deleted", "its charge is not in the plan any more")
        if charge.lago_billable_metric_id not in self.history.metrics:
            return Refused("metric_deleted", "its metric is not in the catalog any more")
        filters = {one.lago_id for one in charge.filters}
        if fee.lago_charge_filter_id is not None and fee.lago_charge_filter_id not in filters:
            return Refused("filter_deleted", "its charge does not have this filter any more")
        return None

    def _finished(self, draft: Draft, made: Made) -> BilledInvoice:
        invoice = draft.invoice
        known = {period.lago_subscription_id for period in invoice.billing_periods}
        missing = known - {one.subscription.lago_id for one in self.billings(invoice)}
        made.refusals.extend(
            Refusal(reason="subscription_missing", detail=f"{lago_id} or its plan is not in the snapshot")
            for lago_id in sorted(missing)
        )
        if self._provider_taxes(invoice):
            made.refusals.append(Refusal(reason="provider_taxes", detail="a tax provider computed its taxes"))
        if invoice.progressive_billing_credit_amount_cents:
            # Lago takes it off fee by fee before taxes, and its API tells the sum only (facts §6.2, §7.2).
            detail = "the credit of an earlier progressive invoice is not known fee by fee"
            made.refusals.append(Refusal(reason="progressive_credit", detail=detail))
        coupons = self.history.held_coupons(invoice) if invoice.invoice_type == "subscription" else ()
        bills = bill(
            made.lines,
            invoice.currency,
            coupons=coupons,
            progressive_cents=invoice.progressive_billing_credit_amount_cents,
            draft=invoice.status == "draft",
        )
        return replace(
            draft.shown,
            lines=tuple(billed_line(fee.line, fee.taxed.amount_cents) for fee in bills.fees),
            totals=None if made.refusals else totals(bills, invoice),
            refusals=tuple(made.refusals),
        )

    def _provider_taxes(self, invoice: Invoice) -> bool:
        customer = self.history.customer(invoice)
        integrations = customer.integration_customers if customer else ()
        return any(str(one.get("integration_type") or one.get("type")) in TAX_PROVIDERS for one in integrations)


def billed_line(line: Line, tax_cents: int) -> BilledLine:
    return BilledLine(
        key=line.key,
        amount_cents=line.amount_cents,
        units=line.units,
        events=line.events,
        precise_cents=line.precise_cents,
        tax_cents=tax_cents,
        source="re-rate",
        steps=line.steps,
    )


def totals(bills: Bill, invoice: Invoice) -> Totals:
    """Our header. Credit notes and prepaid credits are taken as recorded: they are payments of other days."""
    return Totals(
        fees_cents=bills.fees_cents,
        coupons_cents=bills.coupons.total_cents,
        net_cents=bills.net_cents,
        tax_cents=bills.taxed.amount_cents,
        gross_cents=bills.gross_cents,
        credit_notes_cents=invoice.credit_notes_amount_cents,
        prepaid_cents=invoice.prepaid_credit_amount_cents,
        total_cents=bills.gross_cents - invoice.credit_notes_amount_cents - invoice.prepaid_credit_amount_cents,
        taxes={tax.code: tax.amount_cents for tax in bills.taxed.taxes},
    )


def replace_period(one: Billed, window: Window) -> Billed:
    """The same billing with another usage window."""
    period = replace(one.period, charges_from_datetime=window.start, charges_to_datetime=window.end)
    return replace(one, period=period)


def _day(window: Window, timezone: str) -> date:
    """A day of the period that a window lies in: its middle, which another time zone does not move out of it."""
    return local_date(window.start + (window.end - window.start) / 2, timezone)
