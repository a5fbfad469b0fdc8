"""Every step that a side writes has a name in both languages, with its numbers as the language writes them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from mappings.records import Snapshot
from migrate.extract import snapshot_of_recording
from migrate.lago.recording import bundled
from reconcile.facts import lago_invoices
from reports.steps import STEPS, step_name
from reports.texts import Texts

ROOT = Path(__file__).parents[2]
PARTS = ("full", "first", "terminated", "upgraded")  # of a subscription fee's period
CALLS = {"step": 0, "by_days": 3, "nothing": 0}  # of the addon: where their label stands


def written(tree: ast.AST) -> Iterator[str]:
    """The labels of steps in a source; 7 stands for whatever is filled in."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", "")
            if name == "Step":
                yield from (text(k.value) for k in node.keywords if k.arg == "label")
            elif name in CALLS and len(node.args) > CALLS[name]:
                yield text(node.args[CALLS[name]])
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "label":
            yield text(node.value)
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            yield from (text(v) for k, v in pairs if isinstance(k, ast.Constant) and k.value == "label")


def text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(v.value) if isinstance(v, ast.Constant) else "7" for v in node.values)
    return ""


def sources() -> Iterator[Path]:
    yield from (path for path in sorted((ROOT / "reconcile").glob("*.py")) if path.name != "facts.py")
    yield from sorted((ROOT / "addons" / "fusion_billing" / "rating").glob("*.py"))


def known(label: str) -> bool:
    """French differs from what a side writes, or the two languages say the same."""
    names = [step_name(label, language, str) for language in (0, 1)]
    return names[1] != label or label in STEPS or any(said[0] == said[1] for said in STEPS.values() if said[0] == label)


@pytest.mark.parametrize("path", [*sources()], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_the_re_rate_and_the_addon_write_is_known(path: Path) -> None:
    labels = {label for label in written(ast.parse(path.read_text("utf-8"))) if label.strip("7: ")}
    labels = {label.replace("7 period:", f"{part} period:") for label in labels for part in PARTS}
    assert [label for label in sorted(labels) if not known(label)] == []


def test_the_search_finds_them() -> None:
    rate = ast.parse((ROOT / "reconcile" / "rate.py").read_text("utf-8"))
    addon = ast.parse((ROOT / "addons" / "fusion_billing" / "rating" / "charge_models.py").read_text("utf-8"))
    assert {"units × price", "all units at the tier from 7", "7 % of units beyond 7 free"} <= set(written(rate))
    assert {"packages", "fixed fee per paid event"} <= set(written(addon))


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return snapshot_of_recording(bundled(), tmp_path_factory.mktemp("nexasystems"))[0]


def test_what_lago_stores_is_known(snapshot: Snapshot) -> None:
    lines = [line for invoice in lago_invoices(snapshot, "all", None) for line in invoice.lines]
    labels = {step.label for line in lines for step in line.steps}
    assert len(labels) > 20
    assert [label for label in sorted(labels) if not known(label)] == []


@pytest.mark.parametrize(
    ("label", "english", "french"),
    [
        ("graduated_ranges 2: 1001 to ∞", "tier 1,001 to ∞", "palier 1 001 à ∞"),
        ("tier 0.5-1000", "tier 0.5 to 1,000", "palier 0,5 à 1 000"),
        ("1.5 % of units beyond 2 free", "1.5 % of units beyond 2 free", "1,5 % des unités au-delà de 2 gratuites"),
        ("Storage: EU: units × price", "Storage: EU: units × price", "Storage: EU : unités × prix"),
        ("used (in TOK × 0.05)", "used (in TOK × 0.05)", "utilisé (en TOK × 0,05)"),
        ("something new of 3", "something new of 3", "something new of 3"),
        ("", "", ""),
    ],
)  # fmt: skip
def test_steps_in_both_languages(label: str, english: str, french: str) -> None:
    shown = [Texts(locale).step(label).replace("\xa0", " ").replace("\u202f", " ") for locale in ("en_CA", "fr_CA")]
    assert shown == [english, french]
