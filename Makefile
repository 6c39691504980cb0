# Everything a reader needs: `make demo` runs the product, `make test` checks and tests it.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
.DEFAULT_GOAL := help
.PHONY: help demo test check docs unit lock clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

.venv/.ready: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Bornier needs Python 3.11 or newer: install one, or say make PYTHON=/path/to/python3"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Bornier needs Python 3.11 or newer: make PYTHON=python3.12"; exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || { echo "This Python has no venv module: on Debian and Ubuntu, apt install python3-venv"; exit 1; }
	@echo "setting up .venv (once; a minute or two)"
	@test -x $(BIN)/python || "$(PYTHON)" -m venv .venv
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

demo: .venv/.ready ## a running Bornier with a simulated fleet
	@$(BIN)/bornier demo

test: check ## every check and every test

check: .venv/.ready ## format, lint, types, imports, generated pages, tests
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m api.docs --check
	@$(BIN)/pytest -n 2 --dist worksteal -q

unit: .venv/.ready ## the fast tests
	@$(BIN)/pytest -q tests/domain tests/application tests/test_layout.py

docs: .venv/.ready ## write the generated pages again
	@$(BIN)/python -m api.docs

lock: .venv/.ready ## resolve the dependencies again
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate \
		--extra dev --custom-compile-command "make lock" --output-file requirements.lock pyproject.toml
	@echo hatchling | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
		--extra otel --constraint requirements.lock --custom-compile-command "make lock" \
		--output-file deploy/requirements.lock pyproject.toml -

clean: ## forget what was installed and built
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
