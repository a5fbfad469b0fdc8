"""Odoo, or what stands before it, answers one field as what its type is not: named, and never a traceback.

Each field of each model that a command reads is answered wrong in one way, chosen by a seed; ``LAGO2ODOO_SHAPES``
(how many ways per field) and ``LAGO2ODOO_SHAPES_SEED`` try others.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mappings.errors import Lago2OdooError
from mappings.mapped_to import MappedTo, Role
from migrate.adopt import adopt
from migrate.odoo.discover import discover
from migrate.odoo.errors import AnswerUnreadable
from migrate.odoo.needs import Needs
from migrate.odoo.preflight import preflight
from migrate.preview import preview, since_apply
from migrate.rollback import foresee, rollback
from migrate.state.ledger import Ledger
from migrate.state.store import Store
from tests.applying.conftest import Passing, World

WAYS, SEED = int(os.environ.get("LAGO2ODOO_SHAPES") or 1), int(os.environ.get("LAGO2ODOO_SHAPES_SEED") or 5)
LACKING = object()  # the row has no such field
TEXT: tuple[object, ...] = (None, 7, 1.5, True, ["x"], {"a": 1}, "a\0b", "\ud800", LACKING)
NUMBER: tuple[object, ...] = (None, "7", "", True, [], [7], {"a": 1}, float("inf"), float("nan"), 10**30, LACKING)
LIST: tuple[object, ...] = (None, False, 7, "7", {"a": 1}, [None], ["7"], [[1, "x"]], [True], [1.5], LACKING)
WRONG: Mapping[str, tuple[object, ...]] = {
    **dict.fromkeys(("char", "text", "html", "selection"), TEXT),
    **dict.fromkeys(("integer", "float", "monetary", "many2one_reference"), NUMBER),
    **dict.fromkeys(("many2many", "one2many"), LIST),
    "many2one": (None, "7", "zz", True, 1.5, [], [1], ["7", "x"], [None, "x"], {"id": 1}, -3, 10**30, LACKING),
    "boolean": (None, 0, 1, "true", [], {"a": 1}, LACKING),
    "date": (None, 20260701, "2026-13-01", "01/07/2026", "20260701", ["2026-07-01"], True, LACKING),
    "datetime": (None, 1782864000, "2026-07-01T10:00:00Z", "2026-07-01", ["x"], True, LACKING),
}
OTHER: Mapping[str, tuple[object, ...]] = {  # of the right type, and not what is there
    **dict.fromkeys(("char", "text", "html", "selection"), ("zz", "", "{not json", False)),
    **dict.fromkeys(("integer", "float", "monetary", "many2one_reference"), (0, -1, 999_999_999, False)),
    **dict.fromkeys(("many2many", "one2many"), ([], [999_999_999])),
    "many2one": (999_999_999, [999_999_999, "zz"], False),
    "boolean": (True, False),
    "date": ("1999-01-01", False),
    "datetime": ("1999-01-01 00:00:00", False),
}
TOLD: Mapping[str, tuple[object, ...]] = {  # by fields_get, of a field
    "type": (None, 7, ["char"], LACKING),
    "relation": (None, 7, ["res.partner"]),
    "digits": ("16", 16, ["x", 2], [16], {"a": 1}),
    "readonly": (None, "no", 0),
    "required": (None, "no", 0),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A field that is answered wrong. ``method``: as ``fields_get`` tells of it, or in a row."""

    model: str
    method: str
    name: str
    type: str

    def wrong(self) -> tuple[object, ...]:
        return TOLD.get(self.type, ()) if self.method == "fields_get" else WRONG.get(self.type, ())

    def others(self) -> tuple[object, ...]:
        return () if self.method == "fields_get" else OTHER.get(self.type, ())


READS = frozenset({"read", "search_read", "search", "search_count", "fields_get", "has_access", "context_get"})


@dataclass
class Remembering(Passing):
    """Passes calls on, and answers what was read before from memory until something is written."""

    answers: dict[str, Any] = field(default_factory=dict)

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **arguments: Any) -> Any:
        if method not in READS:
            self.answers.clear()
            return self.inner.call(model, method, ids, **arguments)
        name = repr((model, method, ids, sorted(arguments.items())))
        if name not in self.answers:
            self.answers[name] = self.inner.call(model, method, ids, **arguments)
        return deepcopy(self.answers[name])


@dataclass
class Answering(Passing):
    """Passes calls on, and notes which fields come back; answers the first row of one place as something else."""

    kind_of: Callable[[str, str], str]  # model, field -> its type
    place: Place | None = None
    value: object = None
    seen: dict[Place, int] = field(default_factory=dict)
    spoilt: int = 0

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **arguments: Any) -> Any:
        answer = self.inner.call(model, method, ids, **arguments)
        if method in ("read", "search_read") and answer:
            for name in list(answer[0]):
                kind = "many2one" if name == "id" else self.kind_of(model, name)
                self._spoil(answer[0], name, Place(model, method, name, kind))
        if method == "fields_get":
            for name, told in list(answer.items())[:1]:
                for attribute in list(told):
                    self._spoil(told, attribute, Place(model, method, name, attribute))
        return answer

    def _spoil(self, row: dict[str, Any], name: str, place: Place) -> None:
        self.seen[place] = self.seen.get(place, 0) + 1
        if place != self.place:
            return
        self.spoilt += 1
        if self.value is LACKING:
            del row[name]
        else:
            row[name] = self.value


def looked_over(world: World) -> str:
    """What a preview of changed records says of those that it leaves alone."""
    changed = [replace(d, values={**d.values, "name": f"{d.values['name']}b"}) for d in world.all(2)]
    return " ".join(change.note for change in preview(world.door, world.ledger, changed).changes)


def applied(world: World) -> str:
    return " ".join(map(str, world.apply(world.all(2)).failures))


def drifted(world: World) -> str:
    return str(since_apply(world.door, world.ledger).drift)


def foreseen(world: World) -> str:
    return " ".join(foresee(world.door, world.ledger).unknown)


def undone(world: World) -> str:
    result = rollback(world.door, world.ledger)
    return f"{result.refused} {result.unknown}"


def adopted(world: World) -> str:
    return " ".join(adopt(world.door, world.ledger, world.all(2)).withheld)


def checked(world: World) -> str:
    entries = (
        MappedTo(role=Role.TAX, xid="account.1_tax", place="tables: taxes", stands_for="x", rates={"x": 13}),
        MappedTo(role=Role.JOURNAL, xid="lago.journal_shadow", place="tables: journal", stands_for="x"),
    )
    needs = Needs(currencies=frozenset({"CAD"}), mapped=entries[:0], writes=frozenset({"res.partner"}), country="CA")
    findings = preflight(world.door, discover(world.door), needs)
    return " ".join(finding.what for finding in findings if finding.level == "error")


Command = Callable[[World], str]
READING: tuple[Command, ...] = (looked_over, applied, drifted, foreseen, checked)


def wrong_with(world: World, command: Command, place: Place, value: object) -> str:
    """What must not be; empty for nothing."""
    odoo = Answering(world.odoo.inner, world.odoo.kind_of, place, value)
    try:
        said = command(replace(world, odoo=odoo))
    except Lago2OdooError as error:
        said = str(error)
        if "\n" in said or (place.model not in said and "external id" not in said):
            return f"says {said!r}"
        return ""
    except Exception as error:  # noqa: BLE001  that is what we look for
        return f"{type(error).__name__}: {error}"
    return "" if not odoo.spoilt or "Odoo's answer" in said or "answers" in said else f"silent: {said!r}"


def remembering(world: World) -> World:
    """Every command asks it the same again: only what is answered wrong differs."""
    return replace(world, odoo=replace(world.odoo, inner=Remembering(world.odoo.inner)))


def places_of(world: World, command: Command) -> list[Place]:
    odoo = Answering(world.odoo.inner, world.odoo.kind_of)
    command(replace(world, odoo=odoo))
    return sorted(odoo.seen, key=repr)


def tried(world: World, command: Command, again: Callable[[], World] | None = None) -> tuple[int, list[str]]:
    """How many, and what was wrong. ``again``: the world as it was, where the command moved it."""
    rng, wrong, number = Random(SEED), list[str](), 0
    for place in places_of(world, command):
        ways = place.wrong()
        for value in rng.sample(ways, min(WAYS, len(ways))):
            world = again() if again else world
            number += 1
            if what := wrong_with(world, command, place, value):
                shown = "nothing" if value is LACKING else repr(value)
                wrong.append(f"{command.__name__}: {place} = {shown}: {what}")
    return number, wrong


@pytest.fixture
def standing(world: World, server: Any) -> World:
    """Two customers with an order each, applied."""
    assert world.apply(world.all(2)).ok
    models = server.database.schema.models
    world.odoo = Answering(world.odoo, lambda model, name: models[model].fields[name].type)
    return world


@pytest.mark.parametrize("command", READING, ids=lambda command: command.__name__)
def test_a_field_that_is_answered_as_what_it_is_not_is_named(standing: World, command: Command) -> None:
    number, wrong = tried(remembering(standing), command)
    assert number > 10
    assert wrong == []


@pytest.mark.parametrize(
    ("domain", "refused"),
    [
        ([["ref", "in", ["NX-0", "NX-1"]]], True),
        ([["id", ">", 0], "|", ["ref", "=", "NX-0"], ["name", "!=", "zz"], ["ref", "in", ["NX-0", "NX-1"]]], True),
        (["!", "&", ["ref", "=", "NX-9"], ["name", "=", "zz"], ["ref", "in", ["NX-0", "NX-1"]]], True),
        (["|", ["ref", "in", ["NX-0"]], "&", ["id", ">", 0], ["ref", "in", ["NX-1"]]], False),
        (["!", ["ref", "in", ["NX-9", False]]], False),
    ],
)
def test_a_row_that_nobody_asked_for_is_refused(standing: World, domain: list[object], refused: bool) -> None:
    """What an operator takes may be otherwise, and the row be right all the same."""
    odoo = Answering(
        standing.odoo.inner, standing.odoo.kind_of, Place("res.partner", "search_read", "ref", "char"), "zz"
    )
    asked = replace(standing, odoo=odoo).door
    if refused:
        with pytest.raises(
            AnswerUnreadable, match=r"res\.partner \d+: Odoo answers 'zz' as ref, which nobody asked for"
        ):
            asked.search_read("res.partner", domain, ["ref"])
    else:
        assert sorted(row["ref"] for row in asked.search_read("res.partner", domain, ["ref"])) == ["NX-1", "zz"]
    assert odoo.spoilt


def test_the_same_while_a_lost_state_is_taken_up(standing: World, tmp_path: Path) -> None:
    numbers = iter(range(10_000))
    stores: list[Store] = []

    def again() -> World:
        store = Store.open(tmp_path / f"lost{next(numbers)}.db")
        stores.append(store)
        return replace(standing, ledger=Ledger(store.__enter__()))

    number, wrong = tried(again(), adopted, again)
    for store in stores:
        store.__exit__(None, None, None)
    assert number > 10
    assert wrong == []


@pytest.mark.whole
def test_the_same_while_all_is_undone(standing: World) -> None:
    def again() -> World:
        assert standing.apply(standing.all(2)).ok
        return standing

    number, wrong = tried(standing, undone, again)
    assert number > 10
    assert wrong == []
    again()
    assert rollback(standing.door, standing.ledger).refused == ()
