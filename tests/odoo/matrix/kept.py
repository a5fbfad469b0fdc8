"""Results of planted faults, kept one by one, so that a run that was interrupted goes on where it stopped.

One JSON object a line, under the cache folder. A result holds for the code that gave it: another one is planted again
when it is asked for, and what it gave until then is shown as what it is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mappings.phrases import Phrase, Told
from reports.data import Evidence, Finding
from tests.odoo.conftest import CACHE
from tests.odoo.matrix.judge import Said, Verdict
from tests.odoo.matrix.kinds import Kind

PROJECT = Path(__file__).parents[3]
FILE = CACHE / "faults.jsonl"
# What a result follows from. How it is judged and shown is no part of it: that is done anew whenever the page is.
CODE = ("mappings", "migrate", "reconcile", "addons", "tests/odoo/addons", "tests/odoo/matrix", "tests/faults.py")
SHOWING = frozenset({"judge.py", "page.py", "kept.py"})

Which = tuple[str, str]  # name of the kind, flavour


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A result as it was kept. ``seconds``: what it took, by the clock; ``cpu``: in this process alone."""

    verdict: Verdict
    code: str
    seconds: float
    cpu: float


@cache
def code() -> str:
    """A short name of the code as it is."""
    total = hashlib.sha256()
    for place in CODE:
        top = PROJECT / place
        for path in sorted(top.rglob("*") if top.is_dir() else [top]):
            if path.suffix in (".py", ".xml", ".csv", ".toml") and path.name not in SHOWING:
                total.update(str(path.relative_to(PROJECT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()[:12]


def keep(verdict: Verdict, seconds: float, cpu: float) -> None:
    """One line more."""
    entry = {
        "code": code(),
        "kind": verdict.kind.name,
        "flavour": verdict.flavour,
        "clean": _plain(verdict.clean),
        "said": _plain(verdict.said),
        "remedy": verdict.remedy,
        "seconds": round(seconds, 1),
        "cpu": round(cpu, 1),
    }
    FILE.parent.mkdir(parents=True, exist_ok=True)
    with FILE.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry, default=str) + "\n")


def kept(kinds: Sequence[Kind]) -> dict[Which, Kept]:
    """The last result of each of these kinds, whatever code gave it: results of this code before others."""
    known = {kind.name: kind for kind in kinds}
    found: dict[Which, Kept] = {}
    for line in FILE.read_text("utf-8").splitlines() if FILE.exists() else ():
        entry = json.loads(line)
        which = entry["kind"], entry["flavour"]
        current = which in found and found[which].code == code()
        if entry["kind"] in known and (entry["code"] == code() or not current):
            found[which] = _kept(entry, known[entry["kind"]])
    return found


def _kept(entry: Mapping[str, Any], kind: Kind) -> Kept:
    verdict = Verdict(
        kind=kind,
        flavour=entry["flavour"],
        clean=_said(entry["clean"]),
        said=_said(entry["said"]),
        remedy=entry["remedy"],
    )
    return Kept(verdict=verdict, code=entry["code"], seconds=entry["seconds"], cpu=entry["cpu"])


def _plain(said: Said) -> dict[str, Any]:
    plain = asdict(said)
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in plain.items()}


def _said(plain: Mapping[str, Any]) -> Said:
    return Said(
        findings=tuple((where, _finding(values)) for where, values in plain["findings"]),
        refused=frozenset(plain["refused"]),
        drift=frozenset((xid, name) for xid, name in plain["drift"]),
        failure=plain["failure"],
        odoo_refuses=plain["odoo_refuses"],
    )


def _finding(values: Mapping[str, Any]) -> Finding:
    remedy = values["remedy"]
    return Finding(
        **{
            **values,
            "evidence": tuple(_evidence(each) for each in values["evidence"]),
            "remedy": _evidence(remedy) if remedy else None,
        }
    )


def _evidence(plain: Mapping[str, Any]) -> Evidence:
    values = {
        name: Phrase(Told(value["kind"]), tuple(value["values"])) if isinstance(value, Mapping) else value
        for name, value in plain["values"].items()
    }
    return Evidence(name=plain["name"], values=values)
