# `make run` and `make test` are all a newcomer needs; `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON_IN_VENV := .venv/bin/python
VAR_DIR ?= var
REFEREE ?= ../shared/bench/referee.py
AGAINST ?=
export VAR_DIR

.PHONY: help install install-dev run demo test lint coverage bench accuracy chaos deep messages clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

# Stamps make a second start cost nothing: each target is made again only when its requirements changed.
.venv/installed: requirements.txt scripts/install
	@scripts/install requirements.txt
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	@scripts/install requirements-dev.txt
	@touch $@

STATIC_SOURCES := $(shell find static $(filter-out $(VAR_DIR)/static,$(wildcard */static)) -type f 2>/dev/null)
$(VAR_DIR)/static/collected: .venv/installed $(STATIC_SOURCES)
	@mkdir -p $(VAR_DIR) && $(PYTHON_IN_VENV) scripts/own_secrets.py $(VAR_DIR)/secrets.env
	@set -a; . $(VAR_DIR)/secrets.env; $(PYTHON_IN_VENV) manage.py collectstatic --no-input --verbosity 0
	@touch $@

install: .venv/installed ## the virtualenv .venv with the pinned packages

install-dev: .venv/installed-dev ## install and what tests and linters need

run: install $(VAR_DIR)/static/collected ## the product with a demo chain on http://localhost:8002 (PORT=...)
	@scripts/run

demo: install $(VAR_DIR)/static/collected ## all of run but the serving
	@scripts/run --no-serve

test: install-dev lint $(VAR_DIR)/static/collected ## lint and every test, on SQLite, PostgreSQL, Redis, RabbitMQ and Chromium
	@$(PYTHON_IN_VENV) scripts/services.py -- $(PYTHON_IN_VENV) -m scripts.phases test

lint: install-dev ## ruff, mypy, the floors, migrations, Django's checks
	@$(PYTHON_IN_VENV) scripts/lint.py

coverage: install-dev $(VAR_DIR)/static/collected ## the tests again, counting lines: htmlcov/index.html
	@$(PYTHON_IN_VENV) scripts/services.py -- $(PYTHON_IN_VENV) -m scripts.phases test --coverage

chaos: install-dev $(VAR_DIR)/static/collected ## faults: killed workers, lost brokers, failing sources (up to an hour; CHAOS_REAL_TIME=1)
	@$(PYTHON_IN_VENV) scripts/services.py -- $(PYTHON_IN_VENV) -m scripts.phases $(if $(CHAOS_REAL_TIME),real-time,chaos)

deep: install-dev $(VAR_DIR)/static/collected ## millions of rows, thousands of files, ten thousand branches, then the accuracy referee
	@$(PYTHON_IN_VENV) scripts/services.py -- $(PYTHON_IN_VENV) -m scripts.phases deep
	@$(PYTHON_IN_VENV) scripts/services.py -- $(PYTHON_IN_VENV) -m tests.bench.wide
	@$(MAKE) bench

bench: install-dev ## speed of loading, of the API and of forecasting as ratios, then accuracy on public sets (REFEREE=path to referee.py; AGAINST=an older commit)
	@$(PYTHON_IN_VENV) scripts/services.py -- $(PYTHON_IN_VENV) -m tests.bench.load
	@$(PYTHON_IN_VENV) scripts/services.py -- $(PYTHON_IN_VENV) -m tests.bench.api
	@$(PYTHON_IN_VENV) scripts/services.py -- $(PYTHON_IN_VENV) -m tests.bench.records
	@[ -z "$(AGAINST)" ] || $(PYTHON_IN_VENV) scripts/services.py -- $(PYTHON_IN_VENV) -m tests.bench.against $(AGAINST)
	@$(PYTHON_IN_VENV) scripts/services.py -- $(PYTHON_IN_VENV) -m tests.bench.imports
	@$(PYTHON_IN_VENV) scripts/services.py -- $(PYTHON_IN_VENV) -m tests.bench.items
	@$(PYTHON_IN_VENV) scripts/services.py -- $(PYTHON_IN_VENV) -m tests.bench.forecast
	@$(PYTHON_IN_VENV) scripts/services.py -- $(PYTHON_IN_VENV) -m tests.bench.speed
	@[ -f "$(REFEREE)" ] || { echo "bench: $(REFEREE) is not here; name the referee: REFEREE=/path/to/referee.py make bench" >&2; exit 1; }
	@mkdir -p $(VAR_DIR) && $(PYTHON_IN_VENV) scripts/own_secrets.py $(VAR_DIR)/secrets.env
	@set -a; . $(VAR_DIR)/secrets.env; $(PYTHON_IN_VENV) $(REFEREE) run --python $(PYTHON_IN_VENV) --json $(VAR_DIR)/bench.json

accuracy: install-dev ## docs/accuracy.md anew: the referee's sets, first weeks, hours, sums (REFEREE=path to referee.py)
	@[ -f "$(REFEREE)" ] || { echo "accuracy: $(REFEREE) is not here; name the referee: REFEREE=/path/to/referee.py" >&2; exit 1; }
	@mkdir -p $(VAR_DIR) && $(PYTHON_IN_VENV) scripts/own_secrets.py $(VAR_DIR)/secrets.env
	@set -a; . $(VAR_DIR)/secrets.env; $(PYTHON_IN_VENV) $(REFEREE) run --python $(PYTHON_IN_VENV) --json $(VAR_DIR)/bench.json
	@REFEREE=$(REFEREE) $(PYTHON_IN_VENV) -m tests.bench.accuracy $(VAR_DIR)/bench.json

messages: install-dev ## collect the texts into locale/ru and compile them (needs gettext)
	@$(PYTHON_IN_VENV) scripts/services.py --only gettext -- true
	@mkdir -p $(VAR_DIR) && $(PYTHON_IN_VENV) scripts/own_secrets.py $(VAR_DIR)/secrets.env
	@set -a; . $(VAR_DIR)/secrets.env; \
	  $(PYTHON_IN_VENV) manage.py makemessages --locale ru --no-obsolete --no-location --ignore .venv --ignore $(VAR_DIR) --ignore node_modules; \
	  $(PYTHON_IN_VENV) manage.py compilemessages --locale ru --ignore .venv

clean: ## remove caches and .venv; the data in var/ stay
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis htmlcov .coverage*
