"""The files of events held against what the state knows of them.

Whoever reads them asks here first: a file that is lost or damaged would look like usage that Lago took back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from migrate.errors import StoreError
from migrate.state.events import hash_file
from migrate.state.records import EventFile

REMEDY = "run 'lago2odoo extract' again"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFiles:
    """``hashes``: path -> SHA-256 as it stands; ``unhashed``: files whose number of events alone is known."""

    hashes: Mapping[str, str]
    unhashed: tuple[str, ...]

    @property
    def note(self) -> str:
        """What could not be checked, in one line; empty if nothing."""
        if not self.unhashed:
            return ""
        return (
            f"{len(self.unhashed)} files of events, from {self.unhashed[0]} on, were written by an older version that "
            "noted no hash: they were only counted; 'lago2odoo extract' mends that"
        )


def check_event_files(files: Sequence[EventFile], folder: Path) -> CheckedFiles:
    """Every file is there, whole, as it was written, and there is no other one. Raises StoreError with the remedy."""
    known = {file.path for file in files}
    stray = sorted(path for path in _paths(folder) if path not in known)
    if stray:
        raise StoreError(f"events: {folder / stray[0]} is not of the last extract: {REMEDY}")
    return CheckedFiles(
        hashes={file.path: _check(file, folder / file.path) for file in files},
        unhashed=tuple(file.path for file in files if file.sha256 is None),
    )


def _paths(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.glob("month=*/events.parquet")]


def _check(file: EventFile, path: Path) -> str:
    """The file's hash. An unknown one is made up for by reading all of the file."""
    try:
        digest = hash_file(path)
        if digest == (file.sha256 or digest):
            _count(file, path)
    except FileNotFoundError:
        raise StoreError(f"events: {path} is missing ({file.events:,} events): {REMEDY}") from None
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"events: {path} cannot be read ({_first_line(error)}): {REMEDY}") from None
    if file.sha256 is not None and digest != file.sha256:
        raise StoreError(f"events: {path} is not as it was written (another hash; {file.events:,} events): {REMEDY}")
    return digest


def _count(file: EventFile, path: Path) -> None:
    """By the file's own word, which its hash covers; without a hash by all of its rows."""
    with pq.ParquetFile(path) as parquet:
        events = parquet.metadata.num_rows if file.sha256 else sum(b.num_rows for b in parquet.iter_batches())
    if events != file.events:
        raise StoreError(f"events: {path} holds {events:,} events, the state knows of {file.events:,}: {REMEDY}")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
