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
from itertools import combinations, islice
from typing import Any

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
    side: str = ""  # the wrong side, where it is not the one that deviates from the baseline
    observed: bool = False  # a record was seen to be different; otherwise only the amount speaks for it
    doubtful: bool = False  # the amount fits, but the side's records do not say so: no proof
    others: tuple[str, ...] = ()  # causes that give the very same amounts: then none is proven


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
    """A named rule. ``header`` causes explain parts of the header and are tried after those of lines.

    Besides what ``propose`` gives, every cause has the suspects of its name (``suspects``): records that differ.
    """

    name: str
    propose: Callable[[Case], Iterable[Proposal]] = field(default=lambda case: ())
    header: bool = False
    describes: bool = False  # says what is there and not why: it is no rival of a cause that says why
    last: bool = False  # dear to try: only for what is still open


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
                    side=accepted.proposal.side or case.side,
                    delta_cents=sign * cents,
                    proven=not (accepted.proposal.others or accepted.proposal.doubtful),
                    evidence=(*accepted.proposal.evidence, *_rivals(accepted.proposal)),
                    remedy=accepted.proposal.remedy,
                )
            )


def _rivals(proposal: Proposal) -> tuple[Evidence, ...]:
    """Why it is no proof."""
    if not proposal.others:
        return (Evidence(name="records_agree"),) if proposal.doubtful else ()
    return (Evidence(name="near_tie", values={"causes": ", ".join(proposal.others)}),)


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


Named = tuple[str, Proposal]
SUSPECTS = LineKey("", "suspects", "")  # in the hints: what is known of the whole invoice
SINGLES, PAIRS = 16, 40  # how many suspects are tried one by one, and how many pairs of them


def explain(case: Case, causes: Sequence[Cause], recompute: Recompute) -> tuple[Accepted, ...]:
    """The causes that reproduce the case's deviations, in the order of ``causes``."""
    chosen = _observed(case, [n for n in _suspected(case, causes) if not _is_header(n[1])], recompute)
    lines = [*chosen, *_line_causes(case, [c for c in causes if not c.header], chosen, recompute)]
    heads = [n for n in _suspected(case, causes) if _is_header(n[1])]
    heads += [(c.name, proposal) for c in causes if c.header and not c.last for proposal in c.propose(case)]
    rest = [(c.name, proposal) for c in causes if c.header and c.last for proposal in c.propose(case)]
    return _credited(case, _whole(case, lines, heads, rest, recompute), recompute)


# --- records that differ ---


def _suspected(case: Case, causes: Sequence[Cause]) -> list[Named]:
    """What was seen to differ, in the order of the causes. Only a third vote can be asked under it."""
    if case.names[0] != "rerate" or case.names[1] != "odoo":
        return []
    order = {cause.name: place for place, cause in enumerate(causes)}
    found: Any = case.hints.get(SUSPECTS, {}).get("suspects", ())
    known = [(s.cause, _supposing(s)) for s in found if s.cause in order]
    return sorted(known, key=lambda named: order[named[0]])


def _supposing(suspect: Any) -> Proposal:
    told = {"where": suspect.where, "what": suspect.what, "lago": suspect.lago, "odoo": suspect.odoo}
    values = {"id": suspect.id, "suppose": suspect.suppose, "header": suspect.header}
    return Proposal(
        changes=(Change(name="suppose", values=values),),
        evidence=(Evidence(name="held", values=told),),
        remedy=Evidence(name=_mending(suspect.where), values={k: told[k] for k in ("where", "what", "lago")}),
        observed=True,
    )


def _mending(where: str) -> str:
    """Events are loaded anew; any other field is set."""
    return "mend_usage" if where.startswith("fusion.billing.usage") else "mend_field"


def _is_header(proposal: Proposal) -> bool:
    return any(change.values.get("header") for change in proposal.changes)


def _observed(case: Case, suspected: list[Named], recompute: Recompute) -> list[Named]:
    """The differing records that give the lines: all together, else some one by one, else two of them."""
    if not suspected or not any(isinstance(key, LineKey) for key in case.deviation):
        return []
    for tried in _subsets(case, suspected, recompute):
        if _lines_right(case, tried, recompute):
            return _needed(case, tried, suspected, recompute)
    if _mostly_right(case, suspected, recompute):
        return _needed(case, suspected, suspected, recompute)
    return []


def _mostly_right(case: Case, named: Sequence[Named], recompute: Recompute) -> bool:
    """Several lines come out to the cent, and more than do not: those are explained, the others stay open."""
    moved = _lines_only(_moved(case, _changes(named), recompute))
    right = sum(case.deviation.get(key) == cents for key, cents in moved.items())
    return right > 1 and 2 * right > len(moved)


def _subsets(case: Case, suspected: list[Named], recompute: Recompute) -> Iterator[list[Named]]:
    yield suspected
    if len(suspected) > 1:
        right = [named for named in suspected[:SINGLES] if _lines_right(case, [named], recompute)]
        yield right
        yield from ([named] for named in right)
        yield from (list(pair) for pair in islice(combinations(suspected[:SINGLES], 2), PAIRS))


def _lines_right(case: Case, named: Sequence[Named], recompute: Recompute) -> bool:
    """They move some lines, and all of them by just what the side deviates."""
    moved = _lines_only(_moved(case, _changes(named), recompute))
    return bool(moved) and all(case.deviation.get(key) == cents for key, cents in moved.items())


def _needed(case: Case, tried: list[Named], suspected: list[Named], recompute: Recompute) -> list[Named]:
    """Without those that move nothing. One that another would replace is no proof of either."""
    whole = _moved(case, _changes(tried), recompute)
    kept = list(tried)
    for named in reversed(tried):
        rest = [other for other in kept if other is not named]
        if rest and _moved(case, _changes(rest), recompute) == whole:
            kept = rest
    return [_rivalled(case, named, kept, suspected, whole, recompute) for named in kept]


def _rivalled(
    case: Case,
    named: Named,
    kept: list[Named],
    suspected: list[Named],
    whole: Deviation | None,
    recompute: Recompute,
) -> Named:
    rest = [other for other in kept if other is not named]
    own = {id(proposal) for _, proposal in kept}
    rivals = [
        other[0]
        for other in suspected
        if id(other[1]) not in own
        and other[0] != named[0]
        and _moved(case, _changes([*rest, other]), recompute) == whole
    ]
    return named[0], replace(named[1], others=tuple(dict.fromkeys(rivals)))


# --- amounts that fit ---


def _line_causes(case: Case, causes: Sequence[Cause], chosen: Sequence[Named], recompute: Recompute) -> list[Named]:
    """Causes whose lines hit exactly. Each deviating line is explained once, by the first cause that hits it."""
    open_lines: dict[Key, int] = {key: cents for key, cents in case.deviation.items() if isinstance(key, LineKey)}
    for key, cents in _lines_only(_moved(case, _changes(chosen), recompute)).items():
        if open_lines.get(key) == cents:
            del open_lines[key]
    found: list[Hit] = []
    why = [c for c in causes if not c.describes]
    for tier in ([c for c in why if not c.last], [c for c in why if c.last], [c for c in causes if c.describes]):
        found += _taken([hit for c in tier for hit in _hits(case, c, open_lines, recompute)], open_lines)
    return [(cause.name, proposal) for cause, proposal, _ in found]


Hit = tuple[Cause, Proposal, Mapping[Key, int]]


def _hits(case: Case, cause: Cause, open_lines: Mapping[Key, int], recompute: Recompute) -> Iterator[Hit]:
    for proposal in cause.propose(case) if open_lines else ():
        for variant in _variants(proposal, case):
            moved = _lines_only(_moved(case, variant.changes, recompute))
            if moved and all(open_lines.get(key) == cents for key, cents in moved.items()):
                yield cause, variant, moved
                break


def _taken(hits: Sequence[Hit], open_lines: dict[Key, int]) -> list[Hit]:
    """The first hit of each line, records before amounts. Another cause that hits the same lines makes a near tie."""
    taken = []
    for cause, proposal, moved in sorted(hits, key=lambda hit: (not hit[1].observed, hit[1].doubtful)):
        if all(key in open_lines for key in moved):
            rivals = [
                other.name
                for other, rival, same in hits
                if other.name != cause.name
                and not (other.describes or proposal.observed or rival.doubtful)
                and same.keys() == moved.keys()
            ]
            taken.append((cause, replace(proposal, others=tuple(dict.fromkeys(rivals))), moved))
            for key in moved:
                del open_lines[key]
    return taken


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


def _whole(case: Case, lines: list[Named], heads: list[Named], rest: list[Named], recompute: Recompute) -> list[Named]:
    """The causes of lines, with the header causes that make the whole header right together with them."""
    kept = [(name, replace(p, changes=(*p.changes, _keeping(case)))) for name, p in lines]
    for named in (lines, kept):
        if _header_right(case, named, recompute):
            return named
    found = _header_causes(case, lines, heads, recompute)
    if rest and not _header_right(case, [*lines, *found], recompute):
        found = next(
            (c for c in ([*found, one] for one in rest) if _header_right(case, [*lines, *c], recompute)), found
        )
    return [*lines, *found]


def _keeping(case: Case) -> Change:
    """The header as it was: somebody took a line out of an invoice, and left its sums alone."""
    return Change(name="keep_header", values={"totals": case.baseline.totals})


def _header_causes(case: Case, lines: list[Named], proposals: list[Named], recompute: Recompute) -> list[Named]:
    """The first header cause, or pair of them, that makes the header right; else one that makes its own part right."""
    fits = [[one] for one in proposals if _header_right(case, [*lines, one], recompute)]
    if fits:
        return _first_of(fits)
    for pair in combinations(proposals, 2):
        if _header_right(case, [*lines, *pair], recompute):
            return list(pair)
    for one in proposals:
        if _some_header_right(case, [*lines, one], lines, recompute):
            return [one]
    return []


def _first_of(fits: Sequence[Sequence[Named]]) -> list[Named]:
    """Records that differ before amounts that fit; equals with other names are near ties."""
    fits = sorted(fits, key=lambda chosen: sum(not p.observed for _, p in chosen))
    first = fits[0]
    strength = sum(not p.observed for _, p in first)
    rivals = {
        name
        for other in fits[1:]
        if sum(not p.observed for _, p in other) == strength and len(other) == len(first)
        for name, _ in other
    } - {name for name, _ in first}
    return [(name, replace(p, others=tuple(sorted(rivals)) if not p.observed else ())) for name, p in first]


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
