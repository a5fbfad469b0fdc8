"""The causes, in the order in which they are tried: one line in ``CAUSES`` and one function each.

A function looks at a case and proposes what to change in the baseline. It may be generous: ``classify`` accepts a
proposal only if computing again under it gives the difference to the cent.

``Case.hints`` per line, where the caller knows them: ``unmapped`` (why the charge or subscription was not migrated),
``reprice`` (units -> cents under the line's own price), ``prices`` (name of another price -> cents under it),
``late_cents`` (amount when events that arrived late are counted too), ``plan_change`` (name of other dates -> cents).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, cast

from reconcile.classify import Case, Cause, Proposal
from reconcile.compare import HeaderKey
from reconcile.lines import BilledInvoice, BilledLine, LineKey
from reconcile.whatif import Change
from reports.data import Evidence


def _hint(case: Case, key: LineKey, name: str) -> Any:
    return case.hints.get(key, {}).get(name)


def _evidence(key: LineKey, name: str, **values: str | int | Decimal) -> Evidence:
    return Evidence(name=name, values={"kind": key.kind, "item": key.item or key.subscription, **values})


def _drop(lines: tuple[BilledLine, ...]) -> tuple[Change, ...]:
    return tuple(Change(name="drop_line", key=key) for key in dict.fromkeys(line.key for line in lines))


def _set(lines: tuple[BilledLine, ...], cents: int) -> tuple[Change, ...]:
    """All baseline lines of a position replaced by one amount."""
    first, *others = dict.fromkeys(line.key for line in lines)
    return (
        Change(name="set_line", key=first, values={"cents": cents}),
        *(Change(name="drop_line", key=key) for key in others),
    )


def _billed_at(lines: tuple[BilledLine, ...], cents: int) -> tuple[Change, ...]:
    """Lines with another amount; Lago stores none without one."""
    return _set(lines, cents) if cents else _drop(lines)


def _cents(lines: tuple[BilledLine, ...]) -> int:
    return sum(line.amount_cents for line in lines)


def mapping_gap(case: Case) -> Iterator[Proposal]:
    """The side lacks a line whose charge or subscription the migration left out, and said why."""
    for key, baseline, subject in case.pairs():
        reason = _hint(case, key, "unmapped")
        if baseline and not subject and reason:
            yield Proposal(
                changes=_drop(baseline),
                evidence=(_evidence(key, "unmapped", reason=str(reason)),),
                remedy=Evidence(name="mend_mapping", values={"reason": str(reason)}),
            )


def subscription_state(case: Case) -> Iterator[Proposal]:
    """The side bills nothing of a subscription, or bills one that the baseline does not."""
    for subscription in dict.fromkeys(key.subscription for key, _, _ in case.pairs() if key.subscription):
        ours, theirs = (_of(invoice, subscription) for invoice in (case.baseline, case.subject))
        if len(ours) > 1 and not theirs:
            yield _state(subscription, _drop(ours), "not_billed")
        if len(theirs) > 1 and not ours:
            yield _state(subscription, _add(theirs), "still_billed")


def _of(invoice: BilledInvoice, subscription: str) -> tuple[BilledLine, ...]:
    return tuple(line for line in invoice.lines if line.key.subscription == subscription and line.amount_cents)


def _state(subscription: str, changes: tuple[Change, ...], name: str) -> Proposal:
    values: Mapping[str, str | int | Decimal] = {"subscription": subscription}
    return Proposal(
        changes=changes,
        evidence=(Evidence(name=name, values=values),),
        remedy=Evidence(name="check_state", values=values),
    )


def _add(lines: tuple[BilledLine, ...]) -> tuple[Change, ...]:
    return tuple(Change(name="add_line", values={"line": line}) for line in lines)


def duplicate_line(case: Case) -> Iterator[Proposal]:
    """The side has the same line more than once."""
    for key, baseline, subject in case.pairs():
        if len(baseline) == 1 and len(subject) > 1:
            times = len(subject) - 1
            yield Proposal(
                changes=(Change(name="repeat_line", key=baseline[0].key, values={"times": times}),),
                evidence=(_evidence(key, "billed_times", times=len(subject), cents=baseline[0].amount_cents),),
                remedy=Evidence(name="remove_duplicate"),
            )


def late_events(case: Case) -> Iterator[Proposal]:
    """The side counts events that arrived after Lago had finalised the invoice."""
    for key, baseline, subject in case.pairs():
        cents = _hint(case, key, "late_cents")
        if cents is None:
            continue
        changes = _billed_at(baseline, int(cents)) if baseline else _add(subject)
        if baseline or _cents(subject) == cents:
            late = int(_hint(case, key, "late_events") or 0)
            yield Proposal(
                changes=changes,
                evidence=(_evidence(key, "late", events=late, cents=int(cents)),),
                remedy=Evidence(name="bill_late_usage"),
            )


def usage(missing: bool) -> Callable[[Case], Iterator[Proposal]]:
    """The side has fewer (or more) units, and at the right price they give just its amount."""

    def propose(case: Case) -> Iterator[Proposal]:
        for key, baseline, subject in case.pairs():
            units = _units(subject)
            ours = _units(baseline)
            reprice = cast("Callable[[Decimal], int | None] | None", _hint(case, key, "reprice"))
            if not baseline or units is None or ours is None or reprice is None or (units < ours) is not missing:
                continue
            again = reprice(units) if units != ours else None
            if again is not None and reprice(ours) == _cents(baseline):
                yield _usage(key, baseline, subject, again)

    return propose


def _usage(key: LineKey, baseline: tuple[BilledLine, ...], subject: tuple[BilledLine, ...], cents: int) -> Proposal:
    units = {"theirs": _units(subject) or Decimal(0), "ours": _units(baseline) or Decimal(0)}
    events = {"their_events": _events(subject), "our_events": _events(baseline)}
    return Proposal(
        changes=_billed_at(baseline, cents),
        evidence=(_evidence(key, "units", **units, **events),),
        remedy=Evidence(name="load_usage"),
    )


def _units(lines: tuple[BilledLine, ...]) -> Decimal | None:
    """Units of a position; a line that is not there has none, one that does not say makes them unknown."""
    known = [line.units for line in lines]
    return None if None in known else sum((u for u in known if u is not None), Decimal(0))


def _events(lines: tuple[BilledLine, ...]) -> int:
    return sum(line.events or 0 for line in lines)


def price(case: Case) -> Iterator[Proposal]:
    """The side bills the same at another known price: the plan's instead of the override, one before an edit..."""
    for key, baseline, subject in case.pairs():
        for name, cents in (_hint(case, key, "prices") or {}).items():
            if baseline and cents == _cents(subject):
                yield Proposal(
                    changes=_set(baseline, int(cents)),
                    evidence=(_evidence(key, "price_of", price=str(name), cents=int(cents)),),
                    remedy=Evidence(name="mend_price"),
                )


def plan_change_date(case: Case) -> Iterator[Proposal]:
    """The side prorates for another start, end or change of plan."""
    for key, baseline, subject in case.pairs():
        for name, cents in (_hint(case, key, "plan_change") or {}).items():
            if baseline and cents == _cents(subject):
                yield Proposal(
                    changes=_set(baseline, int(cents)),
                    evidence=(_evidence(key, "dates_of", dates=str(name), cents=int(cents)),),
                    remedy=Evidence(name="mend_dates"),
                )


def missing_line(case: Case) -> Iterator[Proposal]:
    """The side lacks a line, and nothing above says why."""
    for key, baseline, subject in case.pairs():
        if baseline and not subject:
            yield Proposal(
                changes=_drop(baseline),
                evidence=(_evidence(key, "no_line", cents=_cents(baseline)),),
                remedy=Evidence(name="find_line"),
            )


def extra_line(case: Case) -> Iterator[Proposal]:
    """The side has a line that nobody else has."""
    for key, baseline, subject in case.pairs():
        if subject and not baseline:
            yield Proposal(
                changes=_add(subject),
                evidence=(_evidence(key, "only_line", cents=_cents(subject)),),
                remedy=Evidence(name="check_line"),
            )


def coupon_missing(case: Case) -> Iterator[Proposal]:
    """The side does not take a coupon off, or none of several."""
    coupons = case.bill.coupons
    for dropped in (*((coupon,) for coupon in coupons), *([coupons] if len(coupons) > 1 else ())):
        names: Mapping[str, str | int | Decimal] = {"coupon": ", ".join(coupon.code for coupon in dropped)}
        yield Proposal(
            changes=tuple(Change(name="drop_coupon", values={"code": coupon.code}) for coupon in dropped),
            evidence=(Evidence(name="coupon", values={**names, "cents": sum(coupon.cents for coupon in dropped)}),),
            remedy=Evidence(name="carry_coupon", values=names),
        )


def tax_missing(case: Case) -> Iterator[Proposal]:
    """The side does not charge a tax, or none at all."""
    codes = sorted({tax.code for taxes in case.bill.taxes.values() for tax in taxes if tax.rate})
    for dropped in (*((code,) for code in codes), *([tuple(codes)] if len(codes) > 1 else ())):
        values: Mapping[str, str | int | Decimal] = {"tax": ", ".join(dropped)}
        yield Proposal(
            changes=tuple(Change(name="drop_tax", values={"code": code}) for code in dropped),
            evidence=(Evidence(name="no_tax", values=values),),
            remedy=Evidence(name="mend_tax", values=values),
        )


def tax_wrong(case: Case) -> Iterator[Proposal]:
    """The side charges other taxes: those that the seller uses elsewhere (``hints`` of the empty key)."""
    known = case.hints.get(LineKey("", "tax", ""), {})
    for name, taxes in known.items():
        yield Proposal(
            changes=(Change(name="set_taxes", values={"taxes": taxes}),),
            evidence=(Evidence(name="other_tax", values={"tax": name}),),
            remedy=Evidence(name="mend_tax", values={"tax": name}),
        )


def tax_rounding(case: Case) -> Iterator[Proposal]:
    """The side rounds each tax, or the tax of each line, where the baseline rounds the sum of all taxes once."""
    for per, remedy in (("tax", "waive_rounding"), ("line", "round_globally")):
        yield Proposal(
            changes=(Change(name="round_tax", values={"per": per}),),
            evidence=(Evidence(name=f"tax_per_{per}"),),
            remedy=Evidence(name=remedy),
        )


def settlement(case: Case) -> Iterator[Proposal]:
    """The side does not take a credit note or prepaid credits off."""
    for part in ("credit_notes", "prepaid"):
        cents = case.deviation.get(HeaderKey(part))
        if cents:
            yield Proposal(
                changes=(Change(name="drop_settlement", values={"part": part}),),
                evidence=(Evidence(name="not_settled", values={"part": part, "cents": cents}),),
                remedy=Evidence(name="carry_balance", values={"part": part}),
            )


CAUSES: tuple[Cause, ...] = (
    Cause(name="mapping_gap", propose=mapping_gap),
    Cause(name="duplicate_line", propose=duplicate_line),
    Cause(name="late_events", propose=late_events),
    Cause(name="missing_usage", propose=usage(missing=True)),
    Cause(name="extra_usage", propose=usage(missing=False)),
    Cause(name="price", propose=price),
    Cause(name="plan_change_date", propose=plan_change_date),
    Cause(name="subscription_state", propose=subscription_state),
    Cause(name="missing_line", propose=missing_line),
    Cause(name="extra_line", propose=extra_line),
    Cause(name="coupon_missing", propose=coupon_missing, header=True),
    Cause(name="tax_missing", propose=tax_missing, header=True),
    Cause(name="tax_wrong", propose=tax_wrong, header=True),
    Cause(name="tax_rounding", propose=tax_rounding, header=True),
    Cause(name="settlement_missing", propose=settlement, header=True),
)

LEFT_OVER = ("tolerated", "unexplained")  # named by classify, never proposed
NAMES = (*(cause.name for cause in CAUSES), *LEFT_OVER)
