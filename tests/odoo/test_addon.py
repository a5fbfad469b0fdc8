"""The addon's own tests, run by Odoo's test runner beside both kinds of subscriptions."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.odoo

TESTS = Path(__file__).parents[2] / "addons" / "fusion_billing" / "tests"
SUMMARY = re.compile(r"(\d+) failed, (\d+) error\(s\) of (\d+) tests")


def written_tests() -> int:
    """How many tests stand in the addon's files: all of them must have been run."""
    trees = [ast.parse(file.read_text("utf-8")) for file in TESTS.glob("test_*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    return sum(isinstance(node, ast.FunctionDef) and node.name.startswith("test_") for node in nodes)


@pytest.mark.parametrize("database", ["enterprise", "oca"], indirect=True)
def test_the_addon_passes_its_own_tests(database: Any) -> None:
    code, log = database.run_odoo(
        "-u", "fusion_billing", "--test-tags", "/fusion_billing", "--stop-after-init", "--log-level", "info"
    )
    found = SUMMARY.findall(log)
    assert found, f"no test was run, exit {code}: {log[-3000:]}"
    failed, errors, run = map(int, found[-1])
    assert (code, failed, errors) == (0, 0, 0), "\n".join(re.findall(r"^.*(?:FAIL|ERROR).*$", log, re.MULTILINE)[:20])
    assert run >= written_tests() > 0
