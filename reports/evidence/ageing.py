"""How long items have been open: one line per reconcile run, kept beside the reports (``history/runs.jsonl``).

    apply(data, read(folder))        before the report is written: each open position learns since when it is open
    append(report, data, inputs)     after it is written: this run becomes the past of the next ones

An item's age counts from the first run that found it different, as long as no run that looked at it found it settled.
A run looks at its own months, customers and pair of sides only: a pilot's run settles nothing for the others. A waiver
does not stop the clock: when it expires, the item has its true age. The lines are chained by hash, so that an edited
history is noticed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import pandas as pd

from mappings.errors import of_writing
from reports.data import OPEN, REFUSED, Age, InvoiceView, Position, ReportData
from reports.errors import ReportError
from reports.paths import require_writable_name, whole_file
from reports.tallies import sum_exactly

FILE = Path("history") / "runs.jsonl"
START = "0" * 64  # what the first line names as the one before
BUCKETS = ((30, "0-30"), (60, "31-60"), (90, "61-90"))
OLDEST = "90+"
TOLERANCE = timedelta(minutes=5)  # clocks are set, by less than this
_ORDER = (*(name for _, name in BUCKETS), OLDEST)
_DIFFERENT = (*OPEN, REFUSED)


class HistoryError(ReportError):
    """The history is damaged; ``str()`` is one line with file, line and remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One run as the history remembers it. ``different``: ids of the positions that differed, waived or not."""

    period: str
    pair: tuple[str, str]
    compared_at: datetime
    customers: frozenset[str]
    different: frozenset[str]
    report: str = ""  # name of the file its data was written to
    report_sha256: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)

    def saw(self, invoice: InvoiceView, pair: tuple[str, str]) -> bool:
        """Whether this run looked at the invoice, by the same two sides."""
        return self.pair == pair and self.period in ("all", invoice.month) and invoice.customer in self.customers


# --- pure --------------------------------------------------------------------------------------------------------


def apply(data: ReportData, past: Iterable[Past]) -> ReportData:
    """Tell every position that differs since when, given the earlier runs."""
    earlier = sorted((p for p in past if p.compared_at < data.run.compared_at), key=lambda p: p.compared_at)
    return replace(data, invoices=tuple(_aged_invoice(invoice, earlier, data) for invoice in data.invoices))


def _aged_invoice(invoice: InvoiceView, earlier: list[Past], data: ReportData) -> InvoiceView:
    if not any(map(_is_followed, invoice.positions)):
        return invoice
    looks = [past for past in earlier if past.saw(invoice, data.run.pair)]
    positions = tuple(
        replace(p, age=_age(p, looks, data.run.compared_at)) if _is_followed(p) else p for p in invoice.positions
    )
    return replace(invoice, positions=positions)


def _is_followed(position: Position) -> bool:
    """Whether its age is counted: it differs, was not compared, or is doubted by the re-rate alone."""
    return position.status in _DIFFERENT or position.doubt is not None


def _age(position: Position, looks: Iterable[Past], now: datetime) -> Age:
    """``looks``: earlier runs that looked at it, the oldest first."""
    since: datetime | None = None
    runs, reopened = 1, 0
    for past in looks:
        if position.id in past.different:
            since = since or past.compared_at
            runs += 1
        elif since is not None:
            since, runs, reopened = None, 1, reopened + 1
    first = (since or now).date()
    return Age(since=first, runs=runs, days=(now.date() - first).days, reopened=reopened)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeBucket:
    """Open items of one age and currency. ``gross_cents`` adds absolute values, so that signs do not hide items."""

    name: str  # 0-30 31-60 61-90 90+
    currency: str
    count: int
    delta_cents: int
    gross_cents: int
    oldest: date


def bucket(days: int) -> str:
    """The name of the bucket of an age in days."""
    return next((name for most, name in BUCKETS if days <= most), OLDEST)


def buckets(data: ReportData) -> tuple[AgeBucket, ...]:
    """What is open and not waived, by currency and age; empty buckets are left out."""
    rows = [
        (i.currency, _ORDER.index(bucket(p.age.days)), p.delta_cents, abs(p.at_stake_cents), p.age.since)
        for i, p in data.rows()
        if p.age is not None and counts(i, p)
    ]
    items = pd.DataFrame.from_records(rows, columns=["currency", "place", "delta_cents", "gross_cents", "since"])
    sums = sum_exactly(items, ["currency", "place"], ["delta_cents", "gross_cents"], oldest=("since", "min"))
    return tuple(
        AgeBucket(
            name=_ORDER[record["place"]],
            currency=record["currency"],
            count=int(record["count"]),
            delta_cents=int(record["delta_cents"]),
            gross_cents=int(record["gross_cents"]),
            oldest=record["oldest"],
        )
        for record in sums.reset_index().to_dict("records")
    )


def counts(invoice: InvoiceView, position: Position) -> bool:
    """Open, and not waived: a position that could not be compared is waived if its invoice's refusals are."""
    if position.status == REFUSED and invoice.refusals:
        return any(not refusal.waiver for refusal in invoice.refusals)
    return position.open


# --- the file ----------------------------------------------------------------------------------------------------


def read(folder: Path) -> tuple[Past, ...]:
    """The runs so far, the oldest first; nothing if there were none. ``folder`` is that of the reports.

    A last line without its end is a run that was killed while it was noted: it is left out. Raises HistoryError.
    """
    return tuple(_checked(_kept_lines(folder / FILE), folder / FILE))


def _kept_lines(path: Path) -> list[bytes]:
    try:
        return _lines(whole_file(path))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise HistoryError(f"{path}: cannot be read: {error.strerror}") from None


def require_clock(past: Iterable[Past], now: datetime) -> None:
    """Raise HistoryError for a clock that stands before a run that is noted already: ages would jump."""
    latest = max((p.compared_at for p in past), default=now)
    if now < latest - TOLERANCE:
        raise HistoryError(
            f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC, but a month was reconciled at "
            f"{latest.astimezone(UTC):%Y-%m-%d %H:%M} UTC already: set the clock right; if it was wrong then, take the "
            f"last line out of {FILE}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """How far a history came: ``runs`` lines, the hash of the last one, and its moment."""

    runs: int
    sha256: str
    compared_at: datetime


def head(folder: Path) -> Head | None:
    """Of the history as it stands; None without a run. Raises HistoryError."""
    past, lines = read(folder), _kept_lines(folder / FILE)
    return Head(runs=len(lines), sha256=_hash(lines[-1]), compared_at=past[-1].compared_at) if lines else None


def require_continued(folder: Path, known: Head | None, now: datetime) -> None:
    """Raise HistoryError if the history was cut or changed since it came to ``known``: it would look like the first.

    A folder without any report begins a new one. A last line that a wrong clock wrote may be taken out.
    """
    lines = _kept_lines(folder / FILE)
    if known is None or (len(lines) >= known.runs and _hash(lines[known.runs - 1]) == known.sha256):
        return
    from_the_future = known.compared_at > now + TOLERANCE
    if from_the_future and len(lines) == known.runs - 1:
        return
    if not lines and not any(folder.glob("*.json")) and not from_the_future:
        return
    raise HistoryError(
        f"{folder / FILE}: it was cut or changed: the state knows of {known.runs:,} runs, the last of "
        f"{known.compared_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC, and {len(lines):,} stand there: restore the file "
        "from a backup, or move the whole folder of the reports away to start a new history"
    )


def require_as_noted(folder: Path, report: Path) -> None:
    """Raise HistoryError if a report is not as the run that noted it wrote it. One that no run noted is nobody's."""
    noted = last(read(folder), report.name)
    if noted is not None and hashlib.sha256(whole_file(report)).hexdigest() != noted.report_sha256:
        raise HistoryError(f"{report}: was changed since it was reconciled; run 'lago2odoo reconcile' again")


def last(past: Iterable[Past], report: str) -> Past | None:
    """The run that wrote the file ``report`` last."""
    runs = [p for p in past if p.report == report]
    return runs[-1] if runs else None


def append(report: Path, data: ReportData, inputs: Mapping[str, str]) -> Path:
    """Note a run whose JSON was written to ``report``, made from ``inputs`` (name -> SHA-256), beside that file.

    The line is written whole or not at all, one at a time.

    Raises HistoryError if the history is damaged or cannot be written.
    """
    try:
        return _append(report, data, inputs)
    except OSError as error:
        noted = HistoryError(f"{report.parent / FILE}: the run cannot be noted: {error.strerror}")
        raise of_writing(noted, error.errno) from error


def _append(report: Path, data: ReportData, inputs: Mapping[str, str]) -> Path:
    path, written = report.parent / FILE, whole_file(report)
    path.parent.mkdir(parents=True, exist_ok=True)
    require_writable_name(path)
    with path.open("a+b") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        handle.seek(0)
        content = handle.read()
        lines = _lines(content)
        list(_checked(lines, path))
        previous = _hash(lines[-1]) if lines else START
        _write(handle, sum(map(len, lines)), _line(data, (report.name, written), inputs, previous))
    return path


def _write(handle: IO[bytes], at: int, line: bytes) -> None:
    """What stands behind ``at`` is the beginning of a line that was never finished."""
    handle.truncate(at)
    handle.write(line)
    handle.flush()
    os.fsync(handle.fileno())


def _line(data: ReportData, report: tuple[str, bytes], inputs: Mapping[str, str], previous: str) -> bytes:
    name, written = report
    row = {
        "previous": previous,
        "period": data.run.period,
        "pair": list(data.run.pair),
        "compared_at": data.run.compared_at.isoformat(),
        "report": name,
        "report_sha256": hashlib.sha256(written).hexdigest(),
        "inputs": dict(sorted(inputs.items())),
        "customers": sorted({invoice.customer for invoice in data.invoices}),
        "different": sorted(p.id for _, p in data.rows() if _is_followed(p)),
    }
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _lines(content: bytes) -> list[bytes]:
    """Complete lines, each with its end."""
    return [line for line in content.splitlines(keepends=True) if line.endswith(b"\n")]


def _checked(lines: list[bytes], path: Path) -> Iterator[Past]:
    previous = START
    for number, line in enumerate(lines, 1):
        try:
            raw = json.loads(line)
            found, past = raw["previous"], _past(raw)
        except (ValueError, LookupError, TypeError, RecursionError):
            raise _damaged(path, number, "is not a run") from None
        if found != previous:
            raise _damaged(path, number, "does not follow the line before it: one of them was changed")
        previous = _hash(line)
        yield past


def _past(raw: Mapping[str, Any]) -> Past:
    left, right = _texts(raw["pair"])
    return Past(
        period=_text(raw["period"]),
        pair=(left, right),
        compared_at=_moment(raw["compared_at"]),
        customers=frozenset(_texts(raw["customers"])),
        different=frozenset(_texts(raw["different"])),
        report=_text(raw["report"]),
        report_sha256=_text(raw["report_sha256"]),
        inputs={_text(name): _text(value) for name, value in dict(raw["inputs"]).items()},
    )


def _moment(value: object) -> datetime:
    """With its zone: one without cannot be held against the others. Raises ValueError."""
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError(value)
    return moment


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _texts(value: object) -> list[str]:
    if not isinstance(value, list):
        raise TypeError(value)
    return [_text(item) for item in value]


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _damaged(path: Path, number: int, problem: str) -> HistoryError:
    return HistoryError(
        f"{path}:{number}: this line {problem}; restore the file from a backup, or move the whole folder of the "
        "reports away to start a new history"
    )
