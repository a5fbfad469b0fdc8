"""A whole company onto a real Odoo 19, with both kinds of subscriptions: what was previewed, once, and back again."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from migrate.change_set.changes import Action, ChangeSet, each_line
from migrate.change_set.saved import from_json
from migrate.lago.recording import bundled
from tests.odoo.command import lago2odoo
from tests.odoo.company_twin import (
    check_copies,
    check_every_running_order,
    check_next_dates,
    check_receivables,
    check_recurring_totals,
    copy_of,
)
from tests.odoo.export import sql, tables
from tests.recorded import snapshot_of_recording

pytestmark = pytest.mark.odoo

NEXT_BILLING = "2026-09-01 12:00:00"  # after the recorded company's last invoices
# Odoo's own answer to a second active currency, which outlives the currency: every user sees currencies, and a price
# list named Default exists.
CHANGED = frozenset({"res_currency"})  # of Odoo's own records: what they were before, only the lost state knew
REACTION = frozenset({"res_groups_implied_rel", "product_pricelist"})


def previewed(changes: ChangeSet) -> Counter[str]:
    """Model -> records and lines to be created."""
    wanted = [change.desired for change in changes.of(Action.CREATE) if change.desired]
    return Counter([d.model for d in wanted] + [line.model for d in wanted for _, line in each_line(d)])


def ours(odoo: Any, models: Any) -> Counter[str]:
    """Model -> records with an external id of ours (Odoo adds lines and price lists of its own beside them)."""
    xids = [["module", "=", "lago"]]
    return Counter({m: odoo.call("ir.model.data", "search_count", domain=[*xids, ["model", "=", m]]) for m in models})


@pytest.mark.parametrize(
    ("database", "model"),
    [("enterprise", "sale.order"), pytest.param("oca", "sale.subscription", marks=pytest.mark.whole)],
    indirect=["database"],
)
def test_a_company_is_applied_as_previewed_once_and_undone(database: Any, model: str, tmp_path: Path) -> None:
    odoo = database.connect()
    untouched = tables(database.name)
    lago2odoo(database, "extract", "--recording", str(bundled()))
    saved = database.folder / "changes.json"
    lago2odoo(database, "preview", "--out", str(saved), code=2)
    changes = from_json(saved.read_text("utf-8"))
    wanted = previewed(changes)
    assert wanted[model] >= 74

    lago2odoo(database, "apply", "--changes", str(saved))
    assert ours(odoo, wanted) == wanted
    applied = tables(database.name)

    again = json.loads(lago2odoo(database, "apply", "--format", "json"))
    assert (again["calls"], again["written"]) == (0, {})
    lago2odoo(database, "preview")
    assert tables(database.name) == applied, "the second run wrote nothing at all"

    flavour = "enterprise" if model == "sale.order" else "oca"
    snapshot, _ = snapshot_of_recording(bundled(), tmp_path / "events")
    with copy_of(database) as copy:
        check_next_dates(copy, flavour, snapshot)
        check_copies(copy, flavour, snapshot)
        check_receivables(copy, snapshot)
        assert check_every_running_order(database, copy, flavour, NEXT_BILLING, snapshot.taken_at) > 40
    assert check_recurring_totals(odoo, flavour) >= 2

    with copy_of(database) as copy:
        check_lost_state(copy, tmp_path, wanted, untouched)

    undone = json.loads(lago2odoo(database, "rollback", "--format", "json"))
    assert undone["deleted"] == sum(1 for _ in changes.of(Action.CREATE))
    assert (undone["archived"], undone["changed_since"], undone["refused"]) == ([], [], [])
    assert ours(odoo, wanted).total() == 0
    left = {name for name, digest in tables(database.name).items() if digest != untouched[name]}
    assert left <= REACTION, rows_of(database.name, left - REACTION)
    names = sql(database.name, "select name->>'en_US' from product_pricelist").split()
    assert names in ([], ["Default"])


def check_lost_state(copy: Any, tmp_path: Path, wanted: Counter[str], untouched: dict[str, str]) -> None:
    """All that Odoo says we made is adopted by external id alone, and rolled back: what we only changed stays."""
    lost = replace(copy, folder=tmp_path / "lost")
    lost.folder.mkdir()
    adopted = json.loads(lago2odoo(lost, "adopt", "--format", "json"))
    assert adopted["made"].items() <= wanted.items(), "lines are counted with their records"
    assert {"res.partner", "sale.order", "fusion.billing.usage", "account.move"} <= adopted["made"].keys()
    assert (adopted["older"], adopted["gone"]) == ([], [])
    undone = json.loads(lago2odoo(lost, "rollback", "--format", "json"))
    went_along = sum(adopted["made"].values()) - undone["deleted"]  # charges, with their products or orders
    assert 0 <= went_along <= adopted["made"]["fusion.billing.charge"]
    assert (undone["archived"], undone["unknown"], undone["refused"]) == ([], [], [])
    assert {name for name, digest in tables(lost.name).items() if digest != untouched[name]} <= {*REACTION, *CHANGED}


def rows_of(database: str, names: set[str]) -> str:
    """The last rows of each table, for a message."""
    queries = [f"select '{n}', to_jsonb(t)::text from {n} t order by t desc limit 3;" for n in sorted(names)]
    return "\n".join(sql(database, query) for query in queries)
