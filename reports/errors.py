"""What can be wrong with the files that reports are made from and kept in."""

from __future__ import annotations

from mappings.errors import Lago2OdooError


class ReportError(Lago2OdooError):
    """A file of a report, its history or its evidence is missing, damaged or not writable."""


class NotSigned(ReportError):
    """A month must not be signed, or its pack cannot be kept; the message says the way out."""
