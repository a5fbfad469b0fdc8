"""``report verify``: check evidence packs, offline and without a project."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lago2odoo.cli.options import format_option
from lago2odoo.cli.outcome import CommandOutcome, emit
from migrate.config_checks import LANGUAGES
from reports.columns import table
from reports.evidence import packs
from reports.evidence.chain import CHAIN
from reports.evidence.checking import Checked, check
from reports.evidence.packs import Verified
from reports.evidence.signatures import KeySignature, signature_file
from reports.evidence.signers import read_trust
from reports.people import plain

if TYPE_CHECKING:
    from reports.texts import Texts

SHOWN = ("period", "organization", "preparer", "reviewer", "signed_at", "outcome", "accepted_open", "number")
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("verify")
@format_option
@click.option("--seal", metavar="HEX", help="The seal that was printed when the (last) pack was signed.")
@click.option(
    "--signers", type=_FILE, metavar="FILE", help="Whose key is whose, as ssh-keygen reads it (allowed_signers)."
)
@click.option("--revoked", type=_FILE, metavar="FILE", help="With --signers: public keys that are not valid any more.")
@click.option("--language", type=click.Choice(LANGUAGES), default=LANGUAGES[0], show_default=True, help="Of sentences.")
@click.argument("files", metavar="PACK...", nargs=-1, required=True, type=_FILE)
def command(
    form: str, *, seal: str | None, signers: Path | None, revoked: Path | None, language: str, files: tuple[Path, ...]
) -> int:
    """Check evidence packs offline, and name what was altered. Needs no project."""
    if revoked and not signers:
        raise click.UsageError("--revoked says nothing without --signers FILE: whose keys are whose")
    trust = read_trust(signers, revoked) if signers else None
    return emit(outcome_of(check(files, seal=seal, trust=trust), language), form)


def outcome_of(checked: Checked, language: str = LANGUAGES[0]) -> CommandOutcome:
    """Exit code 0 as signed, 1 altered, or not proven by anything outside of the pack."""
    from reports.texts import Texts  # noqa: PLC0415  (not needed by those who only ask for help)

    texts = Texts(language)
    lines = [line for name, pack in checked.packs for line in _lines(name, pack, checked, texts)]
    lines += [f"chain: {flaw}" for flaw in checked.chain]
    return CommandOutcome(_document(checked), "\n".join(lines), 0 if checked.proven else 1)


def _document(checked: Checked) -> dict[str, object]:
    return {
        "intact": checked.intact,
        "proven": checked.proven,
        "packs": [
            {
                "pack": name,
                "intact": pack.intact,
                "proof": checked.proofs[name].value,
                "seal": pack.seal,
                "facts": dict(pack.facts),
                "flaws": list(map(str, pack.flaws)),
                "notes": list(pack.notes),
                "signatures": [asdict(signature) for signature in checked.signatures[name]],
            }
            for name, pack in checked.packs
        ],
        "chain": list(map(str, checked.chain)),
    }


def _lines(name: str, pack: Verified, checked: Checked, texts: Texts) -> Iterator[str]:
    said = [f"  {_said(signature, name, texts)}" for signature in checked.signatures[name]]
    if not checked.is_signed(name):
        said = [f"  {texts('signature.none')}"]
    if not pack.intact:
        yield f"{name}: {texts('proof.altered')}"
        yield from (f"  {plain(str(flaw))}" for flaw in pack.flaws)
        yield from said if checked.is_signed(name) else ()
        return
    proof = checked.proofs[name].value if checked.is_well_signed(name) else "badly_signed"
    yield f"{name}: {texts(f'proof.{proof}', chain=CHAIN)}"
    facts = [["seal", pack.seal]] + [[f, plain(str(pack.facts[f]))] for f in SHOWN if pack.facts.get(f) is not None]
    yield from table(["", ""], facts).splitlines()[2:]
    yield from (f"  {line}" for line in note_lines(pack))
    yield from said


def note_lines(pack: Verified) -> Iterator[str]:
    """What could not be held against the data, because another version made it."""
    yield from (plain(f"note: {packs.PAGE} {note}") for note in pack.notes)


def _said(signature: KeySignature, pack: str, texts: Texts) -> str:
    """One person's signature: the name of its flaw, the same in both languages, and what that means."""
    by = texts(f"signature.by.{signature.role}", person=plain(signature.person))
    flaw = f"{signature.flaw}: " if signature.flaw else ""
    values = {
        **{name: plain(str(value)) for name, value in asdict(signature).items()},
        "file": signature_file(Path(pack), signature.role).name,
    }
    return f"{by}: {flaw}{texts(f'signature.{_state(signature)}', **values)}"


def _state(signature: KeySignature) -> str:
    if signature.flaw:
        return signature.flaw.value
    if not signature.fingerprint:
        return "none"
    return "valid" if signature.who else "unidentified"
