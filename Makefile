# Sealdesk: every target does the set-up that it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup packages run test check format bench mission requirements clean

help: ## Lists the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(STAMP) ## Puts everything into .venv, with the commands sealmail and sealdesk

$(STAMP): requirements/dev.txt packages/sealmail/pyproject.toml packages/sealdesk/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Sealdesk needs Python 3.11 or newer: make PYTHON=python3.12 setup"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (a minute or two the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e packages/sealmail -e packages/sealdesk
	@touch $@

packages: ## Debian's packages that the end-to-end tests talk to (installs them as root)
	@tools/debian-packages

run: $(STAMP) ## Starts the desk with demo data on SQLite
	$(BIN)/sealdesk run --demo

test: $(STAMP) packages ## Runs all tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

check: $(STAMP) ## Format, lint, types, layers, migrations
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --config-file packages/sealmail/pyproject.toml packages/sealmail/src
	$(BIN)/mypy packages/sealdesk/src
	$(BIN)/lint-imports --no-cache
	$(BIN)/sealdesk manage makemigrations --check --dry-run
	$(BIN)/sealdesk manage check --fail-level WARNING

format: $(STAMP) ## Formats the code and mends what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP) packages ## Side by side with gpg, openssl and the raw primitives; writes bench/RESULTS.md (QUICK=1: only shows)
	$(BIN)/python -m bench $(if $(QUICK),--quick)

mission: $(STAMP) packages ## Which mission rows are proven by which tests
	$(BIN)/python tools/mission.py

requirements: ## Pins the dependencies anew, with hashes
	cd requirements && for name in run dev; do \
	  uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --custom-compile-command "make requirements" $$name.in -o $$name.txt || exit 1; done

clean: ## Removes the virtual environment and caches, keeps the data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
