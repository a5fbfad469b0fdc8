"""What only the embedded Odoo has: its file, its flavours, its plain no to what it cannot do, its speed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from lago2odoo.sandbox.odoo import Server, serve
from lago2odoo.sandbox.odoo.taxes import PercentTax, TaxableLine, compute, spread
from lago2odoo.sandbox.odoo.values import float_round
from migrate.errors import StoreError
from migrate.odoo.connect import OdooSettings, connect
from migrate.odoo.errors import OdooError
from migrate.odoo.protocol import Odoo


def link(server: Server) -> Odoo:
    return connect(OdooSettings(url=server.url, database=server.database_name, user=server.user, key=server.key))


def test_the_file_is_kept(tmp_path: Path) -> None:
    server = serve(tmp_path / "o.sqlite")
    number = link(server).call("res.partner", "create", vals_list=[{"name": "Kept"}])[0]
    server.close()
    again = serve(tmp_path / "o.sqlite")
    assert link(again).call("res.partner", "read", [number], fields=["name"])[0]["name"] == "Kept"
    again.close()


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    serve(tmp_path / "o.sqlite", flavour="enterprise").close()
    with pytest.raises(StoreError, match="another kind"):
        serve(tmp_path / "o.sqlite", flavour="oca")
    with pytest.raises(StoreError, match="another kind"):
        serve(tmp_path / "o.sqlite", addon=False)


@pytest.mark.parametrize("flavour", ["enterprise", "oca", "plain"])
@pytest.mark.parametrize("addon", [True, False])
def test_flavours(tmp_path: Path, flavour: str, addon: bool) -> None:
    server = serve(tmp_path / "o.sqlite", flavour=flavour, addon=addon)
    odoo = link(server)
    models = {row["model"] for row in odoo.call("ir.model", "search_read", domain=[], fields=["model"])}
    fields = set(odoo.call("sale.order", "fields_get", attributes=["type"]))
    assert ("sale.subscription.plan" in models) == ("plan_id" in fields) == (flavour == "enterprise")
    assert ("sale.subscription" in models) == (flavour == "oca")
    assert ("fusion.billing.usage" in models) == ("fusion_lago_id" in fields) == addon
    with pytest.raises(OdooError):
        odoo.call("sale.subscription" if flavour != "oca" else "sale.subscription.plan", "search", domain=[])
    server.close()


def test_what_it_cannot_do_it_says(tmp_path: Path) -> None:
    server = serve(tmp_path / "o.sqlite")
    odoo = link(server)
    with pytest.raises(OdooError, match="the embedded Odoo cannot do this, use a real server"):
        odoo.call("res.partner", "read", [1], fields=["total_invoiced"])
    server.close()


def test_concurrent_callers_do_not_mix(tmp_path: Path) -> None:
    server = serve(tmp_path / "o.sqlite")
    done: list[int] = []

    def work(name: str) -> None:
        odoo = link(server)
        for index in range(20):
            done.extend(odoo.call("res.partner", "create", vals_list=[{"name": f"{name} {index}"}]))

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(done)) == 80
    server.close()


def test_batches_are_quick(tmp_path: Path) -> None:
    server = serve(tmp_path / "o.sqlite")
    odoo = link(server)
    country = odoo.call("res.country", "search", domain=[["code", "=", "CA"]])[0]
    started = time.process_time()
    odoo.call(
        "res.partner", "create", vals_list=[{"name": f"P {i}", "country_id": country, "city": "x"} for i in range(1000)]
    )
    assert time.process_time() - started < 1.0
    server.close()


def test_killed_in_the_middle_it_keeps_whole_calls(tmp_path: Path) -> None:
    code = (
        "import sys; from lago2odoo.sandbox.odoo import serve; import time\n"
        "server = serve(sys.argv[1]); print(server.url, server.key, flush=True); time.sleep(60)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "o.sqlite")], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    url, key = process.stdout.readline().split()
    odoo = connect(OdooSettings(url=url, database="embedded", user="admin", key=key, timeout=20))
    threading.Timer(0.3, process.send_signal, (signal.SIGKILL,)).start()
    answered = 0
    with pytest.raises(OdooError):
        while True:
            odoo.call("res.partner", "create", vals_list=[{"name": "Batch", "ref": f"{answered}"} for _ in range(50)])
            answered += 1
    process.wait()
    process.stdout.close()
    server = serve(tmp_path / "o.sqlite")
    count = link(server).call("res.partner", "search_count", domain=[["name", "=", "Batch"]])
    assert count % 50 == 0 and count // 50 in (answered, answered + 1)
    server.close()


def test_unknown_paths_are_html(tmp_path: Path) -> None:
    server = serve(tmp_path / "o.sqlite")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(server.url + "/nope")
    assert caught.value.code == 404 and caught.value.headers["Content-Type"].startswith("text/html")
    caught.value.close()
    server.close()


def test_rounding_of_doubles() -> None:
    cases = [
        (2.675, 0.01, 2.68),
        (1.005, 0.01, 1.01),
        (-2.675, 0.01, -2.68),
        (0.5, 1.0, 1.0),
        (1.0005, 0.001, 1.001),
        (0.0, 0.01, 0.0),
        (7.0, 5.0, 5.0),
    ]
    assert [float_round(value, step) for value, step, _expected in cases] == [expected for *_rest, expected in cases]


def test_cents_go_to_the_heaviest_lines() -> None:
    # shares are rounded first (2 of 3 cents); what is left starts again at the heaviest
    assert [round(part, 2) for part in spread(0.03, [1.0, 5.0, 1.0], 0.01)] == [0.0, 0.03, 0.0]
    assert [round(part, 2) for part in spread(0.04, [2.0, 1.0, 1.0], 0.01)] == [0.02, 0.01, 0.01]
    assert [round(part, 2) for part in spread(-0.01, [1.0, 1.0], 0.01)] == [-0.01, 0.0]
    assert spread(0.0, [1.0], 0.01) == [0.0]


def test_a_tax_on_a_tax() -> None:
    taxes = (PercentTax(1, 10.0, 1, affects=True), PercentTax(2, 10.0, 2), PercentTax(3, 10.0, 3, is_affected=False))
    _lines, totals = compute([TaxableLine(1, 100.0, taxes=taxes)], 0.01, False)
    assert (totals.taxes, totals.total) == ({1: 10.0, 2: 11.0, 3: 10.0}, 131.0)
