"""A whole company onto a real Odoo 19, with both kinds of subscriptions: what was previewed, once, and back again."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from migrate.changes import Action, ChangeSet, each_line
from migrate.lago.recording import bundled
from tests.odoo.command import lago2odoo
from tests.odoo.export import sql, tables

pytestmark = pytest.mark.odoo

# Odoo's own answer to a second active currency, which outlives the currency: every user sees currencies, and a price
# list named Default exists.
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
    ("database", "model"), [("enterprise", "sale.order"), ("oca", "sale.subscription")], indirect=["database"]
)
def test_a_company_is_applied_as_previewed_once_and_undone(database: Any, model: str) -> None:
    odoo = database.connect()
    untouched = tables(database.name)
    lago2odoo(database, "extract", "--recording", str(bundled()))
    saved = database.folder / "changes.json"
    lago2odoo(database, "preview", "--out", str(saved), code=2)
    changes = ChangeSet.from_json(saved.read_text("utf-8"))
    wanted = previewed(changes)
    assert wanted[model] >= 74

    lago2odoo(database, "apply", "--changes", str(saved))
    assert ours(odoo, wanted) == wanted
    applied = tables(database.name)

    again = json.loads(lago2odoo(database, "apply", "--format", "json"))
    assert (again["calls"], again["written"]) == (0, {})
    lago2odoo(database, "preview")
    assert tables(database.name) == applied, "the second run wrote nothing at all"

    undone = json.loads(lago2odoo(database, "rollback", "--format", "json"))
    assert undone["deleted"] == sum(1 for _ in changes.of(Action.CREATE))
    assert (undone["archived"], undone["changed_since"], undone["refused"]) == ([], [], [])
    assert ours(odoo, wanted).total() == 0
    left = {name for name, digest in tables(database.name).items() if digest != untouched[name]}
    assert left <= REACTION, rows_of(database.name, left - REACTION)
    names = sql(database.name, "select name->>'en_US' from product_pricelist").split()
    assert names in ([], ["Default"])


def rows_of(database: str, names: set[str]) -> str:
    """The last rows of each table, for a message."""
    queries = [f"select '{n}', to_jsonb(t)::text from {n} t order by t desc limit 3;" for n in sorted(names)]
    return "\n".join(sql(database, query) for query in queries)
