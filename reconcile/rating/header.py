"""The header of an invoice of any side: what it follows from, and its totals by the arithmetic of ``bill``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from mappings.money import round_half_up
from mappings.records import Tax
from reconcile.billed import BilledInvoice, BilledLine, LineKey, Totals
from reconcile.rating.bill import Bill, FeeLine, bill, taxable
from reconcile.rating.coupons import HeldCoupon
from reconcile.rating.progressive import NOTHING_BEFORE, ProgressiveCredit
from reconcile.rating.taxes import Rounding
from reconcile.rating.taxes import coupon_lines as lines_of_coupons


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderTerms:
    """What the header of an invoice follows from, besides its lines.

    ``taxes`` of each line; ``coupons`` as held before the invoice. Coupons may be limited by ``plan_codes`` (of each
    subscription) and ``metric_codes`` (of each charge). ``rated``: cents of lines that coupons count, where Odoo bills
    another amount: it takes discounts off, and adds an order's own lines, after the coupons. ``progressive``: what
    Lago takes off for usage that it billed before.
    """

    taxes: Mapping[LineKey, tuple[Tax, ...]] = field(default_factory=dict)
    coupons: tuple[HeldCoupon, ...] = ()
    plan_codes: Mapping[str, str] = field(default_factory=dict)
    metric_codes: Mapping[str, str] = field(default_factory=dict)
    rated: Mapping[LineKey, int] = field(default_factory=dict)
    progressive: ProgressiveCredit = NOTHING_BEFORE


def header_of(
    lines: Sequence[BilledLine],
    terms: HeaderTerms,
    currency: str,
    *,
    rounding: Rounding = Rounding.INVOICE,
    step: int = 1,
    credit_notes_cents: int = 0,
    prepaid_cents: int = 0,
) -> Totals | None:
    """Totals of lines under the terms; None if the taxes of a line are not known.

    ``step``: every amount is rounded to multiples of so many cents. What was taken off after tax is given.
    """
    if any(line.key not in terms.taxes for line in lines):
        return None
    made = _bill(lines, terms, currency, rounding)
    follows = totals(made, credit_notes_cents=credit_notes_cents, prepaid_cents=prepaid_cents)
    return follows if step == 1 else _coarser(follows, step)


def coupon_credits(lines: Sequence[BilledLine], terms: HeaderTerms, currency: str) -> Mapping[str, int]:
    """Cents that each coupon takes off these lines, by its code."""
    cents = Counter[str]()
    for credit in _bill(lines, terms, currency).coupons.credits:
        cents[credit.code] += credit.cents
    return cents


def coupon_lines(
    lines: Sequence[BilledLine], terms: HeaderTerms, currency: str
) -> tuple[tuple[int, tuple[Tax, ...]], ...]:
    """What coupons take off, as the lines that Odoo makes of them: (negative cents, taxes)."""
    billed = _bill(lines, terms, currency)
    taxed = [taxable(fee.line, fee.coupons_cents) for fee in billed.fees]
    return tuple(lines_of_coupons(taxed, billed.coupons.credits))


def totals(made: Bill, *, credit_notes_cents: int = 0, prepaid_cents: int = 0) -> Totals:
    """The header of a bill. What was taken off after tax is as recorded: payments of other days."""
    return Totals.of(
        made.net_cents,
        made.taxed.amount_cents,  # Lago rounds the whole by itself
        coupons_cents=made.coupons.total_cents,
        progressive_cents=made.progressive_cents,
        taxes={tax.code: tax.amount_cents for tax in made.taxed.taxes},
        credit_notes_cents=credit_notes_cents,
        prepaid_cents=prepaid_cents,
    )


def basis(terms: HeaderTerms, invoice: BilledInvoice) -> HeaderTerms | None:
    """What the header of an invoice can be added up from again: ``terms``, for all of its lines.

    None where the header that it states does not follow from them: nothing is proven by a header under a change then.
    """
    complete = with_relatives(terms, invoice.lines)
    return complete if reproduces(complete, invoice) else None


def reproduces(terms: HeaderTerms, invoice: BilledInvoice) -> bool:
    """Whether the invoice states just the header that follows from its lines."""
    follows = header_of(invoice.lines, terms, invoice.currency)
    stated = invoice.totals
    if follows is None or stated is None:
        return False
    same_taxes = not stated.taxes or _nonzero(stated.taxes) == _nonzero(follows.taxes)
    return same_taxes and (follows.net_cents, follows.tax_cents) == (stated.net_cents, stated.tax_cents)


def with_relatives(terms: HeaderTerms, lines: Sequence[BilledLine]) -> HeaderTerms:
    """The terms with taxes also for lines that they do not know, where the relatives of these tell."""
    unknown = (line.key for line in lines if line.key not in terms.taxes)
    known = {key: taxes for key in unknown if (taxes := relatives_taxes(terms, key))}
    return replace(terms, taxes={**terms.taxes, **known})


def relatives_taxes(terms: HeaderTerms, key: LineKey) -> tuple[Tax, ...]:
    """Taxes of the lines of the same subscription, or of all lines, if those agree; else none."""
    near = {taxes for other, taxes in terms.taxes.items() if other.subscription == key.subscription}
    sets = near if len(near) == 1 else set(terms.taxes.values())
    return sets.pop() if len(sets) == 1 else ()


def _bill(
    lines: Sequence[BilledLine], terms: HeaderTerms, currency: str, rounding: Rounding = Rounding.INVOICE
) -> Bill:
    made = [_line(line, terms) for line in lines]
    return bill(made, currency, coupons=terms.coupons, rounding=rounding, progressive=terms.progressive)


def _line(line: BilledLine, terms: HeaderTerms) -> FeeLine:
    return FeeLine(
        key=line.key,
        plan_code=terms.plan_codes.get(line.key.subscription, ""),
        metric_code=terms.metric_codes.get(line.key.item),
        amount_cents=line.amount_cents,
        precise_cents=Decimal(line.amount_cents),  # no header follows from what was before rounding
        taxes=terms.taxes.get(line.key, ()),
        rated_cents=terms.rated.get(line.key),
    )


def round_to(cents: int, step: int) -> int:
    """To the nearest multiple; half of a step goes away from zero."""
    return step * int(round_half_up(Decimal(cents) / step))


def _coarser(exact: Totals, step: int) -> Totals:
    """The totals with the net amount, the coupons and every tax rounded to multiples of ``step``."""
    return Totals.of(
        round_to(exact.net_cents, step),
        coupons_cents=round_to(exact.coupons_cents, step),
        progressive_cents=round_to(exact.fees_cents - exact.coupons_cents - exact.net_cents, step),
        taxes={code: round_to(cents, step) for code, cents in exact.taxes.items()},
        credit_notes_cents=exact.credit_notes_cents,
        prepaid_cents=exact.prepaid_cents,
    )


def _nonzero(taxes: Mapping[str, int]) -> dict[str, int]:
    return {code: cents for code, cents in taxes.items() if cents}
