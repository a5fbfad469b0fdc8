"""What an installation brings along: bounds that were tried, licences that fit, and a lock that names no host."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCK = ROOT / "requirements-dev.lock"
# A library under one of these may be used by a programme under the LGPL. Tools of developers (pylint-odoo: AGPL) are
# started, never imported, and no installation brings them.
ALLOWED = re.compile(
    r"\b(MIT|BSD|Apache|PSF|Python Software Foundation|MPL|Mozilla|LGPL|Lesser General|ISC|Zlib|CC0|0BSD)\b", re.I
)
REFUSED = re.compile(r"(?<![Ll])GPL|Affero|Proprietary", re.I)


def direct(*extras: str) -> list[Requirement]:
    texts = [*PROJECT["dependencies"], *(text for extra in extras for text in EXTRAS[extra])]
    return [r for r in map(Requirement, texts) if r.name != "lago2odoo"]


def installed(requirements: list[Requirement]) -> Iterator[str]:
    """These and what they need, as far as it is installed here."""
    waiting, seen = list(requirements), set[str]()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in seen or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue
        seen.add(name)
        yield name
        waiting += map(Requirement, found.requires or ())


def licence(name: str) -> str:
    about = distribution(name).metadata
    classified = [c for c in about.get_all("Classifier") or () if c.startswith("License")]
    return " ".join([about.get("License-Expression") or "", *classified, (about.get("License") or "")[:200]])


def test_every_dependency_has_a_lowest_version() -> None:
    bare = [str(r) for r in direct(*EXTRAS) if not any(s.operator in (">=", "==", "~=") for s in r.specifier)]
    assert bare == []


@pytest.mark.parametrize("name", sorted(installed(direct("sandbox", "postgresql"))))
def test_what_is_installed_with_us_has_a_licence_that_fits(name: str) -> None:
    told = licence(name)
    assert ALLOWED.search(told), told
    assert not REFUSED.search(re.sub(r"Lesser General Public|LGPL\S*", "", told)), told


def test_the_lock_names_no_host_and_has_hashes() -> None:
    text = LOCK.read_text("utf-8")
    assert "://" not in text
    assert "index-url" not in text
    entries = re.findall(r"(?m)^([A-Za-z0-9._-]+)==", text)
    assert len(entries) > 60
    assert text.count("--hash=sha256:") >= len(entries)


def test_the_lock_is_within_the_bounds_of_the_project() -> None:
    locked: dict[str, list[Version]] = {}
    for name, version in re.findall(r"(?m)^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", LOCK.read_text("utf-8")):
        locked.setdefault(canonicalize_name(name), []).append(Version(version))
    for requirement in direct(*EXTRAS):
        versions = locked.get(canonicalize_name(requirement.name), [])
        assert versions, f"{requirement} is not in the lock: make lock"
        assert all(version in requirement.specifier for version in versions), f"{requirement}: make lock"
