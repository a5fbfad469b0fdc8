"""Absence is not deletion: what Lago did not show once, or a file that is lost, takes nothing out of Odoo by itself."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lago2odoo.sandbox import lago as embedded_lago
from lago2odoo.sandbox import odoo as embedded_odoo
from tests.cli.conftest import ODOO_KEY, Project, new_project
from tests.cli.test_bad_input import one_line
from tests.cli.test_journey import everything
from tests.extracting.company import page_line

STATES = "&".join(f"status[]={s}" for s in ("active", "pending", "terminated", "canceled", "incomplete"))


@dataclass(frozen=True, slots=True)
class Applied:
    """A project whose snapshot is in Odoo; a test that changes it puts it back, or works on a copy."""

    project: Project
    recording: Path

    @property
    def odoo(self) -> dict[str, list[tuple[object, ...]]]:
        return everything(self.project.folder / "odoo.db")

    @property
    def files(self) -> list[Path]:
        return sorted((self.project.folder / ".lago2odoo" / "events").glob("*/*.parquet"))

    def without(self, folder: Path, name: str) -> Path:
        """The recording of a Lago that answers this list empty."""
        shutil.copytree(self.recording, folder)
        head = f"{STATES}&" if name == "subscriptions" else ""
        (folder / f"{name}.jsonl").write_text(page_line(name, [], 1, 0, 0, head) + "\n", encoding="utf-8")
        return folder


@pytest.fixture
def applied(tmp_path: Path, recording: Path, lago: embedded_lago.LagoServer) -> Iterator[Applied]:
    server = embedded_odoo.serve(tmp_path / "odoo.db", api_key=ODOO_KEY)
    try:
        project = new_project(tmp_path, lago.url, server.url)
        assert project.run("extract").code == 0
        assert project.run("apply").code == 0
        yield Applied(project, recording)
    finally:
        server.close()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def put_another(path: Path) -> None:
    other = path.parent.with_name("month=1999-01")
    other.mkdir()
    shutil.copy(path, other / path.name)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "lost": (Path.unlink, "is missing (275 events)"),
    "truncated": (truncate, "is not as it was written"),
    "flipped": (flip, "is not as it was written"),
    "one too many": (put_another, "is not of the last extract"),
}
READERS = (
    ("preview",),
    ("apply",),
    ("status",),
    ("adopt",),
    ("reconcile", "--control", "--period", "2026-07"),
    ("reconcile", "--period", "2026-07"),
)


def test_a_lost_or_damaged_file_of_events_is_named_by_whoever_reads_it(applied: Applied) -> None:
    before, folder = applied.odoo, applied.files[0].parents[1]
    kept = shutil.copytree(folder, folder.with_name("kept"))
    for damage, (do, said) in DAMAGES.items():
        do(applied.files[-1])
        for command in READERS:
            one_line(applied.project.run(*command), said.replace("275", _count(applied)), "lago2odoo extract")
        doctor = applied.project.run("doctor")
        assert (doctor.code, said.partition(" (")[0] in doctor.out, "Traceback" in doctor.err) == (1, True, False)
        assert applied.odoo == before, damage
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)
    assert applied.project.run("preview").code == 0, "whole again"


def _count(applied: Applied) -> str:
    with sqlite3.connect(applied.project.folder / ".lago2odoo" / "state.db") as db:
        return f"{db.execute('select events from event_files order by path desc').fetchone()[0]:,}"


@pytest.mark.parametrize("name", ["events", "subscriptions", "customers"])
def test_a_list_that_lago_answers_empty_once_removes_nothing(applied: Applied, tmp_path: Path, name: str) -> None:
    before, empty = applied.odoo, applied.without(tmp_path / "empty", name)
    extracted = applied.project.run("extract", "--recording", str(empty))
    lost = "" if name == "events" else f"{name.removesuffix('s')}_lost"
    assert (extracted.code, lost in extracted.out) == (1 if lost else 0, True), "others name what the list lacks"
    shown = applied.project.run("preview", "--format", "json")
    data = json.loads(shown.out)
    result = applied.project.run("apply")
    if name == "events":  # no event at all: Lago forgot them, and that is no correction
        assert (data["removals"], data["kept_usage"] > 900, shown.code, result.code) == ([], True, 0, 0)
        assert "usage records stay in Odoo" in applied.project.run("preview").out
    else:  # what invoices and subscriptions still name is lost, and stays as it is; of the rest nothing goes unasked
        number = sum(removal["number"] for removal in data["removals"])
        assert (shown.code, result.code, number > 0) == (1, 1, name == "customers")
        if number:
            one_line(
                result,
                f"{number} records would be removed or archived",
                "nothing was written",
                f"--allow-removals {number}",
            )
        assert "fusion.billing.usage" not in result.err, "the events are all there"
    assert applied.odoo == before
    assert applied.project.run("extract").code == 0
    assert applied.project.run("preview").code == 0, "Lago shows them again"


def test_a_field_of_an_empty_list_stays_where_an_invoice_names_it(applied: Applied, tmp_path: Path) -> None:
    before, empty = applied.odoo, applied.without(tmp_path / "empty", "applied_coupons")
    extracted = applied.project.run("extract", "--recording", str(empty))
    assert (extracted.code, "coupon_lost" in extracted.out) == (1, True), "an invoice names what the list lacks"
    data = json.loads(applied.project.run("preview", "--format", "json").out)
    assert data["removals"] == []
    assert applied.project.run("apply").code == 1
    assert applied.odoo == before, "its customer waits for the next extract"


def test_fees_that_their_invoices_show_and_no_list_are_told(applied: Applied, tmp_path: Path) -> None:
    empty = applied.without(tmp_path / "empty", "fees")
    result = applied.project.run("extract", "--recording", str(empty))
    said = "fees that invoices show are not in Lago's list of fees any more ("
    assert (result.code, said in result.err, "Traceback" in result.err) == (1, True, False)
    status = applied.project.run("status")
    assert (status.code, said in status.err) == (1, True)
    assert json.loads(applied.project.run("status", "--format", "json").out)["not_waived"]["unlisted_fees"] > 0
    assert said in applied.project.run("preview").out
    month = applied.project.run("reconcile", "--control", "--period", "2026-07").err
    assert "of this month's invoices are not in Lago's list of fees any more (fee_unlisted)" in month
    applied.project.replace("[waive]\nskipped = [", "[waive]\nskipped = ['fee_unlisted', ")
    assert applied.project.run("extract", "--recording", str(empty)).code == 0
    assert said not in applied.project.run("status").err
    assert applied.project.run("extract").code == 0, "Lago shows them again"
    assert "fee_unlisted" in applied.project.run("preview").err, "a waiver of nothing"


def test_an_invoice_that_is_on_no_list_ends_apply_with_1_until_it_is_waived(applied: Applied, tmp_path: Path) -> None:
    """Its own page is there, and its fees name it: what is open of it would be missing in Odoo without a word."""
    folder = tmp_path / "less"
    shutil.copytree(applied.recording, folder)
    invoices = [json.loads(line) for line in (folder / "invoices.jsonl").read_text(encoding="utf-8").splitlines()]
    listed = [
        invoice for page in invoices if page["path"].endswith("/invoices") for invoice in page["body"]["invoices"]
    ]
    lost = next(invoice for invoice in listed if invoice["total_due_amount_cents"] and invoice["status"] == "finalized")
    left = [json.dumps(invoice) for invoice in listed if invoice is not lost]
    own = [json.dumps(page) for page in invoices if not page["path"].endswith("/invoices")]
    text = "\n".join([page_line("invoices", left, 1, 1, len(left)), *own])
    (folder / "invoices.jsonl").write_text(text + "\n", encoding="utf-8")
    applied.project.run("extract", "--recording", str(folder))
    said = f"1 invoices that Lago names are not in the snapshot ({lost['lago_id']})"
    preview, apply = applied.project.run("preview"), applied.project.run("apply", "--allow-removals", "9")
    assert (preview.code, said in preview.out) == (1, True)
    assert (apply.code, said in apply.err, "everything else is written" in apply.err) == (1, True, True)
    data = json.loads(applied.project.run("apply", "--format", "json").out)
    assert [invoice["id"] for invoice in data["lost"]] == [lost["lago_id"]]
    applied.project.replace("[waive]\nskipped = [", f"[waive]\nskipped = ['{lost['lago_id']}', ")
    assert said not in applied.project.run("apply").err
