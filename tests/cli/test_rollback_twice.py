"""What a rollback left alone is what the next one names, word for word: what it archived is no news."""

from __future__ import annotations

from pathlib import Path

from tests.cli.broken import opened


def left(text: str) -> list[str]:
    """What somebody changed, or Odoo keeps."""
    named = [line for line in text.splitlines() if line.startswith(("left alone", "refused"))]
    return [line for line in named if ": stays with " not in line]


def kept(text: str) -> list[str]:
    """And what that needs."""
    return [line for line in text.splitlines() if ": stays with " in line]


def test_the_second_rollback_says_what_the_first_one_left(tmp_path: Path, heavier: Path) -> None:
    with opened(tmp_path, heavier) as company:
        project, odoo = company.project, company.door()
        assert project.run("extract").code == 0
        assert project.run("apply").code == 0
        odoo.send("account.move", "action_post", odoo.search("account.move", [["move_type", "=", "out_invoice"]])[:1])
        changed = odoo.search("sale.order", [["state", "=", "sale"], ["fusion_previous_order_id", "!=", False]])[:1]
        (row,) = odoo.read("sale.order", changed, ["client_order_ref"])
        odoo.send("sale.order", "write", changed, vals={"client_order_ref": "somebody's"})
        first = project.run("rollback")
        assert (first.code, len(left(first.out))) == (1, 2)
        assert any(": stays with subscription " in line for line in kept(first.out))
        second = project.run("rollback")
        assert (second.code, left(second.out), second.err) == (1, left(first.out), first.err)
        assert kept(second.out) == kept(first.out)
        assert second.out.startswith("0 records deleted, 0 restored, 0 deactivated")
        odoo.send("sale.order", "write", changed, vals={"client_order_ref": row["client_order_ref"]})
        third = project.run("rollback")
        assert (third.code, left(third.out)) == (1, left(first.out)[:1]), "set back, it is ours to delete"
        assert not odoo.existing("sale.order", changed)
