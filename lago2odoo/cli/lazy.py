"""Groups whose commands are imported when they are called: the help of a group is its table."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

Table = Mapping[str, tuple[str, str]]  # "report sign" -> (its module, its help in one line)


class LazyGroup(click.Group):
    """A group of the commands in ``table``; a group inside another one finds its own in the table of the outermost."""

    def __init__(self, *args: Any, table: Table | None = None, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.table = table or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of its commands."""
        return sorted(self._entries(ctx))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        entry = self._entries(ctx).get(cmd_name)
        if entry is None:
            return None
        command: click.Command = import_module(f"lago2odoo.cli.{entry[0]}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands and what they do, read from the table."""
        entries = self._entries(ctx)
        with formatter.section("Commands"):
            formatter.write_dl([(name, _shorten(entries[name][1], formatter, entries)) for name in sorted(entries)])

    def _entries(self, ctx: click.Context) -> Table:
        """Name -> entry of the commands right below this group."""
        root = ctx.find_root()
        table = root.command.table if isinstance(root.command, LazyGroup) else {}
        prefix = ctx.command_path.removeprefix(root.command_path).split()
        words = {name: name.split() for name in table}
        return {words[name][-1]: entry for name, entry in table.items() if words[name][:-1] == prefix}


def _shorten(text: str, formatter: click.HelpFormatter, names: Table) -> str:
    """As click shortens the help of a command: to what fits on its line."""
    limit = formatter.width - 6 - max(map(len, names))
    return click.Command(None, help=text).get_short_help_str(limit)
