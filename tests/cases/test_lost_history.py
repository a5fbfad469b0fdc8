"""The history of reconciled runs is cut or emptied: no run takes itself for the first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reports.evidence.ageing import FILE
from tests.cases.conftest import Case


def run(case: Case) -> tuple[int, str]:
    result = case.run("reconcile", "--control", "--period", "all")
    assert "Traceback" not in result.err
    return result.code, result.err


@pytest.mark.parametrize("cut", ["gone", "emptied", "a line"])
def test_a_cut_history_is_refused_until_it_is_back(case: Callable[..., Case], tmp_path: Path, cut: str) -> None:
    company = case("21")
    assert company.run("extract").code == 0
    sound, _ = run(company)
    assert run(company)[0] == sound
    file = tmp_path / "report" / FILE
    whole = file.read_bytes()
    if cut == "gone":
        file.unlink()
    else:
        file.write_bytes(b"" if cut == "emptied" else whole.splitlines(keepends=True)[0])
    code, said = run(company)
    assert (code, "the state knows of 2 runs" in said, "backup" in said) == (1, True, True)
    file.write_bytes(whole)
    assert run(company)[0] == sound
