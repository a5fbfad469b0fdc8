"""The rules of the house, held by tests: who may import whom, what stays pure, what must not be in the files."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("mappings", "reports", "migrate", "reconcile")

# A package may import itself and those before it; the command line is where everything is put together.
MAY_IMPORT = {name: set(PACKAGES[: position + 1]) for position, name in enumerate(PACKAGES)}
COMPOSITION_ROOT = ("migrate/cli.py", "migrate/commands/")

PURE_FOLDERS = ("mappings",)
PURE_FILES = ("reconcile/lines.py", "reconcile/rules.py", "reconcile/rate.py", "reconcile/bill.py")
PURE_FILES += ("reconcile/compare.py", "reconcile/classify.py", "migrate/changes.py", "reports/data.py")
IO_MODULES = {"os", "socket", "subprocess", "requests", "httpx", "sqlalchemy", "duckdb", "odoorpc", "time", "random"}
CLOCK = re.compile(r"\b(datetime\.now|date\.today|datetime\.utcnow|time\.time)\(")


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", sources(), ids=name)
def test_imports_go_one_way(path: Path) -> None:
    if name(path).startswith(COMPOSITION_ROOT):
        return
    allowed = MAY_IMPORT[name(path).split("/")[0]]
    wrong = [m for m in imported(path) if m.split(".")[0] in PACKAGES and m.split(".")[0] not in allowed]
    assert not wrong, f"{name(path)} must not import {wrong}"


@pytest.mark.parametrize(
    "path", [p for p in sources() if name(p).startswith(PURE_FOLDERS) or name(p) in PURE_FILES], ids=name
)
def test_pure_modules_touch_nothing(path: Path) -> None:
    wrong = [m for m in imported(path) if m.split(".")[0] in IO_MODULES]
    assert not wrong, f"{name(path)} is pure and must not import {wrong}"
    assert not CLOCK.search(path.read_text(encoding="utf-8")), f"{name(path)} is pure and must not read the clock"


def test_the_addon_stands_alone() -> None:
    wrong = [
        (name(path), module)
        for path in sorted((ROOT / "addons").rglob("*.py"))
        for module in imported(path)
        if module.split(".")[0] in PACKAGES
    ]
    assert not wrong


def test_only_the_configuration_reads_the_environment() -> None:
    readers = [name(p) for p in sources() if re.search(r"\bos\.(environ|getenv)\b", p.read_text(encoding="utf-8"))]
    assert readers == ["migrate/config.py"]


def test_each_import_name_has_one_owner() -> None:
    owners = packages_distributions()
    taken = {package: owners[package] for package in PACKAGES if set(owners.get(package, [])) - {"lago2odoo"}}
    assert not taken, f"another distribution installs {taken}"


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            yield f"{name(path)}:{node.lineno} {node.name}", node.end_lineno - node.lineno


def test_functions_stay_readable() -> None:
    long = [where for path in sources() for where, lines in functions(path) if lines > 70]
    assert not long


def test_the_files_carry_no_path_of_a_machine() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    paths = [
        ROOT / p for p in listed.stdout.decode().split("\0") if p and not p.endswith((".xz", ".gz", ".png", ".zip"))
    ]
    here = Path(__file__)
    pattern = re.compile(r"(?<![\w.*])/(home|root|work|Users)/\w|\bpypi\.org\b")
    wrong = [name(p) for p in paths if p != here and p.is_file() and pattern.search(p.read_text("utf-8", "replace"))]
    assert not wrong
