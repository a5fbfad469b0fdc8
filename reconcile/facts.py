"""Lago's and Odoo's billed lines, as the same record. Besides ``usage.py`` the only IO of this folder.

Lago's come from the snapshot. Odoo's come from rerunning its own invoicing (the addon's ``fusion_rerun``) for every
Lago invoice of the period, at Lago's billing moment; nothing is left behind in Odoo unless shadow drafts are asked for.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from mappings.balances import due_cents
from mappings.explain import Step
from mappings.money import CONTEXT, exponent, from_subunits, round_half_up, subunits
from mappings.records import Fee, Invoice, Snapshot
from mappings.target import xid
from migrate.errors import OdooError
from migrate.odoo.protocol import Odoo
from reconcile.coupons import HeldCoupon, rank
from reconcile.history import History
from reconcile.lines import BilledInvoice, BilledLine, LineKey, Refusal, Totals
from reconcile.whatif import Bill, CouponUse, LineTax

ALL = "all"
SETTLED_ELSEWHERE = ("credit_notes", "prepaid")  # in Odoo they are payments of the invoice, not parts of it
RECURRING = ("subscription", "advance_charges", "progressive_billing")  # what subscriptions bill by themselves
BATCH = 200  # orders per call


class OdooFactsError(OdooError):
    """Odoo answered a rerun with something that is no invoice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Billing:
    """One subscription billed by one Lago invoice: when and why."""

    subscription: str  # Lago id
    at: datetime
    reason: str
    event: str = ""  # transaction of a charge paid in advance


# --- Lago --------------------------------------------------------------------------------------------------------


def lago_invoices(
    snapshot: Snapshot, period: str = ALL, customers: frozenset[str] | None = None
) -> tuple[BilledInvoice, ...]:
    """Lago's invoices of a month (``2026-07``, by issuing date, which Lago sets in the customer's time zone).

    Every type and status is in: ``facts["state"]`` and ``facts["type"]`` say which. ``customers`` (external ids)
    limits them to a cohort.
    """
    chosen = [i for i in snapshot.invoices if in_period(i, period)]
    built = (_lago_invoice(invoice, snapshot) for invoice in sorted(chosen, key=_issued))
    return tuple(i for i in built if customers is None or i.customer in customers)


def _issued(invoice: Invoice) -> tuple[Any, ...]:
    return (invoice.issuing_date, invoice.number, invoice.lago_id)


def in_period(invoice: Invoice, period: str) -> bool:
    """Whether an invoice belongs to the month."""
    return period == ALL or invoice.issuing_date.strftime("%Y-%m") == period


def _lago_invoice(invoice: Invoice, snapshot: Snapshot) -> BilledInvoice:
    customer = invoice.customer
    totals, contradiction = _sound(lago_totals(invoice))
    external = customer.external_id if customer else next((f.external_customer_id or "" for f in invoice.fees), "")
    return BilledInvoice(
        lago_id=invoice.lago_id,
        number=invoice.number,
        customer=external,
        currency=invoice.currency,
        issued_on=invoice.issuing_date,
        lines=tuple(lago_line(fee) for fee in invoice.fees),
        totals=totals,
        refusals=contradiction,
        facts={
            "type": invoice.invoice_type,
            "state": invoice.status,
            "customer_name": (customer and (customer.name or customer.legal_name)) or external,
            "billings": billings(invoice),
        },
    )


def _sound(totals: Totals) -> tuple[Totals | None, tuple[Refusal, ...]]:
    """A header that adds up; one that does not is refused, whoever states it."""
    if totals.net_cents + totals.tax_cents == totals.gross_cents:
        return totals, ()
    detail = f"net {totals.net_cents} and tax {totals.tax_cents} (cents) do not make {totals.gross_cents}"
    return None, (Refusal(reason="header-does-not-add-up", detail=detail),)


def billings(invoice: Invoice) -> tuple[Billing, ...]:
    """Every subscription this invoice bills, with its reason and the moment Lago made it.

    An invoice for a charge paid in advance bills one event, and names it.
    """
    events = {f.lago_subscription_id: f.event_transaction_id or "" for f in invoice.fees if f.pay_in_advance}
    return tuple(
        Billing(
            subscription=p.lago_subscription_id,
            at=invoice.created_at,
            reason=p.invoicing_reason or "",
            event=events.get(p.lago_subscription_id, "") if p.invoicing_reason == "in_advance_charge" else "",
        )
        for p in invoice.billing_periods
    )


def lago_line(fee: Fee) -> BilledLine:
    """A fee as a billed line."""
    return BilledLine(
        key=lago_key(fee),
        amount_cents=fee.amount_cents,
        label=_label(fee),
        units=fee.units,
        events=fee.events_count,
        precise_cents=_precise_cents(fee),
        tax_cents=fee.taxes_amount_cents,
        source=f"fee {fee.lago_id}",
        steps=_lago_steps(fee),
    )


def lago_key(fee: Fee) -> LineKey:
    """The stable key of a fee. A subscription's own fee needs no item: a subscription has one plan."""
    kind = fee.item.type
    if kind == "charge" and fee.lago_true_up_parent_fee_id:
        kind = "true_up"
    items = {"subscription": "", "commitment": "", "fixed_charge": fee.lago_fixed_charge_id}
    item = items.get(kind, fee.lago_charge_id or fee.item.lago_item_id)
    return LineKey(
        subscription=fee.lago_subscription_id or "",
        kind=kind,
        item=item or "",
        filter=fee.lago_charge_filter_id or "",
        group=tuple(sorted((key, "" if value is None else str(value)) for key, value in fee.item.grouped_by.items())),
        event=(fee.event_transaction_id or "") if fee.pay_in_advance and fee.item.type == "charge" else "",
    )


def _label(fee: Fee) -> str:
    name = fee.item.invoice_display_name or fee.item.name or fee.item.code or fee.item.type
    details = [fee.item.filter_invoice_display_name, *(str(v) for v in fee.item.grouped_by.values() if v is not None)]
    return " · ".join([name, *(d for d in details if d)])


def _precise_cents(fee: Fee) -> Decimal | None:
    if fee.precise_amount is None:
        return None
    return CONTEXT.multiply(fee.precise_amount, Decimal(subunits(fee.amount_currency)))


def _lago_steps(fee: Fee) -> tuple[Step, ...]:
    """What Lago stored about the amount: units, unit price, and the tiers or parts of ``amount_details``."""
    whole = Step(label="fee", units=fee.units, unit_price=fee.precise_unit_amount, amount=fee.precise_amount)
    return (whole, *_details(fee.amount_details, "", fee.amount_currency))


def _details(details: Any, path: str, currency: str) -> Iterator[Step]:
    if isinstance(details, Mapping) and "total_with_flat_amount" in details:
        yield _tier(path, details)
    elif isinstance(details, Mapping):
        for key, value in details.items():
            yield from _details(value, f"{path}.{key}" if path else str(key), currency)
    elif isinstance(details, list | tuple):
        for place, value in enumerate(details, 1):
            yield from _details(value, f"{path} {place}", currency)
    elif details is not None:
        yield _detail(path, details, currency)


def _tier(path: str, tier: Mapping[str, Any]) -> Step:
    """A tier as one step, like the other sides write it."""
    upper = tier.get("to_value")
    percent = f", {tier['rate']} %" if "rate" in tier else ""
    return Step(
        label=f"{path}: {tier.get('from_value')} to {'∞' if upper is None else upper}{percent}",
        units=_number(tier.get("units")),
        unit_price=_number(tier.get("per_unit_amount")),
        flat=_number(tier.get("flat_unit_amount")),
        amount=_number(tier["total_with_flat_amount"]),
    )


def _detail(path: str, value: Any, currency: str) -> Step:
    """One of Lago's numbers, under the heading that it belongs to: its name tells money, prices, cents and units."""
    number, name = _number(value), path.rsplit(".", 1)[-1]
    if number is None:
        return Step(label=f"{path}: {value}")
    if name.endswith("_cents"):
        return Step(label=path.removesuffix("_cents"), amount=from_subunits(number, currency))
    if name.endswith("unit_amount"):  # per_unit_amount, flat_unit_amount, fixed_fee_unit_amount...
        return Step(label=path, unit_price=number)
    if name.endswith("_amount"):
        return Step(label=path, amount=number)
    return Step(label=f"{path}: {number}") if name == "rate" else Step(label=path, units=number)


def _number(value: Any) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def lago_totals(invoice: Invoice) -> Totals:
    """The header as Lago states it. ``gross`` is before credit notes and prepaid credits."""
    return Totals(
        fees_cents=invoice.fees_amount_cents,
        coupons_cents=invoice.coupons_amount_cents,
        net_cents=invoice.sub_total_excluding_taxes_amount_cents,
        tax_cents=invoice.taxes_amount_cents,
        gross_cents=invoice.sub_total_including_taxes_amount_cents,
        credit_notes_cents=invoice.credit_notes_amount_cents,
        prepaid_cents=invoice.prepaid_credit_amount_cents,
        total_cents=invoice.total_amount_cents,
        taxes={tax.tax_code: tax.amount_cents for tax in invoice.applied_taxes},
    )


def services(snapshot: Snapshot, by_plan: Mapping[str, str] | None = None) -> dict[str, str]:
    """Subscription (Lago id) -> the service it belongs to: finance's name for its plan, else the plan's code."""
    names = by_plan or {}
    return {s.lago_id: names.get(s.plan_code, s.plan_code) for s in snapshot.subscriptions}


def bills(
    snapshot: Snapshot, invoice_ids: Iterable[str], lines: Mapping[str, Sequence[BilledLine]] | None = None
) -> dict[str, Bill]:
    """What each invoice's header follows from: taxes of its lines and the coupons held then (for ``whatif``).

    ``lines``: those of any side, by Lago's invoice id, so that coupons know what else they may reduce.
    """
    history, more = History(snapshot), lines or {}
    return {
        lago_id: bill_of(history, history.invoices[lago_id], more.get(lago_id, ()))
        for lago_id in invoice_ids
        if lago_id in history.invoices
    }


def bill_of(history: History, invoice: Invoice, lines: Sequence[BilledLine] = ()) -> Bill:
    """The bill of one invoice; lines that Lago does not have are taxed like their relatives."""
    stored = {
        lago_key(fee): tuple(LineTax(t.tax_code, t.tax_rate) for t in history.fees[fee.lago_id].applied_taxes)
        for fee in invoice.fees
        if fee.lago_id in history.fees
    }
    keys = frozenset((*stored, *(lago_key(fee) for fee in invoice.fees), *(line.key for line in lines)))
    held = () if invoice.status == "draft" else history.held_coupons(invoice)
    uses = tuple(_use(coupon, invoice, keys, history) for coupon in sorted(held, key=rank) if not coupon.ended)
    return Bill(taxes=stored, coupons=tuple(use for use in uses if use is not None))


def _use(coupon: HeldCoupon, invoice: Invoice, keys: frozenset[LineKey], history: History) -> CouponUse | None:
    """What a coupon could take off then; None if it is of another currency."""
    if coupon.coupon_type == "percentage":
        taken = sum(c.amount_cents for c in invoice.credits if c.item.type == "coupon" and c.item.code == coupon.code)
        cents = taken
    elif coupon.currency != invoice.currency:
        return None
    else:
        cents = (coupon.amount_cents or 0) - (coupon.used_cents if coupon.frequency == "once" else 0)
    return CouponUse(code=coupon.code, cents=cents, rate=coupon.rate, eligible=_eligible(coupon, keys, history))


def _eligible(coupon: HeldCoupon, keys: frozenset[LineKey], history: History) -> frozenset[LineKey] | None:
    """The lines a coupon may reduce; None: all."""
    if coupon.metric_codes is not None:
        return frozenset(
            key
            for key in keys
            if key.kind in ("charge", "true_up") and history.metric_codes.get(key.item) in coupon.metric_codes
        )
    if coupon.plan_codes is not None:
        return frozenset(
            key
            for key in keys
            if (held := history.subscriptions.get(key.subscription)) and held.plan_code in coupon.plan_codes
        )
    return None


# --- open balances ----


def with_balances(
    odoo: Odoo, snapshot: Snapshot, sides: Mapping[str, Mapping[str, BilledInvoice]]
) -> dict[str, Mapping[str, BilledInvoice]]:
    """The sides with ``facts["settled_cents"]``: what was taken off after tax until today, paid amounts included.

    Odoo tells it by the open balance that the phase ``balances`` brought: as long as that is a draft, and for
    customers of whom it has any. Everything else stays unsaid.
    """
    owners = {i.lago_id: i.customer.lago_id for i in snapshot.invoices if i.customer}
    held = _open_balances(odoo, [i.lago_id for i in snapshot.invoices if owners.get(i.lago_id) and due_cents(i)])
    told = {owners[lago_id] for lago_id in held}
    invoices = {i.lago_id: i for i in snapshot.invoices}
    settled: dict[str, dict[str, int]] = {"lago": {}, "odoo": {}}
    for lago_id, shown in sides["lago"].items():
        known = owners.get(lago_id) in told and shown.totals is not None and held.get(lago_id, 0) is not None
        if known and shown.totals is not None:
            settled["lago"][lago_id] = due_cents(invoices[lago_id]) - shown.totals.gross_cents
            settled["odoo"][lago_id] = (held.get(lago_id) or 0) - shown.totals.gross_cents
    settled["rerate"] = settled["lago"]
    return {
        name: {
            i: _with_facts(one, settled_cents=settled[name][i]) if i in settled.get(name, {}) and one.totals else one
            for i, one in side.items()
        }
        for name, side in sides.items()
    }


def _open_balances(odoo: Odoo, invoices: Sequence[str]) -> dict[str, int | None]:
    """Lago's invoice -> cents that are open in Odoo; None where it went on living there (posted, cancelled)."""
    names = {xid("invoice", lago_id).removeprefix("lago."): lago_id for lago_id in invoices}
    numbers: dict[int, str] = {}
    for part in _chunks(sorted(names), 1000):
        domain = [["module", "=", "lago"], ["model", "=", "account.move"], ["name", "in", list(part)]]
        rows = odoo.call("ir.model.data", "search_read", domain=domain, fields=["name", "res_id"])
        numbers |= {row["res_id"]: names[row["name"]] for row in rows}
    found: dict[str, int | None] = {}
    for chunk in _chunks(sorted(numbers), 1000):
        fields = ["state", "amount_total", "currency_id"]
        for row in odoo.call("account.move", "search_read", domain=[["id", "in", list(chunk)]], fields=fields):
            currency = row["currency_id"][1] if isinstance(row["currency_id"], list | tuple) else ""
            draft = row["state"] == "draft"
            found[numbers[row["id"]]] = _cents(f"{row['amount_total']:.6f}", currency) if draft else None
    return found


# --- Odoo --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """Keep what Odoo would invoice as drafts of this journal (never named, never posted; ``ref`` = Lago's number)."""

    journal_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """One Lago invoice to be rerun in Odoo."""

    invoice: BilledInvoice
    orders: tuple[tuple[int, Billing], ...]
    partner: int
    idle: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # subscription -> why it is not asked for


Progress = Callable[[str, int, int | None], None]


def odoo_invoices(
    odoo: Odoo,
    lago: Sequence[BilledInvoice],
    *,
    tax_codes: Mapping[str, str],
    shadow: Shadow | None = None,
    statuses: Mapping[str, str] | None = None,
    unmapped: Mapping[str, str] | None = None,
    aliases: Mapping[LineKey, LineKey] | None = None,
    progress: Progress = lambda what, done, total: None,
) -> dict[str, BilledInvoice]:
    """What Odoo bills for each of Lago's invoices, by Lago's invoice id.

    ``statuses``: subscription -> its status in Lago; an order that Odoo would not invoice in its state bills nothing,
    and ``facts["idle"]`` says why. So does one that the migration left out for a reason (``unmapped``). ``aliases``:
    Odoo's keys that stand for one of Lago's (``aliases``, below).

    ``tax_codes``: name of a tax in Odoo -> Lago's tax code. An invoice that Odoo cannot rerun (no order, no addon,
    no usage) is a ``Refusal`` with its reason; one that subscriptions do not bill (one-off, prepaid top-up) is marked
    ``facts["outside"]``. Raises ``OdooError`` if Odoo does not answer like the addon.
    """
    recurring = [i for i in lago if i.facts.get("type") in RECURRING and i.facts.get("billings")]
    answers = {i.lago_id: _outside(i) for i in lago if i not in recurring}
    if recurring and not _addon_installed(odoo):
        reason = Refusal(reason="addon-missing", detail="module fusion_billing is not installed in this Odoo database")
        return {**answers, **{i.lago_id: _refused(i, reason) for i in recurring}}
    jobs, refused = _jobs(odoo, recurring, statuses or {}, unmapped or {})
    answers.update(refused)
    done = 0
    for batch in _batches([job for job in jobs if job.orders], single=shadow is not None):
        answers.update(_rerun(odoo, batch, tax_codes, shadow))
        done += len(batch)
        progress("invoices rerun in Odoo", done, len(jobs))
    answers.update({job.invoice.lago_id: _nothing(job.invoice, {}) for job in jobs if not job.orders})
    idle = {job.invoice.lago_id: dict(job.idle) for job in jobs if job.idle}
    answers.update({i: _with_facts(answers[i], idle=why) for i, why in idle.items()})
    return {i.lago_id: _renamed(answers[i.lago_id], aliases or {}) for i in lago}


def _with_facts(invoice: BilledInvoice, **more: Any) -> BilledInvoice:
    return replace(invoice, facts={**invoice.facts, **more})


def _nothing(lago: BilledInvoice, more: Mapping[str, Any]) -> BilledInvoice:
    """Odoo's invoice of 0: it bills nothing of this."""
    zero = Totals(fees_cents=0, coupons_cents=0, net_cents=0, tax_cents=0, gross_cents=0)
    return _answer(lago, totals=zero, facts={"unstated": SETTLED_ELSEWHERE, **more})


def aliases(snapshot: Snapshot) -> dict[LineKey, LineKey]:
    """Lines of a plan's charge, where Lago bills the charge that overrides it: the same thing at another price."""
    catalog = {charge.lago_id: charge for plan in snapshot.plans for charge in plan.charges}
    found: dict[LineKey, LineKey] = {}
    for subscription in snapshot.subscriptions:
        for charge in subscription.plan.charges if subscription.plan else ():
            parent = catalog.get(charge.lago_parent_id or "")
            if parent is None:
                continue
            filters = {"": "", **{f.lago_id: _like(f.values, charge.filters) for f in parent.filters}}
            for kind in ("charge", "true_up"):
                for theirs, ours in filters.items():
                    key = LineKey(subscription.lago_id, kind, parent.lago_id, theirs)
                    found[key] = LineKey(subscription.lago_id, kind, charge.lago_id, ours)
    return found


def _like(values: Mapping[str, Any], filters: Sequence[Any]) -> str:
    return next((f.lago_id for f in filters if f.values == values), "")


def _renamed(invoice: BilledInvoice, names: Mapping[LineKey, LineKey]) -> BilledInvoice:
    """The invoice with the keys that Lago uses."""
    if not names:
        return invoice

    def renamed(key: LineKey) -> LineKey:
        other = names.get(replace(key, group=(), event=""))
        return key if other is None else replace(other, group=key.group, event=key.event)

    lines = tuple(replace(line, key=renamed(line.key)) for line in invoice.lines)
    return replace(invoice, lines=lines)


def _outside(invoice: BilledInvoice) -> BilledInvoice:
    reason = str(invoice.facts.get("type") or "without subscription")
    return _answer(invoice, facts={"outside": reason})


def _refused(invoice: BilledInvoice, *reasons: Refusal) -> BilledInvoice:
    return _answer(invoice, refusals=reasons)


def _answer(invoice: BilledInvoice, **values: Any) -> BilledInvoice:
    given: dict[str, Any] = {"lines": (), "totals": None, "facts": {}, **values}
    return BilledInvoice(
        lago_id=invoice.lago_id,
        number=invoice.number,
        customer=invoice.customer,
        currency=invoice.currency,
        issued_on=invoice.issued_on,
        **given,
    )


def _addon_installed(odoo: Odoo) -> bool:
    domain = [["name", "=", "fusion_billing"], ["state", "=", "installed"]]
    return bool(odoo.call("ir.module.module", "search_count", domain=domain))


def _jobs(
    odoo: Odoo, invoices: Sequence[BilledInvoice], statuses: Mapping[str, str], unmapped: Mapping[str, str]
) -> tuple[list[_Job], dict[str, BilledInvoice]]:
    """Find the orders of all subscriptions by external id; an invoice with one missing for no reason is refused."""
    wanted = sorted({b.subscription for i in invoices for b in i.facts["billings"]})
    orders = order_ids(odoo, wanted)
    partners = _partners(odoo, sorted(set(orders.values())))
    idle = {s: ("mapping_gap", unmapped[s]) for s in wanted if s in unmapped and orders.get(s) not in partners}
    idle |= {s: ("subscription_state", why) for s, why in _idle(odoo, orders, statuses).items()}
    jobs, refused = [], {}
    for invoice in invoices:
        billed = [b for b in invoice.facts["billings"] if b.subscription not in idle]
        missing = [b.subscription for b in billed if orders.get(b.subscription) not in partners]
        if missing:
            refused[invoice.lago_id] = _refused(invoice, *map(_no_order, missing))
            continue
        pairs = tuple((orders[b.subscription], b) for b in billed)
        own = {b.subscription: idle[b.subscription] for b in invoice.facts["billings"] if b.subscription in idle}
        partner = partners[pairs[0][0]] if pairs else 0
        jobs.append(_Job(invoice=invoice, orders=pairs, partner=partner, idle=own))
    return jobs, refused


_RUNNING = ("3_progress", "5_renewed")  # states of a subscription that Odoo invoices


def _idle(odoo: Odoo, orders: Mapping[str, int], statuses: Mapping[str, str]) -> dict[str, str]:
    """Subscriptions that Lago billed and Odoo would not, in the state of their order (as it is now): the state."""
    if not statuses or not orders:
        return {}
    known = odoo.call("sale.order", "fields_get", allfields=["state", "subscription_state"], attributes=["type"])
    if "subscription_state" not in known:
        return {}
    by_order = {order: subscription for subscription, order in orders.items()}
    found = {}
    for part in _chunks(sorted(by_order), 1000):
        fields = ["state", "subscription_state"]
        rows = odoo.call("sale.order", "search_read", domain=[["id", "in", list(part)]], fields=fields, context=_EVERY)
        for row in rows:
            status = statuses.get(by_order[row["id"]], "")
            stopped = status == "active" and row["subscription_state"] not in _RUNNING
            if status in ("active", "terminated") and (row["state"] != "sale" or stopped):
                found[by_order[row["id"]]] = f"{row['state']} {row['subscription_state'] or ''}".strip()
    return found


def _no_order(subscription: str) -> Refusal:
    name = xid("subscription", subscription)
    return Refusal(
        reason="order-missing",
        detail=f"no sale.order {name}: apply the phase subscriptions, or see its skipped records",
    )


def order_ids(odoo: Odoo, subscriptions: Sequence[str]) -> dict[str, int]:
    """Subscription (Lago id) -> sale.order id."""
    names = {xid("subscription", s).removeprefix("lago."): s for s in subscriptions}
    found: dict[str, int] = {}
    for part in _chunks(sorted(names), 1000):
        domain = [["module", "=", "lago"], ["model", "=", "sale.order"], ["name", "in", list(part)]]
        rows = odoo.call("ir.model.data", "search_read", domain=domain, fields=["name", "res_id"])
        found.update({names[row["name"]]: row["res_id"] for row in rows})
    return found


def _partners(odoo: Odoo, orders: Sequence[int]) -> dict[int, int]:
    """sale.order id -> its partner, of those that still exist."""
    found: dict[int, int] = {}
    for part in _chunks(orders, 1000):
        rows = odoo.call(
            "sale.order", "search_read", domain=[["id", "in", list(part)]], fields=["partner_id"], context=_EVERY
        )
        found.update({row["id"]: _id(row["partner_id"]) for row in rows})
    return found


_EVERY = {"active_test": False}


def _id(value: Any) -> int:
    """A many2one comes as ``[id, name]`` or ``id``."""
    return int(value[0] if isinstance(value, list | tuple) else value)


def _chunks(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _batches(jobs: Sequence[_Job], *, single: bool) -> Iterator[list[_Job]]:
    """Calls of up to ``BATCH`` orders in which every partner occurs once.

    The answer names its invoice by partner only, and Odoo would put orders of one partner on one invoice where Lago
    made several (weekly periods, charges paid in advance).
    """
    turns: dict[int, list[_Job]] = defaultdict(list)
    for job in jobs:
        turns[job.partner].append(job)
    rounds = max(map(len, turns.values()), default=0)
    for number in range(rounds):
        together = [own[number] for own in turns.values() if len(own) > number]
        yield from (list(part) for part in _chunks(together, 1 if single else BATCH))


def _rerun(
    odoo: Odoo, jobs: Sequence[_Job], tax_codes: Mapping[str, str], shadow: Shadow | None
) -> dict[str, BilledInvoice]:
    orders = [order for job in jobs for order, _ in job.orders]
    kept = {"keep": True, "journal_id": shadow.journal_id, "ref": jobs[0].invoice.number} if shadow else {"keep": False}
    answer = odoo.call("sale.order", "fusion_rerun", orders, billings=[b for job in jobs for b in _asked(job)], **kept)
    by_partner = _by_partner(answer)
    return {job.invoice.lago_id: _built(job, by_partner.get(job.partner, []), tax_codes) for job in jobs}


def _asked(job: _Job) -> Iterator[dict[str, Any]]:
    for order, billing in job.orders:
        asked = {"order": order, "at": billing.at.strftime("%Y-%m-%d %H:%M:%S"), "reason": billing.reason}
        yield {**asked, "event": billing.event} if billing.event else asked


def _by_partner(answer: Any) -> dict[int, list[Mapping[str, Any]]]:
    if not isinstance(answer, list) or not all(isinstance(item, dict) and "partner_id" in item for item in answer):
        raise OdooFactsError("sale.order.fusion_rerun did not answer a list of invoices: update the addon")
    found: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for item in answer:
        found[_id(item["partner_id"])].append(item)
    return found


def _built(job: _Job, answers: Sequence[Mapping[str, Any]], tax_codes: Mapping[str, str]) -> BilledInvoice:
    """One Lago invoice out of Odoo's answers for its partner (several, if Odoo splits what Lago consolidates)."""
    try:
        return odoo_invoice(job.invoice, answers, tax_codes)
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise OdooFactsError(
            f"Odoo's rerun of {job.invoice.number} is not what the addon documents ({error!r}): update the addon"
        ) from error


def odoo_invoice(
    lago: BilledInvoice, answers: Sequence[Mapping[str, Any]], tax_codes: Mapping[str, str]
) -> BilledInvoice:
    """Odoo's answers for one Lago invoice, added up. No answer means that Odoo bills nothing at all."""
    refusals = tuple(Refusal(reason=r["reason"], detail=r["detail"]) for a in answers for r in a.get("refusals") or ())
    if any(a["currency"] != lago.currency for a in answers):
        return _foreign(lago, answers, tax_codes)
    lines = [odoo_line(line, lago.currency) for a in answers for line in a["lines"]]
    moves = [int(a["move_id"]) for a in answers if a.get("move_id")]
    taxes, unnamed = _named_taxes(answers, tax_codes, lago.currency)
    totals, contradiction = _sound(_odoo_totals(answers, lines, taxes, lago.currency))
    return _answer(
        lago,
        lines=tuple(line for line in lines if line.key.kind != "coupon"),
        totals=totals,
        refusals=(*refusals, *contradiction),
        facts={
            "unstated": SETTLED_ELSEWHERE,
            "unnamed_taxes": unnamed,
            "moves": tuple(moves),
            "windows": {odoo_key(line["key"]): _window(line) for a in answers for line in a["lines"]},
            "line_taxes": {
                odoo_key(line["key"]): tuple(line.get("tax_ids") or ()) for a in answers for line in a["lines"]
            },
            "invoices": len(answers),
        },
    )


def _window(line: Mapping[str, Any]) -> tuple[datetime, datetime] | None:
    """The period that a line bills, as Odoo has it; None where it does not say."""
    if not line.get("from") or not line.get("to"):
        return None
    return datetime.fromisoformat(str(line["from"])), datetime.fromisoformat(str(line["to"]))


def _foreign(lago: BilledInvoice, answers: Sequence[Mapping[str, Any]], tax_codes: Mapping[str, str]) -> BilledInvoice:
    """What is billed in another currency is not billed in Lago's; ``facts["currency"]`` tells the sums."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for answer in answers:
        if answer["currency"] != lago.currency:
            sums[answer["currency"]] += Decimal(str(answer["total"]))
    told = {"currency": ", ".join(f"{amount} {currency}" for currency, amount in sorted(sums.items()))}
    own = [answer for answer in answers if answer["currency"] == lago.currency]
    return _with_facts(odoo_invoice(lago, own, tax_codes), **told) if own else _nothing(lago, told)


def _odoo_totals(
    answers: Sequence[Mapping[str, Any]], lines: Sequence[BilledLine], taxes: Mapping[str, int], currency: str
) -> Totals:
    """The header: sums of Odoo's own headers, never of its lines. A coupon is a line of Odoo's and no fee."""

    def header(field: str) -> int:
        return sum(_cents(a[field], currency) for a in answers)

    coupons = -sum(line.amount_cents for line in lines if line.key.kind == "coupon")
    return Totals(
        fees_cents=header("untaxed") + coupons,
        coupons_cents=coupons,
        net_cents=header("untaxed"),
        tax_cents=header("tax"),
        gross_cents=header("total"),
        total_cents=header("total"),
        taxes=taxes,
    )


def _named_taxes(
    answers: Sequence[Mapping[str, Any]], tax_codes: Mapping[str, str], currency: str
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Taxes by Lago's code, and the names of those that have none."""
    sums: dict[str, int] = defaultdict(int)
    unnamed = set()
    for answer in answers:
        for name, amount in dict(answer["taxes"]).items():
            cents = _cents(amount, currency)
            if name not in tax_codes and cents:
                unnamed.add(name)
            sums[tax_codes.get(name, name)] += cents
    return dict(sums), tuple(sorted(unnamed))


def odoo_line(line: Mapping[str, Any], currency: str) -> BilledLine:
    """A line of the addon's answer. Its amount is what the addon rated; Odoo's subtotal is in the header's sums."""
    units = line.get("units")
    return BilledLine(
        key=odoo_key(line["key"]),
        amount_cents=_cents(line["subtotal"], currency),
        label=str(line.get("name") or ""),
        units=Decimal(str(units)) if units is not None else None,
        events=_count(line.get("events")),
        precise_cents=_number(line.get("amount_cents")),
        source=f"{line['quantity']} × {line['price_unit']}",
        steps=tuple(_odoo_step(step) for step in line.get("steps") or ()),
    )


def _count(events: Any) -> int | None:
    if events is None or events is False:
        return None
    return len(events) if isinstance(events, list | tuple) else int(events)


def odoo_key(key: Mapping[str, Any] | str) -> LineKey:
    """The key the addon put on a line (Lago's ids)."""
    given: Mapping[str, Any] = json.loads(key) if isinstance(key, str) else key
    kind = str(given["kind"])
    return LineKey(
        subscription=str(given["subscription"]),
        kind=kind,
        item="" if kind in ("subscription", "commitment") else str(given.get("item") or ""),
        filter=str(given.get("filter") or ""),
        group=tuple(sorted((str(k), "" if v is None or v is False else str(v)) for k, v in given.get("group") or ())),
        event=str(given.get("event") or ""),
    )


def _odoo_step(step: Mapping[str, Any] | str) -> Step:
    if isinstance(step, str):
        return Step(label=step)
    numbers = {name: _number(step.get(name)) for name in ("units", "unit_price", "flat", "amount")}
    return Step(label=str(step.get("label") or ""), **numbers)


NOISE = Decimal("0.000001")  # of a cent: what printing a double may leave behind


def _cents(amount: Any, currency: str) -> int:
    """Decimal text in units -> cents. More digits than the currency has would lose money silently: refused."""
    exact = CONTEXT.multiply(Decimal(str(amount)), Decimal(subunits(currency)))
    cents = int(round_half_up(exact))
    if abs(exact - cents) > NOISE:
        raise ValueError(f"{amount} has more than {exponent(currency)} decimals of {currency}")
    return cents
