"""A recording: the answers of a Lago kept as files, one line per call (``{method, path, query, status, body}``).

A directory of ``<name>.jsonl`` files, or one archive of it (.zip, .tar, .tar.gz, .tar.xz). Every message names the
file, and the page or line, that is missing or broken.
"""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar
from urllib.parse import parse_qsl
from zlib import error as ZlibError  # noqa: N812  a class, though its name does not look it

from mappings.text import NotTextError, decode_text
from migrate.errors import LagoError
from migrate.rawjson import Piece, elements, members
from reports.paths import NotReadableError, PathKind, standing_at, whole_file

T = TypeVar("T")
RECORDED = ".jsonl"  # what its files' names end in
_MARK = "organizations.jsonl"  # every recording has it: the folder that holds it is the recording
# Lago keeps these counts for half an hour, so that they may be another moment's.
_CACHED_COUNTS = frozenset({"invoices", "fees"})


@dataclass(frozen=True, slots=True)
class Call:
    """One recorded call. ``body`` is the text as Lago sent it; ``query`` its decoded parameters."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    status: int
    body: Piece
    request_body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    line: int = 0  # of its file

    @property
    def paging(self) -> tuple[int, int]:
        """(page, per_page) as asked for; Lago's defaults are 1 and 100."""
        asked = dict(self.query)
        return int(asked.get("page", 1)), int(asked.get("per_page", 100))

    def without_paging(self) -> tuple[tuple[str, str], ...]:
        return tuple(sorted(pair for pair in self.query if pair[0] not in ("page", "per_page")))


@dataclass
class Recording:
    """The files of a recording, read once each, when first asked for."""

    path: Path
    _texts: Mapping[str, bytes] | None = None
    _calls: dict[str, tuple[Call, ...]] = field(default_factory=dict)
    lacking: dict[str, int] = field(default_factory=dict)  # root of a list -> how many records Lago counted more

    @staticmethod
    def open(path: Path) -> Recording:
        """Raises LagoError if ``path`` is no recording."""
        try:
            stands = standing_at(path)
        except NotReadableError as error:
            raise LagoError(f"recording {path}: {error}") from None
        if stands is PathKind.NOTHING:
            raise LagoError(f"recording {path}: no such file or directory")
        recording = Recording(path, None if stands is PathKind.FOLDER else _unpacked(path))
        recording.calls("organizations")
        return recording

    @cached_property
    def names(self) -> frozenset[str]:
        """The files' names without ``.jsonl``."""
        if self._texts is not None:
            return frozenset(name.removesuffix(RECORDED) for name in self._texts)
        return frozenset(file.stem for file in self.path.glob(f"*{RECORDED}"))

    def calls(self, name: str) -> tuple[Call, ...]:
        """All calls of ``<name>.jsonl``. Raises LagoError if the file is missing or a line is broken."""
        if name not in self._calls:
            self._calls[name] = tuple(self._parse(name))
        return self._calls[name]

    def listed(self, name: str, path: str, root: str) -> list[Piece]:
        """All records of the list at ``path``, in Lago's order, from the pages in ``<name>.jsonl``.

        Of several recorded lists (filtered, other page sizes) the one with the most records counts.
        Raises LagoError if one of its pages is missing, or others are there than Lago counted; of invoices and fees
        what its last page counts more is kept (``lacking``), for who reads them to say.
        """
        groups: dict[object, dict[int, Call]] = {}
        for call in self.calls(name):
            if call.path == path and call.status == 200 and root in call.body.value:
                self._require_list(name, call, root)
                page, size = call.paging
                groups.setdefault((call.without_paging(), size), {})[page] = call
        if not groups:
            raise LagoError(f"recording {self.path}: {name}.jsonl has no list of {path}")
        pages = max(groups.values(), key=lambda pages: _total(next(iter(pages.values()))))
        return self._joined(name, root, pages)

    def _require_list(self, name: str, call: Call, root: str) -> None:
        if not isinstance(call.body.value[root], list):
            problem = _is_wrong(f"body.{root}", call.body.value[root], "a list")
            raise LagoError(f"recording {self.path}: {name}.jsonl line {call.line} is no list of {root}: {problem}")

    def _joined(self, name: str, root: str, pages: Mapping[int, Call]) -> list[Piece]:
        last = max((_meta(call).get("total_pages") or 1 for call in pages.values()), default=1)
        missing = [page for page in range(1, last + 1) if page not in pages]
        if missing:
            raise LagoError(f"recording {self.path}: {name}.jsonl lacks page {missing[0]} of {last} of the {root}")
        pieces = [piece for page in sorted(pages) for piece in elements(members(pages[page].body.text)[root].text)]
        counted = _total(pages[1])
        if "total_count" in _meta(pages[1]) and root not in _CACHED_COUNTS and len(pieces) != counted:
            raise LagoError(f"recording {self.path}: {name}.jsonl holds {len(pieces)} of {counted} {root}")
        if root in _CACHED_COUNTS:
            self.lacking[root] = max(_total(pages[max(pages)]) - len(pieces), 0)
        return pieces

    def _parse(self, name: str) -> Iterator[Call]:
        for number, line in enumerate(self._text(name).split("\n"), 1):
            if line.strip():
                try:
                    yield _call(line, number)
                except ValueError as error:
                    place = f"recording {self.path}: {name}.jsonl line {number}"
                    problem = str(error) if isinstance(error, _BadCall) else f"its JSON is broken: {error}"
                    raise LagoError(
                        f"{place} is not a complete recorded call: {problem}; record it again, or take the line out"
                    ) from None

    def _text(self, name: str) -> str:
        try:
            if self._texts is not None:
                return decode_text(self._texts[f"{name}{RECORDED}"])
            return decode_text(whole_file(self.path / f"{name}{RECORDED}"))
        except (KeyError, FileNotFoundError):
            raise LagoError(f"recording {self.path}: {name}.jsonl is missing") from None
        except NotTextError as error:
            raise LagoError(f"recording {self.path}: {name}.jsonl cannot be read: {error}") from None
        except OSError as error:
            raise LagoError(f"recording {self.path}: {name}.jsonl cannot be read: {error.strerror}") from None


def bundled() -> Path:
    """The recording shipped with the package: NexaSystems Inc. (see PROVENANCE.md beside it)."""
    return Path(str(files("lago2odoo.sandbox"))) / "data" / "nexasystems.tar.xz"


class _BadCall(ValueError):
    """A line that is JSON, and no call."""


def _call(line: str, number: int) -> Call:
    """Raises ValueError, which names the field."""
    if not line.lstrip().startswith("{"):
        raise _BadCall("it is no object")
    parts = members(line)
    status, body = _field(parts, "status", int, "a number"), parts.get("body")
    if body is None:
        raise _BadCall("field body is missing")
    if status == 200:  # of other answers the text is all that is kept
        _check_body(body.value)
    call = Call(
        method=_field(parts, "method", str, "a text"),
        path=_field(parts, "path", str, "a text"),
        query=tuple(parse_qsl(_field(parts, "query", str, "a text", default=""), keep_blank_values=True)),
        status=status,
        body=body,
        request_body=parts["request_body"].value if "request_body" in parts else None,
        headers=_field(parts, "headers", dict, "an object", default={}),
        line=number,
    )
    for name, value in call.query:
        if name in ("page", "per_page") and not (value.isascii() and value.isdecimal() and int(value[:9])):
            raise _BadCall(f"field query: {name} is {value[:40]!r}, should be a number from 1 on")
    return call


def _field(parts: Mapping[str, Piece], name: str, kind: type[T], words: str, *, default: T | None = None) -> T:
    """A member of a call; ``default``: what it is where it is absent or null. Raises _BadCall."""
    value = parts[name].value if name in parts else None
    if default is not None and value is None:
        return default
    if name not in parts:
        raise _BadCall(f"field {name} is missing")
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _BadCall(_is_wrong(name, value, words))
    return value


def _check_body(body: object) -> None:
    """Raises _BadCall for an answer that cannot be one of Lago's: pages are joined by what ``meta`` counts."""
    if not isinstance(body, dict):
        raise _BadCall(_is_wrong("body", body, "an object"))
    meta = body.get("meta") or {}
    if not isinstance(meta, dict):
        raise _BadCall(_is_wrong("body.meta", meta, "an object"))
    for name in ("total_pages", "total_count"):
        count = meta.get(name)
        if count is not None and (type(count) is not int or count < 0):
            raise _BadCall(_is_wrong(f"body.meta.{name}", count, "a number from 0 on"))


def _is_wrong(name: str, value: object, words: str) -> str:
    """``field path is 5, should be a text``."""
    kinds = {dict: "an object", list: "a list", type(None): "null"}
    return f"field {name} is {kinds.get(type(value)) or repr(value)[:40]}, should be {words}"


def _meta(call: Call) -> Mapping[str, Any]:
    return call.body.value.get("meta") or {}


def _total(call: Call) -> int:
    return int(_meta(call).get("total_count") or 0)


def _unpacked(path: Path) -> Mapping[str, bytes]:
    """The archive's .jsonl files by name, those beside its organizations.jsonl."""
    try:
        content_of = dict(_zip_members(path) if zipfile.is_zipfile(path) else _tar_members(path))
    except (tarfile.TarError, zipfile.BadZipFile, LZMAError, ZlibError, OSError, EOFError) as error:
        (told, *_) = str(error).splitlines() or [type(error).__name__]
        raise LagoError(
            f"recording {path}: not a directory and no archive that can be read: {told.rstrip(':')}"
        ) from None
    folders = sorted(PurePosixPath(name).parent for name in content_of if PurePosixPath(name).name == _MARK)
    if not folders:
        raise LagoError(f"recording {path}: {_MARK} is missing")
    return {
        PurePosixPath(n).name: content for n, content in content_of.items() if PurePosixPath(n).parent == folders[0]
    }


def _zip_members(path: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(RECORDED):
                yield name, archive.read(name)


def _tar_members(path: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() and member.name.endswith(RECORDED) else None
            if content:
                yield member.name, content.read()
