"""A property of a charge is known in all places that read it, or the test of the place that forgot it fails by name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from mappings.prices import MODELS
from reconcile.causes.cause_of import FREE, GROUPS, TIER

ROOT = Path(__file__).parents[2]
PLACES = {
    "the re-rate": "reconcile/rating",
    "the addon's rating": "addons/fusion_billing/rating",
    "the addon's API": "addons/fusion_billing/api/charge_properties.py",
    "the addon's form": "addons/fusion_billing/forms/prices.py",
}
NAMES = TIER | {
    name
    for model in MODELS.values()
    for name in (*model.numbers, *(model.in_range or {}), model.ranges, *model.above_zero)
    if name
}


def sources(place: str) -> Iterator[ast.AST]:
    path = ROOT / PLACES[place]
    for file in [path] if path.is_file() else sorted(path.glob("*.py")):
        yield from ast.walk(ast.parse(file.read_text("utf-8")))


def lacking(place: str, names: frozenset[str]) -> set[str]:
    """Those of the names that a place never says."""
    return names - {
        node.value for node in sources(place) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def read_by(place: str) -> set[str]:
    """What a place asks properties for by name."""
    asked: set[str] = set()
    for node in sources(place):
        key: ast.expr | None = None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            key = node.args[0] if "properties" in ast.unparse(node.func.value) and node.args else None
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value).split(".")[-1] == "properties":
            key = node.slice
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            asked.add(key.value)
    return asked


def declared() -> tuple[set[str], set[str]]:
    """(properties whose type the addon's rows declare, lists of them whose shape is checked)."""
    rating = ROOT / "addons/fusion_billing/rating"
    tree = ast.parse((rating / "rows.py").read_text("utf-8"))
    (record,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Properties"]
    typed = {ast.unparse(line.target) for line in record.body if isinstance(line, ast.AnnAssign)}
    shapes = ast.parse((rating / "shapes.py").read_text("utf-8"))
    (given,) = [
        node.value
        for node in shapes.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PROPERTIES"
    ]
    return typed, {node.value for node in ast.walk(given) if isinstance(node, ast.Constant)}


def test_every_property_has_its_type_and_every_list_its_shape_in_the_addon() -> None:
    typed, shaped = declared()
    of_a_tier = {"flat_amount", "per_unit_amount"}
    assert {*NAMES, *GROUPS} - TIER - of_a_tier - typed == set()
    assert {model.ranges for model in MODELS.values() if model.ranges} | GROUPS == shaped


@pytest.mark.parametrize("place", PLACES)
def test_every_property_that_a_model_has_is_read(place: str) -> None:
    assert lacking(place, frozenset(NAMES)) == set()
    assert lacking(place, frozenset({*NAMES, "made_up_now"})) == {"made_up_now"}


@pytest.mark.parametrize("place", ["the re-rate", "the addon's rating"])
def test_nothing_is_read_that_the_models_do_not_name(place: str) -> None:
    asked = read_by(place)
    assert asked & NAMES
    assert asked - NAMES - GROUPS == set()


def test_free_units_are_no_price() -> None:
    assert {name for name in NAMES if name.startswith("free_")} == FREE
