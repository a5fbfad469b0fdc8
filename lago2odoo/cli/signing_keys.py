"""The private keys of a pack's two people, read from their files; nothing of them is ever said."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from migrate.config import Config, passphrase, signing_key_file
from migrate.masking import KNOWN
from reports.errors import NotSigned
from reports.evidence.signatures import Keys, Signatory, check_keys
from reports.evidence.sshsig import SigningKey, load_key
from reports.paths import opened

LONGEST = 65_536  # bytes; a key's file has 400


def read_keys(
    config: Config, given: Mapping[Signatory, Path | None], role: Signatory | None, *, option: str = ""
) -> Keys:
    """The keys that are given or configured: of one person, who then needs one, or of both. Raises NotSigned.

    ``option``: what the command calls the file of that person's key, if not by the person.
    """
    keys = {}
    for each in (role,) if role else tuple(Signatory):
        path = signing_key_file(config, each, given.get(each))
        if path is not None:
            keys[each] = _read_key(config, each, path)
        elif role:
            raise NotSigned(
                f"the {role} has no key: name its file with {option or f'--{role}-key'} or {role}_key in "
                f"[evidence], or in the environment variable LAGO2ODOO_{role.upper()}_KEY"
            )
    check_keys(keys)
    return keys


def _read_key(config: Config, role: Signatory, path: Path) -> SigningKey:
    try:
        _refuse_open(path)
        with opened(path) as file:
            content = file.read(LONGEST)
    except OSError as error:
        raise NotSigned(f"{path}: the {role}'s key cannot be read: {error.strerror}") from None
    KNOWN.learn(*(line for line in content.decode("ascii", "replace").splitlines() if "-----" not in line))
    variable = config.evidence.passphrase_env_of(role)
    return load_key(content, partial(passphrase, variable, f"passphrase of {path}"), str(path))


def _refuse_open(path: Path) -> None:
    """As ssh does: a key that others can read may be theirs already."""
    about = path.stat()
    if about.st_uid == os.geteuid() and about.st_mode & 0o077:
        raise NotSigned(f"{path}: others can read this key: chmod 600 it (ssh refuses it, too)")
