"""Checking packs as files, offline and without a project: each by itself, its people's signatures, and the chain."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from reports import stored
from reports.errors import ReportError
from reports.evidence import packs
from reports.evidence.chain import CHAIN, ChainError, chain_flaws, link_flaws, number_of, read_chain
from reports.evidence.inputs import SETTINGS
from reports.evidence.packs import Flaw, Verified
from reports.evidence.signatures import KeySignature, signatures_of
from reports.evidence.signers import Trust
from reports.evidence.whole import whole_flaws
from reports.paths import whole_file
from reports.version import tool_version


class SealProof(StrEnum):
    """What, outside of a pack, says that it is the one that was signed. Its own hashes anybody can compute."""

    SEAL = "seal"  # the seal that was kept apart, its own or that of a later pack that names it
    KEYS = "keys"  # both people signed it, with keys that the file of signers says are theirs
    CHAIN = "chain"  # the project's chain beside it: as good as the folder is guarded
    NONE = "unsealed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What each pack says and what is wrong with it, by file name; who signed it by a key; and the chain's flaws."""

    packs: tuple[tuple[str, Verified], ...]
    chain: tuple[Flaw, ...]
    proofs: Mapping[str, SealProof] = field(default_factory=dict)  # by file name, of packs without a flaw
    signatures: Mapping[str, tuple[KeySignature, ...]] = field(default_factory=dict)  # by file name

    @property
    def intact(self) -> bool:
        """Whether nothing contradicts itself: all that can be said of a pack without a seal."""
        return not self.chain and all(pack.intact and self.is_well_signed(name) for name, pack in self.packs)

    def is_well_signed(self, name: str) -> bool:
        """Whether nothing is wrong with a pack's signatures by keys; there may be none."""
        return not any(signature.flaw for signature in self.signatures.get(name, ()))

    def is_signed(self, name: str) -> bool:
        """Whether a key signed the pack, or had to."""
        return any(signature.fingerprint or signature.flaw for signature in self.signatures.get(name, ()))

    @property
    def proven(self) -> bool:
        """Whether something outside of each pack says that it is the one that was signed."""
        return self.intact and all(
            self.proofs.get(name, SealProof.NONE) is not SealProof.NONE for name, _ in self.packs
        )


def check(
    paths: Sequence[Path], *, seal: str | None = None, trust: Trust | None = None, now: datetime | None = None
) -> Checked:
    """Check each pack and, if several are given, the chain between them.

    ``seal``: what was printed when the last of them was signed. ``trust``: whose keys are whose. Without one of the
    two, packs that somebody rebuilt as a whole cannot be told from real ones. ``now``: nobody signs later than that.
    """
    now = now or datetime.now(UTC)
    contents, names = {path: _read(path) for path in paths}, _names(paths)
    read = [(path, _check_whole(data, packs.verify(data), now)) for path, data in contents.items()]
    last = max((number_of(pack) for _, pack in read), default=0)
    sealed = [(path, _check_seal(pack, seal if number_of(pack) == last else None)) for path, pack in read]
    checked = tuple((names[path], _check_chain(pack, path)) for path, pack in sealed)
    flaws = (*link_flaws(checked), *(_gone(paths) if len(paths) > 1 else ()))
    broken = bool(flaws) or any(pack.flaws for _, pack in checked)
    named = {names[path]: data for path, data in contents.items()}
    signatures = {
        names[path]: signatures_of(path, contents[path], pack.facts, trust, packs=named) for path, pack in read
    }
    proofs = {names[path]: _proof(path, pack, seal, broken, keys=trust is not None) for path, pack in sealed}
    return Checked(packs=checked, chain=flaws, proofs=proofs, signatures=signatures)


def _names(paths: Sequence[Path]) -> Mapping[Path, str]:
    """What each pack is called: by its file, and by its folder too where two files have one name."""
    files = [path.name for path in dict.fromkeys(paths)]
    return {path: path.name if files.count(path.name) == 1 else str(path) for path in paths}


def _proof(path: Path, pack: Verified, seal: str | None, broken: bool, keys: bool) -> SealProof:
    """Of a pack without a flaw, nor one of its signatures. ``keys``: it is known whose keys are whose.

    ``broken``: the chain between the packs is, so that the last one's seal says nothing of those before.
    """
    if seal is not None and (pack.seal == _plain(seal) or not broken):
        return SealProof.SEAL
    if keys:
        return SealProof.KEYS
    return SealProof.CHAIN if (path.parent / CHAIN).exists() else SealProof.NONE


def _plain(seal: str) -> str:
    return seal.strip().lower()


def _check_whole(data: bytes, pack: Verified, now: datetime) -> Verified:
    """Nothing of an otherwise intact pack may be left that is held against nothing."""
    if pack.flaws:
        return pack
    files = packs.contents(data)
    flaws = tuple(whole_flaws(pack.facts, files, tool_version(), now))
    return replace(pack, flaws=flaws) if flaws else _check_page(files, pack)


def _check_page(files: Mapping[str, bytes], pack: Verified) -> Verified:
    """The page for people must be the one that this version makes of the pack's own data."""
    made_by = pack.facts.get("tool_version")
    mine = made_by == tool_version()
    try:
        page = _page_of(files)
    except _NO_PAGE as error:
        why = " ".join(str(error).split()).partition(";")[0][:160]
        reason = f"cannot be held against its data: {why or type(error).__name__}"
        if not mine and _schema(files[packs.REPORT]) in FORMER:
            return replace(pack, notes=(f"{reason}; by {made_by}",))
        return replace(pack, flaws=(Flaw("altered", packs.PAGE, reason),))
    if page == files[packs.PAGE]:
        return pack
    detail = "is not what its data makes" if mine else f"is not what {tool_version()} makes of its data, by {made_by}"
    return replace(pack, flaws=(Flaw("altered", packs.PAGE, detail),)) if mine else replace(pack, notes=(detail,))


FORMER = frozenset({"1.0"})  # versions of the report's data in packs of older releases: their pages are noted
# Data that are of no version that we know, or not whole; settings that do not say in which language the page is.
_NO_PAGE = (
    *(ReportError, LookupError, ValueError, OSError, TypeError),
    *(AttributeError, ArithmeticError, AssertionError, RecursionError),
)


def _page_of(files: Mapping[str, bytes]) -> bytes:
    data = stored.parse(gzip.decompress(files[packs.REPORT]), Path(packs.REPORT))
    language = json.loads(files[SETTINGS]).get("report", {}).get("language")
    if not isinstance(language, str):
        raise ReportError(f"{SETTINGS} does not say in which language it is")
    from reports import html  # noqa: PLC0415  (the renderer is not needed by those who only ask for help)

    return html.render(data, language).encode()


def _schema(packed_report: bytes) -> object:
    return json.loads(gzip.decompress(packed_report)).get("schema")


def _read(path: Path) -> bytes:
    try:
        return whole_file(path)
    except OSError as error:
        raise ReportError(f"{path}: the pack cannot be read: {error.strerror}") from None


def _check_seal(pack: Verified, seal: str | None) -> Verified:
    """Hold the pack against the seal that was kept apart."""
    if seal is None or pack.seal == _plain(seal):
        return pack
    flaw = Flaw("altered", "the pack as a whole", "its seal is not the one given")
    return replace(pack, flaws=(*pack.flaws, flaw))


def _check_chain(pack: Verified, path: Path) -> Verified:
    """Hold an otherwise intact pack against the project's chain, where that lies beside it."""
    chain = path.parent / CHAIN
    if pack.flaws or not chain.exists():
        return pack
    try:
        flaws = tuple(chain_flaws(pack, read_chain(chain), path.name))
    except ChainError as error:
        flaws = (Flaw("altered", CHAIN, str(error)),)
    return replace(pack, flaws=flaws)


def _gone(paths: Sequence[Path]) -> Iterator[Flaw]:
    """Packs that a chain beside those given names, and that are no longer there."""
    for folder in dict.fromkeys(path.parent for path in paths):
        try:
            chain = read_chain(folder / CHAIN)
        except ChainError:
            continue  # said of each pack already
        missing = [link for link in chain if "/" not in link.pack and not (folder / link.pack).exists()]
        seals = {packs.verify(_read(path)).seal for path in paths if path.parent == folder}
        yield from (
            Flaw("missing", f"pack {link.number}", f"{link.pack} is gone") for link in missing if link.seal not in seals
        )
