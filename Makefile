# The whole tool chain: `make run` is the product, `make test` is the judge.
#   make run PORT=8080 SOURCE=rtsp://… DEMO=/folder/of/clips
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do \
	command -v $$name >/dev/null 2>&1 && $$name -c 'import sys; sys.exit(not (3,11) <= sys.version_info[:2] <= (3,13))' 2>/dev/null \
	&& { command -v $$name; break; }; done)
ENGINE ?= cpu
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup setup-test run test check fmt bench bench-redaction lock python

help:  ## What there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

python:
	@test -n "$(PYTHON)" || { echo "vidette: Python 3.11, 3.12 or 3.13 is needed and none was found. Debian 12 and Ubuntu 24.04: sudo apt-get install python3 python3-venv. Elsewhere: make run PYTHON=/path/to/python3.12" >&2; exit 1; }

setup: python  ## Environment in .venv, front-end packages, translations (ENGINE=gpu for NVIDIA)
	@$(PYTHON) requirements/setup.py run --engine $(ENGINE)

setup-test: python
	@$(PYTHON) requirements/setup.py test

run: setup  ## Start everything (PORT=8000 SOURCE=rtsp://… DEMO=folder)
	@$(if $(PORT),PORT="$(PORT)") exec $(BIN)/python manage.py up $(if $(DEMO),--demo "$(DEMO)") $(if $(SOURCE),--source "$(SOURCE)")

check: setup-test  ## Format, lint, types, import directions
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check  ## All tests: on PostgreSQL, the storage-sensitive ones on SQLite too, and in Chromium
	@$(BIN)/python -m tests

fmt: setup-test  ## Format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup-test  ## Figures of this machine
	@$(BIN)/python -m benchmarks

bench-redaction: setup-test  ## Faces that slip, ours against deface (QUICK=1: a few minutes)
	@$(BIN)/python -m benchmarks.redaction $(if $(QUICK),--quick)

lock: setup-test  ## Pin the requirements again
	requirements/lock.sh
