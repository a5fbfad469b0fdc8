"""``sandbox lago``: a server that answers as Lago would, from a recording."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from lago2odoo.cli.serving import accepted_key, run_until_stopped
from lago2odoo.cli.talk import say
from lago2odoo.sandbox import lago as embedded_lago


@click.command("lago")
@click.option("--recording", type=click.Path(path_type=Path), metavar="DIR", help="Recording (default: NexaSystems).")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=3000, show_default=True)
@click.option("--key-env", default="LAGO_API_KEY", show_default=True, help="Variable that holds the API key to accept.")
@click.option("--living", is_flag=True, help="Let subscriptions end in it, and its clock be moved (docs/cut-over.md).")
def command(recording: Path | None, host: str, port: int, key_env: str, *, living: bool) -> int:
    """Serve a recording as Lago would, until Ctrl-C."""
    key = accepted_key(key_env)
    with closing(embedded_lago.make(recording, host=host, port=port, api_key=key, living=living)) as server:
        say(f"embedded Lago on {server.url}; Ctrl-C ends it")
        run_until_stopped(server.run, "embedded Lago")
    return 0
