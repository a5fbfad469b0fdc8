"""The living Lago ends, bills and starts again as a running Lago did (``data/vectors_3/cutover``)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.lago.living_company import lived, stands
from tests.vectors_support.compare import differences
from tests.vectors_support.load import Case, cases

FILE = Path(__file__).parents[1] / "data" / "vectors_3" / "cutover.jsonl.xz"
CASES = list(cases(FILE))


def test_all_cases_are_there() -> None:
    assert len(CASES) == 61


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["id"]))
def test_it_ends_as_a_running_lago(case: Case) -> None:
    found = stands(lived(case["input"]))
    assert found.keys() == case["expected"].keys()
    assert list(differences(found, _on_the_minute(case["expected"]))) == []


def _on_the_minute(expected: Any) -> Any:
    """Lago's job of the ends ran at 00:05:00, and in two cases a second later."""
    return json.loads(re.sub(r"T(\d\d:05):01", r"T\1:00", json.dumps(expected, default=float)))
