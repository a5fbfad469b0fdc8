"""How fast apply writes to a real Odoo, side by side with the plain ways, in one run on one server.

    python -m bench.odoo [--scale 1.0]        make bench-odoo

Uses the server of ODOO_URL, ODOO_DB, ODOO_KEY (and ODOO_USER); else the project's own, started by tests/odoo/server.
Every way writes new records of the same kind; ours also reads everything back, keeps its ledger, gives external ids.
Each way has two turns, the better one counts: a machine may be shared. With a server of our own also the processor time
of server and client together is shown, which does not depend on who else is at work.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from mappings.target import Desired, Phase, Ref, Source
from migrate.apply import apply
from migrate.odoo.connect import OdooSettings, connect
from migrate.odoo.door import Door
from migrate.odoo.protocol import Odoo
from migrate.state.ledger import Ledger
from migrate.state.store import Store

SCRIPT = Path(__file__).parents[1] / "tests" / "odoo" / "server"
CEILING_BATCH = 1000
CEILING = f"create in batches of {CEILING_BATCH}"
LOAD_BATCH = 200


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of record: how many per way, how plain ``create`` says it, and how a mapper would."""

    name: str
    number: int
    singles: int
    vals: Callable[[int], dict[str, Any]]
    desired: Callable[[int], Desired]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0, help="factor on the numbers of records")
    scale = parser.parse_args(arguments).scale
    with server() as (settings, process):
        ours = connect(settings)
        plain = connect(OdooSettings(**{**_place(settings), "transport": "odoorpc"}))
        rows = [row for kind in kinds(plain, scale) for row in measure(kind, plain, ours, process)]
    report(rows)
    return 0


def _place(settings: OdooSettings) -> dict[str, Any]:
    return {n: getattr(settings, n) for n in ("url", "database", "user", "key", "timeout")}


# --- the server ------------------------------------------------------------------------------------------------------


@contextmanager
def server() -> Iterator[tuple[OdooSettings, int | None]]:
    """The given server, or our own with a fresh database and the id of its process."""
    if os.environ.get("ODOO_URL"):
        yield _settings(dict(os.environ)), None
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    name = f"bench_{os.getpid()}"
    _script("ready", port=port)
    said = _script("reset", name, port=port)
    _script("up", name, port=port)
    try:
        yield _settings(dict(re.findall(r"^(\w+)=(.*)$", said, re.MULTILINE))), int(_script("pid", port=port))
    finally:
        _script("down", port=port)
        _script("drop", name, port=port)


def _settings(place: dict[str, str]) -> OdooSettings:
    user = place.get("ODOO_USER", "admin")
    return OdooSettings(url=place["ODOO_URL"], database=place["ODOO_DB"], user=user, key=place["ODOO_KEY"], timeout=600)


def _script(*arguments: str, port: str) -> str:
    done = subprocess.run(
        [SCRIPT, *arguments], check=False, env={**os.environ, "ODOO_PORT": port}, stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        sys.exit(f"tests/odoo/server {' '.join(arguments)} failed; set ODOO_URL, ODOO_DB and ODOO_KEY to use another")
    return done.stdout


# --- what is written -------------------------------------------------------------------------------------------------


def kinds(odoo: Odoo, scale: float) -> list[Kind]:
    """Partners with 12 fields, orders with 3 lines, draft invoices with 5 taxed lines."""
    ids = {name: _ref(odoo, name) for name in ("base.ca", "base.state_ca_on", _tax(odoo))}
    product = odoo.call("product.product", "create", vals_list=[{"name": "Bench", "type": "service"}])[0]
    owner = odoo.call("res.partner", "create", vals_list=[{"name": "Bench"}])[0]
    _name(odoo, "bench_product", "product.product", product)
    _name(odoo, "bench_owner", "res.partner", owner)
    tax = _tax(odoo)
    return [
        Kind("partners", int(2000 * scale), 60, lambda n: _partner_vals(n, ids), _partner),
        Kind("orders, 3 lines", int(300 * scale), 20, lambda n: _order_vals(n, product, owner, ids[tax]), _order(tax)),
        Kind("draft invoices, 5 lines", int(100 * scale), 8, lambda n: _move_vals(n, owner, ids[tax]), _move(tax)),
    ]


def _ref(odoo: Odoo, xid: str) -> int:
    module, _, name = xid.partition(".")
    domain = [["module", "=", module], ["name", "=", name]]
    return int(odoo.call("ir.model.data", "search_read", domain=domain, fields=["res_id"])[0]["res_id"])


def _tax(odoo: Odoo) -> str:
    return f"account.{Door(odoo).company_id}_hst_sale_tax_13"


def _name(odoo: Odoo, name: str, model: str, number: int) -> None:
    domain = [["module", "=", "lago"], ["name", "=", name]]
    odoo.call("ir.model.data", "unlink", odoo.call("ir.model.data", "search", domain=domain))
    odoo.call("ir.model.data", "create", vals_list=[{"module": "lago", "name": name, "model": model, "res_id": number}])


def _partner_plain(number: int) -> dict[str, Any]:
    return {
        "name": f"Bench {number}",
        "ref": f"BENCH-{number}",
        "email": f"bench{number}@example.com",
        "phone": "+1 416 555 0100",
        "vat": "123456789RT0001",
        "street": "1 King Street West",
        "street2": "Floor 2",
        "city": "Toronto",
        "zip": "M5V 1A1",
        "is_company": True,
    }


def _partner_vals(number: int, ids: dict[str, int]) -> dict[str, Any]:
    return {**_partner_plain(number), "country_id": ids["base.ca"], "state_id": ids["base.state_ca_on"]}


def _fresh(kind: str) -> str:
    return f"lago.bench_{kind}_{uuid.uuid4()}"


def _partner(number: int) -> Desired:
    values = {**_partner_plain(number), "country_id": Ref("base.ca"), "state_id": Ref("base.state_ca_on")}
    return Desired(
        phase=Phase.CUSTOMERS,
        model="res.partner",
        xid=_fresh("partner"),
        values=values,
        source=Source("customer", str(number)),
    )


def _order_vals(number: int, product: int, owner: int, tax: int) -> dict[str, Any]:
    line = {
        "product_id": product,
        "name": "Bench",
        "product_uom_qty": 2,
        "price_unit": 12.5,
        "tax_ids": [[6, 0, [tax]]],
    }
    return {"name": f"BENCH/{number}", "partner_id": owner, "order_line": [[0, 0, line]] * 3}


def _order(tax: str) -> Callable[[int], Desired]:
    content = {
        "product_id": Ref("lago.bench_product"),
        "name": "Bench",
        "product_uom_qty": Decimal(2),
        "price_unit": Decimal("12.5"),
        "tax_ids": (Ref(tax),),
    }

    def make(number: int) -> Desired:
        values = {"name": f"BENCH/{number}", "partner_id": Ref("lago.bench_owner")}
        return _with_lines(
            number, Phase.SUBSCRIPTIONS, "sale.order", values, "order_line", "sale.order.line", content, 3
        )

    return make


def _move_vals(number: int, owner: int, tax: int) -> dict[str, Any]:
    line = {"name": "Bench", "quantity": 2, "price_unit": 12.5, "tax_ids": [[6, 0, [tax]]]}
    return {
        "move_type": "out_invoice",
        "partner_id": owner,
        "ref": f"B{number}",
        "invoice_line_ids": [[0, 0, line]] * 5,
    }


def _move(tax: str) -> Callable[[int], Desired]:
    content = {"name": "Bench", "quantity": Decimal(2), "price_unit": Decimal("12.5"), "tax_ids": (Ref(tax),)}

    def make(number: int) -> Desired:
        values = {"move_type": "out_invoice", "partner_id": Ref("lago.bench_owner"), "ref": f"B{number}"}
        return _with_lines(
            number, Phase.BALANCES, "account.move", values, "invoice_line_ids", "account.move.line", content, 5
        )

    return make


def _with_lines(
    number: int,
    phase: Phase,
    model: str,
    values: dict[str, Any],
    name: str,
    line: str,
    content: dict[str, Any],
    many: int,
) -> Desired:
    xid = _fresh(model.replace(".", "_"))
    lines = tuple(
        Desired(phase=phase, model=line, xid=f"{xid}_{place}", values=content, source=Source(model, str(number)))
        for place in range(many)
    )
    return Desired(
        phase=phase, model=model, xid=xid, values=values, source=Source(model, str(number)), children={name: lines}
    )


# --- measuring -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """``speed``: ``records`` a second. ``cpu``: milliseconds a record, server and client together, if known."""

    kind: str
    way: str
    records: int
    speed: float
    cpu: float | None
    remark: str


def processor(server: int | None) -> float | None:
    """Seconds of processor time that this program and the server have used so far."""
    if server is None:
        return None
    fields = Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()
    return time.process_time() + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def turn(kind: str, way: str, records: int, act: Callable[[], str], server: int | None) -> Row:
    """One way, once."""
    used, started = processor(server), time.perf_counter()
    remark = act()
    took, now = time.perf_counter() - started, processor(server)
    cpu = None if used is None or now is None else (now - used) / records * 1000
    sys.stderr.write(f"{kind}: {way}: {records / took:,.1f}/s\n")
    return Row(kind, way, records, records / took, cpu, remark)


def measure(kind: Kind, plain: Odoo, ours: Odoo, server: int | None) -> list[Row]:
    """All ways, each on new records, in two rounds; a small creation before warms the server's caches."""
    model = kind.desired(0).model
    plain.call(model, "create", vals_list=[kind.vals(n) for n in range(2)])
    rounds = [list(_round(kind, model, plain, ours, server)) for _ in range(2)]
    return [max(rows, key=lambda row: row.speed) for rows in zip(*rounds, strict=True)]


def _round(kind: Kind, model: str, plain: Odoo, ours: Odoo, server: int | None) -> Iterator[Row]:
    ways = (
        ("create one by one", kind.singles, lambda: _create(plain, model, kind, kind.singles, 1)),
        (CEILING, kind.number, lambda: _create(plain, model, kind, kind.number, CEILING_BATCH)),
        (f"load in batches of {LOAD_BATCH}", kind.number, lambda: _load(plain, kind)),
    )
    for way, records, act in ways:
        yield turn(kind.name, way, records, act, server)
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "state.db") as store:
        ledger, mapped = Ledger(store), [kind.desired(n) for n in range(kind.number)]
        lines = sum(len(some) for d in mapped for some in d.children.values())
        yield turn(kind.name, "lago2odoo apply", kind.number, lambda: _apply(ours, ledger, mapped), server)
        again = turn(
            kind.name, "lago2odoo apply, unchanged", kind.number + lines, lambda: _apply(ours, ledger, mapped), server
        )
        yield again if not lines else replace(again, remark=f"{again.remark}, lines counted")


def _create(odoo: Odoo, model: str, kind: Kind, number: int, batch: int) -> str:
    for start in range(0, number, batch):
        odoo.call(model, "create", vals_list=[kind.vals(n) for n in range(start, min(start + batch, number))])
    return ""


def _load(odoo: Odoo, kind: Kind) -> str:
    """What a careful script would do: external ids, batches, no read-back."""
    from migrate.odoo.rows import matrix  # noqa: PLC0415  only to spell the same columns

    def no_id(_target: Any) -> int:
        raise AssertionError("all references go by external id")

    wishes = [kind.desired(n) for n in range(kind.number)]
    for start in range(0, len(wishes), LOAD_BATCH):
        some = [(d, d.values.keys(), d.children) for d in wishes[start : start + LOAD_BATCH]]
        columns, rows = matrix(some, no_id)
        answer = odoo.call(some[0][0].model, "load", None, fields=columns, data=rows)
        if answer["ids"] is False:
            sys.exit(str(answer["messages"][:1]))
    return "nothing read back"


def _apply(odoo: Odoo, ledger: Ledger, mapped: Sequence[Desired]) -> str:
    phases = sorted({d.phase for d in mapped}, key=list(Phase).index)
    applied = apply(Door(odoo), ledger, mapped, phases=phases)
    applied.raise_if_failed()
    return f"{applied.calls} writing calls"


def report(rows: Sequence[Row]) -> None:
    """The table, with each way's ratio to the ceiling (by the clock, and by processor time) and to one by one."""
    print(
        f"{'what':<24} {'way':<27} {'records':>8} {'per second':>11} {'of ceiling':>11} {'of singles':>11} "
        f"{'CPU ms each':>12} {'of ceiling':>11}"
    )
    for row in rows:
        same = {r.way: r for r in rows if r.kind == row.kind}
        ceiling, singles = same[CEILING], same["create one by one"]
        line = f"{row.kind:<24} {row.way:<27} {row.records:>8,} {row.speed:>11,.1f} {row.speed / ceiling.speed:>11.0%}"
        line += f" {row.speed / singles.speed:>10.1f}x"
        if row.cpu and ceiling.cpu:
            line += f" {row.cpu:>12.2f} {ceiling.cpu / row.cpu:>11.0%}"
        print(f"{line}  {row.remark}".rstrip())


if __name__ == "__main__":
    sys.exit(main())
