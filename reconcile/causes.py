"""The causes, in the order in which they are tried: one line in ``CAUSES`` and one function each.

A function looks at a case and proposes what to change in the baseline. It may be generous: ``classify`` accepts a
proposal only if computing again under it gives the difference to the cent.

``Case.hints`` per line, where the caller knows them: ``unmapped`` (why the charge or subscription was not migrated),
``reprice`` (units -> cents under the line's own price), ``prices`` (name of another price -> cents under it),
``late_cents`` (amount when events that arrived late are counted too), ``plan_change`` (name of other dates -> cents).
Under ``SUSPECTS`` stands what is known of the whole invoice: ``suspects`` (Odoo's records that differ), ``calendar``
(Lago's stored boundaries are not those of its calendar), ``repeated`` (events that are there twice), ``rules`` (those
of this Lago), ``line_taxes`` (what Odoo holds), ``todays_taxes`` (what Lago assigns today), ``away``, ``per_line``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from functools import partial
from typing import Any, cast

from mappings.money import round_half_up
from reconcile.classify import SUSPECTS, Case, Cause, Proposal
from reconcile.compare import HeaderKey
from reconcile.lines import BilledInvoice, BilledLine, LineKey
from reconcile.usage import Store
from reconcile.whatif import Change, LineTax, header_of
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
    for subscription, why in _idle(case, "mapping_gap"):
        yield Proposal(
            changes=_drop(_of(case.baseline, subscription)),
            evidence=(Evidence(name="unmapped", values={"kind": "subscription", "item": subscription, "reason": why}),),
            remedy=Evidence(name="mend_mapping", values={"reason": why}),
        )
    for key, baseline, subject in case.pairs():
        reason = _hint(case, key, "unmapped")
        if baseline and not subject and reason:
            yield Proposal(
                changes=_drop(baseline),
                evidence=(_evidence(key, "unmapped", reason=str(reason)),),
                remedy=Evidence(name="mend_mapping", values={"reason": str(reason)}),
            )


def _idle(case: Case, cause: str) -> Iterator[tuple[str, str]]:
    """Subscriptions that the side does not bill for a known reason of this kind: (Lago id, reason)."""
    for subscription, (name, why) in case.subject.facts.get("idle", {}).items():
        if name == cause:
            yield subscription, why


def currency(case: Case) -> Iterator[Proposal]:
    """The side bills all of it in another currency."""
    told = case.subject.facts.get("currency")
    if told:
        yield Proposal(
            changes=_drop(tuple(line for line in case.baseline.lines)),
            evidence=(Evidence(name="other_currency", values={"amount": str(told)}),),
            remedy=Evidence(name="mend_currency", values={"currency": case.baseline.currency}),
            observed=True,
        )


def subscription_state(case: Case) -> Iterator[Proposal]:
    """The side bills nothing of a subscription, or bills one that the baseline does not."""
    for subscription, why in _idle(case, "subscription_state"):
        values: Mapping[str, str | int | Decimal] = {"subscription": subscription, "state": why}
        yield Proposal(
            changes=_drop(_of(case.baseline, subscription)),
            evidence=(Evidence(name="idle", values=values),),
            remedy=Evidence(name="check_state", values=values),
            observed=True,
        )
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
                observed=True,
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
            if not baseline or not subject or units is None or ours is None or reprice is None:
                continue  # a line that is not there at all has other names
            again = reprice(units) if units != ours and (units < ours) is missing else None
            if again is not None and reprice(ours) == _cents(baseline):
                yield replace(_usage(key, baseline, subject, again), doubtful=_is_read(case, key))

    return propose


def _is_read(case: Case, key: LineKey) -> bool:
    """Whether Odoo's records of this were read. What only the amount speaks for, they would have shown."""
    return case.names[1] == "odoo" and key.subscription in (_known(case, "read") or ())


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
                    doubtful=_is_read(case, key),
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
                    doubtful=_is_read(case, key),
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
        if not any(tax.rate for tax in cast("tuple[LineTax, ...]", taxes)):
            continue  # no tax at all has its own name
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


def open_settlement(case: Case) -> Iterator[Proposal]:
    """The open balance in Odoo is too high by just what prepaid credits, credit notes or payments took off."""
    totals, open_cents = case.baseline.totals, case.deviation.get(HeaderKey("settled"))
    if totals is None or not open_cents:
        return
    prepaid, notes = totals.prepaid_cents, totals.credit_notes_cents
    paid = -int(case.baseline.facts.get("settled_cents", 0)) - prepaid - notes
    parts = {"prepaid": prepaid, "credit_notes": notes, "prepaid, credit_notes": prepaid + notes, "payments": paid}
    for part, cents in parts.items():
        if cents == open_cents:
            yield Proposal(
                changes=(Change(name="settle", values={"cents": cents}),),
                evidence=(Evidence(name="not_settled", values={"part": part, "cents": cents}),),
                remedy=Evidence(name="carry_balance", values={"part": part}),
                observed=True,
            )
            return


def balance_missing(case: Case) -> Iterator[Proposal]:
    """Nothing is open in Odoo of what Lago is still owed."""
    totals = case.baseline.totals
    due = totals.gross_cents + int(case.baseline.facts.get("settled_cents", 0)) if totals else 0
    if due and case.deviation.get(HeaderKey("settled")) == -due:
        yield Proposal(
            changes=(Change(name="settle", values={"cents": -due}),),
            evidence=(Evidence(name="not_open", values={"cents": due}),),
            remedy=Evidence(name="carry_balance", values={"part": "balance"}),
            observed=True,
        )


def quantity_precision(case: Case) -> Iterator[Proposal]:
    """The side prices the units with fewer digits."""
    for key, baseline, subject in case.pairs():
        units, reprice = _units(baseline), cast("Callable[[Decimal], int | None] | None", _hint(case, key, "reprice"))
        if not baseline or units is None or reprice is None or reprice(units) != _cents(baseline):
            continue
        for fewer in dict.fromkeys(_cut(units)):
            again = reprice(fewer)
            if again is not None and again == _cents(subject):
                yield Proposal(
                    changes=_billed_at(baseline, again),
                    evidence=(_evidence(key, "cut_units", theirs=fewer, ours=units),),
                    remedy=Evidence(name="raise_precision"),
                    doubtful=_is_read(case, key),
                )
                break


def _cut(number: Decimal) -> Iterator[Decimal]:
    """The number with fewer digits: half up, or cut off."""
    digits = max(-int(number.normalize().as_tuple().exponent), 0)
    for kept in range(digits - 1, -1, -1):
        for rounding in (ROUND_HALF_UP, ROUND_DOWN):
            yield number.quantize(Decimal(1).scaleb(-kept), rounding=rounding)


def price_precision(case: Case) -> Iterator[Proposal]:
    """The side rated the right amount, and its line's price cannot hold all digits of it."""
    for key, baseline, subject in case.pairs():
        rated = [line.precise_cents for line in subject]
        if not baseline or len(rated) != 1 or rated[0] is None or round_half_up(rated[0]) != _cents(baseline):
            continue
        if case.names[1] == "odoo" and Decimal(_cents(subject)) in {_coarse(rated[0], digits) for digits in (1, 2, 3)}:
            yield Proposal(
                changes=_set(baseline, _cents(subject)),
                evidence=(_evidence(key, "cut_price", cents=_cents(subject), rated=rated[0]),),
                remedy=Evidence(name="raise_precision"),
            )


def _coarse(cents: Decimal, digits: int) -> Decimal:
    """Cents that end in so many zeros."""
    return cents.scaleb(-digits).quantize(Decimal(1), rounding=ROUND_HALF_UP).scaleb(digits)


def line_rounding(case: Case) -> Iterator[Proposal]:
    """The side rounds the line's exact amount another way: down, up, or half to even."""
    for key, baseline, subject in case.pairs():
        exact = baseline[0].precise_cents if len(baseline) == 1 else None
        if exact is None or len(subject) != 1 or exact == exact.to_integral_value():
            continue
        for way in (ROUND_DOWN, ROUND_UP, ROUND_HALF_EVEN):
            if int(exact.quantize(Decimal(1), rounding=way)) == _cents(subject) != _cents(baseline):
                yield Proposal(
                    changes=_set(baseline, _cents(subject)),
                    evidence=(_evidence(key, "rounded", exact=exact, cents=_cents(subject)),),
                    remedy=Evidence(name="check_rounding"),
                )
                break


def _supposing(case: Case, name: str, suppose: Callable[[Any], Any]) -> tuple[Change, ...]:
    return (Change(name="suppose", values={"id": name, "suppose": suppose}),)


def _known(case: Case, name: str) -> Any:
    return case.hints.get(SUSPECTS, {}).get(name)


def period_boundary(case: Case) -> Iterator[Proposal]:
    """Lago stored boundaries that are not those of its own calendar: by the calendar the other side is right."""
    if case.names == ("rerate", "odoo") and _known(case, "calendar"):
        yield Proposal(
            changes=_supposing(case, "calendar", lambda world: replace(world, calendar=True)),
            evidence=(Evidence(name="boundaries", values={"boundaries": str(_known(case, "calendar"))}),),
            remedy=Evidence(name="check_boundaries"),
            side="lago",
        )


def duplicate_events(case: Case) -> Iterator[Proposal]:
    """Events that are in Lago's store more than once, counted once."""
    if case.names[0] == "rerate" and _known(case, "repeated"):
        for store in STORES:
            yield Proposal(
                changes=_supposing(case, store.value, partial(_with_store, store=store)),
                evidence=(Evidence(name="repeated", values={"events": int(_known(case, "repeated"))}),),
                remedy=Evidence(name="check_store"),
                side="lago",
            )


def _with_store(world: Any, store: Store) -> Any:
    return replace(world, store=store)


def old_rule(case: Case) -> Iterator[Proposal]:
    """Lago computed by a rule that a later version of it changed."""
    rules = _known(case, "rules")
    if not any(baseline and subject for _, baseline, subject in case.pairs()):
        return
    for rule in fields(rules) if rules is not None and case.names == ("rerate", "lago") else ():
        if getattr(rules, rule.name):
            former = replace(rules, **{rule.name: False})
            yield Proposal(
                changes=_supposing(case, f"rule {rule.name}", partial(_with_rules, rules=former)),
                evidence=(Evidence(name="old_rule", values={"rule": rule.name}),),
                remedy=Evidence(name="accept_rule", values={"rule": rule.name}),
            )


def _with_rules(world: Any, rules: Any) -> Any:
    return replace(world, rules=rules)


def edited_line(case: Case) -> Iterator[Proposal]:
    """Lago's line contradicts its own numbers: its exact amount is the re-rate's, the amount billed is not."""
    for key, baseline, subject in case.pairs():
        if case.names[1] != "lago" or len(baseline) != 1 or len(subject) != 1:
            continue
        exact = subject[0].precise_cents
        if exact is not None and int(round_half_up(exact)) == _cents(baseline) != _cents(subject):
            yield Proposal(
                changes=_set(baseline, _cents(subject)),
                evidence=(_evidence(key, "contradiction", cents=_cents(subject), exact=exact),),
                remedy=Evidence(name="check_edit"),
            )


def edited_header(case: Case) -> Iterator[Proposal]:
    """Lago's header does not follow from its own lines, taxes and coupons: a sum of it was changed."""
    stated = case.subject.totals
    if case.names[1] != "lago" or stated is None:
        return
    follows = header_of(case.subject.lines, case.bill)
    if follows is not None and (follows.net_cents, follows.tax_cents) != (stated.net_cents, stated.tax_cents):
        yield Proposal(
            changes=(Change(name="keep_header", values={"totals": stated}),),
            evidence=(Evidence(name="header_edited", values={"cents": stated.gross_cents - follows.gross_cents}),),
            remedy=Evidence(name="check_edit"),
        )


Taxes = Mapping[LineKey, tuple[LineTax, ...]]


def held_taxes(kind: str) -> Callable[[Case], Iterator[Proposal]]:
    """The taxes that stand on Odoo's lines are not those of Lago's: missing ones, others, or of another place."""

    def propose(case: Case) -> Iterator[Proposal]:
        held: Taxes = _known(case, "line_taxes") or {}
        mine = {key: _charged(case.bill.taxes.get(key, ())) for key in held}
        other = {key: taxes for key, taxes in held.items() if key in case.bill.taxes and _charged(taxes) != mine[key]}
        if case.names != ("rerate", "odoo") or not other or kind != _tax_fault(case, other, mine):
            return
        today: Taxes = _known(case, "todays_taxes") or {}
        lagos = all(_charged(today.get(key, ())) == _charged(taxes) for key, taxes in other.items())
        names: Mapping[str, str | int | Decimal] = {
            "lago": _named(case.bill.taxes[key] for key in other),
            "odoo": _named(other.values()),
        }
        yield Proposal(
            changes=(Change(name="line_taxes", values={"taxes": other}),),
            evidence=(Evidence(name="line_taxes", values=names),),
            remedy=Evidence(name="mend_tax", values={"tax": str(names["lago"])}),
            side="lago" if lagos else "",
            observed=True,
        )

    return propose


def _tax_fault(case: Case, other: Taxes, mine: Mapping[LineKey, frozenset[LineTax]]) -> str:
    if _known(case, "away"):
        return "fiscal_position"
    missing = all(_charged(taxes) < mine[key] for key, taxes in other.items())
    return "tax_missing" if missing else "tax_wrong"


def _charged(taxes: Iterable[LineTax]) -> frozenset[LineTax]:
    return frozenset(LineTax(tax.code, tax.rate.normalize()) for tax in taxes if tax.rate)


def _named(sets: Iterable[Iterable[LineTax]]) -> str:
    names = dict.fromkeys(" + ".join(f"{t.code} {t.rate.normalize():f} %" for t in taxes) or "none" for taxes in sets)
    return ", ".join(names)


def both(*proposers: Callable[[Case], Iterable[Proposal]]) -> Callable[[Case], Iterator[Proposal]]:
    return lambda case: (proposal for propose in proposers for proposal in propose(case))


STORES = (Store.POSTGRES, Store.CLICKHOUSE_DEDUPLICATED)

CAUSES: tuple[Cause, ...] = (
    # lines: what was left out or is there twice
    Cause(name="currency", propose=currency),
    Cause(name="mapping_gap", propose=mapping_gap),
    Cause(name="duplicate_line", propose=duplicate_line),
    # usage
    Cause(name="late_events", propose=late_events),
    Cause(name="duplicate_events", propose=duplicate_events),
    Cause(name="old_rule", propose=old_rule, last=True),
    Cause(name="missing_usage", propose=usage(missing=True), describes=True),
    Cause(name="extra_usage", propose=usage(missing=False), describes=True),
    Cause(name="aggregation"),
    Cause(name="filter"),
    # time
    Cause(name="time_zone"),
    Cause(name="period_boundary", propose=period_boundary),
    Cause(name="proration"),
    Cause(name="trial"),
    # prices
    Cause(name="tier_edge"),
    Cause(name="free_units"),
    Cause(name="minimum"),
    Cause(name="price", propose=price),
    Cause(name="quantity_precision", propose=quantity_precision),
    Cause(name="price_precision", propose=price_precision),
    Cause(name="line_rounding", propose=line_rounding),
    Cause(name="plan_change_date", propose=plan_change_date),
    Cause(name="edited_amount", propose=edited_line),
    # what is there, and not why
    Cause(name="subscription_state", propose=subscription_state, describes=True),
    Cause(name="charge_terms"),
    Cause(name="missing_line", propose=missing_line, describes=True),
    Cause(name="extra_line", propose=extra_line, describes=True),
    # the header
    Cause(name="coupon_missing", propose=coupon_missing, header=True),
    Cause(name="coupon_expired", header=True),
    Cause(name="coupon_limit", header=True),
    Cause(name="coupon_extra", header=True),
    Cause(name="fiscal_position", propose=held_taxes("fiscal_position"), header=True),
    Cause(name="tax_missing", propose=both(held_taxes("tax_missing"), tax_missing), header=True),
    Cause(name="tax_wrong", propose=both(held_taxes("tax_wrong"), tax_wrong), header=True),
    Cause(name="tax_rounding", propose=tax_rounding, header=True),
    Cause(name="settlement_missing", propose=both(settlement, open_settlement), header=True),
    Cause(name="balance_missing", propose=balance_missing, header=True),
    Cause(name="edited_header", propose=edited_header, header=True, last=True),
)

LEFT_OVER = ("tolerated", "unexplained")  # named by classify, never proposed
NAMES = (*(cause.name for cause in CAUSES), *LEFT_OVER)
