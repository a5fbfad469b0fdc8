"""What is left out is told with what it waits for: a record in quarantine, or something that Odoo does not have."""

from __future__ import annotations

from lago2odoo.cli.show import remedies
from mappings.target import Phase, Skipped, Source


def waiting(reason: str, lago_id: str, because: str) -> Skipped:
    source = Source("customer", lago_id, lago_id)
    return Skipped(phase=Phase.CUSTOMERS, source=source, reason=reason, detail="", customer=lago_id, because=because)


def test_who_waits_for_odoo_waits_for_no_quarantine() -> None:
    items = [waiting("reference_missing", name, name) for name in ("c1", "c2")]
    told = remedies(items, ())
    assert told.startswith("2 records wait for what is not in Odoo (c1, c2): correct it in Lago or add it in Odoo")
    assert "quarantine" not in told
    assert "['reference_missing']" in told
    both = remedies([*items, waiting("id_not_unique", "c3", "c4")], ())
    assert "1 records wait for 1 in quarantine (c4)" in both
    assert "2 records wait for what is not in Odoo (c1, c2)" in both
    assert remedies(items, {"reference_missing"}) == ""
