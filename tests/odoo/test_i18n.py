"""French of the addon: no term of Odoo's own export is missing, and what a person sees is in French."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from tests.odoo.test_lifecycle import odoo_shell

pytestmark = pytest.mark.odoo

FOLDER = Path(__file__).parents[2] / "addons" / "fusion_billing" / "i18n"
MARKS = re.compile(r"%\(\w+\)s|%s|</?\w+|\n")


def terms(file: Path) -> dict[str, str]:
    with file.open("rb") as opened:
        catalog: Catalog = read_po(opened)
    return {str(message.id): str(message.string) for message in catalog if message.id}


def marks(text: str) -> list[str]:
    return sorted(MARKS.findall(text))


def test_no_term_is_missing(common: Any, tmp_path: Path) -> None:
    """What Odoo exports of the installed addon is what must be there: labels, tooltips, views, data and errors."""
    exported = tmp_path / "terms.pot"
    arguments = ("i18n", "export", "-d", common.name, "-l", "pot", "-o", str(exported), "fusion_billing")
    code, log = run(*arguments)
    assert code == 0, log[-2000:]
    wanted, french = terms(exported), terms(FOLDER / "fr.po")
    assert len(wanted) > 700
    assert wanted.keys() - french.keys() == set(), "translate these in i18n/fr.po"
    assert french.keys() - wanted.keys() == set(), "no such term any more"
    assert [term for term, said in french.items() if not said] == []


@pytest.mark.parametrize("language", ["fr", "fr_CA"])
def test_what_is_filled_in_and_the_tags_are_those_of_the_term(language: str) -> None:
    found = terms(FOLDER / f"{language}.po")
    assert {term: said for term, said in found.items() if marks(term) != marks(said)} == {}


def test_canada_says_only_what_it_says_otherwise() -> None:
    french, canada = terms(FOLDER / "fr.po"), terms(FOLDER / "fr_CA.po")
    assert canada
    assert canada.keys() <= french.keys()
    assert [term for term, said in canada.items() if said == french[term]] == []


SHOWN = """
for lang in ("fr_FR", "fr_CA"):
    found = env["res.lang"].with_context(active_test=False).search([("code", "=", lang)])
    env["base.language.install"].create({"lang_ids": [(6, 0, found.ids)]}).lang_install()
    here = env(context={"lang": lang})
    form, plan = here["fusion.billing.charge.form"], here.ref("fusion_billing.plan_form")
    modes = here["res.company"].fields_get(["fusion_invoice_mode"])["fusion_invoice_mode"]["selection"]
    print("SHOWN", lang, modes[2][1])
    print("SHOWN", lang, form._flaw("invalid_package_size"))
    print("SHOWN", lang, here.ref("fusion_billing.menu_plan").name)
    print("SHOWN", lang, "Ajouter un tarif" in here["product.template"].get_view(plan.id)["arch"])
    print("SHOWN", lang, form.fields_get(["package_size"])["package_size"]["string"])
"""


def test_people_see_it_and_canada_has_the_rest_from_france(database: Any) -> None:
    said = [line.split(" ", 2)[1:] for line in odoo_shell(database, SHOWN).splitlines() if line.startswith("SHOWN")]
    same = ["doit être un nombre entier", "Forfaits", "True", "Unités d'un lot"]
    by_language = {lang: [text for code, text in said if code == lang] for lang in ("fr_FR", "fr_CA")}
    assert by_language == {
        "fr_FR": ["Comptabiliser et envoyer par e-mail", *same],
        "fr_CA": ["Comptabiliser et envoyer par courriel", *same],
    }


def run(*arguments: str) -> tuple[int, str]:
    script = Path(__file__).parent / "server"
    done = subprocess.run([script, "odoo", *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr
