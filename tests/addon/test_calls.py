"""Every call of lago-python-client: answered as Lago does, or by a named reason. ``docs/lago-calls.md`` is this table.

``LAGO2ODOO_WRITE=1`` writes the page anew.
"""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.addon.plain import routes
from tests.lago.client_calls import Call, listed

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "lago-calls.md"
GATEWAY = ROOT / "addons" / "fusion_billing" / "models" / "gateway"
CALLS = 194  # of 1.55
FORGETS_ITS_KEY = "as Lago: 401, the client forgets its key"
HEAD = """# The calls of lago-python-client {version}

Made by `LAGO2ODOO_WRITE=1 pytest tests/addon/test_calls.py` from the client itself and from `addons/fusion_billing/api/routes.py`.
`as Lago`: the method of the gateway that does it. A reason is answered with 405, its `code`, and what to do instead (`error_details.instead`).

{counts}

| call | method | path below `/api/v1/` | answer |
|---|---|---|---|
"""  # noqa: E501 - a page


def answered(call: Call) -> str:
    """Who answers it, or the reason; nothing: nobody."""
    if found := routes.handler(call.method, call.path):
        return f"as Lago: `{found[0]}`" if call.keyed else FORGETS_ITS_KEY
    if named := routes.reason(call.method, call.path):
        return f"`{named[0]}`: {named[1]}"
    if any(call.method == method and re.fullmatch(path, call.path) for method, path in routes.NOT_LAGOS):
        return "as Lago: 404, Lago has no such path"
    return ""


def page(calls: list[Call]) -> str:
    kinds = Counter("as Lago" if answered(call).startswith("as Lago") else "a named reason" for call in calls)
    counts = f"{len(calls)} calls: " + ", ".join(f"{kinds[kind]} {kind}" for kind in sorted(kinds, reverse=True)) + "."
    rows = [f"| `{call.title}` | {call.method} | `{call.path}` | {answered(call)} |" for call in calls]
    version = importlib.metadata.version("lago-python-client")
    return HEAD.format(version=version, counts=counts) + "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
def calls() -> list[Call]:
    return listed()


def test_every_call_is_answered(calls: list[Call]) -> None:
    assert len(calls) == CALLS
    assert [call.title for call in calls if not answered(call)] == []


def test_the_page_is_this_table(calls: list[Call]) -> None:
    if os.environ.get("LAGO2ODOO_WRITE"):
        PAGE.write_text(page(calls), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(calls)


def test_what_answers_is_there() -> None:
    """Each name of a route is a method of the gateway, with the parts of its path as parameters."""
    found: dict[str, set[str]] = {}
    for file in GATEWAY.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                found[node.name] = {argument.arg for argument in node.args.args}
    for method, pattern, name in routes.ROUTES:
        assert set(re.findall(r"\?P<(\w+)>", pattern)) <= found[name], (method, pattern, name)


def test_no_call_is_answered_twice() -> None:
    """A reason for what somebody answers would never be given."""
    example = {(method, re.sub(r"\(\?P<\w+>\[\^/\]\+\)", "x", pattern)) for method, pattern, _ in routes.ROUTES}
    assert len(example) == len(routes.ROUTES)
    assert [(method, path) for method, path in sorted(example) if routes.reason(method, path)] == []
