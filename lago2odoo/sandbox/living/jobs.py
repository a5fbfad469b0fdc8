"""The jobs of a living Lago, at their minutes of an hour: end, bill, finalise, trials.

    :05  ends what ends on this local day       (missed for ever where no run falls on that day: fault L4)
    :10  bills the periods that closed, but nothing that ends today
    :20  finalises drafts whose grace is over
    :35  bills what begins at the end of a trial

Not modelled: a subscription that is to start, or a plan that is to change, stays pending.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime, timedelta

from lago2odoo.sandbox.living.billing import PERIODIC, STARTING, finalise, holding_of, make_invoice
from lago2odoo.sandbox.living.ending import end
from lago2odoo.sandbox.living.records import LivingRecords, Record
from mappings.contracts import running_contract
from mappings.period import local_date, trial_end

Job = Callable[[LivingRecords], None]
_HOUR = timedelta(hours=1)


def between(start: datetime, until: datetime, hours: Collection[int]) -> Iterator[tuple[Job, datetime]]:
    """What runs after one moment, up to another, in the hours (UTC) in which the scheduler does."""
    hour = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while hour <= until:
        for minute, job in MINUTES:
            at = hour + timedelta(minutes=minute)
            if start < at <= until and hour.hour in hours:
                yield job, at
        hour += _HOUR


def _end_due(lago: LivingRecords) -> None:
    for raw in [raw for raw in _active(lago) if _is_today(lago, raw, raw["ending_at"])]:
        end(lago, raw)


def _bill_due(lago: LivingRecords) -> None:
    """Subscriptions of one customer and currency go on one invoice, but those that are to have their own."""
    due: defaultdict[tuple[str, ...], list[Record]] = defaultdict(list)
    for raw in [raw for raw in _active(lago) if _is_due(lago, raw)]:
        alone = "" if raw.get("consolidate_invoice", True) else raw["lago_id"]
        due[raw["lago_customer_id"], raw["plan_amount_currency"], alone].append(raw)
    for raws in due.values():
        make_invoice(lago, raws, PERIODIC)


def _is_due(lago: LivingRecords, raw: Record) -> bool:
    """Whether a period closed today, of a subscription that did not start, and does not end, today."""
    if _is_today(lago, raw, raw["ending_at"]) or _is_today(lago, raw, raw["started_at"]):
        return False
    holding = holding_of(lago, raw)
    contract = running_contract(holding.record, holding.plan, holding.timezone)
    day = local_date(lago.now, holding.timezone)
    monthly = contract.splits and (contract.charges_monthly or contract.fixed_charges_monthly)
    cycle = contract.monthly_cycle() if monthly else contract.cycle()
    return cycle.start(day) == day and not _is_billed_today(lago, raw)


def _is_billed_today(lago: LivingRecords, raw: Record) -> bool:
    for invoice in lago.listed("invoices"):
        if _is_today(lago, raw, invoice["created_at"]) and invoice["customer"]["lago_id"] == raw["lago_customer_id"]:
            periods = lago.own_page("invoices", invoice)["billing_periods"]
            if any((p["lago_subscription_id"], p["invoicing_reason"]) == (raw["lago_id"], PERIODIC) for p in periods):
                return True
    return False


def _finalise_due(lago: LivingRecords) -> None:
    for invoice in [raw for raw in lago.listed("invoices") if raw["status"] == "draft"]:
        if invoice["issuing_date"] <= f"{local_date(lago.now, invoice['customer']['applicable_timezone'])}":
            finalise(lago, invoice)


def _end_trials(lago: LivingRecords) -> None:
    """In advance the base fee begins when the trial is over, unless the periodic invoice of the day has it."""
    for raw in [raw for raw in _active(lago) if raw["trial_ended_at"] is None]:
        holding = holding_of(lago, raw)
        days, started_at = holding.plan.trial_period, holding.record.started_at
        if not days or started_at is None or trial_end(started_at, days) > lago.now:
            continue
        ended = trial_end(started_at, days)
        after = lago.change("subscriptions", raw, trial_ended_at=f"{ended:%Y-%m-%dT%H:%M:%SZ}")
        if holding.plan.pay_in_advance and not _is_billed_today(lago, raw):
            make_invoice(lago, [after], STARTING)


def _active(lago: LivingRecords) -> Iterator[Record]:
    return (raw for raw in lago.listed("subscriptions") if raw["status"] == "active")


def _is_today(lago: LivingRecords, raw: Record, moment: str | None) -> bool:
    """Whether a moment is of the customer's day."""
    if moment is None:
        return False
    zone = lago.timezone(raw["lago_customer_id"])
    return local_date(datetime.fromisoformat(moment), zone) == local_date(lago.now, zone)


MINUTES: tuple[tuple[int, Job], ...] = ((5, _end_due), (10, _bill_due), (20, _finalise_due), (35, _end_trials))
