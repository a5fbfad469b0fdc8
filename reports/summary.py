"""What every renderer says in the same words: the verdict in one sentence, and the biggest differences."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports import ageing
from reports.data import (
    COMPARED,
    OPEN,
    OUTSIDE,
    REFUSED,
    CauseTotal,
    InvoiceView,
    Position,
    ReportData,
    Tally,
    TieOutBroken,
    cause_totals,
    check_ties,
    count,
    tallies,
    ties,
)
from reports.texts import Texts


def totals(data: ReportData) -> list[Tally]:
    """One tally per currency."""
    return [found for _, found in sorted(tallies(data, lambda i, p: "").items())]


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
    if not any(p.status in COMPARED for p in rows):
        yield texts("verdict.none")
    else:
        yield texts(f"verdict.{data.outcome.value}", **_figures(data, rows, texts))
    findings = [f for p in rows for f in p.findings if p.status in OPEN]
    unexplained = sum(1 for f in findings if f.cause == "unexplained")
    if unexplained:
        yield texts("verdict.unexplained", count=texts.number(unexplained))
    elif findings:
        yield texts("verdict.proven")
    refused = sum(1 for i in data.invoices if i.refusals)
    if refused:
        yield texts("verdict.refused", count=texts.number(refused))
    yield from _apart(data, rows, texts)


def _apart(data: ReportData, rows: list[Position], texts: Texts) -> Iterator[str]:
    outside = sum(1 for i in data.invoices if i.positions and all(p.status == OUTSIDE for p in i.positions))
    if outside:
        yield texts("verdict.outside", count=texts.number(outside))
    reasons = apart(data, texts)
    if reasons:
        listed = ", ".join(f"{reason}: {texts.number(n)}" for reason, n in reasons.items())
        yield texts("verdict.apart", positions=texts.counted("positions", sum(reasons.values())), reasons=listed)
    states = count(i.state for i in data.invoices)
    unclaimed = [("voided", states.get("voided", 0)), ("drafts", states.get("draft", 0))]
    if any(n for _, n in unclaimed):
        yield texts("verdict.states", what=", ".join(texts.counted(name, n) for name, n in unclaimed if n))
    model = sum(1 for p in rows if p.verdict == "model")
    if model:
        yield texts("verdict.model", count=texts.number(model))


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


@dataclass(frozen=True, slots=True)
class Glance:
    """One of the four things a hurried reader wants: what it is, its value, and a note; ``good``: nothing to do."""

    name: str
    value: str
    note: str
    good: bool = False


def glance(data: ReportData, texts: Texts) -> tuple[Glance, ...]:
    """How much is at stake, who is wrong, since when, and what to do first; of what is open and not waived."""
    rows = [(i, p) for i, p in data.rows() if ageing.counts(i, p)]
    return (_stake(data, rows, texts), _wrong(rows, texts), _since(rows, texts), _todo(data, rows, texts))


Rows = Sequence[tuple[InvoiceView, Position]]


def _stake(data: ReportData, rows: Rows, texts: Texts) -> Glance:
    """Absolute differences: opposite signs do not make a stake smaller."""
    gross: dict[str, int] = defaultdict(int)
    for invoice, position in rows:
        gross[invoice.currency] += abs(position.delta_cents)
    gross = {currency: cents for currency, cents in sorted(gross.items()) if cents}
    if not gross:
        return Glance("stake", texts("glance.stake.none"), "", good=not rows)
    billed = {t.currency: t.left_cents for t in totals(data)}
    shares = [texts.share(cents, billed[currency]) for currency, cents in gross.items() if billed[currency] > 0]
    note = texts("glance.stake.note", share=" · ".join(shares), left=texts.named("side", data.run.pair[0]))
    return Glance(
        "stake", " · ".join(texts.money(c, currency) for currency, c in gross.items()), note if shares else ""
    )


def _wrong(rows: Rows, texts: Texts) -> Glance:
    sides = Counter(finding.side for _, p in rows for finding in p.findings if not finding.waiver)
    ordered = sorted(sides.items(), key=lambda item: (-item[1], item[0]))
    if not ordered:
        said = texts.named("side", "unknown") if rows else texts("glance.wrong.nobody")
        return Glance("wrong", said, "", good=not rows)
    notes = [
        texts("glance.wrong.note", side=texts.named("side", s), n=texts.counted("differences", n)) for s, n in ordered
    ]
    return Glance("wrong", texts.named("side", ordered[0][0]), " · ".join(notes))


def _since(rows: Rows, texts: Texts) -> Glance:
    ages = [p.age for _, p in rows if p.age is not None]
    if not rows:
        return Glance("age", texts("glance.age.none"), "", good=True)
    if not ages:
        return Glance("age", texts("glance.age.unknown"), "")
    oldest = min(ages, key=lambda age: age.since)
    old = sum(1 for age in ages if age.days > ageing.BUCKETS[0][0])
    note = texts("glance.age.note", days=texts.counted("days", oldest.days), old=texts.number(old))
    return Glance("age", texts.day(oldest.since), note)


def _todo(data: ReportData, rows: Rows, texts: Texts) -> Glance:
    """The remedy of the largest cause that is not waived altogether."""
    wanted = [(c, remedy) for c, remedy in what_to_do(data, texts) if remedy and c.waived < c.count]
    if not wanted:
        return Glance("todo", texts("glance.todo.none") if not rows else "–", "", good=not rows)
    cause, remedy = wanted[0]
    mended = [
        abs(f.delta_cents)
        for i, p in rows
        for f in p.findings
        if (f.cause, f.side, i.currency) == (cause.cause, cause.side, cause.currency) and not f.waiver
    ]
    amount = texts.money(sum(mended), cause.currency)
    note = texts("glance.todo.note", n=texts.counted("differences", len(mended)), amount=amount)
    return Glance("todo", remedy, note)


def age_sentence(position: Position, texts: Texts) -> str:
    """Since when a position has been different; nothing if nobody looked before."""
    age = position.age
    if age is None:
        return ""
    days, runs = texts.counted("days", age.days), texts.counted("runs", age.runs)
    said = texts("age.since", since=texts.day(age.since), days=days, runs=runs)
    return f"{said} {texts('age.reopened', n=texts.counted('times', age.reopened))}" if age.reopened else said


def biggest(data: ReportData, limit: int = 10) -> list[tuple[InvoiceView, Position]]:
    """The largest differences, currencies side by side (amounts of different currencies do not compare exactly)."""
    differing = [(i, p) for i, p in data.rows() if p.status in OPEN]
    return sorted(differing, key=lambda row: (-abs(row[1].delta_cents), row[0].number, row[1].id))[:limit]


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
    return [(c, _remedy(c.cause, found[c.cause, c.side, c.currency], texts)) for c in cause_totals(data)]


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
    levels = [t.level for t in ties(data) if t.sum.currency == total.currency]
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


def refusal_counts(data: ReportData) -> dict[tuple[str, str], int]:
    """(side, reason) -> how often."""
    keyed = count(f"{r.side}\0{r.reason}" for i in data.invoices for r in i.refusals)
    return {(key.split("\0")[0], key.split("\0")[1]): number for key, number in keyed.items()}


def position_name(position: Position, texts: Texts) -> str:
    """A position as a person would call it."""
    kind = texts.named("kind", position.kind)
    return texts("position.name", kind=kind, label=position.label) if position.label else kind
