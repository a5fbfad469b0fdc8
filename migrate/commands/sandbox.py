"""``sandbox``: the embedded servers, until Ctrl-C."""

from __future__ import annotations

import sys
from pathlib import Path

from migrate import config as settings
from migrate.sandbox import lago as embedded_lago
from migrate.sandbox import odoo as embedded_odoo

DATABASE = "demo"


def lago(recording: Path | None, host: str, port: int, key_env: str) -> int:
    """Serve a recording as Lago would."""
    key = settings.secret(key_env, None, Path(), "API key that the sandbox accepts")
    server = embedded_lago.make(recording, host=host, port=port, api_key=key)
    _say(f"embedded Lago on {server.url}; Ctrl-C ends it")
    try:
        server.run()
    except KeyboardInterrupt:
        _say("embedded Lago ended")
    finally:
        server.close()
    return 0


def odoo(data: Path, host: str, port: int, key_env: str, flavour: str) -> int:
    """Serve an embedded Odoo 19 whose records are kept in ``data``."""
    key = settings.secret(key_env, None, Path(), "API key that the sandbox accepts")
    _say(f"embedded Odoo on http://{host}:{port}, database {DATABASE}, records in {data}; Ctrl-C ends it")
    try:
        embedded_odoo.run(data, host, port, flavour, api_key=key, database=DATABASE)
    except KeyboardInterrupt:
        _say("embedded Odoo ended")
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
