"""How large and how quick a report of very many differences is, in headless Chromium.

    python -m bench.report [--differences 100000] [--keep FILE]        make bench-report

Invented customers and subscriptions with random ids (which hardly compress), a catalog of 300 charges, amounts and
usage at random; Lago and the re-rate agree, Odoo does not; steps, evidence and an age on every position.
Prints what the issue asks for, limit beside measure: size, time until the list is there, time of each filter.
"""

from __future__ import annotations

import argparse
import random
import resource
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from mappings.explain import Step, StepKind
from reports import html
from reports.data import Age, Evidence, Finding, InvoiceView, Position, ReportData, RunView, SideView
from reports.tallies import check_ties

NOW = datetime(2026, 8, 20, tzinfo=UTC)
PER_INVOICE = 8
SIZE, OPEN, FILTER = 10.0, 2000.0, 100.0  # MB, ms, ms
WORDS = ("maple", "north", "harbour", "cedar", "granite", "prairie", "boreal", "laurier", "fundy", "aurora", "delta")
CAUSES = ("missing_usage", "price", "coupon_missing", "tax_rounding", "late_events", "unexplained")
SERVICES = ("NexaCloud", "NexaDesk", "NexaMaps", "NexaPulse")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; ``limit`` 0: none."""

    what: str
    value: float
    unit: str
    limit: float = 0.0
    best: float | None = None  # of several measures, of which ``value`` is the median

    @property
    def good(self) -> bool:
        measured = self.value if self.best is None else self.best
        return not self.limit or measured <= self.limit


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--differences", type=int, default=100_000)
    parser.add_argument("--keep", type=Path, help="keep the page here")
    asked = parser.parse_args(arguments)
    data = company(asked.differences)
    check_ties(data)
    with tempfile.TemporaryDirectory() as folder:
        page = asked.keep or Path(folder) / "report.html"
        start = time.process_time()
        html.write(data, page)
        written = time.process_time() - start
        rows = [
            Row("size of the page", page.stat().st_size / 1e6, "MB", SIZE),
            Row("written in (processor time)", written * 1000, "ms"),
            Row("peak memory of writing", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MB"),
            *in_browser(page),
        ]
    show(asked.differences, rows)
    return 0 if all(row.good for row in rows) else 1


def show(differences: int, rows: Sequence[Row]) -> None:
    print(f"{differences:,} differences in one page")
    print(f"{'':<34}{'median':>12}    {'best':>12}{'limit':>8}")
    for row in rows:
        best = "" if row.best is None else f"{row.best:,.1f}"
        limit = f"{row.limit:,.0f}" if row.limit else ""
        print(f"{row.what:<34}{row.value:>12,.1f} {row.unit:<3}{best:>12}{limit:>8}  {'' if row.good else 'MISSED'}")


# --- an invented company -----------------------------------------------------------------------------------------


def company(differences: int, seed: int = 7) -> ReportData:
    """So many differing positions."""
    dice = random.Random(seed)
    customers = [customer(dice, n) for n in range(max(1, differences // 50))]
    catalog = [identifier(dice) for _ in range(300)]
    numbers = range(0, differences, PER_INVOICE)
    invoices = tuple(
        invoice(dice, start, min(PER_INVOICE, differences - start), dice.choice(customers), catalog)
        for start in numbers
    )
    run = RunView(
        period="2026-07",
        organization="Bench Inc.",
        pair=("lago", "odoo"),
        lago_version="v1.51.0",
        odoo_version="19.0",
        tool_version="bench",
        snapshot_taken_at=NOW,
        compared_at=NOW,
        materiality_cents=500,
    )
    return ReportData(run=run, invoices=invoices)


def identifier(dice: random.Random) -> str:
    return str(uuid.UUID(int=dice.getrandbits(128), version=4))


def customer(dice: random.Random, number: int) -> tuple[str, str]:
    return f"CUST-{number:06}", f"{' '.join(dice.sample(WORDS, 2)).title()} {number} Ltd."


def invoice(
    dice: random.Random, start: int, positions: int, who: tuple[str, str], catalog: Sequence[str]
) -> InvoiceView:
    subscription = identifier(dice)
    return InvoiceView(
        id=identifier(dice),
        number=f"BEN-{start // PER_INVOICE:07}",
        customer=who[0],
        customer_name=who[1],
        currency=dice.choice(("CAD", "CAD", "CAD", "USD", "JPY")),
        month="2026-07",
        issued_on=date(2026, 7, dice.randint(1, 31)),
        type="subscription",
        state="finalized",
        positions=tuple(position(dice, subscription, dice.choice(catalog)) for _ in range(positions)),
    )


def position(dice: random.Random, subscription: str, charge: str) -> Position:
    right, wrong = usage(dice), usage(dice)
    lago = dice.randint(100, 500_000)
    delta = dice.choice((-1, 1)) * dice.randint(1, 5_000)
    cause, days = dice.choice(CAUSES), dice.choice((0, 20, 45, 100))
    return Position(
        id=f"{dice.getrandbits(48):012x}",
        kind="charge",
        header=False,
        label=f"Metric {dice.randrange(60)}",
        service=dice.choice(SERVICES),
        key={"subscription": subscription, "kind": "charge", "item": charge},
        status="differs",
        shape="1:1",
        delta_cents=delta,
        verdict="odoo",
        sides={"lago": side(lago, right), "odoo": side(lago + delta, wrong), "rerate": side(lago, right)},
        findings=(finding(dice, cause, delta),),
        age=Age(since=NOW.date() - timedelta(days=days), runs=3, days=days),
    )


def usage(dice: random.Random) -> tuple[Decimal, int]:
    """Units and events."""
    return Decimal(dice.randint(1, 10**6)).scaleb(-2), dice.randint(1, 500)


def side(cents: int, used: tuple[Decimal, int]) -> SideView:
    units, events = used
    steps = (
        Step(kind=StepKind.UNITS_PRICE, units=units, unit_price=Decimal("0.05"), amount=Decimal(cents).scaleb(-2)),
    )
    return SideView(cents=cents, units=units, events=events, source="fee", steps=steps)


def finding(dice: random.Random, cause: str, delta: int) -> Finding:
    values = {"theirs": Decimal(9), "ours": Decimal(10), "their_events": dice.randint(1, 99), "our_events": 100}
    return Finding(
        cause=cause,
        side=dice.choice(("odoo", "odoo", "lago")),
        delta_cents=delta,
        proven=cause != "unexplained",
        evidence=(Evidence(name="units", values=values),),
        remedy=Evidence(name="load_usage"),
    )


# --- in a browser ------------------------------------------------------------------------------------------------

# From the change of the address to the painted list: two frames, so that layout and paint are in it.
ACT = """async (hash) => {
  await new Promise((done) => requestAnimationFrame(done));
  const start = performance.now();
  history.replaceState(null, "", hash);
  dispatchEvent(new HashChangeEvent("hashchange"));
  document.body.offsetHeight;
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
  return performance.now() - start;
}"""
FILTERS = {
    "filter by cause": "#cause=price",
    "filter by side": "#side=lago",
    "filter by service": "#service=NexaMaps",
    "filter by customer": "#customer=CUST-000007",
    "filter by amount": "#min=40",
    "filter by age": "#age=90%2B",
    "only material": "#material=1",
    "search": "#q=granite+metric",
    "sort by customer": "#sort=customer",
    "sort by position": "#sort=line",
    "all customers": "#view=customers",
    "all invoices": "#view=invoices",
}


def in_browser(page: Path) -> Iterator[Row]:
    """Opening and each filter, seven times: the median, and the best where others use the machine."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if (found := shutil.which(name))), "")
    if not path:
        raise SystemExit("no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page()
        yield timed("opens: the list is there after", (opened(tab, page) for _ in range(7)), OPEN)
        tab.wait_for_timeout(1500)  # what the page prepares while nobody does anything
        for name, fragment in FILTERS.items():
            yield timed(name, (tab.evaluate(ACT, fragment) for _ in range(7)), FILTER)
        browser.close()


def opened(tab: Any, page: Path) -> float:
    tab.goto("about:blank")
    start = time.perf_counter()
    tab.goto(page.as_uri())
    tab.locator("#app:not([hidden])").wait_for()  # no script: the page's policy bars evaluating
    return (time.perf_counter() - start) * 1000


def timed(what: str, values: Iterator[float], limit: float) -> Row:
    ordered = sorted(values)
    return Row(what, ordered[len(ordered) // 2], "ms", limit, best=ordered[0])


if __name__ == "__main__":
    sys.exit(main())
