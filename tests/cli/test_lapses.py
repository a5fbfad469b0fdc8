"""What Lago never billed reaches the command: its data, what it prints and its exit code, with Odoo or without."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.broken import Broken, Change, each, opened

MONTH = "2026-06"


def invoice_of(recording: Path, subscription: str) -> dict[str, Any]:
    """The invoice of the month that bills this subscription alone."""
    pages = (json.loads(line)["body"] for line in (recording / "invoices_show.jsonl").read_text("utf-8").splitlines())
    shown = (invoice for page in pages for invoice in each(page, "invoice"))
    return next(
        invoice
        for invoice in shown
        if invoice["issuing_date"].startswith(MONTH)
        and [period["external_subscription_id"] for period in invoice["billing_periods"]] == [subscription]
    )


def without(invoice: dict[str, Any]) -> Change:
    """As if the job that makes it had got stuck: no list holds it, nor any fee of it, and each page counts without."""

    def change(body: Any) -> None:
        for root, name, number in (("invoices", "lago_id", 1), ("fees", "lago_invoice_id", len(invoice["fees"]))):
            if root in body:
                body[root] = [record for record in body[root] if record[name] != invoice["lago_id"]]
                body["meta"]["total_count"] -= number

    return change


def reconciled(company: Broken, *arguments: str) -> tuple[int, str, list[dict[str, Any]]]:
    """Exit code, what was printed, and the lapses of the run's data."""
    result = company.project.run("reconcile", "--period", MONTH, *arguments)
    name = f"{MONTH}.control" if "--control" in arguments else MONTH
    data = json.loads((company.project.folder / "report" / f"{name}.json").read_text("utf-8"))
    return result.code, result.out, data.get("lapses", [])


@pytest.mark.parametrize("arguments", [("--control",), ()], ids=["control", "with Odoo"])
def test_a_month_that_lago_never_billed_ends_the_run(
    recording: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    invoice = invoice_of(recording, "sub_029")
    with opened(tmp_path, recording) as company:
        company.change(without(invoice))
        assert company.project.run("extract").code == 0
        code, said, lapses = reconciled(company, *arguments)
    (lapse,) = lapses
    told = (lapse["kind"], lapse["subscription"], lapse["cents"])
    assert told == ("period_never_billed", "sub_029", invoice["fees_amount_cents"])
    assert "Period never billed" in said
    assert code == 2


def test_without_it_the_control_run_ends_well(recording: Path, tmp_path: Path) -> None:
    with opened(tmp_path, recording) as company:
        assert company.project.run("extract").code == 0
        code, _, lapses = reconciled(company, "--control")
    assert (code, lapses) == (0, [])
