"""The command line on a real Odoo, with the recorded company's waivers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
WAIVED = (
    "language_not_installed",
    "event_metric_unknown",
    "event_subscription_unknown",
    "payment_dispute_lost",
    "invoice_not_final",
    "stripe_provider_not_enabled",
)


def lago2odoo(
    database: Any, *arguments: str, usage_since: str = "2026-07-01", code: int = 0, tables: str = "", more: str = ""
) -> str:
    """The command line as a program of its own; what it says on stdout. ``tables``: finance's; ``more``: sections."""
    config = database.folder / "lago2odoo.toml"
    place = database.settings()
    config.write_text(
        f'[odoo]\nurl = "{place.url}"\ndatabase = "{place.database}"\n'
        f"[mapping]\nusage_since = {usage_since}\n{tables}[waive]\nskipped = {list(WAIVED)}\n{more}",
        encoding="utf-8",
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "ODOO_KEY": place.key}
    command = [sys.executable, "-m", "lago2odoo.cli.main", *arguments, "--config", str(config)]
    done = subprocess.run(
        command, env=environment, cwd=database.folder, capture_output=True, text=True, check=False, timeout=900
    )
    assert done.returncode == code, f"{arguments}: exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout
