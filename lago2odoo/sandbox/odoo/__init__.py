"""The embedded Odoo: a recorded Odoo 19 schema on SQLite behind real HTTP, so that everything runs without a server.

``serve`` starts it in a thread, ``run`` blocks. tests/contract hold it to a real one; where they differ, it is wrong.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from .database import Clock, Database
from .http import Application

__all__ = ["Server", "run", "serve"]
DEFAULT_DATABASE, DEFAULT_USER, DEFAULT_KEY = "embedded", "admin", "embedded-odoo-key"


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # clients keep their connections, as with a real server

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """A line per call would drown what matters."""


@dataclass(slots=True)
class Server:
    """A running embedded Odoo. ``url``, ``database_name``, ``user`` and ``key`` are what a client needs."""

    url: str
    database_name: str
    user: str
    key: str
    database: Database
    wsgi: BaseWSGIServer
    thread: threading.Thread | None = None

    def close(self) -> None:
        self.wsgi.shutdown()
        if self.thread:
            self.thread.join()
        self.wsgi.server_close()
        self.database.close()


def _server(
    db_path: Path | str,
    host: str,
    port: int,
    flavour: str,
    addon: bool,
    api_key: str,
    database: str,
    user: str,
    clock: Clock | None,
) -> Server:
    opened = Database(db_path, flavour, addon, clock)
    try:
        wsgi = make_server(
            host, port, Application(opened, database, user, api_key), threaded=True, request_handler=_Quiet
        )
    except BaseException:
        opened.close()
        raise
    return Server(f"http://{host}:{wsgi.server_port}", database, user, api_key, opened, wsgi)


def serve(
    db_path: Path | str,
    host: str = "127.0.0.1",
    port: int = 0,
    flavour: str = "enterprise",
    *,
    addon: bool = True,
    api_key: str = DEFAULT_KEY,
    database: str = DEFAULT_DATABASE,
    user: str = DEFAULT_USER,
    clock: Clock | None = None,
) -> Server:
    """Start in a thread; ``port`` 0 takes a free one. ``db_path`` is created when absent and reopened otherwise.

    ``flavour``: enterprise, oca or plain; ``addon``: whether fusion_billing is installed. Raises ``StoreError`` for a
    file that holds an embedded Odoo of another kind.
    """
    server = _server(db_path, host, port, flavour, addon, api_key, database, user, clock)
    server.thread = threading.Thread(target=server.wsgi.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    server.thread.start()
    return server


def run(
    db_path: Path | str,
    host: str = "127.0.0.1",
    port: int = 8069,
    flavour: str = "enterprise",
    *,
    addon: bool = True,
    api_key: str = DEFAULT_KEY,
    database: str = DEFAULT_DATABASE,
    user: str = DEFAULT_USER,
) -> None:
    """Serve until interrupted."""
    server = _server(db_path, host, port, flavour, addon, api_key, database, user, None)
    try:
        server.wsgi.serve_forever()
    finally:
        server.wsgi.server_close()
        server.database.close()
