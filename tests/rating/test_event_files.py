"""Events from Parquet: the same units as from memory, and files that are not events named as such."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from mappings.records import BillableMetric, Charge
from reconcile.rating.demand import ChargeWindow, Demand
from reconcile.rating.refusal import RerateRefused
from reconcile.rerate.event_source import EventSource
from tests.vectors_support.one_charge import aggregate_one

ROW = """
    select 't1' as transaction_id, 'sub' as external_subscription_id, 'm' as code,
           timestamp '2026-07-02 00:00:00' as timestamp, timestamp '2026-07-02 00:00:01' as created_at,
           '{"value":"1.5"}' as properties, null::varchar as precise_total_amount_cents, 'id' as lago_id"""


def write(folder: Path, query: str) -> None:
    target = folder / "month=2026-07"
    target.mkdir(parents=True)
    file = str(target / "events.parquet").replace("'", "''")
    duckdb.execute(f"copy ({query}) to '{file}' (format parquet)")


def asked() -> Demand:
    metric = BillableMetric(lago_id="m", code="m", name="m", aggregation_type="sum_agg", field_name="value")
    charge = Charge(
        lago_id="c",
        lago_billable_metric_id="m",
        billable_metric_code="m",
        charge_model="standard",
        properties={"amount": "1"},
    )
    window = ChargeWindow(
        external_subscription_id="sub",
        charges_from=datetime(2026, 7, 1, tzinfo=UTC),
        charges_to=datetime(2026, 7, 31, 23, 59, 59, 999999, tzinfo=UTC),
        charges_duration=31,
        currency="CAD",
    )
    return Demand(window=window, charge=charge, metric=metric)


def test_events_of_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "it's events"
    write(folder, ROW)
    with EventSource.from_parquet(folder, memory_limit="200MB", threads=1) as source:
        (bucket,) = aggregate_one(source, asked())
    assert str(bucket.aggregations[0].units).rstrip("0") == "1.5"


def test_a_folder_without_events(tmp_path: Path) -> None:
    with EventSource.from_parquet(tmp_path) as source:
        (bucket,) = aggregate_one(source, asked())
    assert (bucket.aggregations[0].units, bucket.aggregations[0].events_count) == (0, 0)


def test_a_file_with_other_columns_is_named(tmp_path: Path) -> None:
    write(tmp_path, "select 1 as transaction_id")
    with pytest.raises(RerateRefused) as refused:
        EventSource.from_parquet(tmp_path)
    assert refused.value.reason == "bad_event_file"
    assert str(tmp_path) in str(refused.value.detail)
    assert "transaction_id" in str(refused.value.detail)


def test_a_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    (tmp_path / "events.parquet").write_text("not parquet")
    with pytest.raises(duckdb.InvalidInputException, match=r"events\.parquet"):
        EventSource.from_parquet(tmp_path)


def test_properties_that_are_no_json_are_named(tmp_path: Path) -> None:
    write(tmp_path, ROW.replace('{"value":"1.5"}', "{"))
    with EventSource.from_parquet(tmp_path) as source, pytest.raises(RerateRefused) as refused:
        aggregate_one(source, asked())
    assert refused.value.reason == "bad_event_file"
    assert "JSON" in str(refused.value.detail)
