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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mappings.errors import of_writing
from reports.errors import NotSigned
from reports.evidence import packs
from reports.evidence.chain import CHAIN, PENDING, ChainError, Link, chain_flaws, chain_line, link_flaws, read_chain
from reports.evidence.durable import give_name, partial_of, sync, write_durably
from reports.evidence.packs import Pack, Verified
from reports.evidence.report_facts import Fact
from reports.paths import held_alone, whole_file
from reports.people import plain

FOLDER = "evidence"


@dataclass(frozen=True, slots=True)
class IntactPack:
    """A pack of the chain that is as it was signed, and what its manifest says."""

    link: Link
    facts: Mapping[str, Fact]


def read_intact(folder: Path) -> tuple[IntactPack, ...]:
    """The packs before, each verified once, after what a killed signing left is mended.

    Each is looked at: nothing is chained to one that was altered, and none may be gone without a word.
    """
    path = folder / FOLDER / CHAIN
    _recover(path.parent)
    verified = [(link, _verified(path.parent, link)) for link in _read(path)]
    _check_links(verified)
    if not verified and any(path.parent.glob("*.zip")):
        raise NotSigned(f"{path}: is missing, but there are packs beside it; restore it from a backup")
    return tuple(IntactPack(link, pack.facts) for link, pack in verified)


def _read(path: Path) -> tuple[Link, ...]:
    try:
        return read_chain(path)
    except ChainError as error:
        raise NotSigned(str(error)) from None


def _verified(home: Path, link: Link) -> Verified:
    """The pack where the chain says that it is: with ``--out`` that may be anywhere."""
    path = home / link.pack
    verified = packs.verify(_content(path, home / CHAIN))
    flaws = [*map(str, verified.flaws), *map(str, chain_flaws(verified, [link]))]
    if flaws:
        raise NotSigned(f"{path}: is not as it was signed ({plain(flaws[0])}); restore it from a backup")
    return verified


def _content(path: Path, chain: Path) -> bytes:
    try:
        return whole_file(path)
    except FileNotFoundError:
        why = "is gone"
    except OSError as error:
        why = f"cannot be read: {error.strerror}"
    raise NotSigned(
        f"{path}: {why}, and nothing is signed after a pack that cannot be looked at; restore it from a backup, or "
        f"write into {chain} where it is kept now"
    )


def _check_links(signed: Sequence[tuple[Link, Verified]]) -> None:
    """The packs follow each other, and are of the months that the chain says."""
    for link, pack in signed:
        if pack.facts["period"] != link.period:
            raise NotSigned(f"{CHAIN}:{link.number}: {link.pack} is of {pack.facts['period']}, not {link.period}")
    for flaw in link_flaws([(link.pack, pack) for link, pack in signed]):
        raise NotSigned(f"{CHAIN}: {flaw}; restore the packs from a backup")


def keep(pack: Pack, path: Path, folder: Path, period: str) -> None:
    """The pack under its name and its line of the chain, both or none: see above."""
    home = folder / FOLDER
    line = chain_line(Link(number=pack.number, period=period, pack=os.path.relpath(path, home), seal=pack.seal))
    partial = partial_of(path)
    try:
        home.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        _require_open(home / CHAIN)
        with held_alone(partial):  # another project may sign into the same file
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
        written = NotSigned(f"{error.filename or path}: the pack cannot be written: {error.strerror}")
        raise of_writing(written, error.errno) from error


def _require_open(chain: Path) -> None:
    """Raises OSError where no line can be added: nothing is signed then, not even half."""
    if chain.exists():
        os.close(os.open(chain, os.O_WRONLY | os.O_APPEND))


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
