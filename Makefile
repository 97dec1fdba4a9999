# Every target makes .venv first where it is missing or older than pyproject.toml.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
KERNELS := .venv/.compiled
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

# One thread per process: the tests run in two processes, and small matrices gain nothing.
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

# Processes that tests start shall not each compile the same sources to bytecode again.
KEEP_BYTECODE := PYTHONDONTWRITEBYTECODE=

.PHONY: help run test lint bench install clean

help:
	@echo "make run    search, tune and report H2 on a real device's calibration"
	@echo "make test   lint, types, floors, doctests and tests"
	@echo "make lint   lint, types and floors alone"
	@echo "make bench  every benchmark under results/"
	@echo "make clean  remove .venv"

install: $(KERNELS)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; choose one with: make PYTHON=python3.11")'
	@echo "Installing into .venv: this happens once and takes some minutes ..."
	@$(PYTHON) -m venv .venv
	@$(PIP) install torch==2.13.0
	@$(PIP) install -e '.[dev]'
	@touch $@

$(KERNELS): $(STAMP)
	@echo "Compiling the simulator: this takes one to two minutes, once ..."
	@$(BIN)/python -m qas.execute.warm
	@touch $@

run: $(KERNELS)
	$(BIN)/qas run h2

lint: $(STAMP)
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(STAMP)
	@$(MAKE) --no-print-directory --jobs=2 lint $(KERNELS)
	$(ONE_THREAD) $(KEEP_BYTECODE) $(BIN)/python -m pytest -q -n 2

bench: $(KERNELS)
	@for bench in $(wildcard results/*/bench.py); do \
		echo "== $$bench"; $(BIN)/python "$$bench" || exit 1; \
	done

clean:
	rm -rf .venv
