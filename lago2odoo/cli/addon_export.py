"""``addon export``: the addon's files, copied whole."""

from __future__ import annotations

from pathlib import Path

import click

from lago2odoo import shipped_addon
from lago2odoo.cli.options import NewPath
from lago2odoo.cli.outcome import CommandOutcome, emit


@click.command("export")
@click.argument("folder", type=NewPath(file_okay=False))
def command(folder: Path) -> int:
    """Copy the addon into FOLDER, a folder of your server's addons path."""
    target, version = shipped_addon.copy_to(folder), shipped_addon.version()
    return emit(CommandOutcome({"written": str(target), "version": version}, f"wrote {target} (version {version})"))
