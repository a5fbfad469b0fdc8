"""How fast usage is re-rated: ``python -m bench.rerate [--events 10M|100M]``.

Generated usage (Parquet) of 50,000 subscriptions and 20 metrics over all aggregation types. Three contenders read the
same files in one run, each in a process of its own: our full re-rate, DuckDB's bare exact group-by sum, and pandas
(doubles) doing the same sums. Printed: wall and CPU time with
their ratio to the bare group-by (on a busy machine the CPU ratio tells more), and peak memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from mappings.records import BillableMetric, Charge
from reconcile.rating.demand import ChargeWindow, Demand
from reconcile.rating.fees import fees_of
from reconcile.rating.refusal import RerateRefused
from reconcile.rerate.aggregating import aggregate
from reconcile.rerate.event_source import EventSource

SUBSCRIPTIONS = 50_000
PLANS = 5  # each with four of the metrics
THREADS, MEMORY = 2, "3GB"
START, END = datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 7, 31, 23, 59, 59, 999999, tzinfo=UTC)
_ROWS_PER_FILE = 5_000_000
_KINDS = ("sum_agg", "count_agg", "max_agg", "latest_agg", "unique_count_agg", "sum_agg", "weighted_sum_agg")
_TIERS = [
    {"from_value": 0, "to_value": 100, "per_unit_amount": "0.05", "flat_amount": "1"},
    {"from_value": 101, "to_value": None, "per_unit_amount": "0.02", "flat_amount": "0"},
]
_PRICES: tuple[tuple[str, dict[str, object]], ...] = (
    ("standard", {"amount": "0.0125"}),
    ("graduated", {"graduated_ranges": _TIERS}),
    ("volume", {"volume_ranges": _TIERS}),
    ("package", {"amount": "3", "package_size": 100, "free_units": 10}),
    ("percentage", {"rate": "1.5", "fixed_amount": "0.01"}),
)


def generate(folder: Path, events: int) -> None:
    """One month of events in files as the extract writes them: ``month=2026-07/...``."""
    target = folder / "month=2026-07"
    target.mkdir(parents=True)
    db = duckdb.connect()
    db.execute(f"set threads = {THREADS}")
    for number, first in enumerate(range(0, events, _ROWS_PER_FILE)):
        last = min(first + _ROWS_PER_FILE, events)
        db.execute(
            f"copy ({_events(first, last)}) to '{target}/{number:04}.parquet' (format parquet, compression zstd)"
        )


def _events(first: int, last: int) -> str:
    subscription = f"hash(i) % {SUBSCRIPTIONS}"
    micros = 31 * 86_400_000_000
    return f"""
        select 'tx_' || i as transaction_id, 'sub_' || s as external_subscription_id,
               'metric_' || (s % {PLANS} * 4 + hash(i * 7 + 1) % 4) as code,
               make_timestamp(1782864000000000 + (hash(i * 3 + 2) % {micros})::bigint) as timestamp,
               make_timestamp(1782864000000000 + (hash(i * 3 + 2) % {micros})::bigint + 1000000) as created_at,
               '{{"region":"eu","value":"' || (hash(i * 5) % 1000) || '.' || (100 + hash(i * 11) % 900) || '"}}'
                   as properties,
               null::varchar as precise_total_amount_cents, 'id_' || i as lago_id
        from (select i, {subscription} as s from range({first}, {last}) t(i))"""


def demands() -> list[Demand]:
    metrics = [_metric(number) for number in range(PLANS * 4)]
    charges = [_charge(number, metric) for number, metric in enumerate(metrics)]
    windows = [_window(number) for number in range(SUBSCRIPTIONS)]
    return [
        Demand(window=windows[number], charge=charges[place], metric=metrics[place])
        for number in range(SUBSCRIPTIONS)
        for place in range(number % PLANS * 4, number % PLANS * 4 + 4)
    ]


def _metric(number: int) -> BillableMetric:
    kind = _KINDS[number % len(_KINDS)]
    code = f"metric_{number}"
    return BillableMetric(lago_id=code, code=code, name=code, aggregation_type=kind, field_name="value")


def _charge(number: int, metric: BillableMetric) -> Charge:
    model, properties = _PRICES[number % len(_PRICES)]
    return Charge(
        lago_id=f"charge_{number}",
        lago_billable_metric_id=metric.lago_id,
        billable_metric_code=metric.code,
        charge_model=model,
        properties=properties,
    )


def _window(number: int) -> ChargeWindow:
    return ChargeWindow(
        external_subscription_id=f"sub_{number}",
        charges_from=START,
        charges_to=END,
        charges_duration=31,
        currency="CAD",
    )


# --- contenders, each in its own process ---


def ours(folder: Path) -> dict[str, float]:
    asked = demands()
    fees = 0
    rating = 0.0
    with EventSource.from_parquet(folder, memory_limit=MEMORY, threads=THREADS) as source:
        for index, buckets in aggregate(source, asked):
            if isinstance(buckets, RerateRefused):
                raise buckets
            started = time.perf_counter()
            fees += len(fees_of(asked[index], buckets))
            rating += time.perf_counter() - started
    return {"fees": fees, "rating": rating}


def aggregation(folder: Path) -> dict[str, float]:
    """The units alone of what DuckDB can sum too: every demand but the weighted sums."""
    asked = [demand for demand in demands() if demand.metric.aggregation_type != "weighted_sum_agg"]
    with EventSource.from_parquet(folder, memory_limit=MEMORY, threads=THREADS) as source:
        return {"demands": sum(1 for _ in aggregate(source, asked))}


def bare(folder: Path) -> dict[str, float]:
    db = duckdb.connect()
    db.execute(f"set threads = {THREADS}; set memory_limit = '{MEMORY}'")
    rows = db.execute(
        "select external_subscription_id, code, sum(json_extract_string(properties, '/value')::decimal(28,15)) "
        f"from read_parquet('{folder}/**/*.parquet') group by all"
    ).fetchall()
    return {"rows": len(rows)}


def with_pandas(folder: Path) -> dict[str, float]:
    import pandas as pd  # noqa: PLC0415 (only this contender pays for it)

    keys = ["external_subscription_id", "code"]
    parts = []
    for file in sorted(folder.rglob("*.parquet")):
        frame = pd.read_parquet(file, columns=[*keys, "properties"], dtype_backend="pyarrow")
        frame["value"] = frame["properties"].str.extract(r'"value":"([^"]*)"', expand=False).astype("float64")
        parts.append(frame.groupby(keys)["value"].sum())
    return {"rows": len(pd.concat(parts).groupby(keys).sum())}


CONTENDERS: dict[str, tuple[str, Callable[[Path], dict[str, float]]]] = {
    "bare": ("DuckDB: bare exact group-by sum", bare),
    "aggregation": ("ours: units of all but weighted sums", aggregation),
    "ours": ("ours: full re-rate (units, amounts, fees)", ours),
    "pandas": ("pandas: the same sums, doubles", with_pandas),
}


def child(name: str, folder: Path) -> None:
    started, used = time.perf_counter(), time.process_time()
    facts = CONTENDERS[name][1](folder)
    wall, cpu = time.perf_counter() - started, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"wall": wall, "cpu": cpu, "peak": peak, **facts}))


def measure(name: str, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.rerate", "--child", name, "--folder", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", default="10M", help="number of events, e.g. 1M, 10M (default), 100M")
    parser.add_argument("--only", nargs="*", choices=sorted(CONTENDERS), help="contenders to run (default: all)")
    parser.add_argument("--child", choices=sorted(CONTENDERS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child, options.folder)
        return
    events = int(float(options.events.upper().rstrip("M")) * 1_000_000)
    with tempfile.TemporaryDirectory(prefix="rerate-") as folder:
        started = time.perf_counter()
        generate(Path(folder), events)
        print(f"{events:,} events generated in {time.perf_counter() - started:.0f} s, {SUBSCRIPTIONS:,} subscriptions")
        show(Path(folder), options.only or list(CONTENDERS))


def show(folder: Path, names: list[str]) -> None:
    print(f"{'':45}{'wall s':>9}{'ratio':>7}{'CPU s':>9}{'ratio':>7}{'peak MB':>9}")
    base: dict[str, float] = {}
    for name in names:
        found = measure(name, folder)
        base = base or found
        times = "".join(f"{found[key]:9.1f}{found[key] / base[key]:7.2f}" for key in ("wall", "cpu"))
        print(f"{CONTENDERS[name][0]:45}{times}{found['peak']:9.0f}", flush=True)
        extra = ", ".join(f"{key} {value:,.1f}" for key, value in found.items() if key not in ("wall", "cpu", "peak"))
        print(f"    {extra}")


if __name__ == "__main__":
    main()
