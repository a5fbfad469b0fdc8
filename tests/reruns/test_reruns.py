"""The same snapshot gives the same outputs, byte for byte, whatever order things come in; a second push writes nothing.

20 runs in two processes of other hash seeds. LAGO2ODOO_RERUNS_SEED draws other orders; it is printed on failure.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.reruns.setting import migrated

PROGRAM = Path(__file__).with_name("program.py")
SEED = int(os.environ.get("LAGO2ODOO_RERUNS_SEED", "100"))
PUSHES = (f"push:{SEED + 30}", f"push:{SEED + 31}")
PROCESSES: tuple[tuple[object, ...], ...] = (
    (*range(SEED, SEED + 10), PUSHES[0]),
    (*range(SEED + 10, SEED + 20), PUSHES[1]),
)
Found = dict[str, dict[str, list[str]]]  # output -> its hash -> seeds of the runs that gave it
IN_EVERY_RUN = ("preview.json", "2026-07.json", "2026-07.control.json")
IN_SOME = ("2026-07.html", "2026-07.xlsx", "2026-07.csv", "2026-07.registers.csv", "2026-07.lapses.csv")
IN_SOME += ("2026-07.receivables.csv", "2026-07.md", "2026-07.xml", "report")
IN_SOME += tuple(f"{name}{more}" for name in ("preview", "control") for more in ("", " --format json"))
IN_SOME += ("reconcile", "reconcile --ci")


def run(home: Path, hash_seed: int, seeds: Sequence[object]) -> Found:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(home), *map(str, seeds)],
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.stdout, done.stderr
    found: Found = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("reruns")
    with migrated(folder):
        yield folder


@pytest.fixture(scope="module")
def outputs(home: Path) -> Found:
    merged: Found = {}
    for hash_seed, seeds in enumerate(PROCESSES, 1):
        for name, hashes in run(home, hash_seed, seeds).items():
            for digest, given_by in hashes.items():
                merged.setdefault(name, {}).setdefault(digest, []).extend(given_by)
    return merged


@pytest.mark.parametrize("name", [*IN_EVERY_RUN, *IN_SOME])
def test_every_run_gives_the_same_output(name: str, outputs: Found, home: Path) -> None:
    hashes = outputs[name]
    assert len(hashes) == 1, f"seeds by output: {hashes}; compare {home}/outputs/{name.replace(' ', '-')}.*"
    (seeds,) = hashes.values()
    assert len(seeds) == (20 if name in IN_EVERY_RUN else len(seeds))
    assert len(seeds) >= 8


def test_nothing_else_was_written(outputs: Found) -> None:
    assert set(outputs) == {*IN_EVERY_RUN, *IN_SOME, *PUSHES}


def test_the_company_ties_and_differs(outputs: Found, home: Path) -> None:
    """Else the test would show nothing: same names, moments and amounts of several customers, and things to tell."""
    ((digest, _),) = outputs["2026-07.json"].items()
    report = json.loads((home / "outputs" / f"2026-07.json.{digest}").read_text("utf-8"))
    twins: dict[tuple[object, ...], set[str]] = {}
    for invoice in report["invoices"]:
        open_ones = [p["delta_cents"] for p in invoice["positions"] if p.get("findings")]
        if open_ones:
            twins.setdefault((invoice["customer_name"], *sorted(open_ones)), set()).add(invoice["customer"])
    assert [len(customers) for customers in twins.values()] == [2] * len(twins)
    assert len(twins) >= 2
    causes = {f["cause"] for i in report["invoices"] for p in i["positions"] for f in p.get("findings", ())}
    assert {"price", "missing_usage"} <= causes


def test_a_second_push_writes_nothing(outputs: Found, home: Path) -> None:
    """Of the same month, from an extract and answers in another order."""
    first, second = (
        (home / "outputs" / f"{name}.{digest}").read_text("utf-8") for name in PUSHES for digest in outputs[name]
    )
    written = re.fullmatch(r"verdicts in Odoo: (\d+) new, 0 updated, 0 unchanged", first)
    assert written is not None, first
    assert int(written[1]) > 30
    assert second == f"verdicts in Odoo: 0 new, 0 updated, {written[1]} unchanged"
