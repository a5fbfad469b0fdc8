"""Coupons of an invoice: which apply, how much, and on which lines. Doubles where Lago has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import cast

from .exact import ZERO, decimal, double_cents, exponent, half_up, of_double
from .inputs import loads
from .lines import Line
from .moments import is_moment, moment
from .numbers import parsed, shortened
from .rows import Coupon, CouponUse, Empty
from .steps import step
from .unratable import Unratable

FIVE = 5


@dataclass(frozen=True, slots=True)
class Billed:
    """A line of the invoice with what coupons may be limited to."""

    line: Line
    plan: str  # code


@dataclass(frozen=True, slots=True)
class Credit:
    """What one coupon takes off: ``cents`` in all, ``shares`` per line (same order, five decimals)."""

    coupon: Coupon
    cents: int
    shares: tuple[Decimal, ...]


NUMBERS = ("amount_cents", "amount_cents_remaining", "frequency_duration_remaining", "percentage_rate")
MOMENTS = ("created_at", "terminated_at")
USED = ("at", "voided_at", "amount_cents")  # of what one invoice took
NOTHING = (None, "", False)


def read_coupons(text: str | Sequence[Coupon] | Empty) -> Sequence[Coupon]:
    """The coupons that an order holds. Raises Unratable: one of them is none that could be taken off an invoice."""
    try:
        held = loads(text) or ()
    except ValueError:
        raise Unratable("coupon_unreadable", "the order's coupons are no JSON") from None
    for coupon in held if isinstance(held, (list, tuple)) else (held,):
        require_readable(coupon)
    return cast("Sequence[Coupon]", held)


def require_readable(coupon: object) -> None:
    """Raises Unratable where a number or a moment of it is none: nobody knows what it takes off."""
    if not isinstance(coupon, dict):
        raise Unratable("coupon_unreadable", f"a coupon is {shortened(coupon)}")
    name = shortened(str(coupon.get("coupon_code") or coupon.get("code") or coupon.get("lago_id") or ""))
    taken = coupon.get("credits") or ()
    if not isinstance(taken, (list, tuple)) or not all(isinstance(entry, dict) for entry in taken):
        raise Unratable("coupon_unreadable", f"coupon {name}: credits is {shortened(taken)}")
    fields = [(field, coupon.get(field), field in MOMENTS) for field in (*NUMBERS, *MOMENTS)]
    fields += [(field, entry.get(field), field != "amount_cents") for entry in taken for field in USED]
    for field, value, of_time in fields:
        if value not in NOTHING and not (is_moment(value) if of_time else parsed(value) is not None):
            raise Unratable("coupon_unreadable", f"coupon {name}: {field} is {shortened(value)}")


def in_force(coupon: Coupon, at: datetime) -> bool:
    """Applied before ``at`` and not ended before (the invoice that uses a coupon up ends it, in the same second)."""
    created, ended = moment(coupon.get("created_at")), moment(coupon.get("terminated_at"))
    return (created is None or created <= at) and (ended is None or ended >= at)


def partly_used(coupon: Coupon) -> bool:
    """A fixed amount taken once, over several invoices if need be, of which the parts taken are not recorded."""
    left = coupon.get("amount_cents_remaining")
    fixed = coupon.get("percentage_rate") in (None, "", False)
    spread = fixed and coupon.get("frequency") == "once" and left is not None and left != coupon.get("amount_cents")
    return spread and coupon.get("credits") is None


def used(coupon: Coupon, at: datetime) -> Decimal | None:
    """Cents that invoices before ``at`` took of it (voided ones gave theirs back); None: not recorded."""
    credits = coupon.get("credits")
    if credits is None:
        return None
    counted = (entry for entry in credits if _counts(entry, at))
    return sum((decimal(entry.get("amount_cents")) for entry in counted), ZERO)


def _counts(entry: CouponUse, at: datetime) -> bool:
    taken, given_back = moment(entry.get("at")), moment(entry.get("voided_at"))
    return taken is not None and taken < at and (given_back is None or given_back > at)


def plan_codes(coupon: Coupon) -> Sequence[str]:
    return coupon.get("plan_codes") or ()


def metric_codes(coupon: Coupon) -> Sequence[str]:
    return coupon.get("billable_metric_codes") or ()


def in_order(coupons: Sequence[Coupon]) -> list[Coupon]:
    """Limited to metrics first, then limited to plans, then the others; the oldest first."""
    rank = {True: 0, False: 1}
    return sorted(
        coupons,
        key=lambda c: (rank[bool(metric_codes(c))], rank[bool(plan_codes(c))], str(c.get("created_at") or "")),
    )


def eligible(coupon: Coupon, billed: Billed) -> bool:
    if metric_codes(coupon):
        return billed.line.kind in ("charge", "true_up") and billed.line.metric in metric_codes(coupon)
    return not plan_codes(coupon) or billed.plan in plan_codes(coupon)


def amount(coupon: Coupon, base: Decimal, at: datetime) -> int:
    """Cents that the coupon takes off ``base`` (cents) on an invoice of ``at``."""
    rate = coupon.get("percentage_rate")
    if rate not in (None, "", False):
        return int(min(Decimal(double_cents(float(base) * (float(decimal(rate)) / 100))), base))
    return int(half_up(min(limit(coupon, at), base)))


def limit(coupon: Coupon, at: datetime) -> Decimal:
    """What a fixed coupon may take at ``at``: all of it, or (once) what is left."""
    whole, remaining = decimal(coupon.get("amount_cents")), coupon.get("amount_cents_remaining")
    if coupon.get("frequency") != "once":
        return whole
    taken = used(coupon, at)
    if taken is not None:
        return max(whole - taken, ZERO)
    return whole if remaining is None else decimal(remaining)


def apply(coupons: Sequence[Coupon], billed: Sequence[Billed], currency: str, at: datetime) -> list[Credit]:
    """The credits of an invoice, in the order they apply."""
    given = [ZERO] * len(billed)
    left = sum((Decimal(entry.line.cents) for entry in billed), ZERO)
    credits: list[Credit] = []
    for coupon in in_order([c for c in coupons if in_force(c, at)]):
        chosen = [index for index, entry in enumerate(billed) if eligible(coupon, entry)]
        fixed = coupon.get("percentage_rate") in (None, "", False)
        if left <= 0 or not chosen or (fixed and (coupon.get("amount_currency") or currency) != currency):
            continue
        limited = bool(metric_codes(coupon) or plan_codes(coupon))
        base = sum((Decimal(billed[i].line.cents) - given[i] for i in chosen), ZERO) if limited else left
        taken = amount(coupon, base, at)
        if taken <= 0:
            continue
        shares = spread(taken, [Decimal(billed[i].line.cents) - given[i] for i in chosen], base)
        credit = [ZERO] * len(billed)
        for index, share in zip(chosen, shares, strict=True):
            credit[index] = min(share, Decimal(billed[index].line.cents) - given[index])
            given[index] += credit[index]
        left -= taken
        credits.append(Credit(coupon, taken, tuple(credit)))
    return credits


def spread(taken: int, rests: Sequence[Decimal], base: Decimal) -> list[Decimal]:
    """The share of each line, five decimals; what rounding loses stays lost, as in Lago."""
    return [half_up(of_double(taken * float(rest) / float(base)), FIVE) if base else ZERO for rest in rests]


def lines(
    credits: Sequence[Credit], billed: Sequence[Billed], taxes: Sequence[str], currency: str
) -> list[tuple[Line, int]]:
    """Negative lines, one per coupon and kind of taxation: (line, index of a billed line taxed alike).

    ``taxes``: per billed line a value that is equal for lines taxed alike. The lines of a coupon sum up to it exactly.
    """
    found: list[tuple[Line, int]] = []
    for credit in credits:
        groups: dict[str, list[int]] = {}
        for index, share in enumerate(credit.shares):
            if share:
                groups.setdefault(taxes[index], []).append(index)
        parts = [sum((credit.shares[i] for i in group), ZERO) for group in groups.values()]
        whole = largest_remainder(parts, credit.cents)
        for group, part in zip(groups.values(), whole, strict=True):
            found.append((coupon_line(credit, part, billed[group[0]].line, currency), group[0]))
    return found


def largest_remainder(parts: Sequence[Decimal], total: int) -> list[int]:
    """Whole numbers close to ``parts`` that sum up to ``total``."""
    whole = [int(part) for part in parts]
    by_rest = sorted(range(len(parts)), key=lambda i: (whole[i] - parts[i], i))
    for index in by_rest[: max(total - sum(whole), 0)]:
        whole[index] += 1
    if whole and sum(whole) != total:
        whole[0] += total - sum(whole)
    return whole


def coupon_line(credit: Credit, part: int, like: Line, currency: str) -> Line:
    coupon = credit.coupon
    off = Decimal(part).scaleb(-exponent(currency))
    return Line(
        kind="coupon",
        item=str(coupon.get("lago_id") or coupon.get("coupon_code") or coupon.get("code") or ""),
        name=f"Coupon {coupon.get('coupon_name') or coupon.get('coupon_code') or coupon.get('code') or ''}".strip(),
        cents=-part,
        precise=Decimal(-part),
        unit_amount=-off,
        subscription=like.subscription,
        steps=[step("coupon", amount=-off)],
        charge=like.charge,
    )
