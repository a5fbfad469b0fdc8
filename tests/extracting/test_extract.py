"""Extract: what it reads, what it says, and that it ends in the same state whatever happens on the way."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pytest

import migrate.lago
from lago2odoo.cli.extract import outcome_of
from lago2odoo.sandbox.lago import Faults, serve
from mappings.checks import wrong_dates
from mappings.dependents import find_dependents
from mappings.lost import lost_invoices
from mappings.records import Snapshot
from migrate.errors import Blocked, LagoError, LagoRefused, LockHeld, PayloadError, StoreError
from migrate.lago.client import LagoClient
from migrate.lago.extract import ExtractReport, counts, extract, report
from migrate.lago.recorded import RecordedLago, RecordingSource
from migrate.lago.recording import Recording
from migrate.lago.resources import RESOURCES, Resource
from migrate.lago.snapshot import billed_from, deleted_customers, load_snapshot
from migrate.lago.source import Answer, LagoRefusal, Query
from migrate.rawjson import Piece, loads, members
from migrate.state.store import Store
from tests.extracting.company import write_another

KEY = "a-key-for-tests"


def read(lago: RecordedLago, folder: Path, **options: Any) -> tuple[Snapshot, ExtractReport]:
    with Store.open(folder / "state.db") as store:
        found = extract(RecordingSource(lago), store, folder / "events", **options)
        return load_snapshot(store), found


def edit(lago: RecordedLago, resource: str, number: int, change: Callable[[dict[str, Any]], object]) -> str:
    """Change one record of a list; its id."""
    lago.answer("GET", f"/api/v1/{resource}", [("status[]", "active")])
    piece = lago.records[resource][number]
    value = loads(piece.text)
    change(value)
    text = json.dumps(value, default=float)
    lago.records[resource][number] = Piece(text, loads(text))
    lago.touch()
    return str(piece.value["lago_id"])


def events_of(folder: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect() as db:
        files = f"{folder}/events/*/*.parquet"
        return db.execute(f"select * from read_parquet('{files}', filename = false) order by all").fetchall()


# --- the same by every way ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "faults",
    [
        Faults(),
        Faults(every_rate_limited=7, every_error=11, every_half=13),
    ],
    ids=["calm", "rough"],
)
def test_over_http_as_from_the_files(some: Path, tmp_path: Path, faults: Faults) -> None:
    from_files = read(RecordedLago(Recording.open(some)), tmp_path / "files")
    with (
        serve(some, api_key=KEY, faults=faults) as server,
        LagoClient(server.url, KEY, requests_per_second=None, sleep=lambda _: None) as client,
        Store.open(tmp_path / "http" / "state.db") as store,
    ):
        found = extract(client, store, tmp_path / "http" / "events")
        assert (load_snapshot(store), found) == from_files
        assert bool(client.counters.retried and client.counters.rate_limited) == bool(faults.every_error)
    assert events_of(tmp_path / "http") == events_of(tmp_path / "files")


def test_both_databases_give_the_same(small: RecordedLago, database: str, tmp_path: Path) -> None:
    expected = read(small, tmp_path / "other")
    with Store.open(database) as store:
        found = extract(RecordingSource(small), store, tmp_path / "events")
        assert (load_snapshot(store), found) == expected


def test_small_pages_give_the_same(small: RecordedLago, tmp_path: Path) -> None:
    assert read(small, tmp_path / "a", per_page=3)[0] == read(small, tmp_path / "b")[0]
    assert events_of(tmp_path / "a") == events_of(tmp_path / "b")


def test_an_archive_gives_the_same(some: Path, small: RecordedLago, tmp_path: Path) -> None:
    expected = read(small, tmp_path / "folder")
    for kind in ("zip", "xztar"):
        archive = shutil.make_archive(str(tmp_path / "archive"), kind, some.parent, some.name)
        assert read(RecordedLago(Recording.open(Path(archive))), tmp_path / kind) == expected


def test_another_company(nexasystems: RecordedLago, extracted: Any, tmp_path: Path) -> None:
    other = RecordedLago(Recording.open(write_another(nexasystems, tmp_path / "recording")))
    snapshot, found = read(other, tmp_path / "state")
    assert {name: c.total for name, c in found.resources.items()} == {
        name: c.total for name, c in extracted.report.resources.items()
    }
    assert found.events == 25310
    was = {(f"{i.issuing_date:%m}", i.currency): 0 for i in extracted.snapshot.invoices}
    now = dict.fromkeys(((month, {"CAD": "KWD"}.get(c, c)) for month, c in was), 0)
    for invoice in extracted.snapshot.invoices:
        was[f"{invoice.issuing_date:%m}", invoice.currency] += invoice.total_amount_cents
    for invoice in snapshot.invoices:
        assert invoice.issuing_date.year == 2031
        now[f"{invoice.issuing_date:%m}", invoice.currency] += invoice.total_amount_cents
    assert now == {(month, {"CAD": "KWD"}.get(c, c)): total for (month, c), total in was.items()}
    assert sorted(path.name for path in (tmp_path / "state" / "events").iterdir())[0] == "month=2031-02"


# --- again ----------------------------------------------------------------------------------------------------------


def test_the_second_run_says_what_changed(small: RecordedLago, tmp_path: Path) -> None:
    _, first = read(small, tmp_path)
    assert all(c.new == c.total for c in first.resources.values())
    changed = edit(small, "customers", 2, lambda customer: customer.update(name="Renamed & Sons"))
    coupon = small.records["applied_coupons"].pop()
    small.touch()
    snapshot, second = read(small, tmp_path)
    differing = {name: c for name, c in second.resources.items() if c.new or c.changed or c.gone}
    assert set(differing) == {"customers", "applied_coupons"}
    assert (differing["customers"].changed, differing["applied_coupons"].gone) == (1, 1)
    assert {c.name for c in snapshot.customers if c.lago_id == changed} == {"Renamed & Sons"}
    assert coupon.value["lago_id"] not in {c.lago_id for c in snapshot.applied_coupons}
    assert small.records["coupons"] and counts_of(tmp_path)["applied_coupons"] == differing["applied_coupons"].total


def counts_of(folder: Path) -> dict[str, int]:
    with Store.open(folder / "state.db") as store:
        return counts(store)


def test_the_raw_payload_is_kept_as_lago_sent_it(small: RecordedLago, tmp_path: Path) -> None:
    read(small, tmp_path)
    with Store.open(tmp_path / "state.db") as store:
        run = store.latest()
        assert run
        kept = {raw.key: raw.payload for raw in store.seen("fees", run)}
    assert kept == {piece.value["lago_id"]: piece.text for piece in small.records["fees"]}


class Renamed(RecordingSource):
    """Another organization."""

    def get(self, path: str, query: Query = ()) -> Answer:
        answer = super().get(path, query)
        if not path.endswith("/organizations"):
            return answer
        value = {**answer["organization"].value, "lago_id": "another"}
        return {"organization": Piece(json.dumps(value), value)}


def test_another_organization_does_not_mix(small: RecordedLago, tmp_path: Path) -> None:
    before = read(small, tmp_path)
    with Store.open(tmp_path / "state.db") as store:
        with pytest.raises(StoreError, match=r"holds another organization .* set another \[store\] url"):
            extract(Renamed(small), store, tmp_path / "events")
        assert (load_snapshot(store), report(store)) == before


def test_a_wrong_lago_that_was_never_finished_is_dropped(small: RecordedLago, tmp_path: Path) -> None:
    with Store.open(tmp_path / "state.db") as store:
        wrong = Odd(small, "/fees", "{}")
        with pytest.raises(PayloadError):
            extract(wrong, store, tmp_path / "events")
        changed = store.latest()
        assert changed and not changed.finished
        store.new_run("yet another", "v1", changed.taken_at)
        found = extract(RecordingSource(small), store, tmp_path / "events")
        assert load_snapshot(store).organization.name == "NexaSystems Inc."
        assert all(c.gone == 0 for c in found.resources.values())


def test_two_runs_at_once_are_refused(small: RecordedLago, tmp_path: Path) -> None:
    with Store.open(tmp_path / "state.db") as first, first.lock(), pytest.raises(LockHeld):
        read(small, tmp_path)


# --- interrupted ----------------------------------------------------------------------------------------------------


class Flaky(RecordingSource):
    """Breaks off at the n-th call, as a network does."""

    def __init__(self, lago: RecordedLago, breaks_at: int) -> None:
        super().__init__(lago)
        self.left = breaks_at
        self.calls = 0
        self.counted = 0

    def get(self, path: str, query: Query = ()) -> Answer:
        self.calls += 1
        self.counted += ("per_page", "1") in query
        self.left -= 1
        if self.left == 0:
            raise LagoError("the cable is out")
        return super().get(path, query)


def test_it_goes_on_where_it_broke_off(small: RecordedLago, tmp_path: Path) -> None:
    expected = read(small, tmp_path / "calm")
    calls, whole = 0, Flaky(small, 0)
    with Store.open(tmp_path / "whole.db") as store:
        extract(whole, store, tmp_path / "whole")
    with Store.open(tmp_path / "state.db") as store:
        for breaks_at in (3, 9, 30, 40, 50, 60, 60, 25, 25, 1000):
            source = Flaky(small, breaks_at)
            try:
                extract(source, store, tmp_path / "events")
                break
            except LagoError as error:
                assert "the cable is out" in str(error)
                with pytest.raises(Blocked, match="unfinished: run 'lago2odoo extract' again"):
                    load_snapshot(store)
            finally:
                calls += source.calls
        assert breaks_at not in (3, 9, 30), "it never broke off"
        assert (load_snapshot(store), report(store)) == expected
    assert events_of(tmp_path) == events_of(tmp_path / "calm")
    assert calls < whole.calls * 1.5  # not begun anew ten times


def test_the_windows_of_events_are_cut_once(small: RecordedLago, tmp_path: Path) -> None:
    """Cut otherwise after an interruption, they would overlap with what is read already."""
    whole = Flaky(small, 0)
    with Store.open(tmp_path / "whole.db") as store:
        extract(whole, store, tmp_path / "whole")
    assert whole.counted
    with Store.open(tmp_path / "state.db") as store:
        with pytest.raises(LagoError):
            extract(Flaky(small, whole.calls - 1), store, tmp_path / "events")
        again = Flaky(small, 0)
        extract(again, store, tmp_path / "events")
        assert not list(tmp_path.glob("events.*"))
    assert again.counted == 0
    assert again.calls < whole.calls / 5
    assert len(events_of(tmp_path)) == len(small.records["events"])


def test_windows_whose_files_are_gone_are_read_again(small: RecordedLago, tmp_path: Path) -> None:
    whole = Flaky(small, 0)
    with Store.open(tmp_path / "whole.db") as store:
        extract(whole, store, tmp_path / "whole")
    with Store.open(tmp_path / "state.db") as store:
        with pytest.raises(LagoError):
            extract(Flaky(small, whole.calls - 1), store, tmp_path / "events")
        shutil.rmtree(tmp_path / "events.staging")
        extract(RecordingSource(small), store, tmp_path / "events")
    assert len(events_of(tmp_path)) == len(small.records["events"])


class Restless(RecordingSource):
    """A list of customers that loses one and gets one with every page."""

    def get(self, path: str, query: Query = ()) -> Answer:
        if path == "/api/v1/customers":
            piece = self.lago.records["customers"].pop(0)
            text = re.sub('"lago_id":"..', lambda m: f'"lago_id":"{len(self.seen):02}', piece.text, count=1)
            self.seen.append(text)
            self.lago.records["customers"].append(Piece(text, loads(text)))
            self.lago.touch()
        return super().get(path, query)

    seen: ClassVar[list[str]] = []


def test_a_list_that_never_rests_stops_and_can_be_read_later(small: RecordedLago, tmp_path: Path) -> None:
    small.answer("GET", "/api/v1/customers")
    with Store.open(tmp_path / "state.db") as store:
        with pytest.raises(LagoError, match="customers kept changing while they were read 10 times"):
            extract(Restless(small), store, tmp_path / "events", per_page=2)
        extract(RecordingSource(small), store, tmp_path / "events", per_page=2)
        found = {customer.lago_id for customer in load_snapshot(store).customers if not customer.deleted}
    assert found == {piece.value["lago_id"] for piece in small.records["customers"]}


def test_before_the_first_extract_one_is_told_what_to_do(tmp_path: Path) -> None:
    with Store.open(tmp_path / "state.db") as store, pytest.raises(Blocked, match="run 'lago2odoo extract'"):
        load_snapshot(store)


def test_a_run_left_unfinished_does_not_show_half(small: RecordedLago, tmp_path: Path) -> None:
    read(small, tmp_path)
    with Store.open(tmp_path / "state.db") as store:
        with pytest.raises(LagoError):
            extract(Flaky(small, 20), store, tmp_path / "events")
        with pytest.raises(Blocked):
            load_snapshot(store)
        extract(RecordingSource(small), store, tmp_path / "events")
        assert {c.changed + c.new + c.gone for c in report(store).resources.values()} == {0}


# --- pages that shift -----------------------------------------------------------------------------------------------


def test_records_that_come_and_go_while_it_reads(some: Path, tmp_path: Path) -> None:
    """A server on which, between pages, the newest fee goes and another one comes."""
    lago = RecordedLago(Recording.open(some))
    lago.answer("GET", "/api/v1/fees")
    there = [piece.value["lago_id"] for piece in lago.records["fees"]]
    gone: list[str] = []

    def shift(path: str, server: RecordedLago) -> None:
        if path.startswith("/api/v1/fees?") and len(gone) < 5:
            server.answer("GET", "/api/v1/fees")
            piece = server.records["fees"].pop(0)
            gone.append(piece.value["lago_id"])
            text = server.records["fees"][-1].text.replace('{"lago_id":"', f'{{"lago_id":"{len(gone):x}', 1)
            server.records["fees"].append(Piece(text, loads(text)))
            server.touch()

    with (
        serve(some, api_key=KEY, faults=Faults(before=shift)) as server,
        LagoClient(server.url, KEY, requests_per_second=None) as client,
        Store.open(tmp_path / "state.db") as store,
    ):
        extract(client, store, tmp_path / "events", per_page=20)
        final = [piece.value["lago_id"] for piece in server.lago.records["fees"]]
        found = [fee.lago_id for fee in load_snapshot(store).fees]
    assert len(gone) == 5
    assert sorted(found) == sorted(final)
    assert set(there) - set(gone) <= set(found)


class OldCount(RecordingSource):
    """Lago keeps the count of fees for half an hour: the first page knows of no second one."""

    def get(self, path: str, query: Query = ()) -> Answer:
        answer = super().get(path, query)
        if path == "/api/v1/fees" and ("page", "1") in query:
            meta = {**answer["meta"].value, "next_page": None, "total_pages": 1, "total_count": 20}
            return {**answer, "meta": Piece(json.dumps(meta), meta)}
        return answer


def test_an_old_count_hides_nothing(small: RecordedLago, tmp_path: Path) -> None:
    with Store.open(tmp_path / "state.db") as store:
        extract(OldCount(small), store, tmp_path / "events", per_page=20)
        assert counts(store)["fees"] == len(small.records["fees"]) > 40


class Short(RecordingSource):
    """A Lago that counts one record more than it shows, for so many readings of a list."""

    short: ClassVar[str] = "/api/v1/credit_notes"

    def __init__(self, lago: RecordedLago, readings: int) -> None:
        super().__init__(lago)
        self.readings = readings
        self.asked = 0

    def get(self, path: str, query: Query = ()) -> Answer:
        answer = super().get(path, query)
        if path != self.short:
            return answer
        self.asked += ("page", "1") in query
        more = self.asked <= self.readings
        meta = {**answer["meta"].value, "total_count": answer["meta"].value["total_count"] + more}
        return {**answer, "meta": Piece(json.dumps(meta), meta)}


@pytest.mark.parametrize(("readings", "notes"), [(0, 0), (1, 0), (99, 1)])
def test_fewer_records_than_lago_counts_are_said(
    small: RecordedLago, tmp_path: Path, readings: int, notes: int
) -> None:
    """What was deleted while it was read is gone on another look; what stays lacking is told, and told again."""
    source = Short(small, readings)
    with Store.open(tmp_path / "state.db") as store:
        told = extract(source, store, tmp_path / "events").left_out
        shown = counts(store)["credit_notes"]
        assert report(store).left_out == told
        unread = [item for item in load_snapshot(store).quarantined if item.of_page]
    lacking = [note for note in told if note.startswith("credit_notes/")]
    assert source.asked == min(readings, 1) + 1
    assert len(lacking) == len(unread) == notes
    assert all(f": Lago counts {shown + 1} and shows {shown} of them" in note for note in lacking)
    assert {(item.resource, item.id, item.reason) for item in unread} == {
        ("credit_notes", f"credit_notes/record {shown + 1}", "page_unreadable") for _ in range(notes)
    }


class ShortOfEvents(Short):
    short = "/api/v1/events"


def test_events_that_lago_counts_and_never_gives_are_said_like_other_lists(small: RecordedLago, tmp_path: Path) -> None:
    with Store.open(tmp_path / "state.db") as store:
        whole = extract(RecordingSource(small), store, tmp_path / "events")
        told = extract(ShortOfEvents(small, 9999), store, tmp_path / "events")
        assert told.events == whole.events > 0
        assert report(store).left_out == told.left_out
    lacking = [note for note in told.left_out if note.startswith("events/")]
    assert lacking
    assert all("page_unreadable: Lago counts " in note and note.endswith("extract again") for note in lacking)


class Countless(RecordingSource):
    """A Lago that counts any list to a number that no list has."""

    asked = 0

    def get(self, path: str, query: Query = ()) -> Answer:
        answer = super().get(path, query)
        self.asked += 1
        if "meta" not in answer:
            return answer
        meta = {**answer["meta"].value, "total_count": 10**30}
        return {**answer, "meta": Piece(json.dumps(meta), meta)}


def test_a_count_that_no_list_has_is_said_and_ends(small: RecordedLago, tmp_path: Path) -> None:
    plain, source = RecordingSource(small), Countless(small)
    with Store.open(tmp_path / "state.db") as store:
        whole = extract(plain, store, tmp_path / "events")
        told = extract(source, store, tmp_path / "events")
    assert {n: c.total for n, c in told.resources.items()} == {n: c.total for n, c in whole.resources.items()}
    assert told.events == whole.events
    assert any(note.startswith("events/") and "Lago counts" in note for note in told.left_out)
    assert source.asked < 3000


class OnePage(RecordingSource):
    """Something before Lago that knows one page of a list only, and says that there is another."""

    def __init__(self, lago: RecordedLago, path: str) -> None:
        super().__init__(lago)
        self.path = path

    def get(self, path: str, query: Query = ()) -> Answer:
        if path != self.path:
            return super().get(path, query)
        answer = super().get(path, [(name, "1" if name == "page" else value) for name, value in query])
        meta = {**answer["meta"].value, "next_page": 2}
        return {**answer, "meta": Piece(json.dumps(meta), meta)}


@pytest.mark.parametrize("name", ["fees", "events", "customers"])
def test_a_page_that_comes_for_every_page_ends_by_name(small: RecordedLago, tmp_path: Path, name: str) -> None:
    with Store.open(tmp_path / "state.db") as store:
        with pytest.raises(LagoError, match=rf"{name}.* bring nothing that was not shown already"):
            extract(OnePage(small, f"/api/v1/{name}"), store, tmp_path / "events")
        assert extract(RecordingSource(small), store, tmp_path / "events").events > 0, "the same command again"


def test_a_recording_that_lacks_an_invoice_says_so(some: Path, tmp_path: Path) -> None:
    """Lago keeps the count of its invoices for a while, so that another one is no reason to refuse the recording."""
    cut = shutil.copytree(some, tmp_path / "cut")
    file = cut / "invoices.jsonl"
    calls = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    gone = calls[-1]["body"]["invoices"].pop()
    file.write_text("\n".join(map(json.dumps, calls)) + "\n", encoding="utf-8")
    with Store.open(tmp_path / "state.db") as store:
        told = extract(RecordingSource.open(cut), store, tmp_path / "events").left_out
        lost = lost_invoices(load_snapshot(store))
    (note,) = [note for note in told if note.startswith("invoices/")]
    assert "Lago counts" in note
    assert [invoice.lago_id for invoice in lost] == [gone["lago_id"]]


def test_events_that_come_while_it_reads_are_not_doubled(some: Path, tmp_path: Path) -> None:
    calls = iter(range(10_000))

    def ingest(path: str, server: RecordedLago) -> None:
        if path.startswith("/api/v1/events?") and "per_page=7" in path and next(calls) % 9 == 0:
            newest = server.records["events"][0]
            text = newest.text.replace('"lago_id":"', '"lago_id":"x', 1).replace(
                '"transaction_id":"', '"transaction_id":"x', 1
            )
            server.records["events"].insert(0, Piece(text, loads(text)))
            server.touch()

    with (
        serve(some, api_key=KEY, faults=Faults(before=ingest)) as server,
        LagoClient(server.url, KEY, requests_per_second=None) as client,
        Store.open(tmp_path / "state.db") as store,
    ):
        extract(client, store, tmp_path / "events", per_page=7)
        before = {
            piece.value["lago_id"]
            for piece in RecordingSource.open(some).lago.recording.listed("events", "/api/v1/events", "events")
        }
    found = [row[-2] for row in events_of(tmp_path)]
    assert len(found) == len(set(found))
    assert before <= set(found)
    assert next(calls) > 100


# --- bad payloads ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "change", "said"),
    [
        ("customers", lambda c: c.pop("external_id"), "customers {id}: field external_id is missing"),
        ("fees", lambda f: f.update(amount_cents="12"), "fees {id}: field amount_cents should be an integer"),
        ("taxes", lambda t: t.update(rate="a lot"), "taxes gst ({id:.8}): field rate should be a decimal number"),
        ("fees", lambda f: f["item"].update(type=None), "fees {id}: field item.type is null"),
        ("payments", lambda p: p.update(created_at="2026-13-01"), "payments {id}: field created_at should be a time"),
        ("wallets", lambda w: w.pop("lago_id"), "field lago_id is missing"),
        ("events", lambda e: e.update(timestamp="yesterday"), "field timestamp should be a time (ISO 8601)"),
        ("events", lambda e: e.pop("code"), "field code is missing"),
        ("events", lambda e: e.update(properties=[1]), "field properties should be an object"),
        ("customers", lambda c: c.update(external_id="  "), "customers {id}: field external_id '  ' is empty"),
        ("coupons", lambda c: c.update(frequency="weekly"), "field frequency 'weekly' is none that this version knows"),
    ],
)
def test_a_bad_record_is_kept_raw_and_named_and_stops_no_other(
    small: RecordedLago, tmp_path: Path, resource: str, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    identity = edit(small, resource, 0, change)
    snapshot, _ = read(small, tmp_path)
    (unread,) = (q for q in snapshot.quarantined if q.resource == resource)
    assert said.format(id=identity) in str(unread)
    assert "\n" not in str(unread)
    assert identity in unread.raw or unread.field == "lago_id"
    listed = {record.lago_id for record in getattr(snapshot, resource, ())}
    shown = {piece.value["lago_id"] for piece in small.records[resource] if piece.value.get("lago_id")}
    assert resource == "events" or listed >= shown - {identity}
    assert identity not in listed


def test_of_two_records_of_one_id_neither_is_taken(small: RecordedLago, tmp_path: Path) -> None:
    first = edit(small, "payments", 0, lambda p: None)
    edit(small, "payments", 1, lambda p: p.update(lago_id=first))
    snapshot, _ = read(small, tmp_path)
    assert [(q.reason, q.resource) for q in snapshot.quarantined] == [("id_not_unique", "payments")] * 2
    assert first not in {payment.lago_id for payment in snapshot.payments}


def test_a_customer_that_cannot_be_read_is_not_taken_for_a_deleted_one(small: RecordedLago, tmp_path: Path) -> None:
    identity = edit(small, "customers", 0, lambda c: c.update(applicable_timezone="Pacific Time (US & Canada)"))
    snapshot, _ = read(small, tmp_path)
    assert identity not in {customer.lago_id for customer in snapshot.customers}
    assert [(q.reason, q.id) for q in snapshot.quarantined] == [("unknown_time_zone", identity)]


@pytest.mark.parametrize("resource", ["subscriptions", "invoices", "credit_notes"])
def test_what_is_no_id_makes_no_customer_that_was_deleted(small: RecordedLago, tmp_path: Path, resource: str) -> None:
    """Somebody whom no list shows was deleted, unless what names him cannot be an id at all."""

    def rename(record: dict[str, Any], to: str) -> None:
        named = record.get("customer", record)
        named["lago_customer_id" if named is record else "lago_id"] = to

    identity = edit(small, resource, 0, lambda record: rename(record, "zz_unknown"))
    own = {key: piece for key, piece in small._own.items() if identity in key[0] and resource == "invoices"}
    small._own.update({key: _renamed(piece, rename) for key, piece in own.items()})
    snapshot, _ = read(small, tmp_path)
    ((reason, found, field),) = {(q.reason, q.id, q.field) for q in snapshot.quarantined}
    assert (reason, found) == ("value_wrong", identity)
    assert field == ("lago_customer_id" if resource == "subscriptions" else "customer.lago_id")
    assert "zz_unknown" not in {customer.lago_id for customer in snapshot.customers}


def _renamed(piece: Piece, rename: Callable[[dict[str, Any], str], None]) -> Piece:
    value = loads(piece.text)
    rename(value, "zz_unknown")
    text = json.dumps(value, default=float)
    return Piece(text, loads(text))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda s: s.update(terminated_at="2001-02-03T04:05:06Z"),
            "field terminated_at 2001-02-03T04:05:06Z is before it began, 20",
        ),
        (
            lambda s: s.update(ending_at="2001-02-03T04:05:06Z"),
            "field ending_at 2001-02-03T04:05:06Z is before it began, 20",
        ),
        (
            lambda s: s.update(current_billing_period_ending_at="2001-02-03T04:05:06Z"),
            "field current_billing_period_ending_at 2001-02-03T04:05:06Z is before it began, 20",
        ),
        (
            lambda s: s.update(started_at="2031-02-03T04:05:06Z"),
            "field started_at 2031-02-03T04:05:06Z is after what was billed of it, from 20",
        ),
    ],
)
def test_a_life_whose_dates_contradict_each_other_is_put_aside_and_its_bills_are_read(
    small: RecordedLago, tmp_path: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    before, _ = read(small, tmp_path / "before")
    billed = {period.lago_subscription_id for invoice in before.invoices for period in invoice.billing_periods}
    held = [(piece.value["lago_id"], piece.value["status"]) for piece in small.records["subscriptions"]]
    number = next(n for n, (lago_id, status) in enumerate(held) if lago_id in billed and status == "active")
    identity = edit(small, "subscriptions", number, change)
    snapshot, _ = read(small, tmp_path / "after")
    (unread,) = snapshot.quarantined
    assert (unread.reason, unread.id) == ("dates_contradict", identity)
    assert said in str(unread)
    assert unread.detail.endswith("; mend it in Lago, then extract again")
    assert {s.lago_id for s in snapshot.subscriptions} == {s.lago_id for s in before.subscriptions} - {identity}
    assert snapshot.invoices == before.invoices
    assert find_dependents(snapshot)["subscriptions", identity].invoices >= 1


@pytest.mark.parametrize("status", ["active", "terminated", "pending", "canceled", "incomplete"])
@pytest.mark.parametrize("is_billed", [True, False])
def test_a_subscription_that_is_billed_or_runs_has_a_start(
    small: RecordedLago, tmp_path: Path, status: str, is_billed: bool
) -> None:
    """Only one that waits, or never began, has none."""
    snapshot, _ = read(small, tmp_path)
    earliest = billed_from(snapshot.invoices)
    begun = next(s for s in snapshot.subscriptions if s.lago_id in earliest)
    wrong = wrong_dates(
        replace(begun, started_at=None, terminated_at=None, status=status),
        earliest[begun.lago_id] if is_billed else None,
    )
    assert (wrong is not None) is (is_billed or status in ("active", "terminated"))
    assert wrong is None or (wrong.path, wrong.reason) == ("started_at", "value_missing")


def test_a_day_begins_before_the_hour_of_the_start_and_contradicts_nothing(small: RecordedLago, tmp_path: Path) -> None:
    snapshot, _ = read(small, tmp_path)
    earliest = billed_from(snapshot.invoices)
    begun = [s for s in snapshot.subscriptions if s.started_at and s.lago_id in earliest]
    assert sum(earliest[s.lago_id] < s.started_at for s in begun if s.started_at) >= 1
    assert snapshot.quarantined == ()


def test_after_a_bad_record_is_mended_it_goes_on(small: RecordedLago, tmp_path: Path) -> None:
    edit(small, "fees", 0, lambda fee: fee.update(amount_cents="12"))
    assert len(read(small, tmp_path)[0].quarantined) == 1
    edit(small, "fees", 0, lambda fee: fee.update(amount_cents=12))
    snapshot, _ = read(small, tmp_path)
    assert sum(fee.amount_cents == 12 for fee in snapshot.fees) >= 1
    assert snapshot.quarantined == ()


def test_unknown_fields_are_reported_not_refused(small: RecordedLago, tmp_path: Path) -> None:
    edit(small, "plans", 0, lambda plan: plan.update(colour="red"))
    edit(small, "fees", 3, lambda fee: fee["item"].update(shade=1))
    _, found = read(small, tmp_path)
    assert found.unknown_fields == {"plans": ("colour",), "fees": ("item.shade",)}
    assert found.as_json()["unknown_fields"] == {"plans": ["colour"], "fees": ["item.shade"]}


# --- what Lago does not show ------------------------------------------------------------------------------------------


class Refusing(RecordingSource):
    """Says no to some paths."""

    def __init__(self, lago: RecordedLago, path: str, status: int, code: str) -> None:
        super().__init__(lago)
        self.no = (path, status, code)

    def get(self, path: str, query: Query = ()) -> Answer:
        if path.startswith(f"/api/v1{self.no[0]}"):
            raise LagoRefusal(path, self.no[1], self.no[2])
        return super().get(path, query)


def run_with(source: RecordingSource, folder: Path) -> ExtractReport:
    with Store.open(folder / "state.db") as store:
        return extract(source, store, folder / "events")


def test_what_needs_a_licence_is_named_and_goes_on(small: RecordedLago, tmp_path: Path) -> None:
    found = run_with(Refusing(small, "/payment_receipts", 403, "feature_unavailable"), tmp_path)
    assert "payment_receipts: refused: feature_unavailable (needs a premium licence)" in found.left_out


@pytest.mark.parametrize("code", ["feature_unavailable", "endpoint_not_available", "plans_not_enabled"])
@pytest.mark.parametrize("resource", [r.path for r in RESOURCES[1:] if not (r.premium or r.under)])
def test_a_licence_that_nothing_needs_is_no_reason_to_go_on_without(
    small: RecordedLago, tmp_path: Path, resource: str, code: str
) -> None:
    with pytest.raises(LagoRefused, match=rf"Lago refuses {resource[1:]} \({code}\), which no licence is needed for"):
        run_with(Refusing(small, resource, 403, code), tmp_path)


def test_one_page_that_is_refused_for_a_licence_costs_its_record(small: RecordedLago, tmp_path: Path) -> None:
    small.answer("GET", "/api/v1/plans")
    code, identity = (small.records["plans"][0].value[name] for name in ("code", "lago_id"))
    found = run_with(Refusing(small, f"/plans/{code}", 403, "feature_unavailable"), tmp_path)
    with Store.open(tmp_path / "state.db") as store:
        snapshot = load_snapshot(store)
    (unread,) = (q for q in snapshot.quarantined if q.resource == "plans")
    assert (unread.id, unread.reason) == (identity, "page_unreadable")
    assert outcome_of(found, snapshot, set()).error is not None


def test_a_running_subscription_without_its_page_waits(small: RecordedLago, tmp_path: Path) -> None:
    """Its plan may be one of its own: that of the catalog is no stand-in for it."""
    small.answer("GET", "/api/v1/subscriptions")
    held = next(piece.value for piece in small.records["subscriptions"] if piece.value["status"] == "active")
    run_with(Refusing(small, f"/subscriptions/{held['external_id']}", 404, "subscription_not_found"), tmp_path)
    with Store.open(tmp_path / "state.db") as store:
        snapshot = load_snapshot(store)
    assert [(q.resource, q.id, q.reason) for q in snapshot.quarantined] == [
        ("subscriptions", held["lago_id"], "page_unreadable")
    ]


def test_a_permission_that_lacks_stops(small: RecordedLago, tmp_path: Path) -> None:
    refusing = Refusing(small, "/invoices", 403, "read_action_not_allowed_for_invoice")
    with pytest.raises(LagoRefused, match=r"the API key may not read invoices .* give it that permission"):
        run_with(refusing, tmp_path)


def test_an_invoice_that_goes_meanwhile_is_not_half_there(small: RecordedLago, tmp_path: Path) -> None:
    small.answer("GET", "/api/v1/invoices")
    victim = small.records["invoices"][0].value["lago_id"]
    found = run_with(Refusing(small, f"/invoices/{victim}", 404, "invoice_not_found"), tmp_path)
    assert found.resources["invoices"].total == len(small.records["invoices"]) - 1
    (told,) = (text for text in found.left_out if victim in text)
    assert told.endswith("has it not (404) when it is asked for: left out; extract again")
    assert found.unshown == (victim,)
    with Store.open(tmp_path / "state.db") as store:
        snapshot = load_snapshot(store)
    assert victim not in {invoice.lago_id for invoice in snapshot.invoices}
    error = outcome_of(found, snapshot, {"invoice_lost"}).error
    assert error is not None
    assert "1 records that Lago listed were not there when they were asked for" in str(error)
    for waived in ("listed_not_shown", victim):
        assert outcome_of(found, snapshot, {"invoice_lost", waived}).error is None


def test_a_missing_list_is_an_error(small: RecordedLago, tmp_path: Path) -> None:
    with pytest.raises(LagoRefused, match="404 resource_not_found"):
        run_with(Refusing(small, "/fees", 404, "resource_not_found"), tmp_path)


def test_a_customer_known_by_ids_only_is_there_all_the_same(small: RecordedLago, tmp_path: Path) -> None:
    snapshot, _ = read(small, tmp_path)
    found = deleted_customers((), (), (), snapshot.subscriptions)
    assert {c.lago_id for c in found} == {s.lago_customer_id for s in snapshot.subscriptions}
    assert all(customer.deleted and customer.name is None for customer in found)


class Odd(RecordingSource):
    """Answers one path with something else."""

    def __init__(self, lago: RecordedLago, path: str, answer: str) -> None:
        super().__init__(lago)
        self.odd = (f"/api/v1{path}", answer)

    def get(self, path: str, query: Query = ()) -> Answer:
        return members(self.odd[1]) if path == self.odd[0] else super().get(path, query)


@pytest.mark.parametrize(
    ("path", "answer", "said"),
    [
        ("/organizations", '{"organization":[]}', "does not show an organization"),
        ("/organizations", '{"status":200}', "does not show an organization"),
        ("/customers", '{"customers":{}}', "customers: the answer to /customers has no list 'customers'"),
        ("/fees", '{"status":"ok"}', "fees: the answer to /fees has no list 'fees'"),
        ("/events", '{"event":[]}', "events: the answer to .* has no list 'events'"),
        ("/billing_entities/nexasystems", "{}", "billing_entity_details: the answer to .* has no 'billing_entity'"),
    ],
)
def test_an_answer_of_another_shape_is_named(
    small: RecordedLago, tmp_path: Path, path: str, answer: str, said: str
) -> None:
    with pytest.raises(LagoError, match=said) as refused:
        run_with(Odd(small, path, answer), tmp_path)
    assert "\n" not in str(refused.value)


# --- the table ------------------------------------------------------------------------------------------------------


def test_the_table_reads_parents_first() -> None:
    names = [resource.name for resource in RESOURCES]
    assert len(names) == len(set(names))
    for position, resource in enumerate(RESOURCES):
        assert resource.under is None or resource.under in names[:position]


@pytest.mark.parametrize("resource", [r for r in RESOURCES if r.decoded_as], ids=lambda r: r.name)
def test_known_fields_hold_what_the_records_read(resource: Resource) -> None:
    added_here = {"customers": {"deleted"}, "payment_methods": {"external_customer_id"}}
    added_here |= {name: {"fixed_charges"} for name in ("subscriptions", "subscription_details")}
    assert resource.schema and resource.decoded_as
    known = json.loads((Path(migrate.lago.__file__).parent / "known_fields.json").read_text())[resource.schema]
    assert {f.name for f in fields(resource.decoded_as)} - set(known) <= added_here.get(resource.name, set())
