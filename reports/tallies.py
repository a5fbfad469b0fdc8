"""What the rows of a report add up to: by level, by cause. Sums are of whole cents, per currency, and checked.

Grouping is pandas': one frame of the positions (or of the findings), in which every level is a column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import pandas as pd

from reports.data import COMPARED, LAGO, RERATE, SETTLEMENTS, STATUSES, Finding, InvoiceView, Position, ReportData

LEVELS = ("line", "invoice", "customer", "service", "month", "all")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Positions and amounts of a set of rows in one currency."""

    currency: str
    equal: int = 0
    tolerated: int = 0
    differs: int = 0
    only_left: int = 0
    only_right: int = 0
    refused: int = 0
    outside: int = 0
    left_cents: int = 0  # billed, of what was compared
    right_cents: int = 0
    delta_cents: int = 0
    explained_cents: int = 0  # sum of the findings
    apart_cents: int = 0  # billed by the first side, of what could not be compared
    settled_left_cents: int = 0  # taken off after tax, of what was compared
    settled_right_cents: int = 0
    settled_delta_cents: int = 0
    settled_explained_cents: int = 0

    @property
    def positions(self) -> int:
        return sum(getattr(self, status) for status in STATUSES)


_NUMBERS = tuple(f.name for f in fields(Tally) if f.name != "currency")
_AMOUNTS = tuple(name for name in _NUMBERS if name.endswith("_cents"))


def frame_positions(data: ReportData) -> pd.DataFrame:
    """One row per position: the groups it is in, and the numbers of its tally."""
    pair = data.run.pair
    rows = [(*_groups(i, p), i.currency, p.status, *_amounts(p, pair)) for i, p in data.rows()]
    frame = pd.DataFrame.from_records(rows, columns=[*LEVELS, "currency", "status", *_AMOUNTS])
    counts = {status: frame["status"].eq(status).astype(int) for status in STATUSES}
    return _exact(frame, _AMOUNTS).assign(**counts)


def _groups(invoice: InvoiceView, position: Position) -> tuple[str, ...]:
    """Its group on every one of ``LEVELS``."""
    return position.id, invoice.id, invoice.customer, position.service, invoice.month, ""


def _amounts(position: Position, pair: tuple[str, str]) -> tuple[int, ...]:
    """In the order of ``_AMOUNTS``: what was compared and what was not, billed and settled are never added."""
    left, right = (position.cents(side) or 0 for side in pair)
    nothing = (0, 0, 0, 0)
    amounts = (left, right, position.delta_cents, position.explained_cents)
    if position.kind in SETTLEMENTS:
        return (*nothing, 0, *(amounts if position.status in COMPARED else nothing))
    if position.status not in COMPARED:
        return (*nothing, left, *nothing)
    return (*amounts, 0, *nothing)


def _exact(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Columns of cents that add up exactly: in 64 bits, or as Python's integers where those might not be enough."""
    size = float(frame[list(columns)].astype(float).abs().to_numpy().sum())
    return frame.astype(dict.fromkeys(columns, "int64" if size < _SAFE else "object"))


_SAFE = 2**62


def tally(data: ReportData, level: str) -> dict[tuple[str, str], Tally]:
    """(group of a level, currency) -> tally, in order."""
    return _tallies(_add_up(frame_positions(data), level))


def _add_up(frame: pd.DataFrame, level: str) -> pd.DataFrame:
    return frame.groupby([level, "currency"])[list(_NUMBERS)].sum()


def _tallies(sums: pd.DataFrame) -> dict[tuple[str, str], Tally]:
    """A row of sums, indexed by (group, currency), as a tally."""
    return {
        (str(group), str(currency)): Tally(currency=str(currency), **dict(zip(_NUMBERS, map(int, row), strict=True)))
        for (group, currency), row in zip(sums.index, sums.itertuples(index=False, name=None), strict=True)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """A level of the report in one currency: its groups and what they add up to."""

    level: str
    groups: int
    sum: Tally


def tie_levels(data: ReportData) -> tuple[Tie, ...]:
    """Every level added up on its own, from lines to all. ``check_ties`` asserts that they agree."""
    frame = frame_positions(data)
    return tuple(tie for level in LEVELS for tie in _ties_of(_add_up(frame, level), level))


def _ties_of(groups: pd.DataFrame, level: str) -> list[Tie]:
    """Per currency, what the groups of a level add up to: a row that is in no group is missing there."""
    sums = groups.assign(group="").groupby(["group", "currency"])
    sizes = sums.size()
    return [
        Tie(level=level, groups=int(sizes[key]), sum=total)
        for key, total in _tallies(sums[list(_NUMBERS)].sum()).items()
    ]


class TieOutBroken(AssertionError):
    """The report contradicts itself: a bug of this program, never a finding about the data."""


def check_ties(data: ReportData) -> tuple[Tie, ...]:
    """Assert that every level adds up to the same, that deltas are differences and that causes add up to them."""
    ties = tie_levels(data)
    everything = {tie.sum.currency: tie.sum for tie in ties if tie.level == "all"}
    for tie in ties:
        if tie.sum != everything[tie.sum.currency]:
            raise TieOutBroken(f"{tie.level} adds up to {tie.sum}, all to {everything[tie.sum.currency]}")
        if not _is_sound(tie.sum):
            raise TieOutBroken(f"{tie.level}: delta is not the difference of the sides in {tie.sum}")
    for invoice, position in data.rows():
        if position.status in COMPARED:
            _check_findings(invoice, position)
    return ties


def _check_findings(invoice: InvoiceView, position: Position) -> None:
    """Causes add up to the difference of the pair; a doubt is what the re-rate says beyond Lago."""
    explained, doubt = position.explained_cents, position.doubt
    if explained != position.delta_cents:
        raise TieOutBroken(
            f"{invoice.number} {position.label}: causes add up to {explained}, not {position.delta_cents}"
        )
    beyond = (position.cents(RERATE) or 0) - (position.cents(LAGO) or 0)
    if doubt and doubt.delta_cents != beyond:
        raise TieOutBroken(f"{invoice.number} {position.label}: the doubt is of {doubt.delta_cents}, not {beyond}")


def _is_sound(t: Tally) -> bool:
    billed = t.right_cents - t.left_cents == t.delta_cents
    return billed and t.settled_right_cents - t.settled_left_cents == t.settled_delta_cents


def sum_exactly(frame: pd.DataFrame, keys: list[str], cents: Sequence[str], **others: tuple[str, str]) -> pd.DataFrame:
    """By ``keys``: how many rows (``count``), the sums of the columns of cents, and the other aggregates."""
    counted = {"count": (cents[0], "size"), **{name: (name, "sum") for name in cents}}
    return _exact(frame, cents).groupby(keys).agg(**counted, **others)


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseTotal:
    """A cause in one currency. ``gross_cents`` adds absolute values, so that opposite signs do not hide each other."""

    cause: str
    side: str
    currency: str
    count: int
    delta_cents: int
    gross_cents: int
    waived: int
    proven: bool


def total_causes(data: ReportData) -> tuple[CauseTotal, ...]:
    """Causes by side and currency, the largest first."""
    rows = [
        (f.cause, f.side, i.currency, f.delta_cents, abs(f.delta_cents), bool(f.waiver), f.proven)
        for i, p in data.rows()
        for f in p.findings
    ]
    keys, cents = ["cause", "side", "currency"], ["delta_cents", "gross_cents"]
    findings = pd.DataFrame.from_records(rows, columns=[*keys, *cents, "waived", "proven"])
    sums = sum_exactly(findings, keys, cents, waived=("waived", "sum"), proven=("proven", "all"))
    totals = [
        CauseTotal(
            cause=str(record["cause"]),
            side=str(record["side"]),
            currency=str(record["currency"]),
            count=int(record["count"]),
            delta_cents=int(record["delta_cents"]),
            gross_cents=int(record["gross_cents"]),
            waived=int(record["waived"]),
            proven=bool(record["proven"]),
        )
        for record in sums.reset_index().to_dict("records")
    ]
    return tuple(sorted(totals, key=lambda t: (-t.gross_cents, t.cause, t.side, t.currency)))


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtTotal:
    """In one currency, positions on which both sides agree and the re-rate does not, and the money of it."""

    currency: str
    positions: int
    waived: int
    delta_cents: int  # the re-rate less Lago
    gross_cents: int  # in absolute values


def total_doubts(data: ReportData, *, waived: bool | None = None) -> tuple[DoubtTotal, ...]:
    """By currency; nothing where the re-rate doubts nothing. ``waived``: only those that are, or are not."""
    by_currency: dict[str, list[Finding]] = {}
    for invoice, _, doubt in data.doubted():
        if waived is None or bool(doubt.waiver) is waived:
            by_currency.setdefault(invoice.currency, []).append(doubt)
    return tuple(
        DoubtTotal(
            currency=currency,
            positions=len(doubts),
            waived=sum(1 for doubt in doubts if doubt.waiver),
            delta_cents=sum(doubt.delta_cents for doubt in doubts),
            gross_cents=sum(abs(doubt.delta_cents) for doubt in doubts),
        )
        for currency, doubts in sorted(by_currency.items())
    )
