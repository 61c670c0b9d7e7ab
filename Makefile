# The targets that people and CI use; CONTRIBUTING.md says what each gate is for.

PYTHON ?= python3
# A kernel tree for `make demo`; the default is a small one that has the seed's fault.
TREE ?= fixtures/demo-tree

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
.PHONY: help demo test mutants bench lint format clean

help: ## what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: ## install into .venv and check a small tree, or TREE=DIR: text here, SARIF in demo.sarif
	@$(PYTHON) -m venv --clear .venv
	.venv/bin/pip install --quiet .
	# Status 1 says that there are findings: here that is the point.
	.venv/bin/kicklint check "$(TREE)" || [[ $$? -eq 1 ]]
	.venv/bin/kicklint check "$(TREE)" --format sarif -o demo.sarif || [[ $$? -eq 1 ]]

test: ## everything that CI runs, in a new virtual environment and against the built wheel
	@export CI=true
	PYTHON="$(PYTHON)" scripts/system.sh
	KICKLINT_KERNELS="$$($(PYTHON) scripts/kernels.py)"
	export KICKLINT_KERNELS
	rm -rf .cache/dist
	$(PYTHON) -m venv --clear .venv-test
	.venv-test/bin/pip install --quiet build
	# Through the source distribution, so that one that lacks a file is noticed.
	.venv-test/bin/python -m build --outdir .cache/dist . >.cache/build.log 2>&1 || { cat .cache/build.log; exit 1; }
	.venv-test/bin/pip install --quiet "$$(echo .cache/dist/*.whl)[test]"
	$(MAKE) --no-print-directory lint BIN=.venv-test/bin/
	# Not `python -m pytest`: that would put the checkout before the installed wheel.
	.venv-test/bin/pytest -n $(or $(WORKERS),2)

# Of tests/mutants/bench.py, such as --check or --rule KICK008.
ARGS ?=
mutants: ## how many deliberate faults in Linux 6.12 are caught: ARGS=--check against the kept table
	@$(PYTHON) tests/mutants/bench.py $(ARGS)

bench: ## time and memory beside other tools, on Linux 6.12: ARGS='--runs 9 --growth'
	@$(PYTHON) bench/bench.py --json docs/bench.json --svg docs/bench.svg $(ARGS)

# Where the tools are; empty takes them from PATH.
BIN ?=
lint: ## format, lint, types and import contracts
	@echo "ruff check"; $(BIN)ruff check .
	echo "ruff format"; $(BIN)ruff format --check .
	echo "mypy"; $(BIN)mypy
	echo "import contracts"; $(BIN)lint-imports --no-cache --no-logo

format: ## rewrite as ruff would have it
	$(BIN)ruff check --fix .
	$(BIN)ruff format .

clean: ## remove what the other targets made (not the kernels, which are in your cache folder)
	rm -rf .venv .venv-test .cache build dist demo.sarif
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
