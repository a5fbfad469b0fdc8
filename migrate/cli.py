"""The command line. Bodies read: context, command, outcome. Data goes to stdout, talk to stderr.

Exit codes: 0 done, equal, nothing to do · 1 error · 2 changes pending or differences · 3 only waived differences ·
4 lock held by another run · 130 interrupted (the same command resumes).
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import click
from click.core import ParameterSource

from mappings.target import Phase
from migrate.commands.context import Outcome, open_context
from migrate.config import DEFAULT_FILE
from migrate.errors import Interrupted, Lago2OdooError

Command = Callable[..., Any]


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with the documented code. The one place that catches our errors."""
    try:
        outcome = group.main(arguments, prog_name="lago2odoo", standalone_mode=False)
    except Lago2OdooError as error:
        _fail(str(error), error.exit_code)
    except click.exceptions.Abort:
        _fail("interrupted; the same command resumes", Interrupted.exit_code)
    except KeyboardInterrupt:
        _fail("interrupted; the same command resumes", Interrupted.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(1)
    sys.exit(outcome if isinstance(outcome, int) else 0)


def _fail(message: str, code: int) -> NoReturn:
    sys.stderr.write(f"lago2odoo: {' '.join(message.split())}\n")
    sys.exit(code)


def _emit(outcome: Outcome, form: str) -> int:
    """Print an outcome's data or text on stdout; answer its exit code, or raise the error it ends with."""
    if form == "json":
        data = outcome.data() if callable(outcome.data) else outcome.data
        click.echo(json.dumps(data, ensure_ascii=False, indent=1, default=str))
    else:
        click.echo(outcome.text)
    if outcome.error is not None:
        raise outcome.error
    return outcome.exit_code


def _run(name: str, form: str, config: Path, **options: Any) -> int:
    """Run ``migrate.commands.<name>.run(context, ...)``; imported late, so that ``--help`` stays quick."""
    command = import_module(f"migrate.commands.{name}")
    context = open_context(config)
    try:
        outcome = command.run(context, **options)
    finally:
        context.talk.close()
    return _emit(outcome, form)


def _month(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is None or value == "all":
        return value
    year, _, month = value.partition("-")
    if len(year) == 4 and year.isdigit() and len(month) == 2 and month.isdigit() and 1 <= int(month) <= 12:
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
    "--period", metavar="MONTH", callback=_month, required=True, help="Month like 2026-07, or 'all'."
)
out_dir_option = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder for the files written (default: 'report' beside the configuration).",
)

pseudonymise_option = click.option(
    "--pseudonymise",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="KEYFILE",
    help="Write a report to share, under pseudonyms made with this key (a missing file is made).",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="lago2odoo")
@click.option("--with-parent", is_flag=True, hidden=True, help="End when whoever started this is gone.")
def group(with_parent: bool) -> None:
    """Leave Lago for Odoo 19 without losing or doubling one cent, and prove it.

    Exit codes: 0 done, equal or nothing to do; 1 error; 2 changes pending or differences; 3 only waived differences;
    4 lock held by another run; 130 interrupted (the same command resumes).
    """
    if with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> NoReturn:
    """Whoever started us holds the other end of our stdin: when they are gone, however they ended, so are we."""
    while os.read(0, 4096):
        pass
    os._exit(Interrupted.exit_code)


@group.command()
@config_option
def init(config: Path) -> int:
    """Write a commented starting configuration."""
    command = import_module("migrate.commands.init")
    return _emit(command.run(config), "text")


@group.command()
@config_option
@format_option
def doctor(config: Path, form: str) -> int:
    """Check both ends, the state and the mapping tables before anything is written."""
    return _run("doctor", form, config)


@group.command()
@config_option
@format_option
@click.option(
    "--recording",
    type=click.Path(path_type=Path, exists=False),
    metavar="DIR",
    help="Read a recorded directory or archive instead of a server.",
)
def extract(config: Path, form: str, recording: Path | None) -> int:
    """Read everything from Lago into the local snapshot. Resumes where it stopped."""
    return _run("extract", form, config, recording=recording)


@group.command()
@config_option
@format_option
@phase_option
@cohort_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Save the preview, to be applied exactly.",
)
def preview(config: Path, form: str, phase: str | None, cohort: str | None, out: Path | None) -> int:
    """Show what apply would do, field by field. Writes nothing to Odoo."""
    return _run("preview", form, config, phase=phase, cohort=cohort, out=out)


@group.command()
@config_option
@format_option
@phase_option
@cohort_option
@click.option(
    "--changes",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Apply exactly this saved preview.",
)
def apply(config: Path, form: str, phase: str | None, cohort: str | None, changes: Path | None) -> int:
    """Write the changes to Odoo, phase by phase. Safe to interrupt; a second run has nothing to do."""
    return _run("apply", form, config, phase=phase, cohort=cohort, changes=changes)


@group.command()
@config_option
@format_option
def status(config: Path, form: str) -> int:
    """Show the snapshot, the phases, and what changed in Odoo since it was applied."""
    return _run("status", form, config)


@group.command()
@config_option
@format_option
@phase_option
@cohort_option
@click.option("--shadow-invoices", "shadow", is_flag=True, help="Only remove the shadow invoices that reconcile kept.")
@click.option("--dry-run", is_flag=True, help="Only show what would be undone; exit code 2 if there is anything.")
def rollback(config: Path, form: str, phase: str | None, cohort: str | None, shadow: bool, dry_run: bool) -> int:
    """Undo exactly what apply did, in reverse order. Refuses what someone else changed since."""
    return _run("rollback", form, config, phase=phase, cohort=cohort, shadow=shadow, dry_run=dry_run)


@group.command()
@config_option
@format_option
@period_option
@cohort_option
@out_dir_option
@click.option("--control", is_flag=True, help="Lago against the re-rate alone: the noise floor. Needs no Odoo.")
@click.option(
    "--ci",
    is_flag=True,
    help="Short summary; writes JUnit and JSON. Without [odoo] url: like --control, no secret needed.",
)
@pseudonymise_option
@click.option("--push", is_flag=True, help="Write the verdicts to Odoo too: Sales, Metering, Dual run.")
def reconcile(config: Path, form: str, **options: Any) -> int:
    """Compare a month: Lago's invoices, Odoo's shadow invoices, and the re-rate from raw usage."""
    return _run("reconcile", form, config, **options)


@group.group(invoke_without_command=True, subcommand_metavar="[sign|verify] ...")
@config_option
@format_option
@click.option("--period", metavar="MONTH", callback=_month, help="Month like 2026-07 (default: the last reconciled).")
@out_dir_option
@pseudonymise_option
@click.pass_context
def report(
    context: click.Context, config: Path, form: str, period: str | None, out: Path | None, pseudonymise: Path | None
) -> int | None:
    """Write the report of a reconciled month: one offline HTML file and its siblings."""
    if context.invoked_subcommand is None:
        return _run("report", form, config, period=period, out=out, pseudonymise=pseudonymise)
    given = [p.opts[0] for p in context.command.params if _was_given(context, p)]
    if given:
        raise click.UsageError(f"write {given[0]} after 'report {context.invoked_subcommand}', not before it")
    return None


def _was_given(context: click.Context, parameter: click.Parameter) -> bool:
    return context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE


@report.command("sign")
@config_option
@format_option
@period_option
@cohort_option
@click.option("--preparer", metavar="PERSON", required=True, help="Who prepared the month.")
@click.option("--reviewer", metavar="PERSON", required=True, help="Who reviewed and signs it: somebody else.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="PACK",
    help="File of the pack (default: in 'report/evidence').",
)
@click.option("--accept-open", metavar="REASON", help="Sign although differences are unexplained; REASON is frozen.")
def report_sign(config: Path, form: str, **options: Any) -> int:
    """Freeze a reconciled month as an evidence pack, signed by a reviewer who did not prepare it."""
    return _run("sign", form, config, **options)


@report.command("verify")
@format_option
@click.option("--seal", metavar="HEX", help="The seal that was printed when the pack was signed.")
@click.argument("packs", metavar="PACK...", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
def report_verify(form: str, seal: str | None, packs: tuple[Path, ...]) -> int:
    """Check evidence packs offline, and name what was altered. Needs no project."""
    command = import_module("migrate.commands.verify")
    return _emit(command.run(packs, seal=seal), form)


@group.command()
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo"),
    show_default=True,
    help="Folder of the demo.",
)
@click.option("--fresh", is_flag=True, help="Start over: remove what an earlier demo left.")
def demo(folder: Path, fresh: bool) -> int:
    """Run the whole way on a recorded company: embedded Lago, embedded Odoo, no account needed."""
    command = import_module("migrate.commands.demo")
    return _emit(command.run(folder, fresh=fresh), "text")


@group.group()
def sandbox() -> None:
    """Servers for trying things out: a Lago that serves a recording, an Odoo with a real one's schema."""


@sandbox.command("lago")
@click.option("--recording", type=click.Path(path_type=Path), metavar="DIR", help="Recording (default: NexaSystems).")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=3000, show_default=True)
@click.option("--key-env", default="LAGO_API_KEY", show_default=True, help="Variable that holds the API key to accept.")
def sandbox_lago(recording: Path | None, host: str, port: int, key_env: str) -> int:
    """Serve a recording as Lago would, until Ctrl-C."""
    command = import_module("migrate.commands.sandbox")
    return int(command.lago(recording, host, port, key_env))


@sandbox.command("odoo")
@click.option(
    "--data",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("odoo.db"),
    show_default=True,
    metavar="FILE",
    help="SQLite file of its records.",
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8069, show_default=True)
@click.option("--key-env", default="ODOO_KEY", show_default=True, help="Variable that holds the API key to accept.")
@click.option("--flavour", type=click.Choice(["enterprise", "oca"]), default="enterprise", show_default=True)
def sandbox_odoo(data: Path, host: str, port: int, key_env: str, flavour: str) -> int:
    """Serve an embedded Odoo 19, until Ctrl-C."""
    command = import_module("migrate.commands.sandbox")
    return int(command.odoo(data, host, port, key_env, flavour))


@group.group()
def addon() -> None:
    """The Odoo addon fusion_billing."""


@addon.command("export")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def addon_export(folder: Path) -> int:
    """Copy the addon into FOLDER, a folder of your server's addons path."""
    command = import_module("migrate.commands.addon")
    return _emit(command.run(folder), "text")


if __name__ == "__main__":
    main()
