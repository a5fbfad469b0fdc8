"""``report countersign``: the second person's signature by a key, on a machine that needs the pack only."""

from __future__ import annotations

from pathlib import Path

import click

from lago2odoo.cli.options import config_option, format_option
from lago2odoo.cli.outcome import CommandOutcome, emit
from lago2odoo.cli.report_verify import note_lines
from lago2odoo.cli.signing_keys import read_keys
from migrate import config as settings
from migrate.config import DEFAULT_FILE, Config
from reports.errors import NotSigned
from reports.evidence.checking import Checked, check
from reports.evidence.packs import Verified, verify
from reports.evidence.signatures import Signatory, add_signature
from reports.evidence.sshsig import PublicKey
from reports.paths import whole_file
from reports.people import plain


@click.command("countersign")
@config_option
@format_option
@click.option(
    "--as",
    "role",
    type=click.Choice([role.value for role in Signatory]),
    required=True,
    help="Whom the pack names you as.",
)
@click.option(
    "--key",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Your private key: OpenSSH, Ed25519 (default: as configured in [evidence]).",
)
@click.argument("pack", metavar="PACK", type=click.Path(path_type=Path, dir_okay=False))
def command(config: Path, form: str, *, role: str, key: Path | None, pack: Path) -> int:
    """Add your signature by a key to a pack that somebody else made. Needs no project."""
    return emit(countersign(_settings(config), pack, Signatory(role), key), form)


def _settings(path: Path) -> Config:
    """Whoever reviews may have no project: the standard file may lack, one that was named may not."""
    return Config() if path == DEFAULT_FILE and not path.exists() else settings.load(path)


def countersign(config: Config, pack: Path, role: Signatory, key_file: Path | None) -> CommandOutcome:
    """Nobody signs what is not as it was signed. Raises NotSigned."""
    key = read_keys(config, {role: key_file}, role, option="--key")[role]
    checked = check([pack])
    data = whole_file(pack)
    _refuse_altered(checked, pack, data)
    path = add_signature(pack, data, role, key)
    return _outcome(checked.packs[0][1], role, key.public, path)


def _refuse_altered(checked: Checked, pack: Path, data: bytes) -> None:
    """``data``: what is going to be signed; the file may have been replaced since it was checked."""
    flaws = [*map(str, checked.packs[0][1].flaws), *map(str, verify(data).flaws)]
    flaws += ["altered: the pack as a whole"] if verify(data).seal != checked.packs[0][1].seal else []
    flaws += [f"{s.flaw}: signature of the {s.role}" for s in checked.signatures[pack.name] if s.flaw]
    if flaws:
        raise NotSigned(
            f"{pack}: is not as it was signed ({plain(flaws[0])}): ask for it again, and sign nothing of this"
        )


def _outcome(pack: Verified, role: Signatory, key: PublicKey, path: Path) -> CommandOutcome:
    said = {name: plain(str(pack.facts[name])) for name in (*Signatory, "period", "outcome")}
    lines = [
        f"signed as {role}, {said[role]}: {said['period']}, prepared by {said['preparer']}, "
        f"reviewed by {said['reviewer']}",
        f"result: {said['outcome']}",
        *note_lines(pack),
        f"key: {key.fingerprint}",
        f"signature: {path}",
        "Give it back with the pack; check both with: lago2odoo report verify PACK --signers FILE",
    ]
    data = {
        "signature": str(path),
        "role": role.value,
        "fingerprint": key.fingerprint,
        "notes": list(pack.notes),
    }
    return CommandOutcome(data, "\n".join(lines))
