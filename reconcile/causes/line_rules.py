"""Causes of lines: what was left out or is there twice, usage, prices, days, digits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from mappings.money import round_half_up
from mappings.records import Subscription
from reconcile.billed import BilledInvoice, BilledLine, LineKey
from reconcile.causes.case import Case, Proposal
from reconcile.causes.changes import (
    Change,
    RepeatLine,
    TakeOff,
)
from reconcile.causes.observed import Suspect, remedy_at
from reconcile.causes.of_lines import (
    add_lines,
    back_to_its_order,
    billed_at,
    by_hand,
    cents_of,
    drop_lines,
    evidence_of,
    is_read,
    on_line,
    own_line,
    price_list,
    set_lines,
    sold_at,
    sold_under,
    units_of,
)
from reconcile.rerate.suppositions import OtherRecords
from reports.data import Evidence, EvidenceValue


def mapping_gap(case: Case) -> Iterator[Proposal]:
    """The side lacks a line whose charge or subscription the migration left out, and said why."""
    for subscription, why in _idle(case, "mapping_gap"):
        yield Proposal(
            changes=drop_lines(_of(case.baseline, subscription)),
            evidence=(Evidence(name="unmapped", values={"kind": "subscription", "item": subscription, "reason": why}),),
            remedy=Evidence(name="mend_mapping", values={"reason": why}),
            observed=True,
        )
    for key, baseline, subject in case.pairs():
        reason = case.known.of_line(key).unmapped
        if baseline and not subject and reason:
            yield Proposal(
                changes=drop_lines(baseline),
                evidence=(evidence_of(key, "unmapped", reason=reason),),
                remedy=Evidence(name="mend_mapping", values={"reason": reason}),
                observed=True,
            )


def _idle(case: Case, cause: str) -> Iterator[tuple[str, str]]:
    """Subscriptions that the side does not bill for a known reason of this kind: (Lago id, reason)."""
    for idle in case.subject.idle:
        if idle.cause == cause:
            yield idle.subscription, idle.reason


def currency(case: Case) -> Iterator[Proposal]:
    """The side bills all of it, or some of its subscriptions, in another currency."""
    foreign = case.subject.foreign
    if not foreign:
        return
    away = {subscription: order for bill in foreign for subscription, order in bill.orders.items()}
    lines = tuple(line for line in case.baseline.lines if not away or line.key.subscription in away)
    told = ", ".join(f"{bill.amount} {bill.currency}" for bill in foreign)
    names = dict.fromkeys(away.values()) or dict.fromkeys(sold_under(case, line.key) for line in lines)
    yield Proposal(
        changes=drop_lines(lines),
        evidence=(Evidence(name="other_currency", values={"amount": told}),),
        remedy=price_list(", ".join(f"sale.order {name}" for name in names), case.baseline.currency),
        observed=True,
    )


def subscription_state(case: Case) -> Iterator[Proposal]:
    """The side bills nothing of a subscription, or bills one that the baseline does not."""
    for subscription, why in _idle(case, "subscription_state"):
        values: Mapping[str, EvidenceValue] = {"subscription": subscription, "state": why}
        yield Proposal(
            changes=drop_lines(_of(case.baseline, subscription)),
            evidence=(Evidence(name="idle", values=values),),
            remedy=Evidence(name="check_state", values=values),
            observed=True,
        )
    for subscription in dict.fromkeys(key.subscription for key, _, _ in case.pairs() if key.subscription):
        ours, theirs = (_of(invoice, subscription) for invoice in (case.baseline, case.subject))
        if len(ours) > 1 and not theirs:
            yield _state(subscription, drop_lines(ours), "not_billed")
        if len(theirs) > 1 and not ours:
            yield _state(subscription, add_lines(theirs), "still_billed")


def _of(invoice: BilledInvoice, subscription: str) -> tuple[BilledLine, ...]:
    return tuple(line for line in invoice.lines if line.key.subscription == subscription and line.amount_cents)


def _state(subscription: str, changes: tuple[Change, ...], name: str) -> Proposal:
    values: Mapping[str, EvidenceValue] = {"subscription": subscription}
    return Proposal(
        changes=changes,
        evidence=(Evidence(name=name, values=values),),
        remedy=Evidence(name="check_state", values=values),
    )


def order_line_added(case: Case) -> Iterator[Proposal]:
    """Somebody added a line to the order, which is no plan and no charge: Odoo bills it with its own taxes.

    A line that the migration made was added by nobody: ``line_by_itself``.
    """
    for key, baseline, subject in case.pairs():
        if key.kind == "other" and not baseline and not own_line(case, key):
            name = subject[0].label.replace("\n", " ")
            yield Proposal(
                changes=(*add_lines(subject), *on_line(case, *subject)),
                evidence=(Evidence(name="order_line", values={"line": name, "cents": cents_of(subject)}),),
                remedy=back_to_its_order(case, key) or by_hand(case, key, name),
                observed=True,
            )


def line_by_itself(case: Case) -> Iterator[Proposal]:
    """A line that the migration made is of no charge any more, as its product says: Odoo bills it by itself."""
    for key, baseline, subject in case.pairs():
        made = own_line(case, key)
        if made and not baseline:
            yield Proposal(
                changes=(*add_lines(subject), *on_line(case, *subject)),
                evidence=(Evidence(name="own_line", values={"where": made.label, "cents": cents_of(subject)}),),
                remedy=Evidence(name="mend_own_line", values={"where": made.label}),
                observed=True,
            )


def discount(case: Case) -> Iterator[Proposal]:
    """A discount stands on the order's line: it is taken off what was rated."""
    for key, baseline, subject in case.pairs():
        percent = {line.discount for line in subject}
        if baseline and len(subject) == 1 and percent != {Decimal(0)}:
            yield Proposal(
                changes=tuple(TakeOff(line.key, subject[0].discount) for line in baseline),
                evidence=(evidence_of(key, "discount", percent=percent.pop().normalize(), rated=_rated(subject[0])),),
                remedy=Evidence(name="end_discount", values={"where": sold_at(case, key)}),
                observed=True,
            )


def _rated(line: BilledLine) -> int:
    return line.amount_cents if line.precise_cents is None else int(round_half_up(line.precise_cents))


def duplicate_line(case: Case) -> Iterator[Proposal]:
    """The side has the same line more than once."""
    for key, baseline, subject in case.pairs():
        if len(baseline) == 1 and len(subject) > 1:
            times = len(subject) - 1
            yield Proposal(
                changes=(RepeatLine(baseline[0].key, times),),
                evidence=(evidence_of(key, "billed_times", times=len(subject), cents=baseline[0].amount_cents),),
                remedy=Evidence(name="remove_duplicate", values={"item": key.item or key.subscription}),
                observed=True,
            )


def late_events(case: Case) -> Iterator[Proposal]:
    """The side counts events that arrived after Lago had finalised the invoice."""
    for key, baseline, subject in case.pairs():
        late = case.known.of_line(key).late
        if late is None:
            continue
        changes = billed_at(baseline, late.cents) if baseline else add_lines(subject)
        if baseline or cents_of(subject) == late.cents:
            yield Proposal(
                changes=changes,
                evidence=(evidence_of(key, "late", events=late.events, cents=late.cents),),
                remedy=Evidence(name="bill_late_usage"),
                observed=bool(late.events),  # Lago's own events say when they arrived
            )


def usage(missing: bool) -> Callable[[Case], Iterator[Proposal]]:
    """The side has fewer (or more) units, and at the right price they give just its amount."""

    def propose(case: Case) -> Iterator[Proposal]:
        for key, baseline, subject in case.pairs():
            units = units_of(subject)
            ours = units_of(baseline)
            reprice = case.known.of_line(key).reprice
            if not baseline or not subject or units is None or ours is None or reprice is None:
                continue  # a line that is not there at all has other names
            again = reprice(units) if units != ours and (units < ours) is missing else None
            if again is not None and reprice(ours) == cents_of(baseline) and not is_read(case, key):
                yield _usage_proposal(case, key, baseline, subject, again)

    return propose


def _usage_proposal(
    case: Case, key: LineKey, baseline: tuple[BilledLine, ...], subject: tuple[BilledLine, ...], cents: int
) -> Proposal:
    units = {"theirs": units_of(subject) or Decimal(0), "ours": units_of(baseline) or Decimal(0)}
    events = {"their_events": _events(subject), "our_events": _events(baseline)}
    return Proposal(
        changes=billed_at(baseline, cents),
        evidence=(evidence_of(key, "units", **units, **events),),
        remedy=Evidence(name="load_usage"),
        observed=case.is_of_lago,  # Lago's own fee states other units
    )


def _events(lines: tuple[BilledLine, ...]) -> int:
    return sum(line.events or 0 for line in lines)


def price(case: Case) -> Iterator[Proposal]:
    """The side bills the same at another known price: the plan's instead of the override, one before an edit..."""
    for key, baseline, subject in case.pairs():
        for name, cents in case.known.of_line(key).prices.items():
            if baseline and cents == cents_of(subject) and not is_read(case, key):
                yield Proposal(
                    changes=set_lines(baseline, cents),
                    evidence=(evidence_of(key, "price_of", price=name, cents=cents),),
                    remedy=_own_field(case, case.known.of_line(key).price_at),
                )


def plan_change_date(case: Case) -> Iterator[Proposal]:
    """The side prorates for another start, end or change of plan."""
    for key, baseline, subject in case.pairs():
        for name, cents in case.known.of_line(key).other_days.items():
            if baseline and cents == cents_of(subject) and not is_read(case, key):
                yield Proposal(
                    changes=set_lines(baseline, cents),
                    evidence=(evidence_of(key, "dates_of", dates=name, cents=cents),),
                    remedy=_own_field(case, case.known.of_line(key).dates_at),
                )


def _own_field(case: Case, at: Mapping[str, EvidenceValue]) -> Evidence | None:
    """What to set in Odoo; what is Lago's own, and differs from its re-rate, somebody edited there."""
    if case.is_of_lago:
        return Evidence(name="check_edit")
    return Evidence(name="mend_field", values=at) if at else None


def missing_line(case: Case) -> Iterator[Proposal]:
    """The side lacks a line, and nothing above says why."""
    for key, baseline, subject in case.pairs():
        if baseline and not subject:
            yield Proposal(
                changes=drop_lines(baseline),
                evidence=(evidence_of(key, "no_line", cents=cents_of(baseline)),),
                remedy=Evidence(name="find_line"),
                observed=case.is_of_lago,  # Lago's own invoice has no such fee
            )


def extra_line(case: Case) -> Iterator[Proposal]:
    """The side has a line that nobody else has. A charge that only Odoo has says why."""
    charges = case.known.orders.only_odoo if case.known.orders and case.is_of_odoo else {}
    for key, baseline, subject in case.pairs():
        if subject and not baseline and key.kind != "other":
            where = charges.get(key.item, "")
            yield Proposal(
                changes=(*add_lines(subject), *(on_line(case, *subject) if where else ())),
                evidence=(evidence_of(key, "only_line", cents=cents_of(subject)), *_only_there(where)),
                remedy=_away(case, where) if where else Evidence(name="check_line"),
                observed=bool(where),
            )


def _away(case: Case, where: str) -> Evidence:
    """A charge that only Odoo has is removed; one that the migration made for another plan or order goes back there."""
    field, home = case.known.orders.moved_here.get(where, ("", "")) if case.known.orders else ("", "")
    back = Evidence(name="mend_field", values={"where": where, "what": field, "lago": home})
    return back if field else Evidence(name="remove_charge", values={"where": where})


def _only_there(where: str) -> tuple[Evidence, ...]:
    return (Evidence(name="only_there", values={"where": where}),) if where else ()


def ended_in_odoo(case: Case) -> Iterator[Proposal]:
    """Odoo's order has ended, and bills nothing: the field that says so wins over the lines that are not there."""
    for suspect in case.known.orders.suspects if case.known.orders else ():
        subscription = _ended_by(suspect)
        pairs = [
            (ours, theirs) for key, ours, theirs in case.pairs() if subscription and key.subscription == subscription
        ]
        gone = sum(not theirs for _, theirs in pairs)
        if case.is_of_odoo and gone and 2 * gone >= len(pairs) and all(ours for ours, _ in pairs):
            yield Proposal(
                changes=tuple(change for ours, theirs in pairs for change in billed_at(ours, cents_of(theirs))),
                evidence=(Evidence(name="ended", values=suspect.told), *_covered(case, suspect)),
                remedy=remedy_at("mend_field", suspect.place, suspect.lago),
                observed=True,
            )


def _covered(case: Case, ended: Suspect) -> Iterator[Evidence]:
    """What else differs of the order, and shows as soon as it runs again; of several orders nobody can tell whose."""
    suspects = case.known.orders.suspects if case.known.orders else ()
    alone = len({key.subscription for key, _, _ in case.pairs() if key.subscription}) == 1
    for other in suspects:
        if other is not ended and (alone or other.place.label == ended.place.label):
            yield Evidence(name="covered", values=other.told)


def _ended_by(suspect: Suspect) -> str:
    """The subscription (Lago id) whose end differs; empty for any other difference."""
    changes = suspect.suppose.changes if isinstance(suspect.suppose, OtherRecords) else ()
    ends = (c.lago_id for c in changes if c.record is Subscription and c.path == ("terminated_at",))
    return next(ends, "")
