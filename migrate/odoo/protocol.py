"""What a transport to an Odoo server does (odoorpc's JSON-RPC, JSON-2). Only ``migrate.odoo.door`` calls one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class Odoo(Protocol):
    """An authenticated connection to one database. One call is one transaction (facts/odoo19 §2a)."""

    @property
    def server_version(self) -> str:
        """For example ``19.0``."""

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **arguments: Any) -> Any:
        """Call a public method of ``model`` with named arguments, on ``ids`` if given.

        ``create`` (``vals_list=[...]``) always answers a list of ids. Arguments are plain JSON values.
        Raises an error of ``migrate.odoo.errors``, chosen by Odoo's error name, never by HTTP status.
        ``OutcomeUnknown`` means that the call may or may not have been committed: look, never hope.
        """

    def close(self) -> None:
        """Give the connection back."""
