"""Several processes that write one file at the same moment: the last one's stands, whole, and nobody is refused."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Project, command
from tests.cli.test_at_once import ROOT, at_once

# What each process does in a round, so slowly that they meet; ``letter``: who it is.
WRITERS = {
    "a result": """
from lago2odoo.cli.files import write_whole
def write(path):
    with path.open("w") as file:
        for _ in range(40):
            file.write(letter * 1000)
            file.flush()
            time.sleep(0.0005)
act = lambda: write_whole(target, write, "preview")
""",
    "a key of pseudonyms": """
from reports.pseudonym_key import load_key
act = lambda: print(load_key(target).hex())
""",
    "a copy of the addon": """
from lago2odoo.shipped_addon import copy_to
act = lambda: copy_to(target.parent)
""",
}
PROGRAM = """
import pathlib, sys, time
target, letter, begin = pathlib.Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
{writer}
time.sleep(max(0, begin - time.time()))
for _ in range(int(sys.argv[4])):
    act()
"""


def together(target: Path, writer: str, rounds: int) -> set[str]:
    """What four processes printed. None of them may end in an error."""
    program = PROGRAM.format(writer=WRITERS[writer])
    begin = str(time.time() + 3)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(target), letter, begin, str(rounds)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for letter in "abcd"
    ]
    printed = set[str]()
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (0, "")
        printed.add(out)
    return printed


def test_results_of_one_name_are_whole(tmp_path: Path) -> None:
    target = tmp_path / "preview.json"
    together(target, "a result", 10)
    text = target.read_text(encoding="utf-8")
    assert (len(text), len(set(text))) == (40_000, 1), "of one process alone"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("number", range(2))
def test_all_have_the_same_key_of_pseudonyms(tmp_path: Path, number: int) -> None:
    target = tmp_path / f"{number}.key"
    printed = together(target, "a key of pseudonyms", 1)
    assert printed == {target.read_text(encoding="ascii")}
    assert (target.stat().st_mode & 0o777, list(tmp_path.iterdir())) == (0o600, [target])


def test_copies_of_the_addon_are_whole(tmp_path: Path) -> None:
    together(tmp_path / "any", "a copy of the addon", 2)
    command("addon", "export", str(tmp_path / "alone"))
    copied, alone = ({str(path.relative_to(folder)) for path in folder.rglob("*")}
                     for folder in (tmp_path / "fusion_billing", tmp_path / "alone" / "fusion_billing"))  # fmt: skip
    assert copied == alone
    assert {path.name for path in tmp_path.iterdir()} == {"fusion_billing", "alone"}


def test_two_previews_into_one_file_are_both_right(project: Project) -> None:
    assert project.run("extract").code == 0
    saved = project.folder / "preview.json"
    results = at_once(project, *[("preview", "--out", str(saved))] * 3)
    assert [result.code for result in results] == [2, 2, 2], [result.err for result in results]
    assert project.run("apply", "--changes", str(saved)).code == 0
    assert not list(project.folder.glob(".partial-*"))
