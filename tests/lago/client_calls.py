"""Every call of lago-python-client, by introspection, as it goes over the wire."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from lago_python_client.base_client import BaseClient
from lago_python_client.base_model import BaseModel
from lago_python_client.client import Client


class Anything(BaseModel):
    """An input of any call."""


@dataclass(frozen=True)
class Call:
    """``keyed``: the client sends its key."""

    title: str
    method: str
    path: str
    keyed: bool


def clients(of: object, prefix: str = "") -> Iterator[tuple[str, BaseClient]]:
    """The client's clients, and those that they have."""
    for name in sorted(name for name in dir(type(of)) if not name.startswith("_")):
        found = getattr(getattr(of, name), "_obj", None)
        if isinstance(found, BaseClient):
            yield prefix + name, found
            yield from clients(found, f"{prefix}{name}.")


def arguments(call: Any) -> list[list[object]]:
    """What the call may be given: models where it wants one, else a word."""
    parameters = inspect.signature(call).parameters.values()
    if any(one.kind is one.VAR_POSITIONAL for one in parameters):
        model: list[object] = [Anything()] if call.__name__ in ("create", "update") else []
        return [[*("x",) * count, *model] for count in range(4)]
    wanted = [one for one in parameters if one.default is one.empty and one.kind is not one.VAR_KEYWORD]
    given: list[object] = [value_for(str(one.annotation)) for one in wanted]
    return [[*given, "x"] if call.__name__ == "update" and len(given) == 1 else given]


def value_for(annotation: str) -> object:
    if "odel" in annotation:  # a BaseModel, or one of the client's models
        return Anything()
    return 5 if annotation == "<class 'int'>" else "x"


def listed() -> list[Call]:
    """All calls, as they go over the wire."""
    sent: list[httpx.Request] = []

    def answer(_self: httpx.Client, request: httpx.Request, **_more: object) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={}, request=request)

    found = []
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setattr(httpx.Client, "send", answer)
        for name, client in clients(Client(api_key="k", api_url="http://lago")):
            for method in sorted(one for one in dir(type(client)) if not one.startswith("_")):
                call = getattr(client, method)
                if inspect.ismethod(call) and method != "api_resource":
                    found.append(made(f"{name}.{method}", call, sent))
    return found


def made(title: str, call: Any, sent: list[httpx.Request]) -> Call:
    """The request of a call; the answer is none that it could read."""
    sent.clear()
    for given in arguments(call):
        try:
            call(*given)
        except Exception:  # noqa: BLE001 - what it makes of the answer is not asked here
            if not sent:
                continue
        if sent:
            break
    assert sent, f"{title}: no request, given {arguments(call)}"
    request = sent[0]
    return Call(title, request.method, request.url.path.removeprefix("/api/v1/"), "authorization" in request.headers)
