"""Pages that shift while they are read: nothing is lost, nothing doubled, whatever changes in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.errors import LagoError
from migrate.lago.readings import MOST_READINGS, MOST_REPEATED, STRICT_READINGS, Readings, Repeats, SamePages
from migrate.state.records import Page

SIZE = 3


def read(records: list[str], between: Callable[[int, list[str]], None]) -> Readings:
    """Read ``records`` as a list of pages; ``between`` may change it after each page."""
    readings = Readings("things")
    calls = 0
    while wanted := readings.wanted():
        number = wanted[1]
        some = records[(number - 1) * SIZE : number * SIZE]
        readings.add(Page(*wanted, tuple(some), len(some) < SIZE))
        between(calls, records)
        calls += 1
    return readings


Change = tuple[str, int]


def changed(records: list[str], call: int, kind: str, where: int) -> None:
    if kind == "add":
        records.insert(0, f"new{call}")
    elif kind == "add at the end":  # fees are listed oldest first
        records.append(f"late{call}")
    elif records and kind != "nothing":
        record = records.pop(where % len(records))
        if kind == "move":
            records.insert((where // 7) % (len(records) + 1), record)


def changes(*kinds: str) -> st.SearchStrategy[list[Change]]:
    return st.lists(st.tuples(st.sampled_from(("nothing", *kinds)), st.integers(0, 100)), max_size=6)


def held(size: int, history: list[Change]) -> None:
    """Read a list of ``size`` records while ``history`` happens, one change after each page."""
    records = [f"r{n}" for n in range(size)]
    before = set(records)

    def between(call: int, current: list[str]) -> None:
        if call < len(history):
            changed(current, call, *history[call])

    readings = read(records, between)
    assert before & set(records) <= readings.keys()


@given(st.integers(0, 14), changes("add", "add at the end", "delete"))
def test_what_is_added_and_deleted_meanwhile_hides_nothing(size: int, history: list[Change]) -> None:
    held(size, history)


@given(st.integers(0, 14), changes("add", "add at the end"), st.integers(0, 6), st.integers(0, 100))
def test_what_moves_once_hides_nothing(size: int, history: list[Change], when: int, where: int) -> None:
    held(size, [*history[:when], ("move", where), *history[when:]])


def test_a_deletion_that_makes_one_slip_is_noticed() -> None:
    records = [f"r{n}" for n in range(9)]

    def between(call: int, current: list[str]) -> None:
        if call == 0:
            current.remove("r0")  # r3 slips to the page that is read already

    readings = read(records, between)
    assert readings.keys() == {f"r{n}" for n in range(1, 9)}
    assert readings.pages[-1].reading == 3


def test_a_list_that_keeps_growing_is_settled_all_the_same() -> None:
    records = [f"r{n}" for n in range(9)]
    readings = read(records, lambda call, current: current.insert(0, f"new{call}") if call % 3 == 0 else None)
    assert {f"r{n}" for n in range(9)} <= readings.keys()
    assert readings.pages[-1].reading == STRICT_READINGS + 1


def test_what_is_added_at_the_end_needs_no_third_reading() -> None:
    records = [f"r{n}" for n in range(9)]
    readings = read(records, lambda call, current: current.append(f"late{call}") if call < 6 else None)
    assert {f"r{n}" for n in range(9)} <= readings.keys()
    assert readings.pages[-1].reading == 2


@pytest.mark.parametrize("count", [0, 1, SIZE - 1])
def test_one_page_is_one_answer(count: int) -> None:
    readings = read([f"r{n}" for n in range(count)], lambda call, current: current.clear())
    assert len(readings.pages) == 1
    assert len(readings.keys()) == count


def test_a_list_that_never_settles_is_an_error_with_a_remedy() -> None:
    def between(call: int, current: list[str]) -> None:
        current.pop(0)
        current.append(f"later{call}")

    with pytest.raises(LagoError, match=f"things kept changing while they were read {MOST_READINGS} times; stop"):
        read([f"r{n}" for n in range(9)], between)


def test_it_goes_on_from_the_pages_it_is_given() -> None:
    pages: Sequence[Page] = [Page(1, 1, ("a", "b", "c"), False)]
    assert Readings("things", list(pages)).wanted() == (1, 2)
    assert Readings("things", [*pages, Page(1, 2, ("d",), True)]).wanted() == (2, 1)


def test_what_was_read_to_its_end_is_asked_again_for_its_count() -> None:
    """A kill between the last page and the end: nobody knows any more how many Lago counted."""
    readings = Readings("things", [Page(1, 1, ("a",), True)])
    assert readings.wanted() == (2, 1)
    readings.add(Page(2, 1, ("a",), True), 1)
    assert (readings.wanted(), readings.lacking) == (None, "")


def test_pages_that_are_all_the_same_one_end_by_name() -> None:
    readings = Readings("fees")
    with pytest.raises(
        SamePages, match=r"fees: page 4 and those before it bring nothing .* \(a cache, a proxy\)"
    ) as no:
        while wanted := readings.wanted():
            readings.add(Page(*wanted, ("a", "b"), last=False))
    assert "\n" not in str(no.value)
    assert len(readings.pages) == MOST_REPEATED


def test_a_reading_that_is_resumed_is_held_to_the_same() -> None:
    readings = Readings("fees", [Page(1, 1, ("a", "b"), last=False)])
    with pytest.raises(SamePages):
        while wanted := readings.wanted():
            readings.add(Page(*wanted, ("a", "b"), last=False))


def test_something_new_and_pages_of_nothing_are_no_repetition() -> None:
    repeats = Repeats("fees", most=2)
    for number, keys in enumerate((("a",), ("a",), ("a", "b"), ("b",), (), (), (), ("c",)), 1):
        repeats.add(keys, number)
