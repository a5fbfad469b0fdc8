"""What a text of Python imports, reads and calls, however it is spelled: the eyes of ``test_architecture``."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

# Modules that reach a disk, a network, a database, a clock, chance, or another module that nobody sees.
IO_MODULES = {
    "asyncio", "duckdb", "ftplib", "glob", "http", "httpx", "importlib", "odoorpc", "os", "pathlib", "random",
    "requests", "secrets", "shutil", "socket", "sqlalchemy", "sqlite3", "subprocess", "tempfile", "time",
    "urllib.request", "migrate.odoo.door", "migrate.odoo.protocol",
}  # fmt: skip
CLOCKS = {"now", "today", "utcnow"}
FILES = re.compile(
    r"(read|write)_(text|bytes)"
    r"|(read|to)_(csv|parquet|json|excel|sql\w*|table|feather|html|xml|pickle|hdf|orc)"
)
DYNAMIC = {"import_module", "__import__"}
OPENING = {"open", *DYNAMIC}
OF_A_TRANSPORT = {"call", "execute_kw"}


def imports_of(text: str, module: str, is_package: bool = False) -> Iterator[str]:
    """Absolute names of what ``module`` imports, under a condition too (a type is an import as well)."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom():
                source = _absolute(node, module, is_package)
                yield source
                yield from (f"{source}.{alias.name}" for alias in node.names)
            case ast.Call(args=[ast.Constant(value=str(named)), *_]) if name_of(node.func) in DYNAMIC:
                yield named


def _absolute(node: ast.ImportFrom, module: str, is_package: bool) -> str:
    """``from ..sides import lago`` in reconcile.rerate.billing -> ``reconcile.sides``."""
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    base = parts[: len(parts) - node.level + is_package]
    return ".".join([*base, *([node.module] if node.module else [])])


def name_of(node: ast.expr) -> str:
    """The last part of ``a.b.c``, the name that is called."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def impure(text: str, module: str = "") -> list[str]:
    """What of a text a pure module may not have."""
    modules = [name for name in imports_of(text, module) if _is_io(name)]
    return [*dict.fromkeys(modules), *_reaching(ast.parse(text))]


def _is_io(name: str) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in IO_MODULES)


def _reaching(tree: ast.AST) -> Iterator[str]:
    """Clocks (called, or handed on to be called) and files, under whatever name their module goes."""
    for node in ast.walk(tree):
        is_call = isinstance(node, ast.Call)
        is_asked = isinstance(node, ast.Attribute) and (node.attr in CLOCKS or FILES.fullmatch(node.attr) is not None)
        if is_asked or (is_call and name_of(node.func) in OPENING):
            yield ast.unparse(node)


def transport_calls(text: str) -> Iterator[tuple[int, str]]:
    """``x.call``, ``x.execute_kw``, ``getattr(x, "call")``: the line, and what it is asked of."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Attribute(attr=attr) if attr in OF_A_TRANSPORT:
                yield node.lineno, ast.unparse(node.value)
            case ast.Call(func=ast.Name(id="getattr"), args=[asked, ast.Constant(value=attr), *_]) if (
                attr in OF_A_TRANSPORT
            ):
                yield node.lineno, ast.unparse(asked)
