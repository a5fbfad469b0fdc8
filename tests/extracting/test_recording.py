"""Recordings that are not whole: the message names the file, the page or the line."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lago2odoo.sandbox.lago import make
from migrate.errors import LagoError
from migrate.lago.extract import extract
from migrate.lago.recorded import RecordingSource
from migrate.lago.recording import Recording
from migrate.lago.snapshot import load_snapshot
from migrate.state.store import Store
from tests.extracting.company import PER_PAGE


def lines(folder: Path, name: str) -> list[str]:
    return (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()


def drop(name: str, number: int) -> Callable[[Path], None]:
    def without_line(folder: Path) -> None:
        kept = [line for n, line in enumerate(lines(folder, name)) if n != number]
        (folder / f"{name}.jsonl").write_text("\n".join(kept), encoding="utf-8")

    return without_line


def cut(name: str) -> Callable[[Path], None]:
    def half(folder: Path) -> None:
        text = (folder / f"{name}.jsonl").read_text(encoding="utf-8")
        (folder / f"{name}.jsonl").write_text(text[: len(text) - 40], encoding="utf-8")

    return half


def put(name: str, line: str) -> Callable[[Path], None]:
    """Another first line."""

    def replaced(folder: Path) -> None:
        content = [line, *lines(folder, name)[1:]]
        (folder / f"{name}.jsonl").write_text("\n".join(content), encoding="utf-8")

    return replaced


def call(name: str, **more: object) -> Callable[[Path], None]:
    """A first line whose list has nothing, or something else in one of its fields."""
    whole = {"method": "GET", "path": f"/api/v1/{name}", "query": None, "status": 200, "body": {name: [], "meta": {}}}
    return put(name, json.dumps(whole | more))


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / f"{name}.jsonl").unlink()


def first_record(name: str) -> Callable[[Path], None]:
    """A record less than Lago counted."""

    def shorter(folder: Path) -> None:
        content = lines(folder, name)
        content[0] = re.sub(rf'"{name}":\[\{{.*?\}},(?=\{{"lago_id")', f'"{name}":[', content[0], count=1)
        (folder / f"{name}.jsonl").write_text("\n".join(content), encoding="utf-8")

    return shorter


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (remove("organizations"), "organizations.jsonl is missing"),
        (remove("fees"), "fees.jsonl is missing"),
        (remove("events"), "events.jsonl is missing"),
        (remove("subscriptions"), "subscriptions.jsonl is missing"),
        (remove("invoices_show"), r"invoices_show.jsonl lacks /api/v1/invoices/"),
        (drop("fees", 1), "fees.jsonl lacks page 2 of"),
        (drop("events", 0), "events.jsonl lacks page 1 of"),
        (drop("events", 3), "events.jsonl lacks page 4 of"),
        (drop("invoices_show", 5), r"invoices_show.jsonl lacks /api/v1/invoices/[0-9a-f-]{36}"),
        (drop("billing_entities", 1), "billing_entities.jsonl lacks /api/v1/billing_entities/nexasystems"),
        (drop("plans", 2), "plans.jsonl lacks /api/v1/plans/"),
        (remove("wallet_transactions"), r"wallet_transactions.jsonl lacks /api/v1/wallets/.*/wallet_transactions"),
        (cut("fees"), "fees.jsonl line [0-9]+ is not a complete recorded call"),
        (cut("customers"), "customers.jsonl line 1 is not a complete recorded call"),
        (
            put("customers", '{"a":1}'),
            "customers.jsonl line 1 is not a complete recorded call: field status is missing",
        ),
        (put("customers", "[1]"), "customers.jsonl line 1 is not a complete recorded call: it is no object"),
        (put("events", '{"status": 200}'), "events.jsonl line 1 .*: field body is missing; record it again, or take"),
        (call("events", path=5), "events.jsonl line 1 .*: field path is 5, should be a text"),
        (call("plans", path=None), "plans.jsonl line 1 .*: field path is null, should be a text"),
        (call("plans", method=["GET"]), "plans.jsonl line 1 .*: field method is a list, should be a text"),
        (call("taxes", status="200"), "taxes.jsonl line 1 .*: field status is '200', should be a number"),
        (call("taxes", query="page=x"), "taxes.jsonl line 1 .*: field query: page is 'x', should be a number from 1"),
        (call("misc", body=5), "misc.jsonl line 1 .*: field body is 5, should be an object"),
        (call("fees", body=None), "fees.jsonl line 1 .*: field body is null, should be an object"),
        (call("fees", body=[1]), "fees.jsonl line 1 .*: field body is a list, should be an object"),
        (call("fees", body={"fees": [], "meta": 5}), "fees.jsonl line 1 .*: field body.meta is 5, should be an object"),
        (
            call("fees", body={"fees": [], "meta": {"total_count": "y"}}),
            "fees.jsonl line 1 .*: field body.meta.total_count is 'y', should be a number from 0 on",
        ),
        (
            call("fees", body={"fees": {"a": 1}}),
            "fees.jsonl line 1 is no list of fees: field body.fees is an object, should be a list",
        ),
        (first_record("taxes"), "taxes.jsonl holds 6 of 7 taxes"),
    ],
)
def test_a_hole_is_named(some: Path, tmp_path: Path, harm: Callable[[Path], None], said: str) -> None:
    folder = tmp_path / "recording"
    shutil.copytree(some, folder)
    harm(folder)
    with (
        Store.open(tmp_path / "state.db") as store,
        pytest.raises(LagoError, match=rf"^recording {folder}: {said}") as refused,
    ):
        extract(RecordingSource.open(folder), store, tmp_path / "events")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "field", "reason"),
    [("invoices", "lago_id", "listed_not_shown"), ("subscriptions", "external_id", "page_unreadable")],
)
def test_a_record_under_another_id_than_its_page_costs_itself(
    some: Path, tmp_path: Path, name: str, field: str, reason: str
) -> None:
    """As over HTTP, where Lago answers 404: it is named, and the rest is read."""
    folder = tmp_path / "recording"
    shutil.copytree(some, folder)
    path = folder / f"{name}.jsonl"
    calls = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    record = next(
        record
        for call in calls
        for record in (call["body"].get(name) or ())
        if name == "invoices" or record["status"] == "active"
    )
    record[field] = "00000000-0000-4000-8000-000000000000"
    path.chmod(0o600)
    path.write_text("".join(f"{json.dumps(call)}\n" for call in calls), "utf-8")
    with Store.open(tmp_path / "state.db") as store:
        found = extract(RecordingSource.open(folder), store, tmp_path / "events")
        snapshot = load_snapshot(store)
    if reason == "listed_not_shown":
        assert found.unshown == (record["lago_id"],)
    else:
        assert (record["lago_id"], reason) in {(q.id, q.reason) for q in snapshot.quarantined}
    assert snapshot.invoices
    assert snapshot.subscriptions


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "no such file or directory"), (b"", "no archive that can be read"), (b"PK\x03\x04half", "no archive")],
)
def test_what_is_no_recording(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "recording.zip"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LagoError, match=said):
        Recording.open(path)


def test_an_archive_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "stuff").mkdir()
    (tmp_path / "stuff" / "customers.jsonl").write_text("{}")
    archive = shutil.make_archive(str(tmp_path / "stuff"), "gztar", tmp_path / "stuff")
    with pytest.raises(LagoError, match=r"organizations.jsonl is missing"):
        Recording.open(Path(archive))


@pytest.mark.parametrize(("form", "suffix"), [("gztar", "tar.gz"), ("xztar", "tar.xz"), ("zip", "zip")])
def test_an_archive_that_breaks_off(some: Path, tmp_path: Path, form: str, suffix: str) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "whole"), form, some))
    broken, content = tmp_path / f"broken.{suffix}", archive.read_bytes()
    middle = len(content) // 2
    for kept in (content[:middle], content[:middle] + b"0123456789abcdef" * 8 + content[middle + 128 :]):
        broken.write_bytes(kept)
        with pytest.raises(LagoError, match=r"no archive that can be read|jsonl is missing") as refused:
            Recording.open(broken)
        assert "\n" not in str(refused.value)


def test_the_server_refuses_it_too(tmp_path: Path) -> None:
    with pytest.raises(LagoError, match="no such file"):
        make(tmp_path / "nowhere", api_key="k")


def test_a_port_that_is_taken_is_said(some: Path) -> None:
    first = make(some, api_key="k")
    try:
        port = int(first.url.rsplit(":", 1)[1])
        with pytest.raises(LagoError, match=f"cannot listen on 127.0.0.1:{port}"):
            make(some, port=port, api_key="k")
    finally:
        first.close()


def test_pages_hold_what_they_should(some: Path) -> None:
    assert len(Recording.open(some).listed("events", "/api/v1/events", "events")) > 2 * PER_PAGE
