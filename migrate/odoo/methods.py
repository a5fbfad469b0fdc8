"""What must be known of Odoo's methods before they are called.

Methods that mappers ask for after creation, and how to see that they are done: calling one twice may fail or double.
One line per method. A later method of a record includes the earlier ones (a cancelled order was confirmed before).

What Odoo moves along when it sees another field written: to be put back where we only wanted the other one.

And how the argument of ``write`` is called where a module renamed it: JSON-2 knows only named arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migrate.errors import OdooError


@dataclass(frozen=True, slots=True)
class Done:
    """The method is done once ``field`` holds one of ``values``."""

    field: str
    values: tuple[Any, ...]


METHODS: Mapping[tuple[str, str], Done] = {
    ("sale.order", "action_confirm"): Done("state", ("sale",)),
    ("sale.order", "action_cancel"): Done("state", ("cancel",)),
    ("sale.order", "action_lock"): Done("locked", (True,)),
    ("sale.order", "set_close"): Done("subscription_state", ("6_churn",)),
    ("sale.order", "pause_subscription"): Done("subscription_state", ("4_paused",)),
    ("account.move", "action_post"): Done("state", ("posted",)),
    ("account.payment", "action_post"): Done("state", ("in_process", "paid")),
    ("account.move", "button_cancel"): Done("state", ("cancel",)),
    ("sale.subscription", "action_start_subscription"): Done("in_progress", (True,)),
    ("sale.subscription", "close_subscription"): Done("in_progress", (False,)),
}

MOVED_ALONG: Mapping[str, tuple[str, ...]] = {
    "sale.subscription": ("date_start", "recurring_next_date"),  # OCA: a stage that starts it dates it today
    "sale.order": ("start_date", "next_invoice_date"),  # Enterprise: by its state, where it has these fields
}

WRITE_ARGUMENT: Mapping[str, str] = {
    "sale.subscription": "values",  # OCA's subscription_oca
}


def write_arguments(model: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` under the name by which this model's ``write`` takes them."""
    return {WRITE_ARGUMENT.get(model, "vals"): dict(values)}


def done_field(model: str, method: str) -> Done:
    """How to see it; a method that is not in the table is never called."""
    done = METHODS.get((model, method))
    if done is None:
        raise OdooError(
            f"{model}.{method} is not a method this tool knows how to check; add it to migrate/odoo/methods.py"
        )
    return done


def done_methods(model: str, methods: Sequence[str], raw: Mapping[str, Any]) -> dict[str, bool]:
    """``method()`` -> whether it is done, from what ``read`` answered."""
    result, later = {}, False
    for method in reversed(methods):
        check = done_field(model, method)
        later = later or raw.get(check.field) in check.values
        result[f"{method}()"] = later
    return result
