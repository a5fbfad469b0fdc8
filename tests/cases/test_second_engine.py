"""What of Lago is counted only: its second engine, orders and quotes; and a version newer than the rules known here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconcile.rating.rules import doubt_of_version
from tests.cases.conftest import Breaking, Case
from tests.cases.test_quarantine import skipped

Calls = list[dict[str, Any]]
UNREAD = "product_catalog_unread"


def call(path: str, query: str, body: dict[str, Any], status: int = 200) -> dict[str, Any]:
    return {"method": "GET", "path": path, "query": query, "status": status, "headers": {}, "body": body}


def contracts(query: str, numbers: range, cursor: str | None = None) -> dict[str, Any]:
    shown = [{"lago_id": f"c-{number}", "external_id": f"contract-{number}"} for number in numbers]
    body = {"contracts": shown, "meta": {"next_cursor": cursor, "prev_cursor": None}}
    return call("/api/v2/contracts", query, body)


# 37: 30 active ones on two pages, 7 that wait; those that are active are shown where no state is asked for, too.
SOLD = [
    contracts("limit=100", range(20), "n"),
    contracts("limit=100&after=n", range(20, 30)),
    contracts("status[]=active&limit=100", range(20), "n"),
    contracts("status[]=active&limit=100&after=n", range(20, 30)),
    contracts("status[]=pending&limit=100", range(30, 37)),
    contracts("status[]=terminated&limit=100", range(0)),
    contracts("status[]=canceled&limit=100", range(0)),
]
CARDS = [
    call("/api/v2/rate_cards", "limit=100", {"rate_cards": [{"lago_id": "r"}], "meta": {"next_cursor": None}}),
]
ORDERS = [
    call(
        "/api/v1/orders",
        "per_page=100",
        {
            "orders": [
                {"lago_id": "o1", "executed_at": None},
                {"lago_id": "o2", "executed_at": "2026-07-01T00:00:00Z"},
            ],
            "meta": {"next_page": None},
        },
    ),
    call("/api/v1/quotes", "per_page=100", {"quotes": [{"lago_id": "q"}], "meta": {"next_page": None}}),
]


def having(broken: Breaking, calls: Calls, version: str = "v1.51.0") -> Case:
    company = broken("14", lambda root, record: [record])
    folder = broken.folder / "broken"
    _add(folder / "second_engine.jsonl", calls)
    misc = folder / "misc.jsonl"
    misc.write_text(misc.read_text("utf-8").replace('"v1.51.0"', f'"{version}"'), "utf-8")
    return company


def _add(path: Path, calls: Calls) -> None:
    path.write_text("".join(f"{json.dumps(recorded)}\n" for recorded in calls), "utf-8")


def test_contracts_of_the_product_catalog_are_refused_with_their_number(broken: Breaking) -> None:
    company = having(broken, SOLD + CARDS)
    extracted = company.run("extract")
    assert extracted.code == 1
    assert "37 contracts of the product catalog are not read" in extracted.err
    assert "1 rate cards of the product catalog are not read" in extracted.err
    assert company.run("apply").code == 1
    assert skipped(company) == {UNREAD: 38}
    doctor = company.run("doctor")
    assert (doctor.code, "ERROR    37 contracts of the product catalog are not read" in doctor.out) == (1, True)
    company.project.replace("[waive]\n", f"[waive]\nskipped = ['{UNREAD}']\n")
    assert [company.run(name).code for name in ("extract", "apply", "doctor")] == [0, 0, 0]
    assert "37 contracts of the product catalog are not read (waived)" in company.run("doctor").out


def test_where_the_second_engine_is_not_there_nothing_is_said(broken: Breaking) -> None:
    company = having(broken, [])
    extracted = company.run("extract", "--format", "json")
    assert (extracted.code, "counted" in json.loads(extracted.out)) == (0, False)
    assert "catalog" not in company.run("doctor").out


def test_where_lago_has_it_and_nobody_may_ask_that_is_said(broken: Breaking) -> None:
    no = {"status": 403, "error": "Forbidden", "code": "read_action_not_allowed_for_contract"}
    company = having(broken, [call("/api/v2/contracts", "limit=100", no, 403)])
    extracted = company.run("extract")
    assert extracted.code == 1
    assert "whether there are contracts of the product catalog is not known: the API key may not read" in extracted.err
    assert skipped(company) == {UNREAD: 1}


def test_a_catalog_that_the_organization_may_not_have_is_empty(broken: Breaking) -> None:
    no = {"status": 403, "error": "Forbidden", "code": "feature_unavailable"}
    company = having(broken, [call("/api/v2/contracts", "limit=100", no, 403)])
    assert company.run("extract").code == 0


def test_an_order_that_waits_is_a_gap_and_one_that_was_executed_is_none(broken: Breaking) -> None:
    company = having(broken, ORDERS)
    extracted = company.run("extract")
    assert (extracted.code, "1 orders are signed and not executed yet" in extracted.err) == (1, True)
    assert skipped(company) == {"order_not_executed": 1}
    rows = {row["resource"]: row for row in json.loads(company.run("preview", "--format", "json").out)["coverage"]}
    assert (rows["order"]["records"], rows["order"]["nothing_to_move"]) == (2, 1)
    assert (rows["quote"]["records"], rows["quote"]["nothing_to_move"]) == (1, 1)


def test_a_newer_lago_is_said_by_extract_doctor_and_reconcile(broken: Breaking) -> None:
    company = having(broken, [], "v1.53.0")
    told = "Lago v1.53.0 is newer than the newest rules known here, v1.52.0: it is rated by those"
    extracted = company.run("extract")
    assert (extracted.code, told in extracted.err) == (0, True)
    assert f"WARNING  {told}" in company.run("doctor").out
    assert told in company.run("reconcile", "--control", "--period", "2026-08").err


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("v1.45.0", False),
        ("v1.51.0-live", False),
        ("v1.52.0", False),
        ("1.52.0", False),
        ("v1.52.0-3-gabc", True),
        ("v1.52.1", True),
        ("v2.0.0", True),
        ("unknown", True),
        ("main", True),
    ],
)
def test_which_versions_are_said(version: str, said: bool) -> None:
    assert bool(doubt_of_version(version)) is said
