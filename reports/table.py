"""The report as flat tables (pandas), one per level: what CSV and XLSX show. Amounts are exact Decimals in units."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pandas as pd

from mappings.money import from_subunits
from reports.ageing import buckets
from reports.data import SIDES, Group, InvoiceView, Position, ReportData, SideView, cause_totals, tallies
from reports.summary import position_name
from reports.texts import Texts

LEVELS: Mapping[str, Group] = {
    "invoice": lambda i, p: i.number or i.id,
    "customer": lambda i, p: i.customer,
    "service": lambda i, p: p.service,
    "month": lambda i, p: i.month,
}


def sides(data: ReportData) -> list[str]:
    """The sides that occur, in their usual order."""
    present = {name for _, p in data.rows() for name in p.sides} | set(data.run.pair)
    return [side for side in SIDES if side in present]


def positions(data: ReportData, texts: Texts) -> pd.DataFrame:
    """One row per position."""
    shown = sides(data)
    rows = [_position(i, p, shown, data, texts) for i, p in data.rows()]
    return pd.DataFrame(rows, columns=list(_columns(shown)), dtype=object)


def _columns(shown: list[str]) -> list[str]:
    head = ["month", "date", "customer", "customer_name", "invoice", "type", "state", "service", "position", "currency"]
    tail = ["difference", "status", "reading", "causes", "wrong_side", "proven", "waiver"]
    tail += ["open_since", "age_days", "age_runs", "reopened", "remedy", "id"]
    return [*head, *shown, *(f"units_{side}" for side in shown), *tail]


def _position(i: InvoiceView, p: Position, shown: list[str], data: ReportData, texts: Texts) -> dict[str, Any]:
    found = p.findings
    return {
        "month": i.month,
        "date": i.issued_on,
        "customer": i.customer,
        "customer_name": i.customer_name,
        "invoice": i.number or i.id,
        "type": texts.named("type", i.type),
        "state": texts.named("state", i.state),
        "service": p.service,
        "position": position_name(p, texts),
        "currency": i.currency,
        **{side: _amount(p.sides.get(side), i.currency) for side in shown},
        **{f"units_{side}": _units(p.sides.get(side)) for side in shown},
        "difference": from_subunits(p.delta_cents, i.currency),
        "status": texts.status(p.status, data),
        "reading": texts.named("reading", p.verdict),
        "causes": ", ".join(dict.fromkeys(texts.named("cause", f.cause) for f in found)),
        "wrong_side": ", ".join(dict.fromkeys(texts.named("side", f.side) for f in found)),
        "proven": texts("proven") if found and all(f.proven for f in found) else texts("not_proven") if found else "",
        "waiver": ", ".join(dict.fromkeys(f.waiver for f in found if f.waiver)),
        "open_since": p.age and p.age.since,
        "age_days": p.age and p.age.days,
        "age_runs": p.age and p.age.runs,
        "reopened": p.age and p.age.reopened,
        "remedy": " ".join(dict.fromkeys(texts.evidence("remedy", f.remedy, i.currency) for f in found if f.remedy)),
        "id": p.id,
    }


def _amount(view: SideView | None, currency: str) -> Decimal | None:
    return None if view is None else from_subunits(view.cents, currency)


def _units(view: SideView | None) -> Decimal | None:
    return None if view is None else view.units


def level(data: ReportData, name: str) -> pd.DataFrame:
    """One row per group of a level and currency: counts, both sides, difference and sum of the causes."""
    left, right = data.run.pair
    rows = [
        {
            name: group,
            "currency": currency,
            "positions": t.positions,
            "equal": t.equal,
            "open": t.differs + t.only_left + t.only_right,
            "not_compared": t.refused + t.outside,
            left: from_subunits(t.left_cents, currency),
            right: from_subunits(t.right_cents, currency),
            "difference": from_subunits(t.delta_cents, currency),
            "causes_sum": from_subunits(t.explained_cents, currency),
        }
        for (group, currency), t in sorted(tallies(data, LEVELS[name]).items())
    ]
    columns = [name, "currency", "positions", "equal", "open", "not_compared", left, right, "difference", "causes_sum"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def causes(data: ReportData, texts: Texts) -> pd.DataFrame:
    """One row per cause, side and currency."""
    rows = [
        {
            "cause": texts.named("cause", c.cause),
            "wrong_side": texts.named("side", c.side),
            "currency": c.currency,
            "count": c.count,
            "waived": c.waived,
            "difference": from_subunits(c.delta_cents, c.currency),
            "gross": from_subunits(c.gross_cents, c.currency),
            "proven": texts("proven") if c.proven else texts("not_proven"),
        }
        for c in cause_totals(data)
    ]
    columns = ["cause", "wrong_side", "currency", "count", "waived", "difference", "gross", "proven"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def ages(data: ReportData, texts: Texts) -> pd.DataFrame:
    """One row per currency and age of what is open and not waived."""
    rows = [
        {
            "age": texts(f"age.{b.name}"),
            "currency": b.currency,
            "count": b.count,
            "difference": from_subunits(b.delta_cents, b.currency),
            "gross": from_subunits(b.gross_cents, b.currency),
            "oldest": b.oldest,
        }
        for b in buckets(data)
    ]
    return pd.DataFrame(rows, columns=["age", "currency", "count", "difference", "gross", "oldest"], dtype=object)


def heading(column: str, texts: Texts) -> str:
    """A column's name for people."""
    if column.startswith("units_"):
        return f"{texts('units')} {texts.named('side', column.removeprefix('units_'))}"
    return texts.named("side", column) if column in SIDES else texts.named("column", column)


def refusals(data: ReportData, texts: Texts) -> pd.DataFrame:
    """One row per thing that a side could not give."""
    rows = [
        {
            "customer": i.customer,
            "invoice": i.number or i.id,
            "side": texts.named("side", r.side),
            "reason": texts.named("refusal", r.reason),
            "detail": r.detail,
            "rule": f"refused:{r.reason}",
            "waiver": r.waiver or "",
        }
        for i in data.invoices
        for r in i.refusals
    ]
    return pd.DataFrame(
        rows, columns=["customer", "invoice", "side", "reason", "detail", "rule", "waiver"], dtype=object
    )
