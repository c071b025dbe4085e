# Two commands: `make figures` and `make test`. Scale: make figures SCALE=smoke|laptop|paper
SCALE ?= laptop
PROFILE ?= default
PYTHON ?= python3

BIN := .venv/bin
LOCK := envs/requirements.txt
RESULTS := results/$(SCALE)
SNAKEMAKE := $(BIN)/snakemake --config scale=$(SCALE) --profile workflow/profiles/$(PROFILE)
# The logger `nao`, which draws the progress, lies in workflow/plugins.
RUN := PYTHONPATH=workflow/plugins $(SNAKEMAKE) --logger nao

.PHONY: figures test check report lock

figures: .venv/installed
	$(RUN) figures

test: check
	$(BIN)/pytest --numprocesses auto

check: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/lint-imports
	$(BIN)/pyright
	$(BIN)/snakemake --lint

report: figures
	$(SNAKEMAKE) --report $(RESULTS)/report.html figures

# The environment is made anew only when the lock changes.
.venv/installed: $(LOCK) pyproject.toml
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"error: Python \
	3.11 or later is needed and this is {v[0]}.{v[1]}; name another, as in make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement $(LOCK)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# Pins every package that the project needs, keeping the pins that still fit.
lock: .venv/installed
	$(BIN)/pip-compile --quiet --strip-extras --allow-unsafe --no-header --no-emit-index-url \
	  --no-emit-find-links --no-emit-trusted-host --annotation-style=line \
	  --output-file $(LOCK) envs/development.in
	sed -i 's/^\(torch==[0-9.]*\)+[a-z0-9]*/\1/' $(LOCK) # any build of that version
