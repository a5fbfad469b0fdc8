"""Options that several commands share."""

from __future__ import annotations

import re
from pathlib import Path

import click

from mappings.ranges import YEARS
from mappings.target import Phase
from migrate.config import DEFAULT_FILE

_MONTH = re.compile(r"(?P<year>\d{4})-(0[1-9]|1[0-2])", re.ASCII)


def check_month(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """A month like 2026-07, ``all``, or nothing given."""
    if value is None or value == "all":
        return value
    month = _MONTH.fullmatch(value)
    if month and int(month["year"]) in YEARS:
        return value
    raise click.BadParameter(f"{value!r} is not a month; write it like 2026-07")


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
    type=click.Choice([phase.value for phase in Phase]),
    help="Only this phase (default: all, in order).",
)
cohort_option = click.option("--cohort", metavar="NAME", help="Only the customers of this cohort of the configuration.")
period_option = click.option(
    "--period", metavar="MONTH", callback=check_month, required=True, help="Month like 2026-07, or 'all'."
)
out_dir_option = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
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
