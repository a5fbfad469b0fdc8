"""What stands at a path that somebody wrote down: asked here, so that every path that leads nowhere is one sentence.

Only regular files are opened: reading a pipe or a device may never end.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from io import BufferedReader
from pathlib import Path

LARGEST = 5_000_000  # bytes of a file that people write: a configuration, a table, waivers
_WHY = {
    errno.ENAMETOOLONG: "the name is longer than a file's may be",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.ELOOP: "the links of the path lead round in a circle",
    errno.EACCES: "whoever runs this may not look there",
}


class PathKind(StrEnum):
    """What a path leads to."""

    NOTHING = "nothing"
    FILE = "a file"
    FOLDER = "a folder"


class NotReadableError(ValueError):
    """A path leads to nothing that can be read; ``str()`` says why, without the path."""


class NoRegularFileError(OSError):
    """The same for who expects an OSError; ``strerror`` and ``str()`` say why, without the path."""

    def __str__(self) -> str:
        return str(self.strerror)


def standing_at(path: Path) -> PathKind:
    """Raises NotReadableError for a path that cannot be followed, and for what is neither file nor folder."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return PathKind.NOTHING
    except OSError as error:
        raise NotReadableError(_told(error)) from None
    except ValueError:
        raise NotReadableError("the path holds a character that no path may hold") from None
    if stat.S_ISREG(mode):
        return PathKind.FILE
    if stat.S_ISDIR(mode):
        return PathKind.FOLDER
    raise NotReadableError("it is neither a file nor a folder (a pipe, a socket or a device)")


def require_file(path: Path) -> None:
    """Raises NotReadableError, and FileNotFoundError where there is nothing."""
    match standing_at(path):
        case PathKind.NOTHING:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(path))
        case PathKind.FOLDER:
            raise NotReadableError("it is a folder, not a file")


def opened(path: Path) -> BufferedReader:
    """A regular file, open for reading. Raises OSError, whose ``strerror`` says why, as ``Path.open`` does."""
    try:
        require_file(path)
    except NotReadableError as error:
        raise _as_os_error(error, path) from None
    return path.open("rb")


def whole_file(path: Path) -> bytes:
    """All of a regular file, as long as it is. Raises OSError, whose ``strerror`` says why."""
    with opened(path) as file:
        return file.read()


def require_writable_name(path: Path) -> None:
    """Raises OSError where something stands at the name of a file to be written that is no file: a pipe waits."""
    try:
        kind = standing_at(path)
    except NotReadableError as error:
        raise _as_os_error(error, path) from None
    if kind is PathKind.FOLDER:
        raise IsADirectoryError(errno.EISDIR, "a folder stands there", str(path))


@contextmanager
def held_alone(path: Path, mode: int = 0o666) -> Iterator[None]:
    """The file, made if it is not there, for this process alone: who comes meanwhile waits. Raises OSError.

    Whoever holds it may rename or remove it: who waited then makes another. A killed process holds nothing.
    """
    require_writable_name(path)  # a pipe would be waited for, for ever
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, mode)
    try:
        while not _is_held(handle, path):
            os.close(handle)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT, mode)
        yield
    finally:
        os.close(handle)


def _is_held(handle: int, path: Path) -> bool:
    """Wait for the file; whether it still stands at its path then."""
    with suppress(OSError):  # a file system without locks: nobody waits there
        fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _as_os_error(error: NotReadableError, path: Path) -> NoRegularFileError:
    return NoRegularFileError(errno.EINVAL, str(error), str(path))


def read_file(path: Path, most: int = LARGEST) -> bytes:
    """All of a regular file of ``most`` bytes. Raises NotReadableError, and FileNotFoundError."""
    require_file(path)
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise NotReadableError(_told(error)) from None
    if len(content) > most:
        raise NotReadableError(f"it has more than {most:,} bytes")
    return content


def _told(error: OSError) -> str:
    return _WHY.get(error.errno or 0) or str(error.strerror)
