"""Writing so that a power cut, or a kill between two writes, leaves the whole of a file or nothing of it."""

from __future__ import annotations

import os
from pathlib import Path

from reports.paths import require_writable_name


def partial_of(path: Path) -> Path:
    """Where a file is written before it gets its name."""
    return path.with_name(f".{path.name}.partial")


def write_durably(path: Path, data: bytes, mode: str) -> None:
    """The bytes are on the disk when this returns."""
    require_writable_name(path)
    with path.open(mode) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def give_name(partial: Path, path: Path) -> None:
    """The finished file under its name. Raises FileExistsError where the name is taken: nothing is replaced."""
    os.link(partial, path)
    partial.unlink()
    sync(path.parent)


def sync(folder: Path) -> None:
    """A name in a folder outlives a power cut only once the folder is written."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
