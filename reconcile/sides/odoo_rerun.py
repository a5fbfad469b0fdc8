"""Odoo's billed lines: its own invoicing, rerun at Lago's billing moments (the addon's ``fusion_rerun``).

Nothing is left behind in Odoo unless shadow drafts are asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mappings.phrases import Told
from mappings.records import ChargeFilter, Json, Snapshot
from mappings.target import xid
from migrate.errors import OdooError
from migrate.odoo.door import Door, Row, chunks
from migrate.odoo.errors import OutcomeUnknown, Retryable
from migrate.odoo.external_ids import made_of
from migrate.odoo.withheld import is_of_all
from migrate.progress import Progress, quiet
from migrate.values import related_id
from reconcile.billed import BilledInvoice, Billing, Idle, LineKey, Refusal
from reconcile.sides.odoo_answers import NOT_MADE, OdooFactsError, by_partner, invoice_of, nothing_of, unanswered
from reconcile.sides.odoo_states import idle_orders

# Types that subscriptions do not bill: nothing of Odoo's recurring invoicing stands against them.
OUTSIDE = frozenset({"one_off", "credit", "add_on"})
# Types that Odoo has no counterpart of: a rerun at that moment would bill the whole period instead.
WITHOUT_COUNTERPART = {
    "advance_charges": Told.REGROUPED,
    "progressive_billing": Told.NO_THRESHOLDS,
}
BATCH = 200  # orders per call


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """Keep what Odoo would invoice as drafts of this journal (never named, never posted; ``ref`` = Lago's number)."""

    journal_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """One Lago invoice to be rerun in Odoo. ``partners``: whose its orders are there, several where one was moved."""

    invoice: BilledInvoice
    orders: tuple[tuple[int, Billing], ...]
    partners: tuple[int, ...]
    idle: tuple[Idle, ...] = ()  # subscriptions that are not asked for
    elsewhere: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # currency -> orders, by subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """An order as it stands in Odoo."""

    name: str
    partner: int
    currency: str


def odoo_invoices(
    odoo: Door,
    lago: Sequence[BilledInvoice],
    *,
    tax_codes: Mapping[str, str],
    shadow: Shadow | None = None,
    statuses: Mapping[str, str] | None = None,
    unmapped: Mapping[str, str] | None = None,
    aliases: Mapping[LineKey, LineKey] | None = None,
    progress: Progress = quiet,
) -> dict[str, BilledInvoice]:
    """What Odoo bills for each of Lago's invoices, by Lago's invoice id.

    ``statuses``: subscription -> its status in Lago; an order that Odoo would not invoice in its state bills nothing,
    and ``idle`` says why. So does one that the migration left out for a reason (``unmapped``). ``aliases``:
    Odoo's keys that stand for one of Lago's (``aliases``, below).

    ``tax_codes``: name of a tax in Odoo -> Lago's tax code. An invoice that Odoo cannot rerun (no order, no addon,
    no usage) is a ``Refusal`` with its reason; one that subscriptions do not bill (one-off, prepaid top-up) is
    ``outside``. Raises ``OdooError`` if Odoo does not answer like the addon.
    """
    recurring = [invoice for invoice in lago if invoice.type == "subscription" and invoice.billings]
    rerun = {i.lago_id for i in recurring}  # by id: comparing whole invoices with each other is quadratic
    answers = {i.lago_id: _not_rerun(i) for i in lago if i.lago_id not in rerun}
    if recurring and not _addon_installed(odoo):
        reason = Refusal(reason="addon_missing", detail=Told.ADDON_MISSING.of())
        return {**answers, **{i.lago_id: _refused(i, reason) for i in recurring}}
    jobs, refused = _jobs(odoo, recurring, statuses or {}, unmapped or {})
    answers.update(refused)
    done = 0
    for batch in _batches([job for job in jobs if job.orders], single=shadow is not None):
        answers.update(_rerun(odoo, batch, tax_codes, shadow))
        done += len(batch)
        progress("invoices rerun in Odoo", done, len(jobs))
    answers.update({job.invoice.lago_id: nothing_of(job.invoice) for job in jobs if not job.orders})
    answers.update(_ended(odoo, jobs, answers, statuses or {}))
    idle = {job.invoice.lago_id: job.idle for job in jobs if job.idle}
    answers.update({i: replace(answers[i], idle=why) for i, why in idle.items()})
    return {i.lago_id: _renamed(answers[i.lago_id], aliases or {}) for i in lago}


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


def _like(values: Mapping[str, tuple[str, ...]], filters: Sequence[ChargeFilter]) -> str:
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


def _not_rerun(invoice: BilledInvoice) -> BilledInvoice:
    """Odoo's side of an invoice that it is not asked about: by design, or because nothing says what to ask."""
    if invoice.type in OUTSIDE:
        return replace(unanswered(invoice), outside=invoice.type)
    if invoice.type in WITHOUT_COUNTERPART:
        why = Refusal(reason=f"{invoice.type}_invoice", detail=WITHOUT_COUNTERPART[invoice.type].of())
        return _refused(invoice, why)
    lacking = Refusal(reason="boundaries_missing", detail=Told.NO_SUBSCRIPTIONS.of())
    return _refused(invoice, *(invoice.refusals or (lacking,)))


def _refused(invoice: BilledInvoice, *reasons: Refusal) -> BilledInvoice:
    return replace(unanswered(invoice), refusals=reasons)


def _addon_installed(odoo: Door) -> bool:
    domain = [["name", "=", "fusion_billing"], ["state", "=", "installed"]]
    return bool(odoo.count("ir.module.module", domain))


def _jobs(
    odoo: Door, invoices: Sequence[BilledInvoice], statuses: Mapping[str, str], unmapped: Mapping[str, str]
) -> tuple[list[_Job], dict[str, BilledInvoice]]:
    """Find the orders of all subscriptions by external id; an invoice with one missing for no reason is refused."""
    wanted = sorted({b.subscription for i in invoices for b in i.billings})
    orders = made_of(odoo, "sale.order", "subscription", wanted)
    standing = _standing(odoo, sorted(set(orders.values())))
    gaps = {s: unmapped[s] for s in wanted if s in unmapped and orders.get(s) not in standing}
    idle = {s: Idle(subscription=s, cause="mapping_gap", reason=why) for s, why in gaps.items()}
    for s, why in idle_orders(odoo, orders, statuses).items():
        idle[s] = Idle(subscription=s, cause="subscription_state", reason=why)
    others_id = _under_another_id(odoo, orders)
    jobs, refused = [], {}
    for invoice in invoices:
        billed = [b for b in invoice.billings if b.subscription not in idle]
        missing = [b.subscription for b in billed if orders.get(b.subscription) not in standing]
        others = [others_id[b.subscription] for b in billed if b.subscription in others_id]
        if missing or others:
            refused[invoice.lago_id] = _refused(invoice, *map(_no_order, missing), *others)
            continue
        pairs = tuple((orders[b.subscription], b) for b in billed)
        whose = tuple(dict.fromkeys(standing[order].partner for order, _ in pairs))
        asleep = tuple(idle[s] for s in dict.fromkeys(b.subscription for b in invoice.billings) if s in idle)
        elsewhere = _elsewhere(invoice.currency, {b.subscription: standing[order] for order, b in pairs})
        jobs.append(_Job(invoice=invoice, orders=pairs, partners=whose, idle=asleep, elsewhere=elsewhere))
    return jobs, refused


def _ended(
    odoo: Door, jobs: Sequence[_Job], answers: Mapping[str, BilledInvoice], statuses: Mapping[str, str]
) -> dict[str, BilledInvoice]:
    """Invoices that Odoo does not make, of orders that have ended there and run in Lago: it bills nothing of them.

    What their orders say about their end explains that; for any other reason the refusal stands.
    """
    refused = [j for j in jobs if any(r.reason == NOT_MADE for r in answers[j.invoice.lago_id].refusals)]
    if not refused or not statuses:
        return {}
    numbers = sorted({order for job in refused for order, _ in job.orders})
    rows = odoo.search_among("sale.order", "id", numbers, ["fusion_ended_at"])
    ended = {row["id"] for row in rows if row["fusion_ended_at"]}
    return {
        job.invoice.lago_id: nothing_of(job.invoice)
        for job in refused
        if all(order in ended and statuses.get(b.subscription) == "active" for order, b in job.orders)
    }


def _no_order(subscription: str) -> Refusal:
    name = xid("subscription", subscription)
    return Refusal(reason="order_missing", detail=Told.NO_ORDER.of(name))


def _under_another_id(odoo: Door, orders: Mapping[str, int]) -> dict[str, Refusal]:
    """Subscriptions whose order bears another Lago id: what Odoo bills of it comes under that one."""
    if not orders or "fusion_lago_id" not in odoo.fields_get("sale.order", ["fusion_lago_id"]):
        return {}
    rows = odoo.search_among("sale.order", "id", sorted(orders.values()), ["name", "fusion_lago_id"])
    by_order = {row["id"]: row for row in rows}
    return {
        name: _other_id(name, by_order[number])
        for name, number in orders.items()
        if number in by_order and by_order[number]["fusion_lago_id"] != name
    }


def _other_id(subscription: str, row: Row) -> Refusal:
    order, name, other = row["name"], xid("subscription", subscription), row["fusion_lago_id"]
    told = Told.OTHER_LAGO_ID.of(order, name, other, subscription)
    return Refusal(reason="order_missing", detail=told if other else Told.NO_LAGO_ID.of(order, name, subscription))


def _standing(odoo: Door, orders: Sequence[int]) -> dict[int, _Order]:
    """Those of these orders that still exist."""
    rows = odoo.search_among("sale.order", "id", orders, ["name", "partner_id", "currency_id"], names=True)
    return {row["id"]: _order(row) for row in rows}


def _order(row: Row) -> _Order:
    currency = row["currency_id"]
    named = str(currency[1]) if isinstance(currency, list | tuple) else ""
    return _Order(name=str(row["name"]), partner=related_id(row["partner_id"]), currency=named)


def _elsewhere(lagos: str, orders: Mapping[str, _Order]) -> dict[str, dict[str, str]]:
    """Currency that is not Lago's -> the orders in it, by subscription."""
    elsewhere: dict[str, dict[str, str]] = defaultdict(dict)
    for subscription, order in orders.items():
        if order.currency and order.currency != lagos:
            elsewhere[order.currency][subscription] = order.name
    return dict(elsewhere)


def _batches(jobs: Sequence[_Job], *, single: bool) -> Iterator[list[_Job]]:
    """Calls of up to ``BATCH`` orders in which every partner occurs once.

    The answer names its invoice by partner only, and Odoo would put orders of one partner on one invoice where Lago
    made several (weekly periods, charges paid in advance).
    """
    rounds: dict[int, list[_Job]] = defaultdict(list)
    free: dict[int, int] = defaultdict(int)  # the first round in which a partner does not occur yet
    for job in jobs:
        number = max(free[partner] for partner in job.partners)
        rounds[number].append(job)
        free.update(dict.fromkeys(job.partners, number + 1))
    for number in sorted(rounds):
        yield from (list(part) for part in chunks(rounds[number], 1 if single else BATCH))


def _rerun(
    odoo: Door, jobs: Sequence[_Job], tax_codes: Mapping[str, str], shadow: Shadow | None
) -> dict[str, BilledInvoice]:
    """What Odoo bills; of what ends the call only the invoice that does is refused, by name."""
    orders = [order for job in jobs for order, _ in job.orders]
    billings = [billing for job in jobs for billing in _asked(job)]
    try:
        answers = by_partner(_billed(odoo, orders, billings, jobs[0].invoice.number, shadow))
    except (OutcomeUnknown, Retryable, OdooFactsError):
        raise
    except OdooError as error:
        rights = {"sale.order": "read", **({"account.move": "create"} if shadow else {})}
        if any(is_of_all(error, odoo, model, right) for model, right in rights.items()):
            raise  # a rule, or another company, keeps single orders from this user; a right that lacks keeps all
        if len(jobs) == 1:
            why = Refusal(reason="rerun_failed", detail=Told.RERUN_FAILED.of(error))
            return {jobs[0].invoice.lago_id: _refused(jobs[0].invoice, why)}
        halves = jobs[: len(jobs) // 2], jobs[len(jobs) // 2 :]
        return {i: invoice for half in halves for i, invoice in _rerun(odoo, half, tax_codes, shadow).items()}
    return {
        job.invoice.lago_id: invoice_of(
            job.invoice, [a for p in job.partners for a in answers.get(p, [])], tax_codes, job.elsewhere
        )
        for job in jobs
    }


def _billed(odoo: Door, orders: Sequence[int], billings: Sequence[Json], number: str, shadow: Shadow | None) -> object:
    """Drafts that stay are made once: made again because no answer came, they would stand there twice."""
    if shadow is None:
        return odoo.ask("sale.order", "fusion_rerun", orders, active_test=True, billings=billings, keep=False)
    kept = {"keep": True, "journal_id": shadow.journal_id, "ref": number}
    return odoo.send("sale.order", "fusion_rerun", orders, billings=billings, **kept)


def _asked(job: _Job) -> Iterator[Json]:
    for order, billing in job.orders:
        asked = {"order": order, "at": billing.at.strftime("%Y-%m-%d %H:%M:%S"), "reason": billing.reason}
        yield {**asked, "event": billing.event} if billing.event else asked
