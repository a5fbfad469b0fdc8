# Everything a newcomer needs: `make demo` (or `make venv` first). See README.md.
PYTHON ?= $(shell command -v python3.13 || command -v python3.12 || command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: venv demo test check test-odoo bench bench-odoo clean

venv: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "lago2odoo needs Python 3.11 or newer: set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: venv
	$(BIN)/lago2odoo demo

test: venv
	$(BIN)/python -m pytest -q -m "not odoo" -n 2

check: venv
	$(BIN)/ruff check .
	$(BIN)/mypy

test-odoo: venv
	tests/odoo/server ready
	$(BIN)/python -m pytest -q -m odoo

bench: venv
	$(BIN)/python -m bench.rerate

bench-odoo: venv
	$(BIN)/python -m bench.odoo

clean:
	rm -rf $(VENV) demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
