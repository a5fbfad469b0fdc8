"""Prepaid credits -> eWallet cards of ``sale_loyalty``. A point is one unit of the currency, whatever a credit cost.

A wallet without a balance has nothing to move. Lago keeps what was left on one that was terminated, and pays it back to
nobody: that is told, and not moved; and so is the balance of one whose own credits contradict it.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from mappings.context import Context, Problem, currency_ref, partner_ref
from mappings.money import CONTEXT, from_subunits, round_half_up, subunits, told_money
from mappings.records import Snapshot, Wallet
from mappings.target import Desired, Mapped, Phase, Ref, Source, Value, xid
from mappings.text import plain


def wallets(context: Context) -> Iterator[Mapped]:
    """The balances of all wallets: one programme per currency, one card per wallet; or why not."""
    moved = _movements(context.snapshot)
    filled = []
    for wallet in context.snapshot.wallets:
        told = _told(wallet, moved.get(wallet.lago_id, 0))
        if told:
            yield told.skips(Phase.BALANCES, wallet_source(wallet), wallet.external_customer_id)
        elif wallet.status == "active" and wallet.balance_cents > 0:
            filled.append(wallet)
    yield from _filled(context, filled)


CONTRADICTED_WALLET = "wallet_contradicts"


def contradicted_wallets(snapshot: Snapshot) -> dict[str, str]:
    """Lago id of a wallet -> what its own credits say against its balance. None of them is moved."""
    moved = _movements(snapshot)
    told = ((wallet.lago_id, _told(wallet, moved.get(wallet.lago_id, 0))) for wallet in snapshot.wallets)
    return {lago_id: why.detail for lago_id, why in told if why is not None and why.reason == CONTRADICTED_WALLET}


def _movements(snapshot: Snapshot) -> dict[str, int]:
    """Lago id of a wallet -> how often something was put on it or taken off."""
    moved = dict[str, int]()
    for transaction in snapshot.wallet_transactions:
        moved[transaction.lago_wallet_id] = moved.get(transaction.lago_wallet_id, 0) + 1
    return moved


def _filled(context: Context, filled: list[Wallet]) -> Iterator[Mapped]:
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


def _told(wallet: Wallet, movements: int) -> Problem | None:
    """What finance has to know of a wallet that is no card: nothing of it is moved."""
    left = told_money(wallet.balance_cents, wallet.currency)
    if wallet.status != "active":
        if not wallet.balance_cents and not wallet.credits_balance:
            return None
        detail = f"terminated in Lago with {left} on it ({plain(wallet.credits_balance)} credits), and not paid back"
        return Problem("wallet_terminated", f"{detail}: not moved; finance decides if it is owed")
    if wallet.balance_cents < 0:
        return Problem("wallet_negative", f"{left}: used up and more; invoice it, or write it off")
    return _contradiction(wallet, left, movements)


def _contradiction(wallet: Wallet, left: str, movements: int) -> Problem | None:
    """A balance in money that its credits do not make. Lago keeps both, and rounds each with every movement.

    A top-up rounds its money, a payment its credits to 5 digits: each may part them by half of the last digit.
    """
    per_credit = CONTEXT.multiply(wallet.rate_amount, Decimal(subunits(wallet.currency)))
    worth = CONTEXT.multiply(wallet.credits_balance, per_credit)
    rounding = Decimal("0.5") + CONTEXT.multiply(per_credit, Decimal("0.000005"))
    if abs(worth - wallet.balance_cents) <= CONTEXT.multiply(rounding, Decimal(max(movements, 1))):
        return None
    credits = f"{plain(wallet.credits_balance)} credits of {plain(wallet.rate_amount)} {wallet.currency}"
    made = told_money(int(round_half_up(worth)), wallet.currency)
    detail = f"its balance says {left}, and its {credits} make {made}"
    return Problem(CONTRADICTED_WALLET, f"{detail}: find out in Lago what is left of it, and enter it by hand")


def wallet_source(wallet: Wallet) -> Source:
    """A customer may hold several wallets of one name: the id's head tells them apart."""
    label = f"{wallet.external_customer_id}/{wallet.code or wallet.name or 'wallet'} ({wallet.lago_id[:8]})"
    return Source("wallet", label, wallet.lago_id)


def _problem(context: Context, wallet: Wallet) -> Problem | None:
    if elsewhere := context.own_seller_problem(wallet) or context.problem(wallet.lago_customer_id):
        return elsewhere
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
