"""The part of ``bench.addon`` that runs inside Odoo: ``odoo shell -d DB < bench/addon_inside.py``.

``BENCH_STEP``: ``fill`` writes a catalog, customers and ``BENCH_ROWS`` rows of usage; ``measure`` times plain ORM calls
and the running period. Prints lines of JSON that begin with ``BENCH ``.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from typing import Any

SUBSCRIPTIONS = 100
SPAN_DAYS = 120
HEAVY = "bench_sub_0"  # has a tenth of all rows in the running month, the others share the rest
METRICS = {
    "calls": ("count_agg", ""),
    "gb": ("sum_agg", "gb"),
    "peak": ("max_agg", "gb"),
    "users": ("unique_count_agg", "user"),
}


def say(**values: Any) -> None:
    print("BENCH", json.dumps(values), flush=True)


def fill(env: Any, rows: int) -> None:
    service = env["fusion.billing.service"].create({"name": "Bench", "code": "bench"})
    product = env["product.product"].create({"name": "Bench plan", "type": "service", "default_code": "bench_plan"})
    product.product_tmpl_id.fusion_lago_id = "bench-plan"
    for code, (kind, name) in METRICS.items():
        charged(env, product, f"bench_{code}", kind, name)
    for number in range(SUBSCRIPTIONS):
        subscribed(env, service, product, number)
    add_rows(env, service, rows)
    say(key=env["fusion.billing.key"]._issue(service), rows=rows)
    env.cr.commit()


def charged(env: Any, product: Any, code: str, kind: str, name: str) -> None:
    values = {"name": code, "code": code, "aggregation": kind, "field_name": name}
    metric = env["fusion.billing.metric"].create(values)
    env["fusion.billing.charge"].create(
        {
            "name": code,
            "code": code,
            "kind": "usage",
            "metric_id": metric.id,
            "product_id": product.id,
            "plan_id": product.product_tmpl_id.id,
            "charge_model": "standard",
            "properties": json.dumps({"amount": "0.0005"}),
            "fusion_lago_id": f"charge-{code}",
        }
    )


def subscribed(env: Any, service: Any, product: Any, number: int) -> None:
    partner = env["res.partner"].create({"name": f"Bench {number}"})
    link = {"service_id": service.id, "partner_id": partner.id, "external_id": f"bench_{number}"}
    env["fusion.billing.account.link"].create(link)
    order = env["sale.order"].create(
        {
            "partner_id": partner.id,
            "order_line": [(0, 0, {"product_id": product.id, "product_uom_qty": 1, "price_unit": 30.0})],
            "fusion_service_id": service.id,
            "fusion_external_id": f"bench_sub_{number}",
            "fusion_lago_id": f"bench-sub-{number}",
            "fusion_plan_code": "bench_plan",
            "fusion_interval": "monthly",
            "fusion_billing_time": "calendar",
            "fusion_anchor": "2020-01-01 00:00:00",
            "fusion_started_at": "2020-01-01 00:00:00",
            "fusion_created_at": "2020-01-01 00:00:00",
            "fusion_plan_amount": "30.00",
            "fusion_timezone": "UTC",
        }
    )
    order.action_confirm()


def add_rows(env: Any, service: Any, rows: int) -> None:
    """Nine tenths over the last months and all subscriptions, one tenth in the running month of one of them."""
    month = "date_trunc('month', now() AT TIME ZONE 'utc')"
    spread = f"now() AT TIME ZONE 'utc' - n * interval '{SPAN_DAYS} days' / {rows}"
    heavy = f"{month} + n * (now() AT TIME ZONE 'utc' - {month}) / {rows}"
    env.cr.execute(
        f"""INSERT INTO fusion_billing_usage (transaction_id, external_subscription_id, code, timestamp, timestamp_us,
                                             received_at, received_us, properties, service_id, late, company_id)
            SELECT 'bench-' || n, CASE WHEN n %% 10 = 0 THEN %s ELSE 'bench_sub_' || n %% {SUBSCRIPTIONS} END,
                   (%s)[1 + n / 10 %% {len(METRICS)}], date_trunc('second', at), 0,
                   date_trunc('second', at), n %% 1000000,
                   '{{"gb": "' || (n * 7) %% 1000 / 10.0 || '", "user": "u' || (n * 13) %% 500 || '", "region": "eu"}}',
                   %s, false, %s
              FROM (SELECT n, CASE WHEN n %% 10 = 0 THEN {heavy} ELSE {spread} END AS at
                      FROM generate_series(1, {rows}) n) numbered""",
        [HEAVY, [f"bench_{code}" for code in METRICS], service.id, service.company_id.id],
    )
    env.cr.commit()
    env.cr.execute("ANALYZE fusion_billing_usage")


def measure(env: Any) -> None:
    service = env["fusion.billing.service"].search([("code", "=", "bench")])
    say(orm_single=per_second(lambda: create(env, service, 1), 100, 1))
    say(orm_batch=per_second(lambda: create(env, service, 100), 20, 100))
    for name in ("bench_sub_7", HEAVY):
        running_period(env, service, name)


def create(env: Any, service: Any, number: int) -> None:
    """The same rows as the API stores, as anybody would write them."""
    now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    env["fusion.billing.usage"].create(
        [
            {
                "transaction_id": str(uuid.uuid4()),
                "external_subscription_id": "bench_sub_3",
                "code": "bench_calls",
                "timestamp": now,
                "received_at": now,
                "properties": json.dumps({"gb": "1.5", "user": "u1"}),
                "service_id": service.id,
            }
            for _ in range(number)
        ]
    )
    env.cr.commit()


def per_second(act: Any, times: int, each: int) -> float:
    act()
    started = time.perf_counter()
    for _ in range(times):
        act()
    return times * each / (time.perf_counter() - started)


def running_period(env: Any, service: Any, name: str) -> None:
    gateway, customer = env["fusion.billing.gateway"].with_company(service.company_id), name.replace("_sub", "")

    def ask() -> Any:
        env.invalidate_all()
        return gateway.current_usage(service, {"external_subscription_id": name}, customer)["customer_usage"]

    answer, seconds = ask(), []
    for _ in range(7):
        started = time.perf_counter()
        ask()
        seconds.append(time.perf_counter() - started)
    events = sum(usage["events_count"] for usage in answer["charges_usage"])
    say(current=name, milliseconds=sorted(seconds)[3] * 1000, events=events)
    say(plan=name, text=explained(env, ask))


def explained(env: Any, ask: Any) -> str:
    """EXPLAIN ANALYZE of each query on usage that ``ask`` makes."""
    texts, execute, cursor = [], env.cr.execute, type(env.cr)

    def explaining(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        code, params = getattr(query, "code", query), getattr(query, "params", None)
        if "FROM fusion_billing_usage" in code:
            execute("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) " + code, params)
            texts.append("\n".join(row[0] for row in env.cr.fetchall()))
        return original(self, query, *args, **kwargs)

    original, cursor.execute = cursor.execute, explaining
    try:
        ask()
    finally:
        cursor.execute = original
    return "\n\n".join(texts)


if os.environ["BENCH_STEP"] == "fill":
    fill(globals()["env"], int(os.environ["BENCH_ROWS"]))
else:
    measure(globals()["env"])
