#!/usr/bin/env python3
"""Record what the embedded Odoo must look like: the schema and the base data of a freshly installed Odoo 19.

    ODOO_URL=http://127.0.0.1:8069 ODOO_DB=... ODOO_KEY=... python tests/odoo/dump_schema.py FLAVOUR OUT.json.xz

Reads only, over JSON-2, with the standard library alone. ``tests/odoo/server record`` calls it for every flavour.
Written: {server, flavour, modules, models: {model: {description, modules, order, fields: {...}, defaults}}, unique, rows, xids}.
"""

# ruff: noqa: T201, E501, SIM905 - a command for developers
from __future__ import annotations

import json
import lzma
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

# Base data that orders, invoices, taxes and discovery rest on. Everything else starts empty.
DATA_MODELS = (
    "account.account account.account.tag account.fiscal.position account.group account.incoterms account.journal account.journal.group "
    "account.payment.method account.payment.method.line account.payment.term account.payment.term.line account.tax account.tax.group "
    "account.tax.repartition.line crm.team decimal.precision ir.config_parameter ir.model ir.module.category ir.module.module "
    "ir.sequence ir.sequence.date_range loyalty.program loyalty.reward loyalty.rule payment.method payment.provider "
    "product.category product.pricelist product.pricelist.item product.product product.template res.company res.country "
    "res.country.group res.country.state res.currency res.currency.rate res.groups res.lang res.partner res.partner.category "
    "res.partner.industry res.users sale.order.close.reason sale.order.template sale.subscription.close.reason "
    "sale.subscription.plan sale.subscription.stage sale.subscription.template uom.uom fusion.billing.service"
).split()
# What a server may hold that must not travel, or is only weight here.
DROPPED_FIELDS = {
    "password",
    "totp_secret",
    "api_key_ids",
    "arch",
    "arch_db",
    "image_128",
    "views_by_module",
    "reports_by_module",
}
# Computed without a column, and still needed: the account numbers people know.
COMPUTED_TOO = {"account.account": ["code"]}
DROPPED_ATTRIBUTES = {"help", "name", "views", "default_export_compatible", "exportable", "groupable", "change_default"}
TRUE_BY_DEFAULT = {"searchable", "sortable", "store"}
STAMPS = {"create_date", "write_date", "create_uid", "write_uid"}


class Server:
    def __init__(self, url: str, database: str, key: str) -> None:
        self.url, self.headers = (
            url.rstrip("/"),
            {
                "Authorization": f"bearer {key}",
                "X-Odoo-Database": database,
                "Content-Type": "application/json",
            },
        )

    def call(self, model: str, method: str, **arguments: Any) -> Any:
        request = urllib.request.Request(
            f"{self.url}/json/2/{model}/{method}", json.dumps(arguments).encode(), self.headers
        )
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)

    def try_call(self, model: str, method: str, **arguments: Any) -> Any:
        try:
            return self.call(model, method, **arguments)
        except urllib.error.HTTPError as error:
            print(f"left out: {model}.{method}: {json.load(error)['message'][:120]}", file=sys.stderr)
            return None


def models(server: Server) -> dict[str, dict[str, Any]]:
    wanted = server.call(
        "ir.model",
        "search_read",
        domain=[("abstract", "=", False)],
        fields=["model", "name", "modules", "order", "transient"],
    )
    columns = ["model", "name", "modules", "relation_table", "column1", "column2", "copied", "required", "on_delete"]
    details: dict[str, dict[str, Any]] = {}
    for row in server.call("ir.model.fields", "search_read", domain=[], fields=columns):
        details.setdefault(row["model"], {})[row["name"]] = row
    found = {}
    for row in sorted(wanted, key=lambda item: item["model"]):
        fields = server.try_call(row["model"], "fields_get")
        if fields is None:
            continue
        found[row["model"]] = {
            "description": row["name"],
            "modules": modules_of(row),
            "order": row["order"],
            "transient": row["transient"],
            "fields": {name: slim(spec, details[row["model"]].get(name, {})) for name, spec in sorted(fields.items())},
            "defaults": defaults(server, row["model"], fields),
        }
    return found


def slim(spec: dict[str, Any], detail: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in spec.items() if key not in DROPPED_ATTRIBUTES}
    kept = {key: value for key, value in kept.items() if not (value is True and key in TRUE_BY_DEFAULT)}
    if kept.get("selection") and len(kept["selection"]) > 100:
        kept["selection"] = [[value, value] for value, _label in kept["selection"]]
    kept["modules"] = modules_of(detail)
    if detail.get("relation_table"):
        kept["table"] = [detail["relation_table"], detail["column1"], detail["column2"]]
    for key in ("on_delete", "copied"):
        if detail.get(key):
            kept[key] = detail[key]
    if bool(detail.get("required")) != bool(kept.get("required")):
        kept["column_required"] = bool(detail.get("required"))
    return {key: value for key, value in kept.items() if value not in (False, None, [], {}) or key in TRUE_BY_DEFAULT}


def modules_of(row: dict[str, Any]) -> list[str]:
    return [name.strip() for name in (row.get("modules") or "").split(",") if name.strip()]


def defaults(server: Server, model: str, fields: dict[str, Any]) -> dict[str, Any]:
    if not any(not spec.get("readonly") for spec in fields.values()):
        return {}
    got = server.try_call(model, "default_get", fields=sorted(set(fields) - DROPPED_FIELDS)) or {}
    return {name: value for name, value in sorted(got.items()) if name not in DROPPED_FIELDS}


def rows(server: Server, schema: dict[str, dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for model in DATA_MODELS:
        if model not in schema:
            continue
        columns = [
            name
            for name, spec in schema[model]["fields"].items()
            if (spec.get("store", True) or name in COMPUTED_TOO.get(model, ()))
            and spec["type"] not in ("one2many", "binary", "properties", "properties_definition")
            and name not in DROPPED_FIELDS | STAMPS
        ]
        # binary shortcuts and html with inline pictures are weight only
        got = server.call(model, "search_read", domain=[], fields=columns, context={"active_test": False}, order="id")
        found[model] = [
            {key: reduced(value, schema[model]["fields"].get(key, {})) for key, value in row.items()} for row in got
        ]
    return found


def reduced(value: Any, spec: dict[str, Any]) -> Any:
    return value[0] if spec.get("type") == "many2one" and isinstance(value, list) else value


def constraints(server: Server) -> list[dict[str, Any]]:
    """Unique constraints and unique indexes, which Odoo keeps in ir.model.constraint as SQL text."""
    got = server.call(
        "ir.model.constraint",
        "search_read",
        domain=[("type", "in", ["u", "i"])],
        fields=["name", "definition", "message", "model", "type"],
    )
    return [
        {**row, "model": row["model"][1]}
        for row in got
        if "unique" in (row["definition"] or "").lower() or row["type"] == "u"
    ]


def main() -> int:
    flavour, out = sys.argv[1], Path(sys.argv[2])
    server = Server(os.environ["ODOO_URL"], os.environ["ODOO_DB"], os.environ["ODOO_KEY"])
    with urllib.request.urlopen(f"{server.url}/json/version", timeout=60) as answer:
        version = json.load(answer)
    schema = models(server)
    xids = server.call(
        "ir.model.data",
        "search_read",
        domain=[("model", "in", [*DATA_MODELS])],
        order="id",
        fields=["module", "name", "model", "res_id", "noupdate"],
    )
    modules = server.call("ir.module.module", "search_read", domain=[("state", "=", "installed")], fields=["name"])
    record = {
        "server": version,
        "flavour": flavour,
        "modules": sorted(row["name"] for row in modules),
        "models": schema,
        "unique": constraints(server),
        "rows": rows(server, schema),
        "xids": [[row["module"], row["name"], row["model"], row["res_id"], row["noupdate"]] for row in xids],
    }
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
    print(
        f"{out}: {len(schema)} models, {sum(len(r) for r in record['rows'].values())} records, {out.stat().st_size:,} bytes"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
