"""Ages of open items over runs, and the file that remembers the runs."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reports import json as report_json
from reports import stored
from reports.data import Age, Position, RefusalView, ReportData
from reports.evidence import ageing
from reports.evidence.ageing import HistoryError, Past
from tests.reporting.sample import NOW, equal, finding, invoice, position, sample


def month(day: int, *positions: Position, customer: str = "NX-1", **run: object) -> ReportData:
    """A report of July as compared ``day`` days after the first run."""
    data = replace(equal(), invoices=(invoice(1, *positions, customer=customer),))
    return replace(data, run=replace(data.run, compared_at=NOW + timedelta(days=day), **run))  # type: ignore[arg-type]


def past(*reports: ReportData) -> tuple[Past, ...]:
    """The same reports as the history remembers them."""
    return tuple(
        Past(
            period=r.run.period,
            pair=r.run.pair,
            compared_at=r.run.compared_at,
            customers=frozenset(i.customer for i in r.invoices),
            different=frozenset(p.id for _, p in r.rows() if p.status in ("differs", "refused")),
        )
        for r in reports
    )


def age(data: ReportData, *before: ReportData) -> Age | None:
    return ageing.apply(data, past(*before)).invoices[0].positions[0].age


def note(folder: Path, data: ReportData, **inputs: str) -> Path:
    report = folder / "2026-07.json"
    report.write_bytes(b"report")
    return ageing.append(report, data, inputs)


OPEN, FINE = position(1, 5, 6, 5), position(1, 5, 5, 5)
FIRST = NOW.date()


def test_the_first_run_that_finds_it_starts_the_clock() -> None:
    assert age(month(0, OPEN)) == Age(since=FIRST, runs=1, days=0)


def test_each_run_that_finds_it_again_counts() -> None:
    assert age(month(45, OPEN), month(0, OPEN), month(30, OPEN)) == Age(since=FIRST, runs=3, days=45)


def test_the_order_of_the_runs_does_not_matter_and_later_ones_do_not_count() -> None:
    assert age(month(45, OPEN), month(60, OPEN), month(30, OPEN), month(0, OPEN)) == Age(since=FIRST, runs=3, days=45)


def test_settled_in_between_starts_anew() -> None:
    runs = (month(0, OPEN), month(10, FINE), month(20, OPEN))
    assert age(month(30, OPEN), *runs) == Age(since=FIRST + timedelta(days=20), runs=2, days=10, reopened=1)


@pytest.mark.parametrize(
    "other",
    [
        month(10, FINE, customer="NX-2"),  # a cohort without this customer
        month(10, FINE, period="2026-06"),
        month(10, FINE, pair=("lago", "rerate")),  # a control run
    ],
)
def test_a_run_that_did_not_look_settles_nothing(other: ReportData) -> None:
    assert age(month(30, OPEN), month(0, OPEN), other) == Age(since=FIRST, runs=2, days=30)


def test_a_run_of_all_months_looks_at_this_one() -> None:
    assert age(month(30, OPEN), month(0, OPEN), month(10, FINE, period="all")) == Age(
        since=FIRST + timedelta(days=30), runs=1, days=0, reopened=1
    )


def test_what_agrees_has_no_age() -> None:
    assert age(month(30, FINE), month(0, OPEN)) is None


def test_a_waiver_does_not_stop_the_clock(tmp_path: Path) -> None:
    waived = position(1, 5, 6, 5, findings=(finding(1, waiver="w"),))
    for day, shown in ((0, OPEN), (40, waived)):
        note(tmp_path, month(day, shown))
    aged = ageing.apply(month(80, OPEN), ageing.read(tmp_path))
    assert aged.invoices[0].positions[0].age == Age(since=FIRST, runs=3, days=80)


@pytest.mark.parametrize(
    ("days", "name"),
    [(0, "0-30"), (30, "0-30"), (31, "31-60"), (60, "31-60"), (61, "61-90"), (90, "61-90"), (91, "90+"), (900, "90+")],
)
def test_buckets_by_days(days: int, name: str) -> None:
    assert ageing.bucket(days) == name


def test_buckets_count_what_is_open_by_currency() -> None:
    def aged(number: int, days: int, **more: object) -> Position:
        lago, odoo = (5, 5 + (-1) ** number * number)
        return position(number, lago, odoo, 5, age=Age(since=FIRST - timedelta(days=days), runs=2, days=days), **more)

    waived = aged(7, 100, findings=(finding(-7, waiver="w"),))
    refusal = RefusalView(side="odoo", reason="r", detail="", waiver="refused:r")
    refused = position(9, 5, None, 5, age=Age(since=FIRST, runs=1, days=0))
    data = replace(
        sample(),
        invoices=(
            invoice(1, aged(1, 3), aged(2, 5), aged(3, 95), waived, FINE),
            invoice(2, aged(4, 45), currency="JPY"),
            invoice(3, refused),
            invoice(4, refused, refusals=(refusal,)),
        ),
    )
    found = [(b.currency, b.name, b.count, b.delta_cents, b.gross_cents, b.oldest) for b in ageing.buckets(data)]
    assert found == [
        ("CAD", "0-30", 3, 1, 3, FIRST - timedelta(days=5)),
        ("CAD", "90+", 1, -3, 3, FIRST - timedelta(days=95)),
        ("JPY", "31-60", 1, 4, 4, FIRST - timedelta(days=45)),
    ]


# --- the file ---


def test_a_run_is_read_as_it_was_noted(tmp_path: Path) -> None:
    data = sample()
    assert ageing.read(tmp_path) == ()
    path = note(tmp_path, data, snapshot="abc")
    assert path == tmp_path / "history" / "runs.jsonl"
    (one,) = ageing.read(tmp_path)
    assert (one.period, one.pair, one.compared_at) == ("2026-07", ("lago", "odoo"), NOW)
    assert one.customers == {i.customer for i in data.invoices}
    assert one.different == {p.id for _, p in data.rows() if p.status not in ("equal", "outside") or p.doubt}
    assert one.report_sha256 == hashlib.sha256(b"report").hexdigest()
    assert one.inputs == {"snapshot": "abc"}


def test_the_last_run_of_a_file(tmp_path: Path) -> None:
    for day, name in enumerate(("2026-07.json", "2026-07.control.json", "2026-07.json", "2026-07.pilot.json")):
        (tmp_path / name).write_bytes(b"")
        ageing.append(tmp_path / name, month(day, OPEN), {})
    runs = ageing.read(tmp_path)
    assert ageing.last(runs, "2026-07.json") == runs[2]
    assert ageing.last(runs, "2026-07.pilot.json") == runs[3]
    assert ageing.last(runs, "2026-08.json") is None


def three(folder: Path) -> Path:
    for day in range(3):
        path = note(folder, month(day, OPEN))
    return path


def test_a_killed_run_leaves_the_history_usable(tmp_path: Path) -> None:
    path = three(tmp_path)
    whole = path.read_bytes()
    for length in range(len(whole.rpartition(b"\n")[0].rpartition(b"\n")[0]) + 2, len(whole)):
        path.write_bytes(whole[:length])
        assert len(ageing.read(tmp_path)) == 2
    note(tmp_path, month(2, OPEN))
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [("NX-1", "NX-2", 2), ('"lago"', '"lega"', 2), ("{", "[", 1), ("customers", "patrons", 1)],
)
def test_an_edited_history_is_noticed(tmp_path: Path, old: str, new: str, line: int) -> None:
    path = three(tmp_path)
    path.write_text(path.read_text("utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(HistoryError, match=rf"runs.jsonl:{line}: .*backup"):
        ageing.read(tmp_path)
    before = path.read_bytes()
    with pytest.raises(HistoryError):
        note(tmp_path, month(5, OPEN))
    assert path.read_bytes() == before


def test_a_removed_run_is_noticed(tmp_path: Path) -> None:
    path = three(tmp_path)
    first, _, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + last)
    with pytest.raises(HistoryError, match=r"runs\.jsonl:2: this line does not follow"):
        ageing.read(tmp_path)


def test_runs_at_the_same_time_are_all_noted(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda day: note(tmp_path, month(day, OPEN)), range(24)))
    assert {p.compared_at for p in ageing.read(tmp_path)} == {NOW + timedelta(days=day) for day in range(24)}


def test_ages_are_part_of_the_stored_report(tmp_path: Path) -> None:
    data = ageing.apply(month(45, OPEN), past(month(0, OPEN)))
    report_json.write(data, tmp_path / "r.json")
    assert stored.read(tmp_path / "r.json") == data
    written = json.loads((tmp_path / "r.json").read_text("utf-8"))["invoices"][0]["positions"][0]["age"]
    assert written == {"since": FIRST.isoformat(), "runs": 2, "days": 45, "reopened": 0}
