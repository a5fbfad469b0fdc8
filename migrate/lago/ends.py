"""The one thing that is written to Lago: when a subscription ends. With a key of its own, and read back by the caller.

Lago's DELETE ends at once, knows no trial and no way back (facts/lago-cutover §3): it is not here. ``ending_at`` can be
taken back until its day, and put there twice it is the same, so that it is tried again as any reading is.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TypeAlias

from migrate.lago.client import LagoClient
from migrate.lago.filters import Payload
from migrate.lago.source import LagoRefusal, LagoSource, segment

_SUBSCRIPTIONS = "/api/v1/subscriptions"
STATES = ("active", "pending", "terminated", "canceled", "incomplete")
_PAGE = 100
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
    shown: Shown = answer["subscription"].value
    return shown


def everything_of(lago: LagoSource, customer: str, external_id: str) -> tuple[Shown, ...]:
    """Every subscription that a customer has or had under an external id, in whatever state."""
    query = [("external_customer_id", customer), *(("status[]", state) for state in STATES)]
    return tuple(s for s in listed(lago, "subscriptions", query) if s["external_id"] == external_id)


def timezones(lago: LagoSource) -> dict[str, str]:
    """Customer (external id) -> the time zone that Lago bills them in."""
    return {c["external_id"]: str(c["applicable_timezone"]) for c in listed(lago, "customers", [])}


def listed(lago: LagoSource, root: str, query: list[tuple[str, str]]) -> Iterator[Shown]:
    """A list of Lago's, all its pages."""
    page = 1
    while page:
        paging = [("page", str(page)), ("per_page", str(_PAGE))]
        answer = lago.get(f"/api/v1/{root}", [*query, *paging])
        yield from answer[root].value
        page = (answer["meta"].value.get("next_page") or 0) if "meta" in answer else 0
