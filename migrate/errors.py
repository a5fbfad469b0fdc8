"""The one error tree. Each class carries the exit code of the command it ends.

Lago2OdooError                    1   (mappings.errors) something a person must mend; the message says what and where
├── ConfigError                   1   configuration or mapping table: file, line, field
├── StoreError                    1   the state could not be read or written (disk full, wrong database)
├── LagoError                     1   Lago's API or a recording
│   ├── LagoUnreachable           1   no answer, or none that is Lago's, after all retries
│   ├── LagoRefused               1   401, 403, 404...: key, permission, wrong base URL
│   └── PayloadError              1   a record without, or with a mistyped, field: resource, id, field
├── OdooError                     1   Odoo's API (migrate.odoo.errors refines it by Odoo's error name)
├── ReportError                   1   what a report is made from or kept in (reports.errors): a stored report, a key
│   │                                 file, the history of runs, the chain of packs, a pack
│   └── NotSigned                 1   a month that must not be signed, or whose pack cannot be kept
├── Blocked                       1   a phase whose predecessor is unfinished, a stale preview, a failed preflight
├── LockHeld                      4   another run holds the lock
└── Interrupted                 130   Ctrl-C; the same command resumes
"""

from __future__ import annotations

from mappings.errors import Lago2OdooError


class ConfigError(Lago2OdooError):
    """A configuration file, a mapping table or an option is wrong."""


class StoreError(Lago2OdooError):
    """The state cannot be read or written."""


class LagoError(Lago2OdooError):
    """Lago's API or a recording did not give what it should. ``problem``: without the way out."""

    def __init__(self, problem: str, way_out: str = "") -> None:
        super().__init__(f"{problem}; {way_out}" if way_out else problem)
        self.problem = problem


class LagoUnreachable(LagoError):
    """No usable answer after all retries."""


class LagoRefused(LagoError):
    """Lago answered no: wrong key, missing permission, unknown path."""


class PayloadError(LagoError):
    """A record lacks a required field, or has it with another type."""


class OdooError(Lago2OdooError):
    """Odoo refused or failed a call."""


class Blocked(Lago2OdooError):
    """The command must not run now; the message says the way out."""


class LockHeld(Lago2OdooError):
    """Another run holds the lock."""

    exit_code = 4


class Interrupted(Lago2OdooError):
    """Stopped by the user."""

    exit_code = 130
