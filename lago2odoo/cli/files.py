"""Results on disk: complete or not there at all."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from migrate.errors import StoreError
from reports.paths import require_writable_name


def write_whole(path: Path, write: Callable[[Path], object], what: str) -> Path:
    """Let ``write`` fill a file beside ``path``, then rename it: a file with its final name is complete."""
    partial = path.with_name(f".partial-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        require_writable_name(partial)
        require_writable_name(path)
        write(partial)
        partial.replace(path)
    except OSError as error:
        if partial.is_file():
            partial.unlink()  # half a file helps nobody, and takes room
        raise StoreError(f"{path}: the {what} cannot be written: {error.strerror}") from error
    return path


@contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Wait until no other process writes results there, and keep others waiting; a killed process holds nothing.

    What cannot be opened cannot be written either: whoever writes then says so, with the file.
    """
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield
        return
    try:
        with suppress(OSError):  # a file system without locks: nobody waits there
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
