# Everything a clone needs: `make quickstart` and `make test` create a virtual environment, install, and run.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# More options for `causalmer run`, for example ARGS="--cpus 2"
ARGS :=

.PHONY: help quickstart test lint constraints

help:
	@echo "make quickstart   install, and run a small sweep on embedded data to its report"
	@echo "make test         install with the development tools, and run all tests"
	@echo "make lint         ruff and mypy"
	@echo "make constraints  write constraints.txt anew from what pyproject.toml gives today"
	@echo "PYTHON=python3.12 chooses the interpreter (3.11 or newer) that .venv is made with"

quickstart: $(VENV)/installed
	$(BIN)/causalmer run sweeps/configs/quickstart.yaml $(ARGS)

test: $(VENV)/installed-dev
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The stamps keep a second call from installing again; the environment itself survives changed dependencies.
$(VENV)/installed: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "installing into $(VENV): a few minutes the first time"
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "installing into $(VENV): a few minutes the first time"
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $@ $(VENV)/installed

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The comments at the head of the file stay; local versions (+cpu) and CUDA packages are of one machine only.
constraints:
	$(PYTHON) -m venv --clear build/constraints
	build/constraints/bin/pip install --quiet --editable ".[dev]"
	{ grep '^#' constraints.txt; build/constraints/bin/pip freeze --exclude-editable \
	  | sed -E -e 's/\+[A-Za-z0-9.]+$$//' -e '/^(nvidia-|cuda-|triton)/d'; } > build/constraints.txt
	mv build/constraints.txt constraints.txt
