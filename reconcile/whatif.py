"""What an invoice would be if its lines, taxes or coupons were others: the header arithmetic of Lago, pure.

This is how a cause is proven without usage: change one thing, add up again, compare to the cent (facts/lago-billing
§6.2-6.4). A bill whose own numbers this arithmetic does not reproduce proves nothing and is not used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from mappings.money import CONTEXT, round_half_up
from reconcile.lines import BilledInvoice, BilledLine, LineKey, Totals


@dataclass(frozen=True, slots=True)
class LineTax:
    """One tax on one line; ``rate`` in percent."""

    code: str
    rate: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponUse:
    """A coupon as it came off this invoice. ``rate`` in percent, or ``cents`` as credited.

    ``eligible``: the lines it may reduce (None: all). ``capped``: it took all there was, so that its true limit is
    not known and a larger invoice cannot be told.
    """

    code: str
    cents: int
    rate: Decimal | None = None
    capped: bool = False
    eligible: frozenset[LineKey] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What the header of an invoice follows from, besides its lines."""

    taxes: Mapping[LineKey, tuple[LineTax, ...]] = field(default_factory=dict)
    coupons: tuple[CouponUse, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing to change: ``name`` is a key of ``CHANGES`` (or of a deeper re-rate), on ``key`` with ``values``."""

    name: str
    key: LineKey | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


# (baseline, changes) -> the invoice under all of them, or None if this re-rate cannot tell
Recompute = Callable[[BilledInvoice, tuple[Change, ...]], BilledInvoice | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An invoice being changed: lines, what the header follows from, and where its tax is rounded.

    ``rounding``: ``invoice`` (Lago: the sum of all taxes once), ``tax`` (Odoo's round_globally: each tax once, then
    added up) or ``line`` (Odoo's round_per_line).
    """

    lines: tuple[BilledLine, ...]
    bill: Bill
    rounding: str = "invoice"
    credit_notes_cents: int = 0
    prepaid_cents: int = 0
    stated: Totals | None = None  # a header that does not follow from the lines


def _drop_line(draft: Draft, change: Change) -> Draft:
    return replace(draft, lines=tuple(line for line in draft.lines if line.key != change.key))


def _repeat_line(draft: Draft, change: Change) -> Draft:
    again = tuple(line for line in draft.lines if line.key == change.key)
    return replace(draft, lines=draft.lines + again * int(change.values["times"]))


def _set_line(draft: Draft, change: Change) -> Draft:
    """Another amount for a line (that a re-rating of its units or price gave)."""
    cents = int(change.values["cents"])
    first = next((line for line in draft.lines if line.key == change.key), None)
    others = tuple(line for line in draft.lines if line.key != change.key)
    if first is None:
        return draft
    return replace(draft, lines=(*others, replace(first, amount_cents=cents, precise_cents=None)))


def _add_line(draft: Draft, change: Change) -> Draft:
    """A line that only the other side has, taxed like its relatives."""
    line: BilledLine = change.values["line"]
    taxes = {**draft.bill.taxes, line.key: draft.bill.taxes.get(line.key) or _relatives_taxes(draft.bill, line.key)}
    return replace(draft, lines=(*draft.lines, line), bill=replace(draft.bill, taxes=taxes))


def _relatives_taxes(bill: Bill, key: LineKey) -> tuple[LineTax, ...]:
    """Taxes of the lines of the same subscription, or of all lines, if those agree; else none."""
    near = {taxes for other, taxes in bill.taxes.items() if other.subscription == key.subscription}
    found = near if len(near) == 1 else set(bill.taxes.values())
    return found.pop() if len(found) == 1 else ()


def _follow_true_up(draft: Draft, change: Change) -> Draft:
    """A charge's minimum tops up what its lines now are: together they were ``minimum`` (facts §4.10)."""
    charges = [line for line in draft.lines if change.key and _is_below(line.key, change.key)]
    left = max(0, int(change.values["minimum"]) - sum(line.amount_cents for line in charges))
    lines = (
        replace(one, amount_cents=left, precise_cents=None) if one.key == change.key else one for one in draft.lines
    )
    return replace(draft, lines=tuple(lines))


def minimums(invoice: BilledInvoice) -> tuple[Change, ...]:
    """For each charge minimum that was not reached: the change that lets it follow its charge's lines."""
    return tuple(
        Change(
            name="follow_true_up",
            key=line.key,
            values={
                "minimum": line.amount_cents
                + sum(one.amount_cents for one in invoice.lines if _is_below(one.key, line.key))
            },
        )
        for line in invoice.lines
        if line.key.kind == "true_up" and line.amount_cents > 0
    )


def _is_below(key: LineKey, true_up: LineKey) -> bool:
    return (key.kind, key.subscription, key.item) == ("charge", true_up.subscription, true_up.item)


def _round_tax(draft: Draft, change: Change) -> Draft:
    return replace(draft, rounding=change.values["per"])


def _drop_tax(draft: Draft, change: Change) -> Draft:
    code = change.values["code"]
    taxes = {key: tuple(t for t in own if t.code != code) for key, own in draft.bill.taxes.items()}
    return replace(draft, bill=replace(draft.bill, taxes=taxes))


def _set_taxes(draft: Draft, change: Change) -> Draft:
    """The same taxes on every line."""
    own: tuple[LineTax, ...] = tuple(change.values["taxes"])
    return replace(draft, bill=replace(draft.bill, taxes={line.key: own for line in draft.lines}))


def _line_taxes(draft: Draft, change: Change) -> Draft:
    """Other taxes on some lines."""
    return replace(draft, bill=replace(draft.bill, taxes={**draft.bill.taxes, **change.values["taxes"]}))


def _keep_header(draft: Draft, change: Change) -> Draft:
    """Only the lines are changed: the header still states what it did."""
    return replace(draft, stated=change.values["totals"])


def _drop_coupon(draft: Draft, change: Change) -> Draft:
    kept = tuple(c for c in draft.bill.coupons if c.code != change.values["code"])
    return replace(draft, bill=replace(draft.bill, coupons=kept))


def _settle(draft: Draft, change: Change) -> Draft:
    """Another sum that was taken off after tax (in the facts: no part of the arithmetic)."""
    return draft


def _drop_settlement(draft: Draft, change: Change) -> Draft:
    if change.values["part"] == "prepaid":
        return replace(draft, prepaid_cents=0)
    return replace(draft, credit_notes_cents=0)


CHANGES: Mapping[str, Callable[[Draft, Change], Draft]] = {
    "drop_line": _drop_line,
    "repeat_line": _repeat_line,
    "set_line": _set_line,
    "add_line": _add_line,
    "follow_true_up": _follow_true_up,
    "round_tax": _round_tax,
    "drop_tax": _drop_tax,
    "set_taxes": _set_taxes,
    "line_taxes": _line_taxes,
    "keep_header": _keep_header,
    "drop_coupon": _drop_coupon,
    "drop_settlement": _drop_settlement,
    "settle": _settle,
}


def recompute(bill: Bill, baseline: BilledInvoice, changes: Sequence[Change]) -> BilledInvoice | None:
    """The invoice under ``changes``, or None: a change this arithmetic does not know, or a header it cannot redo."""
    if any(change.name not in CHANGES for change in changes):
        return None
    draft = _draft(bill, baseline)
    draft = replace(draft, bill=replace(bill, taxes={**_like_relatives(bill, baseline.lines), **bill.taxes}))
    for change in changes:
        draft = CHANGES[change.name](draft, change)
    totals = header(draft) if draft.stated or reproduces(bill, baseline) else None
    facts = baseline.facts
    more = sum(int(change.values["cents"]) for change in changes if change.name == "settle")
    if more:
        facts = {**facts, "settled_cents": int(facts.get("settled_cents", 0)) + more}
    return replace(baseline, lines=draft.lines, totals=totals, facts=facts)


def _like_relatives(bill: Bill, lines: Sequence[BilledLine]) -> dict[LineKey, tuple[LineTax, ...]]:
    """Taxes of lines that the bill does not know, where their relatives tell."""
    unknown = (line.key for line in lines if line.key not in bill.taxes)
    return {key: taxes for key in unknown if (taxes := _relatives_taxes(bill, key))}


def _draft(bill: Bill, invoice: BilledInvoice) -> Draft:
    credit_notes = invoice.totals.credit_notes_cents if invoice.totals else 0
    prepaid = invoice.totals.prepaid_cents if invoice.totals else 0
    return Draft(lines=invoice.lines, bill=bill, credit_notes_cents=credit_notes, prepaid_cents=prepaid)


def reproduces(bill: Bill, invoice: BilledInvoice) -> bool:
    """Whether this arithmetic gives the header that the invoice states."""
    known = replace(bill, taxes={**_like_relatives(bill, invoice.lines), **bill.taxes})
    again = header(_draft(known, invoice))
    stated = invoice.totals
    if again is None or stated is None:
        return False
    same_taxes = not stated.taxes or _nonzero(stated.taxes) == _nonzero(again.taxes)
    return same_taxes and (again.net_cents, again.tax_cents) == (stated.net_cents, stated.tax_cents)


def _nonzero(taxes: Mapping[str, int]) -> dict[str, int]:
    return {code: cents for code, cents in taxes.items() if cents}


def header_of(lines: Sequence[BilledLine], bill: Bill) -> Totals | None:
    """Totals of lines under a bill's taxes and coupons; None if the bill does not settle them."""
    return header(Draft(lines=tuple(lines), bill=bill))


def header(draft: Draft) -> Totals | None:
    """Totals of the draft; None if a coupon's limit or a line's taxes are not known."""
    if draft.stated is not None:
        return draft.stated
    if any(line.key not in draft.bill.taxes for line in draft.lines):
        return None
    shares: list[Decimal] = [Decimal(0)] * len(draft.lines)
    fees = sum(line.amount_cents for line in draft.lines)
    credits: list[tuple[int, list[Decimal]]] = []  # of each coupon: cents, and share of each line
    for coupon in draft.bill.coupons:
        before = list(shares)
        credit = _credit(coupon, draft.lines, shares, fees - sum(cents for cents, _ in credits))
        if credit is None:
            return None
        credits.append((credit, [now - then for now, then in zip(shares, before, strict=True)]))
    coupons = sum(cents for cents, _ in credits)
    taxes, tax = _taxes(draft, shares) if draft.rounding == "invoice" else _taxes_of_lines(draft, credits)
    gross = fees - coupons + tax
    return Totals(
        fees_cents=fees,
        coupons_cents=coupons,
        net_cents=fees - coupons,
        tax_cents=tax,
        gross_cents=gross,
        credit_notes_cents=draft.credit_notes_cents,
        prepaid_cents=draft.prepaid_cents,
        total_cents=gross - draft.credit_notes_cents - draft.prepaid_cents,
        taxes=taxes,
    )


def _credit(coupon: CouponUse, lines: Sequence[BilledLine], shares: list[Decimal], left: int) -> int | None:
    """Take a coupon off the lines (``shares`` grows); its amount in cents."""
    chosen = [i for i, line in enumerate(lines) if coupon.eligible is None or line.key in coupon.eligible]
    base = (
        Decimal(left)
        if coupon.eligible is None
        else sum((lines[i].amount_cents - shares[i] for i in chosen), Decimal(0))
    )
    if base <= 0:
        return 0
    if coupon.rate is not None:
        credit = min(base, round_half_up(CONTEXT.divide(base * coupon.rate, Decimal(100))))
    elif coupon.capped and base > coupon.cents:
        return None
    else:
        credit = min(base, Decimal(coupon.cents))
    for i in chosen:
        open_amount = lines[i].amount_cents - shares[i]
        shares[i] += min(round_half_up(CONTEXT.divide(credit * open_amount, base), 5), open_amount)
    return int(round_half_up(credit))


def _taxes(draft: Draft, shares: Sequence[Decimal]) -> tuple[dict[str, int], int]:
    """Cents per tax code, and their sum: Lago rounds each for itself, and the sum once."""
    precise: dict[str, Decimal] = defaultdict(Decimal)
    for line, share in zip(draft.lines, shares, strict=True):
        for tax in draft.bill.taxes[line.key]:
            precise[tax.code] += CONTEXT.divide((line.amount_cents - share) * tax.rate, Decimal(100))
    rounded = {code: int(round_half_up(amount)) for code, amount in precise.items()}
    return rounded, int(round_half_up(sum(precise.values(), Decimal(0))))


def _taxes_of_lines(draft: Draft, credits: Sequence[tuple[int, Sequence[Decimal]]]) -> tuple[dict[str, int], int]:
    """The same as Odoo does it: a coupon is a line of its own for each kind of taxation, in whole cents."""
    amounts = [(line.amount_cents, draft.bill.taxes[line.key]) for line in draft.lines]
    for cents, shares in credits:
        kinds: dict[tuple[LineTax, ...], Decimal] = defaultdict(Decimal)
        for line, share in zip(draft.lines, shares, strict=True):
            if share:
                kinds[draft.bill.taxes[line.key]] += share
        amounts += [(-part, kind) for part, kind in zip(_whole(list(kinds.values()), cents), kinds, strict=True)]
    precise: dict[str, Decimal] = defaultdict(Decimal)
    for part, taxes in amounts:
        for tax in taxes:
            amount = CONTEXT.divide(part * tax.rate, Decimal(100))
            precise[tax.code] += round_half_up(amount) if draft.rounding == "line" else amount
    rounded = {code: int(round_half_up(amount)) for code, amount in precise.items()}
    return rounded, sum(rounded.values())


def _whole(parts: Sequence[Decimal], total: int) -> list[int]:
    """Whole cents close to ``parts`` that add up to ``total``: the largest rests are rounded up."""
    whole = [int(part) for part in parts]
    by_rest = sorted(range(len(parts)), key=lambda i: whole[i] - parts[i])
    for index in by_rest[: max(total - sum(whole), 0)]:
        whole[index] += 1
    return whole
