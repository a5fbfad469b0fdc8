"""``sandbox``: the embedded servers, until Ctrl-C, or until whoever started them is gone."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from migrate import config as settings
from migrate.sandbox import lago as embedded_lago
from migrate.sandbox import odoo as embedded_odoo

DATABASE = "demo"


def lago(recording: Path | None, host: str, port: int, key_env: str, with_parent: bool) -> int:
    """Serve a recording as Lago would."""
    key = settings.secret(key_env, None, Path(), "API key that the sandbox accepts")
    server = embedded_lago.make(recording, host=host, port=port, api_key=key)
    _announce(f"embedded Lago on {server.url}", with_parent)
    try:
        server.run()
    finally:
        server.close()
    return 0


def odoo(data: Path, host: str, port: int, key_env: str, flavour: str, with_parent: bool) -> int:
    """Serve an embedded Odoo 19 whose records are kept in ``data``."""
    key = settings.secret(key_env, None, Path(), "API key that the sandbox accepts")
    _announce(f"embedded Odoo on http://{host}:{port}, database {DATABASE}, records in {data}", with_parent)
    embedded_odoo.run(data, host, port, flavour, api_key=key, database=DATABASE)
    return 0


def _announce(line: str, with_parent: bool) -> None:
    if with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    else:
        sys.stderr.write(f"{line}; Ctrl-C ends it\n")


def _end_with_parent() -> None:
    """Whoever started us holds the other end of our stdin: when they are gone, however they ended, so are we."""
    sys.stdin.buffer.read()
    os._exit(0)
