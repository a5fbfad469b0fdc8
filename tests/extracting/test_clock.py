"""Lago's clock: what contradicts what is known is refused by one line, before anything is written."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from migrate.errors import LagoRefused
from migrate.lago.clock import doubts_of_clock, doubts_of_records, moment_of, require_clock
from migrate.lago.extract import extract
from migrate.lago.recorded import RecordingSource
from migrate.state.store import Store

NOW = datetime.now(UTC)


class Clocked(RecordingSource):
    """A recording behind a server whose clock says anything."""

    has_clock = True
    at = NOW

    def clock(self) -> str:
        return self.at.isoformat()


@pytest.mark.parametrize(
    "header", ["garbage", "", "Thu, 01 Jan 99999 00:00:00 GMT", "Thu, 31 Dec 9999 23:59:59 -2300", "2026-07-01", "١"]
)
def test_a_header_that_is_no_time_is_refused_by_its_text(header: str) -> None:
    with pytest.raises(
        LagoRefused, match=r"https://lago says in its Date header .* which is no time; set the clock"
    ) as no:
        moment_of(header, "https://lago")
    assert "\n" not in str(no.value)


def test_a_header_without_a_zone_is_utc() -> None:
    assert moment_of("Thu, 01 Jan 2026 10:00:00 -0000", "x") == datetime(2026, 1, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "known", "why"),
    [
        (datetime(2, 1, 1, tzinfo=UTC), {}, "no year from"),
        (NOW + timedelta(days=2), {}, "and this machine's says"),
        (datetime(1970, 1, 1, tzinfo=UTC), {}, "before there was a Lago"),
        (NOW - timedelta(days=9), {"it was made": (NOW - timedelta(days=7)).isoformat()}, "and it was made at"),
        (
            NOW - timedelta(days=9),
            {"it was read": NOW - timedelta(days=7)},
            "and it was read at .* set the clock right",
        ),
        (NOW, {"it was read": NOW + timedelta(days=900)}, "read at .* doctor --state; .* extract and adopt"),
    ],
)
def test_a_clock_that_cannot_be_right(moment: datetime, known: dict[str, object], why: str) -> None:
    with pytest.raises(LagoRefused, match=why) as refused:
        require_clock(moment, NOW, known)
    assert "\n" not in str(refused.value)


def test_what_cannot_be_read_says_nothing_of_a_clock() -> None:
    require_clock(NOW, NOW, {"a": None, "b": "zz", "c": 5, "d": "2031-01-01", "e": "9999-12-31T23:59:59-23:00"})
    require_clock(NOW, NOW - timedelta(hours=20), {"it was read": NOW + timedelta(hours=20)})


@pytest.mark.parametrize("away", [timedelta(days=365 * 70), -timedelta(days=365 * 56), -timedelta(days=2)])
def test_nothing_is_written_under_a_wrong_clock(some: Path, tmp_path: Path, away: timedelta) -> None:
    source = Clocked.open(some)
    clocked = Clocked(source.lago)
    with Store.open(tmp_path / "state.db") as store:
        extract(clocked, store, tmp_path / "events")
        before = store.latest()
        clocked.at = NOW + away
        with pytest.raises(LagoRefused, match=r"Lago's clock says .*: nothing is read"):
            extract(clocked, store, tmp_path / "events")
        assert store.latest() == before
        clocked.at = NOW
        extract(clocked, store, tmp_path / "events")


@pytest.mark.parametrize(
    ("off", "told"),
    [
        (timedelta(minutes=4), []),
        (-timedelta(minutes=4), []),
        (timedelta(minutes=12), ["12 minutes ahead of this machine's"]),
        (-timedelta(hours=3, minutes=12), ["3 hours behind this machine's", "and it was read at .* 3 hours later"]),
        (-timedelta(days=40), ["40 days behind this machine's", "and it was read at .* 40 days later"]),
    ],
)
def test_a_clock_that_is_off_by_more_than_minutes_is_told(off: timedelta, told: list[str]) -> None:
    lines = list(doubts_of_clock(NOW + off, NOW, {"it was read": NOW, "it was made": None}))
    assert len(lines) == len(told)
    assert all(re.search(part, line) for part, line in zip(told, lines, strict=True)), lines
    assert all("set the clock right" in line and "\n" not in line for line in lines)


def test_a_record_that_is_still_to_come_is_told() -> None:
    assert list(doubts_of_records(None, NOW)) == []
    assert list(doubts_of_records(NOW + timedelta(minutes=4), NOW)) == []
    (line,) = doubts_of_records(NOW + timedelta(hours=5), NOW)
    assert "newest record is of" in line
    assert "5 hours ahead of this machine's clock" in line


def test_an_extract_warns_of_a_clock_that_is_off_by_hours_and_goes_on(some: Path, tmp_path: Path) -> None:
    clocked, told = Clocked(Clocked.open(some).lago), list[str]()
    clocked.at = datetime.now(UTC)  # NOW may be long ago, in a suite that takes its time
    with Store.open(tmp_path / "state.db") as store:
        extract(clocked, store, tmp_path / "events", warn=told.append)
        assert told == []
        clocked.at = datetime.now(UTC) + timedelta(hours=3, seconds=30)
        extract(clocked, store, tmp_path / "events", warn=told.append)
    assert [line.partition(" ahead of")[0][-7:] for line in told] == ["3 hours"]
