"""A report for others: under pseudonyms, in a folder of its own."""

from __future__ import annotations

from pathlib import Path

from mappings.records import Snapshot
from migrate.errors import ConfigError
from reports import pseudonyms
from reports.data import ReportData

FOLDER = "shared"


def key_of(file: Path) -> bytes:
    """The key of a key file (made if it is missing). Raises ConfigError."""
    try:
        return pseudonyms.load_key(file)
    except pseudonyms.KeyFileError as error:
        raise ConfigError(str(error)) from None


def under_pseudonyms(data: ReportData, key: bytes, snapshot: Snapshot) -> ReportData:
    """The report for others. The snapshot tells all names, also those that only a free text of the report mentions."""
    return pseudonyms.pseudonymise(data, key, pseudonyms.originals(snapshot))
