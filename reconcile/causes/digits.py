"""Causes of lines by how numbers are kept and rounded: units and prices with fewer digits, coarser amounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal

from mappings.money import exponent, from_subunits, round_half_up, to_subunits
from reconcile.causes.case import Case, Proposal
from reconcile.causes.changes import RoundAmounts
from reconcile.causes.of_lines import billed_at, cents_of, evidence_of, is_read, set_lines, units_of
from reconcile.sides.held_terms import PRICE, UNIT
from reports.data import Evidence, EvidenceValue


def quantity_precision(case: Case) -> Iterator[Proposal]:
    """The side prices the units with fewer digits."""
    for key, baseline, subject in case.pairs():
        units, reprice = units_of(baseline), case.known.of_line(key).reprice
        if not baseline or units is None or reprice is None or reprice(units) != cents_of(baseline):
            continue
        if is_read(case, key):
            continue
        for fewer in dict.fromkeys(_cut(units)):
            again = reprice(fewer)
            if again is not None and again == cents_of(subject):
                yield Proposal(
                    changes=billed_at(baseline, again),
                    evidence=(evidence_of(key, "cut_units", theirs=fewer, ours=units),),
                    remedy=_finer(case, UNIT, _digits_of(units)),
                )
                break


def _digits_of(number: Decimal) -> int:
    return max(-int(number.normalize().as_tuple().exponent), 0)


def _finer(case: Case, precision: str, digits: int) -> Evidence:
    """How many digits Odoo has to keep; Lago has no such setting."""
    if case.is_of_lago:
        return Evidence(name="check_rounding")
    values = {"where": f"decimal.precision {precision}", "what": "digits", "lago": str(digits)}
    return Evidence(name="raise_digits", values=values)


def _cut(number: Decimal) -> Iterator[Decimal]:
    """The number with fewer digits: half up, or cut off."""
    digits = _digits_of(number)
    for kept in range(digits - 1, -1, -1):
        for rounding in (ROUND_HALF_UP, ROUND_DOWN):
            yield number.quantize(Decimal(1).scaleb(-kept), rounding=rounding)


def price_precision(case: Case) -> Iterator[Proposal]:
    """The side rated the right amount, and its line's price cannot hold all digits of it: by Odoo's own setting."""
    for key, baseline, subject in case.pairs():
        rated = [line.precise_cents for line in subject]
        if not baseline or len(rated) != 1 or rated[0] is None or round_half_up(rated[0]) != cents_of(baseline):
            continue
        if case.is_of_odoo and Decimal(cents_of(subject)) in {_coarse(rated[0], digits) for digits in _zeros(case)}:
            yield Proposal(
                changes=set_lines(baseline, cents_of(subject)),
                evidence=(evidence_of(key, "cut_price", cents=cents_of(subject), rated=rated[0]),),
                remedy=_finer(case, PRICE, exponent(case.baseline.currency)),
                observed=case.odoo_settings is not None,
            )


def _zeros(case: Case) -> tuple[int, ...]:
    """In how many zeros an amount in cents must end, as Odoo's prices hold no more digits; unread, any may be it."""
    if case.odoo_settings is None:
        return (1, 2, 3)
    lacking = exponent(case.baseline.currency) - case.odoo_settings.price_digits
    return (lacking,) if lacking > 0 else ()


def _coarse(cents: Decimal, digits: int) -> Decimal:
    """Cents that end in so many zeros."""
    return cents.scaleb(-digits).quantize(Decimal(1), rounding=ROUND_HALF_UP).scaleb(digits)


def line_rounding(case: Case) -> Iterator[Proposal]:
    """The side rounds the line's exact amount another way: down (as half to even may), or up."""
    for key, baseline, subject in case.pairs():
        exact = baseline[0].precise_cents if len(baseline) == 1 else None
        if exact is None or len(subject) != 1 or exact == exact.to_integral_value():
            continue
        for way in (ROUND_DOWN, ROUND_UP):
            if int(exact.quantize(Decimal(1), rounding=way)) == cents_of(subject) != cents_of(baseline):
                yield Proposal(
                    changes=set_lines(baseline, cents_of(subject)),
                    evidence=(evidence_of(key, "rounded", exact=exact, cents=cents_of(subject)),),
                    remedy=Evidence(name="check_rounding"),
                )
                break


def currency_rounding(case: Case) -> Iterator[Proposal]:
    """Odoo rounds every amount of the currency to a step that is coarser than its smallest unit, by a setting."""
    settings, currency = case.odoo_settings, case.baseline.currency
    if settings is None or not case.is_of_odoo:
        return
    step = to_subunits(settings.rounding.get(currency, Decimal(0)), currency)
    if step > 1:
        values: Mapping[str, EvidenceValue] = {"currency": currency, "step": str(from_subunits(step, currency))}
        yield Proposal(
            changes=(RoundAmounts(step, per_line=settings.per_line),),
            evidence=(Evidence(name="currency_step", values=values),),
            remedy=Evidence(name="mend_rounding", values=values),
            observed=True,
        )
