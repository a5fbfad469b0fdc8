"""``cutover``: a cohort leaves Lago. Look, end, read back, or take it back: one of the four a call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from lago2odoo.cli.context import open_context
from lago2odoo.cli.cutover_gate import GateTerms
from lago2odoo.cli.cutover_plan import checked, plan_of
from lago2odoo.cli.cutover_steps import confirm_ends, end_cohort, take_cohort_back
from lago2odoo.cli.options import config_option, format_option
from lago2odoo.cli.outcome import emit

_NOTICE = timedelta(days=2)  # Lago takes an end from the day after today; a whole day is left to look at it


@click.command("cutover")
@config_option
@format_option
@click.option(
    "--cohort", metavar="NAME", required=True, help="The customers that leave: a cohort of the configuration."
)
@click.option("--check", "step", flag_value="check", help="Show the gate and the plan. Writes nothing.")
@click.option("--end", "step", flag_value="end", help="If the gate is open: set each end in Lago, and read it back.")
@click.option("--confirm", "step", flag_value="confirm", help="Read back from both sides whether each ended right.")
@click.option("--revert", "step", flag_value="revert", help="Take the ends away again that are still to come.")
@click.option("--months", type=click.IntRange(1, 24), default=2, show_default=True, help="Signed months asked for.")
@click.option(
    "--max-age", type=click.IntRange(1, 24 * 3660), default=24, show_default=True, help="Hours of the oldest snapshot."
)
@click.option(
    "--not-before",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="First day that Odoo may bill (default: the day after tomorrow).",
)
def command(
    config: Path, form: str, *, cohort: str, step: str | None, months: int, max_age: int, not_before: datetime | None
) -> int:
    """Let a cohort leave Lago: look at the gate, set the ends, read them back, or take them back."""
    if step is None:
        raise click.UsageError("name the step: --check, --end, --confirm or --revert")
    now = datetime.now(UTC)
    terms = GateTerms(months=months, oldest=timedelta(hours=max_age), now=now)
    earliest = (not_before or now + _NOTICE).date()
    with open_context(config) as context, context.store() as store:
        if step == "check":
            outcome = checked(plan_of(context, store, cohort, terms, earliest))
        elif step == "end":
            with store.lock():
                outcome = end_cohort(context, store, plan_of(context, store, cohort, terms, earliest))
        else:
            outcome = (confirm_ends if step == "confirm" else take_cohort_back)(context, store, cohort)
    return emit(outcome, form)
