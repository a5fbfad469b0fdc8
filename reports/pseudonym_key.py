"""The key of pseudonyms: a file of its owner's, made when it is first named."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from mappings.errors import of_writing
from reports.errors import ReportError
from reports.evidence.durable import partial_of, write_durably
from reports.paths import held_alone, whole_file


class KeyFileError(ReportError):
    """The key file is missing, open to others, or no key; ``str()`` is one line."""


def load_key(path: Path) -> bytes:
    """The key of a file; a missing one is made (32 random bytes, readable by the owner only). Raises KeyFileError."""
    if not os.path.lexists(path):
        try:
            _make_key(path)
        except OSError as error:
            made = KeyFileError(f"{path}: the key file cannot be made: {error.strerror}")
            raise of_writing(made, error.errno) from None
    return _read_key(path)


def _make_key(path: Path) -> None:
    """Of two at once one makes it, and the other reads that."""
    partial = partial_of(path)
    with held_alone(partial, 0o600):
        if os.path.lexists(path):
            partial.unlink()
            return
        write_durably(partial, f"{secrets.token_bytes(32).hex()}\n".encode("ascii"), "wb")
        partial.replace(path)


def _read_key(path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077:
            raise KeyFileError(f"{path}: others can read this key file; run 'chmod 600 {path}'")
        key = bytes.fromhex(whole_file(path).decode("ascii"))
    except OSError as error:
        raise KeyFileError(f"{path}: the key file cannot be read: {error.strerror}") from None
    except ValueError:
        key = b""
    if len(key) < 16:
        raise KeyFileError(f"{path}: not a key file; name one that does not exist, and it is made")
    return key
