"""What ``reconcile`` remembers of its runs, so that open items age and ``report sign`` knows what it signs."""

from __future__ import annotations

from pathlib import Path

from migrate.commands.inputs import Inputs
from migrate.errors import Blocked, StoreError
from reports import ageing
from reports.ageing import HistoryError
from reports.data import ReportData


def aged(data: ReportData, folder: Path) -> ReportData:
    """The report in which every open item knows since when it is open, by the runs noted in ``folder``."""
    try:
        return ageing.apply(data, ageing.read(folder))
    except HistoryError as error:
        raise Blocked(str(error)) from None


def note(data: ReportData, report: Path, inputs: Inputs) -> None:
    """Note a run after its data was written to ``report``, in the history of that file's folder."""
    try:
        ageing.append(report, data, inputs.hashes)
    except HistoryError as error:
        raise Blocked(str(error)) from None
    except OSError as error:
        raise StoreError(f"{report.parent / ageing.FILE}: the run cannot be noted: {error.strerror}") from error
