"""Which side is wrong: the table of three votes, as data."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """How to read three amounts of one thing."""

    MATCH = "match"
    ODOO = "odoo"  # mapping, configuration, missing usage, addon
    LAGO = "lago"  # late events, an old rule, or a quirk that is not modelled
    MODEL = "model"  # both agree: mend the re-rate before trusting it on anything alike
    UNEXPLAINED = "unexplained"  # all three differ: suspect different inputs first
    AGREED = "agreed"  # the sides agree and there was no third vote
    UNVOTED = "unvoted"  # they differ and there was no third vote
    UNKNOWN = "unknown"  # a side of the compared pair gave nothing


# (lago = odoo, odoo = re-rate, lago = re-rate) -> reading. A tolerance can make two of three equal; then the pair
# decides, and a third that equals both of two different ones votes for neither.
READINGS: dict[tuple[bool, bool, bool], Verdict] = {
    (True, True, True): Verdict.MATCH,
    (True, True, False): Verdict.MATCH,
    (True, False, True): Verdict.MATCH,
    (True, False, False): Verdict.MODEL,
    (False, False, True): Verdict.ODOO,
    (False, True, False): Verdict.LAGO,
    (False, True, True): Verdict.UNEXPLAINED,
    (False, False, False): Verdict.UNEXPLAINED,
}


def verdict(lago: int | None, odoo: int | None, rerate: int | None, tolerance: int = 0) -> Verdict:
    """Read three amounts in cents; ``None`` is a side that cannot say (never 0)."""
    if lago is None or odoo is None:
        return Verdict.UNKNOWN
    if rerate is None:
        return Verdict.AGREED if abs(lago - odoo) <= tolerance else Verdict.UNVOTED
    pairs = ((lago, odoo), (odoo, rerate), (lago, rerate))
    first, second, third = (abs(a - b) <= tolerance for a, b in pairs)
    return READINGS[first, second, third]


def control_verdict(lago: int | None, rerate: int | None, tolerance: int = 0) -> Verdict:
    """The reading of a control run (Lago against the re-rate, nobody else)."""
    if lago is None or rerate is None:
        return Verdict.UNKNOWN
    return Verdict.MATCH if abs(lago - rerate) <= tolerance else Verdict.UNVOTED
