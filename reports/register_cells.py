"""Registers in words and cells: what text, Markdown and the page show alike."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_DOWN, Decimal

from reports.data import ODOO, CreditsView, ReceivableView, ReportData
from reports.registers import Register, SideSums, by_currency, by_month
from reports.texts import Texts

NOTHING = "–"


def coverage(register: Register, texts: Texts) -> str:
    """How much of what the first side billed was compared, in money; rounded down, so that 100 % is all of it."""
    if register.whole:
        return texts.percent(Decimal(1)) if register.left.invoices else NOTHING
    if register.left.gross_cents <= 0:
        return NOTHING
    share = Decimal(register.left.compared_cents) / Decimal(register.left.gross_cents)
    bounded = min(max(share, Decimal(0)), Decimal("0.9999"))
    return texts.percent(bounded.quantize(Decimal("0.0001"), rounding=ROUND_DOWN))


def covered(data: ReportData, texts: Texts) -> str:
    """``100 % of 10,056.51 CAD, 0 % of 103.83 EUR``: for the first screen; nothing where nothing was billed."""
    return ", ".join(
        texts("coverage.of", share=coverage(r, texts), sum=texts.money(r.left.gross_cents, r.currency))
        for r in by_currency(data)
        if r.left.invoices
    )


def total_heads(data: ReportData, texts: Texts) -> list[str]:
    """Heads of ``total_cells``."""
    left, right = (texts.named("side", side) for side in data.run.pair)
    parts = [texts("difference"), texts("coverage"), texts("not_compared"), texts("outside")]
    return [texts("currency"), left, right, *parts]


def total_cells(register: Register, texts: Texts) -> list[str]:
    """What both sides billed in a currency, the difference of what was compared, and what was not."""
    left, right, currency = register.left, register.right, register.currency
    return [
        currency,
        texts.money(left.gross_cents, currency),
        texts.money(right.gross_cents, currency),
        texts.money(register.delta_cents, currency, sign=True),
        coverage(register, texts),
        _counted(left.not_compared_cents, register.not_compared, currency, texts),
        _counted(left.outside_cents, register.outside, currency, texts),
    ]


def _counted(cents: int, count: int, currency: str, texts: Texts) -> str:
    """Money and how many invoices it is: an amount of 0 may be several."""
    return f"{texts.money(cents, currency)} ({texts.number(count)})" if count else NOTHING


def register_heads(texts: Texts) -> list[str]:
    """Heads of ``register_rows``."""
    amounts = [texts("net"), texts("taxes"), texts("billed"), texts("only_here"), texts("open_balance")]
    return [texts("month"), texts("currency"), texts("side"), texts("invoices"), *amounts]


def register_rows(data: ReportData, texts: Texts) -> list[list[str]]:
    """Two rows per month and currency, one of each side."""
    left, right = data.run.pair
    return [row for r in by_month(data) for row in (_row(r, left, True, texts), _row(r, right, False, texts))]


def _row(register: Register, side: str, first: bool, texts: Texts) -> list[str]:
    sums, settled, currency = register.left if first else register.right, register.settled, register.currency
    due = settled.open_cents if first else settled.tied_right_cents if settled.tied else None
    return [
        texts.period(register.month),
        currency,
        texts.named("side", side),
        texts.number(sums.invoices),
        *(texts.money(cents, currency) for cents in (sums.net_cents, sums.tax_cents, sums.gross_cents)),
        _alone(sums, currency, texts),
        NOTHING if due is None else texts.money(due, currency),
    ]


def _alone(sums: SideSums, currency: str, texts: Texts) -> str:
    return _counted(sums.alone_cents, sums.alone, currency, texts)


def settlement_lines(data: ReportData, texts: Texts) -> list[str]:
    """Per currency: what became of the claims, and the tie of what is open to Odoo's open balances."""
    settled = [_settlement(r, data, texts) for r in by_currency(data) if r.left.invoices]
    receivable = (receivable_line(view, texts) for view in data.receivables)
    return [*settled, *receivable, *(_credits(view, texts) for view in data.credits)]


def _credits(view: CreditsView, texts: Texts) -> str:
    """Prepaid credits that nobody moved."""
    wallets = texts.counted("wallets", view.wallets)
    if view.balance_cents is None:
        return texts("credits.unread", wallets=wallets)
    return texts("credits.line", wallets=wallets, amount=texts.money(view.balance_cents, view.currency))


def receivable_line(view: ReceivableView, texts: Texts) -> str:
    """The tie to the receivable accounts, of all months; and a word if they hold something else."""
    names = ("lago", "missing", "draft", "posted", "paid", "other", "account")
    amounts = {name: texts.money(getattr(view, f"{name}_cents"), view.currency) for name in names}
    delta = texts.money(view.delta_cents, view.currency, sign=True)
    said = texts("receivable.line", currency=view.currency, delta=delta, **amounts)
    return " ".join([said, *_astray(view, texts), *([] if view.ties else [texts("receivable.broken")])])


def _astray(view: ReceivableView, texts: Texts) -> Iterator[str]:
    """What is posted in another currency than it is owed in: of this currency, or here."""
    if view.astray_cents:
        said = "receivable.astray" if view.astray_cents > 0 else "receivable.astray_here"
        yield texts(said, currency=view.currency, amount=texts.money(abs(view.astray_cents), view.currency))


def _settlement(register: Register, data: ReportData, texts: Texts) -> str:
    settled, currency = register.settled, register.currency
    left, right = (texts.named("side", side) for side in data.run.pair)
    said = texts(
        "settled.line",
        currency=currency,
        left=left,
        credit_notes=texts.money(settled.credit_notes_cents, currency),
        prepaid=texts.money(settled.prepaid_cents, currency),
        total=texts.money(settled.total_cents, currency),
        paid=texts.money(settled.paid_cents, currency),
        open=texts.money(settled.open_cents, currency),
    )
    if ODOO not in data.run.pair:
        return said
    if not settled.tied:
        return f"{said} {texts('settled.untied', right=right)}"
    tie = texts(
        "settled.tied",
        right=right,
        invoices=texts.counted("invoices", settled.tied),
        ours=texts.money(settled.tied_left_cents, currency),
        theirs=texts.money(settled.tied_right_cents, currency),
        delta=texts.money(settled.tied_right_cents - settled.tied_left_cents, currency, sign=True),
    )
    return f"{said} {tie}"
