"""One billed line, before it becomes a row of an invoice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from .exact import ONE, ZERO, plain
from .rows import LineKey, LineRow
from .steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """``cents`` is what is billed, ``precise`` the same before rounding (in cents). ``item`` is a Lago id."""

    kind: str  # subscription, charge, true_up, fixed_charge, commitment, coupon
    item: str
    name: str
    cents: int
    precise: Decimal
    subscription: str = ""
    units: Decimal = ONE
    total_units: Decimal = ONE
    unit_amount: Decimal = ZERO
    events: int = 0
    filter: str = ""
    position: int | None = None  # of the filter in the charge
    group: Mapping[str, str | None] = field(default_factory=dict)
    event: str = ""
    start: datetime | None = None
    end: datetime | None = None
    steps: Sequence[Step] = ()
    charge: str = ""  # Lago id of the charge: product and taxes of the line
    code: str = ""
    metric: str = ""

    def key(self) -> LineKey:
        return {
            "subscription": self.subscription,
            "kind": self.kind,
            "item": self.item,
            "filter": self.filter,
            "group": sorted([key, value or ""] for key, value in self.group.items()),
            "event": self.event,
        }

    def row(self) -> LineRow:
        """The line as ``bill`` returns it: numbers as text, moments as ISO text in UTC."""
        return {
            "key": self.key(),
            "name": self.name,
            "charge": self.charge,
            "amount_cents": self.cents,
            "precise_amount_cents": plain(self.precise),
            "units": plain(self.units),
            "total_units": plain(self.total_units),
            "unit_amount": plain(self.unit_amount),
            "events": self.events,
            "from": self.start.isoformat() if self.start else None,
            "to": self.end.isoformat() if self.end else None,
            "steps": [dict(step) for step in self.steps],
        }
