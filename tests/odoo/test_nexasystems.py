"""A whole company onto a real Odoo 19, with both kinds of subscriptions: applied once, then nothing to do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from migrate.lago.recording import bundled

pytestmark = pytest.mark.odoo

ROOT = Path(__file__).parents[2]
WAIVED = (
    "language-not-installed",
    "event-metric-unknown",
    "event-subscription-unknown",
    "payment-dispute-lost",
    "invoice-not-final",
    "stripe-provider-not-enabled",
)


def lago2odoo(database: Any, *arguments: str) -> str:
    """The command line as a program of its own; what it says on stdout."""
    config = database.folder / "lago2odoo.toml"
    place = database.settings()
    config.write_text(
        f'[odoo]\nurl = "{place.url}"\ndatabase = "{place.database}"\n'
        f"[mapping]\nusage_since = 2025-01-01\n[waive]\nskipped = {list(WAIVED)}\n",
        encoding="utf-8",
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "ODOO_KEY": place.key}
    command = [sys.executable, "-m", "migrate.cli", *arguments, "--config", str(config)]
    done = subprocess.run(
        command, env=environment, cwd=database.folder, capture_output=True, text=True, check=False, timeout=900
    )
    assert done.returncode == 0, f"{arguments}: exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def traces(odoo: Any, model: str) -> tuple[int, list[Any]]:
    """How many there are, and the last ones to be written (usage is only ever added)."""
    last = "id" if model == "fusion.billing.usage" else "write_date"
    rows = odoo.call(model, "search_read", domain=[], fields=[last], order=f"{last} desc, id desc", limit=5)
    return odoo.call(model, "search_count", domain=[]), rows


@pytest.mark.parametrize(
    ("database", "model"), [("enterprise", "sale.order"), ("oca", "sale.subscription")], indirect=["database"]
)
def test_a_company_is_applied_once(database: Any, model: str) -> None:
    lago2odoo(database, "extract", "--recording", str(bundled()))
    first = lago2odoo(database, "apply")
    assert re.search(r"[\d,]+ records written in \d+ calls", first)
    odoo = database.connect()
    models = (model, "res.partner", "product.product", "fusion.billing.usage", "ir.model.data")
    before = {name: traces(odoo, name) for name in models}
    assert before[model][0] >= 74
    assert lago2odoo(database, "apply").splitlines()[-1] == "nothing to do"
    lago2odoo(database, "preview")
    assert {name: traces(odoo, name) for name in models} == before
