"""Lago's own clock when an extract begins: what it shows is the state of that moment, and bills are held against it.

    Date header -> a moment -> held against what is known -> taken_at of the run

A clock that contradicts what is known would make the whole state one of another time: it is refused before anything is
written. One that is off by less is told, and decides no amount (docs/robustness.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from mappings.ranges import YEARS
from migrate.errors import LagoRefused
from migrate.state.records import A_DAY, Run

TOLERATED = timedelta(minutes=5)  # clocks that are kept right, and the way of an answer
_FIRST = datetime(2021, 1, 1, tzinfo=UTC)
_TO_COME = (
    "which is to come by this machine's clock as well: look at it with lago2odoo doctor --state; "
    "if that moment was wrong, take a new state, then extract and adopt"
)
_REMEDY = "set the clock right of Lago's server, or of what stands before it, then run the same command again"


def moment_of(header: str, name: str) -> datetime:
    """The moment of a ``Date`` header, in UTC. Raises LagoRefused for one that is none; ``name``: of the server."""
    try:
        moment = parsedate_to_datetime(header)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise LagoRefused(f"{name} says in its Date header {ascii(header)[:60]}, which is no time; {_REMEDY}") from None


def check_clock(moment: datetime, now: datetime, organization: Mapping[str, object], latest: Run | None) -> list[str]:
    """What is odd about Lago's clock and stops nothing. Raises LagoRefused for one that cannot be right.

    ``now``: this machine's; ``latest``: the last run of this state.
    """
    known = known_of_clock(organization, latest)
    require_clock(moment, now, known)
    return list(doubts_of_clock(moment, now, known))


def known_of_clock(organization: Mapping[str, object], latest: Run | None) -> dict[str, object]:
    """What Lago's clock cannot be earlier than, by its name. ``latest``: the last run of this state."""
    known: dict[str, object] = {"its organization was made": organization.get("created_at")}
    if latest and latest.finished:
        known["the last extract was made"] = latest.taken_at
    return known


def require_clock(moment: datetime, now: datetime, known: Mapping[str, object]) -> None:
    """Raise LagoRefused for a clock that cannot be right.

    ``now``: this machine's. ``known``: what cannot have been later, by its name ("Lago's organization was made"): a
    moment, or what Lago wrote for one.
    """
    if moment.year not in YEARS:
        raise _refused(moment, f"no year from {YEARS.start} to {YEARS.stop - 1}")
    if moment < _FIRST:
        raise _refused(moment, "which is before there was a Lago")
    if moment > now + A_DAY:
        raise _refused(moment, f"and this machine's says {_shown(now)}")
    for name, earlier in known.items():
        last = _read(earlier)
        if last is None or moment >= last - A_DAY:
            continue
        if last > now + A_DAY:
            told = f"Lago's clock says {_shown(moment)}, and {name} at {_shown(last)}, {_TO_COME}"
            raise LagoRefused(told)
        raise _refused(moment, f"and {name} at {_shown(last)}")


def doubts_of_clock(moment: datetime, now: datetime, known: Mapping[str, object]) -> Iterator[str]:
    """What contradicts a clock by more than minutes, and by less than it is refused for, each in one line.

    ``now``, ``known``: as of ``require_clock``.
    """
    if (off := abs(moment - now)) > TOLERATED:
        side = "ahead of" if moment > now else "behind"
        yield (
            f"Lago's clock says {_shown(moment)}, {_length(off)} {side} this machine's ({_shown(now)}): no amount "
            "follows from it; set the clock right that is wrong"
        )
    for name, earlier in known.items():
        last = _read(earlier)
        if last is not None and last - moment > TOLERATED:
            off = last - moment
            yield f"Lago's clock says {_shown(moment)}, and {name} at {_shown(last)}, {_length(off)} later; {_REMEDY}"


def doubts_of_records(newest: datetime | None, now: datetime) -> Iterator[str]:
    """That Lago's newest record is of a moment that is still to come here: one of the two clocks is wrong."""
    if newest is not None and newest - now > TOLERATED:
        yield (
            f"Lago's newest record is of {_shown(newest)}, {_length(newest - now)} ahead of this machine's clock "
            f"({_shown(now)}): set the clock right that is wrong"
        )


def _length(off: timedelta) -> str:
    """``12 minutes``, ``3 hours``, ``40 days``: as much of it as matters."""
    minutes = round(off / timedelta(minutes=1))
    for unit, size in (("days", 24 * 60), ("hours", 60)):
        if minutes >= 2 * size:
            return f"{minutes // size:,} {unit}"
    return f"{minutes} minutes"


def _refused(moment: datetime, why: str) -> LagoRefused:
    return LagoRefused(f"Lago's clock says {_shown(moment)}, {why}: nothing is read; {_REMEDY}")


def _read(written: object) -> datetime | None:
    """A moment, or what Lago wrote for one; what cannot be read says nothing of its clock."""
    if isinstance(written, datetime):
        return written
    try:
        moment = datetime.fromisoformat(written) if isinstance(written, str) else None
        return moment.astimezone(UTC) if moment and moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
