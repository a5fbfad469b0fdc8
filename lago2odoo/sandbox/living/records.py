"""The records of a living Lago: read and changed as its lists and its own pages show them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid5

from migrate.lago.filters import Payload
from migrate.lago.recorded import API, SHELVES, RecordedLago
from migrate.lago.recording import Recording
from migrate.rawjson import Piece, loads

Record = dict[str, Any]
_IDS = UUID("6f1d1c9e-6a4e-4d0e-9a55-0c7b3c1f0b5a")  # the space of the ids that are made here


class LivingRecords(RecordedLago):
    """What stands in a Lago, and ``now``: its clock."""

    def __init__(self, recording: Recording) -> None:
        super().__init__(recording)
        self.now: datetime = super().clock()
        self.decoded: dict[str, tuple[Record, object]] = {}  # subscription -> its record, and what was read of it
        self._made = 0

    def listed(self, shelf: str) -> Iterator[Record]:
        """The records of a list, newest first."""
        return (piece.value for piece in self._records(SHELVES[shelf]))

    def own_page(self, shelf: str, record: Payload) -> Record:
        """A record as its own page shows it; as the list does where it has none."""
        page = self._own.get(_place(shelf, record))
        return dict(page.value if page else record)

    def below(self, path: str, root: str) -> list[Record] | None:
        """A list below a record, where it was recorded."""
        whole = f"{API}{path}"
        return [piece.value for piece in self._recorded_below(whole, root)] if whole in self._lists else None

    def running(self, external_id: str) -> Record | None:
        """The active subscription of an external id."""
        ours = (s for s in self.listed("subscriptions") if s["external_id"] == external_id)
        return next((s for s in ours if s["status"] == "active"), None)

    def timezone(self, customer: str) -> str:
        """The time zone of a customer (Lago's id)."""
        (holder,) = (c for c in self.listed("customers") if c["lago_id"] == customer)
        return str(holder["applicable_timezone"])

    def new_id(self, kind: str) -> str:
        """The next id; the same in each run that does the same."""
        self._made += 1
        return str(uuid5(_IDS, f"{kind} {self._made}"))

    def add(self, shelf: str, record: Payload, more: Payload | None = None) -> None:
        """A new record, with what its own page shows beside it."""
        self._records(SHELVES[shelf]).insert(0, _piece(record))
        self._show_page(shelf, {**record, **(more or {})})

    def change(self, shelf: str, record: Payload, **changed: object) -> Record:
        """The record with other fields, in its list and on its own page."""
        page = self.own_page(shelf, record)
        self._own.pop(_place(shelf, record), None)
        after = {**record, **changed}
        pieces = self._records(SHELVES[shelf])
        (place,) = (index for index, piece in enumerate(pieces) if piece.value["lago_id"] == record["lago_id"])
        pieces[place] = _piece(after)
        self._show_page(shelf, {**page, **changed})
        return after

    def replace_fees(self, invoice: str, fees: Sequence[Record]) -> None:
        """The fees of an invoice (Lago's id), in place of those that it had as a draft."""
        pieces = self._records(SHELVES["fees"])
        pieces[:] = [piece for piece in pieces if piece.value["lago_invoice_id"] != invoice]
        for fee in fees:
            self.add("fees", fee)

    def forget_below(self, path: str) -> None:
        """A list below a record that has ended."""
        self._lists.pop(f"{API}{path}", None)

    def _show_page(self, shelf: str, page: Payload) -> None:
        if SHELVES[shelf].own_file:
            self._own[_place(shelf, page)] = _piece(page)
        self.touch()


def _place(shelf: str, record: Payload) -> tuple[str, str]:
    """Where the own page of a record stands."""
    key = quote(str(record[SHELVES[shelf].key]), safe="")
    return f"{API}/{shelf}/{key}", str(record["status"]) if shelf == "subscriptions" else ""


def _piece(record: Payload) -> Piece:
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=_number)
    return Piece(text, loads(text))


def _number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} is nothing that Lago shows")
