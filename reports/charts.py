"""The pictures of the report: which bars there are. ``reports.drawing`` makes SVG of them."""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from datetime import date

from markupsafe import Markup

from reports.data import ReportData
from reports.drawing import Bar, Chart, draw_lying, draw_standing
from reports.tallies import total_causes
from reports.texts import Texts

MOST = 12  # bars that a person can read


def draw_causes(data: ReportData, texts: Texts) -> list[tuple[str, Markup]]:
    """Per currency, the causes by the absolute sum of their differences."""
    bars: dict[str, list[Bar]] = defaultdict(list)
    for total in total_causes(data):
        if total.gross_cents:
            label = f"{texts.named('cause', total.cause)} ({texts.named('side', total.side)})"
            kind = total.side if total.proven else "open"
            bars[total.currency].append(_bar(label, total.gross_cents, kind, total.currency, texts))
    return [
        (currency, draw_lying(_chart("causes", f"{texts('causes')} {currency}", found[:MOST], currency, texts)))
        for currency, found in sorted(bars.items())
    ]


def draw_trend(data: ReportData, texts: Texts) -> list[tuple[str, Markup]]:
    """Per currency, the difference by day of issue over the whole month, or by month if there are several."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    several = len({i.month for i in data.invoices}) > 1
    for invoice in data.invoices:
        sums[invoice.currency][invoice.month if several else invoice.issued_on.isoformat()] += invoice.delta_cents
    days = sorted({i.month for i in data.invoices}) if several else _days(data)
    return [
        (currency, draw_standing(_trend_of(currency, days, cents, texts)))
        for currency, cents in sorted(sums.items())
        if sum(1 for delta in cents.values() if delta) > 1  # a single bar tells nothing that the totals do not
    ]


def _trend_of(currency: str, days: list[str], cents: dict[str, int], texts: Texts) -> Chart:
    bars = [_bar(_short(day, texts), cents.get(day, 0), "delta", currency, texts) for day in days]
    return _chart("trend", f"{texts('trend')}, {currency}", bars, currency, texts)


def _bar(label: str, cents: int, kind: str, currency: str, texts: Texts) -> Bar:
    return Bar(label=label, cents=cents, shown=texts.money(cents, currency), kind=kind)


def _chart(name: str, title: str, bars: list[Bar], currency: str, texts: Texts) -> Chart:
    return Chart(name=f"{name}-{currency}", title=title, bars=bars, zero=texts.money(0, currency))


def _days(data: ReportData) -> list[str]:
    """Every day of the one month of the report."""
    month = next((i.issued_on for i in data.invoices), None)
    if month is None:
        return []
    length = monthrange(month.year, month.month)[1]
    return [month.replace(day=day).isoformat() for day in range(1, length + 1)]


def _short(day: str, texts: Texts) -> str:
    """``2026-07-01`` -> ``Jul 1``, ``2026-07`` -> ``Jul 2026``, as the language writes it."""
    year, month, *rest = map(int, day.split("-"))
    return texts.short_day(date(year, month, *rest)) if rest else texts.short_month(date(year, month, 1))
