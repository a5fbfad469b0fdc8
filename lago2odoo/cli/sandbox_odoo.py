"""``sandbox odoo``: an embedded Odoo 19."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from lago2odoo.cli.serving import accepted_key, run_until_stopped
from lago2odoo.cli.talk import say
from lago2odoo.sandbox import require_extra

DATABASE = "demo"


@click.command("odoo")
@click.option(
    "--data",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("odoo.db"),
    show_default=True,
    metavar="FILE",
    help="SQLite file of its records.",
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8069, show_default=True)
@click.option("--key-env", default="ODOO_KEY", show_default=True, help="Variable that holds the API key to accept.")
@click.option("--flavour", type=click.Choice(["enterprise", "oca"]), default="enterprise", show_default=True)
def command(data: Path, host: str, port: int, key_env: str, flavour: str) -> int:
    """Serve an embedded Odoo 19, until Ctrl-C."""
    require_extra()
    from lago2odoo.sandbox import odoo as embedded_odoo  # noqa: PLC0415  (needs the extra)

    key = accepted_key(key_env)
    say(f"embedded Odoo on http://{host}:{port}, database {DATABASE}, records in {data}; Ctrl-C ends it")
    run_until_stopped(
        partial(embedded_odoo.run, data, host, port, flavour, api_key=key, database=DATABASE), "embedded Odoo"
    )
    return 0
