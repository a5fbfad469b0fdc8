"""Results on disk: complete or not there at all."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mappings.errors import of_writing
from migrate.errors import StoreError
from reports.paths import held_alone, require_writable_name


def write_whole(path: Path, write: Callable[[Path], object], what: str) -> Path:
    """Let ``write`` fill a file beside ``path``, then rename it: a file with its final name is complete.

    Of two processes that write one file at once, one waits; the last one's stands, whole.
    """
    partial = path.with_name(f".partial-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        require_writable_name(partial)
        require_writable_name(path)
        with held_alone(partial):
            _write_renamed(partial, path, write)
    except OSError as error:
        raise of_writing(StoreError(f"{path}: the {what} cannot be written: {error.strerror}"), error.errno) from error
    return path


def _write_renamed(partial: Path, path: Path, write: Callable[[Path], object]) -> None:
    try:
        write(partial)
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)  # half a file helps nobody, and takes room
        raise


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
