"""A history that was cut does not look like the first run: the state knows how far it came."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reports.evidence import ageing
from reports.evidence.ageing import FILE, START, Head, HistoryError

NOW = datetime(2026, 8, 20, tzinfo=UTC)


def line(previous: str, at: datetime, **other: object) -> bytes:
    row = {
        "previous": previous, "period": "2026-07", "pair": ["lago", "odoo"], "compared_at": at.isoformat(),
        "report": "2026-07.json", "report_sha256": "ab" * 32, "inputs": {}, "customers": ["C"], "different": ["x"],
        **other,
    }  # fmt: skip
    return json.dumps(row).encode() + b"\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Reports of three runs."""
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / "2026-07.json").write_text("{}", encoding="utf-8")
    write(tmp_path, three())
    return tmp_path


def three() -> list[bytes]:
    first = line(START, NOW - timedelta(days=40))
    second = line(ageing._hash(first), NOW - timedelta(days=20))
    return [first, second, line(ageing._hash(second), NOW - timedelta(days=1))]


def write(folder: Path, lines: list[bytes]) -> None:
    (folder / FILE).write_bytes(b"".join(lines))


def known(folder: Path) -> Head:
    head = ageing.head(folder)
    assert head is not None
    return head


def test_a_history_that_goes_on_is_as_it_was_known(folder: Path) -> None:
    head = known(folder)
    ageing.require_continued(folder, head, NOW)
    write(folder, [*three(), line(head.sha256, NOW)])  # killed before the state was told
    ageing.require_continued(folder, head, NOW)


CUTS = {
    "gone": [],
    "a line": three()[:2],
    "two lines": three()[:1],
    "half a line": [*three()[:2], three()[2][:40]],
    "another line": [*three()[:2], line(ageing._hash(three()[1]), NOW, different=[])],
}


@pytest.mark.parametrize("cut", CUTS)
def test_what_was_cut_is_told_with_the_way_out(folder: Path, cut: str) -> None:
    head = known(folder)
    write(folder, CUTS[cut])
    with pytest.raises(HistoryError, match=r"runs.jsonl: it was cut or changed: the state knows of 3 runs.*backup"):
        ageing.require_continued(folder, head, NOW)


def test_a_lost_file_is_no_first_run_and_an_empty_folder_is_one(folder: Path) -> None:
    head = known(folder)
    (folder / FILE).unlink()
    with pytest.raises(HistoryError, match="and 0 stand there"):
        ageing.require_continued(folder, head, NOW)
    (folder / "2026-07.json").unlink()
    ageing.require_continued(folder, head, NOW)
    with pytest.raises(HistoryError):  # the clock holds for a new history too
        ageing.require_continued(folder, head, NOW - timedelta(days=9))


def test_the_line_of_a_wrong_clock_may_be_taken_out(folder: Path) -> None:
    future = line(ageing._hash(three()[2]), NOW + timedelta(days=900))
    write(folder, [*three(), future])
    head = known(folder)
    write(folder, three())
    ageing.require_continued(folder, head, NOW)
    write(folder, three()[:2])
    with pytest.raises(HistoryError):
        ageing.require_continued(folder, head, NOW)


@pytest.mark.parametrize(
    "bad",
    [
        b"\0" * 40 + b"\n",
        b"[]\n",
        b"7\n",
        b"null\n",
        b'"runs"\n',
        b"{\n",
        b"[" * 20_000 + b"\n",
        b"\xff\xfe\n",
        b"\n",
        three()[0],
        line(ageing._hash(three()[2]), NOW, compared_at="2026-08-20T00:00:00"),
        line(ageing._hash(three()[2]), NOW, compared_at=7),
        line(ageing._hash(three()[2]), NOW, customers="C"),
        line(ageing._hash(three()[2]), NOW, customers=[["C"]]),
        line(ageing._hash(three()[2]), NOW, different={"x": 1}),
        line(ageing._hash(three()[2]), NOW, pair="ab"),
        line(ageing._hash(three()[2]), NOW, inputs=[1]),
        line(ageing._hash(three()[2]), NOW, period=None),
    ],
)
def test_a_line_that_is_no_run_is_named(folder: Path, bad: bytes) -> None:
    write(folder, [*three(), bad])
    for read in (ageing.read, ageing.head):
        with pytest.raises(HistoryError, match=r"runs.jsonl:4: this line (is not a run|does not follow)") as refused:
            read(folder)
        assert "\n" not in str(refused.value)
