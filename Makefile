# Everything a newcomer needs: `make demo` (or `make venv` first). See README.md.
# The first of these that really runs and is new enough: version managers put commands on the PATH that do not run.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: venv demo test check test-odoo bench bench-report bench-odoo bench-addon clean

venv: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo "lago2odoo needs Python 3.11 or newer: make venv PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: venv
	@$(BIN)/lago2odoo demo

test: venv
	$(BIN)/python -m pytest -q -m "not odoo" -n 2

check: venv
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pylint addons/fusion_billing

test-odoo: venv
	tests/odoo/server ready
	$(BIN)/python -m pytest -q -m odoo -n 2 --dist worksteal

bench: venv
	$(BIN)/python -m bench.rerate

bench-report: venv
	$(BIN)/python -m bench.report

bench-odoo: venv
	$(BIN)/python -m bench.odoo

bench-addon: venv
	$(BIN)/python -m bench.addon --explain

clean:
	rm -rf $(VENV) demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
