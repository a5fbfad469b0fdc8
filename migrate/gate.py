"""The gate that a cohort goes through before it leaves Lago: each check open or closed, with the way out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class GateCheck:
    """``problems``: what closes the gate, one a thing; none: it is open. ``told``: what was found where it is open."""

    name: str
    told: str
    problems: tuple[str, ...] = ()
    remedy: str = ""

    @property
    def is_open(self) -> bool:
        return not self.problems

    def __str__(self) -> str:
        """What was found, or the first problems with their number."""
        if self.is_open:
            return self.told
        named = "; ".join(self.problems[:_SHOWN])
        more = f"; and {len(self.problems) - _SHOWN:,} more" if len(self.problems) > _SHOWN else ""
        return f"{named}{more} -> {self.remedy}"


def is_open(checks: Sequence[GateCheck]) -> bool:
    """Whether a cohort may leave: every check of at least one is open."""
    return bool(checks) and all(check.is_open for check in checks)


def snapshot_is_fresh(taken_at: datetime, now: datetime, oldest: timedelta) -> GateCheck:
    """Nothing is decided on what Lago was days ago."""
    age = now - taken_at
    hours = f"{age.total_seconds() / 3600:,.0f} hours"
    told = f"the snapshot is of {taken_at:%Y-%m-%d %H:%M} UTC, {hours} ago"
    return GateCheck(
        name="snapshot",
        told=told,
        problems=(told,) if age > oldest else (),
        remedy="lago2odoo extract, then apply and reconcile",
    )
