"""The proof that both sides use one Stripe account: Stripe's own library, and a server that answers like Stripe."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from migrate.stripe import Proof, Reference, StripeApi, StripeError, prove_same_account

KEY = "rk_test_not_a_real_key"
OBJECTS: dict[str, Any] = {
    "/v1/account": {"id": "acct_1", "object": "account"},
    "/v1/customers/cus_1": {"id": "cus_1", "object": "customer"},
    "/v1/customers/cus_2": {"id": "cus_2", "object": "customer"},
    "/v1/customers/cus_gone": {"id": "cus_gone", "object": "customer", "deleted": True},
    "/v1/payment_methods/pm_1": {"id": "pm_1", "object": "payment_method", "customer": "cus_1"},
    "/v1/payment_methods/pm_other": {"id": "pm_other", "object": "payment_method", "customer": "cus_2"},
    "/v1/payment_methods/pm_loose": {"id": "pm_loose", "object": "payment_method", "customer": None},
}


class StripeLike(BaseHTTPRequestHandler):
    asked: list[tuple[str, str]]

    def do_GET(self) -> None:
        self.asked.append((self.command, self.path))
        found = OBJECTS.get(self.path)
        if self.headers["Authorization"] != f"Bearer {KEY}":
            self._answer(
                401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key provided: rk_te***"}}
            )
        elif found:
            self._answer(200, found)
        else:
            error = {"type": "invalid_request_error", "code": "resource_missing", "message": "No such object"}
            self._answer(404, {"error": error})

    do_POST = do_DELETE = do_GET  # noqa: N815

    def _answer(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def asked() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def address(asked: list[tuple[str, str]]) -> Iterator[str]:
    handler = type("Handler", (StripeLike,), {"asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_reference_found_is_a_proof_that_only_read(address: str, asked: list[tuple[str, str]]) -> None:
    references = [
        Reference("NX-1", "cus_1", "pm_1"),
        Reference("NX-1", "cus_1"),
        Reference("NX-2", "cus_2", "pm_other"),
    ]
    proof = prove_same_account(references, StripeApi(KEY, address))
    assert (proof.proven, proof.account, proof.checked) == (True, "acct_1", 3)
    assert "acct_1 holds all 3" in proof.sentence
    assert {verb for verb, _ in asked} == {"GET"}
    assert asked.count(("GET", "/v1/customers/cus_1")) == 1


@pytest.mark.parametrize(
    ("reference", "named"),
    [
        (Reference("NX-3", "cus_3"), "cus_3 of NX-3"),
        (Reference("NX-4", "cus_gone"), "cus_gone of NX-4"),
        (Reference("NX-1", "cus_1", "pm_404"), "pm_404 of NX-1"),
        (Reference("NX-1", "cus_1", "pm_other"), "pm_other of NX-1 is not attached to cus_1"),
        (Reference("NX-1", "cus_1", "pm_loose"), "pm_loose of NX-1 is not attached to cus_1"),
    ],
)
def test_what_is_not_in_the_account_is_named(address: str, reference: Reference, named: str) -> None:
    proof = prove_same_account([Reference("NX-1", "cus_1", "pm_1"), reference], StripeApi(KEY, address))
    assert not proof.proven
    assert proof.sentence == f"not proven: 1 of 2 references are not in account acct_1: {named}"


def test_without_a_key_nothing_is_proven_and_it_says_so() -> None:
    proof = prove_same_account([Reference("NX-1", "cus_1")], None)
    assert not proof.proven
    assert proof.sentence.startswith("not proven: no Stripe key")


def test_nothing_to_prove_is_proven_by_the_account_alone(address: str) -> None:
    assert prove_same_account([], StripeApi(KEY, address)) == Proof("acct_1")


def test_a_wrong_key_is_refused_without_being_shown(address: str) -> None:
    with pytest.raises(StripeError, match="refused the key") as error:
        prove_same_account([], StripeApi("rk_test_wrong_key", address))
    assert "rk_test_wrong_key" not in str(error.value)
