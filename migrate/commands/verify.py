"""``report verify``: check evidence packs, offline and without a project."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from migrate.commands.context import Outcome
from migrate.errors import StoreError
from reports import evidence
from reports.evidence import ChainError, Flaw, Verified
from reports.text import table

SHOWN = ("period", "organization", "preparer", "reviewer", "signed_at", "outcome", "accepted_open", "number")


def run(packs: Sequence[Path], *, seal: str | None = None) -> Outcome:
    """Check each pack and, if several are given, the chain between them. Exit code 0 as signed, 1 altered.

    ``seal``: what was printed when the (only) pack was signed; without it, a pack that somebody rebuilt as a whole
    cannot be told from a real one.
    """
    found = [(path.name, _chained(_sealed(evidence.verify(_read(path)), seal), path)) for path in packs]
    links = [*evidence.link_flaws(found), *(_gone(packs) if len(packs) > 1 else ())]
    flawed = bool(links) or any(not pack.intact for _, pack in found)
    data = {
        "intact": not flawed,
        "packs": [
            {"pack": name, "intact": p.intact, "seal": p.seal, "facts": dict(p.facts), "flaws": list(map(str, p.flaws))}
            for name, p in found
        ],
        "chain": list(map(str, links)),
    }
    lines = [line for name, pack in found for line in _lines(name, pack)]
    return Outcome(data, "\n".join([*lines, *(f"chain: {flaw}" for flaw in links)]), 1 if flawed else 0)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: the pack cannot be read: {error.strerror}") from None


def _sealed(pack: Verified, seal: str | None) -> Verified:
    """Hold the pack against the seal that was kept apart."""
    if seal is None or pack.seal == seal.strip().lower():
        return pack
    flaw = Flaw("altered", "the pack as a whole", "its seal is not the one given")
    return Verified(flaws=(*pack.flaws, flaw), facts=pack.facts, seal=pack.seal)


def _chained(pack: Verified, path: Path) -> Verified:
    """Hold an otherwise intact pack against the project's chain, where that lies beside it."""
    chain = path.parent / evidence.CHAIN
    if pack.flaws or not chain.exists():
        return pack
    try:
        flaws = tuple(evidence.chain_flaws(pack, evidence.read_chain(chain)))
    except (ChainError, OSError) as error:
        flaws = (Flaw("altered", evidence.CHAIN, str(error)),)
    return Verified(flaws=flaws, facts=pack.facts, seal=pack.seal)


def _gone(packs: Sequence[Path]) -> Iterator[Flaw]:
    """Packs that a chain beside those given names, and that are no longer there."""
    for folder in dict.fromkeys(path.parent for path in packs):
        try:
            chain = evidence.read_chain(folder / evidence.CHAIN)
        except (ChainError, OSError):
            continue  # said of each pack already
        here = [link for link in chain if "/" not in link.pack and not (folder / link.pack).exists()]
        known = {evidence.verify(_read(path)).seal for path in packs if path.parent == folder}
        yield from (
            Flaw("missing", f"pack {link.number}", f"{link.pack} is gone") for link in here if link.seal not in known
        )


def _lines(name: str, pack: Verified) -> list[str]:
    if not pack.intact:
        return [f"{name}: NOT as it was signed", *(f"  {flaw}" for flaw in pack.flaws)]
    facts = [["seal", pack.seal]] + [[f, str(pack.facts[f])] for f in SHOWN if pack.facts.get(f) is not None]
    return [f"{name}: as it was signed", *table(["", ""], facts).splitlines()[2:]]
