"""The rules of the house, held by tests: who may import whom, what stays pure, what must not be in the files."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("mappings", "reports", "migrate", "reconcile", "lago2odoo")

# A package may import itself and those before it: lago2odoo (command line, sandbox) is where all is put together.
MAY_IMPORT = {name: set(PACKAGES[: position + 1]) for position, name in enumerate(PACKAGES)}

# The rooms of the dual run, floor by floor: a room may import itself and those on the floors below it.
FLOORS = (("billed",), ("sides", "rating", "compare"), ("rerate",), ("causes",), ("run",), ("dual_run",))

PURE = ("mappings/", "migrate/change_set/", "reconcile/rating/", "reconcile/compare/", "reconcile/causes/")
PURE += ("reconcile/rerate/counterfactual.py", "reconcile/rerate/suppositions.py")
PURE += ("reconcile/billed.py", "reconcile/run.py", "reports/data.py", "reports/tallies.py", "reports/drawing.py")
IO_MODULES = {"os", "socket", "subprocess", "requests", "httpx", "sqlalchemy", "duckdb", "odoorpc", "time", "random"}
CLOCK = re.compile(r"\b(datetime\.now|date\.today|datetime\.utcnow|time\.time)\(")

READS = re.compile(r"(?<!def )\bopen\(|\.read_(text|bytes)\(|\bimport pathlib|\bfrom pathlib\b")


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def imported(path: Path) -> Iterator[str]:
    """Modules that a file imports, those under a condition too (a type is an import as well)."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", sources(), ids=name)
def test_imports_go_one_way(path: Path) -> None:
    allowed = MAY_IMPORT[name(path).split("/")[0]]
    wrong = [m for m in imported(path) if m.split(".")[0] in PACKAGES and m.split(".")[0] not in allowed]
    assert not wrong, f"{name(path)} must not import {wrong}"


def room(module: str) -> str:
    """``reconcile.rating.taxes`` -> ``rating``."""
    return module.split(".")[1] if "." in module else ""


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("path", sorted((ROOT / "reconcile").rglob("*.py")), ids=name)
def test_no_room_of_the_dual_run_imports_one_above_it(path: Path) -> None:
    floor = {each: number for number, rooms in enumerate(FLOORS) for each in rooms}
    own = room(module_of(path))
    if own == "__init__":
        return
    others = {room(m) for m in imported(path) if m.startswith("reconcile.")}
    wrong = sorted(other for other in others if other != own and floor[other] >= floor[own])
    assert not wrong, f"{name(path)} is on floor {floor[own]} and must not import {wrong}"


# What the first line is made of. What walks it (apply, rollback, preview...) stands above, and is not imported by it.
ROOMS_OF_THE_FIRST_LINE = ("lago", "odoo", "state", "change_set")
ABOVE = {"migrate.apply", "migrate.rollback", "migrate.preview", "migrate.phases", "migrate.stripe", "migrate.config"}


@pytest.mark.parametrize("package", ROOMS_OF_THE_FIRST_LINE)
def test_no_room_of_the_first_line_imports_what_walks_it(package: str) -> None:
    wrong = {
        (name(path), module)
        for path in sorted((ROOT / "migrate" / package).rglob("*.py"))
        for module in imported(path)
        if module in ABOVE
    }
    assert wrong == set()


def test_the_dual_run_has_few_floors() -> None:
    assert len(FLOORS) <= 6


def local_imports(package: str) -> Mapping[str, frozenset[str]]:
    """Module -> the modules of the package that it imports."""
    modules = {module_of(path).removesuffix(".__init__"): path for path in sorted((ROOT / package).rglob("*.py"))}
    return {
        module: frozenset(m for m in imported(path) if m in modules and m != module) for module, path in modules.items()
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_no_modules_import_each_other_in_a_circle(package: str) -> None:
    imports, done = local_imports(package), set[str]()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, f"a circle: {' -> '.join((*way, module))}"
        if module not in done:
            for other in sorted(imports[module]):
                visit(other, (*way, module))
            done.add(module)

    for module in imports:
        visit(module, ())


@pytest.mark.parametrize("path", [p for p in sources() if name(p).startswith(PURE)], ids=name)
def test_pure_modules_touch_nothing(path: Path) -> None:
    wrong = [m for m in imported(path) if m.split(".")[0] in IO_MODULES]
    assert not wrong, f"{name(path)} is pure and must not import {wrong}"
    text = path.read_text(encoding="utf-8")
    assert not CLOCK.search(text), f"{name(path)} is pure and must not read the clock"
    assert not READS.search(text), f"{name(path)} is pure and must be given text, not a file"


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


# The door, and the transports under it. What the sandbox calls ``call`` is its own server's inside.
CALLERS = ("migrate/odoo/door.py", "migrate/odoo/json2.py")


def transport_calls(path: Path) -> Iterator[str]:
    """``x.call(...)``: the place, and what stands before the point."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr == "call":
            yield f"{name(path)}:{node.lineno} {ast.unparse(node.value)}"


def test_only_the_door_calls_a_transport() -> None:
    clients = [path for path in sources() if not name(path).startswith("lago2odoo/sandbox/")]
    wrong = [where for path in clients if name(path) not in CALLERS for where in transport_calls(path)]
    assert not wrong, "read Odoo through migrate.odoo.door, which is patient and keeps to one company"
    assert all(list(transport_calls(ROOT / path)) for path in CALLERS), "an exception that is not needed"


def test_only_the_door_and_those_who_make_a_transport_know_one() -> None:
    knowing = {name(p) for p in sources() if "migrate.odoo.protocol" in imported(p)}
    assert knowing == {"migrate/odoo/door.py", "migrate/odoo/connect.py"}


def test_each_import_name_has_one_owner() -> None:
    owners = packages_distributions()
    taken = {package: owners[package] for package in PACKAGES if set(owners.get(package, [])) - {"lago2odoo"}}
    assert not taken, f"another distribution installs {taken}"


FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Place and length of every function: its lines of code, without docstring, comments and blank lines."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, FunctionNode):
            body = lines[first_line(node) - 1 : node.end_lineno]
            code = [line for line in body if line.strip() and not line.strip().startswith("#")]
            yield f"{name(path)}:{node.lineno} {node.name}", len(code)


def first_line(node: FunctionNode) -> int:
    has_more = ast.get_docstring(node) is not None and len(node.body) > 1
    return node.body[1 if has_more else 0].lineno


def test_functions_stay_readable() -> None:
    lengths = dict(function for path in sources() for function in functions(path))
    assert [where for where, lines in lengths.items() if lines > 50] == []
    assert median(lengths.values()) <= 6


# Files that are longer than 400 lines, and how long they may be: these numbers only fall.
LONG_FILES: dict[str, int] = {}


def test_files_stay_short() -> None:
    lengths = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}
    assert {file: lines for file, lines in lengths.items() if lines > LONG_FILES.get(file, 400)} == {}


def test_files_are_called_after_what_is_in_them() -> None:
    vague = {"held", "parts", "hints", "suspects", "world", "whatif", "facts", "bulk", "doubles", "exact"}
    assert [name(path) for path in sources() if path.stem in vague] == []


def test_no_two_classes_share_a_name() -> None:
    names = Counter(n.name for package in PACKAGES for n in nodes(package) if isinstance(n, ast.ClassDef))
    assert {each for each, times in names.items() if times > 1} == set()


# How often a package may say Any, and how often a function of more than a few lines may call something local by a name
# that does not say what it is. The numbers only fall: who needs fewer writes the new one here.
ANY = {"mappings": 70, "reports": 70, "migrate": 140, "reconcile": 20, "lago2odoo": 230}
VAGUE_NAMES = {"one", "found", "own", "held", "wanted"}
VAGUE = {"mappings": 40, "reports": 70, "migrate": 10, "reconcile": 150, "lago2odoo": 260}


def nodes(package: str) -> Iterator[ast.AST]:
    for path in sorted((ROOT / package).rglob("*.py")):
        yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def is_vague(node: ast.AST) -> bool:
    said = node.id if isinstance(node, ast.Name) else node.arg if isinstance(node, ast.arg) else ""
    return said in VAGUE_NAMES


@pytest.mark.parametrize("package", PACKAGES)
def test_local_names_say_what_they_are(package: str) -> None:
    longer = [n for n in nodes(package) if isinstance(n, FunctionNode) and (n.end_lineno or 0) - n.body[0].lineno >= 3]
    vague = {id(node) for function in longer for node in ast.walk(function) if is_vague(node)}
    assert len(vague) <= VAGUE[package]


@pytest.mark.parametrize("package", PACKAGES)
def test_types_are_said(package: str) -> None:
    assert sum(isinstance(node, ast.Name) and node.id == "Any" for node in nodes(package)) <= ANY[package]


def test_few_lines_are_hidden_from_the_type_checker() -> None:
    calls = [node for package in PACKAGES for node in nodes(package) if isinstance(node, ast.Call)]
    casts = [ast.unparse(call) for call in calls if ast.unparse(call.func) in ("cast", "typing.cast")]
    assert len(casts) <= 1, casts
    hidden = [
        name(path) for path in sources() for _ in re.finditer(r"# type: ignore", path.read_text(encoding="utf-8"))
    ]
    assert len(hidden) <= 5, hidden


# What functions do that give nothing back: the first word of each. What gives a value is called after the value.
ACTS = """
    act add allocate archive arrive assert attempt back begin bind bring call check clear close complete configure
    consume count create cut delete drop end fail finish forget format give hold insert intend keep learn leave
    load look make mark name note prepare price push put raise read recover refuse release remember remove replace
    require reseal restore run say seal set settle show spill step sync take tell touch unbind undo wait warn write
"""
# Values that happen to be functions: what is done with progress that nobody watches, a re-rate that is not to be had.
PASSED_ON = {"quiet", "progress", "cannot_rerate"}


def test_functions_that_act_begin_with_a_verb() -> None:
    """The sandbox apart, whose functions are Odoo's methods and what hangs on them; commands have a name of click's."""
    files = [path for path in sources() if not name(path).startswith("lago2odoo/sandbox/")]
    acting = {(name(path), f.name) for path in files for f in ast.walk(ast.parse(path.read_text("utf-8"))) if acts(f)}
    assert len(acting) > 150
    wrong = {(file, f) for file, f in acting if f.lstrip("_").split("_")[0] not in ACTS.split() and f not in PASSED_ON}
    assert wrong == set()


def acts(node: ast.AST) -> bool:
    """Whether it is a function that gives nothing back, and neither a command nor one of Python's own names."""
    if (
        not isinstance(node, FunctionNode)
        or node.name.startswith("__")
        or "click" in ast.unparse(node).split("def ")[0]
    ):
        return False
    return isinstance(node.returns, ast.Constant) and node.returns.value is None


TABLE_ROW = re.compile(r"^\| (?P<behaviour>[^|]+) \| (?P<files>[^|]+) \|$", re.MULTILINE)


# Rooms that the table names as a whole; each has a README, or one subject a file.
BY_FOLDER = ("mappings/records/", "reports/texts/", "lago2odoo/sandbox/")
ADDON_ROOMS = ("models", "api", "rating", "controllers", "wizards")


def table_cells() -> list[tuple[str, str]]:
    """The table of behaviours: what is done, and the files."""
    return TABLE_ROW.findall((ROOT / "docs/architecture.md").read_text(encoding="utf-8"))


def test_every_file_that_the_architecture_names_exists() -> None:
    rows = table_cells()
    assert len(rows) > 40
    wrong = [(behaviour, path) for behaviour, cell in rows for path, hits in named_files(cell) if not hits]
    assert wrong == []


def test_the_architecture_names_every_module() -> None:
    named = {hit for _, cell in table_cells() for path, hits in named_files(cell) if "<" not in path for hit in hits}
    addon = [p for r in ADDON_ROOMS for p in sorted((ROOT / "addons/fusion_billing" / r).rglob("*.py"))]
    modules = [p for p in sources() + addon if p.name != "__init__.py" and not name(p).startswith(BY_FOLDER)]
    assert [name(path) for path in modules if path not in named] == [], "a row of docs/architecture.md is missing"


def named_files(cell: str) -> Iterator[tuple[str, list[Path]]]:
    """Paths of a cell, and what is there; one without a folder lies beside the one before it, or in the addon."""
    folder = ROOT
    for path in re.findall(r"`([\w/<>*]+(?:\.\w+|/))`", cell):
        pattern = re.sub(r"<\w+>", "*", path.rstrip("/"))
        places = (ROOT, folder, folder.parent, ROOT / "addons/fusion_billing")
        hits = next(
            (hits for place in places if place.is_relative_to(ROOT) and (hits := list(place.glob(pattern)))), []
        )
        yield path, hits
        if hits and "/" in path:
            folder = hits[0] if hits[0].is_dir() else hits[0].parent


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
