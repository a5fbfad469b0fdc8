"""Every currency of Odoo and Lago: one conversion on all sides, and a refusal by name where it cannot be kept."""

from __future__ import annotations

import json
import lzma
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lago2odoo.sandbox import odoo as embedded_odoo
from mappings.money import exponent, from_subunits, to_subunits
from migrate.odoo.connect import OdooSettings, connect
from migrate.odoo.discover import discover
from migrate.odoo.door import Door
from migrate.odoo.findings import CheckFinding
from migrate.odoo.needs import Needs
from migrate.odoo.preflight import OF_MAPPING, _all_of
from tests.addon import plain

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "lago2odoo" / "sandbox" / "odoo" / "data" / "enterprise.json.xz"  # recorded from a real Odoo 19
# Lago's money library against ISO 4217 (facts §6.1); the other 118 of its 142 currencies have two digits.
WHOLE = (
    *("BIF", "CLP", "DJF", "GNF", "HUF", "ISK", "JPY", "KMF", "KRW"),
    *("MGA", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"),
)
LAGO = {**dict.fromkeys(WHOLE, 0), **dict.fromkeys(["BHD", "JOD", "KWD"], 3), "CLF": 4}


def currencies() -> dict[str, Decimal]:
    """Code -> what Odoo rounds to, of all that a real Odoo 19 brings."""
    rows: list[dict[str, Any]] = json.loads(lzma.decompress(SCHEMA.read_bytes()))["rows"]["res.currency"]
    return {row["name"]: Decimal(str(row["rounding"])) for row in rows}


def test_lagos_table() -> None:
    assert {code: exponent(code) for code in LAGO} == LAGO
    assert {exponent(code) for code in ("CAD", "EUR", "USD", "HRK", "MRO", "TWD")} == {2}


def test_both_codes_convert_every_currency_alike() -> None:
    theirs = plain.module("rating", "exact")  # the addon's own arithmetic, without Odoo
    assert {code: exponent(code) for code in currencies()} == {code: theirs.exponent(code) for code in currencies()}


@pytest.mark.parametrize("cents", [1, -7, 12345, 10**15 + 1])
def test_an_amount_comes_back_as_it_was_in_every_currency(cents: int) -> None:
    assert {code for code in currencies() if to_subunits(from_subunits(cents, code), code) != cents} == set()


@pytest.fixture(scope="module")
def odoo(tmp_path_factory: pytest.TempPathFactory) -> Any:
    server = embedded_odoo.serve(tmp_path_factory.mktemp("odoo") / "odoo.db", api_key="key-of-the-test")
    settings = OdooSettings(url=server.url, database=server.database_name, user="", key="key-of-the-test")
    yield Door(connect(settings))
    server.close()


def findings(odoo: Door, *codes: str) -> list[CheckFinding]:
    checks = OF_MAPPING[:1]
    return [f for f in _all_of(checks, odoo, discover(odoo), Needs(currencies=frozenset(codes))) if "rounds" in f.what]


def test_every_currency_that_odoo_cannot_hold_is_refused_by_name_before_it_is_active(odoo: Door) -> None:
    """All of them at once; those that are inactive too, which apply would bring to life."""
    told = findings(odoo, *currencies())
    coarser = {code for code, rounding in currencies().items() if rounding > Decimal(1).scaleb(-exponent(code))}
    finer = {code for code, rounding in currencies().items() if rounding < Decimal(1).scaleb(-exponent(code))}
    assert {f.what.split()[1] for f in told if f.level == "error"} == coarser == {"BYR", "TWD"}
    assert {f.what.split()[1] for f in told if f.level == "warning"} == finer == {"HUF", "MGA", "UYI", "UYW"}


def test_a_rounding_that_no_power_of_ten_is(odoo: Door) -> None:
    (franc,) = odoo.search("res.currency", [["name", "=", "CHF"]])
    odoo.send("res.currency", "write", [franc], vals={"rounding": 0.05})
    (finding,) = findings(odoo, "CHF")
    assert (finding.level, finding.name) == ("error", "currency_rounding")
    assert finding.what == "currency CHF rounds to 0.05 in Odoo and to 0.01 in Lago"


def test_a_currency_that_odoo_does_not_have(odoo: Door) -> None:
    """Nobody else waits for it: the mapping leaves out by name what is in it."""
    told = list(_all_of(OF_MAPPING[:1], odoo, discover(odoo), Needs(currencies=frozenset({"ZZZ"}))))
    what = "currency ZZZ is not in Odoo: what is in it is left out (currency_unknown)"
    assert [(f.level, f.what) for f in told] == [("warning", what)]


def test_a_currency_that_somebody_typed_in_has_no_external_id(odoo: Door) -> None:
    """Everything of ours names currencies by Odoo's own ids: one without would end ``apply`` for everybody."""
    odoo.send("res.currency", "create", None, vals_list=[{"name": "XTS", "symbol": "X"}])
    assert "XTS" not in discover(odoo).all_currencies
