"""What stands in a real Odoo, so that two states can be compared whole: by external id, or table by table."""

from __future__ import annotations

import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

from migrate.odoo.protocol import Odoo

SCRIPT = Path(__file__).parent / "server"
Export = dict[str, dict[str, Any]]

# What two equal applications need not share: moments, authors, random tokens, and Odoo's own numbers.
OWN = frozenset(
    {"id", "create_date", "write_date", "create_uid", "write_uid", "access_token", "date_order", "parent_path"}
)


def export(odoo: Odoo) -> Export:
    """Every record with an external id of ours, all stored fields, relations by external id: the same in two databases
    that were filled alike, whatever their ids. Under ``count`` the number of all records of each model among them."""
    rows = odoo.call("ir.model.data", "search_read", domain=[], fields=["module", "name", "model", "res_id"])
    names = {(row["model"], row["res_id"]): f"{row['module']}.{row['name']}" for row in rows}
    ours: dict[str, dict[int, str]] = defaultdict(dict)
    for row in rows:
        if row["module"] == "lago":
            ours[row["model"]][row["res_id"]] = names[row["model"], row["res_id"]] = f"lago.{row['name']}"
    found: Export = {"count": {}}
    context = {"active_test": False}
    for model, ids in ours.items():
        found["count"][model] = odoo.call(model, "search_count", domain=[], context=context)
        fields = stored(odoo, model)
        for record in odoo.call(model, "read", sorted(ids), fields=sorted(fields), load="", context=context):
            found[ids[record["id"]]] = {n: named(record[n], fields[n], names) for n in fields}
    return found


def stored(odoo: Odoo, model: str) -> dict[str, dict[str, Any]]:
    """The fields that a table keeps, but images, and lines, which are exported as records."""
    raw = odoo.call(model, "fields_get", attributes=["type", "store", "relation"])
    return {n: f for n, f in raw.items() if f["store"] and f["type"] not in ("binary", "one2many") and n not in OWN}


def named(value: Any, field: dict[str, Any], names: dict[tuple[str, int], str]) -> Any:
    if field["type"] == "many2one" and value:
        return names.get((field["relation"], value), field["relation"])
    if field["type"] == "many2many":
        return sorted(names.get((field["relation"], each), field["relation"]) for each in value)
    return value


# Tables that move without anybody's data moving: Odoo's own diaries, and the clocks by which its processes agree.
DIARIES = frozenset({"ir_logging", "bus_bus", "res_users_log", "res_device_log", "ir_cron"})
CLOCK = "orm_signaling_"

TABLES = r"""
select format($$select %L, md5(coalesce(string_agg(x, E'\n' order by x), '')) from
       (select (to_jsonb(t) - 'write_date' - 'write_uid')::text as x from %I t) s;$$, tablename, tablename)
from pg_tables where schemaname = 'public' order by 1 \gexec
"""


def tables(database: str) -> dict[str, str]:
    """Every table of a database of ours -> a digest of all its rows, all columns but who wrote last and when."""
    lines = sql(database, TABLES).splitlines()
    digests = {name: digest for name, _, digest in (line.partition("|") for line in lines)}
    return {name: d for name, d in digests.items() if name not in DIARIES and not name.startswith(CLOCK)}


def sql(database: str, text: str) -> str:
    """What psql answers."""
    done = subprocess.run([SCRIPT, "sql", database], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
