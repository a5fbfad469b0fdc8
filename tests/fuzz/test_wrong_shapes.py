"""Odoo answers one field that ``reconcile`` reads as what its type is not: named with its month, and no traceback.

``LAGO2ODOO_SHAPES`` (how many fields) and ``LAGO2ODOO_SHAPES_SEED`` try others.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from migrate.lago.snapshot import load_snapshot
from migrate.odoo.door import Door
from migrate.odoo.errors import AnswerUnreadable
from reconcile.sides import odoo_terms
from tests.applying.conftest import IMPATIENT
from tests.applying.test_wrong_shapes import LACKING, SEED, Answering, Place
from tests.fuzz.campaign import Campaign
from tests.fuzz.driver import CONFIG, Driver, Result, context_in

NUMBER = int(os.environ.get("LAGO2ODOO_SHAPES") or 8)


@dataclass
class Reconciling(Driver):
    """Only what reads Odoo for the months of the undisturbed company."""

    def _run(self, files: Mapping[str, bytes], folder: Path, progress: dict[str, Any]) -> None:
        assert not files
        shutil.copyfile(self.folder / "state.db", folder / "state.db")
        (folder / "events").symlink_to(self.folder / "events")
        (folder / "lago2odoo.toml").write_text(CONFIG, encoding="utf-8")
        (folder / "organizations.jsonl").touch()
        context = context_in(folder)
        with context.store() as store:
            self._reconcile(context, load_snapshot(store), progress)


def wrong_with(result: Result, place: Place, value: object) -> str:
    """What must not be; empty for nothing."""
    if result.bug:
        return result.bug
    if result.stopped:
        return "" if place.model in result.stopped else f"says {result.stopped!r}"
    return "" if result.codes["reconcile"] or value in place.others() else "silent: the months are equal"


def test_a_line_of_an_order_that_nobody_asked_for_is_named(campaign: Campaign) -> None:
    """It ended ``reconcile`` in a traceback: no order of that number is known."""
    place = Place("sale.order.line", "search_read", "order_id", "many2one")
    odoo = Answering(campaign.driver.door._odoo, lambda model, name: "many2one", place, 999_999_999)
    with pytest.raises(AnswerUnreadable, match="Odoo answers 999999999 as order_id, which nobody asked for"):
        odoo_terms.read(Door(odoo, IMPATIENT), campaign.records.by_kind["subscription"])
    assert odoo.spoilt


def test_a_field_that_odoo_answers_as_what_it_is_not_is_named_by_reconcile(campaign: Campaign) -> None:
    driver = campaign.driver

    @cache
    def kind_of(model: str, name: str) -> str:
        return str(driver.door.fields_get(model, (name,))[name]["type"])

    def reconciled(place: Place | None = None, value: object = None) -> tuple[Answering, Result]:
        odoo = Answering(driver.door._odoo, kind_of, place, value)
        return odoo, Reconciling(driver.company, driver.folder, Door(odoo, IMPATIENT)).run({})

    odoo, calm = reconciled()
    assert (calm.bug, calm.stopped, calm.codes) == ("", "", {"control": 0, "reconcile": 0})
    rng, wrong = Random(SEED), []
    places = sorted((place for place in odoo.seen if place.wrong()), key=repr)
    assert len(places) > 60
    for place in rng.sample(places, min(NUMBER, len(places))):
        value = rng.choice((*place.wrong(), *place.others()))
        spoilt, result = reconciled(place, value)
        if spoilt.spoilt and (what := wrong_with(result, place, value)):
            wrong.append(f"{place} = {'nothing' if value is LACKING else repr(value)}: {what}")
    assert wrong == []
