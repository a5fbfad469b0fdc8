"""One billing of one order: which families are due, and their lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from . import coupons
from .advance import event_line
from .aggregate import Window
from .base_fee import BaseFee, base_fee, billed_today, in_trial
from .charge_fees import charge_lines
from .charge_models import Unratable
from .commitment import commitment_line
from .events import Event, read_events
from .exact import exponent, plain, precise
from .fixed_charges import fixed_line
from .fixed_charges import window as fixed_window
from .inputs import Billed, Catalog, Order, Row, loads, read_charge, read_metric, read_order
from .lines import Line
from .moments import DAY, day_end, local_date, moment, zone
from .periods import PER_YEAR, Billing, Boundaries, Calendar

SOON = timedelta(seconds=1)  # the invoice of a change is made within a second of it, in whole seconds
MINUTE = timedelta(minutes=1)
ENDING = ("subscription_terminating", "upgrading")


@precise
def bill(
    order: Row,
    charges: Sequence[Row],
    metrics: Mapping[str, Row],
    usage: Iterable[Row],
    at: datetime | str,
    reason: str,
    *,
    billed: Sequence[Billed] | None = None,
    known_until: datetime | None = None,
    premium: bool = True,
    event: str = "",
) -> dict[str, Any]:
    """The lines that billing ``order`` at ``at`` gives (shapes: see the package).

    ``reason``: subscription_starting, subscription_periodic, subscription_terminating, upgrading, or in_advance_charge
    (``event``: its transaction; else the one received just before ``at``). ``billed``: the order's earlier billings;
    None: those its calendar implies. ``known_until``: usage received later is unknown. ``premium``: Lago's licence,
    without which per-transaction bounds do not apply.

    Returns ``lines`` (``Line.row``), ``refusals`` ({"reason", "detail"}: what has no amount, never a guess), and
    ``windows`` (ISO texts of the period of the base fee, of usage, of fixed charges).
    """
    run = prepare(order, charges, metrics, usage, at, reason, billed, known_until, premium, event)
    if run is None:
        return {"lines": [], "refusals": [{"reason": "not-started", "detail": "the order has no start"}], "windows": {}}
    lines, refusals = run.lines()
    return {"lines": [line.row() for line in lines], "refusals": refusals, "windows": named(run.windows)}


def prepare(
    order: Row,
    charges: Sequence[Row],
    metrics: Mapping[str, Row],
    usage: Iterable[Row],
    at: datetime | str,
    reason: str,
    billed: Sequence[Billed] | None,
    known_until: datetime | None,
    premium: bool,
    event: str = "",
) -> Run | None:
    read, when = read_order(order), moment(at)
    if read is None or when is None:
        return None
    catalog = Catalog([read_charge(c) for c in charges], {code: read_metric(m) for code, m in metrics.items()})
    events = read_events(row for row in usage if row["external_subscription_id"] == read.external_id)
    if known_until:
        events = {k: [e for e in v if not e.received or e.received <= known_until] for k, v in events.items()}
    earlier = list(billed) if billed is not None else implied_billings(read, when)
    return Run(read, catalog, {code: rows for (_, code), rows in events.items()}, when, reason, earlier, premium, event)


def named(windows: Boundaries) -> dict[str, str | None]:
    return {
        name: value.isoformat() if value else None
        for name, value in (
            ("from", windows.start),
            ("to", windows.end),
            ("charges_from", windows.charges_start),
            ("charges_to", windows.charges_end),
            ("fixed_charges_from", windows.fixed_start),
            ("fixed_charges_to", windows.fixed_end),
        )
    }


@dataclass(frozen=True, slots=True)
class Run:
    """One billing of one order, with all it needs."""

    order: Order
    catalog: Catalog
    events: Mapping[str, Sequence[Event]]
    at: datetime
    reason: str
    billed: list[Billed]
    premium: bool
    event: str = ""  # transaction of a charge paid in advance

    @property
    def terminated(self) -> bool:
        ended = self.order.sub.ended_at
        return ended is not None and (ended < self.at + SOON or self.reason in ENDING)

    @property
    def upgraded(self) -> bool:
        return self.terminated and self.order.sub.upgraded

    @property
    def billing(self) -> Billing:
        sub, at = self.order.sub, self.at
        if self.terminated and sub.ended_at and sub.ended_at > at:  # given in whole seconds
            at = sub.ended_at
        billing = Billing(sub, at, terminated=self.terminated, closing=self.upgraded)
        return replace(billing, terminated=False, closing=False) if self.closes_previous(billing) else billing

    def closes_previous(self, billing: Billing) -> bool:
        """Ended on a billing day before that day's own billing: then the whole period before is billed."""
        sub = self.order.sub
        if not self.terminated or sub.has_next or self.reason != "subscription_terminating":
            return False
        calendar = sub.monthly if sub.may_split and (sub.charges_monthly or sub.fixed_monthly) else sub.calendar
        previous_end = day_end(calendar.start(billing.day) - DAY, sub.tz)
        recent = self.at - previous_end < DAY and sub.started_at <= self.at - DAY
        return recent and not any(
            run.reason == "subscription_periodic" and local_date(run.at, sub.tz) == billing.day for run in self.billed
        )

    @property
    def windows(self) -> Boundaries:
        return self.billing.windows()

    def lines(self) -> tuple[list[Line], list[dict[str, str]]]:
        lines: list[Line] = []
        refusals: list[dict[str, str]] = []
        if self.reason == "in_advance_charge":
            return self.advance_lines()
        windows = self.windows
        if self.has_base_fee(windows):
            lines.append(self.base_line(windows))
        for charge in self.catalog.charges:
            add = self.add_charge if charge["kind"] == "usage" else self.add_fixed
            add(charge, windows, lines, refusals)
        if self.order.commitment_cents:
            self.add_commitment(windows, lines, refusals)
        lines = [replace(line, subscription=self.order.lago_id) for line in lines]
        return lines, refusals

    # base fee

    def has_base_fee(self, windows: Boundaries) -> bool:
        sub = self.order.sub
        if self.terminated and sub.pay_in_advance:
            return False
        if self.reason == "subscription_starting" and not sub.pay_in_advance:
            return False
        if sub.pay_in_advance and billed_today(self.at, self.billed, self.order):
            return False
        return self.month_has_base_fee(windows) and not in_trial(self.order, self.at)

    def month_has_base_fee(self, windows: Boundaries) -> bool:
        """Longer plans that bill a part monthly have their base fee in the first month of the period only."""
        sub = self.order.sub
        if not sub.may_split:
            return True
        if sub.pay_in_advance and self.order.started_in_past:
            return windows.first_month and not self.billing.first_of_all
        if sub.pay_in_advance and not any(run.fee for run in self.billed):
            return True
        return windows.first_month or (self.terminated and not sub.pay_in_advance)

    def base_fee(self, windows: Boundaries) -> BaseFee:
        calendar = self.order.sub.calendar
        previous = day_end(calendar.start(calendar.base(self.billing.day)) - DAY, self.order.sub.tz)
        return base_fee(
            self.order,
            windows,
            self.at,
            terminated=self.terminated,
            billed=self.billed,
            previous_start=previous,
        )

    def base_line(self, windows: Boundaries) -> Line:
        fee, digits = self.base_fee(windows), exponent(self.order.currency)
        amount = Decimal(fee.cents).scaleb(-digits)
        step = {"label": fee.label, "amount": plain(amount)}
        if fee.days is not None:
            step |= {"days": str(fee.days), "of": str(fee.duration)}
        return Line(
            kind="subscription",
            item=self.order.plan,
            name=self.order.plan_name,
            cents=fee.cents,
            precise=fee.precise,
            unit_amount=amount,
            start=windows.start,
            end=windows.end,
            steps=[step],
        )

    # minimum commitment

    def add_commitment(self, windows: Boundaries, lines: list[Line], refusals: list[dict[str, str]]) -> None:
        """What is missing to the commitment of the period that this invoice closes."""
        if self.reason == "subscription_starting" or not self.month_has_base_fee(windows):
            return
        sub = self.order.sub
        if sub.may_split and sub.charges_monthly and self.catalog.charges:
            refusals.append(refusal("commitment", "a commitment over charges of several monthly bills is not rated"))
            return
        if self.terminated and sub.pay_in_advance:
            found = self.period_that_ends(windows, lines)
        else:
            found = self.period_in_advance(lines) if sub.pay_in_advance else self.period_in_arrears(windows, lines)
        line = commitment_line(self.order, *found) if found else None
        if line:
            lines.append(line)

    def period_in_arrears(
        self, windows: Boundaries, lines: Sequence[Line]
    ) -> tuple[tuple[datetime, datetime, int], list[tuple[int, Decimal]]]:
        billed = [(line.cents, line.precise) for line in lines]
        return (windows.start, windows.end, windows.duration), billed

    def period_that_ends(
        self, windows: Boundaries, lines: Sequence[Line]
    ) -> tuple[tuple[datetime, datetime, int], list[tuple[int, Decimal]]]:
        """A plan paid in advance ends: its running period, and the base fee that was billed last."""
        billed = [(line.cents, line.precise) for line in lines] + self.base_fees()[-1:]
        end, duration = windows.end, windows.duration
        if not self.billing.terminated and self.order.sub.ended_at:  # on a billing day, before its own billing
            end = min(end, self.order.sub.ended_at)
            duration += self.order.sub.calendar.duration(local_date(windows.start, self.order.sub.tz) - DAY)
        return (windows.start, end, duration), billed

    def base_fees(self, start: datetime | None = None) -> list[tuple[int, Decimal]]:
        """(cents, precise cents) of the base fees billed before, of all periods or of the one from ``start`` on."""
        found = []
        for number, run in enumerate(self.billed):
            earlier = replace(self, at=run.at, reason=run.reason, billed=self.billed[:number])
            windows = earlier.windows
            if run.fee and start in (None, windows.start):
                fee = earlier.base_fee(windows)
                found.append((fee.cents, fee.precise))
        return found

    def period_in_advance(
        self, lines: Sequence[Line]
    ) -> tuple[tuple[datetime, datetime, int], list[tuple[int, Decimal]]] | None:
        """The period before: its base fee was billed then, its usage is billed now. None before the second bill."""
        sub, calendar = self.order.sub, self.order.sub.calendar
        first = calendar.start(calendar.base(self.billing.day))
        start, end = self.billing.clamp_start(first), day_end(calendar.end(first), sub.tz)
        if not self.billed or end < sub.started_at:
            return None
        billed = [(line.cents, line.precise) for line in lines if line.kind != "subscription"]
        return (start, end, calendar.duration(first)), billed + self.base_fees(start)

    # usage

    def add_charge(
        self, charge: dict[str, Any], windows: Boundaries, lines: list[Line], refusals: list[dict[str, str]]
    ) -> None:
        metric = self.catalog.metrics.get(charge["metric"])
        if metric is None:
            refusals.append(refusal("metric-missing", f"charge {charge['code']}: no metric {charge['metric']}"))
            return
        if not self.is_due(charge, metric, windows):
            return
        charge = charge if not charge["pay_in_advance"] else {**charge, "prorated": False}
        try:
            window = self.usage_window(charge, metric, windows)
            lines += charge_lines(
                charge, metric, self.events.get(metric["code"], []), window, self.order.currency, self.premium
            )
        except Unratable as error:
            refusals.append(refusal(error.reason, f"charge {charge['code']}: {error.detail}"))

    def add_fixed(
        self, charge: dict[str, Any], windows: Boundaries, lines: list[Line], refusals: list[dict[str, str]]
    ) -> None:
        starting = self.reason == "subscription_starting"
        due = fixed_window(charge, self.billing, windows, terminated=self.terminated, starting=starting)
        if due is None:
            return
        days = Billing(self.order.sub, self.at, current_usage=True).windows().fixed_days
        try:
            days = days if charge["pay_in_advance"] else windows.fixed_days
            at_start = starting and not self.order.sub.pay_in_advance
            line = fixed_line(charge, self.order, due[0], due[1], days, at_start=at_start)
        except Unratable as error:
            refusals.append(refusal(error.reason, f"fixed charge {charge['code']}: {error.detail}"))
            return
        if line.units or line.cents or at_start:
            lines.append(line)

    def advance_lines(self) -> tuple[list[Line], list[dict[str, str]]]:
        """Lines of the event that made this invoice, on the charges that are paid at once."""
        charges = [c for c in self.catalog.charges if c["pay_in_advance"] and c["kind"] == "usage" and c["invoiceable"]]
        codes = {charge["metric"] for charge in charges} & self.catalog.metrics.keys()
        events = [event for code in codes for event in self.events.get(code, ())]
        names = {event.transaction_id for event in self.just_received(events)}
        if len(names) != 1:
            detail = f"{len(names)} events could have made the invoice of {self.at.isoformat()}: name one"
            return [], [refusal("advance-event", detail)]
        found = []
        for charge in charges:
            metric = self.catalog.metrics.get(charge["metric"])
            if metric:
                rows = self.events.get(metric["code"], ())
                found.append(advance_line(self.order, charge, metric, rows, min(names), self.premium))
        return [line for line in found if line is not None], []

    def just_received(self, events: Sequence[Event]) -> list[Event]:
        """The named event, else those received last before the invoice, within a minute."""
        if self.event:
            return [event for event in events if event.transaction_id == self.event]
        recent = [e for e in events if e.received and self.at - MINUTE <= e.received < self.at + SOON]
        seconds = {e.transaction_id: (e.received or self.at).replace(microsecond=0) for e in recent}
        return [event for event in recent if seconds[event.transaction_id] == max(seconds.values())]

    def is_due(self, charge: Mapping[str, Any], metric: Mapping[str, Any], windows: Boundaries) -> bool:
        start, end = windows.charges_start, windows.charges_end
        if start is None or end is None or start >= end or not charge["invoiceable"]:
            return False
        if charge["pay_in_advance"]:
            return bool(metric["recurring"]) and not self.terminated
        rolls_over = self.upgraded and metric["recurring"] and not charge["prorated"]
        return not (rolls_over and metric["code"] in ((self.order.next or {}).get("metric_codes") or ()))

    def usage_window(self, charge: Mapping[str, Any], metric: Mapping[str, Any], windows: Boundaries) -> Window:
        start, end = windows.charges_start, windows.charges_end
        if start is None or end is None:
            raise Unratable("no-window", "no usage period is due")
        return Window(
            start=start,
            end=end,
            days=windows.charges_days,
            tz=self.order.sub.tz,
            upgraded=self.upgraded,
            billed=self.billed_windows() if metric["aggregation"] == "weighted_sum_agg" else (),
            inherits=self.order.previous is not None,
        )

    def billed_windows(self) -> tuple[tuple[datetime, datetime], ...]:
        """Usage windows of the billings before this one, of this order and of earlier ones of its external id."""
        windows = [window for row in self.order.earlier for window in ended_windows(row)]
        windows += [usage_window(Billing(self.order.sub, run.at)) for run in self.billed]
        return tuple((start, end) for start, end in windows if start and end and start < end)


def usage_window(billing: Billing) -> tuple[datetime | None, datetime | None]:
    windows = billing.windows()
    return windows.charges_start, windows.charges_end


def ended_windows(row: Row) -> list[tuple[datetime | None, datetime | None]]:
    """All usage windows of an order that has ended."""
    order = read_order(row)
    if order is None or order.sub.ended_at is None:
        return []
    last = Run(order, Catalog(), {}, order.sub.ended_at, ENDING[0], implied_billings(order, order.sub.ended_at), True)
    return [*(usage_window(Billing(order.sub, run.at)) for run in last.billed), usage_window(last.billing)]


def refusal(reason: str, detail: str) -> dict[str, str]:
    return {"reason": reason, "detail": detail}


def implied_billings(order: Order, at: datetime) -> list[Billed]:
    """The billings before ``at`` that the calendar of the order implies."""
    sub, last = order.sub, local_date(at, order.sub.tz)
    runs: list[Billed] = []
    if sub.pay_in_advance and not order.started_in_past and sub.started_at + SOON < at:
        runs.append(Billed(sub.started_at, "subscription_starting", fee=not in_trial(order, sub.started_at)))
    split = sub.may_split and (sub.charges_monthly or sub.fixed_monthly)
    calendar = sub.monthly if split else sub.calendar
    for day in billing_days(calendar, local_date(sub.started_at, sub.tz), last):
        when = day_end(day, sub.tz)
        if order.created_at.date() > day:
            continue
        first = not split or Billing(sub, when).first_month
        runs.append(Billed(when, "subscription_periodic", fee=first and not in_trial(order, when)))
    return runs


def billing_days(calendar: Calendar, started: date, before: date) -> list[date]:
    days = []
    day = calendar.following(calendar.start(started))
    while day < before:
        days.append(day)
        day = calendar.following(day)
    return days


@precise
def bill_together(billings: Sequence[Mapping[str, Any]], *, premium: bool = True) -> dict[str, Any]:
    """The lines of one invoice: several billings of one customer, and its coupons.

    ``billings``: dicts with the arguments of ``bill`` (``order``, ``charges``, ``metrics``, ``usage``, ``at``,
    ``reason``, optionally ``known_until``, ``event`` and ``billed``) and ``taxes`` (charge's Lago id or "" for the base
    fee -> any value that is equal for lines taxed alike), so that a coupon can be taken off each kind of taxation;
    ``kinds``, if given, are the kinds of lines that are due. Coupons are those of the orders' ``fusion_coupons``.
    Returns ``lines`` as ``bill`` does, each with ``billing`` (index), ``refusals``, and ``windows`` (one per billing).
    """
    found: list[tuple[int, Line]] = []
    refusals: list[dict[str, str]] = []
    windows: list[dict[str, str | None]] = []
    for index, given in enumerate(billings):
        missing = incomplete(given["order"])
        run = None if missing else prepare(premium=premium, **arguments(given))
        if run is None:
            refusals.append(missing or refusal("not-started", "the order has no start"))
            windows.append({})
            continue
        windows.append(named(run.windows))
        lines, refused = run.lines()
        kinds = given.get("kinds")
        found += [(index, line) for line in lines if not kinds or line.kind in kinds]
        refusals += refused
    if found:
        held = held_coupons(billings)
        refusals += [
            refusal("coupon-history", f"coupon {name(c)} was used in part") for c in held if coupons.partly_used(c)
        ]
        found += coupon_lines(billings, found, [c for c in held if not coupons.partly_used(c)])
    rows = [{**line.row(), "billing": index} for index, line in found]
    return {"lines": rows, "refusals": refusals, "windows": windows}


def incomplete(row: Row) -> dict[str, str] | None:
    """What an order lacks to have a calendar."""
    name = row.get("fusion_external_id") or row.get("fusion_lago_id") or "the order"
    if row.get("fusion_interval") not in PER_YEAR or row.get("fusion_billing_time") not in ("calendar", "anniversary"):
        return refusal("order-incomplete", f"{name} has no interval or billing time")
    try:
        zone(row.get("fusion_timezone") or "UTC")
    except (KeyError, ValueError):
        return refusal("time-zone", f"{name}: there is no time zone {row['fusion_timezone']}")
    return None


def arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    names = ("order", "charges", "metrics", "usage", "at", "reason")
    return {
        **{name: given[name] for name in names},
        "known_until": given.get("known_until"),
        "event": given.get("event") or "",
        "billed": given.get("billed"),
    }


def name(coupon: Mapping[str, Any]) -> str:
    return str(coupon.get("coupon_code") or coupon.get("code") or coupon.get("lago_id") or "")


def held_coupons(billings: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The coupons in force that the billed orders carry, each once."""
    held: dict[str, Mapping[str, Any]] = {}
    for given in billings:
        for coupon in loads(given["order"].get("fusion_coupons")) or []:
            held[str(coupon.get("lago_id") or coupon)] = coupon
    at = moment(billings[0]["at"])
    return [coupon for coupon in held.values() if at and coupons.in_force(coupon, at)]


def coupon_lines(
    billings: Sequence[Mapping[str, Any]], found: Sequence[tuple[int, Line]], held: Sequence[Mapping[str, Any]]
) -> list[tuple[int, Line]]:
    """Negative lines of the coupons, each with the billing it is taxed like."""
    at, currency = moment(billings[0]["at"]), billings[0]["order"]["currency"]
    if not held or at is None:
        return []
    billed = [coupons.Billed(line, billings[index]["order"].get("fusion_plan_code") or "") for index, line in found]
    taxes = [tax_kind(billings[index], line) for index, line in found]
    credits = coupons.apply(held, billed, currency, at)
    return [(found[like][0], line) for line, like in coupons.lines(credits, billed, taxes, currency)]


def tax_kind(given: Mapping[str, Any], line: Line) -> Any:
    kinds = given.get("taxes") or {}
    return repr(kinds.get(line.charge, kinds.get("")))


@precise
def advance_fees(
    order: Row,
    charge: Row,
    metric: Row,
    usage: Iterable[Row],
    transaction_id: str,
    *,
    premium: bool = True,
) -> dict[str, Any]:
    """The line that one event gives on a charge paid in advance: ``lines`` (none or one) and ``refusals``.

    ``usage``: what had arrived up to and including the event, in order of arrival.
    """
    read, priced, known = read_order(order), read_charge(charge), read_metric(metric)
    if read is None:
        return {"lines": [], "refusals": [refusal("not-started", "the order has no start")]}
    events = read_events(usage).get((read.external_id, known["code"]), [])
    line = advance_line(read, priced, known, events, transaction_id, premium)
    return {"lines": [line.row()] if line else [], "refusals": []}


def advance_line(
    order: Order,
    charge: dict[str, Any],
    metric: dict[str, Any],
    events: Sequence[Event],
    transaction_id: str,
    premium: bool,
) -> Line | None:
    event = next((event for event in events if event.transaction_id == transaction_id), None)
    if event is None:
        return None
    windows = Billing(order.sub, event.at, current_usage=True).windows()
    start, end = windows.charges_start, windows.charges_end
    if start is None or end is None or not start <= event.at <= end:
        return None
    window = Window(start, end, windows.charges_days, order.sub.tz)
    known = [other for other in events if other.order <= event.order]
    line = event_line(charge, metric, known, event, window, order.currency, premium)
    return replace(line, subscription=order.lago_id) if line else None
