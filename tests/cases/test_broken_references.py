"""Records that name what Lago does not show, or one name twice: named, moved by nobody, blamed on nobody, waivable."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cases.conftest import Breaking, Case, Change
from tests.cases.test_exit_codes import waive
from tests.cases.test_not_comparable import refusals
from tests.cases.test_quarantine import quarantine, skipped

ANOTHER = "11111111-c742-5152-95e9-765baded3f1c"


def fields(names: tuple[str, ...], **more: Any) -> Change:
    """These fields of every record that is shown under one of these roots."""
    return lambda root, record: [{**record, **more} if root in names else record]


def doubled(listed: str, **more: Any) -> Change:
    """Every record of a list a second time, with an id of its own."""
    return lambda root, record: [record, {**record, "lago_id": ANOTHER, **more}] if root == listed else [record]


def report_of(company: Case, *, control: bool) -> dict[str, Any]:
    """Reconciled with Odoo, or alone; nothing of it may be blamed on anybody."""
    arguments = ("reconcile", "--period", "all", *(["--control"] if control else []))
    shown = company.run(*arguments)
    assert shown.code == 2, shown.err
    assert " differs" not in shown.out.replace("equal  differs", "")
    data = company.report("all.control" if control else "all")
    causes = [cause for i in data["invoices"] for p in i.get("positions", ()) for cause in p.get("causes", ())]
    assert causes == []
    return data


def require_named(company: Case, reason: str, ids: set[str], moved: bool = False) -> None:
    """By every command, with exit code 1 until it is waived: by its reason, or by the ids."""
    extracted = company.run("extract")
    assert (extracted.code, f"{reason}: " in extracted.out) == (1, True), extracted.out
    assert {q["id"] for q in quarantine(company)} == ids
    assert {q["reason"] for q in quarantine(company)} == {reason}
    assert company.run("preview").code == 1
    assert set(skipped(company)) == {reason}
    applied = company.run("apply")
    assert (applied.code, "everything else is written" in applied.err) == (1, True)
    waive(company, "skipped", [reason])
    assert [company.run(command).code for command in ("extract", "apply", "status")] == [0, 0, 0]
    company.project.replace(f'["{reason}"]', str(sorted(ids)))
    assert [company.run(command).code for command in ("extract", "apply", "status")] == [0, 0, 0]


@pytest.mark.parametrize("names", [("customers", "customer"), ("invoices", "invoice")])
def test_a_billing_entity_that_lagos_list_lacks(broken: Breaking, names: tuple[str, ...]) -> None:
    """Its taxes are not none: what it bills is compared with nothing, and nothing of it is moved."""
    company = broken("14", fields(names, billing_entity_code="ghost"))
    require_named(company, "billing_entity_unknown", {"ghost"})
    assert "invoice" in " ".join(q["dependents"] for q in quarantine(company))
    for control in (True, False):
        assert ("lago", "billing_entity_unknown") in refusals(report_of(company, control=control))
    odoo = company.connection()
    assert odoo.call("account.move", "search_count", domain=[["move_type", "=", "out_invoice"]]) == 0


def test_a_subscription_whose_customer_is_known_nowhere(broken: Breaking) -> None:
    nobody = {"lago_customer_id": ANOTHER, "external_customer_id": "nobody"}
    company = broken("14", fields(("subscriptions", "subscription"), **nobody))
    require_named(company, "customer_unknown", {"910d69f2-6a04-58b8-a483-6d7151c1b8c8"})
    assert ("lago", "customer_unknown") in refusals(report_of(company, control=False))
    made_up = company.connection().call("res.partner", "search_count", domain=[["ref", "=", "nobody"]])
    assert made_up == 0


def test_two_customers_of_one_external_id(broken: Breaking) -> None:
    company = broken("14", doubled("customers", name="Another Ltd"))
    require_named(company, "external_id_not_unique", {ANOTHER, "1a613544-c742-5152-95e9-765baded3f1c"})
    assert all(ANOTHER in q["problem"] and "1a613544" in q["problem"] for q in quarantine(company))
    assert ("lago", "external_id_not_unique") in refusals(report_of(company, control=False))


def test_two_active_subscriptions_of_one_external_id(broken: Breaking) -> None:
    company = broken("14", doubled("subscriptions"))
    require_named(company, "external_id_not_unique", {ANOTHER, "910d69f2-6a04-58b8-a483-6d7151c1b8c8"})
    assert ("lago", "external_id_not_unique") in refusals(report_of(company, control=False))


def test_what_a_billing_entity_in_quarantine_sells_is_compared_with_nothing(broken: Breaking) -> None:
    company = broken("14", fields(("billing_entities", "billing_entity"), timezone="Mars/Base"))
    require_named(company, "unknown_time_zone", {"00000000-0000-4000-8000-000000000002"})
    for control in (True, False):
        assert ("lago", "unknown_time_zone") in refusals(report_of(company, control=control))
