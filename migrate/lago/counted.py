"""What of Lago is counted and not read: its second engine (``/api/v2``), orders and quotes.

An endpoint that answers 404, or that the organization may not have (its licence), holds nothing. The shapes are those
of Lago's public source of autumn 2026: pages with a cursor (``limit``, ``after``), each record with a ``lago_id``, and
contracts that are shown by their state, the active ones where none is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass

from mappings.records import Counted
from migrate.errors import PayloadError
from migrate.lago.recorded import API
from migrate.lago.refused import is_of_licence
from migrate.lago.source import Answer, LagoRefusal, LagoSource, Query
from migrate.progress import Progress
from migrate.rawjson import Piece, elements
from migrate.state.records import Run
from migrate.state.store import Store

UNIT = "counted/"  # begins the units of work under which the state keeps the counts
SECOND = "/api/v2"
_PER_PAGE = "100"
_STATES = ("", "pending", "active", "terminated", "canceled")  # the first: what is shown where no state is asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """How one kind is asked for; ``is_unread``: which of its records will be billed, and are not here."""

    resource: str
    path: str
    root: str
    states: tuple[str, ...] = ("",)
    is_unread: Callable[[Piece], bool] = lambda record: True


def _waits(order: Piece) -> bool:
    return isinstance(order.value, Mapping) and order.value.get("executed_at") is None


COUNTED = (
    Counting(resource="contract", path=f"{SECOND}/contracts", root="contracts", states=_STATES),
    Counting(resource="rate_card", path=f"{SECOND}/rate_cards", root="rate_cards"),
    Counting(resource="catalog_product", path=f"{SECOND}/products", root="products"),
    Counting(resource="catalog_plan", path=f"{SECOND}/plans", root="plans"),
    Counting(resource="order", path=f"{API}/orders", root="orders", is_unread=_waits),
    Counting(resource="quote", path=f"{API}/quotes", root="quotes", is_unread=lambda record: False),
)


def count_all(source: LagoSource) -> Iterator[Counted]:
    """Each kind. Raises LagoError and its kinds, and PayloadError for an answer that is no list."""
    return (count(source, counting) for counting in COUNTED)


def count(source: LagoSource, counting: Counting) -> Counted:
    """The records of one kind, each once."""
    shown: dict[str, bool] = {}
    try:
        for state in counting.states:
            query = [("status[]", state)] if state else []
            for record in _pages(source, counting, query):
                shown[_identity(record)] = counting.is_unread(record)
    except LagoRefusal as refusal:
        if refusal.status in (404, 405) or is_of_licence(refusal):
            return Counted(resource=counting.resource)
        if refusal.status == 403:
            return Counted(resource=counting.resource, unknown=f"the API key may not read them ({refusal.code or 403})")
        raise
    return Counted(resource=counting.resource, number=len(shown), unread=sum(shown.values()))


def keep_counted(source: LagoSource, store: Store, run: Run, progress: Progress) -> None:
    """Count what this run has not counted yet, and write it down."""
    done = store.done(run, UNIT)
    for counting in COUNTED:
        if UNIT + counting.resource not in done:
            counted = count(source, counting)
            with store.begin() as db:
                store.mark(db, run, UNIT + counting.resource, json.dumps(asdict(counted)))
            if counted.number:
                progress(counting.root, counted.number, counted.number)


def kept_counts(store: Store, run: Run) -> tuple[Counted, ...]:
    """What was counted, without what there is none of."""
    notes = store.done(run, UNIT).values()
    counts = (Counted(**json.loads(note)) for note in notes if note)
    order = [counting.resource for counting in COUNTED]
    return tuple(
        sorted((c for c in counts if c.number or c.unknown), key=lambda counted: order.index(counted.resource))
    )


def _pages(source: LagoSource, counting: Counting, query: Query) -> Iterator[Piece]:
    """All records, page by page, until Lago names no further one or shows the same again."""
    following: Query = [("limit", _PER_PAGE)] if counting.path.startswith(SECOND) else [("per_page", _PER_PAGE)]
    asked: set[Query] = set()
    while tuple(following) not in asked:
        asked.add(tuple(following))
        answer = source.get(counting.path, [*query, *following])
        if counting.root not in answer or not isinstance(answer[counting.root].value, list):
            raise PayloadError(f"the answer to {counting.path} has no list {counting.root!r}")
        yield from elements(answer[counting.root].text)
        following = _next(answer)
        if not following:
            return


def _next(answer: Answer) -> Query:
    meta = answer["meta"].value if "meta" in answer else None
    if not isinstance(meta, Mapping):
        return ()
    if cursor := meta.get("next_cursor"):
        return (("limit", _PER_PAGE), ("after", str(cursor)))
    return (("per_page", _PER_PAGE), ("page", str(meta["next_page"]))) if meta.get("next_page") else ()


def _identity(record: Piece) -> str:
    shown = record.value.get("lago_id") if isinstance(record.value, Mapping) else None
    return str(shown or record.text)
