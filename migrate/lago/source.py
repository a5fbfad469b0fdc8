"""What extract reads from: a running Lago, or a recording of one that answers in the same way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol
from urllib.parse import quote

from migrate.errors import LagoRefused
from migrate.rawjson import Piece

Answer = Mapping[str, Piece]  # the members of the answer's JSON object
Query = Sequence[tuple[str, str]]


class LagoRefusal(LagoRefused):
    """Lago's own no: ``status`` 4xx and the ``code`` of its error body ("" where it has none)."""

    def __init__(self, path: str, status: int, code: str, advice: str = "", *, method: str = "GET") -> None:
        said = f"{status} {code}".rstrip()
        super().__init__(f"Lago answers {said} to {method} {path}" + (f": {advice}" if advice else ""))
        self.path, self.status, self.code = path, status, code


class LagoSource(Protocol):
    """One Lago. Calls may come from several threads."""

    @property
    def name(self) -> str:
        """For messages: the URL, or the path of the recording."""

    @property
    def connections(self) -> int:
        """How many calls at a time are worth making."""

    @property
    def has_clock(self) -> bool:
        """Whether its time is a clock's, which may be wrong."""

    def get(self, path: str, query: Query = ()) -> Answer:
        """Raises LagoRefusal, LagoRefused, LagoUnreachable or LagoError; the message is complete."""

    def close(self) -> None:
        """End the calls that other threads are making; nothing can be read afterwards."""

    def clock(self) -> str:
        """Lago's own time, ISO 8601 in UTC: what it shows is the state of that moment."""


def segment(value: str) -> str:
    """A value as one segment of a path."""
    return quote(value, safe="")
