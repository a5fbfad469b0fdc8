"""The schema of the embedded Odoo: what a real Odoo 19 answered to ``fields_get`` (tests/odoo/dump_schema.py).

Two recordings are kept, one per kind of subscription module, both with the addon. Fields and models belong to the
modules that define them, so a server without the addon, or without any subscription module, is a subset of a recording.
"""

from __future__ import annotations

import json
import lzma
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Any

FLAVOUR_MODULES = {"enterprise": "lago2odoo_subscription_standin", "oca": "subscription_oca", "plain": ""}
ADDON = "fusion_billing"
RECORDINGS = {"enterprise": "enterprise.json.xz", "oca": "oca.json.xz", "plain": "enterprise.json.xz"}
X2MANY = ("one2many", "many2many")
NUMBERS = ("integer", "many2one", "many2one_reference", "boolean")

# The records these inherit their missing fields from (Odoo's _inherits).
INHERITS = {"product.product": "product_tmpl_id", "res.users": "partner_id"}
# Not stored in Odoo, but plain values that somebody writes and reads back: kept as columns here.
KEPT = {
    "account.account": {"code"},
    "res.partner": {"property_product_pricelist"},
    "res.currency": {"rate"},
    "product.template": {"standard_price"},
    "product.product": {"standard_price"},
}
# fields_get tells the digits of today; the precision they follow is told by their definition only (facts/odoo19 §2d).
QUANTITY = "Product Unit"
PRECISIONS = {
    ("sale.order.line", "product_uom_qty"): QUANTITY,
    ("sale.order.line", "qty_delivered"): QUANTITY,
    ("sale.order.line", "qty_invoiced"): QUANTITY,
    ("sale.order.line", "qty_to_invoice"): QUANTITY,
    ("account.move.line", "quantity"): QUANTITY,
    ("product.pricelist.item", "min_quantity"): QUANTITY,
    ("sale.order.line", "discount"): "Discount",
    ("account.move.line", "discount"): "Discount",
}
# Recorded defaults that were the answer of one moment: the behaviour of the model makes the real ones.
MOMENTARY = {
    ("sale.subscription", "code"), ("fusion.billing.account.link", "fusion_lago_id"),
    ("fusion.billing.charge", "fusion_lago_id"), ("fusion.billing.metric", "fusion_lago_id"),
}  # fmt: skip
RECORD_NAMES = {  # _rec_name where it is not "name"
    "ir.model.data": "name",
    "payment.token": "payment_details",
    "payment.transaction": "reference",
    "loyalty.card": "code",
    "fusion.billing.usage": "transaction_id",
    "fusion.billing.account.link": "external_id",
}


@dataclass(frozen=True, slots=True)
class RecordedField:
    """One field as recorded. ``column``: it lives in the table; otherwise it is related, computed, or x2many."""

    name: str
    type: str
    string: str
    raw: Mapping[str, Any]
    relation: str = ""
    relation_field: str = ""
    required: bool = False
    readonly: bool = False
    store: bool = True
    related: str = ""
    selection: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    table: tuple[str, str, str] | None = None
    digits: int | None = None
    precision: str = ""
    on_delete: str = ""
    column: bool = True


@dataclass(frozen=True, slots=True)
class Unique:
    """A unique index, and what Odoo says when it is broken."""

    index: str
    columns: tuple[str, ...]
    message: str
    where: str = ""  # of a partial index


@dataclass(frozen=True, slots=True)
class Model:
    """A model as it was recorded from a real Odoo."""

    name: str
    description: str
    order: str
    transient: bool
    fields: Mapping[str, RecordedField]
    defaults: Mapping[str, Any]
    uniques: tuple[Unique, ...] = ()

    @property
    def table(self) -> str:
        return self.name.replace(".", "_")

    @property
    def record_name(self) -> str:
        return RECORD_NAMES.get(self.name, "name" if "name" in self.fields else "")


@dataclass(frozen=True, slots=True)
class Schema:
    """All models of one recorded Odoo, and the rows it was installed with."""

    flavour: str
    version: Mapping[str, Any]
    modules: frozenset[str]
    models: Mapping[str, Model]
    inverse: Mapping[str, tuple[tuple[str, str], ...]]  # model -> the (model, many2one field) that point to it
    rows: Mapping[str, tuple[Mapping[str, Any], ...]]
    xids: tuple[tuple[str, str, str, int, bool], ...]


@lru_cache(maxsize=8)
def load(flavour: str, addon: bool) -> Schema:
    """The schema of a server with these modules. ``flavour``: enterprise, oca or plain."""
    recorded = _recorded(RECORDINGS[flavour])
    modules = _installed(recorded["modules"], flavour, addon)
    models = {
        name: _model(name, raw, modules, recorded["unique"])
        for name, raw in recorded["models"].items()
        if not raw["modules"] or modules.intersection(raw["modules"])
    }
    rows = {name: tuple(recorded_rows) for name, recorded_rows in recorded["rows"].items() if name in models}
    xids = tuple(
        (row[0], row[1], row[2], row[3], row[4])
        for row in recorded["xids"]
        if row[0] in modules | {"account"} and row[2] in models
    )
    return Schema(
        flavour, recorded["server"], modules, models, _inverse(models), _own_rows(rows, models, modules), xids
    )


def _recorded(name: str) -> dict[str, Any]:
    packed = resources.files(__package__).joinpath("data", name).read_bytes()
    found: dict[str, Any] = json.loads(lzma.decompress(packed))
    return found


def _installed(recorded: list[str], flavour: str, addon: bool) -> frozenset[str]:
    optional = {*FLAVOUR_MODULES.values(), ADDON}
    wanted = {FLAVOUR_MODULES[flavour]} | ({ADDON} if addon else set())
    return frozenset(name for name in recorded if name not in optional or name in wanted)


def _own_rows(
    rows: dict[str, tuple[Mapping[str, Any], ...]], models: Mapping[str, Model], modules: frozenset[str]
) -> dict[str, tuple[Mapping[str, Any], ...]]:
    """ir.model and ir.module.module as this subset has them: discovery rests on them."""
    rows["ir.model"] = tuple(row for row in rows["ir.model"] if row["model"] in models or row["abstract"])
    rows["ir.module.module"] = tuple(
        row if row["state"] != "installed" or row["name"] in modules else {**row, "state": "uninstalled"}
        for row in rows["ir.module.module"]
    )
    return rows


def _model(name: str, raw: dict[str, Any], modules: frozenset[str], uniques: list[dict[str, Any]]) -> Model:
    fields = {
        key: _field(name, key, spec)
        for key, spec in raw["fields"].items()
        if not spec.get("modules") or modules.intersection(spec["modules"])
    }
    fields.setdefault("id", RecordedField("id", "integer", "ID", {"type": "integer", "string": "ID"}, readonly=True))
    defaults = {key: value for key, value in raw["defaults"].items() if key in fields and (name, key) not in MOMENTARY}
    uniques_of_model = [
        unique for row in uniques if row["model"] == raw["description"] and (unique := _unique(name, row))
    ]
    # a module's constraint goes with its fields
    uniques_of_model = [unique for unique in uniques_of_model if fields.keys() >= set(unique.columns)]
    # ... and one on related fields alone (a company's name is its partner's) has no column here
    uniques_of_model = [
        unique for unique in uniques_of_model if any(fields[column].column for column in unique.columns)
    ]
    return Model(name, raw["description"], raw["order"], raw["transient"], fields, defaults, tuple(uniques_of_model))


def _unique(model: str, row: dict[str, Any]) -> Unique | None:
    """A unique constraint or index on plain columns; those on expressions guard nothing that we rely on."""
    pattern = r"\s*unique(?:\s+index)?\s*\(([\w\s,]+)\)\s*(?:where\s+(.*))?"
    definition = re.fullmatch(pattern, row["definition"] or "", re.IGNORECASE | re.DOTALL)
    if not definition or not row["name"].startswith(model.replace(".", "_")):
        return None
    columns = tuple(part.strip() for part in definition[1].split(","))
    return Unique(row["name"], columns, row["message"] or "", (definition[2] or "").strip())


def _field(model: str, name: str, spec: dict[str, Any]) -> RecordedField:
    selection = [choice for choice in spec.get("selection", ()) if isinstance(choice, list)]
    digits = spec.get("digits")
    related = "" if name in KEPT.get(model, ()) else spec.get("related", "")
    store = spec.get("store", True)
    return RecordedField(
        name=name,
        type=spec["type"],
        string=spec.get("string", name),
        raw=spec,
        relation=spec.get("relation", ""),
        relation_field=spec.get("relation_field", ""),
        required=bool(spec.get("column_required", spec.get("required", False))),
        readonly=bool(spec.get("readonly", False)),
        store=store,
        related=related,
        selection=tuple(choice[0] for choice in selection),
        labels={choice[0]: choice[1] for choice in selection},
        table=tuple(spec["table"]) if spec.get("table") else None,
        digits=digits[1] if isinstance(digits, list) else None,
        precision=PRECISIONS.get((model, name), ""),
        on_delete=spec.get("on_delete", ""),
        column=spec["type"] not in X2MANY and not related and (store or name in KEPT.get(model, ())),
    )


def _inverse(models: Mapping[str, Model]) -> dict[str, tuple[tuple[str, str], ...]]:
    pointers_by_model: dict[str, list[tuple[str, str]]] = {}
    for model in models.values():
        for spec in model.fields.values():
            if spec.type == "many2one" and spec.column and not model.transient:
                pointers_by_model.setdefault(spec.relation, []).append((model.name, spec.name))
    return {name: tuple(pointers) for name, pointers in pointers_by_model.items()}


def description(spec: RecordedField, attributes: list[str] | None) -> dict[str, Any]:
    """One field as ``fields_get`` shows it."""
    hidden = {"modules", "table", "column_required", "on_delete", "copied"}
    full: dict[str, Any] = {
        "name": spec.name, "type": spec.type, "string": spec.string, "required": False, "readonly": False,
        "store": True, "searchable": True, "sortable": True, "help": False,
    }  # fmt: skip
    full |= {key: value for key, value in spec.raw.items() if key not in hidden}
    return full if attributes is None else {key: full[key] for key in attributes if key in full}
