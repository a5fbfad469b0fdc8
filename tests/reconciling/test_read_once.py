"""The same question is put to Odoo once in a run: what one part has read is handed to the next."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from migrate.odoo.protocol import Odoo
from tests.faults import PRO, STARTER, Fault
from tests.reconciling import planted
from tests.reconciling.planted import Base

JULY = Fault(name="", side="odoo", causes=frozenset(), customers=(STARTER, PRO), plant=lambda company: None)


@dataclass
class Noting:
    """Passes every call on, and keeps what was asked."""

    odoo: Odoo
    asked: Counter[str] = field(default_factory=Counter)
    server_version: str = "19.0"

    def call(self, model: str, method: str, ids: Any = None, /, **arguments: Any) -> Any:
        self.asked[f"{model} {method} {ids} {sorted(arguments.items())}"] += 1
        return self.odoo.call(model, method, ids, **arguments)

    def close(self) -> None:
        """It is another's."""


def test_what_the_migration_brought_is_read_once(base: Base, tmp_path: Path) -> None:
    with planted.copied(base, tmp_path / "copy") as company:
        noting = Noting(company.odoo)
        planted.reconciled(replace(company, odoo=noting), JULY, planted.codes_of(company.odoo, company.snapshot))
    brought = {question: times for question, times in noting.asked.items() if "'=', 'account.move']" in question}
    assert sum(brought.values()) == 1, brought
