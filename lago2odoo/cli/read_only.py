"""A place that must not be written: whatever was to be, the way out is the same."""

from __future__ import annotations

import errno

from mappings.errors import Lago2OdooError

_ERRNOS = (errno.EROFS, errno.EPERM, errno.EACCES)
REMEDY = (
    "let whoever runs this write there (rights of the file and its folder, a file that must not change, a file system "
    "that is mounted read-only), or name another place; what was there before is as it was"
)


def is_of_read_only(error: BaseException) -> bool:
    """Whether the system refused to let a file be written or made."""
    if isinstance(error, OSError):
        return error.errno in _ERRNOS and bool(error.filename)
    return isinstance(error, Lago2OdooError) and error.errno_of_writing in _ERRNOS


def told_of_read_only(error: BaseException) -> str:
    """The error in one line, with the way out."""
    said = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
    return said if REMEDY in said else f"{said}; {REMEDY}"
