"""What a result must never be written over: the files that the project lives on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lago2odoo.cli.context import CommandContext, state_url
from migrate.errors import ConfigError
from migrate.lago.recording import RECORDED

_SQLITE = "sqlite:///"
_RECORDING = "recording"


def require_foreign(context: CommandContext, path: Path | None) -> None:
    """Raises ConfigError where a file named by ``--out`` is the project's own: state, usage, configuration, keys."""
    if path is None:
        return
    whole = path.resolve()
    for what, own in _own_files(context):
        if whole == own or (own.is_dir() and _holds(what, own, whole)):
            raise ConfigError(f"--out {path}: that is the project's {what}; name another file")


def _holds(what: str, folder: Path, path: Path) -> bool:
    """Of a recording's folder its own files only: the project may stand in the same one."""
    if what == _RECORDING:
        return path.parent == folder and path.suffix == RECORDED
    return path.is_relative_to(folder)


def _own_files(context: CommandContext) -> Iterator[tuple[str, Path]]:
    config, state = context.config, state_url(context.config)
    yield "configuration", context.config_file.resolve()
    if state.startswith(_SQLITE):
        database = Path(state.removeprefix(_SQLITE))
        for name in (database.name, f"{database.name}-wal", f"{database.name}-shm"):
            yield "state", database.with_name(name).resolve()
    yield "usage", context.events.resolve()
    evidence = config.evidence
    named = {
        _RECORDING: config.lago.recording,
        "mapping tables": config.mapping.tables,
        "waivers": config.reconcile.waivers,
        "key": config.lago.api_key_file,
        "key that writes to Lago": config.lago.write_key_file,
        "key of Odoo": config.odoo.key_file,
        "key of Stripe": config.stripe.key_file,
        "preparer's key": evidence.preparer_key,
        "reviewer's key": evidence.reviewer_key,
    }
    yield from ((what, config.path(name).resolve()) for what, name in named.items() if name)
