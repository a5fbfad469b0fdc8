"""The line of a key: three readers of TOML say it, and one finder knows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mappings import tables
from mappings.toml_lines import TomlLines
from migrate import config
from migrate.errors import ConfigError
from reconcile.compare import waivers

TEXT = '''\
top = 1
note = """
[late]
key = 2
"""
[early]
"key" = 3
[late]
key = 4
"a.b" = 5
inner.deep = {x = 6}
[[many]]
key = 7
[[many]]
other = 8
[many.sub]
key = 9
["quoted name".'and more']
"caf\\u00e9 \\"x\\"" = 10
list = [
  "key = 11",
]
'''


@pytest.mark.parametrize(
    ("key", "entry", "line"),
    [
        ("top", 0, 1),
        ("early.key", 0, 7),
        ("late", 0, 8),
        ("late.key", 0, 9),
        ("late.a.b", 0, 10),
        ("late.inner", 0, 11),
        ("late.inner.deep.x", 0, 11),
        ("late.unknown", 0, 8),
        ("many", 0, 12),
        ("many", 1, 12),
        ("many.key", 1, 13),
        ("many.key", 2, 14),  # not that of another entry
        ("many.other", 2, 15),
        ("many.sub.key", 2, 17),
        ("quoted name.and more", 0, 18),
        ("quoted name", 0, 18),
        ('quoted name.and more.caf\u00e9 "x"', 0, 19),
        ("quoted name.and more.list", 0, 20),
        ("nowhere", 0, 1),
    ],
)
def test_the_line_of_a_key(key: str, entry: int, line: int) -> None:
    assert TomlLines(TEXT).of(key, entry) == line


def test_the_configuration_names_the_cohort_that_is_meant() -> None:
    text = '[cohorts.first]\nplans = ["a"]\n[cohorts."x.y"]\nplans = "a"\n'
    with pytest.raises(ConfigError, match=r"c\.toml:4: cohorts\.x\.y\.plans must be a list"):
        config.parse(text, Path("c.toml"))


def test_the_tables_name_the_entry_that_is_meant() -> None:
    text = '[[taxes]]\ncodes = ["a"]\n[[taxes]]\ncodes = ["b"]\nodoo = "x.y"\n'
    with pytest.raises(tables.TableError, match=r"t\.toml:1: taxes\.odoo is missing"):
        tables.parse(text, "t.toml", None)


def test_waivers_name_the_line_outside_of_texts() -> None:
    text = "[[waiver]]\nreason = '''\nrule = 1\n'''\nrule = 2\n"
    with pytest.raises(ConfigError, match=r"w\.toml:5: rule must be text"):
        waivers.parse(text, "w.toml", ())
