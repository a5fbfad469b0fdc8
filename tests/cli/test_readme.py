"""The README's table of commands and exit codes is what the program says of itself."""

from __future__ import annotations

import re
from pathlib import Path

import click

from migrate import cli, errors

README = Path(__file__).parents[2] / "README.md"


def commands(group: click.Group, prefix: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, command in group.commands.items():
        path = f"{prefix} {name}"
        if isinstance(command, click.Group):
            found |= commands(command, path)
        if not isinstance(command, click.Group) or command.invoke_without_command:
            found[path] = (command.help or "").split("\n\n")[0].replace("\n", " ")
    return found


def test_the_table_of_commands_is_the_help() -> None:
    rows = dict(re.findall(r"^\| `(lago2odoo [^`]+)` \| (.+) \|$", README.read_text("utf-8"), re.M))
    assert rows == commands(cli.group, "lago2odoo")


def test_the_exit_codes_are_those_of_the_error_tree() -> None:
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", README.read_text("utf-8"), re.M)}
    raised = {
        value.exit_code for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)
    }
    assert documented == raised | {0}
    assert all(str(code) in (cli.group.help or "") for code in documented)
