"""What Odoo answers to a rerun (the addon's ``fusion_rerun``), as billed lines and headers."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from mappings.explain import ADDON_STEPS, Step, StepKind, given
from mappings.money import from_subunits
from mappings.phrases import Told
from mappings.reasons import spell
from mappings.records import Json
from migrate.errors import OdooError
from migrate.odoo.answers import shown
from migrate.odoo.errors import AnswerUnreadable
from migrate.values import number_or_none, related_id
from reconcile.billed import BilledInvoice, BilledLine, ForeignSum, LineKey, Origin, Refusal, Totals
from reconcile.sides.lago import sound_totals
from reconcile.sides.numbers import FinerAmountError, cents_of, decimal_in, header_cents_of, number_in

SETTLED_ELSEWHERE = ("credit_notes", "prepaid")  # in Odoo they are payments of the invoice, not parts of it


class OdooFactsError(OdooError):
    """Odoo answered a rerun with something that is no invoice."""


def unanswered(invoice: BilledInvoice) -> BilledInvoice:
    """Odoo's side of one of Lago's invoices, as long as it says nothing."""
    return BilledInvoice(
        lago_id=invoice.lago_id,
        number=invoice.number,
        customer=invoice.customer,
        currency=invoice.currency,
        issued_on=invoice.issued_on,
        lines=(),
        totals=None,
    )


def nothing_of(lago: BilledInvoice) -> BilledInvoice:
    """Odoo's invoice of 0: it bills nothing of this."""
    return replace(unanswered(lago), totals=Totals.of(0, 0), unstated=SETTLED_ELSEWHERE)


def by_partner(answer: object) -> dict[int, list[Json]]:
    """The answers of a call, by the partner that they name.

    Raises OdooFactsError for anything else, and AnswerUnreadable where one of them names no partner.
    """
    if not isinstance(answer, list) or not all(isinstance(item, dict) and "partner_id" in item for item in answer):
        raise OdooFactsError("sale.order.fusion_rerun did not answer a list of invoices: update the addon")
    of_partners: dict[int, list[Json]] = defaultdict(list)
    for item in answer:
        if not number_or_none(item["partner_id"]):
            raise AnswerUnreadable(f"sale.order.fusion_rerun names {shown(item['partner_id'])} as an invoice's partner")
        of_partners[related_id(item["partner_id"])].append(item)
    return of_partners


def invoice_of(
    lago: BilledInvoice,
    answers: Sequence[Json],
    tax_codes: Mapping[str, str],
    elsewhere: Mapping[str, Mapping[str, str]] | None = None,
) -> BilledInvoice:
    """One Lago invoice out of Odoo's answers for its partner (several, if Odoo splits what Lago consolidates).

    ``elsewhere``: currency that is not Lago's -> the orders in it, by subscription.

    An answer that is not as documented costs this invoice alone: the others have answers of their own.
    """
    try:
        return odoo_invoice(lago, answers, tax_codes, elsewhere or {})
    except FinerAmountError as error:
        step = from_subunits(1, lago.currency)
        why = Refusal(reason="currency_finer", detail=Told.ROUNDED_FINER.of(error.told, lago.currency, step))
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        why = Refusal(reason="answer_unreadable", detail=Told.UNDOCUMENTED.of(lago.number, repr(error)))
    return replace(unanswered(lago), refusals=(why,))


def _refusal(raw: Mapping[str, str]) -> Refusal:
    """Odoo's own sentence, as it is. An addon of release 0.1 still spells its reasons with hyphens."""
    return Refusal(reason=spell(raw["reason"]), detail=raw["detail"])


NOT_MADE = "invoice_refused"  # Odoo makes no such invoice: what it would have put on it is billed to nobody


def odoo_invoice(
    lago: BilledInvoice,
    answers: Sequence[Json],
    tax_codes: Mapping[str, str],
    elsewhere: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> BilledInvoice:
    """Odoo's answers for one Lago invoice, added up. No answer means that Odoo bills nothing at all."""
    refusals = tuple(_refusal(r) for a in answers for r in a.get("refusals") or ())
    if any(a["currency"] != lago.currency for a in answers):
        return _foreign(lago, answers, tax_codes, elsewhere)
    lines = [odoo_line(line, lago.currency) for a in answers for line in a["lines"]]
    moves = [int(a["move_id"]) for a in answers if a.get("move_id")]
    taxes, unnamed = _named_taxes(answers, tax_codes, lago.currency)
    totals, contradiction = sound_totals(_odoo_totals(answers, lines, taxes, lago.currency))
    refused = (*refusals, *contradiction)
    made = all(refusal.reason != NOT_MADE for refusal in refused)
    return replace(
        unanswered(lago),
        lines=tuple(line for line in lines if made and line.key.kind != "coupon"),
        totals=None if refused else totals,  # a header lacks what was refused: it is none
        refusals=refused,
        unstated=SETTLED_ELSEWHERE,
        unnamed_taxes=unnamed,
        drafts=tuple(moves),
        payers=tuple(sorted({id_ for a in answers for id_ in _payers(a)})),
    )


def _payers(answer: Json) -> Iterator[int]:
    """The order's customer and the invoice's; an addon of before names the first alone."""
    yield related_id(answer["partner_id"])
    if answer.get("invoice_partner_id"):
        yield related_id(answer["invoice_partner_id"])


def _window(line: Json) -> tuple[datetime, datetime] | None:
    """The period that a line bills, as Odoo has it; None where it does not say."""
    if not line.get("from") or not line.get("to"):
        return None
    return datetime.fromisoformat(str(line["from"])), datetime.fromisoformat(str(line["to"]))


def _foreign(
    lago: BilledInvoice,
    answers: Sequence[Json],
    tax_codes: Mapping[str, str],
    elsewhere: Mapping[str, Mapping[str, str]],
) -> BilledInvoice:
    """What is billed in another currency is not billed in Lago's; ``foreign`` tells the sums, and what was refused.

    Where all of the invoice is, a refusal is that of the invoice. Where a part of it is, Odoo's invoice of the rest is
    whole, and says what it says.
    """
    others = [answer for answer in answers if answer["currency"] != lago.currency]
    usual = [answer for answer in answers if answer["currency"] == lago.currency]
    billed = odoo_invoice(lago, usual, tax_codes) if usual else nothing_of(lago)
    refused = tuple(_refusal(raw) for answer in others for raw in answer.get("refusals") or ())
    away = {subscription for orders in elsewhere.values() for subscription in orders}
    if refused and not (away and {billing.subscription for billing in lago.billings} - away):
        return replace(billed, totals=None, refusals=(*billed.refusals, *refused))
    payers = {*billed.payers, *(number for answer in others for number in _payers(answer))}
    return replace(billed, foreign=tuple(_foreign_sums(others, elsewhere)), payers=tuple(sorted(payers)))


def _foreign_sums(answers: Sequence[Json], elsewhere: Mapping[str, Mapping[str, str]]) -> Iterator[ForeignSum]:
    for currency in sorted({str(answer["currency"]) for answer in answers}):
        bills = [answer for answer in answers if answer["currency"] == currency]
        amount, tax = (sum((Decimal(str(a[field])) for a in bills), Decimal(0)) for field in ("total", "tax"))
        yield ForeignSum(
            amount=amount,
            currency=currency,
            tax=tax,
            orders=elsewhere.get(currency, {}),
            refusals=tuple(_refusal(raw) for bill in bills for raw in bill.get("refusals") or ()),
        )


def _odoo_totals(
    answers: Sequence[Json], lines: Sequence[BilledLine], taxes: Mapping[str, int], currency: str
) -> Totals:
    """The header: sums of Odoo's own headers, never of its lines. A coupon is a line of Odoo's and no fee."""

    def header(field: str) -> int:
        return sum(header_cents_of(a[field], currency) for a in answers)

    coupons = -sum(line.amount_cents for line in lines if line.key.kind == "coupon")
    return Totals(
        fees_cents=header("untaxed") + coupons,
        coupons_cents=coupons,
        net_cents=header("untaxed"),
        tax_cents=header("tax"),
        gross_cents=header("total"),
        total_cents=header("total"),
        taxes=taxes,
    )


def _named_taxes(
    answers: Sequence[Json], tax_codes: Mapping[str, str], currency: str
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Taxes by Lago's code, and the names of those that have none."""
    sums: dict[str, int] = defaultdict(int)
    unnamed = set()
    for answer in answers:
        for name, amount in dict(answer["taxes"]).items():
            cents = header_cents_of(amount, currency)
            if name not in tax_codes and cents:
                unnamed.add(name)
            sums[tax_codes.get(name, name)] += cents
    return dict(sums), tuple(sorted(unnamed))


def odoo_line(line: Json, currency: str) -> BilledLine:
    """A line of the addon's answer: its amount is Odoo's subtotal, ``precise_cents`` what the addon rated."""
    units = line.get("units")
    return BilledLine(
        key=odoo_key(line["key"]),
        amount_cents=cents_of(line["subtotal"], currency),
        label=str(line.get("name") or ""),
        units=Decimal(str(units)) if units is not None else None,
        events=_count(line.get("events")),
        precise_cents=number_in(line.get("amount_cents")),
        origin=Origin(quantity=str(line["quantity"]), price=str(line["price_unit"])),
        steps=tuple(_odoo_step(step) for step in line.get("steps") or ()),
        window=_window(line),
        tax_ids=tuple(line.get("tax_ids") or ()),
        discount=decimal_in(line.get("discount")),
    )


def _count(events: Any) -> int | None:  # Any: JSON as the addon answered
    if events is None or events is False:
        return None
    return len(events) if isinstance(events, list | tuple) else int(events)


def odoo_key(key: Json | str) -> LineKey:
    """The key the addon put on a line (Lago's ids)."""
    parts: Json = json.loads(key) if isinstance(key, str) else key
    kind = str(parts["kind"])
    return LineKey(
        subscription=str(parts["subscription"]),
        kind=kind,
        item="" if kind in ("subscription", "commitment") else str(parts.get("item") or ""),
        filter=str(parts.get("filter") or ""),
        group=tuple(sorted((str(k), "" if v is None or v is False else str(v)) for k, v in parts.get("group") or ())),
        event=str(parts.get("event") or ""),
    )


def _odoo_step(step: Json | str) -> Step:
    """A step of the addon, in the addon's own names."""
    if isinstance(step, str):
        return _as_written(step)
    kind = step.get("kind")
    named = _addon_step(StepKind(kind), step) if kind in ADDON_STEPS else _as_written(kind or step.get("label") or "")
    return replace(
        named,
        units=number_in(step.get("units")),
        unit_price=number_in(step.get("unit_price")),
        flat=number_in(step.get("flat")),
        amount=number_in(step.get("amount")),
    )


def _addon_step(kind: StepKind, step: Json) -> Step:
    values = {str(name): number_in(value) for name, value in dict(step.get("values") or {}).items()}
    return Step(kind=kind, values=given(**values))


def _as_written(text: object) -> Step:
    """A step of an addon of another version, which we do not know."""
    return Step(kind=StepKind.AS_WRITTEN, values={"text": str(text)})
