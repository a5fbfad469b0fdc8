"""docs/enterprise.md against what doctor really asks: the same list, and every line of it is a check that can fail."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from migrate.odoo.door import Door
from migrate.odoo.enterprise import EXPECTED, MODULE, Expected, unlike
from migrate.odoo.needs import Needs
from migrate.odoo.preflight import _enterprise as preflight_check
from migrate.odoo.preflight import preflight
from migrate.odoo.protocol import Odoo

DOCUMENT = Path(__file__).parents[2] / "docs" / "enterprise.md"
CHECK = re.compile(r"doctor: (?:(?P<model>model)|field (?P<type>\w+)(?: to (?P<to>[\w.]+))?(?: of (?P<of>[\w, ]+?))?)"
                   r"(?P<needed>, needed)?(?:;.*)?$")  # fmt: skip


def documented() -> Iterator[Expected]:
    """The rows of the table that promise a check, but the module's."""
    for row in re.findall(r"^\| (.*) \|$", DOCUMENT.read_text("utf-8"), re.MULTILINE):
        name, *_, check = row.split(" | ")
        if not check.startswith("doctor:") or check == "doctor: module":
            continue
        found = CHECK.match(check)
        assert found, f"not understood: {check}"
        path = re.match(r"`([\w.]+)`", name)[1]  # type: ignore[index]
        model, _, last = (path, "", "") if found["model"] else path.rpartition(".")
        choices = tuple(found["of"].split(", ")) if found["of"] else ()
        yield Expected(model, last, found["type"] or "", found["to"] or "", choices, bool(found["needed"]))


def test_what_the_document_promises_is_what_is_checked() -> None:
    assert list(documented()) == list(EXPECTED)
    assert f"module `{MODULE}`" in DOCUMENT.read_text("utf-8")


@dataclass
class Changed:
    """A server whose answers to ``fields_get`` are changed on the way."""

    inner: Odoo
    expected: Expected
    how: str
    asked: list[str] = field(default_factory=list)

    @property
    def server_version(self) -> str:
        return self.inner.server_version

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **arguments: Any) -> Any:
        answer = self.inner.call(model, method, ids, **arguments)
        if (model, method) != (self.expected.model, "fields_get") or self.expected.field not in answer:
            return answer
        entry = answer[self.expected.field]
        changed = {"type": {"type": "json"}, "relation": {"relation": "res.users"}, "choices": {"selection": []}}
        if self.how == "gone":
            return {name: value for name, value in answer.items() if name != self.expected.field}
        return {**answer, self.expected.field: {**entry, **changed[self.how]}}

    def close(self) -> None:
        self.inner.close()


def ways(expected: Expected) -> Iterator[str]:
    yield from ("gone", "type")
    yield from (["relation"] if expected.relation else [])
    yield from (["choices"] if expected.choices else [])


def test_each_check_fails_where_the_server_is_otherwise(odoo: Odoo, target: Any) -> None:
    for expected in EXPECTED:
        for how in ways(expected) if expected.field else ():
            changed = Changed(odoo, expected, how)
            found = [u for u in unlike(Door(changed)) if u.what.startswith(f"{expected.name} ")]
            assert [u.needed for u in found] == [expected.needed], (expected.name, how)
            level = "error" if expected.needed else "warning"
            checked = preflight_check(Door(changed), target, Needs())
            assert any((f.level, f.what) == (level, found[0].what) for f in checked)


def test_the_stand_in_is_as_expected_but_for_its_name(odoo: Odoo, target: Any) -> None:
    assert [u.what.split()[1] for u in unlike(Door(odoo))] == [MODULE]
    assert not any(
        "sale_subscription" in f.what for f in preflight(Door(odoo), replace(target, subscriptions="oca"), Needs())
    )
