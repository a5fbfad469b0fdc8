"""Options that several commands share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from mappings.ranges import YEARS
from migrate.config import DEFAULT_FILE
from migrate.phases import MIGRATED, ORDER

_MONTH = re.compile(r"(?P<year>\d{4})-(0[1-9]|1[0-2])", re.ASCII)


def check_month(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """A month like 2026-07, ``all``, or nothing given."""
    if value is None or value == "all":
        return value
    month = _MONTH.fullmatch(value)
    if month and int(month["year"]) in YEARS:
        return value
    raise click.BadParameter(f"{value!r} is not a month; write it like 2026-07")


class NewPath(click.Path):
    """The path of what is to be written. An empty one is none: it would be the current folder."""

    def __init__(self, *, file_okay: bool = True, dir_okay: bool = True) -> None:
        super().__init__(path_type=Path, file_okay=file_okay, dir_okay=dir_okay)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path. Any: as click has it."""
        if str(value) == "":
            self.fail("is empty: name a file or a folder", param, ctx)
        return Path(str(super().convert(value, param, ctx)))


config_option = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT_FILE,
    show_default=True,
    metavar="FILE",
    help="Configuration file.",
)
format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print the result.",
)
phase_option = click.option(
    "--phase",
    type=click.Choice([phase.value for phase in MIGRATED]),
    help="Only this phase (default: all, in order).",
)
any_phase_option = click.option(
    "--phase",
    type=click.Choice([phase.value for phase in ORDER]),
    help="Only this phase (default: all, in order).",
)
cohort_option = click.option("--cohort", metavar="NAME", help="Only the customers of this cohort of the configuration.")
period_option = click.option(
    "--period", metavar="MONTH", callback=check_month, required=True, help="Month like 2026-07, or 'all'."
)
out_dir_option = click.option(
    "--out",
    type=NewPath(file_okay=False),
    metavar="DIR",
    help="Folder for the files written (default: 'report' beside the configuration).",
)
pseudonymise_option = click.option(
    "--pseudonymise",
    "key_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="KEYFILE",
    help="Write a report to share, under pseudonyms made with this key (a missing file is made).",
)
