"""Numbers that no date and no double can hold, or that mean nothing: named, left out with what depends on them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.cases.conftest import Case
from tests.cases.test_not_comparable import refusals
from tests.cases.test_quarantine import quarantine, skipped


@pytest.mark.parametrize(
    ("resource", "changes"),
    [
        ("plans", {"trial_period": 1e8}),
        ("plans", {"trial_period": -3.5}),
        ("plans", {"amount_cents": -4900}),
        ("plans", {"minimum_commitment": {"lago_id": "mc", "amount_cents": -1}}),
        ("customers", {"net_payment_term": -1}),
        ("customers", {"net_payment_term": 99_999_999}),
        ("customers", {"billing_configuration": {"invoice_grace_period": 10**9}}),
        ("invoices", {"net_payment_term": 99_999_999, "payment_due_date": None, "payment_status": "pending"}),
        ("invoices", {"total_due_amount_cents": 2**53 + 1, "payment_status": "pending"}),
    ],
)
def test_a_number_out_of_range(
    case: Callable[..., Case], companies: Path, tmp_path: Path, resource: str, changes: Mapping[str, object]
) -> None:
    company = case("14", "[waive]\n")
    (folder,) = companies.glob("14-*")
    shutil.copytree(folder, tmp_path / "far")
    for path in (tmp_path / "far").glob("*.jsonl"):
        calls = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
        path.write_text("".join(json.dumps(changed(call, resource, changes)) + "\n" for call in calls), "utf-8")
    company.project.replace(str(folder), str(tmp_path / "far"))
    extracted = company.run("extract")
    assert (extracted.code, "'value_out_of_range'" in extracted.err) == (1, True), extracted.err
    assert {(q["resource"], q["reason"]) for q in quarantine(company)} == {(resource, "value_out_of_range")}
    assert "everything else is written" in company.run("apply").err
    assert set(skipped(company)) == {"value_out_of_range"}
    assert company.run("reconcile", "--period", "2026-08").code == 2
    assert company.run("reconcile", "--control", "--period", "2026-08").code == 2
    assert refusals(company.report("2026-08.control")) == {("lago", "value_out_of_range")}


def changed(call: Mapping[str, object], resource: str, changes: Mapping[str, object]) -> dict[str, object]:
    """The recorded answer, with every record of the resource changed, listed or alone."""
    body = call["body"]
    assert isinstance(body, dict)
    for root in (resource, resource.removesuffix("s")):
        listed = body.get(root)
        for record in listed if isinstance(listed, list) else [listed] if isinstance(listed, dict) else []:
            record.update(changes)
    return dict(call)
