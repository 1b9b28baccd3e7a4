# Two commands do everything: `make report` and `make test`. `make` alone lists the rest.

PYTHON ?= python3
RUN := .venv/bin/python
# answers at once when nothing changed, makes the environment when it is missing, and runs in it; by the Python of which
# that was made, where it is there, for python3 may be a script that takes its time to find one
START := $(if $(realpath $(RUN)),"$(realpath $(RUN))",$(PYTHON)) -S -m helpers.start
HOW = --force="$$FORCE" --kernels="$$KERNELS"
# taken as they are written: data, never code
override AS_OF := $(value AS_OF)
override NOTEBOOK := $(value NOTEBOOK)
override SET := $(value SET)
override FORCE := $(value FORCE)
override KERNELS := $(value KERNELS)
override GRID := $(value GRID)
override SCHEDULER := $(value SCHEDULER)
override A := $(value A)
override B := $(value B)
override ROUNDS := $(value ROUNDS)
override ONLY := $(value ONLY)
override UPGRADE := $(value UPGRADE)
override ID := $(value ID)
override SOURCE := $(value SOURCE)
override DRY := $(value DRY)
override CONTACT := $(value CONTACT)
override MINUTES := $(value MINUTES)
override INPUT := $(value INPUT)
override QUICK := $(value QUICK)
override ARGS := $(value ARGS)
override NAME := $(value NAME)
override TITLE := $(value TITLE)
override TABLE := $(value TABLE)
override CLAIM := $(value CLAIM)
override UNIT := $(value UNIT)
override LOW := $(value LOW)
override HIGH := $(value HIGH)
override REASON := $(value REASON)
export AS_OF NOTEBOOK SET FORCE KERNELS GRID SCHEDULER A B ROUNDS ONLY UPGRADE ID SOURCE DRY CONTACT MINUTES INPUT QUICK
export ARGS NAME TITLE TABLE CLAIM UNIT LOW HIGH REASON
# the environment is the lock's and nothing else's, the package that of this folder
export PYTHONPATH := $(CURDIR)/src
export PYTHONWARNINGS :=
# without bytecode, importing takes three times as long
export PYTHONDONTWRITEBYTECODE :=
export PYTHONNOUSERSITE := 1

KNOWN := PYTHON AS_OF NOTEBOOK SET FORCE KERNELS GRID SCHEDULER A B ROUNDS ONLY UPGRADE ID SOURCE DRY CONTACT QUICK MINUTES INPUT ARGS NAME TITLE TABLE CLAIM UNIT LOW HIGH REASON
GIVEN := $(foreach v,$(.VARIABLES),$(if $(filter command line,$(origin $(v))),$(v)))
UNKNOWN := $(filter-out $(KNOWN) MAKEFLAGS MFLAGS GNUMAKEFLAGS,$(filter-out -%,$(GIVEN)))
$(if $(UNKNOWN),$(error $(UNKNOWN): not a variable of this Makefile, which knows $(KNOWN)))

.DEFAULT_GOAL := help
.PHONY: help env extras data refresh report pdf run why explain sweep diff lab try-lab new refresh-outputs test check fix bench fuzz faults mutants reproduce audit format lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile

env: ## make .venv from requirements.lock, if missing or out of date
	@$(PYTHON) src/helpers/environment.py ensure

extras: ## make .venv-extra too: Dask for sweeps on a cluster, and what `make bench` compares with
	@$(PYTHON) src/helpers/environment.py extras

data: env ## check data/raw against its ledgers and build data/processed
	@$(RUN) -m helpers.data

refresh: env ## ask the sources for what is new, the only command that fetches data: SOURCE=btos, DRY=1 to look only
	@$(or $(wildcard .venv-extra/bin/python),$(RUN)) -m helpers.sources

report: ## build both editions of the report; AS_OF=2025-06-30 builds that one, FORCE=1 executes all anew
	@$(START) report --as-of="$$AS_OF" $(HOW)

pdf: ## print both editions as PDF, after a report where it is not fresh; AS_OF=2025-06-30 prints that one
	@$(START) pdf --as-of="$$AS_OF" $(HOW)

run: ## run one notebook with other parameters: NOTEBOOK=01_returns SET="as_of=2025-06-30 seed=1"
	@$(START) notebook --set="$$SET" $(HOW) -- "$$NOTEBOOK"

why: ## say what changed since a notebook of the report was executed: NOTEBOOK=01_returns
	@$(START) why --as-of="$$AS_OF" -- "$$NOTEBOOK"

explain: env ## say what stands behind a number: ID=hyperscalers-fell-after, or ID="<claim>/<alternative>"
	@$(RUN) -m helpers.explain --as-of="$$AS_OF" -- "$$ID"

sweep: ## run notebooks over a grid of parameters: GRID=sweeps/editions.yml
	@$(START) sweep --scheduler="$$SCHEDULER" $(HOW) -- "$$GRID"

diff: ## say what moved between editions: A=2025-02-14 B=2026-07-31; or commits: A=HEAD~1 B=. AS_OF=2025-02-14
	@$(START) diff --as-of="$$AS_OF" $(HOW) -- "$$A" "$$B"

lab: data ## open the notebooks in JupyterLab; ARGS="--no-browser --port=8899" as JupyterLab has them
	@$(RUN) -m helpers.lab "$$ARGS"

try-lab: data ## work in JupyterLab by a browser, in a copy, and write docs/lab-session.md
	@$(RUN) bench/lab_session.py

new: env ## add a notebook, its module, tests, ledger rows and claim: NAME=08_capex TITLE="Did capital spending rise?"
	@HELPERS_OWN=0 $(RUN) -m helpers.new --title="$$TITLE" --table="$$TABLE" --claim="$$CLAIM" --unit="$$UNIT" --low="$$LOW" --high="$$HIGH" --reason="$$REASON" -- "$$NAME"

refresh-outputs: ## execute the stored notebooks at their defaults, keep their outputs, record the results of both editions
	@HELPERS_OWN=0 $(START) refresh-outputs $(HOW)
	@HELPERS_OWN=0 JUPYTER_PREFER_ENV_PATH=1 $(RUN) -m helpers.explore

faults: env ## write docs/faults.md, which names the tests that provoke each fault
	@$(RUN) tests/faults.py

# one more process than two cores: browsers, kills and locks wait most of their time
test: env ## unit, data and house tests, then every notebook against its stored outputs
	@$(RUN) -m pytest -n 3

check: ## say in plain words what is missing before a change can be kept, and change nothing
	@HELPERS_OWN=0 $(START) check $(HOW)

fix: ## repair what needs no judgement: layout, traces of editors, ids, old outputs; then say what is left
	@HELPERS_OWN=0 $(START) fix $(HOW)

audit: env extras ## ask whether a locked package has a known vulnerability; needs the network
	@$(RUN) -m helpers.audit

bench: env extras ## time this against its peers and write docs/bench.md; ROUNDS=1 ONLY=statistics for a part
	@PYTHON="$(PYTHON)" .venv-extra/bin/python bench/bench.py

fuzz: env extras ## throw bytes at all that reads what others wrote, and write docs/fuzz.md: MINUTES=10, or INPUT=file
	@.venv-extra/bin/python bench/fuzz.py

mutants: env ## break copies of this in every way of bench/mutants.yml and see which test notices; ONLY=frontier for a part
	@$(RUN) bench/mutants.py

reproduce: env ## build in clean clones under other Pythons, processors, places and settings, compare all: QUICK=1, ONLY=Python
	@$(RUN) bench/reproduce.py

format: env ## put code and notebooks in the house style
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

lock: ## resolve pyproject.toml into requirements.lock, environment.yml, bench/requirements.lock; UPGRADE=1 takes newer ones
	@$(PYTHON) src/helpers/environment.py lock

clean: ## delete what is built: the environment, data/processed, the report
	@rm -rf .venv .venv-extra .lab .fuzz report .ruff_cache data/processed/*.parquet
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
