"""The packs of a project, in a folder beside its reports: read with care, added to durably, never overwritten.

A pack and its line in the chain are two writes. What is about to be done is noted first (``chain.pending``), so that a
signing that was killed between them is finished by the next one, or was never begun:

    chain.pending   the line, durably          killed before: nothing was signed
    the pack        under its name             killed before: the note is dropped, nothing was signed
    chain.jsonl     the same line              killed before: the pack is there, its line is added from the note
    no pending      done                       killed before: the line is there already
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from reports.errors import NotSigned
from reports.evidence import packs
from reports.evidence.chain import CHAIN, PENDING, Link, chain_line, read_chain
from reports.evidence.durable import give_name, partial_of, sync, write_durably
from reports.evidence.packs import Pack
from reports.evidence.report_facts import Fact
from reports.paths import whole_file

FOLDER = "evidence"


def read_intact(folder: Path) -> tuple[Link, ...]:
    """The packs before, after what a killed signing left is mended.

    The last one is looked at: nothing is chained to one that was altered.
    """
    path = folder / FOLDER / CHAIN
    _recover(path.parent)
    chain = _read(path)
    if chain:
        _check_last(path.parent / chain[-1].pack, chain[-1])
    elif any(path.parent.glob("*.zip")):
        raise NotSigned(f"{path}: is missing, but there are packs beside it; restore it from a backup")
    return chain


def facts_of(folder: Path, link: Link) -> Mapping[str, Fact]:
    """What the pack of a link says, as far as it is there and is the one that was noted."""
    path = folder / FOLDER / link.pack
    try:
        verified = packs.verify(whole_file(path))
    except OSError:
        return {}
    return verified.facts if verified.seal == link.seal else {}


def _read(path: Path) -> tuple[Link, ...]:
    try:
        return read_chain(path)
    except OSError as error:
        raise NotSigned(str(error)) from None


def _check_last(path: Path, link: Link) -> None:
    if not path.exists():
        return
    try:
        verified = packs.verify(whole_file(path))
    except OSError as error:
        raise NotSigned(f"{path}: cannot be read: {error.strerror}") from None
    if verified.flaws or verified.seal != link.seal:
        flaw = next(iter(verified.flaws), "another seal")
        raise NotSigned(f"{path}: is not as it was signed ({flaw}); restore it")


def keep(pack: Pack, path: Path, folder: Path, period: str) -> None:
    """The pack under its name and its line of the chain, both or none: see above."""
    home = folder / FOLDER
    line = chain_line(Link(number=pack.number, period=period, pack=os.path.relpath(path, home), seal=pack.seal))
    partial = partial_of(path)
    try:
        home.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(partial, pack.data, "wb")
        _note(home, line)
        give_name(partial, path)
        write_durably(home / CHAIN, line.encode(), "ab")
        _drop_note(home)
    except FileExistsError:
        partial.unlink(missing_ok=True)
        _drop_note(home)
        raise NotSigned(f"{path}: exists already and is never overwritten; name another with --out") from None
    except OSError as error:
        raise NotSigned(f"{path}: the pack cannot be written: {error.strerror}") from error


def _recover(home: Path) -> None:
    """Finish what a killed signing noted, or drop the note if its pack never came to be."""
    pending = home / PENDING
    try:
        if not pending.exists():
            return
        line = whole_file(pending)
        link = Link(**json.loads(line))
        partial_of(home / link.pack).unlink(missing_ok=True)
        _cut_unfinished(home / CHAIN)
        noted = any(each.number == link.number for each in _read(home / CHAIN))
        if not noted and _is_pack(home / link.pack, link):
            write_durably(home / CHAIN, line, "ab")
        _drop_note(home)
    except (OSError, ValueError, TypeError) as error:
        raise NotSigned(f"{pending}: what a signing that was stopped noted cannot be read: {error}") from None


def _is_pack(path: Path, link: Link) -> bool:
    if not path.exists():
        return False
    verified = packs.verify(whole_file(path))
    return verified.intact and verified.seal == link.seal


def _cut_unfinished(chain: Path) -> None:
    """A last line without its end was being written when the signing was stopped."""
    if chain.exists() and (content := whole_file(chain)) and not content.endswith(b"\n"):
        with chain.open("r+b") as file:
            file.truncate(content.rfind(b"\n") + 1)
            os.fsync(file.fileno())


def _note(home: Path, line: str) -> None:
    """The whole note or none: a half one could not be read."""
    partial = home / f".{PENDING}.partial"
    write_durably(partial, line.encode(), "wb")
    partial.replace(home / PENDING)
    sync(home)


def _drop_note(home: Path) -> None:
    (home / PENDING).unlink(missing_ok=True)
    sync(home)
