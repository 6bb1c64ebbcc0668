# pyscap: every task a developer or CI runs. `make help` lists them.
#
# In: a checkout, git, Python >= 3.10 and a Rust toolchain. Out: .venv/bin/pyscap and checked sources.
# Two stamps say what is done: .venv/.deps (Python packages) and .venv/.engine (the extension);
# .venv/.engine-release says that the extension is a release build.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CARGO ?= cargo
QUICK_LIMIT ?= 300
TEST_LIMIT ?= 3000

ENGINE_SOURCES := $(shell find crates -name '*.rs' -o -name Cargo.toml) Cargo.toml Cargo.lock pyproject.toml

export PYTHONDONTWRITEBYTECODE :=
export CARGO_TERM_QUIET ?= true

.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- building -------------------------------------------------------------------------------

.PHONY: build
build: $(VENV)/.engine-release ## release build; leaves .venv/bin/pyscap

.PHONY: dev
dev: $(VENV)/.engine ## debug build, quicker to make and slower to run (keeps a fresh release build)

$(VENV)/.deps: pyproject.toml tools/requirements.py
	@bash tools/need.sh required python venv cc cargo
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python tools/requirements.py > $(VENV)/requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $(VENV)/requirements.txt
	@touch $@

# Its chatter is shown only when it fails.
maturin = source $(BIN)/activate && { maturin develop $(1) > $(VENV)/engine.log 2>&1 \
	|| { cat $(VENV)/engine.log; exit 1; }; }

$(VENV)/.engine: $(VENV)/.deps $(ENGINE_SOURCES)
	@rm -f $(VENV)/.engine-release
	@$(call maturin,)
	@touch $@

$(VENV)/.engine-release: $(VENV)/.deps $(ENGINE_SOURCES)
	@$(call maturin,--release)
	@touch $(VENV)/.engine $@

# --- checking -------------------------------------------------------------------------------

.PHONY: quick
quick: $(VENV)/.engine lint types ## what every change passes before it lands: lint, types, fast tests
	@$(CARGO) test -q -p pyscap-engine
	@timeout $(QUICK_LIMIT) $(BIN)/python -m pytest -q -x -m "not live and not peer and not slow"

.PHONY: lint
lint: $(VENV)/.deps ## ruff, ruff format, rustfmt and tests at their places, changing nothing
	@$(BIN)/ruff check -q .
	@$(BIN)/ruff format -q --check .
	@$(CARGO) fmt --check
	@$(BIN)/python tools/mirror.py

.PHONY: types
types: $(VENV)/.deps ## mypy in strict mode
	@$(BIN)/mypy --no-error-summary

.PHONY: clippy
clippy: ## clippy, warnings are errors
	@$(CARGO) clippy -q --workspace --all-targets -- -D warnings

.PHONY: fmt
fmt: $(VENV)/.deps ## format Python and Rust, apply safe lint fixes
	@$(BIN)/ruff check -q --fix . || true
	@$(BIN)/ruff format -q .
	@$(CARGO) fmt

.PHONY: test
test: ## everything that CI checks
	@bash tools/need.sh optional bcc mandoc nginx curl strace valgrind
	@$(MAKE) build
	@$(MAKE) lint types clippy
	@$(CARGO) test -q -p pyscap-engine
	@timeout $(TEST_LIMIT) $(BIN)/python -m pytest

.PHONY: live
live: build ## only the tests that capture from this kernel
	@bash tools/need.sh optional bcc nginx curl strace
	@$(BIN)/python -m pytest -m live

.PHONY: differential
differential: build ## compare with what the peers print, and with peers that are installed
	@$(BIN)/python tests/differential/compare.py
	@$(BIN)/python -m pytest -m peer

.PHONY: fuzz
fuzz: ## the seeded mutation tests of the engine, many more rounds than `make test` runs
	@PYSCAP_FUZZ_ROUNDS=$${PYSCAP_FUZZ_ROUNDS:-200000} $(CARGO) test -q --release -p pyscap-engine fuzz

.PHONY: golden
golden: build ## rewrite the expected outputs of the golden tests (look at the diff)
	@PYSCAP_REWRITE_GOLDEN=1 $(BIN)/python -m pytest -q tests/cli tests/golden

.PHONY: bench
bench: build ## measure reading, filtering and capturing
	@$(BIN)/python -m bench

.PHONY: bench-instructions
bench-instructions: build ## count the instructions that an event costs; needs valgrind, not a quiet machine
	@bash tools/need.sh required valgrind
	@$(BIN)/python -m bench.instructions

# --- showing --------------------------------------------------------------------------------

.PHONY: demo
demo: ## install what is missing, build, capture five seconds, read them back with a filter
	@bash tools/need.sh optional bcc strace
	@$(MAKE) build
	@$(BIN)/python tools/demo.py

.PHONY: man
man: $(VENV)/.engine ## write man/pyscap.8 and the option table of docs/compare.md from the option registry
	@$(BIN)/python tools/manual.py

# --- housekeeping ---------------------------------------------------------------------------

.PHONY: clean
clean: ## remove everything that was built
	@rm -rf $(VENV) target dist .mypy_cache .ruff_cache .pytest_cache .hypothesis src/pyscap/_engine*.so
	@find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
