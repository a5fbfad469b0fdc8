"""Lists of texts on one line, as people write them: ``eu, us, "a, b"``; and keys with their values, line by line."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO


def written(texts: Iterable[object]) -> str:
    """The texts on one line; one with a comma or a quote in it is quoted."""
    out = StringIO()
    csv.writer(out, lineterminator="").writerow([str(one) for one in texts])
    return ", ".join(_cells(out.getvalue(), quoted=True))


def read(line: str) -> Sequence[str]:
    """The texts of a line, without the empty ones."""
    return tuple(cell for cell in _cells(line, quoted=False) if cell)


def _cells(line: str, *, quoted: bool) -> list[str]:
    rows = list(csv.reader(StringIO(line), skipinitialspace=True))
    cells = [cell.strip() for row in rows for cell in row]
    return [_quoted(cell) for cell in cells] if quoted else cells


def _quoted(cell: str) -> str:
    doubled = cell.replace('"', '""')
    return f'"{doubled}"' if any(mark in cell for mark in ',"\n') else cell


def written_keys(rows: Iterable[Mapping[str, object]]) -> str:
    """``[{"key", "values"}]`` line by line: ``region: eu, us``."""
    return "\n".join(f"{_key(str(row.get('key')))}: {written(_texts(row.get('values')))}" for row in rows)


def _key(key: str) -> str:
    doubled = key.replace('"', '""')
    return f'"{doubled}"' if ":" in key or key.startswith('"') else key


def _texts(values: object) -> Sequence[object]:
    return values if isinstance(values, (list, tuple)) else ()


def read_keys(text: str) -> list[dict[str, object]]:
    """The rows of such lines. Raises ValueError with the line that has no key or no values."""
    found: list[dict[str, object]] = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        key, values = _key_and_values(line)
        if not key or not read(values):
            raise ValueError(line)
        found.append({"key": key, "values": list(read(values))})
    return found


def _key_and_values(line: str) -> tuple[str, str]:
    if line.startswith('"'):
        key, _end, values = line[1:].replace('""', "\0").partition('":')
        return key.replace("\0", '"').strip(), values.replace("\0", '""')
    key, _colon, values = line.partition(":")
    return key.strip(), values
