"""A recording that goes on: what is written to it stands, and its clock is moved by whoever uses it.

    lago = LivingLago(recording)        the state and the time of the recording
    lago.answer("PUT", ...)             as Lago: ``requests.py``
    lago.move_clock(moment)             Lago's jobs on the way there: ``jobs.py``; over HTTP: POST /sandbox/clock

Amounts are the re-rate's (``billing.py``), which is held to a running Lago by vectors; so are ends, by
``tests/lago/test_cutover_vectors.py``. What is not modelled is refused by name (``LagoError``), never guessed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime

from lago2odoo.sandbox.living import jobs, requests
from lago2odoo.sandbox.living.documents import told
from lago2odoo.sandbox.living.records import LivingRecords
from migrate.lago.filters import is_time, moment
from migrate.lago.recorded import Reply, error
from migrate.lago.source import Query

CLOCK = "/sandbox/clock"
EVERY_HOUR = frozenset(range(24))


class LivingLago(LivingRecords):
    """Lago's answers from a recording, and what was written since."""

    def clock(self) -> datetime:
        return self.now

    def answer(self, method: str, path: str, query: Query = (), body: object = None) -> Reply:
        with self._lock:
            if (method, path) == ("POST", CLOCK):
                return self._moved(body)
            return super().answer(method, path, query, body)

    def _moved(self, body: object) -> Reply:
        """The one call that no Lago has: ``{"to": "2026-09-02T12:00:00Z"}`` lets time pass."""
        to = str(body.get("to")) if isinstance(body, dict) else ""
        if not is_time(to) or moment(to) < self.now:
            return error(422, "validation_errors", {"to": ["invalid_date"]})
        self.move_clock(moment(to))
        return Reply(200, json.dumps({"now": told(self.now)}))

    def move_clock(self, to: datetime, hours: Collection[int] = EVERY_HOUR) -> None:
        """Go on to a moment; on the way Lago's jobs run in these hours (UTC). None: its scheduler is down."""
        with self._lock:
            for run, at in jobs.between(self.now, to, hours):
                self.now = at
                run(self)
            self.now = to

    def _written(self, method: str, path: str, query: Query, body: object) -> Reply:
        return requests.answer(self, method, path, query, body) or super()._written(method, path, query, body)

    def _other(self, path: str, parts: Sequence[str], query: Query) -> Reply:
        """Nothing is used any more of what has ended, whatever was recorded before."""
        asked = dict(query).get("external_subscription_id")
        if len(parts) == 3 and parts[2] == "current_usage" and asked and self.running(asked) is None:
            return error(405, "no_active_subscription")
        return super()._other(path, parts, query)
