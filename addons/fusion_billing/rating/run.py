"""One billing of one order: which families are due, and their lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from .advance import advance_line
from .base_fee import BaseFee, base_fee, billed_today, in_trial
from .charge_fees import charge_lines
from .commitment import BilledFee, CommittedPeriod, commitment_line
from .events import Event
from .exact import exponent
from .fixed_charges import fixed_line
from .fixed_charges import window as fixed_window
from .implied import SOON, implied_billings
from .inputs import Catalog, Charge, Metric, Order, read_order
from .lines import Line
from .moments import DAY, day_end, local_date
from .periods import Billing, Boundaries
from .rows import Billed, OrderRow, Refusal
from .steps import step
from .unratable import Unratable
from .window import Window

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

    def lines(self) -> tuple[list[Line], list[Refusal]]:
        lines: list[Line] = []
        refusals: list[Refusal] = []
        if self.reason == "in_advance_charge":
            return self.advance_lines()
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
        sub = self.order.sub
        if sub.may_split and sub.charges_monthly and self.catalog.charges:
            refusals.append(refusal("commitment", "a commitment over charges of several monthly bills is not rated"))
            return
        period = self.committed_period(windows, lines)
        line = commitment_line(self.order, period) if period else None
        if line:
            lines.append(line)

    def committed_period(self, windows: Boundaries, lines: Sequence[Line]) -> CommittedPeriod | None:
        """The period that this invoice closes, with the fees that count; None: it closes none."""
        if not self.order.sub.pay_in_advance:
            fees = tuple(BilledFee(line.cents, line.precise) for line in lines)
            return CommittedPeriod(windows.start, windows.end, windows.duration, fees)
        return self.period_that_ends(windows, lines) if self.terminated else self.period_in_advance(lines)

    def period_that_ends(self, windows: Boundaries, lines: Sequence[Line]) -> CommittedPeriod:
        """A plan paid in advance ends: its running period, and the base fee that was billed last."""
        fees = (*(BilledFee(line.cents, line.precise) for line in lines), *self.base_fees()[-1:])
        end, days = windows.end, windows.duration
        if not self.billing.terminated and self.order.sub.ended_at:  # on a billing day, before its own billing
            end = min(end, self.order.sub.ended_at)
            days += self.order.sub.calendar.duration(local_date(windows.start, self.order.sub.tz) - DAY)
        return CommittedPeriod(windows.start, end, days, fees)

    def base_fees(self, start: datetime | None = None) -> tuple[BilledFee, ...]:
        """The base fees billed before, of all periods or of the one from ``start`` on."""
        fees = []
        for number, run in enumerate(self.billed):
            earlier = replace(self, at=run.at, reason=run.reason, billed=self.billed[:number])
            windows = earlier.windows
            if run.fee and start in (None, windows.start):
                fee = earlier.base_fee(windows)
                fees.append(BilledFee(fee.cents, fee.precise))
        return tuple(fees)

    def period_in_advance(self, lines: Sequence[Line]) -> CommittedPeriod | None:
        """The period before: its base fee was billed then, its usage is billed now. None before the second bill."""
        sub, calendar = self.order.sub, self.order.sub.calendar
        first = calendar.start(calendar.base(self.billing.day))
        start, end = self.billing.clamp_start(first), day_end(calendar.end(first), sub.tz)
        if not self.billed or end < sub.started_at:
            return None
        usage = (BilledFee(line.cents, line.precise) for line in lines if line.kind != "subscription")
        return CommittedPeriod(start, end, calendar.duration(first), (*usage, *self.base_fees(start)))

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
        starting = self.reason == "subscription_starting"
        due = fixed_window(charge, self.billing, windows, terminated=self.terminated, starting=starting)
        if due is None:
            return
        days = Billing(self.order.sub, self.at, current_usage=True).windows().fixed_days
        try:
            days = days if charge.pay_in_advance else windows.fixed_days
            at_start = starting and not self.order.sub.pay_in_advance
            line = fixed_line(charge, self.order, due[0], due[1], days, at_start=at_start)
        except Unratable as error:
            refusals.append(refusal(error.reason, f"fixed charge {charge.code}: {error.detail}"))
            return
        if line.units or line.cents or at_start:
            lines.append(line)

    def advance_lines(self) -> tuple[list[Line], list[Refusal]]:
        """Lines of the event that made this invoice, on the charges that are paid at once."""
        charges = [c for c in self.catalog.charges if c.pay_in_advance and c.kind == "usage" and c.invoiceable]
        codes = {charge.metric for charge in charges} & self.catalog.metrics.keys()
        events = [event for code in codes for event in self.events.get(code, ())]
        names = {event.transaction_id for event in self.just_received(events)}
        if len(names) != 1:
            detail = f"{len(names)} events could have made the invoice of {self.at.isoformat()}: name one"
            return [], [refusal("advance_event", detail)]
        found = []
        for charge in charges:
            metric = self.catalog.metrics.get(charge.metric)
            if metric:
                rows = self.events.get(metric.code, ())
                found.append(advance_line(self.order, charge, metric, rows, min(names), self.premium))
        return [line for line in found if line is not None], []

    def just_received(self, events: Sequence[Event]) -> list[Event]:
        """The named event, else those received last before the invoice, within a minute."""
        if self.event:
            return [event for event in events if event.transaction_id == self.event]
        recent = [e for e in events if e.received and self.at - MINUTE <= e.received < self.at + SOON]
        seconds = {e.transaction_id: (e.received or self.at).replace(microsecond=0) for e in recent}
        return [event for event in recent if seconds[event.transaction_id] == max(seconds.values())]

    def is_due(self, charge: Charge, metric: Metric, windows: Boundaries) -> bool:
        start, end = windows.charges_start, windows.charges_end
        if start is None or end is None or start >= end or not charge.invoiceable:
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

    def billed_windows(self) -> tuple[tuple[datetime, datetime], ...]:
        """Usage windows of the billings before this one, of this order and of earlier ones of its external id."""
        windows = [window for row in self.order.earlier for window in ended_windows(row)]
        windows += [usage_window(Billing(self.order.sub, run.at)) for run in self.billed]
        return tuple((start, end) for start, end in windows if start and end and start < end)


def usage_window(billing: Billing) -> tuple[datetime | None, datetime | None]:
    windows = billing.windows()
    return windows.charges_start, windows.charges_end


def ended_windows(row: OrderRow) -> list[tuple[datetime | None, datetime | None]]:
    """All usage windows of an order that has ended."""
    order = read_order(row)
    if order is None or order.sub.ended_at is None:
        return []
    last = Run(order, Catalog(), {}, order.sub.ended_at, ENDING[0], implied_billings(order, order.sub.ended_at), True)
    return [*(usage_window(Billing(order.sub, run.at)) for run in last.billed), usage_window(last.billing)]
