"""The addon comes, is upgraded with data in it, is neutralized, and goes without leaving anything behind."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from lago2odoo.shipped_addon import version
from migrate.change_set.verdicts import MODEL, Owners, verdicts
from migrate.errors import Blocked
from migrate.lago.recording import bundled
from migrate.odoo.discover import addon_version
from migrate.odoo.door import Door
from migrate.odoo.push import PushScope, push, require_addon
from tests.cli.conftest import command
from tests.reporting.sample import sample

pytestmark = pytest.mark.odoo

HERE = Path(__file__).parent
# what Odoo says for reasons of its own, whatever the addon does
HARMLESS = re.compile(r"security risk|selfie_segmentation|addons\.rpc\.controllers|wkhtmltopdf|Deprecat")
OURS = "%fusion%"
LEFTOVERS = {
    "table": "SELECT table_name FROM information_schema.tables WHERE table_name LIKE %s",
    "column": "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE column_name LIKE %s",
    "index": "SELECT indexname FROM pg_indexes WHERE indexname LIKE %s",
    "constraint": "SELECT conname FROM pg_constraint WHERE conname LIKE %s",
    "model": "SELECT model FROM ir_model WHERE model LIKE %s",
    "field": "SELECT model || '.' || name FROM ir_model_fields WHERE name LIKE %s",
    "external id": "SELECT name FROM ir_model_data WHERE module LIKE %s",
    "cron": "SELECT cron_name FROM ir_cron WHERE cron_name ILIKE %s",
    "menu": "SELECT name::text FROM ir_ui_menu WHERE name::text LIKE '%%Metering%%' AND %s <> ''",
    "view": "SELECT name FROM ir_ui_view WHERE arch_db::text LIKE %s",
    "group": "SELECT name::text FROM res_groups WHERE name::text ILIKE %s",
    "parameter": "SELECT key FROM ir_config_parameter WHERE key LIKE %s",
    "attachment": "SELECT name FROM ir_attachment WHERE res_model LIKE %s",
}
# everything of the addon that could call somebody, done as a person or the scheduler would
CALLING = """
for cron in env["ir.cron"].with_context(active_test=False).search([("cron_name", "ilike", "fusion")]):
    cron.ir_actions_server_id.run()
messages = env["fusion.billing.webhook"].search([])
messages.filtered(lambda message: message.state == "failed").action_retry()
env["fusion.billing.webhook"]._cron_deliver()
"""


def warnings(log: str) -> list[str]:
    """Lines of level WARNING and above that the addon is to blame for."""
    lines = re.findall(r"^\S+ \S+ \d+ (?:WARNING|ERROR|CRITICAL) .*$", log, re.MULTILINE)
    return [line for line in lines if not HARMLESS.search(line)]


def odoo_shell(database: Any, program: str, level: str = "error") -> str:
    """Output and log of a program in Odoo's shell; one that fails is a failure."""
    arguments = [HERE / "server", "odoo", "shell", "-d", database.name, "--no-http", "--log-level", level]
    done = subprocess.run(arguments, input=f"{program}\nprint('DONE')", capture_output=True, text=True, check=False)
    assert "DONE" in done.stdout, f"{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout + done.stderr


def doctor(database: Any) -> list[str]:
    """What doctor says of this database, with a recording for Lago's side."""
    config, key, place = database.folder / "lago2odoo.toml", database.folder / "key", database.settings()
    key.write_text(place.key, encoding="utf-8")
    odoo = f'[odoo]\nurl = "{place.url}"\ndatabase = "{place.database}"\nkey_file = "{key}"\n'
    config.write_text(f'[lago]\nrecording = "{bundled()}"\n{odoo}', encoding="utf-8")
    return command("doctor", "--config", str(config)).out.splitlines()


def status_of(database: Any, key: str) -> int:
    """What the API answers to this key."""
    headers = {"Authorization": f"Bearer {key}", "X-Odoo-Database": database.name}
    return httpx.get(f"{database.settings().url}/api/v1/customers", headers=headers, timeout=60).status_code


def leftovers(database: Any) -> dict[str, list[str]]:
    """Everything of the addon that the database holds, by kind."""
    program = f"""
import json
found = {{}}
for kind, query in {LEFTOVERS!r}.items():
    env.cr.execute(query, [{OURS!r}])
    found[kind] = sorted(row[0] for row in env.cr.fetchall())
print("ANSWER=" + json.dumps(found))
"""
    answer = re.search(r"ANSWER=(.*)", odoo_shell(database, program))
    assert answer
    return {kind: names for kind, names in json.loads(answer[1]).items() if names}


def fill(odoo: Any, address: str) -> dict[str, Any]:
    """A record of each kind, and the ids to look at them again. The service has a key, and listens at ``address``."""

    def make(model: str, **vals: Any) -> int:
        return int(odoo.call(model, "create", vals_list=[vals])[0])

    service = make("fusion.billing.service", name="App", code="app", webhook_url=address)
    make("ir.config_parameter", key="fusion_billing.webhook_allowed_hosts", value="127.0.0.1")
    metric = make("fusion.billing.metric", name="Calls", code="calls", aggregation="count_agg")
    template = make("product.template", name="Plan", type="service", fusion_lago_id="plan-1")
    price = json.dumps({"amount": "0.05"})
    values = {"name": "Calls", "metric_id": metric, "plan_id": template, "charge_model": "standard"}
    charge = make("fusion.billing.charge", **values, properties=price)
    partner = make("res.partner", name="Maple")
    link = make("fusion.billing.account.link", service_id=service, partner_id=partner, external_id="NX-1")
    order = make("sale.order", partner_id=partner, fusion_service_id=service, fusion_external_id="sub-1")
    usage = make("fusion.billing.usage", transaction_id="t", external_subscription_id="sub-1", code="calls")
    wizard = odoo.call("fusion.billing.issue.key", "create", vals_list=[{"service_id": service}])
    key = odoo.call("fusion.billing.issue.key", "action_issue", wizard)["context"]["default_key"]
    push(Door(odoo), verdicts(sample(), Owners(partners={})), PushScope(period="2026-07")).raise_if_failed()
    records = {"service": service, "metric": metric, "charge": charge, "account.link": link, "usage": usage}
    return {"key": key, "order": order, "partner": partner, "template": template, "records": records}


def held(odoo: Any, made: dict[str, Any]) -> dict[str, Any]:
    """What the records say, without the moments of their last change."""
    rows = {n: odoo.call(f"fusion.billing.{n}", "read", [number])[0] for n, number in made["records"].items()}
    return {n: {k: v for k, v in row.items() if k not in ("write_date", "write_uid")} for n, row in rows.items()}


@pytest.fixture
def receiver() -> Iterator[ThreadingHTTPServer]:
    """An app's endpoint on this machine, which counts what it is sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            calls.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Tests are quiet."""

    calls: list[str] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.calls = calls  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_addon_is_upgraded_with_its_data_neutralized_uninstalled_and_installed_from_an_export(
    database: Any, receiver: Any, tmp_path: Path
) -> None:
    odoo = database.connect()
    made = fill(odoo, f"http://127.0.0.1:{receiver.server_port}/lago")
    _versions(database, odoo)
    _upgraded(database, odoo, made)
    _neutralized(database, odoo, made, receiver.calls)
    _uninstalled(database, odoo, made)
    _installed_from_an_export(database, odoo, tmp_path)
    odoo.close()


def _versions(database: Any, odoo: Any) -> None:
    """doctor and push on an older, a newer and the right version of the addon."""
    module = odoo.call("ir.module.module", "search", domain=[["name", "=", "fusion_billing"]])
    for other, remedy in (("19.0.0.9.0", "then upgrade the module"), ("19.1.0.0.0", "the lago2odoo that came with")):
        odoo.call("ir.module.module", "write", module, vals={"latest_version": other})
        with pytest.raises(Blocked, match=remedy):
            require_addon(Door(odoo), version())
        line = next(line for line in doctor(database) if "fusion_billing" in line and line.startswith("WARNING"))
        assert re.fullmatch(
            rf"WARNING  .*{re.escape(other)} in Odoo, {re.escape(version())} here -> .*{remedy}.*", line
        )
    odoo.call("ir.module.module", "write", module, vals={"latest_version": version()})
    assert f"ok       addon fusion_billing {version()}" in doctor(database)


def _upgraded(database: Any, odoo: Any, made: dict[str, Any]) -> None:
    before = held(odoo, made)
    code, log = database.run_odoo("-u", "fusion_billing", "--stop-after-init", "--log-level", "info")
    assert (code, warnings(log)) == (0, [])
    assert held(odoo, made) == before
    assert odoo.call(MODEL, "search_count", domain=[]) == sum(len(i.positions) for i in sample().invoices)


def _neutralized(database: Any, odoo: Any, made: dict[str, Any], calls: list[str]) -> None:
    """What called the app and let it in before does neither in a restored copy."""
    rename = "env['res.partner'].browse({}).phone = '{}'\n"
    odoo_shell(database, rename.format(made["partner"], 1) + CALLING + "env.cr.commit()")
    assert (len(calls) > 0, status_of(database, made["key"])) == (True, 200)
    odoo_shell(database, rename.format(made["partner"], 2) + "env.cr.commit()")
    calls.clear()
    code, log = database.run_command("neutralize", "--log-level", "info")
    assert code == 0, log[-2000:]
    odoo_shell(database, rename.format(made["partner"], 3) + CALLING + "env.cr.commit()")
    assert (calls, status_of(database, made["key"])) == ([], 401)
    service = odoo.call("fusion.billing.service", "read", [made["records"]["service"]])[0]
    assert (service["webhook_url"], service["webhook_secret"]) == (False, False)
    crons = odoo.call("ir.cron", "search_count", domain=[["cron_name", "ilike", "fusion"], ["active", "=", True]])
    assert crons == 0


def _uninstalled(database: Any, odoo: Any, made: dict[str, Any]) -> None:
    assert leftovers(database).keys() >= {"table", "column", "index", "model", "cron", "menu", "view", "group"}
    program = "env['ir.module.module'].search([('name', '=', 'fusion_billing')]).button_immediate_uninstall()"
    log = odoo_shell(database, program, level="info")
    assert warnings(log) == []
    assert leftovers(database) == {}
    assert (
        odoo.call("sale.order", "read", [made["order"]], fields=["partner_id"])[0]["partner_id"][0] == made["partner"]
    )
    assert odoo.call("product.template", "search_count", domain=[["id", "=", made["template"]]]) == 1
    assert addon_version(Door(odoo)) == ""
    with pytest.raises(Blocked, match="the addon fusion_billing is not installed"):
        require_addon(Door(odoo), version())
    assert any(line.startswith("WARNING  addon fusion_billing is not installed") for line in doctor(database))


def _installed_from_an_export(database: Any, odoo: Any, tmp_path: Path) -> None:
    """What ``addon export`` wrote is what the server takes, and what doctor recognises."""
    assert command("addon", "export", str(tmp_path / "exported")).code == 0
    path = ",".join([str(tmp_path / "exported"), str(HERE / "addons")])
    code, log = database.run_odoo(
        "-i", "fusion_billing", "--stop-after-init", "--log-level", "info", "--addons-path", path
    )
    assert (code, warnings(log)) == (0, [])
    assert f"ok       addon fusion_billing {version()}" in doctor(database)


@pytest.mark.parametrize("database", ["plain"], indirect=True)
def test_the_addon_needs_no_subscriptions(database: Any) -> None:
    odoo = database.connect()
    require_addon(Door(odoo), version())
    assert not odoo.call("ir.model", "search", domain=[["model", "=like", "sale.subscription%"]])
    made = fill(odoo, "")
    line = {
        "product_id": odoo.call("product.product", "search", domain=[["product_tmpl_id", "=", made["template"]]])[0]
    }
    moment = "2026-06-01 00:00:00"
    values = {"fusion_interval": "monthly", "fusion_billing_time": "calendar", "fusion_plan_amount": "30.00"}
    moments = dict.fromkeys(("fusion_anchor", "fusion_started_at", "fusion_created_at"), moment)
    values |= {"order_line": [[0, 0, {**line, "price_unit": 30.0}]], **moments}
    odoo.call("sale.order", "write", [made["order"]], vals=values)
    odoo.call("sale.order", "action_confirm", [made["order"]])
    billing = {"order": made["order"], "at": "2026-07-01 04:10:00", "reason": "subscription_periodic"}
    answer = odoo.call("sale.order", "fusion_rerun", [made["order"]], billings=[billing])[0]
    assert (answer["untaxed"], answer["refusals"]) == ("30.00", [])
    odoo.close()
