"""A whole apply as a program of its own, to be killed: ``python program.py SETTINGS.json STATE.db COUNT [wait]``.

``records(count, prefix)``: what it applies; another prefix gives other records, so that tests may share a database.

Prints ``ready`` once it holds the lock and starts writing, and the summary as JSON at the end. With ``wait`` it writes
only after a line on standard input: a test that needs two at once must not depend on which is quicker. Exit code as the
command line's.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from mappings.errors import Lago2OdooError
from mappings.target import Desired, Phase, Ref, Source, Target
from migrate.apply import apply
from migrate.odoo.connect import OdooSettings, connect
from migrate.odoo.door import Door
from migrate.state.ledger import Ledger
from migrate.state.store import Store


def records(count: int, prefix: str = "KILL") -> list[Desired]:
    """A product, customers, and orders with two lines each, every other one confirmed."""
    mark = "" if prefix == "KILL" else f"{prefix}_"
    thing = Desired(
        phase=Phase.CATALOG,
        model="product.product",
        xid=f"lago.{mark}product_1",
        source=Source("plan", "basic"),
        values={"name": "Basic", "type": "service", "list_price": Decimal("10"), "taxes_id": ()},
    )
    people = [
        Desired(
            phase=Phase.CUSTOMERS,
            model="res.partner",
            xid=f"lago.{mark}customer_{n}",
            source=Source("customer", str(n)),
            customer=str(n),
            values={"name": f"Customer {n}", "ref": f"{prefix}-{n}", "country_id": Ref("base.ca")},
        )
        for n in range(count)
    ]
    return [thing, *people, *(order(n, prefix, mark) for n in range(count // 2))]


def order(number: int, prefix: str, mark: str) -> Desired:
    lines = tuple(
        Desired(
            phase=Phase.SUBSCRIPTIONS,
            model="sale.order.line",
            xid=f"lago.{mark}line_{number}_{place}",
            source=Source("subscription", str(number)),
            values={
                "product_id": Ref(f"lago.{mark}product_1"),
                "name": f"line {place}",
                "product_uom_qty": Decimal(place + 1),
                "price_unit": Decimal("12.345"),
                "tax_ids": (),
            },
        )
        for place in range(2)
    )
    wish = Desired(
        phase=Phase.SUBSCRIPTIONS,
        model="sale.order",
        xid=f"lago.{mark}subscription_{number}",
        source=Source("subscription", str(number)),
        customer=str(number),
        values={"name": f"{prefix}/{number}", "partner_id": Ref(f"lago.{mark}customer_{number}")},
        children={"order_line": lines},
    )
    return replace(wish, after=("action_confirm",)) if number % 2 else wish


def target() -> Target:
    nothing: frozenset[str] = frozenset()
    return Target(
        subscriptions="enterprise",
        addon=False,
        company_id=1,
        currencies=nothing,
        languages=nothing,
        loyalty=False,
        stripe=False,
    )


def main(settings: str, state: str, count: str, wait: str = "") -> int:
    try:
        with Store.open(Path(state)) as store, store.lock():
            odoo = connect(OdooSettings(**json.loads(Path(settings).read_text())))
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            if wait:
                sys.stdin.readline()
            applied = apply(Door(odoo), Ledger(store), records(int(count)))
            applied.raise_if_failed()
            sys.stdout.write(json.dumps({"written": applied.written, "pending": applied.changes.pending}) + "\n")
    except Lago2OdooError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
