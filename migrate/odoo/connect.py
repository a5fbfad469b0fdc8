"""Where Odoo is, and the way in: ``connect(settings)`` answers a ``migrate.odoo.protocol.Odoo``."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from migrate.errors import ConfigError
from migrate.odoo.errors import OdooUnreachable, OutcomeUnknown
from migrate.odoo.json2 import Json2
from migrate.odoo.odoorpc_transport import OdooRpc
from migrate.odoo.protocol import Odoo

PAUSES = (0.5, 1.0, 2.0)  # seconds between attempts where something answers, but not as Odoo: a server that restarts


@dataclass(frozen=True, slots=True, kw_only=True)
class OdooSettings:
    """``key`` is an API key (or password, JSON-RPC only); ``timeout`` in seconds for one call."""

    url: str
    database: str
    user: str
    key: str = field(repr=False)
    transport: str = "json2"
    timeout: int = 300


def connect(settings: OdooSettings) -> Odoo:
    """Log in. Raises an error of ``migrate.odoo.errors`` that says which part of the settings is wrong."""
    shown = settings.url.rpartition("@")[2]  # what stands before may be a password
    if urlsplit(settings.url).scheme not in ("http", "https") or not urlsplit(settings.url).hostname:
        raise ConfigError(f"odoo.url {shown!r} is not an address like https://odoo.example.com")
    if settings.transport not in _TRANSPORTS:
        raise ConfigError(f"odoo.transport {settings.transport!r} is unknown: use {' or '.join(_TRANSPORTS)}")
    for pause in (*PAUSES, None):
        try:
            return _TRANSPORTS[settings.transport](settings)
        except OutcomeUnknown as error:
            if pause is None:
                raise OdooUnreachable(f"no Odoo at {shown}: {error}") from None
            time.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


def _json2(settings: OdooSettings) -> Odoo:
    return Json2(settings.url, settings.database, settings.key, settings.timeout)


def _odoorpc(settings: OdooSettings) -> Odoo:
    return OdooRpc(settings.url, settings.database, settings.user, settings.key, settings.timeout)


_TRANSPORTS: dict[str, Callable[[OdooSettings], Odoo]] = {"json2": _json2, "odoorpc": _odoorpc}
