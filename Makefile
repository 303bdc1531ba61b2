# Two commands do everything: `make run` and `make test`. The rest is for those who change the code.

PYTHON ?= python3
JOBS ?= 2
ARGS ?=
ROUNDS ?= 1000
RUNS ?= 200
SEED ?= 1
HOURS ?= 6
SPEED ?= 60

VENV := .venv
BIN := $(VENV)/bin
# A copy of what was installed: contents are compared, for a checkout touches every time stamp.
STAMP := $(VENV)/installed.txt

.DEFAULT_GOAL := help
.PHONY: run test check bench drill chaos soak mutants clean help venv

run: venv ## trade on the local exchange, or with your account (ARGS="--speed 60")
	@$(BIN)/python run.py $(ARGS)

test: venv ## run the tests (ARGS="tests/unit -k clock", JOBS=4)
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup $(ARGS)

check: venv ## formatter, linter, strict types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

bench: venv ## measure speed (ARGS="frames")
	@$(BIN)/python -m tests.benchmarks $(ARGS)

drill: venv ## kill and recover, compare the books (ROUNDS=1000 SEED=1)
	@$(BIN)/python -m tests.recovery.drill --rounds $(ROUNDS) --seed $(SEED)

chaos: venv ## kill, hang, slow and poison everything in turn (RUNS=200 SEED=1)
	@$(BIN)/python -m tests.recovery.chaos --runs $(RUNS) --seed $(SEED)

soak: venv ## trade for hours with faults, see that nothing grows (HOURS=6 SPEED=60 SEED=1)
	@$(BIN)/python -m tests.recovery.soak --hours $(HOURS) --speed $(SPEED) --seed $(SEED) --chart var/soak.svg

mutants: venv ## fall into every known trap of the exchange, see its tests fail (ARGS="--trap 5")
	@$(BIN)/python -m tests.contract.mutants $(ARGS)

clean: ## remove the virtual environment and caches; var/ stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST)

# Not a file target: the environment is right or not by its contents, and is mended in place.
venv:
	@if ! $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	  command -v $(PYTHON) >/dev/null || { \
	    echo "error: $(PYTHON) not found; install Python 3.11 or newer," \
	      "or name it: make PYTHON=python3.12" >&2; exit 1; }; \
	  $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "error: Python 3.11 or newer is needed, $(PYTHON) is $$($(PYTHON) -V 2>&1);" \
	      "name another: make PYTHON=python3.12" >&2; exit 1; }; \
	  $(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	    echo "error: $(PYTHON) has no venv module; on Debian and Ubuntu run:" \
	      "apt-get install python3-venv" >&2; exit 1; }; \
	  echo "creating $(VENV)" >&2; \
	  $(PYTHON) -m venv --clear $(VENV) || exit 1; \
	fi
	@if ! cmp -s requirements.txt $(STAMP); then \
	  echo "installing requirements.txt into $(VENV)" >&2; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt || { \
	    echo "error: requirements.txt could not be installed, see above" >&2; exit 1; }; \
	  cp requirements.txt $(STAMP); \
	fi
