"""A page that Lago never gives: the rest is read, what is missing is named, and nothing is taken for deleted."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from urllib.parse import quote

import pytest

from mappings.dependents import unread_invoices, unread_subscriptions
from mappings.phrases import Told
from mappings.records import Snapshot, Subscription
from migrate.errors import Blocked, LagoUnreachable
from migrate.lago.extract import ExtractReport, extract
from migrate.lago.recorded import API, RecordedLago, RecordingSource
from migrate.lago.snapshot import load_snapshot
from migrate.lago.source import Answer, LagoRefusal, Query
from migrate.lago.unreadable_pages import MOST, UNREADABLE, Gap, note_of, why_unread
from migrate.state.store import Store

Fails = Callable[[str, Answer], bool]  # the path, and what it would have answered


class Failing(RecordingSource):
    """Some answers never come, however often they are asked for."""

    def __init__(self, lago: RecordedLago, fails: Fails, *, refused: bool = False, status: int = 422) -> None:
        super().__init__(lago)
        self.fails, self.refused, self.status = fails, refused, status

    def get(self, path: str, query: Query = ()) -> Answer:
        answer = super().get(path, query)
        if self.fails(path, answer):
            if self.refused:
                raise LagoRefusal(path, self.status, "validation_errors")
            raise LagoUnreachable(f"GET {path}: status 500, 7 times", "check that Lago runs")
        return answer


def lists(name: str, lago_id: str) -> Fails:
    """Every page of the list that shows this record."""
    return lambda path, answer: path == f"{API}/{name}" and lago_id in answer[name].text


def owns(path: str) -> Fails:
    return lambda asked, _: asked == f"{API}/{path}"


def read(source: RecordingSource, folder: Path) -> tuple[ExtractReport, Snapshot]:
    with Store.open(folder / "state.db") as store:
        report = extract(source, store, folder / "events", per_page=20)
        return report, load_snapshot(store)


def told(snapshot: Snapshot) -> list[tuple[str, str]]:
    return [(q.resource, q.id) for q in snapshot.quarantined if q.reason == UNREADABLE]


@pytest.fixture
def whole(small: RecordedLago, tmp_path: Path) -> Snapshot:
    """Everything, read once; the state of it stands in ``tmp_path``."""
    return read(RecordingSource(small), tmp_path)[1]


@pytest.mark.parametrize("refused", [False, True])
def test_one_record_that_no_page_can_show_is_found_and_named(
    small: RecordedLago, tmp_path: Path, whole: Snapshot, refused: bool
) -> None:
    lost = whole.invoices[7]
    (tmp_path / "other").mkdir()
    source = Failing(small, lists("invoices", lost.lago_id), refused=refused)
    report, snapshot = read(source, tmp_path / "other")
    ((resource, place),) = told(snapshot)
    assert (resource, place.startswith("invoices/record ")) == ("invoices", True)
    assert {i.lago_id for i in snapshot.invoices} == {i.lago_id for i in whole.invoices} - {lost.lago_id}
    assert snapshot.fees == whole.fees
    assert any(text.startswith(f"{place}: {UNREADABLE}: ") for text in report.left_out)


def test_what_was_known_of_a_list_with_a_gap_stays(small: RecordedLago, tmp_path: Path, whole: Snapshot) -> None:
    lost = whole.invoices[7]
    report, snapshot = read(Failing(small, lists("invoices", lost.lago_id)), tmp_path)
    assert snapshot.invoices == whole.invoices
    assert (report.resources["invoices"].gone, len(told(snapshot))) == (0, 1)
    _, snapshot = read(Failing(small, lists("invoices", lost.lago_id)), tmp_path)
    assert snapshot.invoices == whole.invoices, "and goes on staying"
    _, snapshot = read(RecordingSource(small), tmp_path)
    assert (snapshot.invoices, told(snapshot)) == (whole.invoices, [])


def test_a_record_whose_own_page_fails_waits_alone(small: RecordedLago, tmp_path: Path, whole: Snapshot) -> None:
    lost = whole.invoices[7].lago_id
    (tmp_path / "other").mkdir()
    _, snapshot = read(Failing(small, owns(f"invoices/{lost}")), tmp_path / "other")
    assert told(snapshot) == [("invoices", lost)]
    assert {i.lago_id for i in snapshot.invoices} == {i.lago_id for i in whole.invoices} - {lost}
    _, snapshot = read(Failing(small, owns(f"invoices/{lost}")), tmp_path)
    assert told(snapshot) == [("invoices", f"invoice_details/{lost}")]
    assert snapshot.invoices == whole.invoices, "its page of before counts"


def test_a_customer_that_no_page_shows_is_not_deleted(small: RecordedLago, tmp_path: Path, whole: Snapshot) -> None:
    deleted = {c.lago_id for c in whole.customers if c.deleted}
    lost = next(
        c
        for c in whole.customers
        if not c.deleted and any(i.customer.lago_id == c.lago_id for i in whole.invoices if i.customer)
    )
    (tmp_path / "other").mkdir()
    _, snapshot = read(Failing(small, lists("customers", lost.lago_id)), tmp_path / "other")
    assert ("customers", lost.lago_id) in told(snapshot)
    assert {q for _, q in told(snapshot)} >= deleted, "of them it is not known either"
    assert not [c for c in snapshot.customers if c.deleted]


def test_a_list_that_is_never_shown_costs_itself(small: RecordedLago, tmp_path: Path, whole: Snapshot) -> None:
    _, snapshot = read(Failing(small, owns("coupons")), tmp_path)
    assert told(snapshot) == [("coupons", "coupons/from record 1 on")]
    assert (snapshot.coupons, snapshot.invoices) == (whole.coupons, whole.invoices)


def test_where_lago_is_away_the_extract_is_unfinished_as_before(small: RecordedLago, tmp_path: Path) -> None:
    asked = count()
    with pytest.raises(LagoUnreachable), Store.open(tmp_path / "state.db") as store:
        extract(Failing(small, lambda *_: next(asked) > 30), store, tmp_path / "events", per_page=20)
    with Store.open(tmp_path / "state.db") as store, pytest.raises(Blocked, match="unfinished"):
        load_snapshot(store)


def test_a_lago_that_comes_back_leaves_no_gap(small: RecordedLago, tmp_path: Path, whole: Snapshot) -> None:
    """The last try failed, and the look whether Lago is there did not: what failed is asked for once more."""
    asked = count()
    fails = owns(f"invoices/{whole.invoices[7].lago_id}")
    _, snapshot = read(Failing(small, lambda path, answer: fails(path, answer) and next(asked) < 1), tmp_path)
    assert (told(snapshot), snapshot.invoices) == ([], whole.invoices)


def test_many_that_fail_are_no_gaps(small: RecordedLago, tmp_path: Path) -> None:
    """An endpoint that is down would otherwise be asked for each record, and the state be full of holes."""
    source = Failing(small, lambda path, _: path.startswith(f"{API}/invoices/"))
    with pytest.raises(LagoUnreachable, match="status 500"), Store.open(tmp_path / "state.db") as store:
        extract(source, store, tmp_path / "events", per_page=20)
    assert len(small.recording.listed("invoices", f"{API}/invoices", "invoices")) > MOST


def test_a_gap_says_which_records() -> None:
    assert [str(Gap(*ends, "")) for ends in ((7, 7), (101, 200), (1, None))] == [
        "record 7",
        "records 101 to 200",
        "from record 1 on",
    ]


def test_what_is_kept_of_a_page_is_read_back_as_it_was() -> None:
    """The note's form is the state's: states of older extracts hold it. Other notes are of something else."""
    problem = LagoUnreachable("GET /plans: status 500; of a proxy: page_unreadable: x", "check that Lago runs").problem
    assert note_of("GET /plans: status 500, 7 times") == "page_unreadable: GET /plans: status 500, 7 times"
    assert why_unread(note_of(problem)) == problem == "GET /plans: status 500; of a proxy: page_unreadable: x"
    assert [why_unread(note) for note in (None, "", "unreachable: no id")] == [None, None, None]


def without_units_of(lago: RecordedLago, subscription: Subscription) -> RecordingSource:
    """Lago says that the page of its fixed charges is not there."""
    path = f"subscriptions/{quote(subscription.external_id, safe='')}/fixed_charges"
    return Failing(lago, owns(path), refused=True, status=404)


def test_a_subscription_without_its_page_of_fixed_charges_waits(
    small: RecordedLago, tmp_path: Path, whole: Snapshot
) -> None:
    """The plan has units too, and they need not be the subscription's: nobody knows what it pays."""
    paying = next(s for s in whole.subscriptions if s.fixed_charges and s.status == "active")
    _, lacking = read(without_units_of(small, paying), tmp_path)
    lost = {s.lago_id for s in whole.subscriptions} - {s.lago_id for s in lacking.subscriptions}
    assert paying.lago_id in lost
    assert set(told(lacking)) == {("subscriptions", lago_id) for lago_id in lost}
    assert all(q.problem == Told.NO_UNITS_SHOWN.of() for q in lacking.quarantined)
    unread = unread_invoices(lacking, unread_subscriptions(lacking))
    billed = {i.lago_id for i in lacking.invoices if any(p.lago_subscription_id in lost for p in i.billing_periods)}
    assert billed
    assert billed == unread.keys()


def test_who_pays_no_fixed_charge_needs_no_such_page(small: RecordedLago, tmp_path: Path, whole: Snapshot) -> None:
    other = next(s for s in whole.subscriptions if s.fixed_charges == () and s.status == "active")
    assert told(read(without_units_of(small, other), tmp_path)[1]) == []
