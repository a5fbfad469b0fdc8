"""What the tool says of a planted fault: reconcile and status, held against what it says without one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from migrate.preview import Drift
from reconcile.rerate.coverage import lapses_of
from reports.data import Finding, ReportData
from reports.tallies import check_ties
from tests.faults import Fault
from tests.odoo.matrix.kinds import Kind
from tests.odoo.matrix.world import Planted
from tests.reconciling import planted


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One look: the findings of reconcile, what it refused to compare, and the drift of status."""

    findings: tuple[tuple[str, Finding], ...] = ()  # id of the position -> why
    refused: frozenset[str] = frozenset()
    drift: frozenset[tuple[str, str]] = frozenset()  # (external id, field or "deleted")
    failure: str = ""  # the tool broke
    odoo_refuses: str = ""  # Odoo itself does not let the fault happen

    @property
    def causes(self) -> frozenset[str]:
        return frozenset(f.cause for _, f in self.findings)


def look(copy: Planted, fault: Fault) -> Said:
    """Reconcile the month of the fault, with what Lago billed twice or never, then ask for drift."""
    company, theirs = copy.company, frozenset(fault.customers)
    lapses = lapses_of(company.snapshot, company.events, period=fault.month, customers=theirs)
    data = planted.reconciled(company, fault, copy.of.codes, lapses)
    check_ties(data)
    return Said(findings=_findings(data), refused=refused(data), drift=_drift(copy.status()))


def _findings(data: ReportData) -> tuple[tuple[str, Finding], ...]:
    return tuple((p.id, f) for _, p in data.rows() for f in p.findings)


def refused(data: ReportData) -> frozenset[str]:
    """What a side refuses to give, and what Lago's register says of itself."""
    refusals = (refusal for invoice in data.invoices for refusal in invoice.refusals)
    lapsed = frozenset(f"lago lapsed: {lapse.kind}" for lapse in data.lapses)
    return lapsed | frozenset(f"{refusal.side} refuses: {refusal.reason}" for refusal in refusals)


def _drift(found: Iterable[Drift]) -> frozenset[tuple[str, str]]:
    pairs = {(d.xid, str(diff.field)) for d in found for diff in d.diffs}
    return frozenset(pairs | {(d.xid, "deleted" if d.deleted else "changed") for d in found if not d.diffs})


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A row of the table."""

    kind: Kind
    flavour: str
    clean: Said
    said: Said
    remedy: str = ""

    @property
    def new(self) -> tuple[Finding, ...]:
        """What is found only since the fault was planted."""
        before = Counter((where, f.cause, f.delta_cents) for where, f in self.clean.findings)
        return tuple(f for where, f in self.said.findings if not before[where, f.cause, f.delta_cents])

    @property
    def drift(self) -> frozenset[tuple[str, str]]:
        return self.said.drift - self.clean.drift

    @property
    def cents(self) -> int:
        """What reconcile measures."""
        return sum(f.delta_cents for f in self.new)

    @property
    def proven(self) -> frozenset[tuple[str, str]]:
        return frozenset((f.cause, f.side) for f in self.new if f.proven)

    @property
    def right_names(self) -> frozenset[tuple[str, str]]:
        """What reconcile may say: the causes of what was planted, and what is so of this company without it."""
        planted_causes = {(cause, self.kind.side) for cause in self.kind.causes}
        return frozenset(planted_causes | {(f.cause, f.side) for _, f in self.clean.findings if f.proven})

    @property
    def wrong(self) -> frozenset[tuple[str, str]]:
        """Said with confidence, and not so."""
        return self.proven - self.right_names

    @property
    def astray(self) -> frozenset[str]:
        """Said, with confidence or without, and not so; also that nobody knows why."""
        return frozenset(f.cause for f in self.new if (f.cause, f.side) not in self.right_names)

    @property
    def reasons(self) -> frozenset[str]:
        """Why a side refuses something, since the fault."""
        return frozenset(text.rpartition(" ")[2] for text in self.said.refused - self.clean.refused)

    @property
    def found_by(self) -> tuple[str, ...]:
        by_reconcile = bool(self.new or self.reasons)
        return tuple(name for name, found in (("reconcile", by_reconcile), ("status", bool(self.drift))) if found)

    @property
    def missed(self) -> bool:
        return self.kind.moves and not self.found_by and not self.said.odoo_refuses

    @property
    def all_named(self) -> bool:
        """Every fault that was planted has its name: a cause, a refusal's reason, or the field that status shows."""
        causes = {f.cause for f in self.new if (f.cause, f.side) in self.right_names}
        said = causes | self.reasons | {_field(name) for _, name in self.drift}
        return all(names & said for names in self.kind.planted)

    @property
    def state(self) -> str:
        """The first that holds."""
        states = (
            ("Odoo refuses it", bool(self.said.odoo_refuses)),
            ("failed", bool(self.said.failure)),
            ("wrong", bool(self.wrong)),
            ("missed", self.missed),
            ("noise", not self.kind.moves and bool(self.new or self.reasons)),
            ("right", not self.kind.moves),
            ("right", self.all_named and not self.astray),
            ("named otherwise", True),
        )
        return next(state for state, holds in states if holds)


def _field(name: str) -> str:
    """Of ``order_line lago.line_1: discount``: discount."""
    return name.rpartition(".")[2].rpartition(" ")[2]


def row(verdict: Verdict) -> str:
    """A line of the table."""
    counted = Counter(f.cause + ("" if f.proven else "?") for f in verdict.new)
    said = [f"{cause} ×{number}" for cause, number in sorted(counted.items())]
    said += sorted(verdict.said.refused - verdict.clean.refused)[:1]
    said += [text for text in (verdict.said.failure, verdict.said.odoo_refuses) if text]
    drift = sorted({name for _, name in verdict.drift})
    named = "; ".join([*said[:5], *(["drift: " + ", ".join(drift[:4])] if drift else [])]) or "–"
    proven = "yes" if verdict.proven else "no"
    sides = ", ".join(sorted({f.side for f in verdict.new})) or "–"
    cells = (
        verdict.kind.name,
        verdict.flavour,
        "yes" if verdict.kind.moves else "no",
        f"{verdict.cents / 100:+.2f}" if verdict.new else "0.00",
        " + ".join(verdict.found_by) or "nothing",
        named.replace("|", "/"),
        proven,
        sides,
        verdict.remedy or "–",
        verdict.state,
    )
    return "| " + " | ".join(cells) + " |"


HEAD = (
    "| planted | flavour | moves money | measured | found by | named | proven | side | remedy works | verdict |\n"
    "|---|---|---|---|---|---|---|---|---|---|"
)
