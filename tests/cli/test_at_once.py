"""Two commands on one state at the same moment, as processes of their own: one waits or is refused, in one line."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lago2odoo.cli.files import hold_folder
from reconcile.rerate.event_source import EventSource
from reports.evidence import ageing
from tests.cli.conftest import Project, Result, command
from tests.cli.test_journey import everything
from tests.reporting.test_evidence import Project as SignedProject

ROOT = Path(__file__).parents[2]
MONTH = ("--period", "2026-07")
HELD = 4  # exit code of who finds the lock held
ROUNDS = 1


def started(project: Project, *arguments: str) -> subprocess.Popen[str]:
    program = "import sys; from lago2odoo.cli.main import main; main(sys.argv[1:])"
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments, "--config", str(project.config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=project.folder,
    )


def at_once(project: Project, *commands: Sequence[str]) -> list[Result]:
    """All of them, begun at the same moment. None ends in a traceback; who is refused says so in its last line."""
    results = []
    for process in [started(project, *words) for words in commands]:
        out, err = process.communicate(timeout=120)
        results.append(Result(process.returncode, out, err))
        assert "Traceback" not in err, err
        if process.returncode == HELD:
            assert err.splitlines()[-1].startswith("lago2odoo: another run holds "), err
            assert err.splitlines()[-1].endswith("wait for it to end"), err
    return results


def require_sound(project: Project) -> None:
    checked = project.run("doctor", "--state")
    assert checked.code == 0, checked.out + checked.err


def test_two_applies_write_once(project: Project, tmp_path: Path) -> None:
    assert project.run("extract").code == 0
    assert project.run("apply").code == 0
    twin = {name: len(rows) for name, rows in everything(tmp_path / "odoo.db").items()}
    for _ in range(ROUNDS):
        assert project.run("rollback").code == 0
        codes = sorted(result.code for result in at_once(project, ["apply"], ["apply"]))
        assert codes in ([0, 0], [0, HELD]), codes
        assert {name: len(rows) for name, rows in everything(tmp_path / "odoo.db").items()} == twin
        require_sound(project)
        assert "nothing to do" in project.run("apply").out


def test_a_rollback_during_an_apply_undoes_all_or_nothing(project: Project) -> None:
    assert project.run("extract").code == 0
    for _ in range(ROUNDS):
        applied, undone = at_once(project, ["apply"], ["rollback"])
        assert applied.code in (0, HELD), applied.err
        assert undone.code in (0, HELD), undone.err
        require_sound(project)
        assert project.run("apply").code == 0
        assert "nothing to do" in project.run("apply").out
        assert project.run("rollback").code == 0


def test_an_extract_during_a_reconcile_ends_it_before_a_report_of_two_snapshots(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process of its own exchanges snapshot and usage while the month is counted."""
    assert project.run("extract").code == 0
    genuine = EventSource.from_parquet

    def meanwhile(folder: Path, **more: Any) -> EventSource:
        (extracted,) = at_once(project, ["extract"])
        assert extracted.code == 0, extracted.err
        return genuine(folder, **more)

    monkeypatch.setattr(EventSource, "from_parquet", meanwhile)
    compared = project.run("reconcile", "--control", *MONTH)
    assert (compared.code, compared.out) == (1, "")
    assert compared.err.splitlines()[-1].startswith("lago2odoo: another extract began while this one was read: let it")
    assert not list((tmp_path / "report").rglob("*.json*"))
    monkeypatch.undo()


def test_two_first_extracts(project: Project) -> None:
    codes = sorted(result.code for result in at_once(project, ["extract"], ["extract"]))
    assert codes in ([0, 0], [0, HELD]), codes
    require_sound(project)
    assert "nothing changed" in project.run("extract").out


def test_reconciles_of_one_month_are_all_noted_and_the_last_one_can_be_told(project: Project, tmp_path: Path) -> None:
    """Each writes the same file: it and its line in the history belong together."""
    assert project.run("extract").code == 0
    results = at_once(project, *[["reconcile", "--control", *MONTH]] * 3)
    assert len({result.code for result in results} - {1}) == 1, [result.err for result in results]
    report = tmp_path / "report"
    past = ageing.read(report)
    assert len(past) == 3
    (written,) = report.glob("*.json")
    assert past[-1].report_sha256 == hashlib.sha256(written.read_bytes()).hexdigest()
    assert len({run.report_sha256 for run in past}) == 3
    assert not list(report.glob(".partial*"))


def test_the_folder_of_results_belongs_to_one_process_at_a_time(tmp_path: Path) -> None:
    """The other one waits, and goes on as soon as the first has ended, however it ended."""
    program = "import sys, pathlib; from lago2odoo.cli.files import hold_folder\n"
    program += "with hold_folder(pathlib.Path(sys.argv[1])): print('in', flush=True)"
    with hold_folder(tmp_path / "report"):
        other = subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "report")],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(timeout=8)
    assert other.communicate(timeout=60)[0] == "in\n"


@pytest.mark.parametrize("reviewer", ["Bo", "Cy"])
def test_signings_of_one_month_make_one_chain(tmp_path: Path, reviewer: str) -> None:
    signed = SignedProject(tmp_path)
    project = Project(tmp_path)
    sign = ["report", "sign", *MONTH, "--preparer", "Ana", "--accept-open", "a test", "--format", "json", "--reviewer"]
    results = at_once(project, [*sign, "Bo"], [*sign, reviewer])
    assert {result.code for result in results} <= {0, HELD}, [result.err for result in results]
    packs = {json.loads(result.out)["pack"] for result in results if result.code == 0}
    assert packs
    waited = [name for name, result in zip(("Bo", reviewer), results, strict=True) if result.code == HELD]
    packs |= {json.loads(project.run(*sign, name).out)["pack"] for name in waited}
    assert len(packs) == len({"Bo", reviewer}), "one each; who signs what he signed last gets the same again"
    assert command("report", "verify", *sorted(packs)).code == 0
    assert signed.report.exists()
