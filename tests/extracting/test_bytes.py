"""Bytes that are no text are refused with their place, never turned into a sign; and letters in two forms."""

from __future__ import annotations

from pathlib import Path
from unicodedata import normalize

import httpx
import pytest

from lago2odoo.cli.waiver_file import waiver_text
from mappings.cohorts import customers_of
from mappings.decode import decode
from mappings.records import Customer
from mappings.text import NotTextError, decode_text
from migrate import config
from migrate.errors import ConfigError, LagoError, LagoUnreachable
from migrate.lago.client import LagoClient, LagoPatience
from migrate.lago.recording import Recording
from tests.cli.conftest import command
from tests.mapping.build import customer, snapshot

BAD = b'{"customers": [{"name": "Caf' + b"\xff" + b'"}]}'


def test_an_answer_of_lago_with_a_byte_that_is_no_text() -> None:
    """Tried again first: a connection may have damaged it."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, content=BAD, headers={"content-type": "application/json"})

    client = LagoClient(
        "http://lago.example",
        "key-of-the-test",
        requests_per_second=None,
        patience=LagoPatience(retries=2, first_wait=0),
        transport=httpx.MockTransport(answer),
    )
    with (
        client,
        pytest.raises(LagoUnreachable, match=r"byte 29 of the answer, 0xFF after .*Caf.* is no UTF-8, 3 times"),
    ):
        client.get("/api/v1/customers")
    assert len(asked) == 3


def test_a_recording(tmp_path: Path) -> None:
    (tmp_path / "organizations.jsonl").write_bytes(b'{"method": "GET"}\n{"path": "\xff"}\n')
    with pytest.raises(LagoError, match=r"organizations\.jsonl cannot be read: line 2, byte 11: 0xFF is no UTF-8"):
        Recording.open(tmp_path)


@pytest.mark.parametrize("name", ["lago2odoo.toml", "tables.toml"])
def test_a_file_of_a_person(tmp_path: Path, name: str) -> None:
    (tmp_path / "lago2odoo.toml").write_text('[mapping]\ntables = "tables.toml"\n')
    (tmp_path / name).write_bytes(b"# Caf\xe9\n[lago]\n")
    told = command("doctor", "--config", str(tmp_path / "lago2odoo.toml"))
    assert told.code == 1
    assert "line 1, byte 6: 0xE9 is no UTF-8: save the file as UTF-8" in told.out + told.err


def test_waivers(tmp_path: Path) -> None:
    (tmp_path / "waivers.toml").write_bytes(b"[[waiver]]\nreason = '\xff'\n")
    with pytest.raises(ConfigError, match=r"line 2, byte 11: 0xFF is no UTF-8"):
        waiver_text(tmp_path / "waivers.toml")


def test_what_windows_writes(tmp_path: Path) -> None:
    assert decode_text(b"\xef\xbb\xbfx = 1\r\n") == "x = 1\r\n"
    with pytest.raises(NotTextError, match="is UTF-16: save it as UTF-8"):
        decode_text("x = 1".encode("utf-16"))
    file = tmp_path / "lago2odoo.toml"
    file.write_bytes("﻿[cohorts.pilot]\r\ncustomers = ['x']\r\n".encode())
    assert config.load(file).cohort("pilot").customers == ("x",)


def test_texts_for_people_have_one_form_and_ids_stay_as_they_are() -> None:
    apart = normalize("NFD", "Québec")
    read = decode(
        Customer, {"lago_id": "c", "external_id": apart, "name": apart, "state": apart, "city": None}, "customers"
    )
    assert (read.name, read.state, read.external_id) == ("Québec", "Québec", apart)


def test_a_cohort_finds_a_customer_in_either_form() -> None:
    apart = normalize("NFD", "café-1")
    known = snapshot(customers=(customer(external_id=apart),))
    assert customers_of(known, "pilot", ["café-1"], []) == {apart}
