"""A subscription with swapped dates: named by every command, moved by none, its invoice refused by that name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.cases.conftest import Case
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


def moved(call: dict[str, object]) -> dict[str, object]:
    """The recorded answer, with every subscription in it begun years later."""

    def change(value: object) -> object:
        if isinstance(value, dict):
            later = {"started_at": "2031-01-01T00:00:00Z"} if value.get("started_at") else {}
            return {**{name: change(inner) for name, inner in value.items()}, **later}
        return [change(item) for item in value] if isinstance(value, list) else value

    return {**call, "body": change(call["body"])}
