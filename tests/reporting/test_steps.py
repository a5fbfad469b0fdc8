"""Steps are data; the reports say them in both languages, and the JSON's notation of them reads back."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.explain import ADDON_STEPS, CONVERSION_RATE, PRICING_UNIT, Step, StepKind
from mappings.records import Snapshot
from reconcile.sides.lago import lago_invoices
from reports.step_labels import NOTATION, label_of, step_of
from reports.texts import Texts
from reports.texts.steps import STEPS

ROOT = Path(__file__).parents[2]
CALLS = {"step": 0, "by_days": 3, "nothing": 0, "whole": 1}  # of the addon: where their kind stands
PRICED = {PRICING_UNIT: "Tokens (EU)", CONVERSION_RATE: Decimal("0.05")}
NUMBERS = st.decimals(min_value=-10, max_value=10**12, allow_nan=False, places=4)


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


@pytest.mark.parametrize("kind", StepKind)
def test_every_kind_has_a_notation_and_words_of_its_values(kind: StepKind) -> None:
    english, french = STEPS[kind]
    assert english and french
    assert fields(english) == fields(french) <= fields(NOTATION[kind])


def test_no_two_kinds_share_a_notation() -> None:
    assert len(set(NOTATION.values())) == len(NOTATION) == len(StepKind)


def test_the_notation_is_that_of_every_file_of_schema_1() -> None:
    """Files keep it for years: a kind may join (and change this sum), none may be written another way."""
    table = "".join(f"{kind}={NOTATION[kind]}\n" for kind in sorted(NOTATION))
    assert hashlib.sha256(table.encode()).hexdigest()[:16] == "531c3fee48269338"


@st.composite
def steps(draw: st.DrawFn) -> Step:
    kind = draw(st.sampled_from([kind for kind in StepKind if kind is not StepKind.AS_WRITTEN]))
    optional = fields(NOTATION[kind]) & {"lower", "upper", "least", "most"}
    absent = draw(st.sets(st.sampled_from(sorted(optional)))) if optional else set()
    values = {name: draw(NUMBERS.filter(lambda n: n >= 0)) for name in sorted(fields(NOTATION[kind]) - absent)}
    priced = draw(st.sampled_from([{}, PRICED]))
    return Step(
        kind=kind, values={**values, **priced}, line=draw(st.sampled_from(["", "Storage", "Storage: EU (a × b)"]))
    )


@given(steps())
def test_a_label_reads_back(step: Step) -> None:
    assert step_of(label_of(step)) == step


@given(st.text())
def test_any_text_is_kept(text: str) -> None:
    assert label_of(step_of(text)) == text


def written(tree: ast.AST) -> Iterator[str]:
    """The kinds of steps in a source of the addon."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (place := CALLS.get(getattr(node.func, "id", ""))) is not None:
            yield from (a.value for a in node.args[place : place + 1] if isinstance(a, ast.Constant))
        elif isinstance(node, ast.FunctionDef) and node.name in CALLS:
            yield from (d.value for d in node.args.defaults if isinstance(d, ast.Constant) and isinstance(d.value, str))


def test_the_addons_steps_are_known() -> None:
    """The addon imports nothing of ours: its names of kinds are held to ours here."""
    sources = sorted((ROOT / "addons" / "fusion_billing" / "rating").glob("*.py"))
    kinds = {kind for path in sources for kind in written(ast.parse(path.read_text("utf-8")))}
    assert kinds == {str(kind) for kind in ADDON_STEPS}


@pytest.fixture(scope="module")
def snapshot(nexasystems: tuple[Snapshot, Path]) -> Snapshot:
    return nexasystems[0]


def test_what_lago_stores_is_known(snapshot: Snapshot) -> None:
    kinds = {s.kind for invoice in lago_invoices(snapshot, "all", None) for line in invoice.lines for s in line.steps}
    assert len(kinds) > 15
    assert StepKind.AS_WRITTEN not in kinds


@pytest.mark.parametrize(
    ("label", "english", "french"),
    [
        ("graduated_ranges 2: 1001 to ∞", "tier 1,001 to ∞", "palier 1 001 à ∞"),
        ("tier 0.5-1000", "tier 0.5 to 1,000", "palier 0,5 à 1 000"),
        ("1.5 % of units beyond 2 free", "1.5 % of units beyond 2 free", "1,5 % des unités au-delà de 2 gratuites"),
        ("Storage: EU: units × price", "Storage: EU: units × price", "Storage: EU : unités × prix"),
        ("used (in TOK × 0.05)", "used (in TOK × 0.05)", "utilisé (en TOK × 0,05)"),
        ("each event held within None and 5", "each event held within – and 5",
         "chaque événement maintenu entre – et 5"),
        ("something new of 3", "something new of 3", "something new of 3"),
        ("tier 0-NaN", "tier 0-NaN", "tier 0-NaN"),
        ("tier 0-5 and more", "tier 0-5 and more", "tier 0-5 and more"),
        ("", "", ""),
    ],
)  # fmt: skip
def test_steps_in_both_languages(label: str, english: str, french: str) -> None:
    step = step_of(label)
    shown = [Texts(locale).step(step).replace("\xa0", " ").replace("\u202f", " ") for locale in ("en_CA", "fr_CA")]
    assert shown == [english, french]


def test_a_step_says_whose_it_is() -> None:
    step = replace(step_of("units × price"), line="Storage")
    assert (label_of(step), Texts("fr_CA").step(step)) == ("Storage: units × price", "Storage : unités × prix")
