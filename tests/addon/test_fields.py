"""The addon declares its fields once, in its models: the recorded schema, rating and what we read hold to them."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lago2odoo.sandbox.odoo import schema, serve
from migrate.odoo.connect import OdooSettings, connect
from migrate.odoo.door import Door
from migrate.odoo.protocol import Odoo
from reconcile.sides import odoo_terms
from tests.addon.plain import rows

MODELS = Path(__file__).parents[2] / "addons" / "fusion_billing" / "models"
AUTOMATIC = {"id", "display_name", "create_date", "create_uid", "write_date", "write_uid"}
HIDDEN = {"private_pem"}  # of groups that nobody who records belongs to


def classes() -> Iterator[ast.ClassDef]:
    for path in sorted(MODELS.rglob("*.py")):
        yield from (n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.ClassDef))


def declared() -> Mapping[str, set[str]]:
    """Model -> its fields, as the addon's classes assign them."""
    found: dict[str, set[str]] = defaultdict(set)
    for node in classes():
        assigned = {n.targets[0].id: n.value for n in node.body
                    if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name)}  # fmt: skip
        name = assigned.get("_name") or assigned.get("_inherit")
        if isinstance(name, ast.Constant):
            found[str(name.value)] |= {n for n, v in assigned.items() if ast.unparse(v).startswith("fields.")}
    return {model: names for model, names in found.items() if names}


@pytest.mark.parametrize("flavour", ["enterprise", "oca"])
def test_the_recorded_schema_has_the_fields_that_the_addon_declares(flavour: str) -> None:
    recorded = schema.load(flavour, addon=True).models
    for model, names in declared().items():
        fields = recorded[model].fields
        ours = {n for n, f in fields.items() if "fusion_billing" in f.raw.get("modules", ())}
        assert ours - AUTOMATIC == names - HIDDEN, f"{model}: tests/odoo/server record"


def test_rating_reads_what_is_declared() -> None:
    held = {
        "sale.order": rows.ORDER_FIELDS,
        "fusion.billing.charge": rows.CHARGE_FIELDS,
        "fusion.billing.metric": rows.METRIC_FIELDS,
        "fusion.billing.usage": rows.USAGE_FIELDS,
    }
    for model, names in held.items():
        assert set(names) <= declared()[model], model


@dataclass
class Asked:
    """Passes calls on, and notes which fields of which model were asked for."""

    inner: Odoo
    fields: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @property
    def server_version(self) -> str:
        return self.inner.server_version

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **arguments: Any) -> Any:
        self.fields[model] |= set(arguments.get("fields", ()))
        return self.inner.call(model, method, ids, **arguments)

    def close(self) -> None:
        self.inner.close()


def test_what_is_read_of_orders_charges_and_metrics_is_declared(tmp_path: Path) -> None:
    server = serve(tmp_path / "odoo.db")
    try:
        place = OdooSettings(url=server.url, database=server.database_name, user=server.user, key=server.key)
        asked = Asked(connect(place))
        odoo_terms.read(Door(asked), ["none"])
        asked.close()
    finally:
        server.close()
    known = declared()
    assert {n for n in asked.fields["sale.order"] if n.startswith("fusion_")} <= known["sale.order"]
    for model in ("fusion.billing.charge", "fusion.billing.metric"):
        assert asked.fields[model], "it is read"
        assert asked.fields[model] <= known[model]
