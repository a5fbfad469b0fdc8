"""Reasons that people write into waivers: one spelling in all the code, the old one still read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from mappings.reasons import note_old_spellings, spell

ROOT = Path(__file__).parents[2]
FOLDERS = ("mappings", "reconcile", "addons/fusion_billing/models", "addons/fusion_billing/rating")
# The first argument is the reason.
MAKERS = {"Problem", "Refused", "RerateRefused", "OdooRefused", "Unratable", "refusal"}
MAKERS_BY_NAME = {"Refusal", "Skipped"}


def reasons_in_code() -> Iterator[tuple[str, str]]:
    """Every reason that is written out, and its place."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    yield from ((f"{path.relative_to(ROOT)}:{node.lineno}", text) for text in reasons_of(node))


def reasons_of(call: ast.Call) -> Iterator[str]:
    maker = getattr(call.func, "id", getattr(call.func, "attr", ""))
    given = [*call.args[:1]] if maker in MAKERS else []
    given += [k.value for k in call.keywords if k.arg == "reason" and maker in MAKERS_BY_NAME]
    yield from (node.value for node in given if isinstance(node, ast.Constant) and isinstance(node.value, str))


def test_reasons_are_spelled_one_way() -> None:
    reasons = list(reasons_in_code())
    assert len({text for _, text in reasons}) > 60, "the search finds no reasons any more"
    assert [(place, text) for place, text in reasons if not re.fullmatch(r"[a-z][a-z_]*", text)] == []


def test_the_old_spelling_is_read_and_told() -> None:
    assert spell("refused:order-missing") == spell("refused:order_missing") == "refused:order_missing"
    assert list(note_old_spellings(["price", "refused:order-missing"], "waivers.toml")) == [
        "waivers.toml: the reason 'refused:order-missing' is read as 'refused:order_missing', its new spelling: "
        "please change it"
    ]
