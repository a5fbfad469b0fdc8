"""Causes that lie in Lago's own records: stored boundaries, repeated events, old rules, edits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace

from mappings.money import round_half_up
from reconcile.billed import Totals
from reconcile.causes.case import Case, Proposal
from reconcile.causes.changes import (
    Change,
    KeepHeader,
    Suppose,
)
from reconcile.causes.of_lines import (
    billed_at,
    cents_of,
    evidence_of,
    set_lines,
    units_of,
)
from reconcile.rating.coupons import HeldCoupon
from reconcile.rating.header import coupon_credits, header_of
from reconcile.rerate.event_stores import EventStore
from reconcile.rerate.supposed import Hypothesis
from reconcile.rerate.suppositions import ByCalendar, ByRules, CountedAs, Supposition
from reports.data import LAGO, ODOO, RERATE, Evidence

FIXED = HeldCoupon(code="", coupon_type="fixed_amount", frequency="forever")  # of an amount that is known
STORES = (EventStore.POSTGRES, EventStore.CLICKHOUSE_DEDUPLICATED)


def _supposing(suppose: Supposition) -> tuple[Change, ...]:
    return (Suppose(Hypothesis(suppose)),)


def period_boundary(case: Case) -> Iterator[Proposal]:
    """Lago stored boundaries that are not those of its own calendar: by the calendar the other side is right."""
    orders = case.known.orders
    if case.is_odoo_against_rerate and orders is not None and orders.lago.calendar:
        yield Proposal(
            changes=_supposing(ByCalendar()),
            evidence=(Evidence(name="boundaries", values={"boundaries": "; ".join(orders.lago.calendar)}),),
            remedy=Evidence(name="check_boundaries"),
            side=LAGO,
            observed=True,
        )


def duplicate_events(case: Case) -> Iterator[Proposal]:
    """Events that are in Lago's store more than once, counted once."""
    orders = case.known.orders
    if case.baseline_side == RERATE and orders is not None and orders.lago.repeated:
        for store in STORES:
            yield Proposal(
                changes=_supposing(CountedAs(store=store)),
                evidence=(Evidence(name="repeated", values={"events": orders.lago.repeated}),),
                remedy=Evidence(name="check_store"),
                side=LAGO,
                observed=True,
            )


def old_rule(case: Case) -> Iterator[Proposal]:
    """Lago computed by a rule that a later version of it changed."""
    orders = case.known.orders
    if orders is None or not (case.is_of_lago and case.baseline_side == RERATE):
        return
    if not any(baseline and subject for _, baseline, subject in case.pairs()):
        return
    rules = orders.rules
    for rule in fields(rules):
        if getattr(rules, rule.name):
            former = replace(rules, **{rule.name: False})
            yield Proposal(
                changes=_supposing(ByRules(rules=former)),
                evidence=(Evidence(name="old_rule", values={"rule": rule.name}),),
                remedy=Evidence(name="accept_rule", values={"rule": rule.name}),
            )


def edited_line(case: Case) -> Iterator[Proposal]:
    """Lago's line contradicts its own numbers: its exact amount is the re-rate's, the amount billed is not."""
    for key, baseline, subject in case.pairs():
        if not case.is_of_lago or len(baseline) != 1 or len(subject) != 1:
            continue
        exact = subject[0].precise_cents
        if exact is not None and int(round_half_up(exact)) == cents_of(baseline) != cents_of(subject):
            yield Proposal(
                changes=set_lines(baseline, cents_of(subject)),
                evidence=(evidence_of(key, "contradiction", cents=cents_of(subject), exact=exact),),
                remedy=Evidence(name="check_edit"),
                observed=True,
            )


def off_plan(case: Case) -> Iterator[Proposal]:
    """Lago's line is not what its own plan gives, and Odoo bills just that: two votes against one.

    Of a base fee Lago stored the plan's price itself, from which its amount does not follow: that is a record. A charge
    may have had another price then, of which no record is left.
    """
    if not case.is_of_lago or case.baseline_side != RERATE:
        return
    odoos = {position.key: position.cents.get(ODOO) for position in case.invoice.positions}
    for key, baseline, subject in case.pairs():
        if not baseline or not subject or odoos[key] != cents_of(baseline):
            continue
        stored = case.known.of_line(key).own_price if units_of(subject) == units_of(baseline) else None
        told = {"cents": cents_of(subject), "plan_cents": cents_of(baseline)}
        own_price = evidence_of(key, "off_own_price", price_cents=stored or 0, **told)
        yield Proposal(
            changes=billed_at(baseline, cents_of(subject)),
            evidence=(evidence_of(key, "off_plan", **told) if stored is None else own_price,),
            remedy=Evidence(name="check_edit"),
            observed=stored is not None,
        )


def coupon_in_excess(case: Case) -> Iterator[Proposal]:
    """Lago's own credits take more of a coupon than its terms give: twice on one invoice, or once too often."""
    stated = case.subject.totals
    if not case.is_of_lago or stated is None or _taxes_lack(case):
        return
    given = coupon_credits(case.subject.lines, case.terms, case.subject.currency)
    more = {code: sum(cents) - given.get(code, 0) for code, cents in case.known.credited.items()}
    excess = {code: cents for code, cents in more.items() if cents > 0}
    if not excess or excess.keys() - case.known.held or not _follows_with(case, stated, excess):
        return
    yield Proposal(
        changes=(KeepHeader(stated),),
        evidence=tuple(_coupon_credits(code, case.known.credited[code], given.get(code, 0)) for code in excess),
        remedy=Evidence(
            name="mend_coupon_in_lago",
            values={"invoice": case.subject.number, "coupon": ", ".join(excess), "cents": sum(excess.values())},
        ),
        observed=True,
    )


def _taxes_lack(case: Case) -> bool:
    return any(line.key not in case.terms.taxes for line in case.subject.lines)


def _coupon_credits(code: str, credits: tuple[int, ...], given: int) -> Evidence:
    return Evidence(
        name="coupon_credits",
        values={"coupon": code, "times": len(credits), "taken_cents": sum(credits), "given_cents": given},
    )


def _follows_with(case: Case, stated: Totals, excess: Mapping[str, int]) -> bool:
    """Whether the stated header is what follows where coupons take so much more, with its taxes lowered or not."""
    once = replace(FIXED, amount_cents=sum(excess.values()), currency=case.subject.currency)
    lower = replace(case.terms, coupons=(*case.terms.coupons, once))
    follows = header_of(case.subject.lines, case.terms, case.subject.currency)
    lowered = header_of(case.subject.lines, lower, case.subject.currency)
    if follows is None or lowered is None:
        return False
    net = lowered.net_cents, lowered.coupons_cents
    return (stated.net_cents, stated.coupons_cents) == net and stated.tax_cents in (
        follows.tax_cents,
        lowered.tax_cents,
    )


def edited_header(case: Case) -> Iterator[Proposal]:
    """Lago's header does not follow from its own lines, taxes and coupons: a sum of it was changed."""
    stated = case.subject.totals
    if not case.is_of_lago or stated is None:
        return
    follows = header_of(case.subject.lines, case.terms, case.subject.currency)
    if follows is None or _sums(follows) == _sums(stated):
        return
    more, coupons = stated.gross_cents - follows.gross_cents, stated.coupons_cents - follows.coupons_cents
    evidence = Evidence(name="header_edited", values={"cents": more})
    if not more and coupons:
        evidence = Evidence(name="header_coupons", values={"cents": coupons})
    yield Proposal(
        changes=(KeepHeader(stated),), evidence=(evidence,), remedy=Evidence(name="check_edit"), observed=True
    )


def _sums(totals: Totals) -> tuple[int, int, int]:
    return totals.net_cents, totals.tax_cents, totals.coupons_cents
