"""Signing a reconciled month: what must hold, what is frozen, and where it is kept.

    sign(folder, signing, inputs, language)      the next pack of the project's chain, or NotSigned with the way out

Two people, a report that is as it was reconciled, inputs that have not moved since, and nothing unexplained that nobody
accepts by a reason.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from reports import html, stored
from reports.data import ReportData
from reports.errors import NotSigned
from reports.evidence import ageing, packs, project_chain
from reports.evidence.ageing import Past
from reports.evidence.inputs import PackInputs
from reports.evidence.packs import Pack
from reports.evidence.project_chain import IntactPack
from reports.evidence.report_facts import Fact, what_is_accounted
from reports.paths import whole_file
from reports.people import is_plain, nobody, same_person
from reports.registers import by_currency, check_registers
from reports.tallies import check_ties
from reports.verdict import judge


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
        return stored.run_name(self.period, self.cohort)

    @property
    def again(self) -> str:
        """What to do if it must be reconciled anew."""
        cohort = f" --cohort {self.cohort}" if self.cohort else ""
        return f"run 'lago2odoo reconcile --period {self.period}{cohort}' again"


@dataclass(frozen=True, slots=True)
class Signed:
    """A pack that was made and kept at ``path``; ``facts``: what its manifest says.

    ``before``: these people had signed this very report already; it is not signed twice.
    """

    pack: Pack
    path: Path
    facts: Mapping[str, Fact]
    before: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reconciled:
    """The report's JSON, its data, and what was noted when it was made."""

    report: bytes
    data: ReportData
    past: Past


def sign(folder: Path, signing: Signing, inputs: PackInputs, *, language: str, out: Path | None = None) -> Signed:
    """Freeze the month whose report is in ``folder``. Raises NotSigned, which says why and the way out."""
    reconciled = _read_reconciled(folder, signing)
    _check_inputs(inputs, reconciled.past, signing)
    _check_open(reconciled.data, signing)
    chain = project_chain.read_intact(folder)
    facts = _facts(reconciled, signing, inputs, chain)
    if (before := _signed_before(folder, chain, facts)) is not None:
        return before
    _check_clock(signing, reconciled.data, chain[-1].facts if chain else {})
    page = html.render(reconciled.data, language).encode()
    pack = packs.build(facts, {packs.PAGE: page, packs.REPORT: packs.packed(reconciled.report), **inputs.files})
    path = out or folder / project_chain.FOLDER / f"{signing.name}-{pack.number:03}.zip"
    project_chain.keep(pack, path, folder, signing.period)
    return Signed(pack, path, facts)


# --- what must hold ----------------------------------------------------------------------------------------------


def check_people(signing: Signing) -> None:
    """Two people, both named; and a reason that says something, if one is given."""
    for role in ("preparer", "reviewer"):
        if nobody(getattr(signing, role)):
            raise NotSigned(f"--{role} is empty: name a person")
        if not is_plain(getattr(signing, role)):
            raise NotSigned(f"--{role} has a line break or a control character in it: write the name plainly")
    if same_person(signing.preparer, signing.reviewer):
        raise NotSigned(f"{signing.reviewer} prepared this: it must be reviewed and signed by somebody else")
    if signing.accept_open is not None and not signing.accept_open.strip():
        raise NotSigned("--accept-open is empty: give the reason")


def _read_reconciled(folder: Path, signing: Signing) -> _Reconciled:
    """The three must belong together."""
    path = folder / f"{signing.name}.json"
    try:
        past = ageing.last(ageing.read(folder), path.name)
        data = stored.read(path)
        report = whole_file(path)
        check_ties(data)
        check_registers(data)
    except (AssertionError, OSError) as error:
        raise NotSigned(f"{path}: {error}; {signing.again}") from None
    if past is None:
        raise NotSigned(f"{folder / ageing.FILE}: {path.name} was never noted; {signing.again}")
    if packs.sha256(report) != past.report_sha256:
        raise NotSigned(f"{path}: was changed since it was reconciled; {signing.again}")
    return _Reconciled(report=report, data=data, past=past)


def _check_inputs(inputs: PackInputs, past: Past, signing: Signing) -> None:
    moved = inputs.moved(past.inputs)
    if moved:
        shown = ", ".join(moved[:3]) + (f" and {len(moved) - 3} more" if len(moved) > 3 else "")
        raise NotSigned(f"{shown}: changed since {signing.name} was reconciled; {signing.again}")


def _check_open(data: ReportData, signing: Signing) -> None:
    judged = judge(data)
    if not judged.settled and signing.accept_open is None:
        lapses = f", {judged.lapsed} stretches were billed twice or never" if judged.lapsed else ""
        doubted = judged.material_doubts
        lapses = f", the re-rate doubts {doubted} positions on which both sides agree{lapses}" if doubted else lapses
        untied = f", the receivables of {judged.untied} currencies do not tie" if judged.untied else ""
        raise NotSigned(
            f"{signing.period}: {judged.doubtful} differences have no proven cause, {judged.refused} invoices were not "
            f"compared{lapses}{untied}; mend or waive them, or sign with --accept-open REASON"
        )


def _check_clock(signing: Signing, data: ReportData, last: Mapping[str, Fact]) -> None:
    """Nobody signs before what is signed: a clock that says so is wrong, and the pack would say so for ever."""
    known = {
        "the month was reconciled": data.run.compared_at,
        "the snapshot was taken": data.run.snapshot_taken_at,
        "the period began": _begin(signing.period),
        "the pack before was signed": _moment(last.get("signed_at")),
    }
    for what, moment in known.items():
        if moment is not None and signing.at < moment:
            raise NotSigned(
                f"this machine's clock says {signing.at:%Y-%m-%d %H:%M} UTC, but {what} at "
                f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC: set the clock right, then sign"
            )


def _begin(period: str) -> datetime | None:
    """When the month began, in the zone where it began first; None for all months."""
    try:
        return datetime.fromisoformat(f"{period}-01T00:00:00+14:00")
    except ValueError:
        return None


def _moment(text: Fact) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None


OF_A_PACK = frozenset({"number", "previous", "signed_at"})  # facts that differ although the same is signed


def _signed_before(folder: Path, chain: tuple[IntactPack, ...], facts: Mapping[str, Fact]) -> Signed | None:
    """The last pack of this run, if it says the same: a command that was stopped after its work is run again."""
    for pack in reversed(chain):
        link, signed = pack.link, pack.facts
        if (link.period, signed.get("cohort")) != (facts["period"], facts["cohort"]):
            continue
        # an older version may not have stated some
        if any(signed.get(name, value) != value for name, value in facts.items() if name not in OF_A_PACK):
            return None
        path = folder / project_chain.FOLDER / link.pack
        return Signed(Pack(data=whole_file(path), seal=link.seal, number=link.number), path, signed, before=True)
    return None


# --- what is signed ----------------------------------------------------------------------------------------------


def _facts(
    reconciled: _Reconciled, signing: Signing, inputs: PackInputs, chain: tuple[IntactPack, ...]
) -> dict[str, Fact]:
    """Everything the manifest says, in its order. Amounts are in the smallest unit of their currency."""
    data = reconciled.data
    run, judged = data.run, judge(data)
    return {
        "number": len(chain) + 1,
        "previous": chain[-1].link.seal if chain else packs.START,
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
        "outcome": judged.outcome.value,
        "state": judged.state.value,
        "exit_code": judged.exit_code,
        **_totals(data),
        "unexplained": judged.doubtful,
        "not_compared": judged.refused,
        "lapses": len(data.lapses),
        **what_is_accounted(json.loads(reconciled.report)),
        "accepted_open": signing.accept_open,
        "report_sha256": reconciled.past.report_sha256,
        **{f"input {name}": value for name, value in sorted(inputs.hashes.items())},
    }


def _totals(data: ReportData) -> dict[str, Fact]:
    """What both sides billed, by currency, and the difference of what was compared."""
    left, right = data.run.pair
    totals: dict[str, Fact] = {}
    for register in by_currency(data):
        sums = {left: register.left.gross_cents, right: register.right.gross_cents, "difference": register.delta_cents}
        totals |= {f"total {register.currency} {name}": cents for name, cents in sums.items()}
    return totals
