"""What holds the moment of the call is no other record at every extract: counters of a subscription."""

from __future__ import annotations

import json
from pathlib import Path

from migrate.lago.asked_at import as_known
from migrate.lago.extract import extract
from migrate.lago.recorded import RecordedLago, RecordingSource
from migrate.lago.source import Answer, Query
from migrate.rawjson import members
from migrate.state.digest import digest
from migrate.state.records import Changes, Raw
from migrate.state.store import Store

NAME = "lifetime_usage"


class Counting(RecordingSource):
    """A Lago with its licence, asked at ``at``: every running subscription has counters."""

    def __init__(self, lago: RecordedLago, at: str, invoiced: int = 700) -> None:
        super().__init__(lago)
        self.at, self.invoiced = at, invoiced

    def get(self, path: str, query: Query = ()) -> Answer:
        if not path.endswith(f"/{NAME}"):
            return super().get(path, query)
        counters = {"lago_id": "00000000-0000-4000-8000-000000000001", "to_datetime": self.at}
        return members(json.dumps({NAME: {**counters, "invoiced_usage_amount_cents": self.invoiced}}))


def told(source: RecordingSource, folder: Path) -> tuple[Changes, str]:
    """What an extract says of the counters, and the name of everything that was read."""
    with Store.open(folder / "state.db") as store:
        return extract(source, store, folder / "events").resources[NAME], digest(store)


def test_another_moment_is_no_other_record(small: RecordedLago, tmp_path: Path) -> None:
    first, name = told(Counting(small, "2026-08-01T00:00:00Z"), tmp_path)
    assert first.new == first.total > 0
    again, same = told(Counting(small, "2026-08-01T06:00:00Z"), tmp_path)
    assert (again, same) == (Changes(first.total, 0, 0, 0), name)


def test_another_amount_is(small: RecordedLago, tmp_path: Path) -> None:
    first, name = told(Counting(small, "2026-08-01T00:00:00Z"), tmp_path)
    moved, other = told(Counting(small, "2026-08-01T00:00:00Z", invoiced=701), tmp_path)
    assert moved == Changes(first.total, 0, first.total, 0)
    assert other != name


def test_what_is_known_and_cannot_be_read_is_not_the_same() -> None:
    fresh = Raw(NAME, "key", '{"to_datetime": "b"}')
    for known in (None, '{"to_datetime"', "[]", '{"to_datetime": "a", "more": 1}'):
        assert as_known(fresh, known, "to_datetime") is fresh
    assert as_known(fresh, '{"to_datetime": "a"}', "to_datetime").payload == '{"to_datetime": "a"}'
