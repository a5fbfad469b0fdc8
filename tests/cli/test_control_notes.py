"""The control run checks Lago's own credit notes: in its table, its JSON and its exit code."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.cli.conftest import Project

CONTROL = ("reconcile", "--control", "--period", "all")


def of_terminations(recording: Path) -> Iterator[dict[str, Any]]:
    for line in (recording / "credit_notes.jsonl").read_text("utf-8").splitlines():
        notes = json.loads(line)["body"].get("credit_notes", ())
        yield from (note for note in notes if note["reason"] in ("order_change", "order_cancellation"))


def test_a_credit_note_with_another_total_is_a_difference(project: Project, recording: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    shutil.copytree(recording, wrong)
    (note, *others) = of_terminations(recording)
    assert project.run("extract", "--recording", str(recording)).code == 0
    right = project.run(*CONTROL)
    number = len(others) + 1
    assert right.code == 0, right.out
    (row,) = (line for line in right.out.splitlines() if line.startswith("credit notes of terminations"))
    assert row.split()[-4:] == [str(number), str(number), "0", "0"]

    path, lines = wrong / "credit_notes.jsonl", []
    for line in path.read_text("utf-8").splitlines():
        call = json.loads(line)
        for shown in call["body"].get("credit_notes", ()):
            if shown["lago_id"] == note["lago_id"]:
                for field in ("total_amount_cents", "credit_amount_cents", "balance_amount_cents"):
                    shown[field] += 1
        lines.append(json.dumps(call))
    path.write_text("\n".join(lines) + "\n", "utf-8")
    assert project.run("extract", "--recording", str(wrong)).code == 0
    told = project.run(*CONTROL)
    assert told.code == 2, told.out
    cents = note["total_amount_cents"]
    assert f"credit note {note['number']} of " in told.out
    assert f"Lago {cents + 1} cents, re-rate {cents} cents" in told.out
    shown = json.loads(project.run(*CONTROL, "--format", "json").out)
    assert shown["summary"]["credit_notes"]["differs"] == 1
    (check,) = (each for each in shown["credit_notes"] if not each["equal"])
    assert (check["number"], check["lago_cents"], check["rerate_cents"]) == (note["number"], cents + 1, cents)
    other_month = "2026-07" if not note["issuing_date"].startswith("2026-07") else "2026-06"
    assert project.run("reconcile", "--control", "--period", other_month).code == 0
