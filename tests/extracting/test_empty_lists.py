"""A list that comes back empty, once, is no deletion: what is between Lago and us may have made it so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from migrate.lago.extract import ExtractReport, extract
from migrate.lago.recorded import RecordedLago, RecordingSource
from migrate.lago.source import Answer, Query
from migrate.rawjson import Piece
from migrate.state.store import Store
from tests.extracting.test_kill import dump

PER_PAGE = 15
NOTHING = {"current_page": 0, "next_page": None, "prev_page": None, "total_pages": 0, "total_count": 0}


class Emptying(RecordingSource):
    """Every page of a list is answered as if there was nothing: so many times, then as it is."""

    def __init__(self, lago: RecordedLago, times: int, only: str = "") -> None:
        super().__init__(lago)
        self.times, self.only = times, only
        self.emptied: dict[object, int] = {}

    def get(self, path: str, query: Query = ()) -> Answer:
        answer = super().get(path, query)
        lists = [name for name, piece in answer.items() if isinstance(piece.value, list)]
        page = (path, tuple(query))
        if not lists or self.only not in path or self.emptied.get(page, 0) >= self.times:
            return answer
        self.emptied[page] = self.emptied.get(page, 0) + 1
        meta = {"meta": Piece(json.dumps(NOTHING), NOTHING)} if "meta" in answer else {}
        return {**answer, **dict.fromkeys(lists, Piece("[]", [])), **meta}


def extracted(source: RecordingSource, folder: Path) -> ExtractReport:
    with Store.open(folder / "state.db") as store:
        return extract(source, store, folder / "events", per_page=PER_PAGE)


def told(source: RecordingSource, folder: Path) -> tuple[ExtractReport, Any]:
    folder.mkdir(exist_ok=True)
    found = extracted(source, folder)
    return found, dump(f"sqlite:///{folder}/state.db", folder / "events")


def test_what_comes_back_empty_once_is_asked_for_again(small: RecordedLago, tmp_path: Path) -> None:
    _, calm = told(RecordingSource(small), tmp_path / "calm")
    source = Emptying(small, 1)
    found, disturbed = told(source, tmp_path / "disturbed")
    assert disturbed == calm
    assert found.events > 100
    assert {name.rpartition("/")[2] for name, _ in source.emptied} > {"customers", "invoices", "events"}  # type: ignore[misc]


def test_nothing_is_gone_in_the_next_extract_either(small: RecordedLago, tmp_path: Path) -> None:
    told(RecordingSource(small), tmp_path)
    found, _ = told(Emptying(small, 1), tmp_path)
    assert {name: changes.gone for name, changes in found.resources.items() if changes.gone} == {}


def test_what_is_empty_twice_is_gone_and_said_so(small: RecordedLago, tmp_path: Path) -> None:
    """It may be true: how many are gone stands in the report, and ``apply`` asks before it removes them."""
    before, _ = told(RecordingSource(small), tmp_path)
    found = extracted(Emptying(small, 2, only="/wallets"), tmp_path)
    assert found.resources["wallets"].gone == before.resources["wallets"].total > 0


def test_an_empty_list_costs_one_more_call(small: RecordedLago, tmp_path: Path) -> None:
    class Counting(RecordingSource):
        calls = 0

        def get(self, path: str, query: Query = ()) -> Answer:
            self.calls += path.endswith("/payment_requests")
            return super().get(path, query)

    source = Counting(small)
    extracted(source, tmp_path)
    assert source.calls == 2
