"""The last guard: a mistake of our own costs the invoice at which it came up, by name, and no other one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import reconcile.rerate.invoices
import reconcile.rerate.noise_floor
import reconcile.rerate.usage_queries
import reconcile.run
from lago2odoo.cli import main as cli
from lago2odoo.cli.main import show_mistakes
from mappings.records import Snapshot
from reconcile.billed import BilledInvoice
from reconcile.rating.unforeseen import OF_DATA, unforeseen
from reconcile.rerate.event_source import EventSource
from reconcile.rerate.invoices import rerate
from reconcile.rerate.noise_floor import control
from reconcile.sides.lago import lago_invoices
from reports.verdict import judge
from tests.reconciling.test_run import reconciled, without_tax

MONTH = "2026-07"


@pytest.fixture(scope="module")
def july(snapshot: Snapshot) -> tuple[BilledInvoice, ...]:
    return lago_invoices(snapshot, MONTH)[:12]


@pytest.fixture(scope="module")
def usage(nexasystems: tuple[Snapshot, Path]) -> Iterator[EventSource]:
    with EventSource.from_parquet(nexasystems[1]) as source:
        yield source


def broken_at(real: Callable[..., Any], is_odd: Callable[..., bool], error: Exception) -> Callable[..., Any]:
    """The function, but for what is odd to it."""

    def broken(*given: Any, **more: Any) -> Any:
        if is_odd(*given):
            raise error
        return real(*given, **more)

    return broken


@pytest.mark.parametrize("error", [ValueError("min() arg is an empty sequence"), KeyError("zz"), ZeroDivisionError()])
@pytest.mark.parametrize("place", ["drafting", "usage", "lines"])
def test_what_breaks_at_one_invoice_costs_that_one(
    snapshot: Snapshot,
    july: tuple[BilledInvoice, ...],
    usage: EventSource,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    error: Exception,
) -> None:
    before = rerate(snapshot, usage)(july)
    victim = next(i for i in july if i.billings and not before[i.lago_id].refusals)
    module, name, is_odd = {
        "drafting": (
            reconcile.rerate.usage_queries,
            "_draft_billing",
            lambda _, billed: billed.invoice.lago_id == victim.lago_id,
        ),
        "usage": (
            reconcile.rerate.usage_queries,
            "_answer_usage",
            lambda _, drafts: victim.lago_id in {draft.shown.lago_id for draft in drafts},
        ),
        "lines": (
            reconcile.rerate.invoices,
            "refuse_unexplained",
            lambda _, draft, __: draft.shown.lago_id == victim.lago_id,
        ),
    }[place]
    monkeypatch.setattr(module, name, broken_at(getattr(module, name), is_odd, error))
    after = rerate(snapshot, usage)(july)
    (refusal,) = after[victim.lago_id].refusals
    assert (refusal.reason, after[victim.lago_id].totals, after[victim.lago_id].lines) == ("unforeseen", None, ())
    assert f"{victim.number}: {type(error).__name__} in test_unforeseen.py, line" in str(refusal.detail)
    assert {i: told for i, told in after.items() if i != victim.lago_id} == {
        i: told for i, told in before.items() if i != victim.lago_id
    }


def test_what_is_no_invoices_fault_ends_the_run(
    snapshot: Snapshot, july: tuple[BilledInvoice, ...], usage: EventSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    for error in (MemoryError(), OSError(28, "No space left on device"), RuntimeError("Query interrupted")):
        monkeypatch.setattr(reconcile.rerate.invoices, "refuse_unexplained", broken_at(int, lambda *_: True, error))
        with pytest.raises(type(error)):
            rerate(snapshot, usage)(july)
    assert not any(issubclass(kind, OF_DATA) for kind in (MemoryError, OSError, RuntimeError, KeyboardInterrupt))


def test_a_calendar_that_breaks_is_a_refusal_of_that_invoice(
    snapshot: Snapshot, usage: EventSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = reconcile.rerate.noise_floor
    before = {check.lago_id: check for check in control(snapshot, usage, period=MONTH)}
    victim = next(check for check in before.values() if check.is_equal and check.header == "equal")
    is_odd: Callable[..., bool] = lambda invoice, *_: invoice.lago_id == victim.lago_id  # noqa: E731
    broken = broken_at(module.calendar_differences, is_odd, IndexError("tuple index out of range"))
    monkeypatch.setattr(module, "calendar_differences", broken)
    after = {check.lago_id: check for check in control(snapshot, usage, period=MONTH)}
    assert {i for i, check in after.items() if check != before[i]} == {victim.lago_id}
    told = after[victim.lago_id]
    assert (told.is_equal, [refusal.reason for refusal in told.refusals]) == (False, ["unforeseen"])


def test_what_breaks_while_an_invoice_is_explained_leaves_it_unexplained(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = reconciled(snapshot, without_tax)
    victim = next(view for view in before.invoices if any(p.delta_cents for p in view.positions))
    is_odd: Callable[..., bool] = lambda invoice, *_: invoice.base.lago_id == victim.id  # noqa: E731
    monkeypatch.setattr(reconcile.run, "classify", broken_at(reconcile.run.classify, is_odd, TypeError("odd")))
    after = reconciled(snapshot, without_tax)
    assert [view for view in after.invoices if view.id != victim.id] == [
        view for view in before.invoices if view.id != victim.id
    ]
    (told,) = (view for view in after.invoices if view.id == victim.id)
    findings = [finding for position in told.positions for finding in position.findings]
    assert {(finding.cause, finding.proven) for finding in findings} == {("unexplained", False)}
    assert all("TypeError in test_unforeseen.py" in str(finding.evidence[0].values["why"]) for finding in findings)
    assert judge(after).exit_code == 2
    assert judge(after).doubtful >= len(findings)


@pytest.mark.parametrize("is_asked", [True, False])
def test_the_traceback_is_there_for_whoever_asks(capsys: pytest.CaptureFixture[str], is_asked: bool) -> None:
    show_mistakes(is_asked)
    try:
        try:
            min(())
        except ValueError as error:
            refused = unforeseen(error)
        shown = capsys.readouterr().err
    finally:
        show_mistakes(False)
    assert "ValueError in test_unforeseen.py" in str(refused.detail)
    assert ("Traceback (most recent call last)" in shown) is is_asked
    assert logging.getLogger("lago2odoo").handlers == []


def test_who_interrupts_a_query_interrupts_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """DuckDB makes a RuntimeError of Ctrl-C, which is neither a mistake of ours nor an invoice's."""

    def interrupted(*_: object, **__: object) -> None:
        raise RuntimeError("Query interrupted")

    monkeypatch.setattr(cli.group, "main", interrupted)
    with pytest.raises(SystemExit) as ended:
        cli.main([])
    assert ended.value.code == 130
    assert capsys.readouterr().err == "lago2odoo: interrupted; the same command resumes\n"
