"""Why sides differ: named causes, each accepted only if recomputing under it gives the difference to the cent.

Every side is held against a baseline (the re-rate; Lago where there is none). A side deviates from it by some cents
per position; a cause proposes changes to the baseline, the changed baseline is computed again, and what it moved must
be exactly what the side shows. Tax and coupons follow the lines: they are tried with all line causes together, and
each cause gets its own part of the header's deviation. What no cause reproduces is ``unexplained``, and counts.

A differing header is explained by ``classify`` -> ``explain`` -> ``header_causes`` -> a rule of ``CAUSES``, and for
what that proposes ``movement`` -> ``edited`` -> ``edit_draft`` and ``header_of``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from reconcile.billed import LineKey
from reconcile.causes.case import Case, Cause, Named
from reconcile.causes.changes import KeepHeader
from reconcile.causes.knowledge import Grounds
from reconcile.causes.line_causes import line_causes
from reconcile.causes.recompute import movement
from reconcile.causes.record_causes import by_record, suspected_records
from reconcile.compare.positions import ComparedInvoice, HeaderKey, Key
from reports.data import Finding


def classify(invoice: ComparedInvoice, causes: Sequence[Cause], grounds: Grounds) -> dict[Key, tuple[Finding, ...]]:
    """Findings for every position that differs; the findings of a position add up to its delta."""
    findings: dict[Key, list[Finding]] = {p.key: [] for p in invoice.positions}
    cases: dict[str, Case] = {}
    for side, sign in zip(invoice.pair, (-1, 1), strict=True):
        deviation = invoice.deviation(side)
        if deviation:
            case = Case(invoice=invoice, names=(invoice.baseline, side), deviation=deviation, grounds=grounds)
            cases[side] = case
            for key, finding in explain(case, causes):
                findings[key].append(replace(finding, delta_cents=sign * finding.delta_cents))
    for position in invoice.positions:
        named = findings[position.key]
        explained = sum(finding.delta_cents for finding in named)
        if position.delta_cents == explained == 0 and len({finding.cause for finding in named}) <= 1:
            named.clear()  # both sides deviate from the re-rate alike: its model is off, and nothing is to be explained
        if position.delta_cents != explained:
            rest = position.delta_cents - explained
            left_over = Finding(cause="unexplained", side="unknown", delta_cents=rest, proven=False)
            if position.status == "tolerated":
                left_over = replace(left_over, cause="tolerated")
            elif [case.names[1] for case in cases.values() if position.key in case.deviation] == ["odoo"]:
                left_over = by_record(cases["odoo"], left_over)
            named.append(left_over)
    return {key: tuple(named) for key, named in findings.items() if named}


def explain(case: Case, causes: Sequence[Cause]) -> Iterator[tuple[Key, Finding]]:
    """What each cause moves on top of those before it; only where all of them together hit."""
    lines = line_causes(case, causes) if any(isinstance(key, LineKey) for key in case.deviation) else []
    named = header_causes(case, lines, causes)
    whole, before = movement(case, named) or {}, dict[Key, int]()
    hit = {key for key, cents in case.deviation.items() if whole.get(key) == cents}
    for number, (cause, proposal) in enumerate(named, 1):
        after = dict(movement(case, named[:number]) or {})
        for key in (key for key in dict.fromkeys((*before, *after)) if key in hit):
            cents = after.get(key, 0) - before.get(key, 0)
            finding = Finding(
                cause=cause,
                side=proposal.side or case.side,
                delta_cents=cents,
                proven=proposal.proven,
                evidence=(*proposal.evidence, *proposal.doubts),
                remedy=proposal.remedy,
            )
            if cents:
                yield key, finding
        before = after


def header_causes(case: Case, lines: list[Named], causes: Sequence[Cause]) -> list[Named]:
    """The causes of lines, with those of the header that make the whole header right together with them.

    Tried in this order: the lines alone, also in an invoice whose header was left as it was; one cause; see
    ``second_best``. Of several that fit, records that differ go before amounts; equals with other names are near ties.
    """
    header = {key: cents for key, cents in case.deviation.items() if isinstance(key, HeaderKey)}
    keep = (KeepHeader(case.baseline.totals),) if case.baseline.totals else ()
    for named in (lines, [(name, replace(p, changes=(*p.changes, *keep))) for name, p in lines]):
        if movement(case, named, HeaderKey) == header:
            return named
    heads = [*suspected_records(case, causes, header=True)] if case.suspects else []
    heads += [(c.name, proposal) for c in causes if c.header and not c.last for proposal in c.propose(case)]
    fits = [one for one in heads if movement(case, [*lines, one], HeaderKey) == header]
    if not fits:
        return [*lines, *second_best(case, lines, heads, causes)]
    name, proposal = min(fits, key=lambda named: not named[1].observed)
    rivals = {other for other, its in fits if its.observed == proposal.observed} - {name}
    return [*lines, (name, proposal if proposal.observed else replace(proposal, others=tuple(sorted(rivals))))]


def second_best(case: Case, lines: list[Named], heads: list[Named], causes: Sequence[Cause]) -> list[Named]:
    """What makes the header right: all records that differ, a pair of causes, one for its own part, or a last one."""
    header = {key: cents for key, cents in case.deviation.items() if isinstance(key, HeaderKey)}
    observed = all_observed(case, lines, heads)
    if observed:
        return observed
    for pair in combinations(heads, 2):
        if movement(case, [*lines, *pair], HeaderKey) == header:
            return list(pair)
    part = next(([head] for head in heads if makes_its_part_right(case, lines, head)), [])
    lasts = ((c.name, proposal) for c in causes if c.header and c.last for proposal in c.propose(case))
    for last in lasts:
        if movement(case, [*lines, *part, last], HeaderKey) == header:
            return [*part, last]
    return part


def all_observed(case: Case, lines: list[Named], heads: list[Named]) -> list[Named]:
    """All records and settings that differ, however many, where they make the header right together; else nothing."""
    header = {key: cents for key, cents in case.deviation.items() if isinstance(key, HeaderKey)}
    observed = [head for head in heads if head[1].observed]
    makes_it_right = len(observed) > 1 and movement(case, [*lines, *observed], HeaderKey) == header
    return observed if makes_it_right else []


def makes_its_part_right(case: Case, lines: list[Named], head: Named) -> bool:
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
