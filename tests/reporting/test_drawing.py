"""Bar charts: lengths are the amounts, every number is there in words, and nothing of them is a style or a script."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

import pytest

from reports.drawing import LONGEST, WIDTH, Bar, Chart, draw_lying, draw_standing

SVG = "{http://www.w3.org/2000/svg}"


def chart(bars: Sequence[tuple[str, int]], kind: str = "odoo") -> Chart:
    made = [Bar(label=label, cents=cents, shown=f"{cents} ¢", kind=kind) for label, cents in bars]
    return Chart(name="c", title="Causes <CAD>", bars=made, zero="0 ¢")


def drawn(svg: str) -> ET.Element:
    return ET.fromstring(svg)


def rows(root: ET.Element, tag: str, kind: str) -> list[ET.Element]:
    return [e for e in root.iter(f"{SVG}{tag}") if kind in e.attrib["class"].split()]


def sizes(root: ET.Element, name: str) -> list[float]:
    return [float(bar.attrib[name]) for bar in rows(root, "rect", "bar")]


def test_lying_bars_are_as_long_as_their_amounts() -> None:
    root = drawn(draw_lying(chart([("Usage", 400), ("Coupon", 100), ("Tax", 1)])))
    first, second, third = sizes(root, "width")
    assert first == pytest.approx(4 * second, abs=0.05)
    assert first == pytest.approx(400 * third, rel=0.02)
    assert sizes(root, "y") == sorted(sizes(root, "y"))
    values = rows(root, "text", "value")
    assert [value.text for value in values] == ["400 ¢", "100 ¢", "1 ¢"]
    assert first + float(rows(root, "rect", "bar")[0].attrib["x"]) < float(values[0].attrib["x"]) < WIDTH


def test_standing_bars_hang_below_the_line_of_zero() -> None:
    root = drawn(draw_standing(chart([("Jul 1", 300), ("Jul 2", 0), ("Jul 3", -100)])))
    (zero,) = {float(line.attrib["y1"]) for line in rows(root, "line", "axis")}
    (up, down), (high, low) = sizes(root, "y"), sizes(root, "height")
    assert (up + high, down) == (pytest.approx(zero), pytest.approx(zero))
    assert high == pytest.approx(3 * low, abs=0.05)
    assert [text.text for text in rows(root, "text", "amount")] == ["0 ¢", "-100 ¢", "300 ¢"]
    assert [text.text for text in rows(root, "text", "day")] == ["Jul 1", "Jul 2", "Jul 3"]


@pytest.mark.parametrize(("cents", "named"), [((5, 1000), ["0 ¢", "1000 ¢"]), ((-5, -1000), ["0 ¢", "-1000 ¢"])])
def test_amounts_beside_zero_do_not_cover_it(cents: tuple[int, int], named: list[str]) -> None:
    root = drawn(draw_standing(chart([(str(n), c) for n, c in enumerate(cents)])))
    assert [text.text for text in rows(root, "text", "amount")] == named


def test_a_month_has_six_labels_from_its_first_to_its_last_day() -> None:
    root = drawn(draw_standing(chart([(f"Jul {day}", day) for day in range(1, 32)])))
    days = [text.text for text in rows(root, "text", "day")]
    assert days == ["Jul 1", "Jul 7", "Jul 13", "Jul 19", "Jul 25", "Jul 31"]
    assert max(x + w for x, w in zip(sizes(root, "x"), sizes(root, "width"), strict=True)) <= WIDTH


@pytest.mark.parametrize("draw", [draw_lying, draw_standing])
def test_title_and_numbers_are_there_in_words(draw: object) -> None:
    assert callable(draw)
    svg = draw(chart([("Usage <script>", 400), ("A" * 60, 100)]))
    root = drawn(svg)
    assert root.findtext(f"{SVG}title") == "Causes <CAD>"
    assert root.findtext(f"{SVG}desc") == f"Usage <script>: 400 ¢; {'A' * 60}: 100 ¢"
    assert "<script" not in svg
    assert not [e for e in root.iter() if "style" in e.attrib]


def test_a_long_label_leaves_room_for_its_bar() -> None:
    root = drawn(draw_lying(chart([("Arrondi " * 10, 400)])))
    (label,) = rows(root, "text", "label")
    assert label.text is not None
    assert len(label.text) <= LONGEST
    assert label.text.endswith("…")
    assert sizes(root, "width")[0] > 100
