"""Boundaries against Lago's calendar: when two are alike, and which anniversaries overlapped once (facts §0.3)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mappings.period import Window
from reconcile.rerate.lago_calendar import alike, overlapped_once
from tests.rating.test_bill import at, contract

JUNE = Window(at("2024-06-01T00:00:00Z"), at("2024-06-30T23:59:59.999999Z"))


def moved(start: timedelta = timedelta(0), end: timedelta = timedelta(0)) -> Window:
    return Window(JUNE.start + start, JUNE.end + end)


SECOND, TICK = timedelta(seconds=1), timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("stored", "same"),
    [
        (JUNE, True),
        (Window(JUNE.start, at("2024-06-30T23:59:59Z")), True),  # as the API gives it
        (moved(end=TICK), True),  # rounded on one side
        (moved(start=SECOND), True),
        (moved(start=-SECOND), True),
        (moved(end=-SECOND), True),
        (moved(start=2 * SECOND), False),
        (moved(start=-2 * SECOND), False),
        (moved(end=2 * SECOND), False),
        (moved(end=-2 * SECOND), False),
        (moved(start=timedelta(days=1), end=timedelta(days=1)), False),
        (None, False),
    ],
)
def test_boundaries_are_alike_to_the_second(stored: Window | None, same: bool) -> None:
    assert alike(JUNE, stored) is same
    assert alike(stored, JUNE) is same


def test_nothing_is_alike_to_nothing() -> None:
    assert alike(None, None)


@pytest.mark.parametrize(
    ("interval", "anchor", "timezone", "overlapped"),
    [
        ("yearly", "2024-02-29T12:00Z", "UTC", True),
        ("yearly", "2024-02-28T12:00Z", "UTC", False),
        ("yearly", "2024-03-29T12:00Z", "UTC", False),
        ("yearly", "2024-02-28T20:00Z", "Asia/Tokyo", True),  # the day is the customer's
        ("quarterly", "2024-05-29T12:00Z", "UTC", True),
        ("semiannual", "2024-05-31T12:00Z", "UTC", True),
        ("quarterly", "2024-05-28T12:00Z", "UTC", False),
        ("monthly", "2024-05-31T12:00Z", "UTC", False),
        ("weekly", "2024-05-31T12:00Z", "UTC", False),
    ],
)
def test_late_days_overlapped_before_lago_mended_its_calendar(
    interval: str, anchor: str, timezone: str, overlapped: bool
) -> None:
    anniversary = contract(anchor, interval=interval, anniversary=True, timezone=timezone)
    assert overlapped_once(anniversary) is overlapped
    assert not overlapped_once(contract(anchor, interval=interval, timezone=timezone)), "a calendar never did"
