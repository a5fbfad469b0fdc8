"""The README's table of commands and exit codes is what the program says of itself."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest

from lago2odoo.cli import main as cli
from migrate import errors
from reports.verdict import EXIT_CODES
from tests.cli.conftest import command

README = Path(__file__).parents[2] / "README.md"
HEAVY = {"duckdb", "httpx", "jinja2", "odoorpc", "pandas", "pyarrow", "sqlalchemy", "stripe", "werkzeug", "xlsxwriter"}


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command of the table, imported."""
    for name, (module, _) in cli.COMMANDS.items():
        yield name, import_module(f"lago2odoo.cli.{module}").command


def does_something(found: click.Command) -> bool:
    return not isinstance(found, click.Group) or found.invoke_without_command


def test_the_table_of_commands_is_the_readmes() -> None:
    rows = dict(re.findall(r"^\| `(lago2odoo [^`]+)` \| (.+) \|$", README.read_text("utf-8"), re.M))
    assert rows == {f"lago2odoo {name}": cli.COMMANDS[name][1] for name, found in commands() if does_something(found)}


def test_each_command_says_of_itself_what_the_table_says() -> None:
    helps = {name: (found.name, (found.help or "").split("\n\n")[0].replace("\n", " ")) for name, found in commands()}
    assert helps == {name: (name.split()[-1], text) for name, (_, text) in cli.COMMANDS.items()}


def test_every_module_that_declares_a_command_is_in_the_table() -> None:
    folder = Path(cli.__file__).parent
    declaring = {
        path.stem for path in folder.glob("*.py") if re.search(r"^def command\(", path.read_text("utf-8"), re.M)
    }
    assert declaring == {module for module, _ in cli.COMMANDS.values()}


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_is_reached_by_its_words(name: str) -> None:
    shown = command(*name.split(), "--help")
    assert (shown.code, shown.out.split("\n", 1)[0].startswith(f"Usage: lago2odoo {name} [")) == (0, True), shown


def test_a_group_names_its_own_commands_only() -> None:
    listed = {name: re.findall(r"^  ([a-z]+)  ", command(*name.split(), "--help").out, re.M) for name in ("", "report")}
    top = sorted(name for name in cli.COMMANDS if " " not in name)
    assert listed == {"": top, "report": ["countersign", "sign", "verify"]}


@pytest.mark.parametrize("name", ["lago", "report export", "sandbox doctor"])
def test_a_command_that_does_not_exist_is_refused(name: str) -> None:
    assert command(*name.split()).code == 1


def modules_loaded_by(*arguments: str) -> set[str]:
    program = (
        "import sys\n"
        "from lago2odoo.cli.main import main\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "except SystemExit as end:\n"
        "    assert end.code == 0\n"
        "print(*sys.modules, sep='\\n')"
    )
    run = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return set(run.stdout.splitlines())


def test_help_imports_no_command_and_nothing_heavy() -> None:
    loaded = modules_loaded_by("--help")
    assert "lago2odoo.cli.main" in loaded
    assert not {module for module, _ in cli.COMMANDS.values() if f"lago2odoo.cli.{module}" in loaded}
    assert not HEAVY & loaded


def test_asking_how_to_check_a_pack_loads_no_renderer_and_no_store() -> None:
    assert not HEAVY & modules_loaded_by("report", "verify", "--help")


def test_the_exit_codes_are_those_of_the_error_tree() -> None:
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", README.read_text("utf-8"), re.M)}
    raised = {
        value.exit_code for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)
    }
    assert documented == raised | set(EXIT_CODES.values())
    assert all(str(code) in (cli.group.help or "") for code in documented)
