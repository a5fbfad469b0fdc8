"""Bar charts as inline SVG: shapes, texts and class names; colours are the style sheet's, so they follow the theme.

The page's policy allows no style attribute and no script, and needs none here. Every chart has a title and, for
readers who do not see it, a description with each of its numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from xml.etree import ElementTree as ET

from markupsafe import Markup

WIDTH = 540  # about what a column of the page has, so that texts keep their size
MARGIN = 12
LETTER = 7.4  # width of one, on the wide side: fonts differ
LONGEST = 38  # letters of a label beside its bar
ROW, THICK = 30, 20  # of a lying bar
STANDING = 133  # height that standing bars have
MOST_DAYS = 6  # labels below standing bars
APART = 14  # least distance of two labels of an axis


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """``kind`` is the class that colours it; ``shown`` is its amount in words, ``cents`` is for its length only."""

    label: str
    cents: int
    shown: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """``name`` is unique on the page; ``zero`` is how the currency writes nothing."""

    name: str
    title: str
    bars: Sequence[Bar]
    zero: str


def draw_lying(chart: Chart) -> Markup:
    """A bar a row, the label in front and the amount behind it. Amounts are positive."""
    longest = max(len(_shortened(bar.label)) for bar in chart.bars)
    left, height = MARGIN + round(longest * LETTER), 2 * MARGIN + ROW * len(chart.bars)
    most = max(bar.cents for bar in chart.bars)
    room = WIDTH - MARGIN - left - round(max(len(bar.shown) for bar in chart.bars) * LETTER)
    svg = _canvas(chart, "lying", height)
    for row, bar in enumerate(chart.bars):
        top, width = MARGIN + row * ROW, round(Fraction(bar.cents * room, most), 2)
        _add_text(svg, "label", left - 6, top + 20, _shortened(bar.label))
        _add_bar(svg, bar, left, top + (ROW - THICK) // 2, width, THICK)
        _add_text(svg, "value", float(left + width) + 6, top + 20, bar.shown)
    _add_line(svg, "axis", (left, MARGIN), (left, height - MARGIN))
    return _written(svg)


def draw_standing(chart: Chart) -> Markup:
    """A bar a day (or month), above or below the line of zero; the largest and the smallest amount are named."""
    lowest, highest = min(chart.bars, key=_cents), max(chart.bars, key=_cents)
    bottom, top = min(lowest.cents, 0), max(highest.cents, 0)
    scale = Fraction(STANDING, max(top - bottom, 1))
    zero = MARGIN + top * scale
    named = [(bar.shown, MARGIN + (top - bar.cents) * scale) for bar in (lowest, highest) if bar.cents]
    named = [(chart.zero, zero), *((shown, y) for shown, y in named if abs(y - zero) >= APART)]
    left = MARGIN + round(max(len(shown) for shown, _ in named) * LETTER)
    svg = _canvas(chart, "standing", STANDING + 2 * MARGIN + 23)
    for shown, y in named:
        _add_line(svg, "axis" if y == zero else "guide", (left, y), (WIDTH - MARGIN, y))
        _add_text(svg, "amount", left - 6, float(y) + 4, shown)
    _add_days(svg, chart.bars, left, scale, zero)
    return _written(svg)


def _add_days(svg: ET.Element, bars: Sequence[Bar], left: int, scale: Fraction, zero: Fraction) -> None:
    step = Fraction(WIDTH - MARGIN - left, len(bars))
    labelled = _spread(len(bars))
    for number, bar in enumerate(bars):
        x, length = left + number * step, abs(bar.cents) * scale
        if bar.cents:
            _add_bar(svg, bar, x + step / 8, zero - max(bar.cents, 0) * scale, step * 3 / 4, length)
        if number in labelled:
            _add_text(svg, "day", float(x + step / 2), MARGIN + STANDING + 20, bar.label)


def _spread(count: int) -> frozenset[int]:
    """Which of so many bars have a label: the first, the last, and some between at even distances."""
    if count <= MOST_DAYS:
        return frozenset(range(count))
    return frozenset(number * (count - 1) // (MOST_DAYS - 1) for number in range(MOST_DAYS))


def _cents(bar: Bar) -> int:
    return bar.cents


def _shortened(label: str) -> str:
    return label if len(label) <= LONGEST else label[: LONGEST - 1].rstrip() + "…"


def _canvas(chart: Chart, shape: str, height: int) -> ET.Element:
    title, description = f"{chart.name}-title", f"{chart.name}-numbers"
    svg = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "class": f"chart {shape}",
            "viewBox": f"0 0 {WIDTH} {height}",
            "role": "img",
            "aria-labelledby": title,
            "aria-describedby": description,
        },
    )
    ET.SubElement(svg, "title", {"id": title}).text = chart.title
    numbers = "; ".join(f"{bar.label}: {bar.shown}" for bar in chart.bars if bar.cents)
    ET.SubElement(svg, "desc", {"id": description}).text = numbers
    return svg


Coordinate = int | float | Fraction


def _add_bar(svg: ET.Element, bar: Bar, x: Coordinate, y: Coordinate, width: Coordinate, height: Coordinate) -> None:
    sizes = {"x": _number(x), "y": _number(y), "width": _number(width), "height": _number(height)}
    ET.SubElement(svg, "rect", {"class": f"bar {bar.kind}", **sizes})


def _add_line(
    svg: ET.Element, kind: str, start: tuple[Coordinate, Coordinate], end: tuple[Coordinate, Coordinate]
) -> None:
    ends = {"x1": start[0], "y1": start[1], "x2": end[0], "y2": end[1]}
    ET.SubElement(svg, "line", {"class": kind, **{name: _number(value) for name, value in ends.items()}})


def _add_text(svg: ET.Element, kind: str, x: Coordinate, y: Coordinate, text: str) -> None:
    ET.SubElement(svg, "text", {"class": kind, "x": _number(x), "y": _number(y)}).text = text


def _number(value: Coordinate) -> str:
    return f"{float(value):.2f}".rstrip("0").rstrip(".")


def _written(svg: ET.Element) -> Markup:
    return Markup(ET.tostring(svg, encoding="unicode"))  # noqa: S704 (built by ElementTree: escaped)
