"""``report sign``: a reviewer freezes a reconciled month as an evidence pack, the next one of the project's chain."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from migrate.commands.context import Context, Outcome
from migrate.commands.files import run_name
from migrate.commands.inputs import Inputs, gather
from migrate.errors import Blocked, StoreError
from reports import ageing, evidence, html, stored
from reports.ageing import HistoryError, Past
from reports.data import REFUSED, InvoiceView, Position, ReportData, check_ties, ties
from reports.evidence import CHAIN, ChainError, Fact, Link, Pack
from reports.people import nobody, same_person

FOLDER = "evidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """Who signs what, and when. ``accept_open``: why the month is signed although something is unexplained."""

    period: str
    preparer: str
    reviewer: str
    at: datetime
    cohort: str | None = None
    accept_open: str | None = None

    @property
    def name(self) -> str:
        """Of the reconciled run's files: ``2026-07``, or ``2026-07.pilot``."""
        return run_name(self.period, self.cohort)

    @property
    def again(self) -> str:
        """What to do if it must be reconciled anew."""
        cohort = f" --cohort {self.cohort}" if self.cohort else ""
        return f"run 'lago2odoo reconcile --period {self.period}{cohort}' again"


def run(
    context: Context,
    *,
    period: str,
    preparer: str,
    reviewer: str,
    out: Path | None,
    accept_open: str | None,
    cohort: str | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Outcome:
    """Freeze ``period``. Raises Blocked if it must not be signed, and says why and the way out."""
    who = {"preparer": preparer, "reviewer": reviewer}
    signing = Signing(period=period, cohort=cohort, at=clock(), accept_open=accept_open, **who)
    check_people(signing)
    folder = context.reports(None)
    with context.store() as store, store.lock():
        report, data, past = _reconciled(folder, signing)
        inputs = gather(context, store)
        _check_inputs(inputs, past, signing)
        _check_open(data, signing)
        chain = _chain(folder)
        facts = make_facts(data, signing, past, inputs, chain)
        page = html.render(data, context.config.report.language).encode()
        pack = evidence.build(facts, {"report.html": page, evidence.REPORT: evidence.packed(report), **inputs.files})
        path = out or folder / FOLDER / f"{signing.name}-{pack.number:03}.zip"
        _keep(pack, path, folder, period)
    return _outcome(pack, path, facts)


# --- what must hold ----------------------------------------------------------------------------------------------


def check_people(signing: Signing) -> None:
    """Two people, both named; and a reason that says something, if one is given."""
    for role in ("preparer", "reviewer"):
        if nobody(getattr(signing, role)):
            raise Blocked(f"--{role} is empty: name a person")
    if same_person(signing.preparer, signing.reviewer):
        raise Blocked(f"{signing.reviewer} prepared this: it must be reviewed and signed by somebody else")
    if signing.accept_open is not None and not signing.accept_open.strip():
        raise Blocked("--accept-open is empty: give the reason")


def _reconciled(folder: Path, signing: Signing) -> tuple[bytes, ReportData, Past]:
    """The report's JSON, its data, and what was noted when it was made: the three must belong together."""
    path = folder / f"{signing.name}.json"
    try:
        past = ageing.last(ageing.read(folder), path.name)
        data = stored.read(path)
        report = path.read_bytes()
        check_ties(data)
    except (HistoryError, stored.StoredReportError) as error:
        raise Blocked(str(error)) from None
    except (AssertionError, OSError) as error:
        raise Blocked(f"{path}: {error}; {signing.again}") from None
    if past is None:
        raise Blocked(f"{folder / ageing.FILE}: {path.name} was never noted; {signing.again}")
    if evidence.sha256(report) != past.report_sha256:
        raise Blocked(f"{path}: was changed since it was reconciled; {signing.again}")
    return report, data, past


def _check_inputs(inputs: Inputs, past: Past, signing: Signing) -> None:
    moved = inputs.moved(past.inputs)
    if moved:
        shown = ", ".join(moved[:3]) + (f" and {len(moved) - 3} more" if len(moved) > 3 else "")
        raise Blocked(f"{shown}: changed since {signing.name} was reconciled; {signing.again}")


def unexplained(data: ReportData) -> tuple[int, int]:
    """(positions that differ without a proven cause, invoices not compared in full); waived ones are not counted."""
    doubtful = [p for i, p in data.rows() if ageing.counts(i, p) and p.status != REFUSED and _doubtful(p)]
    return len(doubtful), sum(1 for invoice in data.invoices if _refused(invoice))


def _refused(invoice: InvoiceView) -> bool:
    """A refusal counts also where the invoice has no position at all."""
    lacking = any(p.status == REFUSED and ageing.counts(invoice, p) for p in invoice.positions)
    return lacking or any(not refusal.waiver for refusal in invoice.refusals)


def _doubtful(position: Position) -> bool:
    return not position.findings or any(not f.proven and not f.waiver for f in position.findings)


def _check_open(data: ReportData, signing: Signing) -> None:
    doubtful, refused = unexplained(data)
    if (doubtful or refused) and signing.accept_open is None:
        raise Blocked(
            f"{signing.period}: {doubtful} differences have no proven cause, {refused} invoices were not compared; "
            "mend or waive them, or sign with --accept-open REASON"
        )


def _chain(folder: Path) -> tuple[Link, ...]:
    """The packs before. The last one is looked at: nothing is chained to one that was altered."""
    path = folder / FOLDER / CHAIN
    try:
        chain = evidence.read_chain(path)
    except (ChainError, OSError) as error:
        raise Blocked(str(error)) from None
    if not chain:
        if any(path.parent.glob("*.zip")):
            raise Blocked(f"{path}: is missing, but there are packs beside it; restore it from a backup")
        return ()
    before = path.parent / chain[-1].pack
    if before.exists():
        found = evidence.verify(before.read_bytes())
        if found.flaws or found.seal != chain[-1].seal:
            raise Blocked(f"{before}: is not as it was signed ({next(iter(found.flaws), 'another seal')}); restore it")
    return chain


# --- what is signed ----------------------------------------------------------------------------------------------


def make_facts(
    data: ReportData, signing: Signing, past: Past, inputs: Inputs, chain: tuple[Link, ...]
) -> dict[str, Fact]:
    """Everything the manifest says, in its order. Amounts are in the smallest unit of their currency."""
    run, (doubtful, refused) = data.run, unexplained(data)
    return {
        "number": len(chain) + 1,
        "previous": chain[-1].seal if chain else evidence.START,
        "period": signing.period,
        "cohort": signing.cohort,
        "organization": run.organization,
        "preparer": signing.preparer,
        "reviewer": signing.reviewer,
        "signed_at": signing.at.isoformat(),
        "compared_at": run.compared_at.isoformat(),
        "snapshot_taken_at": run.snapshot_taken_at.isoformat(),
        "compared": " / ".join(run.pair),
        "tool_version": run.tool_version,
        "lago_version": run.lago_version,
        "odoo_version": run.odoo_version,
        "tolerance_cents": run.tolerance_cents,
        "materiality_cents": run.materiality_cents,
        "customers": len({invoice.customer for invoice in data.invoices}),
        "invoices": len(data.invoices),
        "outcome": data.outcome.value,
        "exit_code": data.exit_code,
        **_totals(data),
        "unexplained": doubtful,
        "not_compared": refused,
        "accepted_open": signing.accept_open,
        "report_sha256": past.report_sha256,
        **{f"input {name}": value for name, value in sorted(inputs.hashes.items())},
    }


def _totals(data: ReportData) -> dict[str, Fact]:
    left, right = data.run.pair
    totals: dict[str, Fact] = {}
    for tie in ties(data):
        if tie.level == "all":
            t = tie.sum
            values = {left: t.left_cents, right: t.right_cents, "difference": t.delta_cents}
            totals |= {f"total {t.currency} {name}": cents for name, cents in values.items()}
    return totals


# --- keeping it --------------------------------------------------------------------------------------------------


def _keep(pack: Pack, path: Path, folder: Path, period: str) -> None:
    """First the pack under its name, then the line of the chain: a pack that is noted is there."""
    home = folder / FOLDER
    line = evidence.chain_line(
        Link(number=pack.number, period=period, pack=os.path.relpath(path, home), seal=pack.seal)
    )
    partial = path.with_name(f".{path.name}.partial")
    try:
        home.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        _durable(partial, pack.data, "wb")
        os.link(partial, path)  # refuses to replace a file
        partial.unlink()
        _durable(home / CHAIN, line.encode(), "ab")
    except FileExistsError:
        partial.unlink(missing_ok=True)
        raise Blocked(f"{path}: exists already and is never overwritten; name another with --out") from None
    except OSError as error:
        raise StoreError(f"{path}: the pack cannot be written: {error.strerror}") from error


def _durable(path: Path, data: bytes, mode: str) -> None:
    with path.open(mode) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _outcome(pack: Pack, path: Path, facts: Mapping[str, Fact]) -> Outcome:
    lines = [
        f"signed: {facts['period']}, prepared by {facts['preparer']}, reviewed by {facts['reviewer']}",
        f"result: {facts['outcome']}",
        f"pack {pack.number}: {path}",
        f"seal: {pack.seal}",
        f"Keep the seal apart from the pack; check both with: lago2odoo report verify {path} --seal {pack.seal}",
    ]
    data = {"pack": str(path), "number": pack.number, "seal": pack.seal, "previous": facts["previous"]}
    return Outcome(data, "\n".join(lines))
