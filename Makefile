# Everything a newcomer needs: `make demo` (or `make venv` first). See README.md.
# The first of these that really runs and is new enough: version managers put commands on the PATH that do not run.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: venv demo test check fuzz test-odoo faults-odoo kills fuzz-api bench bench-advance bench-report bench-odoo bench-addon lowest lock audit licences sbom clean

venv: $(VENV)/.ready

# What the demo needs, and what developing needs: the second holds the first.
$(VENV)/.sandbox: pyproject.toml
	$(call install,sandbox)
	@touch $@

$(VENV)/.ready: pyproject.toml
	$(call install,dev)
	@touch $(VENV)/.sandbox $@

define install
	@test -n "$(PYTHON)" || { echo "lago2odoo needs Python 3.11 or newer: make venv PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --no-compile --disable-pip-version-check -e '.[$(1)]'
endef

demo: $(VENV)/.sandbox
	@$(BIN)/lago2odoo demo

# Places where a line or a branch that no test reaches may cost a cent: 95 % of each, measured by the tests' own run.
COVERED := mappings/money.py reconcile/rating/* reconcile/causes/* reconcile/knowledge_base.py migrate/state/* migrate/self_check.py migrate/change_set/*

# Bytecode is kept, beside the sources of nobody: the tests start hundreds of processes, each of which would compile pandas anew.
test test-odoo faults-odoo fuzz kills: export PYTHONDONTWRITEBYTECODE :=
test test-odoo faults-odoo fuzz kills: export PYTHONPYCACHEPREFIX := $(CURDIR)/$(VENV)/bytecode

# worksteal: each process has one half of the list, so that what a file or a folder sets up is set up once, and not by both.
# All of it runs before any of it fails.
# Counting makes tests half as slow again: those of the places above are counted (tests/conftest.py), the others are not.
PYTEST := $(BIN)/python -m pytest -q -n 2 --dist worksteal
# WHOLE=1: also what takes minutes for one behaviour, as a company whole. A release is tested with it.
SHORT := $(if $(WHOLE),, and not whole)
test: venv
	@set -f; failed=0; \
	$(PYTEST) -m "not odoo and counted$(SHORT)" --cov --cov-report= || failed=1; \
	for place in $(COVERED); do \
	  $(BIN)/coverage report --include="$$place" --fail-under=95 || { echo "too little of $$place is tested"; failed=1; }; done; \
	$(PYTEST) -m "not odoo and not counted$(SHORT)" || failed=1; \
	exit $$failed

check: venv
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/vulture
	$(BIN)/vulture mappings migrate reconcile reports lago2odoo
	$(BIN)/pylint addons/fusion_billing

# One field of one record broken, NUMBER times from SEED; ONLY=123 sees one of them alone. About 0.1 CPU seconds each.
NUMBER ?= 20000
SEED ?= 1
fuzz: venv
	LAGO2ODOO_FUZZ=$(NUMBER) LAGO2ODOO_FUZZ_SEED=$(SEED) LAGO2ODOO_FUZZ_ONLY=$(ONLY) \
	  $(BIN)/python -m pytest -q -n $(if $(ONLY),0,2) tests/fuzz

test-odoo: venv
	tests/odoo/server ready
	$(PYTEST) -m "odoo$(SHORT)"

# All faults on a real Odoo, one at a time; writes docs/faults-odoo.md, and goes on where it was stopped. About 10 seconds each on a quiet machine.
faults-odoo: venv
	tests/odoo/server ready enterprise oca
	LAGO2ODOO_FAULTS="$${LAGO2ODOO_FAULTS:-all}" $(BIN)/python -m pytest -q -s -n 0 tests/odoo/test_faults_matrix.py

# 20,000 requests of all kinds, seeded, to every route of the addon's API; prints what was sent against what came back.
fuzz-api: venv
	tests/odoo/server ready enterprise
	LAGO2ODOO_FUZZ_API=20000 $(BIN)/python -m pytest -q -n 0 -m odoo tests/odoo/test_api_fuzz.py

# Kill -9 at every write boundary of extract, apply, rollback, push and sign, and bad networks; minutes. SEED=n draws other networks.
kills: venv
	@rm -rf .kills && mkdir .kills
	$(BIN)/python tests/kills/program.py .kills $(or $(SEED),19) 0
	$(BIN)/python tests/kills/program.py .kills $(or $(SEED),19) 40 proxy:extract proxy:apply proxy:rollback proxy:push
	@rm -rf .kills

bench: venv
	$(BIN)/python -m bench.rerate

bench-advance: venv
	$(BIN)/python -m bench.advance

bench-report: venv
	$(BIN)/python -m bench.report

bench-odoo: venv
	$(BIN)/python -m bench.odoo

bench-addon: venv
	$(BIN)/python -m bench.addon --explain

# --- the supply chain ---------------------------------------------------------------------------------------------------
# Tools in an environment of their own: what they bring must not decide what the project gets.
TOOLS := .tools
LOWEST := .lowest
LOCK := requirements-dev.lock
# Quick, and touching every library: the rest of the suite says nothing more about versions.
BOTH_ENDS := tests/mapping tests/reporting tests/cases/test_values.py tests/cases/test_quarantine.py tests/cli/test_config.py \
  tests/extracting/test_store.py tests/extracting/test_events.py tests/extracting/test_client.py tests/rating/test_usage_oracle.py \
  tests/applying/test_transports.py tests/applying/test_stripe.py tests/applying/test_ledger.py tests/test_supply_chain.py

$(TOOLS)/.ready:
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install -q --disable-pip-version-check 'uv>=0.5' 'pip-audit>=2.7' 'cyclonedx-bom>=5' 'pip-licenses>=5'
	@touch $@

# The oldest versions that pyproject.toml promises, all at once; every other environment here has the newest ones.
lowest: $(TOOLS)/.ready
	$(TOOLS)/bin/uv venv -q --clear --python $(PYTHON) $(LOWEST)
	$(TOOLS)/bin/uv pip install -q --python $(LOWEST)/bin/python --resolution lowest-direct -e '.[dev]'
	$(LOWEST)/bin/python -m pytest -q -n 2 -m "not odoo" $(BOTH_ENDS)

# For developing: every version with its hashes. `.tools/bin/uv pip sync --require-hashes requirements-dev.lock`, then `pip install --no-deps -e .`
lock: $(TOOLS)/.ready
	$(TOOLS)/bin/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --upgrade \
	  --no-emit-index-url --no-emit-find-links --no-header --no-annotate -q -o $(LOCK)

audit: $(TOOLS)/.ready
	$(TOOLS)/bin/pip-audit --disable-pip --require-hashes -r $(LOCK)

licences: venv $(TOOLS)/.ready
	$(TOOLS)/bin/pip-licenses --python $(BIN)/python --order license
	$(BIN)/python -m pytest -q -n 0 tests/test_supply_chain.py

# What an installation with all extras holds, as CycloneDX; a release carries it.
sbom: $(TOOLS)/.ready
	$(TOOLS)/bin/uv venv -q --clear --python $(PYTHON) $(TOOLS)/installed
	$(TOOLS)/bin/uv pip install -q --python $(TOOLS)/installed/bin/python '.[postgresql,sandbox]'
	mkdir -p dist
	$(TOOLS)/bin/cyclonedx-py environment $(TOOLS)/installed/bin/python --pyproject pyproject.toml --output-reproducible --of JSON -o dist/sbom.cdx.json

clean:
	rm -rf $(VENV) $(TOOLS) $(LOWEST) demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
