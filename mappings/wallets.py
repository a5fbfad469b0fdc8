"""Prepaid credits -> eWallet cards of ``sale_loyalty``. A point is one unit of the currency, whatever a credit cost.

A wallet without a balance, or one that was terminated, has nothing to move.
"""

from __future__ import annotations

from collections.abc import Iterator

from mappings.context import Context, Problem, currency_ref, partner_ref
from mappings.money import from_subunits
from mappings.records import Wallet
from mappings.target import Desired, Mapped, Phase, Ref, Source, Value, xid


def wallets(context: Context) -> Iterator[Mapped]:
    """The balances of all wallets: one programme per currency, one card per wallet; or why not."""
    filled = [wallet for wallet in context.snapshot.wallets if wallet.status == "active" and wallet.balance_cents > 0]
    for wallet in context.snapshot.wallets:
        if wallet.status == "active" and wallet.balance_cents < 0:
            amount = f"{from_subunits(wallet.balance_cents, wallet.currency)} {wallet.currency}"
            negative = Problem("wallet_negative", f"{amount}: used up and more; invoice it, or write it off")
            yield negative.skips(Phase.BALANCES, wallet_source(wallet), wallet.external_customer_id)
    movable = [wallet for wallet in filled if _problem(context, wallet) is None]
    for currency in sorted({wallet.currency for wallet in movable}):
        yield programme_of(currency)
    for wallet in sorted(filled, key=lambda w: w.lago_id):
        problem = _problem(context, wallet)
        if problem:
            yield problem.skips(Phase.BALANCES, wallet_source(wallet), wallet.external_customer_id)
        else:
            yield card_of(wallet)
            for gap in _gaps(wallet):
                yield gap.skips(Phase.BALANCES, wallet_source(wallet), wallet.external_customer_id)


def wallet_source(wallet: Wallet) -> Source:
    """A customer may hold several wallets of one name: the id's head tells them apart."""
    label = f"{wallet.external_customer_id}/{wallet.code or wallet.name or 'wallet'} ({wallet.lago_id[:8]})"
    return Source("wallet", label, wallet.lago_id)


def _problem(context: Context, wallet: Wallet) -> Problem | None:
    if context.problem(wallet.lago_customer_id):
        return context.problem(wallet.lago_customer_id)
    if not context.target.loyalty:
        amount = from_subunits(wallet.balance_cents, wallet.currency)
        return Problem(
            "wallet_needs_loyalty", f"{amount} {wallet.currency} of credits: install sale_loyalty (eWallets)"
        )
    return context.currency_problem(wallet.currency)


def _programme_ref(currency: str) -> Ref:
    return Ref(xid("wallet_program", currency.upper()))


def programme_of(currency: str) -> Desired:
    """An eWallet: cards can only be spent where the programme has a reward that takes points for money, one for one."""
    record, source = _programme_ref(currency).xid, Source("wallet_program", currency)
    reward: dict[str, Value] = {
        "reward_type": "discount",
        "discount_mode": "per_point",
        "discount": 1,
        "discount_applicability": "order",
        "required_points": 1,
        "description": "Prepaid credits",
    }
    values: dict[str, Value] = {
        "name": f"Prepaid credits from Lago ({currency})",
        "program_type": "ewallet",
        "currency_id": currency_ref(currency),
        "applies_on": "future",
        "trigger": "auto",
    }
    child = Desired(phase=Phase.BALANCES, model="loyalty.reward", xid=f"{record}_reward", values=reward, source=source)
    return Desired(
        phase=Phase.BALANCES,
        model="loyalty.program",
        xid=record,
        values=values,
        source=source,
        children={"reward_ids": (child,)},
    )


def card_of(wallet: Wallet) -> Desired:
    """What is left of a wallet, on a card of its currency's programme."""
    return Desired(
        phase=Phase.BALANCES,
        model="loyalty.card",
        xid=xid("wallet", wallet.lago_id),
        values={
            "program_id": _programme_ref(wallet.currency),
            "partner_id": partner_ref(wallet.lago_customer_id),
            "points": from_subunits(wallet.balance_cents, wallet.currency),
            "expiration_date": wallet.expiration_at.date() if wallet.expiration_at else None,
        },
        source=wallet_source(wallet),
        customer=wallet.external_customer_id,
        once=frozenset({"points"}),
    )


def _gaps(wallet: Wallet) -> Iterator[Problem]:
    if wallet.applies_to.fee_types or wallet.applies_to.billable_metric_codes:
        yield Problem("wallet_scope", "may pay for some fees only; an eWallet of Odoo pays for anything")
    if wallet.recurring_transaction_rules:
        yield Problem("wallet_top_up_rule", "refills itself by a rule; set up a recurring sale in Odoo instead")
