"""Every route of the addon's API under requests of all kinds, each made from a seed.

``make fuzz-api`` asks 20,000 of them (``LAGO2ODOO_FUZZ_API``: how many); ``LAGO2ODOO_FUZZ_SEED`` gives another run, and
the seed of a failure, such as ``7/1234``, asks that one alone.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.odoo.api_fuzz.requests import routes
from tests.odoo.api_fuzz.run import prepared, run, said
from tests.odoo.conftest import CACHE
from tests.odoo.small import small

pytestmark = pytest.mark.odoo

MANY = 20_000


def seeds(count: int) -> list[str]:
    given = os.environ.get("LAGO2ODOO_FUZZ_SEED", "1")
    return [given] if "/" in given else [f"{given}/{number}" for number in range(count)]


def test_no_request_breaks_anything(kept_database: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """No page of HTML, no 5xx, no hang, nothing quoted in the log; the jobs bill what no request named, as before."""
    asked = seeds(int(os.environ.get("LAGO2ODOO_FUZZ_API", "300")))
    log = Path(CACHE / f"odoo.{kept_database.server.port}.log")
    asking = prepared(small(kept_database.settings()), kept_database.server.pid)
    before = log.stat().st_size
    run(asking, asked, jobs_every=max(100, len(asked) // 20))
    with capsys.disabled():
        sys.stdout.write(f"\n{len(asked)} requests, seed {asked[0]}\n{asking.table()}\n")
    with log.open("rb") as file:
        file.seek(before)
        quoted = said(file.read().decode(errors="replace"), kept_database.name)
    assert not asking.failures, "\n".join(asking.failures[:20])
    assert not quoted, "\n".join(quoted[:20])
    if len(asked) >= MANY:
        assert len(asking.routes) == len(routes())
