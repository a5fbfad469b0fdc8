"""``extract``: everything of Lago into the local snapshot."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from lago2odoo.cli import show
from lago2odoo.cli.context import open_context
from lago2odoo.cli.options import config_option, format_option
from lago2odoo.cli.outcome import CommandOutcome, emit
from mappings.counted import open_counted
from mappings.dependents import find_dependents
from mappings.lost import UNLISTED, lost_invoices, unlisted_fees
from mappings.quarantine import tally
from mappings.records import Snapshot
from migrate.errors import Blocked
from migrate.lago.clock import doubts_of_records
from migrate.lago.control_totals import unread_credits
from migrate.lago.extract import ExtractReport, extract
from migrate.lago.read_resources import UNSHOWN
from migrate.lago.snapshot import load_snapshot
from reconcile.rating.rules import doubt_of_version
from reports.columns import table


@click.command("extract")
@config_option
@format_option
@click.option(
    "--recording",
    type=click.Path(path_type=Path, exists=False),
    metavar="DIR",
    help="Read a recorded directory or archive instead of a server.",
)
def command(config: Path, form: str, recording: Path | None) -> int:
    """Read everything from Lago into the local snapshot. Resumes where it stopped."""
    with open_context(config) as context, context.source(recording) as source, context.store() as store:
        report = extract(source, store, context.events, progress=context.talk.progress, warn=context.warn)
        snapshot = load_snapshot(store)
        for doubt in doubts_of_records(_newest(snapshot), datetime.now(UTC)) if source.has_clock else ():
            context.warn(doubt)
        if doubt := doubt_of_version(snapshot.lago_version):
            context.warn(doubt)
    return emit(outcome_of(report, snapshot, context.config.waive.reasons), form)


def _newest(snapshot: Snapshot) -> datetime | None:
    """When the newest record of those was made that Lago itself dates."""
    made = [invoice.created_at for invoice in snapshot.invoices] + [fee.created_at for fee in snapshot.fees]
    made += [subscription.created_at for subscription in snapshot.subscriptions]
    return max(made, default=None)


def outcome_of(report: ExtractReport, snapshot: Snapshot, waived: Collection[str]) -> CommandOutcome:
    """It ends with 1, although all else is read, while something is in quarantine that nobody waived."""
    unread = show.quarantine(snapshot.quarantined, find_dependents(snapshot))
    waiting = show.unread_credits(unread_credits(snapshot))
    missing = lost_invoices(snapshot)
    still_open = show.open_quarantine(snapshot.quarantined, waived)
    lost = show.open_lost(missing, waived)
    unlisted = () if UNLISTED in waived else unlisted_fees(snapshot, report.missed_fees)
    unshown = [name for name in report.unshown if name not in waived and UNSHOWN not in waived]
    data = {
        **report.as_json(),
        "quarantined": tally(snapshot.quarantined),
        "lost": show.lost_data(missing),
        "not_waived": {"quarantined": tally(still_open), "lost": len(lost), "unshown": len(unshown)},
        **({"unlisted_fees": [fee.lago_id for fee in unlisted]} if unlisted else {}),
    }
    error = None
    told = (show.remedies_of_unread(still_open, lost), remedy_of_unshown(unshown), show.remedy_of_unlisted(unlisted))
    counted = show.remedy_of_counted(open_counted(report.counted, waived))
    remedies = "; ".join(filter(None, (*told, counted)))
    if remedies:
        error = Blocked(f"everything else is read; {remedies}; next: lago2odoo preview")
    return CommandOutcome(data, "\n".join([*unread, *waiting, *show.lost(missing), render(report)]), error=error)


def remedy_of_unshown(ids: Sequence[str]) -> str:
    """What to do about records that Lago listed and then had not; empty if there are none."""
    if not ids:
        return ""
    return (
        f"{len(ids):,} records that Lago listed were not there when they were asked for ({show.some(ids)}): "
        f"{show.or_waive(UNSHOWN)}, or their ids"
    )


def render(report: ExtractReport) -> str:
    """One line per resource, then what Lago did not show and what we did not know."""
    rows = [
        (name, str(c.total), str(c.new), str(c.changed), str(c.gone))
        for name, c in report.resources.items()
        if c.total or c.gone
    ]
    lines = [
        table(("resource", "records", "new", "changed", "gone"), [*rows, ("events", str(report.events), "", "", "")])
    ]
    lines += [f"left out: {text}" for text in report.left_out]
    lines += [f"unknown fields of {name}: {', '.join(paths)}" for name, paths in report.unknown_fields.items()]
    changed = any(c.new or c.changed or c.gone for c in report.resources.values())
    lines.append("next: lago2odoo preview" if changed else "nothing changed in Lago since the last extract")
    return "\n".join(lines)
