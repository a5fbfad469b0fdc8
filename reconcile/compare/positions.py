"""Three columns per position: lines matched by their keys, header parts beside them, nothing guessed.

An invoice is the sum of its positions: its lines, then the parts of its header that are not lines (coupons, each tax,
rounding...). Odoo's header is not the sum of its lines (``round_globally``), so the difference is a position too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from reconcile.billed import BilledInvoice, BilledLine, LineKey, Side, Totals
from reports.data import (
    DIFFERS,
    EQUAL,
    LAGO,
    ODOO,
    ONLY_LEFT,
    ONLY_RIGHT,
    OUTSIDE,
    REFUSED,
    RERATE,
    TOLERATED,
    Pair,
    SideName,
)


@dataclass(frozen=True, slots=True)
class HeaderKey:
    """A part of the header: adjustment, coupons, tax (with its code), tax_rounding, credit_notes, prepaid.

    ``settled`` stands for all that was taken off after tax, where every side tells just that.
    """

    part: str
    code: str = ""


HEADER_PARTS = ("adjustment", "coupons", "tax", "tax_rounding", "credit_notes", "prepaid", "settled")

Key = LineKey | HeaderKey

# Ways to group lines, finest first: what a coarser line leaves out.
COARSER: tuple[Callable[[LineKey], LineKey], ...] = (
    lambda k: replace(k, event=""),
    lambda k: replace(k, group=()),
    lambda k: replace(k, group=(), event=""),
    lambda k: replace(k, filter="", group=()),
    lambda k: replace(k, filter="", group=(), event=""),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One position over the sides. ``cents`` holds the sides that know it (0 where a side bills nothing).

    ``amount`` fields follow the invoice's total: a coupon is negative.
    """

    key: Key
    cents: Mapping[SideName, int]
    lines: Mapping[SideName, tuple[BilledLine, ...]]
    status: str
    shape: str
    delta_cents: int
    lookalikes: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedInvoice:
    """One invoice over the sides, with its positions. ``base`` names it (Lago's if there is one)."""

    base: BilledInvoice
    sides: Mapping[SideName, BilledInvoice]
    positions: tuple[Compared, ...]
    pair: Pair = (LAGO, ODOO)

    @property
    def delta_cents(self) -> int:
        return sum(p.delta_cents for p in self.positions)

    @property
    def differs(self) -> bool:
        return any(p.delta_cents for p in self.positions)

    @property
    def differs_in_lines(self) -> bool:
        return any(p.delta_cents and isinstance(p.key, LineKey) for p in self.positions)

    @property
    def baseline(self) -> SideName:
        """The side that both of the pair are held against: the re-rate where it has a vote, else the first of them."""
        rerate = self.sides.get(RERATE) if RERATE not in self.pair else None
        votes = rerate is not None and not rerate.refusals and rerate.totals is not None
        return RERATE if votes else self.pair[0]

    def deviation(self, side: SideName) -> dict[Key, int]:
        """By how many cents a side exceeds the baseline, position by position; equal ones are left out."""
        base = self.baseline
        if base not in self.sides:
            return {}
        return {
            p.key: p.cents[side] - p.cents[base]
            for p in self.positions
            if {side, base} <= p.cents.keys() and p.cents[side] != p.cents[base] and p.status not in (REFUSED, OUTSIDE)
        }


def compare(
    sides: Mapping[SideName, Side], *, pair: Pair = (LAGO, ODOO), tolerance_cents: int = 0
) -> tuple[ComparedInvoice, ...]:
    """Compare all invoices of all sides, by Lago's invoice id, in the first side's order.

    An invoice that a side of the pair lacks altogether is one that this side does not bill (0); a side that cannot
    say answers an invoice with refusals. The third side may lack invoices: then it has no vote.
    """
    ids = list(dict.fromkeys(lago_id for name in pair for lago_id in sides[name]))
    return tuple(
        compare_invoice({name: side[i] for name, side in sides.items() if i in side}, pair, tolerance_cents)
        for i in ids
    )


def compare_invoice(
    sides: Mapping[SideName, BilledInvoice], pair: Pair = (LAGO, ODOO), tolerance_cents: int = 0
) -> ComparedInvoice:
    """Compare one invoice. Its positions tie out: on each side that knows all, they add up to its total."""
    base = sides.get(pair[0]) or sides[pair[1]]
    grouped = _grouped(sides, pair)
    sums = {name: _header(invoice, _per_code(sides)) for name, invoice in sides.items()}
    keys: list[Key] = [*grouped, *_header_keys(sums)]
    positions = [
        _position(key, grouped.get(key, {}) if isinstance(key, LineKey) else {}, sides, sums, pair, tolerance_cents)
        for key in keys
    ]
    compared = ComparedInvoice(base=base, sides=sides, positions=_with_lookalikes(positions), pair=pair)
    for name, invoice in sides.items():
        _assert_total(name, invoice, compared)
    return compared


def _assert_total(name: SideName, invoice: BilledInvoice, compared: ComparedInvoice) -> None:
    """The positions of a side that refused nothing add up to the total it states."""
    if invoice.totals is None or invoice.refusals:
        return
    total = sum(p.cents.get(name, 0) for p in compared.positions)
    if total != stated_total(invoice):
        raise AssertionError(f"{invoice.number}: positions of {name} add up to {total}, not {stated_total(invoice)}")


def stated_total(invoice: BilledInvoice) -> int:
    """Total of what the side states: its gross amount less the settlements it knows about."""
    totals = invoice.totals
    if totals is None:
        raise ValueError(f"{invoice.number} has no totals")
    if invoice.settled_cents is not None:
        return totals.gross_cents + invoice.settled_cents
    settled = {"credit_notes": totals.credit_notes_cents, "prepaid": totals.prepaid_cents}
    return totals.gross_cents - sum(v for part, v in settled.items() if part not in invoice.unstated)


# --- lines -------------------------------------------------------------------------------------------------------

Groups = dict[LineKey, dict[SideName, tuple[BilledLine, ...]]]


def _grouped(sides: Mapping[SideName, BilledInvoice], pair: Pair) -> Groups:
    """Lines of all sides under their keys; where one side of the pair bills coarser, under the coarser key."""
    groups: Groups = {}
    for name, invoice in sides.items():
        for line in invoice.lines:
            side = groups.setdefault(plain(line.key), {})
            side[name] = (*side.get(name, ()), line)
    for coarser in COARSER:
        groups = _merged(groups, coarser, pair)
    return groups


def plain(key: LineKey) -> LineKey:
    """The key without what it does not need: a subscription has one plan, whose id differs where it is overridden."""
    return replace(key, item="") if key.kind in ("subscription", "commitment") else key


def _merged(groups: Groups, coarser: Callable[[LineKey], LineKey], pair: Pair) -> Groups:
    """Join the lines below one coarse line of the other side of the pair (1:n, n:1)."""
    families: dict[LineKey, list[LineKey]] = defaultdict(list)
    for key in groups:
        families[coarser(key)].append(key)
    joined: Groups = {}
    for key, side in groups.items():
        family = families[coarser(key)]
        if not _one_to_many(coarser(key), family, groups, pair):
            joined[key] = side
            continue
        target = joined.setdefault(coarser(key), {})
        for name, lines in side.items():
            target[name] = (*target.get(name, ()), *lines)
    return joined


def _one_to_many(coarse: LineKey, family: list[LineKey], groups: Groups, pair: Pair) -> bool:
    """One side of the pair has just the coarse line, the other just finer ones, two or more."""
    has = {name: [key for key in family if name in groups[key]] for name in pair}
    alone, many = sorted(has.values(), key=len)
    return alone == [coarse] and len(many) > 1 and coarse not in many


def _shape(lines: Mapping[SideName, tuple[BilledLine, ...]], pair: Pair) -> str:
    left, right = (lines.get(name, ()) for name in pair)
    few, many = sorted((left, right), key=len)
    if len(few) == 1 and len(many) > 1 and {line.amount_cents for line in many} == {few[0].amount_cents}:
        same_key = {plain(line.key) for line in many} == {plain(few[0].key)}
        return "duplicate" if same_key and few[0].amount_cents else _counts(left, right)
    return _counts(left, right)


def _counts(left: tuple[BilledLine, ...], right: tuple[BilledLine, ...]) -> str:
    return f"{len(left)}:{len(right)}"


# --- header ------------------------------------------------------------------------------------------------------


def _per_code(sides: Mapping[SideName, BilledInvoice]) -> bool:
    """Whether all sides name their taxes alike; if one has a tax without a Lago code, only their sum compares."""
    return not any(invoice.unnamed_taxes for invoice in sides.values())


def _header(invoice: BilledInvoice, per_code: bool) -> dict[HeaderKey, int] | None:
    """Contribution of each header part to the total, or None if the side gives no header.

    A side that refuses anything states no header: what it adds up to lacks what it refused.
    """
    totals = invoice.totals
    if totals is None or invoice.refusals:
        return None
    lines = sum(line.amount_cents for line in invoice.lines)
    parts = {
        HeaderKey("adjustment"): totals.net_cents - (lines - totals.coupons_cents),
        HeaderKey("coupons"): -totals.coupons_cents,
        **_taxes(totals, per_code),
    }
    if invoice.settled_cents is not None:
        return {**parts, HeaderKey("settled"): invoice.settled_cents}
    settled = {"credit_notes": -totals.credit_notes_cents, "prepaid": -totals.prepaid_cents}
    stated = {HeaderKey(part): cents for part, cents in settled.items() if part not in invoice.unstated}
    return {**parts, **stated}


def _taxes(totals: Totals, per_code: bool) -> dict[HeaderKey, int]:
    if not per_code or not totals.taxes:
        return {HeaderKey("tax"): totals.tax_cents}
    named = {HeaderKey("tax", code): cents for code, cents in totals.taxes.items()}
    return {**named, HeaderKey("tax_rounding"): totals.tax_cents - sum(totals.taxes.values())}


def _header_keys(sums: Mapping[SideName, dict[HeaderKey, int] | None]) -> list[HeaderKey]:
    """All header parts that are not 0 everywhere, in the order in which they make up the total."""
    present = {key for parts in sums.values() if parts for key, cents in parts.items() if cents}
    return sorted(present, key=lambda key: (HEADER_PARTS.index(key.part), key.code))


# --- positions ---------------------------------------------------------------------------------------------------


def _position(
    key: Key,
    lines: Mapping[SideName, tuple[BilledLine, ...]],
    sides: Mapping[SideName, BilledInvoice],
    sums: Mapping[SideName, dict[HeaderKey, int] | None],
    pair: Pair,
    tolerance: int,
) -> Compared:
    cents = {name: _cents(key, lines.get(name), invoice, sums[name]) for name, invoice in sides.items()}
    cents = {**{name: 0 for name in pair if name not in sides}, **cents}
    known = {name: amount for name, amount in cents.items() if amount is not None}
    shape = _shape(lines, pair) if isinstance(key, LineKey) else "header"
    status = _status(key, known, lines, sides, pair, tolerance)
    delta = 0 if status in (REFUSED, OUTSIDE) else known[pair[1]] - known[pair[0]]
    return Compared(key=key, cents=known, lines=lines, status=status, shape=shape, delta_cents=delta)


def _cents(
    key: Key, lines: tuple[BilledLine, ...] | None, invoice: BilledInvoice, header: dict[HeaderKey, int] | None
) -> int | None:
    """Amount of one side; None if it cannot say, 0 if it says that there is none."""
    if isinstance(key, HeaderKey):
        if header is None or key.part in invoice.unstated:
            return None
        return header.get(key, 0)
    if lines is not None:
        return sum(line.amount_cents for line in lines)
    return None if invoice.refusals or invoice.outside else 0


def _status(
    key: Key,
    known: Mapping[SideName, int],
    lines: Mapping[SideName, tuple[BilledLine, ...]],
    sides: Mapping[SideName, BilledInvoice],
    pair: Pair,
    tolerance: int,
) -> str:
    silent = [name for name in pair if name not in known]
    if silent:
        return REFUSED if any(sides[name].refusals for name in silent) else OUTSIDE
    left, right = known[pair[0]], known[pair[1]]
    if left == right:
        return EQUAL
    if abs(right - left) <= tolerance:
        return TOLERATED
    there = [bool(lines.get(name)) if isinstance(key, LineKey) else known[name] != 0 for name in pair]
    return DIFFERS if all(there) else ONLY_LEFT if there[0] else ONLY_RIGHT


_ONE_SIDED = (ONLY_LEFT, ONLY_RIGHT)


def _with_lookalikes(positions: list[Compared]) -> tuple[Compared, ...]:
    """Point one-sided lines at those of the other side with the same kind and amount. They stay unmatched."""
    alone: dict[tuple[str, int], list[Key]] = defaultdict(list)
    for p in positions:
        if p.status in _ONE_SIDED and isinstance(p.key, LineKey):
            alone[p.key.kind, p.delta_cents].append(p.key)
    return tuple(
        replace(p, lookalikes=tuple(alone.get((p.key.kind, -p.delta_cents), ())))
        if p.status in _ONE_SIDED and isinstance(p.key, LineKey)
        else p
        for p in positions
    )
