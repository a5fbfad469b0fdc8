"""The state is lost, and taken up again from Odoo: every command knows where it stands, with all kinds of records."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.broken import Broken, opened


@pytest.fixture
def company(tmp_path: Path, recording: Path) -> Iterator[Broken]:
    with opened(tmp_path, recording) as whole:
        yield whole


def test_what_was_adopted_has_a_status_and_nothing_is_left_to_do(company: Broken) -> None:
    project = company.project
    assert [project.run(name).code for name in ("extract", "apply")] == [0, 0]
    shutil.rmtree(project.folder / ".lago2odoo")
    assert [project.run(name).code for name in ("extract", "adopt")] == [0, 0]
    assert company.door().search("product.pricelist.item", []), "records with lines of which nothing is known as sent"
    status = project.run("status")
    assert (status.code, "drift is not known" in status.err) == (0, False), status.err
    applied = project.run("apply")
    assert (applied.code, "nothing to do" in applied.out) == (0, True)
    assert project.run("status").code == 0
