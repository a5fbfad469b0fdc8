"""Causes of the header: coupons, taxes, rounding, settlements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal

from mappings.money import from_subunits
from mappings.phrases import Phrase, Told
from mappings.records import Tax
from mappings.target import xid
from reconcile.billed import LineKey, OpenLine
from reconcile.causes.case import Case, Proposal
from reconcile.causes.changes import (
    DropCoupon,
    DropProgressive,
    DropSettlement,
    DropTax,
    RoundTax,
    SetTaxes,
    Settle,
    TaxLines,
)
from reconcile.causes.observed import listed, tax_names
from reconcile.compare.positions import HeaderKey
from reconcile.rating.header import coupon_credits, relatives_taxes
from reconcile.rating.taxes import Rounding
from reports.data import LAGO, Evidence, EvidenceValue

Taxes = Mapping[LineKey, tuple[Tax, ...]]
TaxRate = tuple[str, Decimal]  # code, percent
WHOLE = Decimal(100)  # percent of a tax that its repartition lines put on an invoice


def coupon_missing(case: Case) -> Iterator[Proposal]:
    """The side does not take a coupon off, or none of several."""
    if _coupons_are_read(case):
        return  # Odoo's orders hold them, or a record that differs says so
    coupons = case.terms.coupons
    cents = coupon_credits(case.baseline.lines, case.terms, case.baseline.currency)
    for dropped in (*((coupon,) for coupon in coupons), *([coupons] if len(coupons) > 1 else ())):
        names: Mapping[str, EvidenceValue] = {"coupon": ", ".join(coupon.code for coupon in dropped)}
        yield Proposal(
            changes=tuple(DropCoupon(coupon.code) for coupon in dropped),
            evidence=(Evidence(name="coupon", values={**names, "cents": sum(cents[c.code] for c in dropped)}),),
            remedy=Evidence(name="carry_coupon", values=names),
            observed=case.is_of_lago and not {c.code for c in dropped} & case.known.credited.keys(),
        )


def progressive_credit(case: Case) -> Iterator[Proposal]:
    """Lago takes off what it billed when a threshold was passed; Odoo knows no thresholds and bills the whole period.

    The progressive invoice is not in Odoo either, so both bill the same in the end: nothing is to be mended.
    """
    cents = case.terms.progressive.cents
    if cents and case.is_of_odoo:
        yield Proposal(
            changes=(DropProgressive(),),
            evidence=(Evidence(name="billed_before", values={"cents": cents}),),
            remedy=Evidence(name="bill_by_date"),
            observed=True,
        )


def tax_missing(case: Case) -> Iterator[Proposal]:
    """The side does not charge a tax, or none at all."""
    if _taxes_are_read(case):
        return  # Odoo's lines hold them, or ``held_taxes`` says so
    codes = sorted({tax.code for taxes in case.terms.taxes.values() for tax in taxes if tax.rate})
    for dropped in (*((code,) for code in codes), *([tuple(codes)] if len(codes) > 1 else ())):
        values: Mapping[str, EvidenceValue] = {"tax": ", ".join(dropped)}
        yield Proposal(
            changes=tuple(DropTax(code) for code in dropped),
            evidence=(Evidence(name="no_tax", values=values),),
            remedy=_to_check(case, values),
            observed=_lago_taxed_otherwise(case),
        )


def tax_wrong(case: Case) -> Iterator[Proposal]:
    """The side charges other taxes: those that the seller uses elsewhere."""
    for name, taxes in ({} if _taxes_are_read(case) else case.known.tax_sets).items():
        if not any(tax.rate for tax in taxes):
            continue  # no tax at all has its own name
        yield Proposal(
            changes=(SetTaxes(taxes),),
            evidence=(Evidence(name="other_tax", values={"tax": name}),),
            remedy=_to_check(case, {"tax": name}),
            observed=_lago_taxed_otherwise(case),
        )


def tax_rounding(case: Case) -> Iterator[Proposal]:
    """The side rounds each tax, or the tax of each line, where the baseline rounds the sum of all taxes once."""
    settings = case.odoo_settings if case.is_of_odoo else None
    for rounding, remedy in ((Rounding.TAX, "waive_rounding"), (Rounding.LINE, "round_globally")):
        if settings is None or settings.per_line is (rounding is Rounding.LINE):
            yield Proposal(
                changes=(RoundTax(rounding),),
                evidence=(Evidence(name=f"tax_per_{rounding.value}"),),
                remedy=Evidence(name=remedy),
                observed=settings is not None,
            )


def _coupons_are_read(case: Case) -> bool:
    """Whether Odoo's orders were read: a coupon that they lack is a record that differs."""
    return case.is_of_odoo and case.known.orders is not None and bool(case.known.orders.read)


def _taxes_are_read(case: Case) -> bool:
    """Whether the taxes on all of Odoo's lines are known."""
    held = case.odoo_taxes.on_lines
    return case.is_of_odoo and bool(held) and all(line.key in held for line in case.subject.lines)


def _to_check(case: Case, values: Mapping[str, EvidenceValue]) -> Evidence:
    """Lago's own taxes are no matter of the mapping."""
    return Evidence(name="check_lagos_taxes") if case.is_of_lago else Evidence(name="mend_tax", values=values)


def _lago_taxed_otherwise(case: Case) -> bool:
    """Whether Lago's own fees bear other taxes than those that Lago assigns."""
    today = case.known.orders.lago.todays_taxes if case.known.orders and case.is_of_lago else {}
    return any(_charged(taxes) != _charged(case.terms.taxes.get(key, ())) for key, taxes in today.items())


SETTLED = {
    "prepaid": Phrase(Told.PREPAID),
    "credit_notes": Phrase(Told.CREDIT_NOTES),
    "both": Phrase(Told.PREPAID_AND_CREDIT_NOTES),
    "payments": Phrase(Told.PAYMENTS),
}


def settlement(case: Case) -> Iterator[Proposal]:
    """The side does not take a credit note or prepaid credits off."""
    for part in ("credit_notes", "prepaid"):
        cents = case.deviation.get(HeaderKey(part))
        if cents:
            yield Proposal(
                changes=(DropSettlement(part),),
                evidence=(Evidence(name="not_settled", values={"part": SETTLED[part], "cents": cents}),),
                remedy=Evidence(name="carry_balance", values={"part": SETTLED[part]}),
            )


def open_settlement(case: Case) -> Iterator[Proposal]:
    """The open balance in Odoo is too high by just what prepaid credits, credit notes or payments took off."""
    totals, open_cents = case.baseline.totals, case.deviation.get(HeaderKey("settled"))
    if totals is None or not open_cents or case.invoice.base.state == "voided":
        return
    prepaid, notes = totals.prepaid_cents, totals.credit_notes_cents
    paid = -(case.baseline.settled_cents or 0) - prepaid - notes
    parts = {"prepaid": prepaid, "credit_notes": notes, "both": prepaid + notes, "payments": paid}
    for part, cents in parts.items():
        if cents == open_cents:
            yield Proposal(
                changes=(Settle(cents),),
                evidence=(Evidence(name="not_settled", values={"part": SETTLED[part], "cents": cents}),),
                remedy=_open_amount(case),
                observed=True,
            )
            return


def balance_wrong(case: Case) -> Iterator[Proposal]:
    """Another amount is open in Odoo than Lago is owed, and nothing that was settled makes the difference.

    Also of an invoice that is open in Lago no more: it was voided there since, or settled in another way.
    """
    cents, due = case.deviation.get(HeaderKey("settled")), _due_cents(case)
    if cents and not due:
        yield Proposal(
            changes=(Settle(cents),),
            evidence=(Evidence(name="open_no_more", values={"cents": cents}),),
            remedy=_open_amount(case),
            observed=True,
        )
    elif cents and cents != -due:
        yield Proposal(
            changes=(Settle(cents),),
            evidence=(Evidence(name="other_open", values={"lago_cents": due, "odoo_cents": due + cents}),),
            remedy=_open_amount(case),
            observed=True,
        )


def _due_cents(case: Case) -> int:
    """What Lago itself says that it is still owed of the invoice: what it should have billed is no matter of it."""
    lago = case.invoice.sides.get(LAGO)
    return lago.open_cents or 0 if lago else 0


def _open_amount(case: Case) -> Evidence:
    """The line of the open balance, and what has to stand there: ``apply`` does not overwrite what somebody typed."""
    due = from_subunits(_due_cents(case), case.baseline.currency)
    record, line = xid("invoice", case.invoice.base.lago_id), case.subject.open_line
    if line and line.posted:
        left = f"{due} {case.baseline.currency}"
        return Evidence(name="settle_posted", values={"where": f"account.move {record}", "lago": left})
    if not due:
        return Evidence(name="drop_balance", values={"where": f"account.move {record}"})
    other = _other_than(line, due) if line else {"price_unit": f"{due}"}
    if not other:
        return Evidence(name="mend_balance", values={"where": f"account.move {record}"})
    told = {"what": ", ".join(other), "lago": listed(other.values()), "where": f"account.move.line {record}_open"}
    return Evidence(name="mend_field", values=told)


def _other_than(line: OpenLine, due: Decimal) -> dict[str, str]:
    """Fields of the line that are not as they were made, and what they were: one unit of what is due, and no more."""
    as_made = {
        "quantity": ("1", line.quantity == 1),
        "price_unit": (f"{due}", line.price == due),
        "discount": ("0", line.discount == 0),
        "tax_ids": ("", not line.taxed),
    }
    return {name: value for name, (value, right) in as_made.items() if not right}


def balance_missing(case: Case) -> Iterator[Proposal]:
    """Nothing is open in Odoo of what Lago is still owed."""
    due = _due_cents(case)
    if due and case.deviation.get(HeaderKey("settled")) == -due:
        yield Proposal(
            changes=(Settle(-due),),
            evidence=(Evidence(name="not_open", values={"cents": due}),),
            remedy=Evidence(name="carry_balance", values={"part": "balance"}),
            observed=True,
        )


def held_taxes(kind: str) -> Callable[[Case], Iterator[Proposal]]:
    """The taxes that stand on Odoo's lines are not those of Lago's: missing ones, others, or of another place."""

    def propose(case: Case) -> Iterator[Proposal]:
        if case.is_odoo_against_rerate and case.known.orders is not None:
            lago, todays = _lagos_taxes(case), case.known.orders.lago.todays_taxes
            charged = {key: _charged(taxes) for key, taxes in lago.items()}
            on_lines = case.odoo_taxes.on_lines
            taxed = [key for key in lago if _is_taxed(case, key, lago)]
            others = {key: on_lines[key] for key in taxed if _charged(on_lines[key]) != charged[key]}
            is_lagos = _lago_changed(others, todays)
            if others and kind == _tax_fault(case, others, charged, is_lagos=is_lagos):
                yield _taxed_otherwise(case, others, lago, is_lagos=is_lagos)

    return propose


def _lagos_taxes(case: Case) -> Taxes:
    """Lago's taxes on the lines of which Odoo's are known."""
    keys = [key for key in case.odoo_taxes.on_lines if key.kind != "other"]
    return {key: case.terms.taxes.get(key) or relatives_taxes(case.terms, key) for key in keys}


def _lago_changed(others: Taxes, todays: Taxes) -> bool:
    """Whether Lago would charge today what Odoo charges; where nobody knows what it would, it did not."""
    return all(key in todays and _charged(todays[key]) == _charged(taxes) for key, taxes in others.items())


def _taxed_otherwise(case: Case, others: Taxes, lago: Taxes, *, is_lagos: bool) -> Proposal:
    """Lines bear Odoo's taxes (``others``). ``is_lagos``: Lago would charge those too today, its own changed since."""
    names: Mapping[str, EvidenceValue] = {
        "lago": listed(tax_names(lago[key] for key in others)),
        "odoo": listed(tax_names(others.values())),
    }
    return Proposal(
        changes=(TaxLines(others),),
        evidence=(Evidence(name="line_taxes", values=names),),
        remedy=Evidence(name="check_lagos_taxes") if is_lagos else _remedy(case, others, lago),
        side=LAGO if is_lagos else "",
        observed=True,
    )


def _remedy(case: Case, on_lines: Taxes, lago: Taxes) -> Evidence:
    """What has to be set: the rate of a tax, the parts of a group, the order's fiscal position, the taxes on its lines.

    The mapping is to be corrected only where finance's table leads to no tax of Lago's rate.
    """
    group = _of_group(case, on_lines, lago)
    return _other_rate(case, on_lines) or group or _on_the_order(case, {key: lago[key] for key in on_lines})


def _of_group(case: Case, on_lines: Taxes, lago: Taxes) -> Evidence | None:
    """The lines bear the group that the table wants for Lago's codes: what it is made of is a matter of its record."""
    by_line = case.odoo_taxes.groups
    groups = {key: by_line[key] for key in on_lines if key in by_line}
    mapped = all(key in groups and groups[key].codes == {tax.code for tax in lago[key]} for key in on_lines)
    values = {
        "where": ", ".join(dict.fromkeys(group.label for group in groups.values())),
        "tax": listed(tax_names(lago[key] for key in on_lines)),
        "odoo": listed(tax_names(on_lines.values())),
    }
    return Evidence(name="mend_group", values=values) if mapped else None


def _on_the_order(case: Case, lago: Taxes) -> Evidence:
    odoo = case.odoo_taxes
    values: Mapping[str, EvidenceValue] = {
        "where": ", ".join(sorted({place for key in lago if (place := odoo.places.get(key))})),
        "tax": listed(tax_names(lago.values())),
    }
    if odoo.away:
        return Evidence(name="mend_position", values={**values, "position": ", ".join(odoo.away)})
    if all(_charged(taxes) <= odoo.mapped for taxes in lago.values()):
        return Evidence(name="mend_line_taxes", values=values)
    return Evidence(name="mend_tax", values={"tax": values["tax"]})


def _other_rate(case: Case, on_lines: Taxes) -> Evidence | None:
    """The right tax with another rate is a matter of its record."""
    records = case.odoo_taxes.records
    rates = {tax.code: tax.rate for key in on_lines for tax in case.terms.taxes.get(key, ())}
    odoos = {tax.code: tax.rate for taxes in on_lines.values() for tax in taxes}
    off = [code for code, rate in odoos.items() if code in rates and rates[code] != rate and code in records]
    if odoos.keys() != rates.keys() or not off:
        return None
    record = records[off[0]]
    where = f"account.tax {record.label}"
    if record.share != WHOLE:
        return Evidence(name="mend_repartition", values={"where": where, "share": record.share.normalize()})
    values = {"where": where, "what": "amount", "lago": f"{rates[off[0]].normalize():f}"}
    return Evidence(name="mend_field", values=values)


def _is_taxed(case: Case, key: LineKey, lago: Taxes) -> bool:
    """Whether Lago's taxes of a line are known: some, or none on a fee of which today's would be others."""
    orders = case.known.orders
    return bool(lago[key]) or (key in case.terms.taxes and bool(orders and orders.lago.todays_taxes.get(key)))


def _tax_fault(case: Case, other: Taxes, mine: Mapping[LineKey, frozenset[TaxRate]], *, is_lagos: bool) -> str:
    """``is_lagos``: Odoo's lines bear the taxes that Lago assigns, and its invoice does not."""
    if is_lagos:
        return "tax_missing" if all(mine[key] < _charged(taxes) for key, taxes in other.items()) else "tax_wrong"
    if case.odoo_taxes.away:
        return "fiscal_position"
    missing = all(_charged(taxes) < mine[key] and not _is_at_zero(taxes, mine[key]) for key, taxes in other.items())
    return "tax_missing" if missing else "tax_wrong"


def _is_at_zero(held: Iterable[Tax], charged: frozenset[TaxRate]) -> bool:
    """Whether a tax that the other side charges stands on the line, at 0 %: it is there, and wrong."""
    return any(not tax.rate and tax.code in {code for code, _ in charged} for tax in held)


def _charged(taxes: Iterable[Tax]) -> frozenset[TaxRate]:
    return frozenset((tax.code, tax.rate.normalize()) for tax in taxes if tax.rate)
