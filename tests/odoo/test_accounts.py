"""Orders and messages of before know whose they are once the addon is upgraded."""

from __future__ import annotations

from typing import Any

import pytest

from tests.odoo.test_lifecycle import odoo_shell

pytestmark = pytest.mark.odoo

# the addon as it was: nobody says whose an order is, and every message of one customer is the contact's
BEFORE = """
service = env["fusion.billing.service"].create({"name": "App", "code": "upgrade_app"})
def customer(name, *ids):
    partner = env["res.partner"].create({"name": name})
    for external_id in ids:
        env["fusion.billing.account.link"].create(
            {"service_id": service.id, "partner_id": partner.id, "external_id": external_id})
    return partner
def order(partner, external_id):
    return env["sale.order"].create(
        {"partner_id": partner.id, "fusion_service_id": service.id, "fusion_external_id": external_id})
one, merged = customer("One", "u-1"), customer("Merged", "u-2", "u-3")
order(one, "s-1"), order(merged, "s-2")
for partner in one | merged:
    env["fusion.billing.webhook"].create({"service_id": service.id, "webhook_type": "x", "object_type": "x",
        "unique_key": partner.name, "payload": "{}", "partner_id": partner.id})
env.flush_all()
for table in ("sale_order.fusion_account_id", "fusion_billing_webhook.account_id"):
    table, column = table.split(".")
    env.cr.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    env.cr.execute("DELETE FROM ir_model_fields WHERE name = %s AND model = %s", [column, table.replace("_", ".")])
env.cr.execute("UPDATE ir_module_module SET latest_version = '19.0.1.0.0' WHERE name = 'fusion_billing'")
env.cr.commit()
"""
AFTER = """
for name in ("s-1", "s-2"):
    found = env["sale.order"].search([("fusion_external_id", "=", name)])
    print("FOUND", name, found.fusion_account_id.external_id)
for message in env["fusion.billing.webhook"].search([("webhook_type", "=", "x")], order="id"):
    print("FOUND", message.unique_key, message.account_id.external_id)
"""


def test_an_upgrade_says_whose_each_order_is_where_that_is_sure(database: Any) -> None:
    odoo_shell(database, BEFORE)
    code, log = database.run_odoo("-u", "fusion_billing", "--stop-after-init", "--log-level", "warn")
    assert code == 0, log[-3000:]
    found = [line.split()[1:] for line in odoo_shell(database, AFTER).splitlines() if line.startswith("FOUND")]
    assert found == [["s-1", "u-1"], ["s-2", "False"], ["One", "u-1"], ["Merged", "False"]]
