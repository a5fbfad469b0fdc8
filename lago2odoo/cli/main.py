"""The command line's door: the table of commands, and the one place that catches our errors.

Data goes to stdout, talk to stderr. Exit codes: 0 done, equal, nothing to do · 1 error, or something is left out that
nobody waived · 2 changes pending or differences · 3 only waived differences · 4 lock held by another run · 130
interrupted (the same command resumes).
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from types import TracebackType
from typing import NoReturn

import click

from lago2odoo.cli.disk_full import is_of_full_disk, told
from lago2odoo.cli.lazy import LazyGroup, Table
from lago2odoo.cli.lost_usage import is_of_usage, told_of_usage
from lago2odoo.cli.read_only import is_of_read_only, told_of_read_only
from mappings.errors import Lago2OdooError
from migrate.errors import Interrupted
from migrate.masking import KNOWN
from reconcile.rating.unforeseen import LOGGER

# Command -> its module beside this one, and what it does. A module is imported when its command is called.
COMMANDS: Table = {
    "init": ("init", "Write a commented starting configuration."),
    "doctor": ("doctor", "Check both ends, the state and the mapping tables before anything is written."),
    "extract": ("extract", "Read everything from Lago into the local snapshot. Resumes where it stopped."),
    "preview": ("preview", "Show what apply would do, field by field. Writes nothing to Odoo."),
    "apply": (
        "apply",
        "Write the changes to Odoo, phase by phase. Safe to interrupt; a second run has nothing to do.",
    ),
    "ledger": (
        "ledger",
        "Bring every invoice, credit note, void and payment of Lago into Odoo's books, and show that they tie.",
    ),
    "status": ("status", "Show the snapshot, the phases, and what changed in Odoo, and in Lago, since it was applied."),
    "rollback": (
        "rollback",
        "Undo exactly what apply did, in reverse order. Refuses what someone else changed since.",
    ),
    "adopt": (
        "adopt",
        "Take up again what stands in Odoo under our external ids, after the state was lost.",
    ),
    "reconcile": (
        "reconcile",
        "Compare a month: Lago's invoices, Odoo's shadow invoices, and the re-rate from raw usage.",
    ),
    "report": ("report", "Write the report of a reconciled month: one offline HTML file and its siblings."),
    "report sign": (
        "report_sign",
        "Freeze a reconciled month as an evidence pack, signed by a reviewer who did not prepare it.",
    ),
    "report countersign": (
        "report_countersign",
        "Add your signature by a key to a pack that somebody else made. Needs no project.",
    ),
    "report verify": (
        "report_verify",
        "Check evidence packs offline, and name what was altered. Needs no project.",
    ),
    "cutover": (
        "cutover",
        "Let a cohort leave Lago: look at the gate, set the ends, read them back, or take them back.",
    ),
    "demo": ("demo", "Run the whole way on a recorded company: embedded Lago, embedded Odoo, no account needed."),
    "sandbox": (
        "sandbox",
        "Servers for trying things out: a Lago that serves a recording, an Odoo with a real one's schema.",
    ),
    "sandbox lago": ("sandbox_lago", "Serve a recording as Lago would, until Ctrl-C."),
    "sandbox odoo": ("sandbox_odoo", "Serve an embedded Odoo 19, until Ctrl-C."),
    "addon": ("addon", "The Odoo addon fusion_billing."),
    "addon export": ("addon_export", "Copy the addon into FOLDER, a folder of your server's addons path."),
}


INTERRUPTED_QUERY = "Query interrupted"  # what DuckDB makes of Ctrl-C, as a RuntimeError


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with the documented code. The one place that catches our errors."""
    sys.excepthook = _show_traceback
    try:
        code = group.main(arguments, prog_name="lago2odoo", standalone_mode=False)
    except Lago2OdooError as error:
        _fail(told_of_read_only(error) if is_of_read_only(error) else told(error), error.exit_code)
    except (click.exceptions.Abort, KeyboardInterrupt):
        _interrupted()
    except click.ClickException as error:
        error.show()
        sys.exit(1)
    except Exception as error:
        if str(error) == INTERRUPTED_QUERY:
            _interrupted()
        if is_of_full_disk(error):
            _fail(told(error), Lago2OdooError.exit_code)
        if is_of_read_only(error):
            _fail(told_of_read_only(error), Lago2OdooError.exit_code)
        if is_of_usage(error):
            _fail(told_of_usage(error), Lago2OdooError.exit_code)
        raise
    sys.exit(code if isinstance(code, int) else 0)


def _interrupted() -> NoReturn:
    _fail("interrupted; the same command resumes", Interrupted.exit_code)


def _fail(message: str, code: int) -> NoReturn:
    sys.stderr.write(KNOWN.text(f"lago2odoo: {' '.join(message.split())}\n"))
    sys.exit(code)


def _show_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What is none of our errors is a bug and keeps its traceback, but for the secrets in it."""
    sys.stderr.write(KNOWN.text("".join(traceback.format_exception(kind, error, trace))))


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(package_name="lago2odoo")
@click.option("--debug", is_flag=True, help="Show the traceback of every mistake that costs an invoice.")
@click.option("--with-parent", is_flag=True, hidden=True, help="End when whoever started this is gone.")
def group(debug: bool, with_parent: bool) -> None:
    """Leave Lago for Odoo 19 without losing or doubling one cent, and prove it.

    Exit codes: 0 done, equal or nothing to do; 1 error; 2 changes pending or differences; 3 only waived differences;
    4 lock held by another run; 130 interrupted (the same command resumes).
    """
    show_mistakes(debug)
    if with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()


class _Masked(logging.Formatter):
    """What is logged, but for the secrets in it."""

    def format(self, record: logging.LogRecord) -> str:
        return KNOWN.text(super().format(record))


def show_mistakes(debug: bool) -> None:
    """What costs one invoice is a line of the report; its traceback is for whoever asks."""
    logger, handler = logging.getLogger(LOGGER), logging.StreamHandler()
    handler.setFormatter(_Masked())
    logger.handlers = [handler] if debug else []
    logger.setLevel(logging.DEBUG if debug else logging.WARNING)


def _end_with_parent() -> NoReturn:
    """Whoever started us holds the other end of our stdin: when they are gone, however they ended, so are we."""
    while os.read(0, 4096):
        pass
    os._exit(Interrupted.exit_code)


if __name__ == "__main__":
    main()
