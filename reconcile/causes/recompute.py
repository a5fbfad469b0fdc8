"""An invoice under changes, computed again: this is how a cause is proven.

A hypothesis is re-rated from usage; every other change edits lines, taxes or coupons, and the header is added up again
by the re-rate's own arithmetic (facts/lago-billing §6.2-6.4). A header that this arithmetic does not reproduce without
a change proves nothing and is not used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import assert_never

from mappings.money import round_half_up
from reconcile.billed import BilledInvoice, BilledLine, LineKey, Totals
from reconcile.causes.by_terms import taxed_by_terms
from reconcile.causes.case import Candidate, Case
from reconcile.causes.changes import (
    AddLine,
    DropCoupon,
    DropLine,
    DropProgressive,
    DropSettlement,
    DropTax,
    Edit,
    FollowMinimum,
    KeepHeader,
    RepeatLine,
    RoundAmounts,
    RoundTax,
    SetLine,
    SetTaxes,
    Settle,
    Suppose,
    TakeOff,
    TaxByTerms,
    TaxLines,
    charge_cents,
)
from reconcile.compare.positions import HeaderKey, Key, compare_invoice
from reconcile.rating.header import HeaderTerms, header_of, relatives_taxes, round_to
from reconcile.rating.progressive import NOTHING_BEFORE
from reconcile.rating.taxes import Rounding
from reports.data import LAGO, RERATE, SideName

# Two states of one invoice are compared as if two sides had billed it.
BEFORE: SideName = LAGO
AFTER: SideName = RERATE


def movement(
    case: Case,
    candidates: Sequence[Candidate],
    of: type[LineKey] | type[HeaderKey] | tuple[type, ...] = (LineKey, HeaderKey),
) -> dict[Key, int] | None:
    """By how much what the causes change moves each position of the baseline (``of``: of lines, or of the header only).

    None where it cannot be told. The header moves only if it can be redone.
    """
    changes = [change for candidate in candidates for change in candidate.proposal.changes]
    if not changes:
        return {}
    edits = [change for change in changes if not isinstance(change, Suppose)]
    hypotheses = tuple(change.hypothesis for change in changes if isinstance(change, Suppose))
    rerated = case.grounds.rerate(case.baseline, hypotheses) if hypotheses else case.grounds.baseline
    if rerated is None:
        return None
    changed = edited(rerated.terms, rerated.invoice, edits) if edits else rerated.invoice
    changed = replace(changed, unnamed_taxes=case.subject.unnamed_taxes)  # then taxes are one position, as compared
    moved: dict[Key, int] = defaultdict(int)
    position_of = case.position_of
    for position in compare_invoice({BEFORE: case.baseline, AFTER: changed}, (BEFORE, AFTER)).positions:
        moved[position_of.get(position.key, position.key)] += position.delta_cents
    return {key: cents for key, cents in moved.items() if cents and isinstance(key, of)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An invoice being edited: its lines, and what its header will follow from."""

    lines: tuple[BilledLine, ...]
    terms: HeaderTerms
    rounding: Rounding = Rounding.INVOICE
    credit_notes_cents: int = 0
    prepaid_cents: int = 0
    settled_cents: int = 0
    coarse: RoundAmounts | None = None  # in the end, amounts are rounded so
    stated: Totals | None = None  # a header that does not follow from the lines
    by_terms: TaxByTerms | None = None  # taxes are computed so, after all else


def edited(terms: HeaderTerms | None, baseline: BilledInvoice, edits: Sequence[Edit]) -> BilledInvoice:
    """The invoice under ``edits``; without totals where its header does not follow from ``terms`` (``basis``)."""
    stated = baseline.totals
    draft = Draft(
        lines=baseline.lines,
        terms=terms or HeaderTerms(),
        credit_notes_cents=stated.credit_notes_cents if stated else 0,
        prepaid_cents=stated.prepaid_cents if stated else 0,
    )
    for edit in edits:
        draft = edit_draft(draft, edit)
    step, per_line = (draft.coarse.step, draft.coarse.per_line) if draft.coarse else (1, False)
    totals, lines = draft.stated, _coarse(draft.lines, step) if draft.coarse else draft.lines
    if totals is None and terms is not None:
        totals = header_of(
            lines if per_line else draft.lines,
            draft.terms,
            baseline.currency,
            rounding=draft.rounding,
            step=step,
            credit_notes_cents=draft.credit_notes_cents,
            prepaid_cents=draft.prepaid_cents,
        )
    if draft.by_terms and totals:
        lines, totals = taxed_by_terms(draft.lines, draft.terms, draft.by_terms, totals, baseline.currency)
    more = draft.settled_cents
    settled = (baseline.settled_cents or 0) + more if more else baseline.settled_cents
    return replace(baseline, lines=lines, totals=totals, settled_cents=settled)


def edit_draft(draft: Draft, edit: Edit) -> Draft:  # noqa: PLR0911, PLR0912 - a closed union: one case an edit
    """The one place where a change is applied."""
    match edit:
        case DropLine(key):
            return replace(draft, lines=tuple(line for line in draft.lines if line.key != key))
        case RepeatLine(key, times):
            return replace(draft, lines=draft.lines + times * tuple(line for line in draft.lines if line.key == key))
        case SetLine(key, cents):
            return replace(draft, lines=_with_amount(draft.lines, key, cents))
        case TakeOff(key, percent):
            rated = {line.key: line.amount_cents for line in draft.lines if line.key == key}
            less = tuple(_less(line, percent) if line.key == key else line for line in draft.lines)
            return replace(draft, lines=less, terms=_with_rated(draft.terms, rated))
        case AddLine(line):
            taxes = draft.terms.taxes.get(line.key) or relatives_taxes(draft.terms, line.key)
            its_taxes = replace(draft.terms, taxes={**draft.terms.taxes, line.key: taxes})
            by_itself = {line.key: 0} if line.key.kind == "other" else {}  # rated by nobody: an order's own line
            return replace(draft, lines=(*draft.lines, line), terms=_with_rated(its_taxes, by_itself))
        case FollowMinimum(true_up, minimum_cents):
            left = max(0, minimum_cents - charge_cents(draft.lines, true_up))
            return replace(draft, lines=tuple(_at(line, left) if line.key == true_up else line for line in draft.lines))
        case RoundAmounts():
            return replace(draft, rounding=Rounding.TAX, coarse=edit)
        case RoundTax(rounding):
            return replace(draft, rounding=rounding)
        case DropTax(code):
            kept_taxes = {key: tuple(t for t in taxes if t.code != code) for key, taxes in draft.terms.taxes.items()}
            return replace(draft, terms=replace(draft.terms, taxes=kept_taxes))
        case SetTaxes(taxes):
            return replace(draft, terms=replace(draft.terms, taxes={line.key: taxes for line in draft.lines}))
        case TaxLines(by_line):
            return replace(draft, terms=replace(draft.terms, taxes={**draft.terms.taxes, **by_line}))
        case TaxByTerms():
            return replace(draft, by_terms=edit)
        case KeepHeader(totals):
            return replace(draft, stated=totals)
        case DropCoupon(code):
            kept = tuple(coupon for coupon in draft.terms.coupons if coupon.code != code)
            return replace(draft, terms=replace(draft.terms, coupons=kept))
        case DropProgressive():
            return replace(draft, terms=replace(draft.terms, progressive=NOTHING_BEFORE))
        case DropSettlement("prepaid"):
            return replace(draft, prepaid_cents=0)
        case DropSettlement():
            return replace(draft, credit_notes_cents=0)
        case Settle(cents):
            return replace(draft, settled_cents=draft.settled_cents + cents)
        case _:
            assert_never(edit)


def _with_rated(terms: HeaderTerms, rated: Mapping[LineKey, int]) -> HeaderTerms:
    """Coupons count what was rated: discounts and an order's own lines come after them, as Odoo has it."""
    return replace(terms, rated={**terms.rated, **rated})


def _coarse(lines: tuple[BilledLine, ...], step: int) -> tuple[BilledLine, ...]:
    return tuple(_at(line, round_to(line.amount_cents, step)) for line in lines)


def _with_amount(lines: tuple[BilledLine, ...], key: LineKey, cents: int) -> tuple[BilledLine, ...]:
    """The lines, those of a key made one of ``cents``."""
    changed = [line for line in lines if line.key == key][:1]
    return (*(line for line in lines if line.key != key), *(_at(line, cents) for line in changed))


def _less(line: BilledLine, percent: Decimal) -> BilledLine:
    """As Odoo takes a discount off the price of a line."""
    return _at(line, int(round_half_up(line.amount_cents * (1 - percent / 100))))


def _at(line: BilledLine, cents: int) -> BilledLine:
    return replace(line, amount_cents=cents, precise_cents=None)
