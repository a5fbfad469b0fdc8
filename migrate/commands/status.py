"""``status``: the snapshot, the phases, and what changed in Odoo since it was applied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mappings.money import from_subunits
from mappings.records import Invoice
from migrate.apply import Drift, drifted
from migrate.commands.context import Context, Outcome
from migrate.errors import ConfigError, OdooError
from migrate.extract import counts, load_snapshot, report
from migrate.ledger import Ledger, Progress
from migrate.odoo.discover import company_id
from migrate.store import Store
from reports.text import table

SUMS = (
    "fees_amount_cents",
    "coupons_amount_cents",
    "sub_total_excluding_taxes_amount_cents",
    "taxes_amount_cents",
    "prepaid_credit_amount_cents",
    "credit_notes_amount_cents",
    "total_amount_cents",
    "total_paid_amount_cents",
)


@dataclass(frozen=True, slots=True)
class DriftReport:
    """What changed in Odoo since; or why that could not be asked."""

    found: tuple[Drift, ...] = ()
    unknown: str = ""


def run(context: Context) -> Outcome:
    """Everything the state knows, and a look at Odoo for drift. Exit code 0; problems are shown, not judged."""
    with context.store() as store:
        if store.latest() is None:
            return Outcome({"snapshot": None}, "nothing is extracted yet; next: lago2odoo extract")
        sums = invoice_sums(load_snapshot(store).invoices)
        ledger = Ledger(store)
        applied = ledger.count()
        drift = look(context, store, ledger) if applied else DriftReport()
        data = {**_snapshot(store), "invoice_sums": sums, **_applied(applied, ledger.phases(), drift)}
        return Outcome(data, render(data, sums, ledger.phases(), drift))


def invoice_sums(invoices: Iterable[Invoice]) -> list[dict[str, Any]]:
    """Finalized invoices by issuing month and currency: Lago's own control totals, in cents."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for invoice in invoices:
        if invoice.status != "finalized":
            continue
        key = (invoice.issuing_date.strftime("%Y-%m"), invoice.currency)
        empty = {"month": key[0], "currency": key[1], "invoices": 0, **dict.fromkeys(SUMS, 0)}
        row = rows.setdefault(key, empty)
        row["invoices"] += 1
        for name in SUMS:
            row[name] += getattr(invoice, name)
    return [rows[key] for key in sorted(rows)]


def look(context: Context, store: Store, ledger: Ledger) -> DriftReport:
    """Ask Odoo; a server that cannot be asked leaves the rest of the status as it is."""
    try:
        with context.odoo() as odoo:
            return DriftReport(drifted(odoo, ledger, company_id(odoo), context.talk.progress))
    except (OdooError, ConfigError) as error:
        return DriftReport(unknown=str(error))


def _snapshot(store: Store) -> dict[str, Any]:
    found = report(store)
    return {
        "snapshot": {
            "taken_at": found.taken_at.isoformat(),
            "lago_version": found.lago_version,
            "counts": counts(store),
            "unknown_fields": {name: list(paths) for name, paths in found.unknown_fields.items()},
            "left_out": list(found.left_out),
        }
    }


def _applied(applied: dict[str, int], phases: Sequence[Progress], drift: DriftReport) -> dict[str, Any]:
    return {
        "applied": applied,
        "phases": [{**asdict(phase), "phase": phase.phase.value} for phase in phases],
        "drift": [{**asdict(d), "diffs": [str(x.field) for x in d.diffs]} for d in drift.found],
        "drift_unknown": drift.unknown,
    }


def render(data: dict[str, Any], sums: Sequence[dict[str, Any]], phases: Sequence[Progress], drift: DriftReport) -> str:
    """For people: counts, control totals, phases, drift."""
    snapshot = data["snapshot"]
    lines = [f"snapshot of {snapshot['taken_at']}, Lago {snapshot['lago_version']}", ""]
    lines.append(table(("resource", "records"), [(n, f"{c:,}") for n, c in snapshot["counts"].items() if c]))
    heads = (
        "month",
        "currency",
        "invoices",
        "fees",
        "coupons",
        "net",
        "taxes",
        "prepaid",
        "credit notes",
        "total",
        "paid",
    )
    rows = [
        (r["month"], r["currency"], str(r["invoices"]), *(f"{from_subunits(r[n], r['currency']):,}" for n in SUMS))
        for r in sums
    ]
    lines += ["", "finalized invoices", table(heads, rows), ""]
    lines += [
        f"phase {p.phase.value}{f' of {p.cohort}' if p.cohort else ''}: "
        f"{'done' if p.finished else f'unfinished ({p.detail})'} {p.updated_at}"
        for p in phases
    ] or ["nothing is applied yet; next: lago2odoo preview"]
    return "\n".join([*lines, *_drift_lines(drift)])


def _drift_lines(drift: DriftReport) -> list[str]:
    if drift.unknown:
        return [f"drift: not known: {drift.unknown}"]
    if not drift.found:
        return ["drift: none"]
    lines = [f"drift: {len(drift.found):,} applied records changed in Odoo since"]
    for d in drift.found[:20]:
        lines.append(f"    {d.source}: {'deleted' if d.deleted else ', '.join(x.field for x in d.diffs)}")
    return lines
