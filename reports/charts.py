"""The pictures of the report, as inline SVG drawn by pygal and coloured by the page's own style sheet."""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from xml.etree import ElementTree as ET

from markupsafe import Markup

from reports.data import ReportData, cause_totals
from reports.drawing import Bar, Graph, HorizontalBar, Style
from reports.texts import Texts

SVG = "http://www.w3.org/2000/svg"
MOST = 12  # bars that a person can read
WIDTH = 540  # about what a column of the page has, so that texts keep their size
ET.register_namespace("", SVG)

Bars = Sequence[tuple[str, int, str]]  # label, cents, class of the bar


def causes(data: ReportData, texts: Texts) -> list[tuple[str, Markup]]:
    """Per currency, the causes by the absolute sum of their differences."""
    bars: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
    for total in cause_totals(data):
        if total.gross_cents:
            label = f"{texts.named('cause', total.cause)} ({texts.named('side', total.side)})"
            bars[total.currency].append((label, total.gross_cents, total.side if total.proven else "open"))
    return [
        (currency, _horizontal(own[:MOST], currency, f"{texts('causes')} {currency}", texts))
        for currency, own in sorted(bars.items())
    ]


def trend(data: ReportData, texts: Texts) -> list[tuple[str, Markup]]:
    """Per currency, the difference by day of issue over the whole month, or by month if there are several."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    several = len({i.month for i in data.invoices}) > 1
    for invoice in data.invoices:
        sums[invoice.currency][invoice.month if several else invoice.issued_on.isoformat()] += invoice.delta_cents
    days = sorted({i.month for i in data.invoices}) if several else _days(data)
    title = texts("trend")
    return [
        (currency, _vertical([(_short(day, texts), own.get(day, 0), "delta") for day in days], currency, title, texts))
        for currency, own in sorted(sums.items())
        if sum(1 for cents in own.values() if cents) > 1  # a single bar tells nothing that the totals do not
    ]


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


def _horizontal(bars: Bars, currency: str, title: str, texts: Texts) -> Markup:
    chart = HorizontalBar(height=44 + 30 * len(bars), width=WIDTH, **_options(currency, texts))
    chart.y_labels = [0]
    chart.range = (0, max(cents for _, cents, _ in bars) * 1.35)  # room for the number behind the longest bar
    return _draw(chart, list(reversed(bars)), title)


def _vertical(bars: Bars, currency: str, title: str, texts: Texts) -> Markup:
    chart = Bar(height=180, width=WIDTH, show_minor_x_labels=False, **_options(currency, texts))
    chart.x_labels_major_count = min(len(bars), 6)
    chart.y_labels = sorted({0, *(cents for _, cents, _ in (min(bars, key=_size), max(bars, key=_size)))})
    return _draw(chart, bars, title)


def _size(bar: tuple[str, int, str]) -> int:
    return bar[1]


def _formatter(currency: str, texts: Texts) -> Callable[[float], str]:
    """Axis and bar texts from exact cents: the chart's own numbers are only for drawing."""
    return lambda value: texts.money(round(value), currency)


def _options(currency: str, texts: Texts) -> dict[str, object]:
    return {
        "js": [],
        "style": Style(label_font_size=13, value_font_size=13, major_label_font_size=12),
        "margin": 12,
        "show_legend": False,
        "disable_xml_declaration": True,
        "no_prefix": True,
        "explicit_size": False,
        "truncate_label": 60,
        "print_values": True,
        "print_values_position": "top",
        "formatter": _formatter(currency, texts),
        "value_formatter": _formatter(currency, texts),
    }


def _draw(chart: Graph, bars: Bars, title: str) -> Markup:
    """Only shapes and texts: the page's policy bars pygal's own style sheet, script and tooltips."""
    chart.x_labels = [label for label, _, _ in bars]
    chart.add("", [{"value": cents} for _, cents, _ in bars])
    root = chart.render_tree()
    _prune(root)
    for bar, (_, _, kind) in zip(_bars(root), bars, strict=True):
        bar.set("class", f"bar {kind}")
    root.set("role", "img")
    root.set("aria-label", title)
    return Markup(ET.tostring(root, encoding="unicode", method="xml"))  # noqa: S704 (built by ElementTree: escaped)


_DROP = {"defs", "desc", "title", "script", "style"}
_DROP_CLASSES = ("tooltip-overlay", "tooltip")


def _prune(element: ET.Element) -> None:
    for child in list(element):
        name = child.tag.rsplit("}", 1)[-1] if isinstance(child.tag, str) else "comment"
        css = child.get("class", "").split()
        if name in _DROP or name == "comment" or any(c in css for c in _DROP_CLASSES):
            element.remove(child)
        else:
            child.attrib.pop("style", None)
            _prune(child)


def _bars(root: ET.Element) -> list[ET.Element]:
    return [e for e in root.iter() if e.tag.rsplit("}", 1)[-1] == "rect" and "reactive" in e.get("class", "")]
