"""A compared invoice as report data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from mappings.explain import Step
from reconcile.billed import BilledInvoice, BilledLine, LineKey
from reconcile.compare.positions import Compared, ComparedInvoice, Key
from reconcile.compare.verdict import Verdict, control_verdict, verdict
from reports.data import (
    DOUBT,
    LAGO,
    ODOO,
    RERATE,
    SIDES,
    Evidence,
    Finding,
    InvoiceView,
    Pair,
    Position,
    RefusalView,
    RegisterView,
    SideName,
    SideView,
)


def view(
    invoice: ComparedInvoice,
    findings: Mapping[Key, tuple[Finding, ...]],
    services: Mapping[str, str],
    tolerance_cents: int = 0,
) -> InvoiceView:
    """A compared invoice as report data."""
    base = invoice.base
    names = {p.key: position_id(base.lago_id, p.key) for p in invoice.positions}
    return InvoiceView(
        id=base.lago_id,
        number=base.number,
        customer=base.customer,
        customer_name=base.customer_name or base.customer,
        currency=base.currency,
        month=base.issued_on.strftime("%Y-%m"),
        issued_on=base.issued_on,
        type=base.type,
        state=base.state,
        positions=tuple(
            _position_view(p, invoice, findings.get(p.key, ()), names, services, tolerance_cents)
            for p in invoice.positions
        ),
        refusals=tuple(
            RefusalView(side=name, reason=r.reason, detail=r.detail)
            for name, side in invoice.sides.items()
            for r in side.refusals
        ),
        notes=_notes(invoice),
        registers={name: header for name, side in invoice.sides.items() if (header := _register(name, side))},
        open_cents={n: side.open_cents for n, side in invoice.sides.items() if side.open_cents is not None},
    )


def _register(name: SideName, side: BilledInvoice) -> RegisterView | None:
    """A side's own header. Lago's stands whatever cannot be compared; a side that refuses has none."""
    stated = side.register if name == LAGO else None if side.refusals else side.totals
    if stated is None:
        return None
    return RegisterView(
        net_cents=stated.net_cents,
        tax_cents=stated.tax_cents,
        gross_cents=stated.gross_cents,
        credit_notes_cents=stated.credit_notes_cents,
        prepaid_cents=stated.prepaid_cents,
        paid_cents=side.paid_cents,
    )


def _notes(invoice: ComparedInvoice) -> dict[str, str]:
    """What a person should know of an invoice that was not compared, or that was kept as a draft."""
    notes = {}
    for name, side in invoice.sides.items():
        if side.outside:
            notes[f"outside_{name}"] = side.outside
        if side.unnamed_taxes:
            notes[f"unnamed_taxes_{name}"] = ", ".join(side.unnamed_taxes)
        if side.drafts:
            notes[f"drafts_{name}"] = ", ".join(map(str, side.drafts))
    return notes


def position_id(invoice_id: str, key: Key) -> str:
    """A short name that stays the same from run to run."""
    return hashlib.sha256(f"{invoice_id}|{key!r}".encode()).hexdigest()[:12]


def _position_view(
    position: Compared,
    invoice: ComparedInvoice,
    findings: tuple[Finding, ...],
    names: Mapping[Key, str],
    services: Mapping[str, str],
    tolerance_cents: int,
) -> Position:
    key = position.key
    line = isinstance(key, LineKey)
    reading = _verdict(position, invoice.pair, tolerance_cents, findings)
    return Position(
        id=names[key],
        kind=key.kind if isinstance(key, LineKey) else key.part,
        header=not line,
        label=_label(position, invoice),
        service=services.get(key.subscription, "") if isinstance(key, LineKey) else "",
        key=key_fields(key),
        status=position.status,
        shape=position.shape,
        delta_cents=position.delta_cents,
        verdict=reading,
        sides={name: _side_view(position, name) for name in position.cents},
        findings=(*findings, _doubt(position)) if reading == Verdict.MODEL else findings,
        lookalikes=tuple(names[other] for other in position.lookalikes),
    )


def _verdict(position: Compared, pair: Pair, tolerance_cents: int, findings: tuple[Finding, ...] = ()) -> str:
    """The reading of the votes; a proof that the re-rate followed a wrong record of Lago's overrules them."""
    if position.delta_cents and findings and all(f.proven for f in findings) and {f.side for f in findings} == {LAGO}:
        return Verdict.LAGO
    lago, odoo, rerate = (position.cents.get(name) for name in SIDES)
    if ODOO not in pair:
        return control_verdict(lago, rerate, tolerance_cents)
    return verdict(lago, odoo, rerate, tolerance_cents)


def _doubt(position: Compared) -> Finding:
    """Both sides agree, and the re-rate does not. Which of them is off no vote can tell: nothing is proven."""
    lago, rerate = position.cents[LAGO], position.cents[RERATE]
    evidence = Evidence(name=DOUBT, values={"both_cents": lago, "rerate_cents": rerate})
    return Finding(
        cause=DOUBT,
        side=RERATE,
        delta_cents=rerate - lago,
        proven=False,
        evidence=(evidence,),
        remedy=Evidence(name="settle_doubt"),
    )


def _label(position: Compared, invoice: ComparedInvoice) -> str:
    """Lago's name for the line, else the first other side's; a header part is named by its code."""
    for name in invoice.sides:
        for line in position.lines.get(name, ()):
            if line.label:
                return line.label
    return position.key.item if isinstance(position.key, LineKey) else position.key.code


def key_fields(key: Key) -> dict[str, str]:
    """The key as flat text, without its empty parts."""
    if not isinstance(key, LineKey):
        return {"part": key.part, **({"code": key.code} if key.code else {})}
    group = ", ".join(f"{name}={value}" for name, value in key.group)
    flat = {
        "subscription": key.subscription,
        "kind": key.kind,
        "item": key.item,
        "filter": key.filter,
        "group": group,
        "event": key.event,
    }
    return {name: value for name, value in flat.items() if value}


def _side_view(position: Compared, name: SideName) -> SideView:
    lines = position.lines.get(name, ())
    events = [line.events for line in lines]
    return SideView(
        cents=position.cents[name],
        lines=len(lines),
        units=_sum([line.units for line in lines]),
        events=sum(e for e in events if e is not None) if events and None not in events else None,
        precise_cents=_sum([line.precise_cents for line in lines]),
        source="; ".join(str(line.origin) for line in lines if line.origin),
        steps=tuple(step for line in lines for step in _steps(line, len(lines))),
    )


def _sum(values: list[Decimal | None]) -> Decimal | None:
    """Sum, if every line knows its part."""
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(values) else None


def _steps(line: BilledLine, lines: int) -> tuple[Step, ...]:
    """Where several lines are one position, each step says whose it is."""
    several = lines > 1 and line.label
    return tuple(replace(step, line=line.label) for step in line.steps) if several else line.steps
