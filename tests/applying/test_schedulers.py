"""The scheduled actions that bill are named, Enterprise's among them, which no test can install."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from migrate.odoo.discover import discover
from migrate.odoo.door import Door
from migrate.odoo.schedulers import look_at_schedulers

ENTERPRISE = "model._cron_recurring_create_invoice()"
OURS = "model._fusion_cron_invoice()"
OWN = "env['sale.order'].search([])._create_invoices()"


def action(odoo: Any, name: str, code: str, *, active: bool = True) -> None:
    model = odoo.call("ir.model", "search", domain=[["model", "=", "sale.order"]])[0]
    code_of = {"name": name, "model_id": model, "state": "code", "code": code, "usage": "ir_cron"}
    (server,) = odoo.call("ir.actions.server", "create", vals_list=[code_of])
    vals = {
        "ir_actions_server_id": server,
        "cron_name": name,
        "active": active,
        "user_id": 2,
        "nextcall": "2026-09-01 04:00:00",
        "interval_number": 1,
        "interval_type": "days",
    }
    odoo.call("ir.cron", "create", vals_list=[vals])


def said(odoo: Any, *, addon: bool = True) -> list[tuple[str, str]]:
    door = Door(odoo)
    return [(f.level, f.what) for f in look_at_schedulers(door, replace(discover(door), addon=addon))]


@pytest.mark.parametrize(
    ("codes", "addon", "levels", "words"),
    [
        ([], True, ["warning"], "no scheduled action bills the migrated orders: there is none"),
        ([(ENTERPRISE, False)], True, ["warning"], "no scheduled action bills the migrated orders: 'A0' (switched off"),
        ([(ENTERPRISE, True)], True, ["ok"], "are billed by 'A0' (next 2026-09-01 04:00:00 UTC, as "),
        ([(ENTERPRISE, True), (OURS, False)], True, ["ok"], "are billed by 'A0'"),
        ([(ENTERPRISE, True), (OURS, True)], True, ["warning"], "two scheduled actions bill the migrated orders: 'A0'"),
        ([(ENTERPRISE, True)], False, ["ok", "warning"], "'A0' (next 2026-09-01 04:00:00 UTC"),
        ([(OURS, True), (OWN, True)], True, ["ok", "warning"], "are billed by 'A0'"),
        ([(OURS, True), (OWN, False)], True, ["ok"], "are billed by 'A0'"),
    ],
)
def test_who_bills(odoo: Any, codes: list[tuple[str, bool]], addon: bool, levels: list[str], words: str) -> None:
    for number, (code, active) in enumerate(codes):
        action(odoo, f"A{number}", code, active=active)
    found = said(odoo, addon=addon)
    assert [level for level, _ in found] == levels
    assert words in found[0][1]
