"""A report's positions as records: every value that a report may hold is one that the addon's fields take."""

from __future__ import annotations

import ast
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from mappings.context import currency_ref, partner_ref
from mappings.money import from_subunits
from mappings.subscriptions import order_ref
from migrate.change_set.verdicts import STATUSES, Owners, references, verdicts, without
from migrate.odoo.push import remedy
from reconcile.compare.verdict import Verdict
from reports.data import SIDES, ReportData
from reports.data import STATUSES as REPORTED
from reports.summary import totals
from tests.reporting.sample import RUN, invoice, position, sample

MODEL = Path(__file__).parents[2] / "addons" / "fusion_billing" / "models" / "reconciliation.py"
NOBODY = Owners(partners={})


def choices(name: str) -> set[str]:
    """The values of a selection of the addon's model, which cannot be imported here."""
    tree = ast.parse(MODEL.read_text("utf-8"))
    found = next(
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name
    )
    return {value for value, _ in ast.literal_eval(found)}


def test_the_addon_knows_every_status_verdict_and_side() -> None:
    assert choices("STATUSES") == {STATUSES.get(status, status) for status in REPORTED}
    assert choices("VERDICTS") == {verdict.value for verdict in Verdict}
    assert choices("SIDES") == {*SIDES, "unknown"}


def test_every_position_is_one_record_of_its_own() -> None:
    found = verdicts(sample(), NOBODY)
    assert len({verdict.xid for verdict in found}) == len(found) == sum(1 for _ in sample().rows())
    assert all(" " not in verdict.xid and verdict.xid.startswith("lago.verdict_") for verdict in found)


def test_amounts_add_up_as_in_the_report() -> None:
    """In units of each currency: cents, yen, mils."""
    sums: dict[object, Decimal] = {}
    for verdict in verdicts(sample(), NOBODY):
        delta, currency = verdict.values["delta"], verdict.values["currency_id"]
        assert isinstance(delta, Decimal)
        sums[currency] = sums.get(currency, Decimal(0)) + delta
    reported = {currency_ref(t.currency): from_subunits(t.delta_cents, t.currency) for t in totals(sample())}
    assert sums == reported
    assert sorted(sums.values())[0] < 0, "the sample has something to add up"


def test_a_header_part_belongs_to_the_only_subscription_of_its_invoice() -> None:
    tax = position(3, 1, 1, 1, header=True, kind="tax", key={"part": "tax"})
    one, other = position(1, 1, 1, 1), position(2, 1, 1, 1, key={"subscription": "t", "kind": "charge", "item": "c"})
    alone = verdicts(ReportData(run=RUN, invoices=(invoice(1, one, tax),)), NOBODY)
    several = verdicts(ReportData(run=RUN, invoices=(invoice(1, one, other, tax),)), NOBODY)
    assert [v.values["order_id"] for v in alone] == [order_ref("s"), order_ref("s")]
    assert [v.values["order_id"] for v in several] == [order_ref("s"), order_ref("t"), None]


def test_what_odoo_does_not_have_is_left_out() -> None:
    owners = Owners(partners={"NX-1": partner_ref("1"), "NX-2": partner_ref("2")})
    wanted = verdicts(ReportData(run=RUN, invoices=(invoice(1, position(1, 1, 1, 1)),)), owners)
    assert references(wanted) == {partner_ref("1").xid, order_ref("s").xid}
    kept = without(wanted, {partner_ref("1").xid}.__contains__)
    assert (kept[0].values["partner_id"], kept[0].values["order_id"]) == (partner_ref("1"), None)


def test_french_reports_give_french_texts() -> None:
    found = {v.values["cause"]: v.values for v in verdicts(sample(), NOBODY, "fr_CA")}
    assert found["missing_usage"]["cause_label"] == "Utilisation manquante"
    assert str(found["missing_usage"]["position"]).startswith(("Utilisation", "Taxe"))


def test_the_older_one_is_to_be_updated() -> None:
    assert "upgrade the module" in remedy("19.0.1.9.0", "19.0.1.10.0")
    assert "install the lago2odoo" in remedy("19.0.1.10.0", "19.0.1.9.0")


def test_a_rerun_changes_nothing_but_the_run() -> None:
    later = replace(RUN, compared_at=RUN.compared_at.replace(day=28))
    pairs = zip(verdicts(sample(), NOBODY), verdicts(replace(sample(), run=later), NOBODY), strict=True)
    assert all({n for n in a.values if a.values[n] != b.values[n]} == {"run"} for a, b in pairs)
