"""Open balances or the whole ledger: a company chooses one of them, and what the other one wrote goes first."""

from __future__ import annotations

from lago2odoo.cli.context import CommandContext
from mappings.target import Phase
from migrate.errors import Blocked
from migrate.state.ledger import Ledger
from migrate.state.store import Store

LEDGER = "ledger"
_PHASES = {"balances": Phase.BALANCES, LEDGER: Phase.BOOKS}


def require_choice(context: CommandContext, store: Store, kept: str) -> None:
    """Raise Blocked unless the books are kept so, and nothing stands in them that was brought the other way."""
    if context.config.books.keep != kept:
        raise Blocked(
            f'{context.config_file}: the books hold open balances ([books] keep = "balances"), and a company has these '
            f'or the whole ledger, never both: choose keep = "{kept}" to bring every invoice'
        )
    for way, phase in _PHASES.items():
        standing = next((e for e in Ledger(store).entries([phase]) if e.model == "account.move"), None)
        if way != kept and standing is not None:
            raise Blocked(
                f"the books are kept by {way} already ({standing.source}): 'lago2odoo rollback --phase {phase.value}' "
                f'first, or keep = "{way}" under [books] of {context.config_file}'
            )
