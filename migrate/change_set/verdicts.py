"""A reconciled month as records of ``fusion.billing.reconciliation``, one per position of an invoice. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from mappings.context import currency_ref, partner_ref
from mappings.money import from_subunits
from mappings.records import Snapshot
from mappings.subscriptions import order_ref
from mappings.target import Desired, Phase, Ref, Source, Value, xid
from reports.data import ONLY_LEFT, ONLY_RIGHT, REFUSED, Finding, InvoiceView, Position, ReportData
from reports.summary import position_name
from reports.texts import Texts

MODEL = "fusion.billing.reconciliation"
PREFIX = "lago.verdict_"
RUN = "run"  # tells which run gave a verdict first: no reason to write it again
STATUSES = {ONLY_LEFT: "only_lago", ONLY_RIGHT: "only_odoo"}  # the others keep their names
RELATIONS = ("partner_id", "order_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """Where a verdict belongs in Odoo: external id of a customer in Lago -> partner."""

    partners: Mapping[str, Ref]

    @classmethod
    def of(cls, snapshot: Snapshot) -> Owners:
        """Of the customers of a snapshot; whether Odoo has them is another question."""
        return cls(partners={c.external_id: partner_ref(c.lago_id) for c in snapshot.customers})


def verdicts(data: ReportData, owners: Owners, locale: str = "en_CA") -> tuple[Desired, ...]:
    """Every position of the report as the record that Odoo should hold."""
    texts = Texts(locale)
    return tuple(_verdict(data, invoice, position, owners, texts) for invoice, position in data.rows())


def references(desired: tuple[Desired, ...]) -> set[str]:
    """External ids of the partners and orders that the verdicts would like to name."""
    values = (verdict.values[name] for verdict in desired for name in RELATIONS)
    return {value.xid for value in values if isinstance(value, Ref)}


def without(wanted: tuple[Desired, ...], exists: Callable[[str], bool]) -> tuple[Desired, ...]:
    """The same verdicts, without what Odoo does not have: customers of a later cohort, say."""
    return tuple(_without(verdict, exists) for verdict in wanted)


def _without(verdict: Desired, exists: Callable[[str], bool]) -> Desired:
    values = verdict.values
    gone = [n for n in RELATIONS if isinstance(value := values[n], Ref) and not exists(value.xid)]
    return replace(verdict, values={**values, **dict.fromkeys(gone)}) if gone else verdict


def _verdict(data: ReportData, invoice: InvoiceView, position: Position, owners: Owners, texts: Texts) -> Desired:
    subscription = _subscription(invoice, position)
    values: dict[str, Value] = {
        "period": invoice.month,
        "customer": _line(invoice.customer),
        "partner_id": owners.partners.get(invoice.customer),
        "order_id": order_ref(subscription) if subscription else None,
        "service": _line(position.service),
        "invoice_number": _line(invoice.number),
        "position": _line(position_name(position, texts)),
        "currency_id": currency_ref(invoice.currency),
        **_amounts(invoice, position),
        "status": STATUSES.get(position.status, position.status),
        "verdict": position.verdict,
        "side": _side(position.findings),
        "cause": _joined(f.cause for f in position.findings),
        "cause_label": _joined(texts.named("cause", f.cause) for f in position.findings),
        "proven": bool(position.findings) and all(f.proven for f in position.findings),
        "detail": "\n".join(_detail(invoice, position, texts)),
        "waiver": _joined(f.waiver for f in position.findings if f.waiver),
        "is_open": position.open,
        RUN: data.run.compared_at.strftime("%Y-%m-%d %H:%M:%S UTC"),
    }
    return Desired(
        phase=Phase.BALANCES,  # verdicts follow on everything else; no ledger knows them
        model=MODEL,
        xid=xid("verdict", invoice.id, position.id),
        values=values,
        source=Source("verdict", f"{invoice.number} {position.id}"),
        customer=invoice.customer,
        once=frozenset({RUN}),
    )


def _amounts(invoice: InvoiceView, position: Position) -> dict[str, Value]:
    """In units of the currency. A side that states nothing is 0 there, and is not among ``stated``."""
    cents = {side: position.cents(side) for side in ("lago", "odoo", "rerate")}
    amounts: dict[str, Value] = {f"{side}_amount": from_subunits(c or 0, invoice.currency) for side, c in cents.items()}
    return {
        **amounts,
        "stated": ", ".join(side for side, c in cents.items() if c is not None),
        "delta": from_subunits(position.delta_cents, invoice.currency),
    }


def _subscription(invoice: InvoiceView, position: Position) -> str:
    """Lago id of the subscription: the line's own; a part of the header belongs to the invoice's only one."""
    of_line = position.key.get("subscription", "")
    if of_line or not position.header:
        return of_line
    all_of_them = {p.key.get("subscription", "") for p in invoice.positions if not p.header} - {""}
    return all_of_them.pop() if len(all_of_them) == 1 else ""


def _side(findings: tuple[Finding, ...]) -> str | None:
    sides = {finding.side for finding in findings}
    if not sides:
        return None
    return sides.pop() if len(sides) == 1 else "unknown"


def _detail(invoice: InvoiceView, position: Position, texts: Texts) -> Iterator[str]:
    for finding in position.findings:
        head = f"{texts.named('cause', finding.cause)} ({texts.named('side', finding.side)})"
        amount = texts.money(finding.delta_cents, invoice.currency, sign=True)
        yield f"{_line(head)}: {amount}"
        yield from (_line(texts.evidence("evidence", fact, invoice.currency)) for fact in finding.evidence)
        if finding.remedy:
            yield f"→ {_line(texts.evidence('remedy', finding.remedy, invoice.currency))}"
    if position.status == REFUSED:
        yield from (
            _line(f"{texts.named('side', r.side)}: {r.reason}: {texts.said(r.detail)}") for r in invoice.refusals
        )


def _joined(names: Iterator[str]) -> str:
    return " + ".join(dict.fromkeys(_line(name) for name in names))


def _line(text: str) -> str:
    """One line without control characters: Odoo would store another text than it was sent."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())
