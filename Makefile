# Everything a reader needs: `make demo` runs the product, `make test` checks and tests it.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help demo test check docs unit lock clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Bornier needs Python 3.11 or newer: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python has no venv module: install the package python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: .venv/.ready ## a running Bornier with a simulated fleet
	@$(BIN)/bornier demo

test: check ## every check and every test

check: .venv/.ready ## format, lint, types, imports, generated pages, tests
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m api.docs --check
	@$(BIN)/pytest -n 2 --dist worksteal -q

unit: .venv/.ready ## the fast tests
	@$(BIN)/pytest -q tests/domain tests/application

docs: .venv/.ready ## write the generated pages again
	@$(BIN)/python -m api.docs

lock: .venv/.ready ## resolve the dependencies again
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --extra dev \
		--custom-compile-command "make lock" --output-file requirements.lock pyproject.toml

clean: ## forget what was installed and built
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache
