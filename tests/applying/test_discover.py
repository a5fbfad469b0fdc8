"""Discovery tells the two kinds of subscriptions apart, and refuses a server that has neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from lago2odoo.sandbox.odoo import serve
from migrate.errors import Blocked
from migrate.odoo.connect import OdooSettings, connect
from migrate.odoo.discover import discover, field_names
from migrate.odoo.door import Door


@pytest.mark.parametrize("flavour", ["enterprise", "oca"])
def test_the_kind_of_subscriptions_is_found(tmp_path: Path, flavour: str) -> None:
    server = serve(tmp_path / "odoo.db", flavour=flavour)
    try:
        place = OdooSettings(url=server.url, database=server.database_name, user=server.user, key=server.key)
        odoo = connect(place)
        target = discover(Door(odoo))
        assert (target.subscriptions, target.addon, target.company_id, target.quantity_digits) == (flavour, True, 1, 2)
        assert {"CAD", "USD"} <= target.currencies
        assert "en_US" in target.languages
        assert "partner_id" in target.models["sale.order"]
        assert field_names(Door(odoo), "no.such.model") == frozenset()
        odoo.close()
    finally:
        server.close()


def test_without_subscriptions_the_modules_are_named(tmp_path: Path) -> None:
    server = serve(tmp_path / "odoo.db", flavour="plain")
    try:
        place = OdooSettings(url=server.url, database=server.database_name, user=server.user, key=server.key)
        odoo = connect(place)
        with pytest.raises(Blocked, match="subscription_oca"):
            discover(Door(odoo))
        odoo.close()
    finally:
        server.close()
