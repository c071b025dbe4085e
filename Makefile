# Two commands: `make figures` and `make test`. Scale: make figures SCALE=smoke|laptop|paper
SCALE ?= laptop
PROFILE ?= local
PYTHON ?= python3

BIN := .venv/bin
LOCK := envs/requirements.txt
HASHES := envs/hashes.txt
RESULTS := results/$(SCALE)
REPORT := results/report/$(SCALE)
SNAKEMAKE := $(BIN)/snakemake --config scale=$(SCALE) --profile workflow/profiles/$(PROFILE)

# Snakemake and the programs of an environment do not bear a blank in the name of their folder.
ifneq ($(words $(CURDIR)),1)
$(error error: the folder "$(CURDIR)" has a blank in its name; move the clone to one without)
endif

.PHONY: figures all recover test test-cluster check report bench lock help

# Other profiles than those of one machine need their executor.
figures: .venv/installed $(if $(filter-out local gpu,$(PROFILE)),.venv/cluster) ## Train, evaluate and draw: results/<scale>/figures, claims.md
	$(SNAKEMAKE) figures --logger nao
	@echo "figures: $(RESULTS)/figures, verdicts: $(RESULTS)/claims.md"

all: .venv/installed $(if $(filter-out local gpu,$(PROFILE)),.venv/cluster) ## The same for every figure of the study, with all claims: claims_all.md
	$(SNAKEMAKE) all --logger nao
	@echo "figures: $(RESULTS)/figures, verdicts: $(RESULTS)/claims_all.md"

# After a run was killed: cancels what it left in SLURM's queue, and unlocks the folder.
recover: .venv/installed ## After a killed run: cancel what it left in SLURM's queue, free the folder
	$(BIN)/nao recover

test: check ## Style, types, contracts and every test
	$(BIN)/pytest --numprocesses auto

# On a real SLURM of three nodes, which is installed and started for it: Debian, as root.
test-cluster: .venv/installed ## The workflow on a real SLURM of three nodes (Debian, as root)
	-$(MAKE) .venv/cluster # where it cannot be installed, the tests are skipped
	$(BIN)/pytest -m cluster -rs tests/cluster

check: .venv/installed ## Style, types and contracts alone
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/lint-imports
	$(BIN)/pyright --project pyproject.toml
	$(BIN)/snakemake --lint

report: figures ## Snakemake's report and a page of its own: results/report/<scale>
	mkdir -p $(REPORT)
	$(SNAKEMAKE) figures --report $(REPORT)/workflow.html
	$(BIN)/nao page $(REPORT)/page.html --of $(RESULTS)

# What training steps, data and estimators cost on this machine, on one core, in about three minutes.
bench: .venv/installed ## What steps, data and estimators cost on this machine: results/bench
	OMP_NUM_THREADS=1 $(BIN)/nao bench --out results/bench

# The environment is made anew only when the lock changes, or when its folder was moved, which the
# programs in it do not bear.
MADE_AT := $(shell sed -n 's/^VIRTUAL_ENV="*\([^"]*\)"*$$/\1/p' .venv/bin/activate 2>/dev/null)
MOVED := $(if $(MADE_AT),$(if $(filter $(realpath $(MADE_AT)),$(realpath .venv)),,yes))
ifdef MOVED
.PHONY: .venv/installed
endif

.venv/installed: $(LOCK) $(HASHES) pyproject.toml workflow/plugins/pyproject.toml
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"error: Python \
	3.11 or later is needed and this is {v[0]}.{v[1]}; name another, as in make PYTHON=python3.12")'
	$(PYTHON) -m venv $(if $(MOVED),--clear ).venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement $(HASHES)
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement $(LOCK) # torch is left
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . \
	  --editable workflow/plugins
	touch $@

.venv/cluster: envs/cluster.txt .venv/installed
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement envs/cluster.txt
	touch $@

# Pins every package that the project needs, keeping the pins that still fit; and hashes of their files.
lock: .venv/installed ## Pin every package anew
	$(BIN)/pip-compile --quiet --strip-extras --allow-unsafe --no-header --no-emit-index-url \
	  --no-emit-find-links --no-emit-trusted-host --annotation-style=line \
	  --output-file $(LOCK) envs/development.in
	sed -i 's/^\(torch==[0-9.]*\)+[a-z0-9]*/\1/' $(LOCK) # any build of that version
	$(BIN)/pip-compile --quiet --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --no-emit-options --generate-hashes --unsafe-package torch \
	  --output-file $(HASHES) $(LOCK) # torch has others for each of its builds
	sed -i '/^# WARNING/,$$d' $(HASHES) # that torch is left to the other lock
	$(BIN)/pip-compile --quiet --strip-extras --no-header --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --no-emit-options --generate-hashes --unsafe-package torch \
	  --output-file envs/cluster.txt envs/cluster.in
	awk 'NR == FNR {seen[$$1]; next} /^[^ ]/ {new = /==/ && !($$1 in seen)} new' $(LOCK) envs/cluster.txt \
	  > envs/cluster.new
	mv envs/cluster.new envs/cluster.txt # what the other lock does not pin already

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo 'SCALE=$(SCALE) (smoke, laptop, workstation, paper); PROFILE=$(PROFILE): $(notdir $(wildcard workflow/profiles/*))'
