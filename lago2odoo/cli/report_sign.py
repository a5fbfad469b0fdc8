"""``report sign``: a reviewer freezes a reconciled month as an evidence pack, the next one of the project's chain.

Who has a key signs with it as well, in a file beside the pack; the other person may do so later: ``report
countersign``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from click.decorators import FC

from lago2odoo.cli.context import CommandContext, open_context
from lago2odoo.cli.inputs import gather
from lago2odoo.cli.options import NewPath, cohort_option, config_option, format_option, period_option
from lago2odoo.cli.outcome import CommandOutcome, emit
from lago2odoo.cli.own_files import require_foreign
from lago2odoo.cli.signing_keys import read_keys
from reports.evidence.signatures import Keys, Signatory, add_signature
from reports.evidence.signing import Signed, Signing, check_people, sign


def _key_option(role: Signatory) -> Callable[[FC], FC]:
    return click.option(
        f"--{role}-key",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help=f"Private key of the {role}: OpenSSH, Ed25519 (default: as configured in [evidence]).",
    )


@click.command("sign")
@config_option
@format_option
@period_option
@cohort_option
@click.option("--preparer", metavar="PERSON", required=True, help="Who prepared the month.")
@click.option("--reviewer", metavar="PERSON", required=True, help="Who reviewed and signs it: somebody else.")
@click.option(
    "--out",
    type=NewPath(dir_okay=False),
    metavar="PACK",
    help="File of the pack (default: in 'report/evidence').",
)
@click.option("--accept-open", metavar="REASON", help="Sign although differences are unexplained; REASON is frozen.")
@_key_option(Signatory.PREPARER)
@_key_option(Signatory.REVIEWER)
@click.option(
    "--as",
    "role",
    type=click.Choice([role.value for role in Signatory]),
    help="Sign with the key of this person only (default: with those that are configured).",
)
def command(
    config: Path,
    form: str,
    *,
    out: Path | None,
    preparer_key: Path | None,
    reviewer_key: Path | None,
    role: str | None,
    **month: Any,
) -> int:
    """Freeze a reconciled month as an evidence pack, signed by a reviewer who did not prepare it."""
    signing = Signing(at=datetime.now(UTC), **month)
    given = {Signatory.PREPARER: preparer_key, Signatory.REVIEWER: reviewer_key}
    with open_context(config) as context:
        require_foreign(context, out)
        keys = read_keys(context.config, given, Signatory(role) if role else None)
        signed = sign_in(context, signing, out, keys)
    return emit(outcome_of(signed, keys), form)


NO_KEYS: Keys = {}


def sign_in(context: CommandContext, signing: Signing, out: Path | None = None, keys: Keys = NO_KEYS) -> Signed:
    """Sign with what the project holds; nothing else may run meanwhile.

    The signatures come last: a command that was killed before them finds its pack, and adds them, when it is run again.
    """
    check_people(signing)
    with context.store() as store, store.lock():
        inputs, language = gather(context, store), context.config.report.language
        signed = sign(context.reports(None), signing, inputs, language=language, out=out)
        for role, key in keys.items():
            add_signature(signed.path, signed.pack.data, role, key)
    return signed


def outcome_of(signed: Signed, keys: Keys = NO_KEYS) -> CommandOutcome:
    """Where the pack is, the seal to keep apart from it, and the keys that signed it."""
    facts, path, pack = signed.facts, signed.path, signed.pack
    said = "signed already, by the same people" if signed.before else "signed"
    lines = [
        f"{said}: {facts['period']}, prepared by {facts['preparer']}, reviewed by {facts['reviewer']}",
        f"result: {facts['outcome']}",
        f"pack {pack.number}: {path}",
        f"seal: {pack.seal}",
        *(f"signed with the key of the {role}: {key.public.fingerprint}" for role, key in keys.items()),
        f"Keep the seal apart from the pack; check both with: lago2odoo report verify {path} --seal {pack.seal}",
    ]
    data = {
        "pack": str(path),
        "number": pack.number,
        "seal": pack.seal,
        "previous": facts["previous"],
        "before": signed.before,
        "keys": {role.value: key.public.fingerprint for role, key in keys.items()},
    }
    return CommandOutcome(data, "\n".join(lines))
