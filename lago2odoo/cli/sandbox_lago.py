"""``sandbox lago``: a server that answers as Lago would, from a recording."""

from __future__ import annotations

from pathlib import Path

import click

from lago2odoo.cli.talk import say
from lago2odoo.sandbox import lago as embedded_lago
from migrate import config as settings


@click.command("lago")
@click.option("--recording", type=click.Path(path_type=Path), metavar="DIR", help="Recording (default: NexaSystems).")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=3000, show_default=True)
@click.option("--key-env", default="LAGO_API_KEY", show_default=True, help="Variable that holds the API key to accept.")
def command(recording: Path | None, host: str, port: int, key_env: str) -> int:
    """Serve a recording as Lago would, until Ctrl-C."""
    key = settings.secret(key_env, None, Path(), "API key that the sandbox accepts")
    server = embedded_lago.make(recording, host=host, port=port, api_key=key)
    say(f"embedded Lago on {server.url}; Ctrl-C ends it")
    try:
        server.run()
    except KeyboardInterrupt:
        say("embedded Lago ended")
    finally:
        server.close()
    return 0
