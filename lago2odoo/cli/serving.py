"""What the embedded servers share: the key that they accept, and serving until Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lago2odoo.cli.talk import say
from migrate import config as settings


def accepted_key(key_env: str) -> str:
    """The API key that a client has to give, from this variable."""
    return settings.secret(key_env, None, Path(), "API key that the sandbox accepts")


def run_until_stopped(run: Callable[[], object], server: str) -> None:
    """Run until Ctrl-C, which is no error."""
    try:
        run()
    except KeyboardInterrupt:
        say(f"{server} ended")
