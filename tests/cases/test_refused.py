"""One record of Lago that Odoo refuses, through the command line: the others are written, to the last phase."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cases.conftest import Case

Companies = Callable[..., Case]
ANOTHER = "ffffffff-0000-4222-8333-000000000001"  # the last in order, so that the first is the one that stands


@pytest.mark.parametrize(
    ("resource", "phase", "sentence"),
    [
        ("events", "usage", "This subscription has an event with this transaction id already"),
        ("taxes", "catalog", "A tax with this code exists already"),
    ],
)
def test_a_record_twice_under_another_id_costs_itself_alone(
    case: Companies, companies: Path, tmp_path: Path, resource: str, phase: str, sentence: str
) -> None:
    (whole,) = companies.glob("16-*")
    recording = shutil.copytree(whole, tmp_path / "recording")
    twice(recording / f"{resource}.jsonl", resource)
    company = case("16")
    company.project.replace(str(whole), str(recording))
    applied = company.migrate(waived=("stripe_provider_not_enabled",))
    assert applied.code == 1
    assert applied.err.splitlines()[-1].startswith("lago2odoo: 1 record was not taken: ")
    assert sentence in applied.err
    assert "everything else is written; mend it in Lago or in Odoo, then run" in applied.err
    assert "next: lago2odoo apply, once what was not taken is mended" in applied.out
    assert "reconcile" not in applied.out
    assert company.door().count("account.move", []) == 1
    status = json.loads(company.run("status", "--format", "json").out)
    assert status["not_waived"]["unfinished"] == [phase]
    assert company.run("apply").code == 1
    shutil.copy(whole / f"{resource}.jsonl", recording / f"{resource}.jsonl")
    assert company.run("extract").code == 0
    assert company.run("apply", "--allow-removals", "1").code == 0  # an order that Odoo did not confirm stands as draft
    assert "nothing to do" in company.run("apply").out
    assert company.door().count("account.move", []) == 1


def twice(path: Path, resource: str) -> None:
    """The first record of the list once more, under another id."""
    answers: list[dict[str, Any]] = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    body = next(answer["body"] for answer in answers if answer["body"].get(resource))
    body[resource].append({**body[resource][0], "lago_id": ANOTHER})
    body["meta"]["total_count"] += 1
    path.write_text("".join(f"{json.dumps(answer)}\n" for answer in answers), "utf-8")
