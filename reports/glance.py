"""The four things a hurried reader wants: how much is at stake, who is wrong, since when, what to do first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from reports.data import LAGO, InvoiceView, LapseView, Position, ReportData
from reports.evidence import ageing
from reports.registers import by_currency
from reports.summary import lapse_remedy, what_to_do
from reports.texts import Texts
from reports.verdict import State, judge

Rows = Sequence[tuple[InvoiceView, Position]]


@dataclass(frozen=True, slots=True)
class Glance:
    """What it is, its value, and a note; ``good``: nobody has to act on it."""

    name: str
    value: str
    note: str
    good: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    """What is open and not waived, and whether somebody has to act on it."""

    rows: Rows
    lapses: Sequence[LapseView]
    act: bool

    @property
    def nothing(self) -> bool:
        return not self.rows and not self.lapses


def glance(data: ReportData, texts: Texts) -> tuple[Glance, ...]:
    """Four boxes, in the colours of the verdict: green where nothing has to be done."""
    open_things = _Open(
        rows=[(i, p) for i, p in data.rows() if ageing.counts(i, p)],
        lapses=[lapse for lapse in data.lapses if not lapse.waiver],
        act=judge(data).state is State.TO_ACT,
    )
    boxes = (_stake(data, open_things, texts), _wrong(open_things, texts), _since(open_things, texts))
    return (*boxes, _todo(data, open_things, texts))


def _stake(data: ReportData, open_things: _Open, texts: Texts) -> Glance:
    """Absolute differences: opposite signs do not make a stake smaller."""
    gross = _gross(open_things)
    if not gross:
        return Glance("stake", texts("glance.stake.none"), "", good=open_things.nothing)
    billed = {r.currency: r.left.gross_cents for r in by_currency(data)}
    shares = [texts.share(cents, billed[currency]) for currency, cents in gross.items() if billed.get(currency, 0) > 0]
    note = texts("glance.stake.note", share=" · ".join(shares), left=texts.named("side", data.run.pair[0]))
    amounts = " · ".join(texts.money(cents, currency) for currency, cents in gross.items())
    return Glance("stake", amounts, note if shares else "", good=not open_things.act)


def _gross(open_things: _Open) -> dict[str, int]:
    gross: dict[str, int] = defaultdict(int)
    for invoice, position in open_things.rows:
        gross[invoice.currency] += abs(position.at_stake_cents)
    for lapse in open_things.lapses:
        gross[lapse.currency] += abs(lapse.cents or 0)
    return {currency: cents for currency, cents in sorted(gross.items()) if cents}


def _wrong(open_things: _Open, texts: Texts) -> Glance:
    """Lapses are Lago's."""
    sides = Counter(f.side for _, p in open_things.rows for f in p.findings if not f.waiver)
    sides.update(LAGO for _ in open_things.lapses)
    ordered = sorted(sides.items(), key=lambda item: (-item[1], item[0]))
    if not ordered:
        said = texts("glance.wrong.nobody") if open_things.nothing else texts.named("side", "unknown")
        return Glance("wrong", said, "", good=open_things.nothing)
    notes = [
        texts("glance.wrong.note", side=texts.named("side", s), n=texts.counted("differences", n)) for s, n in ordered
    ]
    return Glance("wrong", texts.named("side", ordered[0][0]), " · ".join(notes), good=not open_things.act)


def _since(open_things: _Open, texts: Texts) -> Glance:
    ages = [p.age for _, p in open_things.rows if p.age is not None]
    if open_things.nothing:
        return Glance("age", texts("glance.age.none"), "", good=True)
    if not ages:
        return Glance("age", texts("glance.age.unknown"), "", good=not open_things.act)
    oldest = min(ages, key=lambda age: age.since)
    old = sum(1 for age in ages if age.days > ageing.BUCKETS[0][0])
    note = texts("glance.age.note", days=texts.counted("days", oldest.days), old=texts.number(old))
    return Glance("age", texts.day(oldest.since), note, good=not open_things.act)


def _todo(data: ReportData, open_things: _Open, texts: Texts) -> Glance:
    """The remedy of the largest cause that is not waived altogether; then that of a lapse."""
    if not open_things.act:
        nothing = "glance.todo.none" if open_things.nothing else "glance.none_to_mend"
        return Glance("todo", texts(nothing), "", good=True)
    remedies = [(c, remedy) for c, remedy in what_to_do(data, texts) if remedy and c.waived < c.count]
    if not remedies:
        return _todo_lapse(open_things, texts)
    cause, remedy = remedies[0]
    mended = [
        abs(f.delta_cents)
        for i, p in open_things.rows
        for f in p.findings
        if (f.cause, f.side, i.currency) == (cause.cause, cause.side, cause.currency) and not f.waiver
    ]
    amount = texts.money(sum(mended), cause.currency)
    note = texts("glance.todo.note", n=texts.counted("differences", len(mended)), amount=amount)
    return Glance("todo", remedy, note)


def _todo_lapse(open_things: _Open, texts: Texts) -> Glance:
    if not open_things.lapses:
        return Glance("todo", "–", "")
    lapse = max(open_things.lapses, key=lambda lapse: abs(lapse.cents or 0))
    return Glance("todo", lapse_remedy(lapse, texts), texts.named("cause", lapse.kind))
