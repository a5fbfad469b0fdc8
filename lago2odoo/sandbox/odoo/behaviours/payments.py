"""Payment providers and tokens: a provider that changes state archives its tokens."""

from __future__ import annotations

from .. import faults
from ..orm import Behaviour, Env, Vals

USUAL = {"card", "bancontact", "eps", "giropay", "ideal", "p24", "visa", "mastercard", "amex", "discover"}
KEYS = {"stripe": ("stripe_publishable_key", "stripe_secret_key")}


def _provider_before_write(env: Env, ids: list[int], vals: Vals) -> None:
    if "state" not in vals:
        return
    for row in env.rows("payment.provider", ids, ("state", "code", "name", *KEYS["stripe"])):
        merged = {**row, **vals}
        if vals["state"] != "disabled" and any(not merged.get(name) for name in KEYS.get(row["code"], ())):
            raise faults.validation("The following fields must be filled: Publishable Key, Secret Key")
        if row["state"] != "disabled" and vals["state"] != row["state"]:
            tokens = env.rows("payment.token", [row["id"]], ("active",), by="provider_id")
            env.store.update(env.model("payment.token"), [token["id"] for token in tokens], {"active": 0})


def _provider_changed(env: Env, ids: list[int], fields: set[str] | None) -> None:
    """A provider in use switches its usual methods on; one that is disabled, those that nobody else offers off."""
    if fields is None or "state" not in fields:
        return
    columns = ("state", "code")
    for row in env.rows("payment.provider", ids, columns):
        offered = env.with_context(active_test=False).values("payment.provider", [row["id"]], "payment_method_ids")[
            row["id"]
        ]
        methods = [method for method in env.rows("payment.method", offered, ("code",)) if method["code"] in USUAL]
        chosen = [method["id"] for method in methods]
        env.store.update(env.model("payment.method"), chosen, {"active": int(row["state"] != "disabled")})


def _token_before_write(env: Env, ids: list[int], vals: Vals) -> None:
    if not vals.get("active"):
        return
    for row in env.rows("payment.token", ids, ("active", "provider_id", "payment_method_id")):
        provider = env.row("payment.provider", row["provider_id"], ("state",))
        method = env.row("payment.method", row["payment_method_id"], ("active",))
        if not row["active"] and (provider["state"] == "disabled" or not method["active"]):
            raise faults.user_error(
                "You can't unarchive tokens linked to inactive payment methods or disabled providers."
            )


def _names(env: Env, ids: list[int]) -> dict[int, str]:
    rows = env.rows("payment.token", ids, ("payment_details",))
    return {row["id"]: f"•••• {row['payment_details']}" if row["payment_details"] else "" for row in rows}


PROVIDER = Behaviour(before_write=_provider_before_write, changed=_provider_changed)
TOKEN = Behaviour(before_write=_token_before_write, names=_names)
