"""Whether a JSON value has the shape of a sample: the same keys, the same JSON types."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from typing import Any

# Objects whose keys are the application's own.
FREE = ("properties", "metadata", "values", "error_details", "grouped_by", "grouped_by[]")


def differences(answer: Any, sample: Any, path: str = "") -> Iterator[str]:
    """``path: missing`` | ``path: extra`` | ``path: number instead of string``, the path with ``[]`` for list items.

    ``null`` in the sample fits anything (it says nothing of the type); ``null`` in the answer does not fit a value.
    Items of a list are compared with that item of the sample's list that is most alike, if it has any.
    """
    if sample is None:
        return
    if kind(answer) != kind(sample):
        yield f"{path}: {kind(answer)} instead of {kind(sample)}"
    elif isinstance(sample, Mapping):
        yield from of_object(answer, sample, path)
    elif isinstance(sample, list) and sample:
        for item in answer:
            yield from min((list(differences(item, model, f"{path}[]")) for model in sample), key=len)


def of_object(answer: Mapping[str, Any], sample: Mapping[str, Any], path: str) -> Iterator[str]:
    if path.rpartition(".")[2] in FREE:
        return
    for name in sample.keys() | answer.keys():
        place = f"{path}.{name}".lstrip(".")
        if name not in answer:
            yield f"{place}: missing"
        elif name not in sample:
            yield f"{place}: extra"
        else:
            yield from differences(answer[name], sample[name], place)


def kind(value: Any) -> str:
    """The JSON type; integers and other numbers are told apart, as Lago's clients do."""
    names = {type(None): "null", bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return names.get(type(value), "object")


def unexplained(found: Iterator[str], allowed: Mapping[str, str]) -> list[str]:
    """The differences that no pattern of ``allowed`` (pattern -> reason) covers, each once."""
    return sorted({line for line in found if not any(fnmatch.fnmatchcase(line, p) for p in allowed)})
