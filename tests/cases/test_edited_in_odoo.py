"""Somebody edits one field of one migrated record in Odoo, at random: it is named, and costs nobody else anything.

``LAGO2ODOO_EDITS`` (number) and ``LAGO2ODOO_EDITS_SEED`` try others.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from lago2odoo.cli.context import open_context
from lago2odoo.cli.migration import Migration, open_migration
from mappings.errors import Lago2OdooError
from mappings.target import Desired
from migrate.change_set.changes import PENDING
from migrate.errors import OdooError
from migrate.odoo.door import Door
from migrate.preview import preview, since_apply
from migrate.rollback import foresee
from migrate.state.entries import Entry
from migrate.state.ledger import Ledger
from tests.cases.conftest import Case

NUMBER, SEED = int(os.environ.get("LAGO2ODOO_EDITS") or 50), int(os.environ.get("LAGO2ODOO_EDITS_SEED") or 3)
TEXTS = ("{not json", "", "9" * 40, "[]", "null", '{"a": 1}', "zz", False)
VALUES: Mapping[str, tuple[object, ...]] = {
    "char": TEXTS,
    "text": TEXTS,
    "html": TEXTS,
    "integer": (0, -1, 2**31 - 1),
    "float": (0, -1, 1e15, 1e-7),
    "monetary": (0, -1, 1e15, 1e-7),
    "boolean": (True, False),
    "selection": ("zz", False),
    "many2one": (1, 2, 3, 99_999_999, False),
    "date": ("2199-12-31", "1900-01-01", False),
    "datetime": ("2199-12-31 00:00:00", "1900-01-01 00:00:00", False),
}
GONE, ARCHIVED = "deleted", "archived"
NOT_OURS = frozenset({"id", "create_uid", "write_uid", "create_date", "write_date"})


@dataclass(frozen=True, slots=True)
class Edit:
    """``field``: one of the record, or that it is gone or archived."""

    entry: Entry
    field: str
    value: object

    def __str__(self) -> str:
        return f"{self.entry.model} {self.entry.xid} {self.field} = {self.value!r}"


@dataclass(frozen=True, slots=True)
class Editing:
    """A migrated company, and the ways to look at it."""

    case: Case
    ledger: Ledger
    migration: Migration

    def draw(self, rng: Random, entries: list[Entry]) -> Edit:
        entry = rng.choice(entries)
        fields = self.case.odoo.database.schema.models[entry.model].fields
        kind = rng.random()
        if kind < 0.15:
            return Edit(entry, GONE if kind < 0.08 or "active" not in fields else ARCHIVED, None)
        sent = [name for name in entry.sent if name in fields and fields[name].type in VALUES]
        others = [f.name for f in fields.values() if f.column and f.type in VALUES and f.name not in NOT_OURS]
        name = rng.choice(sent if sent and rng.random() < 0.7 else others)
        return Edit(entry, name, rng.choice(VALUES[fields[name].type]))

    def make(self, edit: Edit) -> bool:
        """Whether Odoo lets it happen."""
        call, entry = self.case.connection().call, edit.entry
        try:
            if edit.field == GONE:
                call(entry.model, "unlink", [entry.res_id])
            else:
                values = {"active": False} if edit.field == ARCHIVED else {edit.field: edit.value}
                call(entry.model, "write", [entry.res_id], vals=values)
        except OdooError:
            return False
        return True

    def named(self) -> frozenset[str]:
        return frozenset(f"{d.xid}" for d in since_apply(self.case.door(), self.ledger).drift)

    def pending(self) -> dict[str, str]:
        """External id -> what ``preview`` would do, or that it kept somebody's value."""
        changes = preview(
            self.case.door(),
            self.ledger,
            self.migration.mapped,
            snapshot_digest=self.migration.digest,
            keep_usage=self.migration.keep_usage,
        )
        parts = {c.xid: (c, *c.lines) for c in changes.changes if c.skipped is None}
        return {
            xid: f"{some[0].action} {some[0].diffs}"
            for xid, some in parts.items()
            if any(part.action in PENDING or part.diffs for part in some)
        }

    def is_once(self, edit: Edit) -> bool:
        """Whether the field is written once, and then Odoo's: a wallet is spent there."""
        owner = edit.entry.parent or edit.entry.xid
        wanted = (m for m in self.migration.mapped if isinstance(m, Desired) and m.xid == owner)
        return any(edit.field in desired.once for desired in wanted)

    def held(self, edit: Edit) -> object:
        rows: list[dict[str, Any]] = self.case.connection().call(
            edit.entry.model, "read", [edit.entry.res_id], fields=[edit.field]
        )
        return rows[0][edit.field]


def wrong_with(editing: Editing, edit: Edit, was: object) -> str:
    """What must not be; empty for nothing."""
    owner = edit.entry.parent or edit.entry.xid
    try:
        named, pending = editing.named(), editing.pending()
        foresee(editing.case.door(), editing.ledger)
    except Lago2OdooError as error:
        return "" if edit.field == GONE and "\n" not in str(error) else f"ended: {error}"
    except Exception as error:  # noqa: BLE001  that is what we look for
        return f"{type(error).__name__}: {error}"
    if edit.field not in (GONE, ARCHIVED):
        others = pending.keys() - {owner, edit.entry.xid}
        if others:
            return f"others would change: {sorted(others)[:3]}: {pending[min(others)]}"
        ours = edit.field in edit.entry.sent and not editing.is_once(edit)
        if ours and (editing.held(edit) or None) != (was or None) and owner not in named | pending.keys():
            return "silent: neither status nor preview names it"
    elif edit.field == GONE and owner not in named | pending.keys():
        return "silent: it is gone, and nothing names it"
    return ""


def tried(editing: Editing, whole: sqlite3.Connection, number: int, rng: Random) -> list[str]:
    entries = list(editing.ledger.entries())
    entries = [entry for entry in entries if entry.xid.startswith("lago.") and entry.model != "fusion.billing.usage"]
    wrong, done = [], 0
    while done < number:
        edit = editing.draw(rng, entries)
        was = None if edit.field in (GONE, ARCHIVED) else editing.held(edit)
        if editing.make(edit):
            done += 1
            if why := wrong_with(editing, edit, was):
                wrong.append(f"{edit}: {why}")
            database = editing.case.odoo.database
            with database.lock:
                whole.backup(database.store.connection)
    return wrong


@pytest.mark.whole
def test_one_edit_in_odoo_is_named_and_costs_nobody_else(case: Callable[..., Case]) -> None:
    company = case("21")
    assert company.migrate(waived=("wallet_negative",)).code == 0
    whole = sqlite3.connect(":memory:", check_same_thread=False)
    company.odoo.database.store.connection.backup(whole)
    with open_context(company.project.config) as context, context.store() as store:
        migration = open_migration(context, store, Door(company.connection()), None)
        editing = Editing(company, Ledger(store), migration)
        assert (editing.named(), editing.pending()) == (frozenset(), {})
        wrong = tried(editing, whole, NUMBER, Random(SEED))
    whole.close()
    assert not wrong, "\n".join(wrong)
