"""A subscription with swapped dates: named by every command, moved by none, its invoice refused by that name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cases.conftest import Breaking, Case
from tests.cases.test_not_comparable import refusals
from tests.cases.test_quarantine import quarantine, skipped


def test_a_start_after_what_was_billed(case: Callable[..., Case], companies: Path, tmp_path: Path) -> None:
    company = case("14", "[waive]\n")
    (folder,) = companies.glob("14-*")
    shutil.copytree(folder, tmp_path / "swapped")
    path = tmp_path / "swapped" / "subscriptions.jsonl"
    lines = [moved(json.loads(line)) for line in path.read_text("utf-8").splitlines() if line.strip()]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n", "utf-8")
    company.project.replace(str(folder), str(tmp_path / "swapped"))
    extracted = company.run("extract")
    assert (extracted.code, "dates_contradict: subscriptions" in extracted.out) == (1, True), extracted.out
    assert "'dates_contradict'" in extracted.err
    (unread,) = quarantine(company)
    assert (unread["field"], unread["reason"]) == ("started_at", "dates_contradict")
    applied = company.run("apply")
    assert (applied.code, "everything else is written" in applied.err) == (1, True)
    assert set(skipped(company)) == {"dates_contradict"}
    assert company.run("reconcile", "--control", "--period", "all").code == 2
    assert refusals(company.report("all.control")) == {("lago", "dates_contradict")}


@pytest.mark.parametrize("status", ["active", "terminated", "pending", "canceled", "incomplete"])
def test_a_subscription_without_a_start(broken: Breaking, status: str) -> None:
    """Nothing of it is rated, and whoever else is there is compared."""

    def change(root: str, record: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            record | {"started_at": None, "status": status} if root in ("subscription", "subscriptions") else record
        ]

    company = broken("23", change)
    extracted = company.run("extract")
    assert (extracted.code, "value_missing: subscriptions" in extracted.out) == (1, True), extracted.out
    assert company.run("apply").code == 1
    assert "value_missing" in skipped(company)
    for control in ((), ("--control",)):
        ran = company.run("reconcile", *control, "--period", "all")
        assert ran.code == 2, ran.err
        assert ("lago", "value_missing") in refusals(company.report("all.control" if control else "all"))


def moved(call: dict[str, object]) -> dict[str, object]:
    """The recorded answer, with every subscription in it begun years later."""

    def change(value: object) -> object:
        if isinstance(value, dict):
            later = {"started_at": "2031-01-01T00:00:00Z"} if value.get("started_at") else {}
            return {**{name: change(inner) for name, inner in value.items()}, **later}
        return [change(item) for item in value] if isinstance(value, list) else value

    return {**call, "body": change(call["body"])}
