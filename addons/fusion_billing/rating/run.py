"""One billing of one order: which families are due, and their lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from .advance import advance_line, advance_lines
from .base_fee import BaseFee, base_fee, billed_today, in_trial
from .charge_fees import charge_lines
from .commitment import BilledFee, CommittedPeriod, commitment_line
from .events import Event, events_known
from .exact import exponent
from .fixed_charges import fixed_line, raised_line
from .fixed_charges import window as fixed_window
from .implied import SOON, implied_billings
from .inputs import Catalog, Charge, Metric, Order, read_order
from .lines import Line
from .moments import DAY, day_end, local_date
from .periods import Billing, Boundaries
from .rows import Billed, OrderRow, Refusal
from .steps import step
from .unratable import Unratable
from .window import BilledWindow, Window

MINUTE = timedelta(minutes=1)
ENDING = ("subscription_terminating", "upgrading")


def refusal(reason: str, detail: str) -> Refusal:
    return {"reason": reason, "detail": detail}


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
    has_billed_fee: bool = False  # of an earlier billing: there was a base fee

    @property
    def terminated(self) -> bool:
        ended = self.order.sub.ended_at
        return ended is not None and ended < self.at + SOON

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

    def lines(self) -> tuple[list[Line], list[Refusal]]:
        lines: list[Line] = []
        refusals: list[Refusal] = []
        if self.reason == "in_advance_charge":
            raised, refused = self.raised_lines()
            return (raised, refused) if raised or refused else self.advance_lines()
        windows = self.windows
        if self.has_base_fee(windows):
            lines.append(self.base_line(windows))
        for charge in self.catalog.charges:
            add = self.add_charge if charge.kind == "usage" else self.add_fixed
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
        return Line(
            kind="subscription",
            item=self.order.plan,
            name=self.order.plan_name,
            cents=fee.cents,
            precise=fee.precise,
            unit_amount=amount,
            start=windows.start,
            end=windows.end,
            steps=[step(fee.kind, fee.counted_days, amount=amount)],
        )

    # minimum commitment

    def add_commitment(self, windows: Boundaries, lines: list[Line], refusals: list[Refusal]) -> None:
        """What is missing to the commitment of the period that this invoice closes."""
        if self.reason == "subscription_starting" or not self.month_has_base_fee(windows):
            return
        period = self.committed_period(windows, lines)
        line = commitment_line(self.order, period) if period else None
        if line:
            lines.append(line)

    def committed_period(self, windows: Boundaries, lines: Sequence[Line]) -> CommittedPeriod | None:
        """The period that this invoice closes, with the fees that count; None: it closes none.

        In advance it is the one that a base fee was billed for last: none on trial, or where all began in the past.
        """
        if not self.order.sub.pay_in_advance:
            fees = self.spent(windows.start, windows.end, lines)
            return CommittedPeriod(windows.start, windows.end, windows.duration, fees)
        paid = next((earlier.windows for earlier in reversed(self.earlier_runs()) if earlier.has_billed_fee), None)
        if paid is None:
            return None
        fees = self.spent(paid.start, paid.end, [line for line in lines if line.kind != "subscription"])
        if not self.terminated:
            return CommittedPeriod(paid.start, paid.end, paid.duration, fees)
        end, days = windows.end, windows.duration
        if not self.billing.terminated and self.order.sub.ended_at:  # on a billing day, before its own billing
            end = min(end, self.order.sub.ended_at)
            days += self.order.sub.calendar.duration(local_date(windows.start, self.order.sub.tz) - DAY)
        return CommittedPeriod(windows.start, end, days, fees)

    def spent(self, start: datetime, end: datetime, lines: Sequence[Line]) -> tuple[BilledFee, ...]:
        """What counts towards the commitment of a period: ``lines`` of now, and what was billed for it before."""
        before = [line for run in self.earlier_runs() if run.at >= start for line in run.billed_lines()]
        counted = [line for line in (*lines, *before) if line.start is None or start <= line.start <= end]
        counted += [line for charge in self.catalog.charges for line in self.lines_at_once(charge, start, end)]
        return tuple(BilledFee(line.cents, line.precise) for line in counted)

    def earlier_runs(self) -> list[Run]:
        """The billings before this one, each as it was made: with what was known then."""
        return [
            replace(
                self,
                at=run.at,
                reason=run.reason,
                billed=self.billed[:number],
                has_billed_fee=run.fee,
                events={code: events_known(rows, run.at) for code, rows in self.events.items()},
            )
            for number, run in enumerate(self.billed)
        ]

    def billed_lines(self) -> list[Line]:
        """The lines of an earlier billing, but for a commitment; at a start, and at a trial's end, no usage."""
        plain = replace(self, order=replace(self.order, commitment_cents=0))
        kinds = {"fixed_charge"} if self.reason == "subscription_starting" else {"charge", "true_up", "fixed_charge"}
        lines = [line for line in plain.lines()[0] if line.kind in kinds]
        return [*lines, self.base_line(self.windows)] if self.has_billed_fee else lines

    def lines_at_once(self, charge: Charge, start: datetime, end: datetime) -> list[Line]:
        """The lines of all events of a period on a charge that is paid at once."""
        metric = self.catalog.metrics.get(charge.metric)
        if metric is None or charge.kind != "usage" or not charge.pay_in_advance:
            return []
        rows = self.events.get(metric.code, ())
        names = frozenset(event.transaction_id for event in rows if start <= event.at <= end)
        return advance_lines(self.order, charge, metric, rows, names, self.premium)

    # usage

    def add_charge(self, charge: Charge, windows: Boundaries, lines: list[Line], refusals: list[Refusal]) -> None:
        metric = self.catalog.metrics.get(charge.metric)
        if metric is None:
            refusals.append(refusal("metric_missing", f"charge {charge.code}: no metric {charge.metric}"))
            return
        if not self.is_due(charge, metric, windows):
            return
        charge = replace(charge, prorated=charge.prorated and not charge.pay_in_advance)
        try:
            window = self.usage_window(charge, metric, windows)
            lines += charge_lines(
                charge, metric, self.events.get(metric.code, []), window, self.order.currency, self.premium
            )
        except Unratable as error:
            refusals.append(refusal(error.reason, f"charge {charge.code}: {error.detail}"))

    def add_fixed(self, charge: Charge, windows: Boundaries, lines: list[Line], refusals: list[Refusal]) -> None:
        starting = self.reason == "subscription_starting" and not self.ends_trial
        due = fixed_window(charge, self.billing, windows, terminated=self.terminated, starting=starting)
        if due is None or not self.is_fixed_due(charge, *due):
            return
        days = Billing(self.order.sub, self.at, current_usage=True).windows().fixed_days
        try:
            days = days if charge.pay_in_advance else windows.fixed_days
            at_start = starting and not self.pays_at_start
            line = fixed_line(charge, self.order, due[0], due[1], days, self.at, at_start=at_start)
        except Unratable as error:
            refusals.append(refusal(error.reason, f"fixed charge {charge.code}: {error.detail}"))
            return
        if line.units or line.cents or at_start:
            lines.append(line)

    @property
    def ends_trial(self) -> bool:
        """The bill of a trial's end: base fee and fixed charges, no usage."""
        end = self.order.trial_end
        return self.reason == "subscription_starting" and end is not None and end < self.at + SOON

    def is_fixed_due(self, charge: Charge, start: datetime, end: datetime) -> bool:
        """At the end of a trial a fixed charge in advance is due if no bill of its period has it yet.

        Of one in arrears Lago then bills what it takes for the period before the start, which is no period at all.
        """
        if not self.ends_trial:
            return True
        return not any(run.at >= start for run in self.billed) if charge.pay_in_advance else start == end

    @property
    def pays_at_start(self) -> bool:
        """Does the bill of a start have a base fee? Else it is made for the fixed charges alone."""
        return self.order.sub.pay_in_advance and not in_trial(self.order, self.at)

    def raised_lines(self) -> tuple[list[Line], list[Refusal]]:
        """Lines of the fixed charges in advance whose units changed now; none where an event is named."""
        running = Billing(self.order.sub, self.at, current_usage=True).windows()
        start, end, lines, refusals = running.fixed_start, running.fixed_end, list[Line](), list[Refusal]()
        if self.event or start is None or end is None:
            return lines, refusals
        for charge in self.catalog.charges:
            if charge.kind == "usage" or not charge.pay_in_advance:
                continue
            try:
                line = raised_line(charge, self.order, start, end, running.fixed_days, self.at)
            except Unratable as error:
                refusals.append(refusal(error.reason, f"fixed charge {charge.code}: {error.detail}"))
                continue
            lines += [replace(line, subscription=self.order.lago_id)] if line else []
        return lines, refusals

    def advance_lines(self) -> tuple[list[Line], list[Refusal]]:
        """Lines of the event that made this invoice, on the charges that are paid at once."""
        charges = [c for c in self.catalog.charges if c.pay_in_advance and c.kind == "usage" and c.invoiceable]
        codes = {charge.metric for charge in charges} & self.catalog.metrics.keys()
        events = [event for code in codes for event in self.events.get(code, ())]
        names = {event.transaction_id for event in self.just_received(events)}
        if len(names) != 1:
            return [], [refusal("advance_event", self._which_event(sorted(names)))]
        found = []
        for charge in charges:
            metric = self.catalog.metrics.get(charge.metric)
            if metric:
                rows = self.events.get(metric.code, ())
                found.append(advance_line(self.order, charge, metric, rows, min(names), self.premium))
        return [line for line in found if line is not None], []

    def _which_event(self, names: Sequence[str]) -> str:
        """What is wrong, of which subscription, and what to do, where not one event made the invoice."""
        of = f"the invoice that subscription {self.order.external_id} got at once at {self.at.isoformat()}"
        if self.event:
            return f"usage {self.event!r} made {of}, and Odoo does not have it: load its usage, then compare again"
        if not names:
            return f"no usage came within a minute before {of}: load its usage, or name its transaction"
        return f"{len(names)} events came in the second of {of} ({', '.join(names)}): name the transaction of one"

    def just_received(self, events: Sequence[Event]) -> list[Event]:
        """The named event, else those received last before the invoice, within a minute."""
        if self.event:
            return [event for event in events if event.transaction_id == self.event]
        recent = [e for e in events if e.received and self.at - MINUTE <= e.received < self.at + SOON]
        seconds = {e.transaction_id: (e.received or self.at).replace(microsecond=0) for e in recent}
        return [event for event in recent if seconds[event.transaction_id] == max(seconds.values())]

    def is_due(self, charge: Charge, metric: Metric, windows: Boundaries) -> bool:
        start, end = windows.charges_start, windows.charges_end
        if start is None or end is None or start >= end or not charge.invoiceable or self.ends_trial:
            return False
        if charge.pay_in_advance:
            return metric.recurring and not self.terminated
        rolls_over = self.upgraded and metric.recurring and not charge.prorated
        return not (rolls_over and metric.code in (self.order.codes_after))

    def usage_window(self, charge: Charge, metric: Metric, windows: Boundaries) -> Window:
        start, end = windows.charges_start, windows.charges_end
        if start is None or end is None:
            raise Unratable("no_window", "no usage period is due")
        return Window(
            start=start,
            end=end,
            days=windows.charges_days,
            tz=self.order.sub.tz,
            upgraded=self.upgraded,
            billed=self.billed_windows() if metric.aggregation == "weighted_sum_agg" else (),
            inherits=self.order.previous is not None,
        )

    def billed_windows(self) -> tuple[BilledWindow, ...]:
        """Usage windows of the billings before this one, of this order and of earlier ones of its external id."""
        windows = [window for row in self.order.earlier for window in ended_windows(row)]
        windows += [billed_window(Billing(self.order.sub, run.at)) for run in self.billed]
        return tuple(window for window in windows if window)


def billed_window(billing: Billing) -> BilledWindow | None:
    """The usage window of a billing; None: it has none."""
    windows = billing.windows()
    start, end = windows.charges_start, windows.charges_end
    return BilledWindow(start, end, billing.at) if start and end and start < end else None


def ended_windows(row: OrderRow) -> list[BilledWindow | None]:
    """All usage windows of an order that has ended."""
    order = read_order(row)
    if order is None or order.sub.ended_at is None:
        return []
    last = Run(order, Catalog(), {}, order.sub.ended_at, ENDING[0], implied_billings(order, order.sub.ended_at), True)
    return [*(billed_window(Billing(order.sub, run.at)) for run in last.billed), billed_window(last.billing)]
