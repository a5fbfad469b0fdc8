"""A disk without room: whatever was to be written, the way out is the same.

Known by what the system answered (errno), as it stands in the error, in our own (``errno_of_writing``), or in one that
it was raised for or while handling; of DuckDB's, by ``errno_told_by``. Words that merely sound like it are none.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator

from mappings.errors import Lago2OdooError
from migrate.state.usage_errors import errno_told_by

_ERRNOS = (errno.ENOSPC, errno.EDQUOT)
REMEDY = "make room and run the same command again: what was written until then stays, and it goes on from there"


def is_of_full_disk(error: BaseException) -> bool:
    """Whether it, or what it was raised for, says so."""
    return any(_errno_of(each) in _ERRNOS for each in _chain(error))


def told(error: BaseException) -> str:
    """The error in one line, with the way out."""
    text = str(error)
    if not is_of_full_disk(error) or "make room" in text:
        return text
    place = error.filename if isinstance(error, OSError) and error.filename else ""
    said = f"{place or 'a file'}: no space left on the disk" if isinstance(error, OSError) else text
    return f"{said}; {REMEDY}"


def _errno_of(error: BaseException) -> int | None:
    if isinstance(error, OSError):
        return error.errno
    return error.errno_of_writing if isinstance(error, Lago2OdooError) else errno_told_by(error)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
