"""Where a record stands in a recording, and the fields within it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.fuzz.company import Answer, Payload

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A record in an answer: file, number of the answer, root, number in its list (None: it is no list)."""

    file: str
    answer: int
    root: str
    item: int | None


def items_of(answer: Answer) -> Iterator[tuple[str, int | None, Payload]]:
    """The records of an answer: root, number in its list, what is shown."""
    for root, value in answer.body.items():
        if root != "meta" and isinstance(value, dict) and value:
            yield root, None, value
        if isinstance(value, list):
            yield from ((root, number, item) for number, item in enumerate(value) if isinstance(item, dict))


def paths_in(value: object, path: Path) -> Iterator[tuple[Path, object]]:
    """Every field, those of fields too."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield (*path, key), each
        yield from paths_in(each, (*path, key))


def get_at(payload: Any, path: Path) -> Any:
    """What stands there."""
    for part in path:
        payload = payload[part]
    return payload
