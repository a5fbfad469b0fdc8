"""Report data for the tests of the renderers: three currencies, every status, and names that want to break out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from mappings.explain import Step, StepKind
from mappings.phrases import Told
from reports.data import (
    SETTLEMENTS,
    SIDES,
    Age,
    EventView,
    Evidence,
    Finding,
    InvoiceView,
    Position,
    RefusalView,
    RegisterView,
    ReportData,
    RunView,
    SideView,
    Usage,
    WaiverView,
)
from reports.registers import check_registers
from reports.tallies import check_ties
from reports.texts.refusals import DETAILS
from reports.texts.states import STATES

HOSTILE = (
    "</script><script>document.title='pwned'</script>",
    "<img src=x onerror=\"document.title='pwned'\">",
    "=cmd|' /C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    '"; DROP TABLE x; --',
    "{{ 7*7 }}{% raw %}",
    "[click](javascript:alert(1)) **bold** | cell | `code` @user #1",
    "line\nbreak\ttab\x07bell \u202e override \u2028 separator",
    "]]> & &amp; 'quotes' \"double\"",
    "株式会社さくらマップ Œuvre & Cie",
)
NOW = datetime(2026, 8, 20, 23, 50, tzinfo=UTC)
RUN = RunView(
    period="2026-07",
    organization="NexaSystems Inc.",
    pair=("lago", "odoo"),
    lago_version="v1.51.0",
    odoo_version="19.0",
    tool_version="0.1.0",
    snapshot_taken_at=NOW,
    compared_at=NOW,
    materiality_cents=100,
)


def view(cents: int, lines: int = 1, **more: object) -> SideView:
    return SideView(cents=cents, lines=lines, **more)  # type: ignore[arg-type]


def position(number: int, lago: int, odoo: int | None, rerate: int | None, **more: object) -> Position:
    sides = {"lago": lago, "odoo": odoo, "rerate": rerate}
    delta = 0 if odoo is None else odoo - lago
    values: dict[str, object] = {
        "id": f"{number:012x}",
        "kind": "charge",
        "header": False,
        "label": f"Line {number}",
        "service": "NexaCloud",
        "key": {"subscription": "s", "kind": "charge", "item": f"c{number}"},
        "status": "refused" if odoo is None else "differs" if delta else "equal",
        "shape": "1:1",
        "delta_cents": delta,
        "verdict": "unknown" if odoo is None else "odoo" if delta else "match",
        "sides": {name: view(cents) for name, cents in sides.items() if cents is not None},
        "findings": (finding(delta),) if delta else (),
        **more,
    }
    return Position(**values)  # type: ignore[arg-type]


def finding(delta: int, cause: str = "missing_usage", side: str = "odoo", **more: object) -> Finding:
    evidence = Evidence(
        name="units",
        values={"theirs": Decimal("9.5"), "ours": Decimal("1234.567"), "their_events": 9, "our_events": 10},
    )
    values: dict[str, object] = {"proven": True, "evidence": (evidence,), "remedy": Evidence(name="load_usage"), **more}
    return Finding(cause=cause, side=side, delta_cents=delta, **values)  # type: ignore[arg-type]


def doubt(cents: int, **more: object) -> Finding:
    """Of a position on which both sides agree: the re-rate says this much more."""
    evidence = Evidence(name="rerate_differs", values={"both_cents": 50, "rerate_cents": 50 + cents})
    told: dict[str, object] = {
        "proven": False,
        "evidence": (evidence,),
        "remedy": Evidence(name="settle_doubt"),
        **more,
    }
    return finding(cents, "rerate_differs", "rerate", **told)


def invoice(day: int, /, *positions: Position, currency: str = "CAD", **more: object) -> InvoiceView:
    values: dict[str, object] = {
        "id": f"invoice-{day}",
        "number": f"NEX-{day:03}",
        "customer": f"NX-{day}",
        "customer_name": f"Customer {day}",
        "currency": currency,
        "month": "2026-07",
        "issued_on": date(2026, 7, day),
        "type": "subscription",
        "state": "finalized",
        "positions": positions,
        "registers": headers(positions),
        "open_cents": {"lago": 0},
        **more,
    }
    return InvoiceView(**values)  # type: ignore[arg-type]


def headers(positions: Sequence[Position]) -> dict[str, RegisterView]:
    """What each side states over its positions; Lago always, the others where they know all of them."""
    billed = [p for p in positions if p.kind not in SETTLEMENTS]
    found = {}
    for side in SIDES:
        if side == "lago" or all(side in p.sides for p in billed):
            gross = sum(p.cents(side) or 0 for p in billed)
            tax = sum(p.cents(side) or 0 for p in billed if p.kind == "tax")
            found[side] = RegisterView(net_cents=gross - tax, tax_cents=tax, gross_cents=gross)
    return found


STEPS = (
    Step(
        kind=StepKind.TIER_RANGE,
        values={"lower": Decimal(0), "upper": Decimal(100)},
        units=Decimal(100),
        unit_price=Decimal("0.0500"),
        flat=Decimal(2),
        amount=Decimal(7),
    ),
    Step(kind=StepKind.AS_WRITTEN, values={"text": "rounded"}),
)


def sample(name: str = "", run: RunView = RUN) -> ReportData:
    """A report with something of everything; ``name`` is put wherever the data's own text is shown."""
    hostile = {"label": name or "API calls", "service": name or "NexaCloud"}
    events = tuple(EventView(transaction_id=name or f"tx-{n}", at=NOW, received=NOW, properties=name or '{"n": 1}', in_odoo=n > 1) for n in (1, 2))  # fmt: skip  # noqa: E501
    used = Usage(metric=name or "api_calls", total=1234, events=events)
    odd = position(1, 100_00, 90_00, 100_00, **hostile, usage=used, sides={"lago": view(100_00, steps=STEPS, units=Decimal("1234567.125"), events=10, source=name), "odoo": view(90_00), "rerate": view(100_00)})  # fmt: skip  # noqa: E501
    tax = position(2, 13_00, 11_70, 13_00, header=True, kind="tax", label="hst_on", service="", key={"part": "tax", "code": "hst_on"})  # fmt: skip  # noqa: E501
    waived = position(3, 5, 6, 5, findings=(finding(1, "tax_rounding", waiver="tax_rounding"),))
    only = position(4, 700, 0, 0, status="only_left", sides={"lago": view(700), "odoo": view(0, 0), "rerate": view(0, 0)}, findings=(finding(-700, "unexplained", "unknown", proven=False, evidence=(), remedy=None),), lookalikes=(f"{5:012x}",), verdict="lago")  # fmt: skip  # noqa: E501
    extra = position(5, 0, 700, 0, status="only_right", findings=(finding(700, "extra_line"),))
    model = position(6, 50, 50, 49, verdict="model")
    refused = position(7, 300, None, 300)
    refusal = RefusalView(side="odoo", reason="order_missing", detail=name or "no order")
    apart = position(8, 999, None, 999, status="outside")
    data = ReportData(
        run=replace(run, organization=name or run.organization),
        invoices=(
            invoice(1, odd, tax, customer=name or "NX-1", customer_name=name or "Maple", number=name or "NEX-001"),
            invoice(2, waived, only, extra, model),
            invoice(3, position(9, 6992, 6990, 6992), currency="JPY", issued_on=date(2026, 7, 31)),
            invoice(4, position(10, 12345, 12345, 12345), currency="KWD"),
            invoice(5, refused, refusals=(refusal,)),
            invoice(6, apart, type="one_off", notes={"outside_odoo": "one_off"}),
        ),
        waivers=(
            WaiverView(rule="tax_rounding", reason=name or "r", author="a", approver="b", expires=date(2026, 9, 30), expired=False, used=1),  # noqa: E501
            WaiverView(rule="price", reason="old", author="a", approver="b", expires=date(2026, 1, 1), expired=True, used=0),  # noqa: E501
        ),
    )  # fmt: skip
    check_ties(data)
    check_registers(data)
    return data


def aged() -> ReportData:
    """Two currencies, three ages, one of them waived, one reopened."""

    def of(number: int, days: int, delta: int, **more: object) -> Position:
        age = Age(since=NOW.date() - timedelta(days=days), runs=3, days=days, **({"reopened": 1} if days > 90 else {}))
        return position(number, 100, 100 + delta, 100, age=age, **more)

    waived = of(4, 400, -7, findings=(finding(-7, waiver="w"),))
    first = invoice(1, of(1, 0, 5), of(2, 45, -300), of(3, 100, 20), waived, position(5, 9, 9, 9))
    return ReportData(run=RUN, invoices=(first, invoice(2, of(6, 100, 4), currency="JPY")))


def equal() -> ReportData:
    """Nothing differs."""
    return ReportData(run=RUN, invoices=(invoice(1, position(1, 100, 100, 100)),))


def nothing() -> ReportData:
    """A month without invoices."""
    return ReportData(run=RUN, invoices=())


def refusing() -> ReportData:
    """Everything of ours that a refusal can say in detail, one beside the other, each of a reason of its own."""
    reasons = [name.removeprefix("refusal.") for name in STATES if name.startswith("refusal.")]
    places = [(side, reason) for reason in reasons for side in SIDES]
    details = [kind.of(*(f"zz{n}" for n in range(kind.count("{")))) for kind in Told if f"told.{kind}" in DETAILS]
    refusals = (RefusalView(side=s, reason=r, detail=d) for (s, r), d in zip(places, details, strict=False))
    refused = invoice(1, position(1, 100, None, 100), refusals=tuple(refusals))
    assert len(refused.refusals) == len(details)
    return ReportData(run=RUN, invoices=(refused,))
