"""``report``: a reconciled month as one offline HTML file, and in the formats that tools read."""

from __future__ import annotations

from pathlib import Path

import click
from click.core import ParameterSource

from lago2odoo.cli.lazy import LazyGroup
from lago2odoo.cli.options import check_month, config_option, format_option, out_dir_option, pseudonymise_option
from lago2odoo.cli.outcome import CommandOutcome, emit


@click.group("report", cls=LazyGroup, invoke_without_command=True, subcommand_metavar="[sign|countersign|verify] ...")
@config_option
@format_option
@click.option(
    "--period", metavar="MONTH", callback=check_month, help="Month like 2026-07 (default: the last reconciled)."
)
@out_dir_option
@pseudonymise_option
@click.pass_context
def command(
    click_context: click.Context, config: Path, form: str, period: str | None, out: Path | None, key_file: Path | None
) -> int | None:
    """Write the report of a reconciled month: one offline HTML file and its siblings."""
    if click_context.invoked_subcommand is not None:
        _refuse_options_before(click_context)
        return None
    return emit(_outcome(_write(config, period, out, key_file)), form)


def _write(config: Path, period: str | None, out: Path | None, key_file: Path | None) -> tuple[Path, ...]:
    # Late, because the subcommands pass by this module too, and verify needs no renderer.
    from lago2odoo.cli.context import open_context  # noqa: PLC0415
    from lago2odoo.cli.report_files import write  # noqa: PLC0415

    with open_context(config) as context:
        return write(context, period, out, key_file)


def _refuse_options_before(click_context: click.Context) -> None:
    """What is given before ``sign``, ``countersign`` or ``verify`` would be lost: those have options of their own."""
    given = [p.opts[0] for p in click_context.command.params if _was_given(click_context, p)]
    if given:
        subcommand = click_context.invoked_subcommand
        raise click.UsageError(f"write {given[0]} after 'report {subcommand}', not before it")


def _was_given(click_context: click.Context, parameter: click.Parameter) -> bool:
    return click_context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE


def _outcome(written: tuple[Path, ...]) -> CommandOutcome:
    stem = written[0].stem
    files = {path.name.removeprefix(f"{stem}."): str(path) for path in written}
    others = ", ".join(path.name for path in written[1:])
    return CommandOutcome(files, f"report: {written[0]}\nbeside it: {others}")
