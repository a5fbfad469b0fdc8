"""The rules of the house, held by tests: who may import whom, what stays pure, what must not be in the files."""

from __future__ import annotations

import ast
import builtins
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from statistics import median

import pytest

from tests.reading_code import DYNAMIC, imports_of, impure, name_of, transport_calls

ROOT = Path(__file__).parents[1]
PACKAGES = ("mappings", "reports", "migrate", "reconcile", "lago2odoo")

# A package may import itself and those before it: lago2odoo (command line, sandbox) is where all is put together.
MAY_IMPORT = {name: set(PACKAGES[: position + 1]) for position, name in enumerate(PACKAGES)}

# The rooms of the dual run, floor by floor: a room may import itself and those on the floors below it.
FLOORS = (
    ("billed",),
    ("sides", "rating", "compare"),
    ("rerate",),
    ("causes",),
    ("run", "knowledge_base"),
    ("dual_run",),
)

PURE = ("mappings/", "migrate/change_set/", "reconcile/rating/", "reconcile/compare/", "reconcile/causes/")
PURE += ("reconcile/rerate/counterfactual.py", "reconcile/rerate/suppositions.py", "reconcile/rerate/supposed.py")
PURE += ("reconcile/rerate/customer_parts.py", "reconcile/billed.py", "reconcile/run.py", "reconcile/knowledge_base.py")
PURE += ("reports/data.py", "reports/tallies.py", "reports/drawing.py")


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


@cache
def imported(path: Path) -> tuple[str, ...]:
    """Absolute names of what a file imports."""
    module = module_of(path)
    own = module.removesuffix(".__init__")
    return tuple(imports_of(path.read_text(encoding="utf-8"), own, is_package=own != module))


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
# Floor by floor: a room may import itself and those before it.
ROOMS_OF_THE_FIRST_LINE = ("change_set", "odoo", "state", "lago")
# What all rooms stand on, directly in migrate/; everything else there walks the rooms.
BELOW_THE_ROOMS = {f"migrate.{each}" for each in ("errors", "masking", "progress", "rawjson", "slow_answers", "values")}


@pytest.mark.parametrize("package", ROOMS_OF_THE_FIRST_LINE)
def test_no_room_of_the_first_line_imports_what_walks_it(package: str) -> None:
    allowed = {*BELOW_THE_ROOMS, *(f"migrate.{each}" for each in ROOMS_OF_THE_FIRST_LINE)}
    wrong = {
        (name(path), module)
        for path in sorted((ROOT / "migrate" / package).rglob("*.py"))
        for module in imported(path)
        if module in modules_of_all() and module.startswith("migrate.")
        if ".".join(module.split(".")[:2]) not in allowed
    }
    assert wrong == set()


@pytest.mark.parametrize("package", ROOMS_OF_THE_FIRST_LINE)
def test_no_room_of_the_first_line_imports_one_above_it(package: str) -> None:
    floor = {each: number for number, each in enumerate(ROOMS_OF_THE_FIRST_LINE)}

    def floor_of(module: str) -> int:
        return floor.get(room(module), -1)

    modules = {module: path for module, path in modules_of_all().items() if module.startswith(f"migrate.{package}.")}
    assert modules
    wrong = {
        (module, other)
        for module, path in modules.items()
        for other in imported(path)
        if other.startswith("migrate.") and other in modules_of_all() and floor_of(other) > floor_of(module)
    }
    assert wrong == set()


def test_what_rates_again_asks_odoo_nothing() -> None:
    asking = {name(p) for p in sorted((ROOT / "reconcile/rerate").rglob("*.py")) if "migrate.odoo.door" in imported(p)}
    assert asking == set()


def test_the_dual_run_has_few_floors() -> None:
    assert len(FLOORS) <= 6


def local_imports(package: str) -> Mapping[str, frozenset[str]]:
    """Module -> the modules of the package that it imports. The packages that it lies in are no import of its own."""
    modules = {module_of(path).removesuffix(".__init__"): path for path in sorted((ROOT / package).rglob("*.py"))}
    return {
        module: frozenset(m for m in imported(path) if m in modules and not f"{module}.".startswith(f"{m}."))
        for module, path in modules.items()
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


def modules_of_all() -> Mapping[str, Path]:
    return {module_of(path).removesuffix(".__init__"): path for path in sources()}


def reached(first: Iterable[str], imports: Callable[[str], Iterable[str]]) -> dict[str, str]:
    """All modules that ``first`` import, however deep; each with the way that leads to it."""
    ways = {module: module for module in first}
    left = list(ways)
    while left:
        module = left.pop(0)
        for other in imports(module):
            if other not in ways:
                ways[other] = f"{ways[module]} -> {other}"
                left.append(other)
    return ways


SAYS_PURE = re.compile(r"\b[Pp]ure\b")


def is_pure(path: Path) -> bool:
    """By its room, or by what its docstring says."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return name(path).startswith(PURE) or SAYS_PURE.search(docstring) is not None


@cache
def ways_from_the_pure() -> dict[str, str]:
    modules = modules_of_all()

    def imports(module: str) -> list[str]:
        return sorted({each for each in imported(modules[module]) if each in modules})

    return reached([module for module, path in modules.items() if is_pure(path)], imports)


@pytest.mark.parametrize(("module", "way"), ways_from_the_pure().items(), ids=ways_from_the_pure())
def test_pure_modules_and_all_that_they_import_touch_nothing(module: str, way: str) -> None:
    wrong = impure(modules_of_all()[module].read_text(encoding="utf-8"), module)
    assert not wrong, f"{way}: pure, and must not have {wrong}"


def test_what_says_that_it_is_pure_is_held_to_it_wherever_it_stands() -> None:
    ways = ways_from_the_pure()
    assert {"migrate.staying", "migrate.odoo.needs", "reconcile.rerate.history"} <= ways.keys()
    assert {"migrate.odoo.door", "migrate.state.ledger"}.isdisjoint(ways)


IMPURE = {
    "import sqlite3": "sqlite3",
    "from urllib.request import urlopen": "urllib.request",
    "from os import environ": "os",
    "import datetime as dt\nat = dt.datetime.now(dt.UTC)": "dt.datetime.now",
    "from datetime import datetime as moment\nclock = moment.now": "moment.now",
    "import pandas as pd\nrows = pd.read_csv(name)": "pd.read_csv",
    "rows.to_parquet(name)": "rows.to_parquet",
    "with open(name) as file: pass": "open(name)",
    "text = path.read_text()": "path.read_text",
    "from migrate.odoo.door import Door": "migrate.odoo.door",
    "from migrate.odoo import door": "migrate.odoo.door",
    "from ...migrate.odoo.door import Door": "migrate.odoo.door",
    "import importlib\nodoo = importlib.import_module(name)": "importlib",
    "odoo = __import__('duckdb')": "duckdb",
}


@pytest.mark.parametrize(("text", "what"), IMPURE.items(), ids=IMPURE.values())
def test_impurity_is_seen_however_it_is_spelled(text: str, what: str) -> None:
    assert what in impure(text, "reconcile.causes.rules")


def test_what_is_pure_is_left_alone() -> None:
    text = "from datetime import datetime\nfrom mappings import read_back\nread_back.usage(datetime(2026, 1, 1))\n"
    assert impure(text, "reconcile.causes.usage") == []


def test_relative_and_dynamic_imports_are_seen() -> None:
    text = "from ..sides import lago\nfrom . import case\nimport_module('lago2odoo.cli')"
    assert set(imports_of(text, "reconcile.rerate.billing")) == {
        "reconcile.sides",
        "reconcile.sides.lago",
        "reconcile.rerate",
        "reconcile.rerate.case",
        "lago2odoo.cli",
    }
    of_a_package = imports_of("from .case import Case", "reconcile.causes", is_package=True)
    assert set(of_a_package) == {"reconcile.causes.case", "reconcile.causes.case.Case"}


# Who may import by a name made at run time: the commands, each when it is called, and the addon's plain files.
MADE_UP_NAMES = {"lago2odoo/cli/lazy.py", "lago2odoo/sandbox/odoo/behaviours/addon_rating.py"}


def test_few_modules_are_imported_by_a_name_made_at_run_time() -> None:
    importing = {
        name(path)
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and name_of(node.func) in DYNAMIC
    }
    assert importing == MADE_UP_NAMES


def test_purity_is_followed_as_deep_as_imports_go() -> None:
    imports = {"causes": ["enum"], "enum": ["events"], "events": ["causes"], "other": ["disk"], "disk": []}
    assert reached(["causes"], imports.__getitem__) == {
        "causes": "causes",
        "enum": "causes -> enum",
        "events": "causes -> enum -> events",
    }


def test_the_addon_stands_alone() -> None:
    wrong = [
        (name(path), module)
        for path in sorted((ROOT / "addons").rglob("*.py"))
        for module in imported(path)
        if module.split(".")[0] in PACKAGES
    ]
    assert not wrong


def test_only_the_configuration_reads_the_environment() -> None:
    readers = {name(p) for p in sources() if re.search(r"\bos\.(environ|getenv)\b", p.read_text(encoding="utf-8"))}
    readers |= {name(p) for p in sources() if {"os.environ", "os.getenv"} & set(imported(p))}
    assert readers == {"migrate/config.py"}


# The door, and the transports under it. What the sandbox calls ``call`` is its own server's inside.
CALLERS = ("migrate/odoo/door.py", "migrate/odoo/json2.py", "migrate/odoo/odoorpc_transport.py")


def calls_in(path: Path) -> list[str]:
    return [f"{name(path)}:{line} {asked}" for line, asked in transport_calls(path.read_text(encoding="utf-8"))]


def test_only_the_door_calls_a_transport() -> None:
    clients = [path for path in sources() if not name(path).startswith("lago2odoo/sandbox/")]
    wrong = [where for path in clients if name(path) not in CALLERS for where in calls_in(path)]
    assert not wrong, "read Odoo through migrate.odoo.door, which is patient and keeps to one company"
    assert all(calls_in(ROOT / path) for path in CALLERS), "an exception that is not needed"


def test_a_transport_is_seen_behind_whatever_holds_it() -> None:
    text = "x.transport.execute_kw(model)\nodoo.call(model)\ncalled = getattr(self.odoo, 'call')"
    assert sorted(transport_calls(text)) == [(1, "x.transport"), (2, "odoo"), (3, "self.odoo")]


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


RAISES = re.compile(r"\b[Rr]aises?:? (`*(?:\w+\.)*[A-Z]\w*`*(?:(?:, | and | or )`*(?:\w+\.)*[A-Z]\w*`*)*)")


def raised_by_docstring(text: str) -> set[str]:
    """Names of the errors that docstrings promise: the last part of ``pa.ArrowInvalid``."""
    documented = (ast.Module, ast.ClassDef, FunctionNode)
    docstrings = [ast.get_docstring(n) or "" for n in ast.walk(ast.parse(text)) if isinstance(n, documented)]
    lists = [names for docstring in docstrings for names in RAISES.findall(docstring)]
    return {each.split(".")[-1] for names in lists for each in re.findall(r"(?:\w+\.)*[A-Z]\w*", names)}


def test_docstrings_promise_errors_that_there_are() -> None:
    ours = {n.name for package in PACKAGES for n in nodes(package) if isinstance(n, ast.ClassDef)}
    known = ours | {each for each in dir(builtins) if each[0].isupper()} | {"ArrowInvalid"}
    assert raised_by_docstring('"""Raises Gone, ``pa.Lost`` or Never. Raises no Harm."""') == {
        "Gone",
        "Lost",
        "Never",
    }
    promised = {name(path): raised_by_docstring(path.read_text(encoding="utf-8")) - known for path in sources()}
    assert {file: errors for file, errors in promised.items() if errors} == {}


# How often a package may say Any, and how often a function of more than a few lines may call something local by a name
# that does not say what it is. The numbers only fall: who needs fewer writes the new one here.
ANY = {"mappings": 70, "reports": 70, "migrate": 140, "reconcile": 4, "lago2odoo": 230}
VAGUE_NAMES = {"one", "found", "own", "held", "wanted"}
VAGUE = {"mappings": 14, "reports": 60, "migrate": 10, "reconcile": 90, "lago2odoo": 40}


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


def unreasoned(text: str) -> list[int]:
    """Lines that say Any without saying why."""
    lines = text.splitlines()
    said = {n.lineno for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name) and n.id == "Any"}
    said |= {number for number, line in enumerate(lines, 1) if re.search(r'"[^"]*\[Any\]', line)}
    return sorted(number for number in said if "# Any: " not in lines[number - 1])


def test_any_has_a_reason_in_the_dual_run() -> None:
    assert unreasoned("a: Any\nb: Any  # Any: JSON\nC = 'x'\nD = \"list[Any]\"\n") == [1, 4]
    wrong = {
        name(path): lines
        for path in sorted((ROOT / "reconcile").rglob("*.py"))
        if (lines := unreasoned(path.read_text(encoding="utf-8")))
    }
    assert wrong == {}


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


# What is used by another than an import: click's commands are imported by a name made at run time. The embedded servers
# are the tests' too, and the methods of the one find each other by name.
BY_NAME = {"command"}


def names_made(tree: ast.Module) -> Iterator[str]:
    """What a module has for others: its functions, classes and constants."""
    for node in tree.body:
        if isinstance(node, FunctionNode | ast.ClassDef):
            yield node.name
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def names_used(tree: ast.Module) -> set[str]:
    """What a module says itself: names, members, and names in texts."""
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    names |= {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    return names | {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def unused(trees: Mapping[str, ast.Module], imports: Mapping[str, Iterable[str]]) -> set[str]:
    """What no module of ours uses; vulture asks the same of a name alone, whosever it is.

    Of an imported module everything is used that the importing one calls by that name.
    """
    used = {f"{module}.{each}" for module, tree in trees.items() for each in names_used(tree)}
    for module, names in imports.items():
        own = names_used(trees[module])
        used |= set(names) | {f"{other}.{each}" for other in names if other in trees for each in own}
    made = {f"{module}.{each}" for module, tree in trees.items() for each in names_made(tree) if each not in BY_NAME}
    return {each for each in made - used if not each.rpartition(".")[2].startswith("__")}


def test_what_is_used_by_tests_alone_is_with_the_tests() -> None:
    small = {"a": ast.parse("def f(): pass\ndef g(): f()\nX = 1"), "b": ast.parse("from a import X\nimport c\nc.h()")}
    assert unused({**small, "c": ast.parse("def h(): pass")}, {"b": ["a", "a.X", "c"]}) == {"a.g"}
    modules = {m: p for m, p in modules_of_all().items() if not m.startswith(("lago2odoo.sandbox", "mappings.records"))}
    trees = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in modules.items()}
    sandbox = {m: imported(p) for m, p in modules_of_all().items() if m.startswith("lago2odoo.sandbox")}
    left = unused(trees, {module: imported(path) for module, path in modules.items()})
    assert left - {each for names in sandbox.values() for each in names} == set()


TABLE_ROW = re.compile(r"^\| (?P<behaviour>[^|]+) \| (?P<files>[^|]+) \|$", re.MULTILINE)


# Rooms that the table names as a whole; each has a README, or one subject a file.
BY_FOLDER = ("mappings/records/", "reports/texts/", "lago2odoo/sandbox/")
ADDON_ROOMS = ("models", "api", "rating", "controllers", "wizards", "forms")


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
