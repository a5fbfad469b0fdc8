"""Every running order of a migrated company: billed by the server's own scheduled actions, and rerun, to the cent.

The company is a copy of the migrated database. For the scheduled actions alone its clock stands after the next billing
day (freezegun in Odoo's own shell); the rerun is asked of the database that bills nothing.
"""

from __future__ import annotations

import subprocess
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from mappings.records import Snapshot
from migrate.change_set.watched import DECIDES
from migrate.odoo.door import Door
from reconcile.sides.lago import lago_invoices
from reconcile.sides.migrated import balances_of
from reconcile.sides.odoo_extras import extras
from reconcile.sides.odoo_next import with_next_dates
from reconcile.sides.odoo_receivables import receivables
from tests.odoo.conftest import SCRIPT, Database, drop, script
from tests.odoo.export import sql

ACTIONS = {
    "enterprise": ("fusion_billing.cron_invoice",),
    "oca": ("subscription_oca.ir_cron_subscription_management", "fusion_billing.cron_invoice"),
}
RUN = """
from freezegun import freeze_time
env = env(context={{**env.context, "tz": "UTC"}})
for xid in {actions!r}:
    cron = env.ref(xid)
    cron.active = True
    env.cr.commit()
    with freeze_time({at!r}, ignore=["psycopg2", "werkzeug"]):
        cron.method_direct_trigger()
    env.cr.commit()
    print("MOVES", xid, env["account.move"].search_count([("fusion_period_ids", "!=", False)]))
"""


@contextmanager
def copy_of(database: Database) -> Iterator[Database]:
    """The same database under another name, which may be harmed."""
    name = f"{database.name}_twin"
    script("copy", database.name, name, port=database.server.port)
    try:
        yield replace(database, name=name)
    finally:
        drop(name)


def run_actions(copy: Database, flavour: str, at: str) -> list[int]:
    """One run of each scheduled action that bills: how many invoices there were after each."""
    code = RUN.format(actions=ACTIONS[flavour], at=at)
    done = subprocess.run(
        [SCRIPT, "odoo", "shell", "-d", copy.name, "--no-http", "--log-level", "error"],
        input=code, capture_output=True, text=True, check=False,
    )  # fmt: skip
    counted = [line.split()[-1] for line in done.stdout.splitlines() if "MOVES" in line]
    assert len(counted) == len(ACTIONS[flavour]), done.stdout[-2000:] + done.stderr[-4000:]
    return [int(number) for number in counted]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What is on an invoice: (amount, taxes) of each line, the header, and each tax."""

    lines: tuple[tuple[str, tuple[int, ...]], ...]
    sums: tuple[str, ...]
    taxes: tuple[str, ...]
    currency: str
    payer: int


def first_billings(odoo: Any) -> list[dict[str, Any]]:
    """Of each customer, what was billed on the first day on which anything was; the later ones follow from these."""
    fields = ["order_id", "at", "reason", "move_id"]
    periods = odoo.call("fusion.billing.period", "search_read", domain=[], fields=fields)
    orders = odoo.call(
        "sale.order", "read", [p["order_id"][0] for p in periods], fields=["partner_invoice_id", "currency_id"]
    )
    payers = {row["id"]: (row["partner_invoice_id"][0], row["currency_id"][0]) for row in orders}
    first: dict[Any, str] = {}
    for period in periods:
        payer = payers[period["order_id"][0]]
        first[payer] = min(first.get(payer, "9"), period["at"])
    return [p for p in periods if p["at"][:10] == first[payers[p["order_id"][0]]][:10]]


def made(odoo: Any, moves: list[int]) -> dict[frozenset[str], Bill]:
    """Subscriptions -> the invoice that bills them."""
    head = ["amount_untaxed", "amount_tax", "amount_total", "currency_id", "partner_id", "line_ids"]
    lines = defaultdict(list)
    columns = ["move_id", "display_type", "price_subtotal", "tax_ids", "amount_currency", "fusion_order_id"]
    for line in odoo.call("account.move.line", "search_read", domain=[["move_id", "in", moves]], fields=columns):
        lines[line["move_id"][0]].append(line)
    orders = {line["fusion_order_id"][0] for rows in lines.values() for line in rows if line["fusion_order_id"]}
    ids = odoo.call("sale.order", "read", sorted(orders), fields=["fusion_lago_id"])
    lago = {row["id"]: row["fusion_lago_id"] for row in ids}
    found = {}
    for move in odoo.call("account.move", "read", moves, fields=head):
        rows = lines[move["id"]]
        sold = [row for row in rows if row["display_type"] == "product"]
        key = frozenset(lago[row["fusion_order_id"][0]] for row in sold if row["fusion_order_id"])
        found[key] = Bill(
            lines=tuple(sorted((f"{row['price_subtotal']:.2f}", tuple(sorted(row["tax_ids"]))) for row in sold)),
            sums=tuple(f"{move[name]:.2f}" for name in head[:3]),
            taxes=tuple(sorted(f"{-r['amount_currency']:.2f}" for r in rows if r["display_type"] == "tax")),
            currency=move["currency_id"][1],
            payer=move["partner_id"][0],
        )
    return found


def rerun(odoo: Any, billings: list[dict[str, Any]]) -> tuple[dict[frozenset[str], Bill], list[Any]]:
    """The same from ``fusion_rerun``; and what it refuses."""
    asked = [{"order": p["order_id"][0], "at": p["at"], "reason": p["reason"]} for p in billings]
    answers = odoo.call("sale.order", "fusion_rerun", sorted({b["order"] for b in asked}), billings=asked)
    found = {}
    for answer in answers:
        if not answer["lines"]:
            continue
        key = frozenset(line["key"]["subscription"] for line in answer["lines"] if line["key"]["subscription"])
        found[key] = Bill(
            lines=tuple(sorted((two(line["subtotal"]), tuple(sorted(line["tax_ids"]))) for line in answer["lines"])),
            sums=tuple(two(answer[name]) for name in ("untaxed", "tax", "total")),
            taxes=tuple(sorted(two(amount) for amount in answer["taxes"].values())),
            currency=answer["currency"],
            payer=answer["invoice_partner_id"],
        )
    return found, [refusal for answer in answers for refusal in answer["refusals"]]


def two(amount: str) -> str:
    """Of a currency without decimals too."""
    return f"{float(amount):.2f}"


def check_every_running_order(
    database: Database, copy: Database, flavour: str, at: str, lago_billed_until: datetime
) -> int:
    """How many orders were billed; each invoice of the scheduled action is its rerun, and nothing is billed twice."""
    counts = run_actions(copy, flavour, at)
    assert counts[0] == counts[-1] > 40, "the second scheduled action found nothing to bill"
    odoo = copy.connect(timeout=300)
    made_by_odoo = odoo.call("fusion.billing.period", "search_read", domain=[], fields=["order_id", "at", "reason"])
    lagos = [p for p in made_by_odoo if p["at"] <= f"{lago_billed_until.astimezone(UTC):%Y-%m-%d %H:%M:%S}"]
    assert lagos == [], "Lago billed it already"
    billings = first_billings(odoo)
    invoices = made(odoo, sorted({p["move_id"][0] for p in billings if p["move_id"]}))
    odoo.close()
    told, refused = rerun(database.connect(timeout=300), billings)
    assert refused == []
    assert sorted(map(sorted, told)) == sorted(map(sorted, invoices))
    assert told == invoices
    return len({p["order_id"][0] for p in billings})


MONTHS = {"monthly": 1, "quarterly": 3, "semiannual": 6, "yearly": 12}


def check_recurring_totals(odoo: Any, flavour: str) -> int:
    """Odoo's own recurring total a month is the base fee of a month. How many orders are yearly.

    Weekly ones are left out: how many weeks a month has is each one's own opinion.
    """
    fields = ["fusion_interval", "fusion_plan_amount", "currency_id", "order_line"]
    domain: list[Any] = [["fusion_external_id", "!=", False], ["fusion_ended_at", "=", False], ["state", "=", "sale"],
                         ["fusion_interval", "in", list(MONTHS)]]  # fmt: skip
    orders = odoo.call("sale.order", "search_read", domain=domain, fields=fields)
    lines = "sale.order.line" if flavour == "enterprise" else "sale.subscription.line"
    alone, totals = monthly(odoo, flavour, [order["id"] for order in orders], lines)
    yearly = 0
    for order in orders:
        if order["id"] not in alone:
            continue
        fee = float(order["fusion_plan_amount"]) / MONTHS[order["fusion_interval"]]
        cent = 1 if order["currency_id"][1] == "JPY" else 0.01
        assert abs(totals[order["id"]] - fee) <= cent, order
        yearly += order["fusion_interval"] == "yearly"
    return yearly


def monthly(odoo: Any, flavour: str, orders: list[int], lines: str) -> tuple[set[int], dict[int, float]]:
    """Orders that sell nothing but their plan and usage, and the recurring total a month of each."""
    owner = "order_id" if flavour == "enterprise" else "sale_subscription_id.sale_order_id"
    sold = [[owner, "in", orders], ["product_uom_qty", ">", 0]]
    if flavour == "enterprise":
        rows = odoo.call("sale.order", "read", orders, fields=["recurring_monthly"])
        totals = {row["id"]: row["recurring_monthly"] for row in rows}
        counted = [row["order_id"][0] for row in odoo.call(lines, "search_read", domain=sold, fields=["order_id"])]
    else:
        natives = odoo.call("sale.subscription", "search_read", domain=[["sale_order_id", "in", orders]],
                            fields=["sale_order_id", "recurring_total", "template_id"])  # fmt: skip
        order_of = {row["id"]: row["sale_order_id"][0] for row in natives}
        months = {f"{name.capitalize()} (Lago)": number for name, number in MONTHS.items()}
        months["Half-yearly (Lago)"] = 6
        totals = {order_of[r["id"]]: r["recurring_total"] / months[r["template_id"][1]] for r in natives}
        rows = odoo.call(lines, "search_read", domain=sold, fields=["sale_subscription_id"])
        counted = [order_of[row["sale_subscription_id"][0]] for row in rows]
    return {order for order in orders if counted.count(order) == 1 and order in totals}, totals


def check_copies(copy: Database, flavour: str, snapshot: Snapshot) -> None:
    """Odoo's own copy of an order carries nothing that the addon bills by, and is named as only Odoo's."""
    odoo = copy.connect(timeout=300)
    assert extras(Door(odoo), snapshot, (), balances_of(Door(odoo))) == ()
    domain: list[Any] = [["fusion_external_id", "!=", False], ["fusion_ended_at", "=", False], ["state", "=", "sale"],
                         ["fusion_plan_amount", "not in", ["0", "0.00", False]]]  # fmt: skip
    (order,) = odoo.call("sale.order", "search", domain=domain, limit=1)
    (made,) = odoo.call("sale.order", "copy", [order])
    odoo.call("sale.order", "action_confirm", [made])
    row = odoo.call("sale.order", "read", [made], fields=[n for n in DECIDES["sale.order"] if n.startswith("fusion_")])
    assert [name for name, value in row[0].items() if value and name != "id"] == []
    found = extras(Door(odoo), snapshot, (), balances_of(Door(odoo)))
    if flavour == "enterprise":
        assert [(e.kind, e.record) for e in found] == [("extra_order", f"sale.order,{made}")]
        assert found[0].net_cents
        return
    assert found == (), "on OCA the carrier alone has no quantities: its copy bills nothing"
    (native,) = odoo.call("sale.subscription", "search", domain=[["sale_order_id", "=", order]])
    (other,) = odoo.call("sale.subscription", "copy", [native])
    odoo.call("sale.subscription", "action_start_subscription", [other])
    once = extras(Door(odoo), snapshot, (), balances_of(Door(odoo)))
    assert once == (), "it bills through the order of the one it was copied from: once"
    odoo.call("sale.subscription", "write", [other], values={"sale_order_id": False})
    found = extras(Door(odoo), snapshot, (), balances_of(Door(odoo)))
    assert [(e.kind, e.record) for e in found] == [("extra_order", f"sale.subscription,{other}")]
    odoo.call("sale.subscription", "write", [other], values={"sale_order_id": order})


def check_receivables(copy: Database, snapshot: Snapshot) -> None:
    """The balances as drafts, posted, and one of them paid: against Odoo's own trial balance."""
    odoo = copy.connect(timeout=300)
    door = Door(odoo)
    drafts = receivables(door, snapshot, balances_of(door))
    assert [(view.delta_cents, view.posted_cents, view.ties) for view in drafts] == [(0, 0, True)] * len(drafts)
    ours = [["module", "=", "lago"], ["model", "=", "account.move"], ["name", "like", "invoice_"]]
    moves = [row["res_id"] for row in odoo.call("ir.model.data", "search_read", domain=ours, fields=["res_id"])][:6]
    odoo.call("account.move", "action_post", moves)
    context = {"active_model": "account.move", "active_ids": moves[:1]}
    (wizard,) = odoo.call("account.payment.register", "create", vals_list=[{}], context=context)
    odoo.call("account.payment.register", "action_create_payments", [wizard], context=context)
    paid = odoo.call("account.move", "read", moves[:1], fields=["amount_total", "currency_id"])[0]
    views = {view.currency: view for view in receivables(door, snapshot, balances_of(door))}
    assert all(view.ties for view in views.values())
    lost = {code: view.delta_cents for code, view in views.items() if view.delta_cents}
    assert lost == {paid["currency_id"][1]: -round(paid["amount_total"] * 100)}
    told = sql(copy.name, BALANCE).split()
    assert {code: str(view.account_cents) for code, view in views.items() if view.account_cents} == dict(
        line.split("|") for line in told
    )


def check_next_dates(copy: Database, flavour: str, snapshot: Snapshot) -> None:
    """Every order bills next when Lago does; one that somebody moved by a day is named."""
    door = Door(copy.connect(timeout=300))
    side = {invoice.lago_id: invoice for invoice in lago_invoices(snapshot)}

    def refusals() -> list[str]:
        return [r.reason for i in with_next_dates(door, snapshot, side).values() for r in i.refusals]

    before = refusals()
    assert "next_invoice" not in before
    billed = {p.lago_subscription_id for invoice in snapshot.invoices for p in invoice.billing_periods}
    running = next(s for s in snapshot.subscriptions if s.status == "active" and s.lago_id in billed)
    model, field, order = NEXT[flavour]
    row = door.search_read(model, [[order, "=", running.lago_id]], [field])[0]
    vals = "vals" if flavour == "enterprise" else "values"
    for day in (str(date.fromisoformat(row[field]) + timedelta(days=1)), row[field]):
        copy.connect().call(model, "write", [row["id"]], **{vals: {field: day}})
        assert sorted(refusals()) == sorted([*before, *["next_invoice"] * (day != row[field])])


NEXT = {
    "enterprise": ("sale.order", "next_invoice_date", "fusion_lago_id"),
    "oca": ("sale.subscription", "recurring_next_date", "sale_order_id.fusion_lago_id"),
}
BALANCE = """
select c.name, round(sum(l.amount_residual_currency) * (case c.name when 'JPY' then 1 else 100 end))::bigint
  from account_move_line l join account_account a on a.id = l.account_id join res_currency c on c.id = l.currency_id
 where a.account_type = 'asset_receivable' and l.parent_state = 'posted'
 group by c.name having sum(l.amount_residual_currency) <> 0
"""
