"""What the state hands out: runs, records as Lago sent them, pages of a list, files of events. Pure values."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from mappings.target import Phase

A_DAY = timedelta(days=1)  # two machines' clocks are that near, whatever their zones


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One extract, maybe spread over several processes because it was interrupted."""

    id: int
    source: str
    lago_version: str
    taken_at: datetime
    finished: bool


@dataclass(frozen=True, slots=True)
class Raw:
    """A record as it is kept: ``payload`` is Lago's text."""

    resource: str
    key: str
    payload: str
    parent: str = ""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.payload.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list that is being read: the keys of its records, and whether it is the last one."""

    reading: int  # 1, 2...: a list is read until two readings agree
    number: int
    keys: tuple[str, ...]
    last: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """What a run found in one resource, compared with the run before."""

    total: int
    new: int
    changed: int
    gone: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFile:
    """One month's file of events, as it was written."""

    path: str  # below the events folder
    events: int
    sha256: str | None = None  # None: a version that did not note it wrote the file


@dataclass(frozen=True, slots=True)
class PhaseProgress:
    """How far a phase is for a cohort ('' is everyone). ``left_out``: it lacks only what nobody can write."""

    phase: Phase
    cohort: str
    finished: bool
    detail: str
    updated_at: str
    left_out: bool = False

    @property
    def blocks(self) -> bool:
        """Whether the next phases must wait: what was left out by name costs itself, not them."""
        return not self.finished and not self.left_out
