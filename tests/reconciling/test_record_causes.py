"""Records that differ: which of them give the lines, which are needed for it, and which could stand for another."""

from __future__ import annotations

import pytest

from reconcile.causes.case import Candidate, Cause, Proposal
from reconcile.causes.changes import AddLine, Change, Edit, RepeatLine, SetLine, Suppose
from reconcile.causes.line_causes import line_causes
from reconcile.causes.proving import header_causes
from reconcile.causes.record_causes import differing_records
from reconcile.rerate.supposed import Hypothesis
from reconcile.rerate.suppositions import ByCalendar
from tests.reconciling.build import key, line
from tests.reconciling.test_classify import changed
from tests.reconciling.test_header_rules import case_of

OTHER_A, OTHER_B, OTHER_C = (SetLine(key(item), cents) for item, cents in (("a", 900), ("b", 200), ("c", 50)))
WRONG_B, WRONG_C = (SetLine(key(item), 1) for item in "bc")


def record(cause: str, *changes: Change) -> Candidate:
    return Candidate(cause, Proposal(changes=changes, observed=True))


def needed(suspected: list[Candidate], *odoo: Edit) -> list[tuple[str, tuple[str, ...]]]:
    """The records that are named where Odoo bills so, each with the causes that would do as well."""
    return [(one.cause, one.proposal.others) for one in differing_records(case_of(changed(*odoo)), suspected)]


def test_all_that_are_needed_are_named() -> None:
    suspected = [record("one", OTHER_A), record("two", OTHER_B)]
    assert needed(suspected, OTHER_A, OTHER_B) == [("one", ()), ("two", ())]


def test_what_moves_nothing_on_top_is_not_named_but_is_a_rival_where_it_would_do_as_well() -> None:
    suspected = [record("one", OTHER_A), record("two", OTHER_A), record("idle")]
    assert needed(suspected, OTHER_A) == [("one", ("two",))]
    assert needed([record("one", OTHER_A), record("one", OTHER_A)], OTHER_A) == [("one", ())], "the same cause is none"
    assert needed([record("one", OTHER_A), record("two", OTHER_B, WRONG_B)], OTHER_A) == [("one", ())]


def test_a_record_that_another_would_stand_for_is_no_proof() -> None:
    both = [record("one", OTHER_A), record("two", OTHER_A)]
    (named,) = differing_records(case_of(changed(OTHER_A)), both)
    told = [(doubt.name, doubt.values["causes"]) for doubt in named.proposal.doubts]
    assert (named.proposal.proven, told) == (False, [("near_tie", "two")])
    (alone,) = differing_records(case_of(changed(OTHER_A)), both[:1])
    assert (alone.proposal.proven, alone.proposal.doubts) == (True, ())


def test_one_that_hits_among_others_that_do_not() -> None:
    assert needed([record("one", WRONG_B), record("two", OTHER_A), record("three", WRONG_C)], OTHER_A) == [("two", ())]


def test_each_of_several_that_hit_a_line_of_their_own() -> None:
    suspected = [record("one", OTHER_A), record("two", OTHER_B), record("three", WRONG_C)]
    assert needed(suspected, OTHER_A, OTHER_B) == [("one", ()), ("two", ())]


def test_two_that_hit_only_together() -> None:
    """Each has the line twice, and Odoo has it four times."""
    twice = RepeatLine(key("a"), 1)
    suspected = [record("one", twice), record("three", WRONG_C), record("two", twice)]
    assert needed(suspected, RepeatLine(key("a"), 3)) == [("one", ()), ("two", ())]


@pytest.mark.parametrize(
    ("moved", "named"),
    [
        ((OTHER_A, OTHER_B, WRONG_C), True),  # two of three
        ((OTHER_A, WRONG_B), False),  # one of two, and one alone is never enough
        ((OTHER_A, WRONG_B, WRONG_C), False),
        ((OTHER_A, OTHER_B, WRONG_C, AddLine(line(1, "d"))), False),  # two of four
    ],
)
def test_most_of_the_lines_to_the_cent_is_enough_and_half_of_them_is_not(moved: tuple[Edit, ...], named: bool) -> None:
    found = needed([record("one", *moved)], OTHER_A, OTHER_B, OTHER_C)
    assert found == ([("one", ())] if named else [])


def test_nothing_is_named_where_no_line_differs_or_nothing_is_suspected() -> None:
    assert needed([]) == needed([], OTHER_A) == needed([record("one", OTHER_A)]) == []


def test_what_cannot_be_rated_again_proves_nothing() -> None:
    unknown = Suppose(Hypothesis(ByCalendar()))
    assert needed([record("one", unknown)], OTHER_A) == []
    head = Cause(name="one", propose=lambda case: [Proposal(changes=(unknown,), observed=True)], header=True)
    assert header_causes(case_of(changed(OTHER_A)), [], [head]) == []


# --- rules whose amounts fit ----------------------------------------------------------------------------------------


def rule(name: str, *changes: Change, describes: bool = False, last: bool = False, observed: bool = False) -> Cause:
    proposal = Proposal(changes=changes, observed=observed)
    return Cause(name=name, propose=lambda case: [proposal], describes=describes, last=last)


def by_rules(causes: list[Cause], *odoo: SetLine) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.cause, one.proposal.others) for one in line_causes(case_of(changed(*odoo)), causes)]


def test_two_rules_that_hit_the_same_line_are_a_near_tie() -> None:
    assert by_rules([rule("one", OTHER_A), rule("two", OTHER_A)], OTHER_A) == [("one", ("two",))]
    assert by_rules([rule("one", OTHER_A), rule("one", OTHER_A)], OTHER_A) == [("one", ())]
    assert by_rules([rule("one", OTHER_A), rule("two", OTHER_B)], OTHER_A, OTHER_B) == [("one", ()), ("two", ())]


def test_a_rule_that_a_record_speaks_for_goes_first_and_has_no_rival() -> None:
    both = [rule("guess", OTHER_A), rule("record", OTHER_A, observed=True)]
    assert by_rules(both, OTHER_A) == [("record", ())]


def test_what_says_only_what_is_there_comes_last_and_is_no_rival() -> None:
    what, again, why = (
        rule("what", OTHER_A, describes=True),
        rule("again", OTHER_A, describes=True),
        rule("why", OTHER_A),
    )
    assert by_rules([what, again, why], OTHER_A) == [("why", ())]
    assert by_rules([what, again], OTHER_A) == [("what", ())]
    assert by_rules([what, rule("dear", OTHER_A, last=True)], OTHER_A) == [("dear", ())]


def test_a_rule_that_misses_one_of_its_lines_hits_none() -> None:
    assert by_rules([rule("one", OTHER_A, WRONG_B), rule("two", OTHER_A, OTHER_C)], OTHER_A, OTHER_B) == []
    assert by_rules([rule("one")], OTHER_A) == []


def test_the_lines_that_a_record_explains_are_not_asked_of_rules() -> None:
    told = Cause(name="told", propose=lambda case: [Proposal(changes=(OTHER_A,), observed=True)], record=True)
    found = line_causes(case_of(changed(OTHER_A, OTHER_B)), [told, rule("one", OTHER_A), rule("two", OTHER_B)])
    assert [one.cause for one in found] == ["told", "two"]
