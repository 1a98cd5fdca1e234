# `make quickstart` and `make test` create a virtual environment, install, and run.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# More options for `causalmer run`, for example ARGS="--cpus 2"
ARGS :=

# An environment with the development tools has an editable installation, which `make quickstart` uses too.
INSTALLED := $(if $(wildcard $(VENV)/installed-dev),$(VENV)/installed-dev,$(VENV)/installed)
CODE := $(shell find causalmer causalmer_core cluster results sweeps -type f -not -name '*.pyc')

.PHONY: help quickstart test lint constraints lowest

help:
	@echo "make quickstart   install, and run a small sweep on embedded data to its report"
	@echo "make test         install with the development tools, and run all tests"
	@echo "make lint         run ruff and mypy"
	@echo "make constraints  write constraints.txt again, with the newest versions that pyproject.toml allows"
	@echo "make lowest       run the quick start with the lowest version of every dependency that pyproject.toml allows"
	@echo "PYTHON=python3.12 chooses the interpreter of .venv (3.11 or newer)"

quickstart: $(INSTALLED)
	$(BIN)/causalmer run sweeps/configs/quickstart.yaml $(ARGS)

test: $(VENV)/installed-dev
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The stamps prevent a second installation. A regular installation copies the code, so it is made again when the code
# changes. It must not replace the editable one: `make test quickstart` makes that one after INSTALLED is evaluated.
# setuptools reuses build/lib and would install deleted modules from there.
$(VENV)/installed: pyproject.toml constraints.txt $(CODE) | $(BIN)/pip
	@echo "installing into $(VENV): a few minutes the first time"
	@rm -rf build/lib
	test -e $(VENV)/installed-dev || $(BIN)/pip install --quiet --constraint constraints.txt .
	@touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "installing into $(VENV): a few minutes the first time"
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $@

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The comments at the head of the file stay. Local versions (+cpu) and CUDA packages depend on the machine, so they go.
constraints:
	$(PYTHON) -m venv --clear build/constraints
	build/constraints/bin/pip install --quiet --editable ".[dev]"
	{ grep '^#' constraints.txt; build/constraints/bin/pip freeze --exclude-editable \
	  | sed -E -e 's/\+[A-Za-z0-9.]+$$//' -e '/^(nvidia-|cuda-|triton)/d'; } > build/constraints.txt
	mv build/constraints.txt constraints.txt

# A new environment and a new store of data, because neither an installed version nor old records may help. The quick
# start shows no narrow table and builds few commands, so the tests of the output and `plan` follow.
lowest:
	$(PYTHON) -m venv --clear build/lowest
	$(PYTHON) tests/helpers/lowest_versions.py > build/lowest/constraints.txt
	@rm -rf build/lib
	build/lowest/bin/pip install --quiet --constraint build/lowest/constraints.txt .
	CAUSALMER_DATA=build/lowest/data build/lowest/bin/causalmer run sweeps/configs/quickstart.yaml \
	  --storage build/lowest/runs $(ARGS)
	CAUSALMER_DATA=build/lowest/data build/lowest/bin/causalmer plan sweeps/configs/quickstart.yaml
	build/lowest/bin/causalmer results leaderboard build/lowest/runs/quickstart
	build/lowest/bin/pip install --quiet hypothesis pytest pytest-timeout
	build/lowest/bin/pytest -W default -p no:cacheprovider tests/sweeps/cli/test_output.py
