"""``extract``: everything of Lago into the local snapshot."""

from __future__ import annotations

from pathlib import Path

from migrate.commands.context import Context, Outcome
from migrate.extract import ExtractReport, extract
from reports.text import table


def run(context: Context, *, recording: Path | None) -> Outcome:
    """Read Lago (or a recording); a second run reads again and says what changed."""
    with context.source(recording) as source, context.store() as store:
        report = extract(source, store, context.events, progress=context.talk.progress)
    return Outcome(report.as_json(), render(report))


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
