"""Why sides differ: named causes, each accepted only if recomputing under it gives the difference to the cent.

Every side is held against a baseline (the re-rate; Lago where there is none). A side deviates from it by some cents
per position; a cause proposes changes to the baseline, the changed baseline is computed again, and what it moved must
be exactly what the side shows. Tax and coupons follow the lines: they are tried with all line causes together, and
each cause gets its own part of the header's deviation. What no cause reproduces is ``unexplained``, and counts.

A differing header is explained by ``classify`` -> ``explain`` -> ``header_causes`` -> a rule of ``CAUSES``, and for
what that proposes ``movement`` -> ``edited`` -> ``edit_draft`` and ``header_of``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from reconcile.billed import LineKey
from reconcile.causes.case import Candidate, Case, Cause
from reconcile.causes.changes import KeepHeader
from reconcile.causes.knowledge import Grounds
from reconcile.causes.line_causes import line_causes
from reconcile.causes.recompute import movement
from reconcile.causes.record_causes import by_record, suspected_records
from reconcile.causes.remedies import CORRECTIONS, LAGOS_REMEDIES
from reconcile.compare.positions import Compared, ComparedInvoice, HeaderKey, Key
from reports.data import LAGO, ODOO, TOLERATED, UNKNOWN, Evidence, Finding, SideName


def classify(invoice: ComparedInvoice, causes: Sequence[Cause], grounds: Grounds) -> dict[Key, tuple[Finding, ...]]:
    """Findings for every position that differs; the findings of a position add up to its delta."""
    baseline = invoice.baseline
    cases = {
        side: Case(invoice=invoice, baseline_side=baseline, subject_side=side, deviation=deviation, grounds=grounds)
        for side in invoice.pair
        if (deviation := invoice.deviation(side))
    }
    findings: dict[Key, list[Finding]] = {position.key: [] for position in invoice.positions}
    for side, case in cases.items():
        sign = -1 if side == invoice.pair[0] else 1
        for key, finding in explain(case, causes):
            findings[key].append(replace(finding, delta_cents=sign * finding.delta_cents))
    for position in invoice.positions:
        named = findings[position.key]
        rest = position.delta_cents - sum(finding.delta_cents for finding in named)
        if rest:
            named.append(left_over(position, rest, cases))
        elif position.delta_cents == 0 and len({finding.cause for finding in named}) <= 1:
            named.clear()  # both sides deviate from the re-rate alike: its model is off, and nothing is to be explained
    return {key: tuple(named) for key, named in findings.items() if named}


def unexplained(invoice: ComparedInvoice, why: Evidence) -> dict[Key, tuple[Finding, ...]]:
    """Findings for every position that differs of an invoice that could not be explained at all."""
    return {
        position.key: (
            Finding(cause="unexplained", side=UNKNOWN, delta_cents=position.delta_cents, proven=False, evidence=(why,)),
        )
        for position in invoice.positions
        if position.delta_cents
    }


def left_over(position: Compared, cents: int, cases: Mapping[SideName, Case]) -> Finding:
    """The finding for what no cause explains of a position."""
    finding = Finding(cause="unexplained", side=UNKNOWN, delta_cents=cents, proven=False)
    if position.status == TOLERATED:
        return replace(finding, cause="tolerated")
    deviating = [side for side, case in cases.items() if position.key in case.deviation]
    is_line = isinstance(position.key, LineKey)
    return by_record(cases[ODOO], finding, is_line=is_line) if deviating == [ODOO] else finding


def explain(case: Case, causes: Sequence[Cause]) -> Iterator[tuple[Key, Finding]]:
    """What each cause moves on top of those before it; only where all of them together hit."""
    lines = line_causes(case, causes) if any(isinstance(key, LineKey) for key in case.deviation) else []
    candidates = header_causes(case, lines, causes)
    whole, before = movement(case, candidates) or {}, dict[Key, int]()
    hit = {key for key, cents in case.deviation.items() if whole.get(key) == cents}
    for number, candidate in enumerate(candidates, 1):
        proposal = candidate.proposal
        after = dict(movement(case, candidates[:number]) or {})
        for key in (key for key in dict.fromkeys((*before, *after)) if key in hit):
            cents = after.get(key, 0) - before.get(key, 0)
            side, remedy = proposal.side or case.blamed, proposal.remedy
            if remedy and side == LAGO and remedy.name not in LAGOS_REMEDIES:
                remedy = CORRECTIONS[(cents > 0) is case.is_of_lago]
            finding = Finding(
                cause=candidate.cause,
                side=side,
                delta_cents=cents,
                proven=proposal.proven,
                evidence=(*proposal.evidence, *proposal.doubts),
                remedy=remedy,
            )
            if cents:
                yield key, finding
        before = after


def header_causes(case: Case, lines: list[Candidate], causes: Sequence[Cause]) -> list[Candidate]:
    """The causes of lines, with those of the header that make the whole header right together with them.

    Tried in this order: the lines alone, also in an invoice whose header was left as it was; one cause; see
    ``second_best``. Of several that fit, records that differ go before amounts; equals with other names are near ties.
    A header of Odoo's never was the one with Lago's progressive credit in it: none such was left as it was.
    """
    header, is_credited = case.header_deviation, case.is_of_odoo and case.terms.progressive.cents
    keep = (KeepHeader(case.baseline.totals),) if case.baseline.totals else ()
    keeping = [
        replace(line, proposal=replace(line.proposal, changes=(*line.proposal.changes, *keep))) for line in lines
    ]
    for tried in (lines,) if is_credited else (lines, keeping):
        if movement(case, tried, HeaderKey) == header:
            return tried
    heads = [*suspected_records(case, causes, header=True)] if case.suspects else []
    heads += [Candidate(c.name, proposal) for c in causes if c.header and not c.last for proposal in c.propose(case)]
    fitting = [head for head in heads if movement(case, [*lines, head], HeaderKey) == header]
    if not fitting:
        return [*lines, *second_best(case, lines, heads, causes)]
    best = min(fitting, key=lambda head: not head.proposal.observed)
    if best.proposal.observed:
        return [*lines, best]
    rivals = {head.cause for head in fitting} - {best.cause}
    return [*lines, replace(best, proposal=replace(best.proposal, others=tuple(sorted(rivals))))]


def second_best(case: Case, lines: list[Candidate], heads: list[Candidate], causes: Sequence[Cause]) -> list[Candidate]:
    """What makes the header right: all records that differ, a pair of causes, one for its own part, or a last one."""
    header = case.header_deviation
    observed = all_observed(case, lines, heads)
    if observed:
        return observed
    for pair in combinations(heads, 2):
        if movement(case, [*lines, *pair], HeaderKey) == header:
            return list(pair)
    part = next(([head] for head in heads if makes_its_part_right(case, lines, head)), [])
    lasts = (Candidate(c.name, proposal) for c in causes if c.header and c.last for proposal in c.propose(case))
    for last in lasts:
        if movement(case, [*lines, *part, last], HeaderKey) == header:
            return [*part, last]
    return part


def all_observed(case: Case, lines: list[Candidate], heads: list[Candidate]) -> list[Candidate]:
    """All records and settings that differ, however many, where they make the header right together; else nothing."""
    observed = [head for head in heads if head.proposal.observed]
    makes_it_right = len(observed) > 1 and movement(case, [*lines, *observed], HeaderKey) == case.header_deviation
    return observed if makes_it_right else []


def makes_its_part_right(case: Case, lines: list[Candidate], head: Candidate) -> bool:
    """Whether a cause makes every part of the header right that it touches, though others stay open.

    Taxes are one part: dropping one of them explains nothing while another is off too.
    """
    with_it, without = movement(case, [*lines, head], HeaderKey), movement(case, lines, HeaderKey)
    if with_it is None or without is None:
        return False
    keys = [k for k in dict.fromkeys((*with_it, *without, *case.deviation)) if isinstance(k, HeaderKey)]
    parts = {_part(key) for key in keys if with_it.get(key, 0) != without.get(key, 0)}
    return bool(parts) and all(with_it.get(k, 0) == case.deviation.get(k, 0) for k in keys if _part(k) in parts)


def _part(key: HeaderKey) -> str:
    return "tax" if key.part == "tax_rounding" else key.part
