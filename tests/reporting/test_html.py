"""The page: offline, strict, complete without JavaScript, harmless whatever the data; and in a real browser."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from bench.report import company
from reports import html
from reports.data import InvoiceView, ReportData
from reports.texts import LOCALES, Texts
from tests.reporting.sample import HOSTILE, aged, doubt, equal, invoice, nothing, position, sample


class Page(HTMLParser):
    """Elements, and the text of the inline ones."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inline: list[tuple[str, str]] = []
        self.words: list[str] = []
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = "data" if dict(attrs).get("type") == "application/json" else tag

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open in ("script", "style", "data"):
            self.inline.append((self._open, data))
        else:
            self.words.append(data)


REPORTS = [sample, equal, nothing, *(lambda name=name: sample(name) for name in HOSTILE)]


@pytest.fixture(
    params=range(len(REPORTS)), ids=["sample", "equal", "nothing", *(f"hostile{n}" for n in range(len(HOSTILE)))]
)
def data(request: pytest.FixtureRequest) -> ReportData:
    return REPORTS[request.param]()


def test_policy_allows_exactly_the_pages_own_script_and_style(data: ReportData) -> None:
    page = Page(html.render(data))
    policy = next(str(a["content"]) for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none';")
    for tag, text in page.inline:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert tag == "data" or f"'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy.replace("http-equiv", "")


def test_nothing_is_fetched_and_nothing_runs_by_attribute(data: ReportData) -> None:
    for tag, attributes in Page(html.render(data)).elements:
        assert tag not in ("img", "iframe", "link", "object", "embed", "base", "form", "audio", "video")
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "style", "srcdoc")]
        assert attributes.get("href", "#").startswith("#") if tag == "a" else True


def test_only_the_pages_own_elements_exist(data: ReportData) -> None:
    page = Page(html.render(data))
    scripts = [attributes.get("type") for tag, attributes in page.elements if tag == "script"]
    assert scripts == ["application/json"] * (len(scripts) - 1) + [None]
    assert len(scripts) == (3 if data.invoices else 2)  # the list, the details if there are any, the program
    assert sum(tag == "style" for tag, _ in page.elements) == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_shown_as_they_are(name: str) -> None:
    page = Page(html.render(sample(name)))
    shown = " ".join("".join(page.words).split())
    assert " ".join(name.split()) in shown


@pytest.mark.parametrize("locale", LOCALES)
def test_first_screen_needs_no_script(locale: str) -> None:
    page = Page(html.render(sample(), locale))
    shown = " ".join("".join(page.words).split())
    texts = Texts(locale)
    for wanted in ("totals", "causes", "biggest", "ties", "waivers", "trend", "no_script"):
        assert texts(wanted) in shown
    assert texts.named("cause", "missing_usage") in shown
    assert "109" in shown
    assert sum(tag == "svg" for tag, _ in page.elements) >= 2
    assert dict(page.elements)["html"]["lang"] == locale.replace("_", "-")


def test_charts_carry_names_for_readers_who_do_not_see_them() -> None:
    elements = Page(html.render(sample())).elements
    ids = [attributes["id"] for tag, attributes in elements if tag in ("title", "desc") and attributes.get("id")]
    assert len(ids) == len(set(ids)) > 2
    for svg in (attributes for tag, attributes in elements if tag == "svg"):
        assert svg["role"] == "img"
        assert {svg["aria-labelledby"], svg["aria-describedby"]} <= set(ids)


def test_large_data_is_compressed_and_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    document = html.payload(sample("</script>"), Texts())
    plain = html.embed(document)
    monkeypatch.setattr(html, "PLAIN_LIMIT", 10)
    packed = html.embed(document)
    assert (plain[0], packed[0]) == ("plain", "gzip")
    assert "<" not in plain[1]
    unpacked = gzip.decompress(base64.b64decode(packed[1]))
    assert json.loads(unpacked) == json.loads(plain[1])


def test_steps_of_equal_positions_stay_out_of_large_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "STEPS_LIMIT", 3)
    (chunk,) = html.chunks(sample(), Texts())
    statuses = [p.status for _, p in sample().rows()]
    kept = {status for status, details in zip(statuses, chunk["rows"], strict=True) if details}
    assert kept == {"differs", "only_left", "only_right", "refused"}


def test_details_come_in_chunks_in_the_order_of_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    (whole,) = html.chunks(sample(), Texts())
    monkeypatch.setattr(html, "CHUNK", 3)
    parts = list(html.chunks(sample(), Texts()))
    assert [len(part["rows"]) for part in parts] == [3, 3, 3, 1]
    said = [[part["strings"][v] for row in part["rows"] for _, v in row["key"]] for part in parts]
    assert list(chain.from_iterable(said)) == [whole["strings"][v] for row in whole["rows"] for _, v in row["key"]]


def test_a_hundred_thousand_differences_would_fit_ten_megabytes() -> None:
    """By what the bench's company grows with each difference, and what every page has."""
    small, large = (len(html.render(company(number))) for number in (2_000, 6_000))
    assert small + (large - small) / 4_000 * 98_000 < 10_000_000


def test_two_runs_give_the_same_file() -> None:
    assert html.render(sample()) == html.render(sample())


# --- in a browser ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is missing: pip install -e .[browser]")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


class Tab:
    """A page that collects everything the browser complains about."""

    def __init__(self, browser: Any, tmp_path: Path, data: ReportData, locale: str = "en_CA", **more: Any) -> None:
        self.context = browser.new_context(**more)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda r: r.url.startswith("file:") or self.complaints.append(r.url))
        html.write(data, tmp_path / "report.html", locale)
        self.url = (tmp_path / "report.html").as_uri()
        self.open("")

    def open(self, fragment: str) -> None:
        self.page.goto("about:blank")
        self.page.goto(self.url + fragment)
        self.page.locator("#app:not([hidden])").wait_for()

    def sees(self, selector: str, number: int) -> None:
        """Wait until so many are there."""
        self.page.locator(selector).nth(number - 1).wait_for(state="attached")
        assert self.page.locator(selector).count() == number

    def rows(self) -> int:
        return int(self.page.locator("#app tbody tr").count())


@pytest.fixture
def tab(browser: Any, tmp_path: Path) -> Iterator[Tab]:
    opened = Tab(browser, tmp_path, sample())
    yield opened
    assert opened.complaints == []
    opened.context.close()


def test_filters(tab: Tab) -> None:
    assert tab.rows() == 7
    tab.page.locator("[data-filter=cause]").select_option("missing_usage")
    assert tab.rows() == 3
    tab.page.locator("[data-filter=q]").fill("hst_on")
    assert tab.rows() == 1
    assert "cause=missing_usage" in tab.page.url
    tab.page.get_by_role("button", name="Reset").click()
    assert tab.rows() == 7
    tab.page.locator("[data-filter=open]").uncheck()
    assert tab.rows() == 10
    tab.page.locator("[data-filter=material]").check()
    assert tab.rows() == 4
    tab.page.locator("[data-filter=min]").fill("8")
    assert tab.rows() == 1


def test_what_both_bill_alike_and_the_rerate_does_not_is_among_what_is_open(browser: Any, tmp_path: Path) -> None:
    doubted = position(1, 50_00, 50_00, 40_00, verdict="model", findings=(doubt(-10_00),))
    tab = Tab(browser, tmp_path, replace(equal(), invoices=(invoice(1, doubted, position(2, 9, 9, 9)),)))
    assert tab.rows() == 1
    tab.page.locator("[data-filter=min]").fill("10")
    assert tab.rows() == 1
    tab.context.close()


def test_sorting(tab: Tab) -> None:
    first = tab.page.locator("#app tbody tr").first
    assert "API calls" in first.inner_text()
    tab.page.get_by_role("button", name="Difference").click()
    assert "Line 3" in first.inner_text() or "Line 7" in first.inner_text()
    tab.page.get_by_role("button", name="Position").click()
    assert tab.page.locator("#app th[aria-sort=descending]").inner_text().startswith("Position")


def test_drill_down_from_customer_to_steps(tab: Tab) -> None:
    tab.page.locator(".tabs a", has_text="Customers").click()
    tab.page.locator("#app a", has_text="Maple").click()
    tab.page.locator("#app a", has_text="NEX-001").click()
    tab.sees(".position", 2)
    columns = tab.page.locator(".position[open] .column").all_inner_texts()
    assert any("1,234,567.125 units" in c and "tier 0 to 100" in c for c in columns)
    assert "at the right price, exactly this amount" in tab.page.locator(".finding").first.inner_text()
    tab.page.get_by_text("Back to the list").click()
    tab.sees("#app tbody tr", 1)


def test_events_on_demand(tab: Tab) -> None:
    tab.open(f"#line={1:012x}")
    usage = tab.page.locator(".position.hit .usage")
    assert usage.locator("summary").inner_text() == "Usage of api_calls in this period: 1,234 events. Not in Odoo: 1."
    assert not usage.locator("table").is_visible()
    usage.locator("summary").click()
    rows = [" ".join(row.split()) for row in usage.locator("tbody tr").all_inner_texts()]
    assert rows == ['tx-1 2026-08-20 23:50:00 {"n": 1} no', 'tx-2 2026-08-20 23:50:00 {"n": 1} yes']
    assert "and 1,232 more" in usage.inner_text()


def test_ages_are_a_column_a_filter_and_an_order(browser: Any, tmp_path: Path) -> None:
    tab = Tab(browser, tmp_path, aged())
    column = tab.page.locator("#app tbody td[data-label='Open for']")
    assert column.all_inner_texts() == ["45 days", "100 days", "400 days", "0 days", "100 days"]
    tab.page.get_by_role("button", name="Open for").click()
    tab.page.wait_for_url(re.compile("sort=age"))
    assert column.all_inner_texts() == ["400 days", "100 days", "100 days", "45 days", "0 days"]
    tab.page.locator("[data-filter=age]").select_option("31-60")
    assert column.all_inner_texts() == ["45 days"]
    tab.page.locator("a", has_text="up to 30 days").click()
    tab.page.wait_for_url(re.compile("age=0-30"))
    assert column.all_inner_texts() == ["0 days"]
    tab.open(f"#line={3:012x}")
    said = tab.page.locator(".position.hit").inner_text()
    assert "Open since May 12, 2026 (100 days), found by 3 runs. It was settled in between: once." in said
    assert tab.complaints == []
    tab.context.close()


def test_without_ages_there_is_no_column(tab: Tab) -> None:
    assert tab.page.locator("[data-label='Open for'], [data-filter=age]").count() == 0


def test_permalink_opens_its_position(tab: Tab) -> None:
    tab.open(f"#line={4:012x}")
    hit = tab.page.locator(".position.hit")
    assert hit.get_attribute("open") is not None
    assert 0 <= hit.bounding_box()["y"] < 300, "scrolled to"
    assert "bills nothing here" in hit.inner_text()
    hit.get_by_role("link", name="Usage: Line 5").click()
    tab.page.locator(".position.hit summary", has_text="Line 5").wait_for()


def test_keyboard(tab: Tab) -> None:
    tab.page.keyboard.press("/")
    assert tab.page.evaluate("document.activeElement.dataset.filter") == "q"
    tab.page.keyboard.type("hst_on")
    assert tab.rows() == 1
    for _ in range(30):
        tab.page.keyboard.press("Tab")
        if "#line=" in (tab.page.evaluate("document.activeElement.getAttribute('href')") or ""):
            break
    tab.page.keyboard.press("Enter")
    tab.sees(".position.hit", 1)
    tab.page.keyboard.press("Escape")
    tab.sees("#app > div > table > tbody > tr", 1)


def test_everything_is_reached_by_keyboard_alone(tab: Tab) -> None:
    """From the top with Tab: skip link, buttons, causes, biggest differences, tabs, filters, headings, rows."""
    seen, visible = [], []
    for _ in range(80):
        tab.page.keyboard.press("Tab")
        name, outline = tab.page.evaluate(
            "(() => { const e = document.activeElement; const s = getComputedStyle(e);"
            " return [e.dataset.filter || e.id || e.getAttribute('href') || e.textContent.trim(), s.outlineStyle]; })()"
        )
        seen.append(name)
        visible.append(outline)
    wanted = ["#list", "theme", "print", "#view=lines&cause=missing_usage", f"#line={1:012x}", "q", "cause", "side"]
    wanted += ["service", "customer", "min", "open", "material"]
    places = [seen.index(name) for name in wanted]
    assert places == sorted(places)
    assert set(visible[: places[-1]]) == {"solid"}


def test_filters_by_keyboard(tab: Tab) -> None:
    tab.page.locator("[data-filter=side]").focus()
    tab.page.keyboard.press("ArrowDown")
    tab.page.wait_for_url(re.compile("side="))
    assert tab.rows() == 5
    assert tab.page.evaluate("document.activeElement.dataset.filter") == "side", "the choice keeps the focus"


@pytest.mark.parametrize("fragment", ["", f"#line={1:012x}", "#view=customers", "#view=invoices&open="])
def test_phone_width_needs_no_sideways_scrolling(browser: Any, tmp_path: Path, fragment: str) -> None:
    tab = Tab(browser, tmp_path, sample(), viewport={"width": 360, "height": 740})
    tab.open(fragment)
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert tab.complaints == []
    tab.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_print_is_light_complete_and_without_buttons(browser: Any, tmp_path: Path, scheme: str) -> None:
    tab = Tab(browser, tmp_path, sample(), color_scheme=scheme, viewport={"width": 390, "height": 800})
    tab.page.locator("#theme").click()
    tab.page.emulate_media(media="print", color_scheme=scheme)
    paper, ink = (tab.page.evaluate(f"getComputedStyle(document.body).{name}") for name in ("backgroundColor", "color"))
    assert (paper, ink) == ("rgb(255, 255, 255)", "rgb(0, 0, 0)")
    for hidden in (".tools", ".filters", ".tabs"):
        assert not tab.page.locator(hidden).is_visible()
    assert not tab.page.locator(".ties table").is_visible()  # folded on a phone
    tab.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.page.locator(".ties table").is_visible()
    assert tab.page.locator("#app tbody tr").count() == 7
    assert tab.page.pdf()[:5] == b"%PDF-"
    assert tab.complaints == []
    tab.context.close()


def test_the_print_button_prints(tab: Tab) -> None:
    tab.page.evaluate("window.print = () => { document.title = 'printed'; }")
    tab.page.locator("#print").click()
    assert tab.page.title() == "printed"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_are_readable(browser: Any, tmp_path: Path, scheme: str) -> None:
    tab = Tab(browser, tmp_path, sample(), color_scheme=scheme)
    for _ in range(2):
        ink, paper = tab.page.evaluate(
            "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
        )
        assert _contrast(ink, paper) > 7
        tab.page.locator("#theme").click()
    tab.context.close()


def _contrast(one: str, other: str) -> float:
    lights = sorted(_luminance(tuple(map(int, re.findall(r"\d+", c)[:3]))) for c in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(rgb: tuple[int, ...]) -> float:
    linear = [c / 3294.6 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_hostile_names_run_nothing(browser: Any, tmp_path: Path) -> None:
    """All of them on one page: in the list, as customers, and opened."""
    invoices = [replace(sample(name).invoices[0], id=f"i{n}") for n, name in enumerate(HOSTILE)]
    unique = [_renumbered(invoice, n) for n, invoice in enumerate(invoices)]
    tab = Tab(browser, tmp_path, replace(sample(HOSTILE[0]), invoices=tuple(unique)), "fr_CA")
    for view in ("lines", "invoices", "customers", "services"):
        tab.open(f"#view={view}")
        assert tab.rows() >= len(HOSTILE)
    for n, name in enumerate(HOSTILE):
        tab.open(f"#line={n * 16 + 1:012x}")
        hit = " ".join(tab.page.locator(".position.hit").inner_text().split())
        assert " ".join(name.split())[:12] in hit
    assert tab.page.title() != "pwned"
    assert tab.complaints == []
    tab.context.close()


def _renumbered(invoice: InvoiceView, n: int) -> InvoiceView:
    own = (replace(p, id=f"{n * 16 + place:012x}") for place, p in enumerate(invoice.positions, 1))
    return replace(invoice, positions=tuple(own))


def test_the_tie_out_leaves_out_what_is_zero_everywhere() -> None:
    def shown(data: ReportData) -> str:
        return html.render(data).split('id="ties"')[1].split("</section>")[0]

    for heading in ("equal", "only in Lago", "outside the scope", "Sum of causes"):
        assert f'<th scope="col" class="n">{heading}</th>' in shown(sample())
    assert "within tolerance" not in shown(sample())
    assert "only in" not in shown(equal())
    assert "Difference" not in shown(equal())


@pytest.mark.parametrize("width", [1180, 1280])
def test_names_of_rows_stand_on_few_lines_on_a_desktop(browser: Any, tmp_path: Path, width: int) -> None:
    tab = Tab(browser, tmp_path, sample(), viewport={"width": width, "height": 900})
    heights = tab.page.locator(".ties tbody tr").evaluate_all("rows => rows.map((row) => row.offsetHeight)")
    assert len(heights) == 18
    assert max(heights) < 64
    tab.context.close()


def test_the_tie_out_is_folded_on_a_phone(browser: Any, tmp_path: Path) -> None:
    for width, unfolded in ((390, False), (1280, True)):
        tab = Tab(browser, tmp_path, sample(), viewport={"width": width, "height": 844})
        assert tab.page.locator(".ties table").is_visible() is unfolded
        assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        tab.context.close()


def test_compressed_data_opens(browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "PLAIN_LIMIT", 10)
    monkeypatch.setattr(html, "CHUNK", 3)
    tab = Tab(browser, tmp_path, sample())
    assert tab.rows() == 7
    for number in (1, 9):
        tab.open(f"#line={number:012x}")
        tab.page.locator(".position.hit .column").first.wait_for()
        assert f"item c{number}" in tab.page.locator(".position.hit").inner_text()
    assert tab.complaints == []
    tab.context.close()


def test_without_script_the_page_says_so(browser: Any, tmp_path: Path) -> None:
    html.write(sample(), tmp_path / "r.html")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((tmp_path / "r.html").as_uri())
    assert "needs JavaScript" in page.locator("body").inner_text()
    context.close()


# --- for everybody ---------------------------------------------------------------------------------------------------


VIEWS = {
    "first screen": "",
    "drill-down": f"#line={1:012x}",
    "invoice": "#invoice=invoice-2",
    "customers": "#view=customers&open=",
    "nothing found": "#q=nobody-is-called-so",
}
SCREENS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 360, "height": 740}},
}


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_no_serious_barrier(browser: Any, tmp_path: Path, screen: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    both = replace(sample(), invoices=(*sample().invoices, *aged_apart()))
    tab = Tab(browser, tmp_path, both, "fr_CA" if screen == "dark" else "en_CA", **SCREENS[screen])
    found = []
    for view in VIEWS if screen == "light" else ("first screen", "drill-down"):
        tab.open(VIEWS[view])
        for violation in axe.run(tab.page).response["violations"]:
            nodes = [node["html"][:90] for node in violation["nodes"]][:3]
            found.append((view, violation["impact"], violation["id"], nodes))
    assert [f for f in found if f[1] in ("serious", "critical")] == []
    assert found == [], "not serious, but mended as well"
    assert tab.complaints == []
    tab.context.close()


def aged_apart() -> list[InvoiceView]:
    """The invoices with ages, under ids that the sample has not."""
    return [replace(_renumbered(i, n), id=f"aged-{n}") for n, i in enumerate(aged().invoices, 20)]
