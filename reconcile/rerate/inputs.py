"""What a re-rate reads."""

from __future__ import annotations

from dataclasses import dataclass

from reconcile.rating.rules import Rules
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.history import History


@dataclass(frozen=True, slots=True, kw_only=True)
class RerateInputs:
    """Lago's history, its usage events and the rules of its version. ``premium``: whether its licence was on."""

    history: History
    source: EventSource
    rules: Rules
    premium: bool = True
