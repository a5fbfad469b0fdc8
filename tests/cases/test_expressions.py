"""Metrics with an expression: with PostgreSQL the events hold what it gave; elsewhere the re-rate refuses by name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cases.conftest import Breaking
from tests.cases.test_not_comparable import refusals


@pytest.mark.parametrize(("store", "refused"), [("postgres", False), ("clickhouse", True)])
def test_an_expression_is_refused_where_nobody_knows_that_it_was_evaluated(
    broken: Breaking, store: str, refused: bool
) -> None:
    def change(root: str, record: dict[str, Any]) -> list[dict[str, Any]]:
        if root == "organization":
            return [{**record, "events_store": store}]
        if root in ("billable_metrics", "billable_metric"):
            return [{**record, "expression": "event.properties.a * 2"}]
        return [record]

    company = broken("14", change)
    assert company.run("extract").code == 0
    assert company.run("reconcile", "--control", "--period", "all").code == 2
    found = refusals(company.report("all.control"))
    assert (("rerate", "expression_not_evaluated") in found) is refused
