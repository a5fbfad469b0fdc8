"""What every renderer says in the same words: the verdict in one sentence, and the biggest differences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mappings.phrases import Said
from reports.data import (
    COMPARED,
    LAGO,
    OPEN,
    OUTSIDE,
    REFUSED,
    Finding,
    InvoiceView,
    LapseView,
    Position,
    ReportData,
    WaiverView,
)
from reports.register_cells import covered
from reports.registers import by_currency
from reports.tallies import CauseTotal, Tally, TieOutBroken, check_ties, tally, tie_levels, total_causes, total_doubts
from reports.texts import Texts
from reports.verdict import ReportVerdict, State, judge, untied

UNFINISHED = ("draft", "voided", "failed", "pending")  # states that have words; Lago may know others


def totals(data: ReportData) -> list[Tally]:
    """One tally per currency."""
    return list(tally(data, "all").values())


def heading(data: ReportData, texts: Texts) -> str:
    """The title, with the cohort if not everybody was compared."""
    title = texts.title(data.run.period)
    return f"{title} · {texts('run.cohort', cohort=data.run.cohort)}" if data.run.cohort else title


def verdict(data: ReportData, texts: Texts) -> str:
    """The verdict in one sentence."""
    return next(_sentences(data, texts))


def remarks(data: ReportData, texts: Texts) -> list[str]:
    """What else must be known to read the verdict: unexplained, refused, out of scope, the model's own faults."""
    return list(_sentences(data, texts))[1:]


def _sentences(data: ReportData, texts: Texts) -> Iterator[str]:
    rows = [p for _, p in data.rows()]
    judged = judge(data)
    yield texts(headline(data), **_figures(data, rows, texts))
    yield from _covered(data, texts)
    yield from _doubted(data, texts)
    if judged.state is State.IMMATERIAL:
        yield texts("verdict.materiality", cents=texts.number(data.run.materiality_cents))
    if data.lapses:
        yield texts("verdict.lapsed", count=texts.number(len(data.lapses)))
    if judged.untied:
        deltas = {view.currency: view.broken_cents for view in untied(data) if not view.waiver}
        amounts = ", ".join(texts.money(cents, currency, sign=True) for currency, cents in deltas.items())
        yield texts("verdict.untied", amounts=amounts)
    yield from _proof(data, judged, texts)
    refused = sum(1 for i in data.invoices if i.refusals)
    if refused:
        yield texts("verdict.refused", count=texts.number(refused))
    yield from _apart(data, rows, texts)


def _covered(data: ReportData, texts: Texts) -> Iterator[str]:
    """How much of the money was compared, and where differences are that are in no total."""
    shares = covered(data, texts)
    if shares:
        yield texts("verdict.coverage", shares=shares, **_pair(data, texts))
    claimed = {r.currency: r.delta_cents for r in by_currency(data)}
    elsewhere = {t.currency: t.delta_cents - claimed[t.currency] for t in totals(data)}
    if any(elsewhere.values()):
        yield texts("verdict.elsewhere", amounts=_amounts(elsewhere, texts))
    settled = {t.currency: t.settled_delta_cents for t in totals(data)}
    if any(settled.values()):
        yield texts("verdict.settled", amounts=_amounts(settled, texts), **_pair(data, texts))


def _doubted(data: ReportData, texts: Texts) -> Iterator[str]:
    """What both sides bill alike and the re-rate does not, in money; what a waiver covers apart."""
    for name, waived in (("verdict.doubted", False), ("verdict.doubt_waived", True)):
        if doubts := total_doubts(data, waived=waived):
            amounts = ", ".join(texts.money(doubt.gross_cents, doubt.currency) for doubt in doubts)
            yield texts(
                name, positions=texts.counted("positions", sum(doubt.positions for doubt in doubts)), amounts=amounts
            )


def _amounts(cents: Mapping[str, int], texts: Texts) -> str:
    return ", ".join(texts.money(amount, currency, sign=True) for currency, amount in cents.items() if amount)


def headline(data: ReportData) -> str:
    """Name of the sentence that says the verdict; it follows from ``reports.verdict`` and nothing else."""
    if not any(p.status in COMPARED for _, p in data.rows()):
        return "verdict.none"
    judged = judge(data)
    if judged.state in (State.TO_ACT, State.IMMATERIAL) and not judged.differing:
        return "verdict.rest"
    return f"verdict.{judged.state.value}"


def tone(data: ReportData) -> str:
    """The colour of the verdict: that of its state, but nothing is green where nothing was compared."""
    state = judge(data).state
    blank = data.invoices and headline(data) == "verdict.none"
    return "nothing" if blank and state is State.EQUAL else state.value


def _proof(data: ReportData, judged: ReportVerdict, texts: Texts) -> Iterator[str]:
    """What is true of the causes of all differences; nothing where refusals or lapses have none."""
    if judged.doubtful:
        yield texts("verdict.unproven", count=texts.number(judged.doubtful))
    elif judged.settled and any(p.status in OPEN for _, p in data.rows()):
        yield texts("verdict.proven" if judged.proven else "verdict.proven_or_waived")


def _apart(data: ReportData, rows: list[Position], texts: Texts) -> Iterator[str]:
    outside = sum(1 for i in data.invoices if i.positions and all(p.status == OUTSIDE for p in i.positions))
    if outside:
        yield texts("verdict.outside", count=texts.number(outside))
    reasons = apart(data, texts)
    if reasons:
        listed = ", ".join(f"{reason}: {texts.number(n)}" for reason, n in reasons.items())
        yield texts("verdict.apart", positions=texts.counted("positions", sum(reasons.values())), reasons=listed)
    if unclaimed := [f"{_in_state(state, own, texts)}" for state, own in _unclaimed(data).items()]:
        yield texts("verdict.states", what=", ".join(unclaimed))


def _unclaimed(data: ReportData) -> dict[str, list[InvoiceView]]:
    """Invoices that are no claim, by Lago's state: drafts, voided ones, and those that Lago has not finished."""
    states: dict[str, list[InvoiceView]] = {}
    for invoice in data.invoices:
        if not invoice.claim:
            states.setdefault(invoice.state, []).append(invoice)
    return dict(sorted(states.items()))


def _in_state(state: str, invoices: list[InvoiceView], texts: Texts) -> str:
    """``2 drafts (103.83 EUR)``: how many, and the money of their own headers."""
    cents: dict[str, int] = {}
    for invoice in invoices:
        header = invoice.registers.get(LAGO)
        cents[invoice.currency] = cents.get(invoice.currency, 0) + (header.gross_cents if header else 0)
    money = ", ".join(texts.money(amount, currency) for currency, amount in sorted(cents.items()))
    number = len(invoices)
    said = texts.counted(f"state_{state}", number) if state in UNFINISHED else f"{texts.number(number)} × {state}"
    return f"{said} ({money})"


def _figures(data: ReportData, rows: list[Position], texts: Texts) -> dict[str, str]:
    return {
        "sums": _sums(data, texts),
        **_pair(data, texts),
        "open": texts.number(sum(1 for p in rows if p.status in OPEN)),
        "positions": texts.counted("positions", sum(1 for p in rows if p.status in COMPARED)),
        "affected": texts.number(sum(1 for i in data.invoices if any(p.status in OPEN for p in i.positions))),
        "invoices": texts.counted("invoices", len(data.invoices)),
    }


def _pair(data: ReportData, texts: Texts) -> dict[str, str]:
    left, right = (texts.named("side", side) for side in data.run.pair)
    return {"left": left, "right": right}


def _sums(data: ReportData, texts: Texts) -> str:
    """``Odoo bills 19.75 CAD more and 2.00 USD less than Lago``."""
    deltas = [
        texts(f"verdict.{'more' if t.delta_cents > 0 else 'less'}", amount=texts.money(abs(t.delta_cents), t.currency))
        for t in totals(data)
        if t.delta_cents
    ]
    if not deltas:
        return texts("verdict.no_delta", **_pair(data, texts))
    listed = deltas[0]
    if len(deltas) > 1:
        listed = texts("verdict.and", first=", ".join(deltas[:-1]), last=deltas[-1])
    return texts("verdict.sums", deltas=listed, **_pair(data, texts))


def age_sentence(position: Position, texts: Texts) -> str:
    """Since when a position has been different; nothing if nobody looked before."""
    age = position.age
    if age is None:
        return ""
    days, runs = texts.counted("days", age.days), texts.counted("runs", age.runs)
    said = texts("age.since", since=texts.day(age.since), days=days, runs=runs)
    return f"{said} {texts('age.reopened', n=texts.counted('times', age.reopened))}" if age.reopened else said


def biggest(data: ReportData, limit: int = 10) -> list[tuple[InvoiceView, Position]]:
    """The largest differences and doubts, currencies side by side (their amounts do not compare exactly)."""
    differing = [(i, p) for i, p in data.rows() if p.status in OPEN or p.doubt]
    return sorted(differing, key=lambda row: (-abs(row[1].at_stake_cents), row[0].number, row[1].id))[:limit]


def apart(data: ReportData, texts: Texts) -> dict[str, int]:
    """Why positions were not compared -> how many, the most frequent first."""
    reasons = Counter(_why_apart(i, p, texts) for i, p in data.rows() if p.status in (REFUSED, OUTSIDE))
    return dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0])))


def _why_apart(invoice: InvoiceView, position: Position, texts: Texts) -> str:
    if position.status == REFUSED:
        said = sorted({f"{texts.named('side', r.side)}: {texts.named('refusal', r.reason)}" for r in invoice.refusals})
        return " + ".join(said) or texts("status.refused")
    kind = next((value for name, value in sorted(invoice.notes.items()) if name.startswith("outside_")), "")
    return texts.named("type", kind) if kind else texts.named("kind", position.kind)


def what_to_do(data: ReportData, texts: Texts) -> list[tuple[CauseTotal, str]]:
    """Every cause with the remedy that most of its findings have, in a sentence."""
    found: dict[tuple[str, str, str], Counter[str]] = {}
    for invoice, position in data.rows():
        for finding in position.findings:
            own = found.setdefault((finding.cause, finding.side, invoice.currency), Counter())
            if finding.remedy:
                own[texts.evidence("remedy", finding.remedy, invoice.currency)] += 1
    return [(c, _remedy(c.cause, found[c.cause, c.side, c.currency], texts)) for c in total_causes(data)]


def _remedy(cause: str, remedies: Counter[str], texts: Texts) -> str:
    if not remedies:
        default = texts.named("what_to_do", cause)
        return "" if default == cause else default
    first, _ = min(remedies.items(), key=lambda item: (-item[1], item[0]))
    others = len(remedies) - 1
    return texts("what_to_do.more", remedy=first, n=texts.number(others)) if others else first


def tie_lines(data: ReportData, texts: Texts) -> list[str] | None:
    """That every level adds up to the same, in one sentence per currency; None if it does not hold."""
    try:
        check_ties(data)
    except TieOutBroken:
        return None
    return [_tie_line(data, total, texts) for total in totals(data)]


def _tie_line(data: ReportData, total: Tally, texts: Texts) -> str:
    levels = [t.level for t in tie_levels(data) if t.sum.currency == total.currency]
    left, right = (texts.named("side", side) for side in data.run.pair)
    return texts(
        "ties.line",
        currency=total.currency,
        levels=texts.counted("levels", len(levels)),
        names=", ".join(texts.named("level", level) for level in levels),
        positions=texts.counted("positions", total.positions),
        left=left,
        right=right,
        left_sum=texts.money(total.left_cents, total.currency),
        right_sum=texts.money(total.right_cents, total.currency),
        delta=texts.money(total.delta_cents, total.currency, sign=True),
    )


def waived_by(marked: Finding | LapseView, waivers: Sequence[WaiverView]) -> str | None:
    """``price: agreed until May (bo)``: what covers it, why, and who approved of it. Several may bear one name."""
    number = marked.waiver_number or 0
    if not 0 < number <= len(waivers):  # earlier reports have names only
        return marked.waiver
    return f"{marked.waiver}: {waivers[number - 1].reason} ({waivers[number - 1].approver})"


def lapse_remedy(lapse: LapseView, texts: Texts) -> str:
    """What to do about a lapse."""
    return texts.named("what_to_do", lapse.kind)


def lapse_remedies(data: ReportData, texts: Texts) -> dict[str, str]:
    """What to do about each kind of lapse that occurs, by the kind's name for people."""
    return {texts.named("cause", lapse.kind): lapse_remedy(lapse, texts) for lapse in data.lapses if not lapse.waiver}


def lapse_heads(texts: Texts) -> tuple[str, str, str, str, str]:
    """What heads the cells of a lapse."""
    return texts("lapse"), texts("customer"), texts("lapse.period"), texts("lapse.events"), texts("lapse.worth")


def lapse_cells(lapse: LapseView, texts: Texts) -> tuple[str, str, str, str, str]:
    """A lapse as cells: what (on which invoices), of whom, which days, how many events, what it is worth."""
    days = f"{texts.day(lapse.begins.date())} – {texts.day(lapse.ends.date())}"
    worth = "" if lapse.cents is None else texts.money(lapse.cents, lapse.currency)
    of_whom = f"{lapse.customer_name} · {lapse.subscription}"
    on = f" · {', '.join(lapse.invoices)}" if lapse.invoices else ""
    return texts.named("cause", lapse.kind) + on, of_whom, days, texts.number(lapse.events), worth


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalTotal:
    """A reason for which a side could not give something: how often, and what it said itself."""

    side: str
    reason: str
    count: int
    details: tuple[Said, ...]

    def said(self, texts: Texts) -> str:
        """The first of its sentences, and how many others there are."""
        first, others = texts.said(self.details[0]), len(self.details) - 1
        return texts("refusals.more", detail=first, n=texts.number(others)) if others else first


def total_refusals(data: ReportData) -> list[RefusalTotal]:
    """By side and reason."""
    details: dict[tuple[str, str], list[Said]] = {}
    for invoice in data.invoices:
        for refusal in invoice.refusals:
            details.setdefault((refusal.side, refusal.reason), []).append(refusal.detail)
    return [
        RefusalTotal(side=side, reason=reason, count=len(said), details=tuple(dict.fromkeys(said)))
        for (side, reason), said in sorted(details.items())
    ]


def position_name(position: Position, texts: Texts) -> str:
    """A position as a person would call it."""
    kind = texts.named("kind", position.kind)
    return texts("position.name", kind=kind, label=position.label) if position.label else kind
