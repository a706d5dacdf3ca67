# `make demo` and `make test` are all that a fresh machine needs; `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
UV ?= uv
VENV := .venv
BIN := $(VENV)/bin
# Locked by hash and never built from source: what is installed is what was reviewed.
PIP := $(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check
LOCKED := $(PIP) --require-hashes --only-binary :all:

# Every core; PYTEST_ARGS=… replaces it: `make test PYTEST_ARGS="-x tests/test_gate.py"`.
PYTEST_ARGS ?= -n auto --dist worksteal

COMPILE := --quiet --generate-hashes --no-header --python-version 3.11

INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev

.PHONY: help demo sample test lint format types layers docs docs-write wheel ci lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 16

# Written again when the program has changed; otherwise the run is resumed: what was collected is assessed anew.
demo/example/auditkit.yaml: $(INSTALLED) $(shell find auditkit -name '*.py')
	@rm -rf demo
	$(BIN)/auditkit example demo/example
	@touch $@

demo: demo/example/auditkit.yaml ## audit the example estate, without AWS: demo/run/reports
	@tools/system.sh pdf
	@tools/demo.sh $(BIN)/auditkit demo/example/auditkit.yaml demo/run

sample: $(INSTALLED) ## write reports/sample and docs/report.png anew, from the example estate
	@tools/system.sh pdf
	@tools/sample.sh $(BIN)/auditkit

test: $(INSTALLED_DEV) ## run the tests (PYTEST_ARGS=… are handed on)
	@tools/system.sh pdf
	@tools/system.sh browser || { test -z "$${CI:-}" && echo "Going on; the tests that need a browser will fail"; }
	$(BIN)/pytest $(PYTEST_ARGS)

lint: $(INSTALLED_DEV) ## ruff: rules and formatting
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: $(INSTALLED_DEV) ## ruff: mend what can be mended
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: $(INSTALLED_DEV) ## mypy --strict
	$(BIN)/mypy

layers: $(INSTALLED_DEV) ## imports point down, and only scan and sources speak to AWS
	$(BIN)/lint-imports

docs: $(INSTALLED_DEV) ## the documentation agrees with the program
	$(BIN)/python tools/check_docs.py

docs-write: $(INSTALLED_DEV) ## write the generated parts of docs/
	$(BIN)/python tools/make_docs.py

wheel: $(INSTALLED_DEV) ## build the wheel and try it in an empty directory
	@rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist
	@PYTHON=$(BIN)/python tools/smoke.sh dist/*.whl

ci: ## everything asked of a change
	@.ci/run

lock: ## renew requirements/*.lock from pyproject.toml (needs uv)
	$(UV) pip compile --upgrade $(COMPILE) -o requirements/run.lock pyproject.toml
	$(UV) pip compile --upgrade $(COMPILE) -o requirements/dev.lock -c requirements/run.lock --group dev pyproject.toml
	$(UV) pip compile --upgrade $(COMPILE) -o requirements/build.lock -c requirements/dev.lock --group build

clean: ## remove what make made
	rm -rf $(VENV) build demo dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(INSTALLED): pyproject.toml requirements/run.lock requirements/build.lock
	@PYTHON=$(PYTHON) tools/system.sh venv pdf
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing requirements/run.lock and auditkit into $(VENV)"
	@$(LOCKED) -r requirements/run.lock -r requirements/build.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(INSTALLED_DEV): $(INSTALLED) requirements/dev.lock
	@echo "Installing requirements/dev.lock into $(VENV)"
	@$(LOCKED) -r requirements/dev.lock
	@touch $@
