"""The report as flat tables, one per level: what CSV and XLSX show. Amounts are exact Decimals in units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal

from mappings.money import from_subunits
from reports.data import SETTLEMENTS, SIDES, InvoiceView, Position, ReportData, SideView
from reports.evidence.ageing import buckets
from reports.registers import Register, SideSums, by_month
from reports.summary import lapse_remedy, position_name
from reports.tallies import tally, total_causes
from reports.texts import Texts

LEVELS = ("invoice", "customer", "service", "month")

Cell = str | int | date | Decimal | None


@dataclass(frozen=True, slots=True)
class Table:
    """Columns by their names in ``reports.texts``, and rows that have a cell for each."""

    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Cell], ...]


def name_sides(data: ReportData) -> list[str]:
    """The sides that occur, in their usual order."""
    present = {name for _, p in data.rows() for name in p.sides} | set(data.run.pair)
    return [side for side in SIDES if side in present]


def list_positions(data: ReportData, texts: Texts) -> Table:
    """One row per position."""
    shown = name_sides(data)
    rows = [_position(i, p, shown, data, texts) for i, p in data.rows()]
    return Table(_columns(shown), tuple(rows))


def _columns(shown: list[str]) -> tuple[str, ...]:
    head = ["month", "date", "customer", "customer_name", "invoice", "type", "state", "service", "position", "part"]
    tail = ["difference", "doubted", "status", "reading", "causes", "wrong_side", "proven", "waiver"]
    tail += ["open_since", "age_days", "age_runs", "reopened", "remedy", "id"]
    return (*head, "currency", *shown, *(f"units_{side}" for side in shown), *tail)


def _position(i: InvoiceView, p: Position, shown: list[str], data: ReportData, texts: Texts) -> dict[str, Cell]:
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
        "part": texts("part.settled" if p.kind in SETTLEMENTS else "part.billed"),
        "currency": i.currency,
        **{side: _amount(p.sides.get(side), i.currency) for side in shown},
        **{f"units_{side}": _units(p.sides.get(side)) for side in shown},
        "difference": from_subunits(p.delta_cents, i.currency),
        "doubted": from_subunits(p.doubt.delta_cents, i.currency) if p.doubt else None,
        "status": texts.status(p.status, data),
        "reading": texts.named("reading", p.verdict),
        "causes": ", ".join(dict.fromkeys(texts.named("cause", f.cause) for f in found)),
        "wrong_side": ", ".join(dict.fromkeys(texts.named("side", f.side) for f in found)),
        "proven": texts("proven") if found and all(f.proven for f in found) else texts("not_proven") if found else "",
        "waiver": ", ".join(dict.fromkeys(f.waiver for f in found if f.waiver)),
        "open_since": p.age.since if p.age else None,
        "age_days": p.age.days if p.age else None,
        "age_runs": p.age.runs if p.age else None,
        "reopened": p.age.reopened if p.age else None,
        "remedy": " ".join(dict.fromkeys(texts.evidence("remedy", f.remedy, i.currency) for f in found if f.remedy)),
        "id": p.id,
    }


def _amount(view: SideView | None, currency: str) -> Decimal | None:
    return None if view is None else from_subunits(view.cents, currency)


def _units(view: SideView | None) -> Decimal | None:
    return None if view is None else view.units


def list_level(data: ReportData, name: str) -> Table:
    """One row per group of a level and currency: counts, both sides, difference and sum of the causes."""
    left, right = data.run.pair
    shown = {i.id: i.number or i.id for i in data.invoices} if name == "invoice" else {}
    rows: list[dict[str, Cell]] = [
        {
            name: shown.get(group, group),
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
        for (group, currency), t in tally(data, name).items()
    ]
    columns = (name, "currency", "positions", "equal", "open", "not_compared", left, right, "difference", "causes_sum")
    return Table(columns, tuple(sorted(rows, key=lambda row: (str(row[name]), str(row["currency"])))))


def list_registers(data: ReportData, texts: Texts) -> Table:
    """One row per month, currency and side: what its own headers add up to, and what was settled since."""
    left, right = data.run.pair
    rows = [
        {**_sums(r.month, r.currency, texts.named("side", side), sums), **_settled(r, first=side == left)}
        for r in by_month(data)
        for side, sums in ((left, r.left), (right, r.right))
    ]
    return Table((*_sums("", "", "", _NO_SUMS), *_SETTLED), tuple(rows))


_NO_SUMS = SideSums(**dict.fromkeys((f.name for f in fields(SideSums)), 0))


def _sums(month: str, currency: str, side: str, sums: SideSums) -> dict[str, Cell]:
    return {
        "month": month,
        "currency": currency,
        "side": side,
        "invoices": sums.invoices,
        "net": from_subunits(sums.net_cents, currency),
        "taxes": from_subunits(sums.tax_cents, currency),
        "billed": from_subunits(sums.gross_cents, currency),
        "compared_sum": from_subunits(sums.compared_cents, currency),
        "not_compared_sum": from_subunits(sums.not_compared_cents, currency),
        "outside_sum": from_subunits(sums.outside_cents, currency),
        "only_here": sums.alone,
        "only_here_sum": from_subunits(sums.alone_cents, currency),
    }


_SETTLED = ("credit_notes", "prepaid", "total", "paid", "open_balance")


def _settled(register: Register, *, first: bool) -> dict[str, Cell]:
    """The second side tells open balances only, and those only where it has them."""
    settled, currency = register.settled, register.currency
    if not first:
        told = from_subunits(settled.tied_right_cents, currency) if settled.tied else None
        return {**dict.fromkeys(_SETTLED), "open_balance": told}
    return {
        "credit_notes": from_subunits(settled.credit_notes_cents, currency),
        "prepaid": from_subunits(settled.prepaid_cents, currency),
        "total": from_subunits(settled.total_cents, currency),
        "paid": from_subunits(settled.paid_cents, currency),
        "open_balance": from_subunits(settled.open_cents, currency),
    }


def list_lapses(data: ReportData, texts: Texts) -> Table:
    """One row per stretch that Lago billed twice, or never."""
    rows: list[dict[str, Cell]] = [
        {
            "lapse": texts.named("cause", lapse.kind),
            "customer": lapse.customer,
            "customer_name": lapse.customer_name,
            "subscription": lapse.subscription,
            "begins": lapse.begins.date(),
            "ends": lapse.ends.date(),
            "date": lapse.day,
            "currency": lapse.currency,
            "events": lapse.events,
            "worth": None if lapse.cents is None else from_subunits(lapse.cents, lapse.currency),
            "invoice": ", ".join(lapse.invoices),
            "remedy": lapse_remedy(lapse, texts),
            "rule": lapse.kind,
            "waiver": lapse.waiver or "",
        }
        for lapse in data.lapses
    ]
    columns = ("lapse", "customer", "customer_name", "subscription", "begins", "ends", "date", "currency", "events")
    return Table((*columns, "worth", "invoice", "remedy", "rule", "waiver"), tuple(rows))


def list_receivables(data: ReportData, texts: Texts) -> Table:
    """One row per currency: what Lago is owed against Odoo's receivable accounts."""
    rows: list[dict[str, Cell]] = []
    for view in data.receivables:
        amounts = {name: from_subunits(getattr(view, f"{name}_cents"), view.currency) for name in RECEIVABLE}
        rows.append({"currency": view.currency, **amounts})
    return Table(("currency", *RECEIVABLE), tuple(rows))


RECEIVABLE = ("lago", "missing", "draft", "posted", "paid", "delta", "other", "account", "astray")


def list_causes(data: ReportData, texts: Texts) -> Table:
    """One row per cause, side and currency."""
    rows: list[dict[str, Cell]] = [
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
        for c in total_causes(data)
    ]
    columns = ("cause", "wrong_side", "currency", "count", "waived", "difference", "gross", "proven")
    return Table(columns, tuple(rows))


def list_ages(data: ReportData, texts: Texts) -> Table:
    """One row per currency and age of what is open and not waived."""
    rows: list[dict[str, Cell]] = [
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
    return Table(("age", "currency", "count", "difference", "gross", "oldest"), tuple(rows))


def head_column(column: str, texts: Texts) -> str:
    """A column's name for people."""
    if column.startswith("units_"):
        return f"{texts('units')} {texts.named('side', column.removeprefix('units_'))}"
    return texts.named("side", column) if column in SIDES else texts.named("column", column)


def list_refusals(data: ReportData, texts: Texts) -> Table:
    """One row per thing that a side could not give."""
    rows: list[dict[str, Cell]] = [
        {
            "customer": i.customer,
            "invoice": i.number or i.id,
            "side": texts.named("side", r.side),
            "reason": texts.named("refusal", r.reason),
            "detail": texts.said(r.detail),
            "rule": f"refused:{r.reason}",
            "waiver": r.waiver or "",
        }
        for i in data.invoices
        for r in i.refusals
    ]
    return Table(("customer", "invoice", "side", "reason", "detail", "rule", "waiver"), tuple(rows))
