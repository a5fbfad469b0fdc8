"""Faults planted on a real Odoo 19: what reconcile and status say of each, and whether the remedy works.

A dozen kinds run with the other tests. ``make faults-odoo`` runs all of them and writes ``docs/faults-odoo.md``: what
the same code gave before is not planted again. ``LAGO2ODOO_FAULTS="discount;oca/OCA"`` runs those whose flavour/name
holds one of the words. ``LAGO2ODOO_FAULTS_PART=1/3`` runs every third of them: several runs at once share the
results.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from tests.odoo.conftest import RealServer
from tests.odoo.matrix import page
from tests.odoo.matrix.catalog import KINDS, QUICK
from tests.odoo.matrix.judge import Verdict, row
from tests.odoo.matrix.kept import code, keep, kept
from tests.odoo.matrix.kinds import FLAVOURS, Kind
from tests.odoo.matrix.run import Matrix, matrix

pytestmark = pytest.mark.odoo
ASKED = os.environ.get("LAGO2ODOO_FAULTS", "")  # all, or words of names
PART = os.environ.get("LAGO2ODOO_FAULTS_PART", "1/1")


def chosen() -> list[tuple[Kind, str]]:
    everything = [(kind, flavour) for flavour in FLAVOURS for kind in KINDS if flavour in kind.flavours]
    part, parts = map(int, PART.split("/"))
    return [pair for pair in everything if is_asked(*pair)][part - 1 :: parts]


def is_asked(kind: Kind, flavour: str) -> bool:
    if not ASKED:
        return kind.name in QUICK
    return ASKED == "all" or any(word in f"{flavour}/{kind.name}" for word in ASKED.split(";"))


@pytest.fixture(scope="module")
def planting(shared_server: RealServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    with matrix(shared_server, tmp_path_factory.mktemp("matrix")) as made:
        yield made


@pytest.fixture(scope="module", autouse=True)
def shown() -> Iterator[None]:
    """The page shows what was kept, after every run that was asked for by name."""
    code()  # of the code that is tested now: it may change on the disk until the last fault is planted
    yield
    if ASKED:
        page.write(KINDS, kept(KINDS))


def result(planting: Matrix, kind: Kind, flavour: str) -> Verdict:
    """Of this code: kept from a run before, where all are asked for, or planted now."""
    known = {which: result for which, result in kept(KINDS).items() if result.code == code()} if ASKED else {}
    if ASKED == "all" and (kind.name, flavour) in known:
        return known[kind.name, flavour].verdict
    planting.learn(result.verdict for result in known.values())
    began, worked = time.monotonic(), time.process_time()
    verdict = planting.verdict(kind, flavour)
    seconds = time.monotonic() - began
    if ASKED:
        keep(verdict, seconds, time.process_time() - worked)
    print(f"\n{row(verdict)} {seconds:.0f} s")  # noqa: T201 - shown by pytest -s
    return verdict


@pytest.mark.parametrize(("kind", "flavour"), chosen(), ids=lambda value: getattr(value, "name", value))
def test_nothing_is_proven_wrongly_no_money_moves_unseen_and_remedies_work(
    planting: Matrix, kind: Kind, flavour: str
) -> None:
    verdict = result(planting, kind, flavour)
    assert verdict.said.failure == ""
    assert verdict.wrong == frozenset()
    assert not verdict.missed
    assert not verdict.remedy.startswith("no:")


def test_there_are_faults_of_all_kinds() -> None:
    names = [kind.name for kind in KINDS]
    assert len(names) == len(set(names)) >= 80
    assert len({kind.name for kind in KINDS} & QUICK) == len(QUICK)
