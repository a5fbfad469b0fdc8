"""How long work tells how far it is, wherever it is done: Lago, Odoo, the re-rate."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]  # what, how much of it is done, of how much (None: unknown)


def quiet(_what: str, _done: int, _total: int | None) -> None:
    """Progress that nobody watches."""
