"""Usage events that no page shows: the others are read, the gap is named with its time, and what was known stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mappings.dependents import find_dependents
from mappings.records import Snapshot
from migrate.errors import LagoUnreachable
from migrate.lago import read_events
from migrate.lago.extract import extract
from migrate.lago.read_resources import Reading
from migrate.lago.recorded import API, RecordedLago, RecordingSource
from migrate.lago.source import Answer
from migrate.lago.unreadable_pages import MOST, Gap
from migrate.lago.usage_gaps import EventsGap, WindowReading, bounds_of
from migrate.lago.windows import EventsWindow
from migrate.rawjson import Piece
from migrate.state import events
from migrate.state.store import Store
from reconcile.rerate.noise_floor import control
from reconcile.sides.unread import unread_page_may_touch
from tests.extracting.test_unreadable_pages import Failing, owns, read, told

DAY = timedelta(days=1)


def shown(*lago_ids: str) -> Callable[[str, Answer], bool]:
    """Every page that shows one of these events."""
    return lambda path, answer: path == f"{API}/events" and any(each in answer["events"].text for each in lago_ids)


def listed(lago: RecordedLago) -> list[Any]:
    """The events as Lago lists them: newest first."""
    return [piece.value for piece in lago.recording.listed("events", f"{API}/events", "events")]


def rows(folder: Path) -> list[dict[str, Any]]:
    return list(events.rows(folder / "events"))


@pytest.fixture
def whole(small: RecordedLago, tmp_path: Path) -> tuple[Snapshot, list[dict[str, Any]]]:
    """Everything, read once; the state of it stands in ``tmp_path``."""
    return read(RecordingSource(small), tmp_path)[1], rows(tmp_path)


def test_one_event_that_no_page_shows_is_named_with_its_time(
    small: RecordedLago, tmp_path: Path, whole: tuple[Snapshot, list[dict[str, Any]]]
) -> None:
    lost = listed(small)[137]
    (tmp_path / "other").mkdir()
    report, snapshot = read(Failing(small, shown(lost["lago_id"])), tmp_path / "other")
    ((resource, place),) = told(snapshot)
    assert (resource, place.rpartition("/")[2]) == ("events", "138-138"), "the place of the event in the list"
    (gap,) = snapshot.usage_gaps
    moment = datetime.fromisoformat(lost["timestamp"])
    assert gap.since is not None
    assert gap.until is not None
    assert gap.since <= moment <= gap.until
    assert gap.until - gap.since < 2 * DAY
    left = [row for row in whole[1] if row["lago_id"] != lost["lago_id"]]
    assert rows(tmp_path / "other") == left
    assert any(text.startswith(f"{place}: page_unreadable: ") for text in report.left_out)


def test_what_was_known_of_usage_stays_and_the_gap_is_told_all_the_same(
    small: RecordedLago, tmp_path: Path, whole: tuple[Snapshot, list[dict[str, Any]]]
) -> None:
    lost = listed(small)[137]
    for _ in range(2):
        _, snapshot = read(Failing(small, shown(lost["lago_id"])), tmp_path)
        assert (rows(tmp_path), len(told(snapshot))) == (whole[1], 1)
    _, snapshot = read(RecordingSource(small), tmp_path)
    assert (rows(tmp_path), told(snapshot), snapshot.usage_gaps) == (whole[1], [], ())


def test_the_newest_event_is_no_reason_to_read_none(
    small: RecordedLago, tmp_path: Path, whole: tuple[Snapshot, list[dict[str, Any]]]
) -> None:
    """It stands on the page by which events are counted."""
    (tmp_path / "other").mkdir()
    _, snapshot = read(Failing(small, shown(listed(small)[0]["lago_id"])), tmp_path / "other")
    assert len(told(snapshot)) == 1
    assert len(rows(tmp_path / "other")) == len(whole[1]) - 1


def test_events_are_counted_by_any_page_that_comes(small: RecordedLago, tmp_path: Path) -> None:
    """Else one event would make one window of all usage, whose last pages are slow."""
    newest = shown(listed(small)[0]["lago_id"])
    with Store.open(tmp_path / "state.db") as store:
        run = store.new_run("org", "v1", datetime(2026, 9, 1, tzinfo=UTC))

        def counted(fails: Callable[[str, Answer], bool]) -> int:
            reading = Reading(Failing(small, fails), store, run, lambda *_: None, 20)
            return read_events._count(reading, EventsWindow(None, None))

        assert counted(newest) == len(listed(small))
        assert counted(owns("events")) == 0, "nobody knows"


def test_events_that_lago_never_gives_cost_themselves(
    small: RecordedLago, tmp_path: Path, whole: tuple[Snapshot, list[dict[str, Any]]]
) -> None:
    (tmp_path / "other").mkdir()
    _, snapshot = read(Failing(small, owns("events")), tmp_path / "other")
    assert {resource for resource, _ in told(snapshot)} == {"events"}
    assert (rows(tmp_path / "other"), snapshot.invoices) == ([], whole[0].invoices)
    _, snapshot = read(Failing(small, owns("events")), tmp_path)
    assert (rows(tmp_path), bool(snapshot.usage_gaps)) == (whole[1], True)


def test_many_are_no_gaps_but_an_outage(small: RecordedLago, tmp_path: Path) -> None:
    lost = [event["lago_id"] for event in listed(small)[:: len(listed(small)) // (MOST + 5)]]
    with pytest.raises(LagoUnreachable, match="status 500"), Store.open(tmp_path / "state.db") as store:
        extract(Failing(small, shown(*lost)), store, tmp_path / "events", per_page=20)


def test_invoices_that_bill_the_time_of_a_gap_are_not_equal(
    small: RecordedLago, tmp_path: Path, whole: tuple[Snapshot, list[dict[str, Any]]]
) -> None:
    """Nobody knows whose the event is: all that bill that time are named, with their money, and no other is."""
    lost = next(e for e in listed(small)[100:] if e["timestamp"] < "2026-07")
    _, snapshot = read(Failing(small, shown(lost["lago_id"])), tmp_path)
    checks = {check.lago_id: check for check in control(snapshot, tmp_path / "events")}
    moment, gap = datetime.fromisoformat(lost["timestamp"]), snapshot.usage_gaps[0]
    within, far = set(), set()
    for invoice in snapshot.invoices:
        for period in invoice.billing_periods:
            start, end = period.charges_from_datetime, period.charges_to_datetime
            if start is None or end is None or not any(fee.item.type == "charge" for fee in invoice.fees):
                continue
            if start <= moment <= end:
                within.add(invoice.lago_id)
            elif end + 40 * DAY < moment:
                far.add(invoice.lago_id)
    assert within
    assert far
    for lago_id in within:
        assert checks[lago_id].header == "refused"
        assert {refusal.reason for refusal in checks[lago_id].refusals} == {"page_unreadable"}
        assert all(fee.outcome == "refused" for fee in checks[lago_id].fees)
    assert all(checks[lago_id].is_equal for lago_id in far)
    dependents = find_dependents(snapshot)[gap.unread.resource, gap.unread.id]
    assert dependents.invoices >= len(within)
    assert sum(dependents.cents.values()) > 0


def test_a_gap_of_usage_concerns_the_months_of_its_time_only(
    small: RecordedLago, tmp_path: Path, whole: tuple[Snapshot, list[dict[str, Any]]]
) -> None:
    lost = next(e for e in listed(small)[100:] if e["timestamp"][8:10] == "15")
    _, snapshot = read(Failing(small, shown(lost["lago_id"])), tmp_path)
    (gap,) = snapshot.usage_gaps
    month = lost["timestamp"][:7]
    assert unread_page_may_touch(gap.unread, snapshot, month)
    assert unread_page_may_touch(gap.unread, snapshot, "all")
    assert not unread_page_may_touch(gap.unread, snapshot, "2020-01")


def event(moment: datetime, lago_id: str | None = "id") -> Piece:
    value = {"lago_id": lago_id, "timestamp": moment.isoformat()}
    return Piece("{}", value)


def test_a_gap_is_as_narrow_as_the_order_of_the_list_allows() -> None:
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    window = EventsWindow(begin, begin + 10 * DAY)
    gaps = (Gap(2, 3, "why"),)

    def within(pieces: dict[int, Piece]) -> EventsWindow:
        return WindowReading(window, pieces, gaps).named()[0].within

    newer, older = event(begin + 8 * DAY), event(begin + 5 * DAY)
    assert within({1: newer, 4: older}) == EventsWindow(begin + 5 * DAY, begin + 8 * DAY + timedelta(seconds=1))
    assert within({4: older}) == EventsWindow(begin + 5 * DAY, begin + 10 * DAY)
    assert within({1: newer}) == EventsWindow(begin, begin + 8 * DAY + timedelta(seconds=1))
    assert within({1: older, 4: newer}) == window, "this list has another order: ClickHouse's"
    without = event(begin + 5 * DAY, None)
    assert within({1: newer, 4: without}) == window, "events without an id are ClickHouse's"
    assert WindowReading(window, {1: newer}, (Gap(2, None, "why"),)).missing(9) == 8


@pytest.mark.parametrize("ends", [(None, None), (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))])
def test_a_gap_is_read_back_as_it_was_kept(ends: tuple[datetime | None, datetime | None]) -> None:
    for gap in (Gap(101, 200, "status 500"), Gap(101, None, "status 500")):
        assert bounds_of(EventsGap(EventsWindow(*ends), gap).unit) == ends


def test_gaps_have_keys_that_tell_them_apart() -> None:
    moments = (None, datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))
    windows = [EventsWindow(since, until) for since in moments for until in moments]
    gaps = [EventsGap(window, Gap(1, last, "why")) for window in windows for last in (1, 2, None)]
    assert len({gap.unit for gap in gaps}) == len(gaps)


def test_a_gap_under_a_key_of_another_form_is_of_any_time() -> None:
    """As versions wrote it that made a sentence of it: no invoice is called equal on its account."""
    assert bounds_of("events/2026-03-01T00:00:00Z to 2026-03-02T00:00:00Z, records 1 to 2") == (None, None)
