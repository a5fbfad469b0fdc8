"""``init``: a commented starting configuration."""

from __future__ import annotations

from pathlib import Path

import click

from lago2odoo.cli.options import config_option
from lago2odoo.cli.outcome import CommandOutcome, emit
from migrate import config as settings


@click.command("init")
@config_option
def command(config: Path) -> int:
    """Write a commented starting configuration."""
    settings.write_template(config)
    return emit(
        CommandOutcome({"written": str(config)}, f"wrote {config}; fill in [lago] and [odoo], then: lago2odoo doctor")
    )
