"""A record's own page that shows another record: the one whose page it is waits, by its own name, and no other one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from lago2odoo.cli.extract import outcome_of
from mappings.records import Snapshot
from migrate.lago.extract import ExtractReport
from migrate.lago.recorded import API, RecordedLago, RecordingSource
from migrate.lago.source import Answer, Query
from migrate.rawjson import members
from tests.extracting.test_unreadable_pages import read, told

Page = dict[str, Any]


class Edited(RecordingSource):
    """One record's own page shows something else under its root."""

    def __init__(self, lago: RecordedLago, path: str, root: str, edit: Callable[[Page], Page]) -> None:
        super().__init__(lago)
        self.path, self.root, self.edit = f"{API}/{path}", root, edit

    def get(self, path: str, query: Query = ()) -> Answer:
        answer = super().get(path, query)
        if path != self.path:
            return answer
        return members(json.dumps({self.root: self.edit(json.loads(answer[self.root].text))}))


def page_of(lago: RecordedLago, path: str, root: str, query: Query = ()) -> Page:
    shown: Page = json.loads(RecordingSource(lago).get(f"{API}/{path}", query)[root].text)
    return shown


def owned(subscription_external_id: str) -> str:
    return f"subscriptions/{quote(subscription_external_id, safe='')}"


@pytest.fixture
def whole(small: RecordedLago, tmp_path: Path) -> Snapshot:
    """Everything, read once; the state of it stands in ``tmp_path``."""
    return read(RecordingSource(small), tmp_path)[1]


def require_alone(first: Snapshot, report: ExtractReport, resource: str, lago_id: str, label: str, said: str) -> None:
    """In quarantine stands this record alone, by its own name, and ``extract`` ends with an error."""
    (unread,) = first.quarantined
    assert (unread.resource, unread.id, unread.reason, unread.label) == (resource, lago_id, "page_unreadable", label)
    assert said in str(unread.problem)
    assert outcome_of(report, first, set()).error is not None


def test_an_invoice_whose_page_shows_another_waits_and_the_other_stays(
    small: RecordedLago, tmp_path: Path, whole: Snapshot
) -> None:
    mine, other = whole.invoices[7], whole.invoices[3]
    page = page_of(small, f"invoices/{other.lago_id}", "invoice")
    source = Edited(small, f"invoices/{mine.lago_id}", "invoice", lambda _: page)
    (tmp_path / "new").mkdir()
    report, snapshot = read(source, tmp_path / "new")
    require_alone(snapshot, report, "invoices", mine.lago_id, mine.number, f"shows another record: '{other.number}'")
    assert snapshot.invoices == tuple(i for i in whole.invoices if i.lago_id != mine.lago_id)
    report, snapshot = read(source, tmp_path)
    assert snapshot.invoices == whole.invoices, "its page of before counts"
    assert told(snapshot) == [("invoices", f"invoice_details/{mine.lago_id}")]


def test_a_plan_whose_page_shows_another_waits_and_the_other_stays(
    small: RecordedLago, tmp_path: Path, whole: Snapshot
) -> None:
    mine, other = whole.plans[0], whole.plans[1]
    page = page_of(small, f"plans/{other.code}", "plan")
    (tmp_path / "new").mkdir()
    report, snapshot = read(Edited(small, f"plans/{mine.code}", "plan", lambda _: page), tmp_path / "new")
    require_alone(snapshot, report, "plans", mine.lago_id, mine.code, f"shows another record: '{other.code}'")
    assert other in snapshot.plans


@pytest.mark.parametrize("edited", [None, "", 7])
def test_a_page_without_an_id_is_read_as_that(
    small: RecordedLago, tmp_path: Path, whole: Snapshot, edited: Any
) -> None:
    """Nobody knows whose it is: the field is what is wrong."""
    mine = whole.invoices[7]
    source = Edited(small, f"invoices/{mine.lago_id}", "invoice", lambda page: page | {"lago_id": edited})
    (tmp_path / "new").mkdir()
    _, snapshot = read(source, tmp_path / "new")
    ((unread, field),) = ((q.id, q.field) for q in snapshot.quarantined)
    assert (unread, field) == (mine.lago_id, "lago_id")


def running(whole: Snapshot) -> tuple[Any, Any]:
    first, second, *_ = (s for s in whole.subscriptions if s.status == "active")
    return first, second


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda page: {**page, "lago_id": "another"}, "shows another record of its name"),
        (lambda page: {**page, "lago_id": "another", "external_id": "other"}, "shows another record: 'other'"),
        (lambda page: {**page, "lago_id": "another", "status": "terminated"}, "shows another record: "),
        (lambda page: {**page, "lago_id": None}, "shows no record with an id"),
        (lambda page: {}, "shows no record with an id"),
    ],
)
def test_a_running_subscription_whose_page_shows_no_more_of_it_waits(
    small: RecordedLago, tmp_path: Path, whole: Snapshot, edit: Callable[[Page], Page], said: str
) -> None:
    """Its plan may be its own: that it was deleted, nobody said."""
    mine, _ = running(whole)
    (tmp_path / "new").mkdir()
    report, snapshot = read(Edited(small, owned(mine.external_id), "subscription", edit), tmp_path / "new")
    require_alone(snapshot, report, "subscriptions", mine.lago_id, mine.external_id, said)
    assert mine.lago_id not in {s.lago_id for s in snapshot.subscriptions}


def test_a_running_subscription_whose_page_shows_another_waits_and_the_other_stays(
    small: RecordedLago, tmp_path: Path, whole: Snapshot
) -> None:
    mine, other = running(whole)
    page = page_of(small, owned(other.external_id), "subscription", (("status", "active"),))
    source = Edited(small, owned(mine.external_id), "subscription", lambda _: page)
    (tmp_path / "new").mkdir()
    report, snapshot = read(source, tmp_path / "new")
    said = f"shows another record: '{other.external_id}'"
    require_alone(snapshot, report, "subscriptions", mine.lago_id, mine.external_id, said)
    assert other in snapshot.subscriptions
    _, snapshot = read(source, tmp_path)
    assert snapshot.subscriptions == whole.subscriptions, "its page of before counts"
    assert told(snapshot) == [("subscriptions", f"subscription_details/{mine.lago_id}")]


def test_of_those_that_ended_lago_shows_the_latest_of_a_name(
    small: RecordedLago, tmp_path: Path, whole: Snapshot
) -> None:
    """That is no fault of its page."""
    names = [s.external_id for s in whole.subscriptions]
    mine = next(s for s in whole.subscriptions if s.status == "terminated" and names.count(s.external_id) == 1)
    source = Edited(small, owned(mine.external_id), "subscription", lambda page: {**page, "lago_id": "another"})
    (tmp_path / "new").mkdir()
    assert read(source, tmp_path / "new")[1].quarantined == ()
