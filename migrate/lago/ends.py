"""The one thing that is written to Lago: when a subscription ends. With a key of its own, and read back by the caller.

Lago's DELETE ends at once, knows no trial and no way back (facts/lago-cutover §3): it is not here. ``ending_at`` can be
taken back until its day, and put there twice it is the same, so that it is tried again as any reading is.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TypeAlias

from migrate.errors import LagoError
from migrate.lago.client import LagoClient
from migrate.lago.filters import Payload
from migrate.lago.list_pages import fetch_page
from migrate.lago.resources import ALL_STATES, RESOURCES
from migrate.lago.source import Answer, LagoRefusal, LagoSource, Query, segment

_SUBSCRIPTIONS = "/api/v1/subscriptions"
_PAGE = 100
_RESOURCES = {resource.name: resource for resource in RESOURCES}
Shown: TypeAlias = Payload  # a record as Lago shows it


class LagoEnds(LagoClient):
    """A Lago in which ends may be set."""

    def set_end(self, external_id: str, ending_at: datetime | None) -> None:
        """Ask Lago to end its active subscription then, with its defaults; None: to take its end back."""
        text = ending_at and f"{ending_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        body = {"subscription": {"ending_at": text}}
        with self._masked.errors():
            self._asked(f"{_SUBSCRIPTIONS}/{segment(external_id)}", (), body)


def shown_subscription(lago: LagoSource, external_id: str) -> Shown | None:
    """The active subscription of an external id; None if Lago has none."""
    try:
        answer = lago.get(f"{_SUBSCRIPTIONS}/{segment(external_id)}", ())
    except LagoRefusal as refusal:
        if refusal.status != 404:
            raise
        return None
    return record_of(answer, "subscription")


def record_of(answer: Answer, name: str) -> Shown:
    """The record of its own page. Raises LagoError for an answer that is none, as a proxy's."""
    piece = answer.get(name)
    if piece is None or not isinstance(piece.value, dict):
        raise LagoError(f"Lago answers without a {name}", "look at what stands before it")
    shown: Shown = piece.value
    return shown


def everything_of(lago: LagoSource, customer: str, external_id: str) -> tuple[Shown, ...]:
    """Every subscription that a customer has or had under an external id, in whatever state."""
    query = [("external_customer_id", customer), *ALL_STATES]
    return tuple(s for s in listed(lago, "subscriptions", query) if s["external_id"] == external_id)


def timezones(lago: LagoSource) -> dict[str, str]:
    """Customer (external id) -> the time zone that Lago bills them in."""
    return {c["external_id"]: str(c["applicable_timezone"]) for c in listed(lago, "customers", [])}


def listed(lago: LagoSource, name: str, query: Query) -> Iterator[Shown]:
    """A list of Lago's (by the name of its resource), all its pages.

    Raises LagoError where a page does not say what follows it: that nothing does is believed of Lago alone.
    """
    resource, number, is_last = _RESOURCES[name], 0, False
    while not is_last:
        number += 1
        fetched = fetch_page(lago, resource, resource.path, query, (0, number), _PAGE)
        yield from (piece.value for piece in fetched.pieces)
        if fetched.unsaid:
            raise LagoError(f"{name}: {fetched.unsaid}")
        is_last = fetched.page.last
