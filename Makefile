# Every target sets itself up first; `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help setup demo test quick check format bench screenshots docs lock clean

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

setup: .venv/ready ## a virtual environment in .venv with everything locked

.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Homeroom needs Python 3.11 or newer. Name one: make setup PYTHON=python3.12"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep -oE '^uv==[0-9.]+' requirements.lock)"
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## both sites, a sample district, the first sync; stays up until Ctrl-C
	$(BIN)/homeroom demo

test: setup ## every test, on all processors
	$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder

quick: setup ## the tests that take seconds
	$(BIN)/pytest -m "not slow and not browser"

check: setup ## format, lint, types, layers
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## put the code in form
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: setup ## the speed figures of docs/performance.md, at 100,000 and a million people; takes long
	$(BIN)/python -m benchmarks --people 100000
	$(BIN)/python -m benchmarks --people 1000000
	$(BIN)/python -m benchmarks.decisions --changes 100000
	$(BIN)/python -m benchmarks.serving --people 100000
	$(BIN)/python -m benchmarks.serving --people 1000000

screenshots: setup ## walk the seven steps and renew docs/screenshots
	HOMEROOM_SCREENSHOTS=1 $(BIN)/pytest -m browser

docs: setup ## the pages of docs/ that are made from the code
	$(BIN)/python -m tests.documents

lock: ## renew requirements.lock from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --group dev --output-file requirements.lock pyproject.toml

clean: ## take away the virtual environment and caches
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
