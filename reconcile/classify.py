"""Why sides differ: named causes, each accepted only if recomputing under it gives the difference to the cent.

Every side is held against a baseline (the re-rate; Lago where there is none). A side deviates from it by some cents
per position; a cause proposes changes to the baseline, the changed baseline is computed again, and what it moved must
be exactly what the side shows. Tax and coupons follow the lines: they are tried with all line causes together, and
each cause gets its own part of the header's deviation. What no cause reproduces is ``unexplained``, and counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from reconcile.compare import ComparedInvoice, HeaderKey, Key, compare_invoice, plain
from reconcile.lines import BilledInvoice, BilledLine, LineKey
from reconcile.whatif import Bill, Change, Recompute, minimums
from reports.data import OUTSIDE, REFUSED, Evidence, Finding

BASELINE, SUBJECT = "baseline", "subject"

Deviation = Mapping[Key, int]  # position -> cents by which a side exceeds the baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A cause that may explain something: what to change in the baseline, and what a person should know."""

    changes: tuple[Change, ...]
    evidence: tuple[Evidence, ...] = ()
    remedy: Evidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One invoice in which one side deviates from the baseline."""

    side: str
    invoice: ComparedInvoice
    baseline: BilledInvoice
    subject: BilledInvoice
    names: tuple[str, str]  # of the baseline and of the deviating side in the comparison
    deviation: Deviation  # what is to be explained
    bill: Bill = field(default_factory=Bill)
    hints: Mapping[LineKey, Mapping[str, object]] = field(default_factory=dict)  # knowledge about lines, see causes

    def pairs(self) -> Iterator[tuple[LineKey, tuple[BilledLine, ...], tuple[BilledLine, ...]]]:
        """Deviating lines: key of the position, lines of the baseline, lines of the deviating side."""
        for position in self.invoice.positions:
            if isinstance(position.key, LineKey) and position.key in self.deviation:
                yield position.key, position.lines.get(self.names[0], ()), position.lines.get(self.names[1], ())

    def position_of(self) -> dict[Key, Key]:
        """Key of a line -> key of the position it belongs to (coarser, where a side groups lines)."""
        positions = self.invoice.positions
        return {plain(one.key): p.key for p in positions for lines in p.lines.values() for one in lines}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A named rule. ``header`` causes explain parts of the header and are tried after those of lines."""

    name: str
    propose: Callable[[Case], Iterable[Proposal]]
    header: bool = False


@dataclass(frozen=True, slots=True)
class Accepted:
    """A cause with the cents it moved, position by position."""

    cause: str
    proposal: Proposal
    moved: Deviation


def classify(
    invoice: ComparedInvoice,
    causes: Sequence[Cause],
    recompute: Recompute,
    *,
    bill: Bill | None = None,
    hints: Mapping[LineKey, Mapping[str, object]] | None = None,
) -> dict[Key, tuple[Finding, ...]]:
    """Findings for every position that differs; the findings of a position add up to its delta."""
    left, right = invoice.pair
    named = invoice.sides.get("rerate") if "rerate" not in invoice.pair else None
    findings: dict[Key, list[Finding]] = {p.key: [] for p in invoice.positions}
    for side, sign in ((left, -1), (right, 1)):
        for case in _cases(invoice, side, named, bill or Bill(), hints or {}):
            for accepted in explain(case, causes, recompute):
                _note(findings, accepted, case, sign)
    _complete(findings, invoice)
    return {key: tuple(found) for key, found in findings.items() if found}


def _cases(
    invoice: ComparedInvoice,
    side: str,
    rerate: BilledInvoice | None,
    bill: Bill,
    hints: Mapping[LineKey, Mapping[str, object]],
) -> Iterator[Case]:
    """The side against the re-rate; without one, only the second side, against the first."""
    left = invoice.pair[0]
    voted = rerate is not None and not rerate.refusals and rerate.totals is not None
    baseline = rerate if voted else invoice.sides.get(left)
    if baseline is None or (not voted and side == left):
        return
    subject = invoice.sides.get(side) or replace(baseline, lines=(), totals=None)
    name = "rerate" if voted else left
    deviation = {
        p.key: p.cents[side] - p.cents[name]
        for p in invoice.positions
        if side in p.cents and name in p.cents and p.cents[side] != p.cents[name] and p.status not in (REFUSED, OUTSIDE)
    }
    if deviation:
        blamed = side if voted else "unknown"
        yield Case(
            side=blamed,
            invoice=invoice,
            baseline=baseline,
            subject=subject,
            names=(name, side),
            deviation=deviation,
            bill=bill,
            hints=hints,
        )


def _note(findings: dict[Key, list[Finding]], accepted: Accepted, case: Case, sign: int) -> None:
    for key, cents in accepted.moved.items():
        if cents:
            findings[key].append(
                Finding(
                    cause=accepted.cause,
                    side=case.side,
                    delta_cents=sign * cents,
                    proven=True,
                    evidence=accepted.proposal.evidence,
                    remedy=accepted.proposal.remedy,
                )
            )


def _complete(findings: dict[Key, list[Finding]], invoice: ComparedInvoice) -> None:
    """What causes left over of a position's delta is ``unexplained`` (or within the tolerance)."""
    for position in invoice.positions:
        found = findings[position.key]
        if not position.delta_cents and sum(f.delta_cents for f in found) == 0 and len({f.cause for f in found}) <= 1:
            found.clear()  # both sides deviate from the re-rate alike: its model is off, and nothing is to be explained
        rest = position.delta_cents - sum(f.delta_cents for f in found)
        if rest:
            cause = "tolerated" if position.status == "tolerated" else "unexplained"
            found.append(Finding(cause=cause, side="unknown", delta_cents=rest, proven=False))


# --- proving -----------------------------------------------------------------------------------------------------


def explain(case: Case, causes: Sequence[Cause], recompute: Recompute) -> tuple[Accepted, ...]:
    """The causes that reproduce the case's deviations, in the order of ``causes``."""
    lines = _line_causes(case, [c for c in causes if not c.header], recompute)
    heads = _header_causes(case, lines, [c for c in causes if c.header], recompute)
    return _credited(case, [*lines, *heads], recompute)


Named = tuple[str, Proposal]


def _line_causes(case: Case, causes: Sequence[Cause], recompute: Recompute) -> list[Named]:
    """Causes whose lines hit exactly. Each deviating line is explained once, by the first cause that hits it."""
    open_lines: dict[Key, int] = {key: cents for key, cents in case.deviation.items() if isinstance(key, LineKey)}
    found: list[Named] = []
    for cause in causes:
        for proposal in cause.propose(case):
            for variant in _variants(proposal, case):
                moved = _lines_only(_moved(case, variant.changes, recompute))
                if moved and all(open_lines.get(key) == cents for key, cents in moved.items()):
                    found.append((cause.name, variant))
                    for key in moved:
                        del open_lines[key]
                    break
    return found


def _variants(proposal: Proposal, case: Case) -> Iterator[Proposal]:
    """The proposal with charge minimums that follow it, then as it is (a fault may leave the minimum alone)."""
    touched = {change.key.item for change in proposal.changes if change.key and change.key.kind == "charge"}
    touched |= {line.key.item for change in proposal.changes if (line := change.values.get("line"))}
    following = tuple(m for m in minimums(case.baseline) if m.key and m.key.item in touched)
    if following:
        yield replace(proposal, changes=(*proposal.changes, *following))
    yield proposal


def _lines_only(moved: Deviation | None) -> dict[Key, int]:
    return {key: cents for key, cents in (moved or {}).items() if cents and isinstance(key, LineKey)}


def _header_causes(case: Case, lines: list[Named], causes: Sequence[Cause], recompute: Recompute) -> list[Named]:
    """The first header cause, or pair of them, that makes the whole header right together with the line causes."""
    if _header_right(case, lines, recompute):
        return []
    proposals = [(cause.name, proposal) for cause in causes for proposal in cause.propose(case)]
    for size in (1, 2):
        for chosen in combinations(proposals, size):
            if _header_right(case, [*lines, *chosen], recompute):
                return list(chosen)
    for one in proposals:
        if _some_header_right(case, [*lines, one], lines, recompute):
            return [one]
    return []


def _header_right(case: Case, named: Sequence[Named], recompute: Recompute) -> bool:
    moved = _moved(case, _changes(named), recompute)
    if moved is None:
        return False
    keys = {key for key in (*moved, *case.deviation) if isinstance(key, HeaderKey)}
    return all(moved.get(key, 0) == case.deviation.get(key, 0) for key in keys)


def _some_header_right(case: Case, named: Sequence[Named], before: Sequence[Named], recompute: Recompute) -> bool:
    """The last cause makes every part of the header right that it touches, though others stay open.

    Taxes are one part: dropping one of them explains nothing while another is off too.
    """
    with_it = _moved(case, _changes(named), recompute)
    without = _moved(case, _changes(before), recompute)
    if with_it is None or without is None:
        return False
    keys = [key for key in dict.fromkeys((*with_it, *without, *case.deviation)) if isinstance(key, HeaderKey)]
    parts = {_part(key) for key in keys if with_it.get(key, 0) != without.get(key, 0)}
    return bool(parts) and all(with_it.get(k, 0) == case.deviation.get(k, 0) for k in keys if _part(k) in parts)


def _part(key: HeaderKey) -> str:
    return "tax" if key.part == "tax_rounding" else key.part


def _changes(named: Sequence[Named]) -> tuple[Change, ...]:
    return tuple(change for _, proposal in named for change in proposal.changes)


def _credited(case: Case, named: Sequence[Named], recompute: Recompute) -> tuple[Accepted, ...]:
    """Each cause with what it moves on top of those before it; header parts only where all of them together hit."""
    whole = _moved(case, _changes(named), recompute) or {}
    hit = {key for key, cents in case.deviation.items() if whole.get(key) == cents}
    accepted, before = [], dict[Key, int]()
    for number, (cause, proposal) in enumerate(named, 1):
        after = dict(_moved(case, _changes(named[:number]), recompute) or {})
        own = {k: after.get(k, 0) - before.get(k, 0) for k in {**before, **after} if k in hit}
        accepted.append(Accepted(cause, proposal, {k: cents for k, cents in own.items() if cents}))
        before = after
    return tuple(accepted)


def _moved(case: Case, changes: tuple[Change, ...], recompute: Recompute) -> Deviation | None:
    """By how much the changes move each position of the baseline; the header only if it can be redone."""
    if not changes:
        return {}
    changed = recompute(case.baseline, changes)
    if changed is None:
        return None
    compared = compare_invoice({BASELINE: case.baseline, SUBJECT: changed}, (BASELINE, SUBJECT))
    position_of = case.position_of()
    moved: dict[Key, int] = defaultdict(int)
    for position in compared.positions:
        moved[position_of.get(position.key, position.key)] += position.delta_cents
    return {key: cents for key, cents in moved.items() if cents}
