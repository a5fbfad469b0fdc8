"""Reports at random: every status, cause, refusal, lapse, waiver, state and materiality, and headers that follow."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from hypothesis import strategies as st

from reconcile.rerate.lapses import KINDS as KINDS_OF_LAPSES
from reports.data import (
    STATUSES,
    Evidence,
    Finding,
    InvoiceView,
    LapseView,
    Position,
    ReceivableView,
    RefusalView,
    RegisterView,
    ReportData,
    SideView,
)
from tests.reporting.sample import RUN, headers

REMEDIES = (None, "waive_rounding", "accept_rule", "price_passed", "bill_by_date", "load_usage", "mend_price")
KINDS = ("charge", "subscription", "tax", "coupons", "prepaid", "settled")
CENTS = st.integers(-500, 500)


def waivers() -> st.SearchStrategy[str | None]:
    return st.sampled_from([None, None, "w"])


@st.composite
def findings(draw: st.DrawFn, delta: int) -> tuple[Finding, ...]:
    """One or two that add up to the difference."""
    first = draw(st.one_of(st.just(delta), CENTS))
    parts = [first] if first == delta else [first, delta - first]
    remedies = [draw(st.sampled_from(REMEDIES)) for _ in parts]
    return tuple(
        Finding(
            cause=draw(st.sampled_from(["price", "tax_rounding", "unexplained"])),
            side=draw(st.sampled_from(["lago", "odoo", "unknown"])),
            delta_cents=cents,
            proven=draw(st.booleans()),
            remedy=Evidence(name=name) if name else None,
            waiver=draw(waivers()),
        )
        for cents, name in zip(parts, remedies, strict=True)
    )


def doubt(cents: int, waiver: str | None) -> Finding:
    """Both sides agree, and the re-rate says this much more."""
    return Finding(cause="rerate_differs", side="rerate", delta_cents=cents, proven=False, waiver=waiver)


@st.composite
def positions(draw: st.DrawFn, number: int, refused: bool) -> Position:
    status = draw(st.sampled_from([s for s in STATUSES if s != "refused" or refused]))
    left = draw(CENTS)
    others = {"equal": st.just(left), "tolerated": st.just(left + 1)}
    right = draw(others.get(status, CENTS.filter(lambda cents: cents != left)))
    shown = {"lago": left} if status in ("refused", "outside") else {"lago": left, "odoo": right}
    delta = right - left if "odoo" in shown else 0
    kind = draw(st.sampled_from(KINDS))
    beyond = draw(st.one_of(st.just(0), st.sampled_from([-300, -1, 1, 250]))) if status in others else 0
    if beyond:
        shown = {**shown, "rerate": left + beyond}
    doubts = (doubt(beyond, draw(waivers())),) if beyond else ()
    return Position(
        id=f"{number:012x}",
        kind=kind,
        header=kind not in ("charge", "subscription"),
        label="",
        service="",
        key={},
        status=status,
        shape="1:1",
        delta_cents=delta,
        verdict="model" if doubts else "unvoted",
        sides={name: SideView(cents=cents) for name, cents in shown.items()},
        findings=(*(draw(findings(delta)) if delta else ()), *doubts),
    )


@st.composite
def invoices(draw: st.DrawFn, number: int) -> InvoiceView:
    sides = draw(st.lists(st.sampled_from(["lago", "odoo"]), max_size=2))
    refusals = tuple(RefusalView(side=s, reason="r", detail="d", waiver=draw(waivers())) for s in sides)
    rows = tuple(draw(positions(10 * number + n, bool(refusals))) for n in range(draw(st.integers(0, 4))))
    stated: dict[str, RegisterView] = headers(rows)
    if refusals:  # Lago's own header stands, whatever its positions add up to
        stated = {"lago": replace(stated["lago"], gross_cents=draw(CENTS))}
    due = {"lago": draw(CENTS), **({"odoo": draw(CENTS)} if draw(st.booleans()) else {})}
    return InvoiceView(
        id=f"invoice-{number}",
        number=f"N-{number}",
        customer=draw(st.sampled_from(["a", "b"])),
        customer_name="A",
        currency=draw(st.sampled_from(["CAD", "EUR", "JPY"])),
        month=draw(st.sampled_from(["2026-06", "2026-07"])),
        issued_on=date(2026, 7, 1),
        type="subscription",
        state=draw(st.sampled_from(["finalized", "finalized", "draft", "voided"])),
        positions=rows,
        refusals=refusals,
        registers=stated,
        open_cents=due,
    )


@st.composite
def lapses(draw: st.DrawFn) -> LapseView:
    return LapseView(
        kind=draw(st.sampled_from(KINDS_OF_LAPSES)),
        customer="a",
        customer_name="A",
        subscription="s",
        begins=datetime(2026, 7, 1, tzinfo=UTC),
        ends=datetime(2026, 8, 1, tzinfo=UTC),
        day=date(2026, 8, 1),
        currency="CAD",
        cents=draw(st.one_of(st.none(), CENTS)),
        events=3,
        waiver=draw(waivers()),
    )


@st.composite
def receivables(draw: st.DrawFn, currency: str) -> ReceivableView:
    """Tied, off by a few cents, or with accounts that hold something else."""
    lago, paid, other = (draw(st.integers(0, 500)) for _ in range(3))
    off, broken = (draw(st.sampled_from([0, 0, 0, 3])) for _ in range(2))
    posted = lago - paid + off
    return ReceivableView(
        currency=currency,
        lago_cents=lago,
        missing_cents=draw(st.integers(0, 500)),
        draft_cents=0,
        posted_cents=posted,
        paid_cents=paid,
        other_cents=other,
        account_cents=posted + other + broken,
    )


@st.composite
def reports(draw: st.DrawFn) -> ReportData:
    """A whole report."""
    made = tuple(draw(invoices(n)) for n in range(draw(st.integers(0, 4))))
    run = replace(RUN, materiality_cents=draw(st.sampled_from([0, 1, 300, 5000])))
    owed = tuple(draw(receivables(code)) for code in draw(st.sampled_from([(), ("CAD",), ("CAD", "EUR")])))
    return ReportData(run=run, invoices=made, lapses=tuple(draw(st.lists(lapses(), max_size=2))), receivables=owed)
