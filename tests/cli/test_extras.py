"""What is installed for whom: the plain package has no sandbox, and says what to install if asked for it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from lago2odoo.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
HIDE = "import sys; sys.modules['werkzeug'] = None; "
MAIN = HIDE + "from lago2odoo.cli.main import main; main(sys.argv[1:])"


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in requirements}


def test_werkzeug_comes_with_the_sandbox_only() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert "werkzeug" not in names(project["dependencies"])
    assert names(extras["sandbox"]) == {"werkzeug"}
    itself = next(each for each in extras["dev"] if each.startswith("lago2odoo["))
    assert set(itself.removeprefix("lago2odoo[").removesuffix("]").split(",")) == set(extras) - {"dev"}


def test_the_demo_installs_no_tools_for_developing() -> None:
    rules = subprocess.run(["make", "-Bn", "demo"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"-e '(.+)'", rules) == [".[sandbox]"]


@pytest.mark.parametrize("arguments", [("demo",), ("sandbox", "odoo")])
def test_without_the_extra_one_line_says_what_to_install(arguments: tuple[str, ...], tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", MAIN, *arguments],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = "lago2odoo: the embedded Odoo needs the extra 'sandbox': pip install 'lago2odoo[sandbox]'\n"
    assert (run.returncode, run.stdout, run.stderr) == (1, "", said)
    assert not list(tmp_path.iterdir())


def test_every_command_is_imported_without_the_extra() -> None:
    modules = ", ".join(f"lago2odoo.cli.{module}" for module, _ in COMMANDS.values())
    subprocess.run([sys.executable, "-c", f"{HIDE}import {modules}"], cwd=ROOT, check=True)
