"""A disk without room: whatever was to be written, the way out is the same."""

from __future__ import annotations

import errno
from collections.abc import Iterator

_ERRNOS = (errno.ENOSPC, errno.EDQUOT)
_WORDS = ("No space left", "no space left", "quota exceeded", "disk is full")
REMEDY = "make room and run the same command again: what was written until then stays, and it goes on from there"


def is_of_full_disk(error: BaseException) -> bool:
    """Whether it, or what it was raised for, says so."""
    return any(_says_so(each) for each in _chain(error))


def told(error: BaseException) -> str:
    """The error in one line, with the way out."""
    text = str(error)
    if not is_of_full_disk(error) or "make room" in text:
        return text
    place = error.filename if isinstance(error, OSError) and error.filename else ""
    said = f"{place or 'a file'}: no space left on the disk" if isinstance(error, OSError) else text
    return f"{said}; {REMEDY}"


def _says_so(error: BaseException) -> bool:
    return (isinstance(error, OSError) and error.errno in _ERRNOS) or any(word in str(error) for word in _WORDS)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
