"""Causes that lie in Lago's own records: by which facts each is proposed, and beside which it keeps silent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from decimal import Decimal

import pytest

from reconcile.billed import BilledInvoice
from reconcile.causes.case import Case, Proposal
from reconcile.causes.changes import DropLine, KeepHeader, SetLine, Suppose
from reconcile.causes.knowledge import Knowledge, LagoOddities, OrderKnowledge, grounds_of
from reconcile.causes.lago_rules import duplicate_events, edited_header, edited_line, old_rule, period_boundary
from reconcile.compare.positions import compare_invoice
from reconcile.rating.header import HeaderTerms
from reconcile.rating.rules import LATEST, Rules
from reconcile.rerate.event_stores import EventStore
from reconcile.rerate.suppositions import ByCalendar, ByRules, CountedAs, Supposition
from reports.data import LAGO, ODOO, RERATE, Evidence, SideName
from tests.reconciling.build import invoice, key, line, totals
from tests.reconciling.test_classify import LINES, RULES, TRUTH, changed

LESS = changed(SetLine(key("b"), 200))
GONE = changed(DropLine(key("b")))


def case(
    subject: SideName,
    invoice: BilledInvoice = LESS,
    *,
    baseline: SideName = RERATE,
    oddities: LagoOddities | None = None,
    rules: Rules = LATEST,
    terms: HeaderTerms = RULES,
) -> Case:
    """A side that bills another invoice than the baseline and than the third one."""
    sides = {LAGO: TRUTH, ODOO: TRUTH, subject: invoice} | ({RERATE: TRUTH} if baseline == RERATE else {})
    compared = compare_invoice(sides)
    known = Knowledge(orders=OrderKnowledge(rules=rules, lago=oddities) if oddities else None)
    return Case(
        invoice=compared,
        baseline_side=baseline,
        subject_side=subject,
        deviation=compared.deviation(subject),
        grounds=grounds_of(compared, terms, known),
    )


def supposed(rule: Callable[[Case], Iterable[Proposal]], of: Case) -> list[Supposition]:
    changes = [change for proposal in rule(of) for change in proposal.changes]
    return [change.hypothesis.suppose for change in changes if isinstance(change, Suppose)]


# --- boundaries -----------------------------------------------------------------------------------------------------


def test_boundaries_that_lagos_calendar_does_not_give_are_lagos_fault_though_odoo_deviates() -> None:
    odd = case(ODOO, oddities=LagoOddities(calendar=("usage: stored one", "base fee: stored another")))
    (proposal,) = period_boundary(odd)
    assert (proposal.side, proposal.proven, proposal.remedy) == (LAGO, True, Evidence(name="check_boundaries"))
    told = {"boundaries": "usage: stored one; base fee: stored another"}
    assert proposal.evidence == (Evidence(name="boundaries", values=told),)
    assert supposed(period_boundary, odd) == [ByCalendar()]


@pytest.mark.parametrize(
    "of",
    [
        case(ODOO, oddities=LagoOddities()),  # stored as the calendar says
        case(ODOO),  # nothing is known
        case(LAGO, oddities=LagoOddities(calendar=("one",))),  # the re-rate has the stored ones, as Lago has
        case(ODOO, baseline=LAGO, oddities=LagoOddities(calendar=("one",))),  # nobody can rate it again
    ],
)
def test_other_boundaries_are_not_supposed(of: Case) -> None:
    assert list(period_boundary(of)) == []


# --- events ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("subject", [LAGO, ODOO])
def test_repeated_events_are_counted_as_each_store_would(subject: SideName) -> None:
    odd = case(subject, oddities=LagoOddities(repeated=3))
    assert supposed(duplicate_events, odd) == [
        CountedAs(store=EventStore.POSTGRES),
        CountedAs(store=EventStore.CLICKHOUSE_DEDUPLICATED),
    ]
    for proposal in duplicate_events(odd):
        assert (proposal.side, proposal.proven, proposal.remedy) == (LAGO, True, Evidence(name="check_store"))
        assert proposal.evidence == (Evidence(name="repeated", values={"events": 3}),)


@pytest.mark.parametrize(
    "of",
    [
        case(ODOO, oddities=LagoOddities()),
        case(ODOO),
        case(ODOO, baseline=LAGO, oddities=LagoOddities(repeated=3)),
    ],
)
def test_events_that_are_there_once_are_counted_as_they_are(of: Case) -> None:
    assert list(duplicate_events(of)) == []


# --- rules of older versions ----------------------------------------------------------------------------------------


def test_each_rule_that_a_later_version_changed_is_tried_as_it_was() -> None:
    odd = case(LAGO, oddities=LagoOddities())
    names = [rule.name for rule in fields(LATEST)]
    assert supposed(old_rule, odd) == [ByRules(rules=replace(LATEST, **{name: False})) for name in names]
    for proposal, name in zip(old_rule(odd), names, strict=True):
        assert (proposal.proven, proposal.side) == (False, ""), "only the amounts speak for it"
        assert proposal.evidence == (Evidence(name="old_rule", values={"rule": name}),)
        assert proposal.remedy == Evidence(name="accept_rule", values={"rule": name})


def test_a_rule_that_was_old_already_is_not_tried() -> None:
    first, *others = [rule.name for rule in fields(LATEST)]
    rules = replace(LATEST, **{first: False})
    supposed_rules = supposed(old_rule, case(LAGO, oddities=LagoOddities(), rules=rules))
    assert supposed_rules == [ByRules(rules=replace(rules, **{name: False})) for name in others]


@pytest.mark.parametrize(
    "of",
    [
        case(LAGO),  # which version it was is not known
        case(ODOO, oddities=LagoOddities()),
        case(LAGO, baseline=ODOO, oddities=LagoOddities()),
        case(LAGO, GONE, oddities=LagoOddities()),  # a rule moves amounts, it takes no line away
    ],
)
def test_no_rule_is_tried_where_none_could_be_it(of: Case) -> None:
    assert list(old_rule(of)) == []


# --- what was edited ------------------------------------------------------------------------------------------------


def edited_to(cents: int, precise: str | None) -> BilledInvoice:
    """Lago's line b, which is 251 by right, with another amount beside this exact one."""
    exact = None if precise is None else Decimal(precise)
    return invoice(LINES[0], replace(LINES[1], amount_cents=cents, precise_cents=exact), LINES[2])


def test_a_line_whose_exact_amount_is_right_was_edited() -> None:
    (proposal,) = edited_line(case(LAGO, edited_to(200, "250.6")))
    assert proposal.changes == (SetLine(key("b"), 200),)
    values = {"kind": "charge", "item": "b", "cents": 200, "exact": Decimal("250.6")}
    assert proposal.evidence == (Evidence(name="contradiction", values=values),)
    assert (proposal.proven, proposal.remedy) == (True, Evidence(name="check_edit"))


@pytest.mark.parametrize(
    "of",
    [
        case(LAGO, edited_to(200, "200.4")),  # it was computed so
        case(LAGO, edited_to(200, None)),
        case(ODOO, edited_to(200, "250.6")),  # Odoo rates exactly, and rounds: that has other names
        case(LAGO, GONE),
        case(LAGO, invoice(*LINES, replace(line(5, "d"), precise_cents=Decimal(0)))),  # a line that nobody else has
    ],
)
def test_a_line_that_does_not_contradict_itself_was_not_edited(of: Case) -> None:
    assert list(edited_line(of)) == []


def test_a_line_that_is_there_twice_contradicts_nothing() -> None:
    """Two fees of one key: which of them the exact amount is of, nobody can tell."""
    twice = invoice(*LINES, replace(LINES[1], precise_cents=Decimal(251)))
    assert list(edited_line(case(LAGO, twice))) == []


def test_a_header_that_does_not_follow_from_its_lines_was_edited() -> None:
    header = totals(LINES)
    stated = replace(header, tax_cents=header.tax_cents - 3, gross_cents=header.gross_cents - 3, taxes={})
    (proposal,) = edited_header(case(LAGO, invoice(*LINES, header=stated)))
    assert proposal.changes == (KeepHeader(stated),)
    assert proposal.evidence == (Evidence(name="header_edited", values={"cents": -3}),)
    assert (proposal.proven, proposal.remedy) == (True, Evidence(name="check_edit"))


@pytest.mark.parametrize("part", ["net_cents", "tax_cents"])
def test_net_and_tax_have_to_follow_each(part: str) -> None:
    header = totals(LINES)
    stated = replace(header, **{part: getattr(header, part) + 1}, gross_cents=header.gross_cents + 1, taxes={})
    assert len(list(edited_header(case(LAGO, invoice(*LINES, header=stated))))) == 1


def test_a_header_that_follows_or_of_which_nothing_follows_was_not_edited() -> None:
    header = totals(LINES)
    stated = replace(header, tax_cents=header.tax_cents - 3, gross_cents=header.gross_cents - 3, taxes={})
    odd = invoice(*LINES, header=stated)
    assert list(edited_header(case(LAGO, LESS))) == [], "other lines, and a header that follows from them"
    assert list(edited_header(case(ODOO, odd))) == [], "Odoo's is not computed by Lago's arithmetic"
    assert list(edited_header(case(LAGO, odd, terms=HeaderTerms()))) == [], "nobody knows the taxes"
    assert list(edited_header(case(LAGO, replace(odd, totals=None)))) == []
