"""The table of fields that decide a bill knows every field of the addon's, and drift sees a change in each of them."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from lago2odoo import shipped_addon
from lago2odoo.sandbox.odoo import schema
from migrate.change_set.watched import DECIDES, WATCHED, WHOLE
from tests.applying.undecided import DECIDES_NOTHING

MODELS = Path(__file__).parents[2] / "addons" / "fusion_billing" / "models"
OF_TEMPLATES = {"product.template": "product.product"}  # the migration writes products, which have their template's


def declared() -> dict[str, set[str]]:
    """Model -> the fields that the addon's code declares."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(MODELS.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and (model := model_of(node)):
                found[OF_TEMPLATES.get(model, model)] |= set(fields_of(node))
    return found


def assigned(node: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    for statement in node.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            yield statement.targets[0].id, statement.value


def model_of(node: ast.ClassDef) -> str:
    names = {n: v.value for n, v in assigned(node) if n in ("_name", "_inherit") and isinstance(v, ast.Constant)}
    return str(names.get("_name") or names.get("_inherit") or "")


def fields_of(node: ast.ClassDef) -> Iterator[str]:
    for name, value in assigned(node):
        made = value.func if isinstance(value, ast.Call) else None
        if isinstance(made, ast.Attribute) and isinstance(made.value, ast.Name) and made.value.id == "fields":
            yield name


def test_every_field_of_the_addon_decides_something_or_it_is_said_why_not() -> None:
    fields = declared()
    assert {"fusion_plan_amount", "fusion_billed_until", "fusion_details"} <= fields["sale.order"]
    assert fields["fusion.billing.charge"] >= {"properties", "unit_changes"}
    told = {model: DECIDES.get(model, {}).keys() | DECIDES_NOTHING.get(model, {}).keys() for model in fields}
    missing = {m: names - told[m] for m, names in fields.items() if m in DECIDES and names - told[m]}
    assert missing == {}, "say in migrate/change_set/watched.py what it decides, or why nothing"
    ours = {m: {n for n in told[m] if n.startswith("fusion_") or m.startswith("fusion.")} for m in DECIDES if m in told}
    assert {m: names - fields[m] for m, names in ours.items() if names - fields[m]} == {}, "no such field any more"
    assert not [m for m in DECIDES if DECIDES[m].keys() & DECIDES_NOTHING.get(m, {}).keys()]


def test_no_model_that_bills_is_left_out() -> None:
    """What rating reads: a model that is new there must be in the table."""
    bills = {m for m in declared() if m in ("sale.order", "product.product") or m.startswith("fusion.billing.")}
    no_part = {
        "fusion.billing.account.link": "of new orders",
        "fusion.billing.coupon": "who holds one has it on the order",
        "fusion.billing.key": "access",
        "fusion.billing.period": "what was billed",
        "fusion.billing.reconciliation": "verdicts",
        "fusion.billing.service": "access",
        "fusion.billing.signing.key": "access",
        "fusion.billing.tax": "names",
        "fusion.billing.webhook": "messages",
    }
    assert bills == (DECIDES.keys() & bills) | no_part.keys()


def test_each_field_has_its_reason_and_is_read() -> None:
    assert not [
        (m, n) for table in (DECIDES, DECIDES_NOTHING) for m, names in table.items() for n in names if not names[n]
    ]
    assert WATCHED.keys() == DECIDES.keys() - WHOLE
    assert all(tuple(DECIDES[model]) == names for model, names in WATCHED.items())


@pytest.mark.parametrize("flavour", ["enterprise", "oca"])
def test_odoo_has_these_fields(flavour: str) -> None:
    """A field that no server has would be watched in vain."""
    assert shipped_addon.version()
    models = {f: schema.load(f, addon=True).models for f in ("enterprise", "oca")}
    for model, names in DECIDES.items():
        if model in models[flavour]:
            everywhere = {n for m in models.values() if model in m for n in m[model].fields}
            assert names.keys() - everywhere == set(), model
