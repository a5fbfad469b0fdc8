"""Lists whose pages do not say what follows them, and lists that are read below a record: to the end, or named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from migrate.lago.extract import counts, extract
from migrate.lago.recorded import RecordedLago, RecordingSource
from migrate.lago.recording import Recording, bundled
from migrate.lago.snapshot import load_snapshot
from migrate.lago.source import Answer, Query
from migrate.rawjson import Piece, elements
from migrate.state.store import Store


class NoMeta(RecordingSource):
    """Something before Lago that loses the paging of one page, so many times."""

    def __init__(self, lago: RecordedLago, path: str, page: str, times: int) -> None:
        super().__init__(lago)
        self.path, self.page, self.times = path, page, times

    def get(self, path: str, query: Query = ()) -> Answer:
        answer = super().get(path, query)
        if path != self.path or self.times <= 0 or not self._is_asked(answer, query):
            return answer
        self.times -= 1
        return {name: piece for name, piece in answer.items() if name != "meta"}

    def _is_asked(self, answer: Answer, query: Query) -> bool:
        is_last = self.page == "last" and answer["meta"].value["next_page"] is None
        return is_last or ("page", self.page) in query


@pytest.mark.parametrize(("name", "page"), [("fees", "1"), ("fees", "2"), ("invoices", "1"), ("events", "1")])
def test_a_page_that_loses_its_paging_once_costs_nothing(
    small: RecordedLago, tmp_path: Path, name: str, page: str
) -> None:
    with Store.open(tmp_path / "state.db") as store:
        whole = extract(RecordingSource(small), store, tmp_path / "events", per_page=20)
        again = extract(NoMeta(small, f"/api/v1/{name}", page, 1), store, tmp_path / "events", per_page=20)
        assert (again.events, again.left_out) == (whole.events, whole.left_out)
        assert {n: c.gone for n, c in again.resources.items() if c.gone} == {}


@pytest.mark.parametrize("name", ["fees", "credit_notes", "taxes", "events", "customers"])
def test_a_list_whose_end_nobody_tells_is_a_gap_that_is_named(small: RecordedLago, tmp_path: Path, name: str) -> None:
    """It took what came until then for all there is, and ended with 0."""
    page = "1" if name == "events" else "last"
    with Store.open(tmp_path / "state.db") as store:
        whole = extract(RecordingSource(small), store, tmp_path / "events", per_page=20)
        extract(NoMeta(small, f"/api/v1/{name}", page, 9999), store, tmp_path / "events", per_page=20)
        unread = [item for item in load_snapshot(store).quarantined if item.of_page]
        assert counts(store) == {n: c.total for n, c in whole.resources.items()} | {"events": whole.events}
    assert {item.resource for item in unread} == {name}
    assert all("does not say whether another one follows" in str(item.problem) for item in unread)


class InPages(RecordingSource):
    """A Lago that gives what is below a subscription one by one."""

    def get(self, path: str, query: Query = ()) -> Answer:
        if not path.endswith("/fixed_charges"):
            return super().get(path, query)
        answer = super().get(path, [pair for pair in query if pair[0] != "page"])
        pieces = elements(answer["fixed_charges"].text)
        number = int(dict(query).get("page", "1"))
        shown = pieces[number - 1 : number]
        more = number + 1 if number < len(pieces) else None
        meta = {"current_page": number, "next_page": more, "total_pages": len(pieces), "total_count": len(pieces)}
        listed = Piece(f"[{','.join(piece.text for piece in shown)}]", [piece.value for piece in shown])
        return {"fixed_charges": listed, "meta": Piece(json.dumps(meta), meta)}


def test_what_is_below_a_record_is_read_to_its_last_page(tmp_path: Path) -> None:
    """The first page of a subscription's fixed charges was taken for all of them."""
    lago = RecordedLago(Recording.open(bundled()))
    with Store.open(tmp_path / "state.db") as store:
        extract(RecordingSource(lago), store, tmp_path / "events")
        whole = {s.lago_id: s.fixed_charges for s in load_snapshot(store).subscriptions}
        extract(InPages(lago), store, tmp_path / "events")
        assert {s.lago_id: s.fixed_charges for s in load_snapshot(store).subscriptions} == whole
    assert max(len(charges or ()) for charges in whole.values()) > 1
