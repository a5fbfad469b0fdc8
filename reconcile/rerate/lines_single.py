"""Lines without a subscription: one-off fees and bought credits."""

from __future__ import annotations

from decimal import Decimal

from mappings.money import round_float, to_subunits
from mappings.phrases import Told
from mappings.records import Fee, Invoice
from reconcile.rating.bill import FeeLine
from reconcile.rating.refusal import RerateRefused
from reconcile.rerate.history import History
from reconcile.rerate.lines import InvoiceLines
from reconcile.sides.lago import lago_key


def add_single_lines(history: History, invoice: Invoice, lines: InvoiceLines) -> None:
    """Raises RerateRefused: a fee whose wallet transaction is not in the snapshot."""
    for fee in invoice.fees:
        cents = _bought_cents(history, invoice, fee) if fee.item.type == "credit" else _one_off_cents(invoice, fee)
        lines.lines.append(
            FeeLine(
                key=lago_key(fee),
                plan_code="",
                amount_cents=cents,
                precise_cents=Decimal(cents),
                units=fee.units,
                taxes=history.fee_taxes(fee),
            )
        )


def _bought_cents(history: History, invoice: Invoice, fee: Fee) -> int:
    """The amount of the wallet transaction."""
    transaction = history.bought_credits(invoice).get(fee.item.lago_item_id or "")
    if transaction is None:
        raise RerateRefused("wallet_transaction_missing", Told.FEE.of(fee.lago_id))
    return to_subunits(transaction.amount, invoice.currency)


def _one_off_cents(invoice: Invoice, fee: Fee) -> int:
    """Units × unit price; Lago takes the units as a double."""
    unit_cents = to_subunits(fee.precise_unit_amount or Decimal(0), invoice.currency)
    return round_float(unit_cents * float(fee.units))
