"""Whether a subscription is billed by both systems, or by neither: until when by Lago, from when by Odoo. Pure.

    Lago      always | until its end that is set | until it ended
    Odoo      never (no order runs, or no scheduled action bills) | from where its first period begins | already

Both: Odoo begins before Lago stops. Neither: it left Lago with this tool, and Odoo begins later, or never. One that its
customer gave up is billed by nobody, and right so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from mappings.period import local_date
from migrate.lago.filters import Payload, moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Billable:
    """One external id of a customer, in the customer's days.

    ``until``: the first day that Lago does not bill; None: it has no end. ``since``: the first that Odoo bills; None:
    it never does. ``is_billed``: Odoo has billed something of it. ``has_left``: its end was set with this tool.
    """

    subscription: str
    customer: str
    until: date | None
    since: date | None
    is_billed: bool = False
    has_left: bool = False

    def problem(self, today: date) -> str:
        """Why somebody is charged twice, or not at all; empty if neither. ``today``: Lago's."""
        runs = self.until is None or self.until > today
        ends = f"until {self.until}" if self.until else "without an end"
        if self.is_billed and runs:
            return f"both: Odoo has billed it, and Lago bills it {ends}"
        if self.since is not None and (self.until is None or self.since < self.until) and not self.is_billed:
            return f"both: Lago bills it {ends}, and Odoo from {self.since}"
        if self.has_left and self.until is not None and not self.is_billed:
            if self.since is None and not runs:
                return f"neither: Lago billed it until {self.until}, and nothing in Odoo bills it"
            if self.since is not None and self.since > self.until:
                return f"neither: Lago bills it until {self.until}, and Odoo from {self.since} only"
        return ""


def stops(chain: Sequence[Payload], zone: str, now: datetime) -> date | None:
    """The first day on which Lago bills nothing under an external id; None: one of the chain has no end.

    One that is active after the day of its end has none: Lago's job missed that day, and looks at no other.
    """
    texts = [raw["terminated_at"] if raw["status"] == "terminated" else raw["ending_at"] for raw in chain]
    if None in texts:
        return None
    days = [local_date(moment(text), zone) for text in texts]
    missed = (raw["status"] == "active" and day < local_date(now, zone) for raw, day in zip(chain, days, strict=True))
    return None if any(missed) else max(days)


def violations(billables: Iterable[Billable], today: date) -> Iterator[tuple[Billable, str]]:
    """Those that both bill, or neither, with why."""
    for billable in billables:
        problem = billable.problem(today)
        if problem:
            yield billable, problem
