"""Pages of Lago's lists: what stands on one, what comes after it, and the keys of its records."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from migrate.errors import PayloadError
from migrate.lago.recorded import API
from migrate.lago.resources import Resource, Shape
from migrate.lago.source import Answer, LagoSource, Query
from migrate.lago.unreadable_pages import Gap
from migrate.rawjson import Piece, elements
from migrate.state.records import Page

NO_ID = "?"  # begins the key of a record without an id; what follows is the hash of its text
ANOTHER = "#"  # parts the id from the hash where one answer has two records of one id


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """A page of a list. ``counted``: how many there are in all; ``unsaid``: why nobody knows what comes after it."""

    page: Page
    pieces: Sequence[Piece]
    counted: int | None
    unsaid: str = ""

    def gaps(self, per_page: int) -> tuple[Gap, ...]:
        """What may stand behind a page that does not say whether another one follows."""
        is_open = self.unsaid and self.page.last
        return (gap_behind(self.page.number, per_page, len(self.pieces), self.unsaid),) if is_open else ()


def gap_behind(number: int, per_page: int, shown: int, why: str) -> Gap:
    """Whatever follows the records of a page, to the end of its list."""
    return Gap((number - 1) * per_page + shown + 1, None, why)


def fetch_page(
    source: LagoSource, resource: Resource, path: str, query: Query, asked: tuple[int, int], per_page: int
) -> FetchedPage:
    """One page of a list. ``asked``: (reading, page number)."""
    reading, number = asked
    answer = answer_of(source, resource, API + path, [*query, ("page", str(number)), ("per_page", str(per_page))])
    pieces = listed(answer, resource, path)
    is_full = resource.paged and len(pieces) >= per_page
    # Lago keeps the count of invoices and fees for half an hour: a full page may have a next one all the same.
    more = bool(pieces) and (says_more(answer) or is_full)
    return FetchedPage(
        Page(reading, number, keys_of(resource, pieces), not more),
        pieces,
        count_in(answer),
        unsaid_of(resource, answer),
    )


def says_more(answer: Answer) -> bool:
    """Whether another page comes after this one, as Lago says."""
    return has_meta(answer) and read_meta(answer, "next_page") is not None


def count_in(answer: Answer) -> int | None:
    """How many records the list has, as Lago says."""
    counted = read_meta(answer, "total_count") if has_meta(answer) else None
    return counted if type(counted) is int else None


def has_meta(answer: Answer) -> bool:
    """Whether a page says which one follows it."""
    return "meta" in answer and isinstance(answer["meta"].value, dict) and "next_page" in answer["meta"].value


def unsaid_of(resource: Resource, answer: Answer) -> str:
    """Why nobody knows what comes after this page; empty where it is said, or there are no pages."""
    if not resource.paged or has_meta(answer):
        return ""
    return "a page does not say whether another one follows (it has no meta), asked twice; extract again"


def answer_of(source: LagoSource, resource: Resource, path: str, query: Query) -> Answer:
    """The answer. A list without records, or without its meta, is believed when it comes twice in a row.

    What Lago shows no more is taken for gone, and something between Lago and us may have emptied an answer, once.
    """
    answer = source.get(path, query)
    shown = answer.get(resource.root)
    is_cut = resource.shape is Shape.LIST and bool(unsaid_of(resource, answer))
    return source.get(path, query) if shown is not None and (shown.value == [] or is_cut) else answer


def listed(answer: Answer, resource: Resource, path: str) -> list[Piece]:
    """The records under the answer's root."""
    if resource.root not in answer or not isinstance(answer[resource.root].value, list):
        raise PayloadError(f"{resource.name}: the answer to {path} has no list {resource.root!r}")
    return elements(answer[resource.root].text)


def whole_list(source: LagoSource, resource: Resource, path: str, query: Query, answer: Answer) -> tuple[Piece, str]:
    """What stands under the root of ``answer``, and what to say of it if there is more: of a list all of its pages."""
    first = answer[resource.root]
    if not (isinstance(first.value, list) and says_more(answer)):
        return first, ""
    pieces, number = elements(first.text), 1
    while says_more(answer):
        number += 1
        answer = answer_of(source, resource, API + path, [*query, ("page", str(number))])
        new = [piece for piece in listed(answer, resource, path) if piece not in pieces]
        if not new:
            break
        pieces += new
    counted = count_in(answer)
    lacking = counted is not None and counted > len(pieces)
    told = f"Lago counts {counted:,} and shows {len(pieces):,} of them; extract again" if lacking else ""
    return Piece(f"[{','.join(p.text for p in pieces)}]", [p.value for p in pieces]), told


def keys_of(resource: Resource, pieces: Sequence[Piece]) -> tuple[str, ...]:
    """The keys of one answer's records. Two records of one id are two: which of them is meant cannot be told."""
    first: dict[str, str] = {}
    keys = []
    for piece in pieces:
        key = key_of(resource, piece)
        same = first.setdefault(key, piece.text) == piece.text
        keys.append(key if same else f"{key}{ANOTHER}{_hash(piece)}")
    return tuple(keys)


def _hash(piece: Piece) -> str:
    return hashlib.sha256(piece.text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def key_of(resource: Resource, piece: Piece) -> str:
    """The record's id; of one without, a key of its own."""
    field = "code" if resource.name == "features" else "lago_id"  # features have a code only
    key = piece.value.get(field) if isinstance(piece.value, dict) else None
    usable = isinstance(key, str) and is_name(key) and key.isascii()
    return str(key) if usable else f"{NO_ID}{_hash(piece)}"


def is_name(value: object) -> bool:
    """Whether a value can be part of a path."""
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


def read_meta(answer: Answer, name: str) -> object:
    """A field of the paging that Lago adds to a list; None without."""
    meta = answer["meta"].value
    return meta.get(name) if isinstance(meta, dict) else None
