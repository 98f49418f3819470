# The commands of this project. `make help` lists them; CONTRIBUTING.md explains them.
#
#   make test PYTEST_ARGS="-k walk -x"     anything for pytest
#   make test PYTHON=/path/to/python3.12   another Python for .venv (after `make clean`)

# dlt would tell its makers of each run otherwise.
export RUNTIME__DLTHUB_TELEMETRY = false

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The Python that .venv is made with; looked for only when .venv has to be made.
PYTHON =
PYTEST_ARGS =
BENCH_ARGS =
PYTHONS = 3.11 3.12 3.13
# The extras that are installed where everything is tested.
EXTRAS_TESTED = arrow,cli,dlt,duckdb,fastapi,otel,pandas,polars,uvloop
# The same without uvloop: the wheel and the other Pythons are tested on asyncio's own loop.
EXTRAS_PLAIN = $(EXTRAS_TESTED:%,uvloop=%)
COMMA := ,
# Which tests run once more on the wheel, the lowest bounds and the other Pythons.
AGAIN = not slow and not nightly and not spark
AGAIN_PROFILE = brief

VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := -m pip --disable-pip-version-check install -qq
PYTEST := PYTHONDEVMODE=1 $(BIN)/python -m pytest
TYPED = asyncsessions pyspark_asyncsessions tools benchmarks $(wildcard examples) $(wildcard tests/typing)
DOCS = README.md $(shell find docs -name "*.md" 2>/dev/null | sort)

.PHONY: help demo demo-drift bench bench-airbyte bench-check bench-dlt bench-durable bench-pace bench-serving bench-sinks bench-startup bench-fleet bench-tenants test \
        coverage coverage-report lint format types layers docs generate test-wheel test-lowest test-pythons nightly clean

help: ## list these commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1	/' \
	  | while IFS='	' read -r name text; do printf '  make %-16s %s\n' "$$name" "$$text"; done

# --- environments: one stamp for each set of extras, so that a second run installs nothing ----

$(BIN)/python:
	@python="$(PYTHON)"; [ -n "$$python" ] || python="$$(sh tools/find_python.sh)" || exit 1; \
	  echo "making $(VENV) with $$python"; "$$python" -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	@echo "installing .[cli,duckdb]"
	@$(BIN)/python $(PIP_INSTALL) -e '.[cli,duckdb]'
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	@echo "installing .[$(EXTRAS_TESTED),test]"
	@$(BIN)/python $(PIP_INSTALL) -e '.[$(EXTRAS_TESTED),test]'
	@touch $@ $(VENV)/.demo

$(VENV)/.dev: pyproject.toml $(VENV)/.test
	@echo "installing .[dev]"
	@$(BIN)/python $(PIP_INSTALL) -e '.[$(EXTRAS_TESTED),test,dev]'
	@touch $@

# --- for users --------------------------------------------------------------------------------

demo: $(VENV)/.demo ## pull from two fake vendors on this machine; no account, no network
	@$(BIN)/asyncsessions demo

demo-drift: $(VENV)/.demo ## read a list that moves in three ways: which of them loses rows
	@$(BIN)/python examples/drift.py

test: $(VENV)/.test ## all tests but the nightly ones; warnings are errors
	$(PYTEST) $(PYTEST_ARGS)

.venvs/bench/.ready: NEEDED = -e '.[arrow,cli,duckdb,uvloop,bench]'
.venvs/airbyte/.ready: NEEDED = -e '.[duckdb]' 'airbyte-cdk>=7.0'
.venvs/bench/.ready .venvs/airbyte/.ready: pyproject.toml
	@rm -rf $(@D) && "$$(sh tools/find_python.sh)" -m venv $(@D)
	@echo "installing" $(NEEDED)
	@$(@D)/bin/python $(PIP_INSTALL) $(NEEDED)
	@touch $@

# With BENCH_ARGS it is a look at a part; without, everything is measured, stored, drawn and shown.
IS_WHOLE = $(if $(strip $(BENCH_ARGS)),,yes)
store = $(if $(IS_WHOLE),--write benchmarks/results/$(1).json) $(BENCH_ARGS)
show = $(if $(IS_WHOLE),$(1) -m tools.generate $(2))
BENCH = .venvs/bench/bin/python

bench: .venvs/bench/.ready ## pages into objects, side by side with what else there is; half an hour
	$(BENCH) -m benchmarks.reading $(BENCH_ARGS)
ifeq ($(strip $(BENCH_ARGS)),)
	$(BENCH) -m benchmarks.apart
	$(BENCH) -m benchmarks.variants
	$(BENCH) -m benchmarks.scale
	$(BENCH) -m benchmarks.micro
	$(BENCH) -m benchmarks.schedule
	$(BENCH) -m benchmarks.plots
	$(BENCH) -m tools.generate README.md docs/performance.md
endif

bench-check: $(VENV)/.test ## is anything more than 15 % slower than the stored baseline? a minute
	$(BIN)/python -m benchmarks.check $(BENCH_ARGS)

bench-sinks: .venvs/bench/.ready ## the same rows into Arrow, Parquet, DuckDB, JSON lines and CSV; ten minutes
	$(BENCH) -m benchmarks.sinks $(call store,sinks)
	$(BENCH) -m benchmarks.sinks --group duckdb --pages 600 --rounds 5 --concurrency 20 \
	  --latency 0.05 $(call store,sinks_latency)
	$(if $(IS_WHOLE),$(BENCH) -m benchmarks.plots)
	$(call show,$(BENCH),docs/performance.md)

bench-airbyte: .venvs/bench/.ready .venvs/airbyte/.ready ## a connector of Airbyte's beside ours at 50 ms; two minutes
	$(BENCH) -m benchmarks.sinks --group duckdb --only Airbyte --pages 600 --rounds 5 \
	  --concurrency 20 --latency 0.05 $(call store,sinks_airbyte)
	$(call show,$(BENCH),docs/performance.md)

bench-durable: $(VENV)/.test ## a thousand to a million rows into each durable target; takes minutes
	$(BIN)/python -m benchmarks.durable $(call store,durable)
	$(call show,$(BIN)/python,docs/durable.md)

bench-dlt: $(VENV)/.test ## through dlt into DuckDB, with our source and with dlt's own; takes minutes
	$(BIN)/python -m benchmarks.loading $(call store,dlt)
	$(call show,$(BIN)/python,docs/dlt.md)

bench-pace: $(VENV)/.test ## how well the pace is found, beside fixed concurrency; six minutes
	$(BIN)/python -m benchmarks.pace $(call store,pace)
	$(call show,$(BIN)/python,docs/pace.md)

bench-startup: $(VENV)/.test ## what importing and the command line's help take
	$(BIN)/python -m benchmarks.startup $(call store,startup)
	$(call show,$(BIN)/python,docs/performance.md)

bench-fleet: $(VENV)/.test ## many tenants side by side in one process; takes five minutes
	$(BIN)/python -m benchmarks.fleet $(call store,fleet)
	$(call show,$(BIN)/python,docs/scale.md)
	$(if $(IS_WHOLE),$(BIN)/python -m tools.fleet.pictures)

bench-serving: $(VENV)/.test ## 100,000 sessions through uvicorn, beside a plain yield; takes a minute
	$(BIN)/python -m benchmarks.serving $(call store,serving)
	$(call show,$(BIN)/python,docs/fastapi.md)

bench-tenants: $(VENV)/.test ## two hundred tenants in one pull: outcome, time, memory; takes two minutes
	$(BIN)/python -m benchmarks.tenants $(if $(IS_WHOLE),--write) $(BENCH_ARGS)
	$(call show,$(BIN)/python,docs/tenants.md)

# --- for developers ---------------------------------------------------------------------------

coverage: ## all tests, then 100 % of the branches of core, providers and engine
	@$(MAKE) --no-print-directory test PYTEST_ARGS="--cov --cov-report= --cov-fail-under=0 $(PYTEST_ARGS)"
	@$(MAKE) --no-print-directory coverage-report

coverage-report: $(VENV)/.test # of the last run with --cov
	$(BIN)/coverage report

lint: $(VENV)/.dev ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.dev ## let ruff repair and format what it can
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

types: $(VENV)/.dev ## mypy and pyright, both strict
	$(BIN)/mypy $(TYPED)
	$(BIN)/pyright --pythonpath $(BIN)/python $(TYPED)

layers: $(VENV)/.dev ## which module may import which
	$(BIN)/lint-imports --no-logo

docs: $(VENV)/.test ## run every code block of the documents; check what is generated
	$(BIN)/python -m tools.generate --check $(DOCS)
	$(BIN)/python -m tools.tiles_picture --check docs/images/tiles.svg
	$(BIN)/python -m benchmarks.plots --check
	$(BIN)/python -m tools.fleet.pictures --check
	$(BIN)/python -m tools.run_blocks $(DOCS)
	$(BIN)/python -m tools.walk_picture --check docs/images/walk.svg

.PHONY: site
site: $(VENV)/.dev ## build the site of the documents in build/site; its warnings are errors
	$(BIN)/python -m tools.build_site

generate: $(VENV)/.test ## write the generated tables and pictures anew
	$(BIN)/python -m tools.generate $(DOCS)
	$(BIN)/python -m benchmarks.plots
	$(BIN)/python -m tools.fleet.pictures
	$(BIN)/python -m tools.walk_picture docs/images/walk.svg
	$(BIN)/python -m tools.tiles_picture docs/images/tiles.svg

# The other environments lie under .venvs. Each run works on a copy of the tests in a place from
# where the source tree cannot be imported. tests/house is about this repository and stays here.
# $(1): the environment; $(2): more for pytest
define run_copied_tests
	@copy="$$(mktemp -d)" && trap 'rm -rf "$$copy"' EXIT && here="$$PWD" && \
	  cp -R tests pyproject.toml "$$copy" && rm -rf "$$copy/tests/house" && cd "$$copy" && \
	  "$$here/$(1)/bin/python" -c 'import asyncsessions, sys; print("Python", sys.version.split()[0], "testing", asyncsessions.__file__); assert asyncsessions.__file__.startswith(sys.prefix)' && \
	  HYPOTHESIS_PROFILE=$(AGAIN_PROFILE) PYTHONDEVMODE=1 "$$here/$(1)/bin/python" \
	    -m pytest -q -p no:cacheprovider -m "$(AGAIN)" $(2) $(PYTEST_ARGS)
endef

WHEEL_SOURCES = pyproject.toml $(wildcard README.md) $(shell find asyncsessions pyspark_asyncsessions -type f ! -name '*.pyc' 2>/dev/null)

dist/.built: $(WHEEL_SOURCES) | $(VENV)/.dev
	@rm -rf dist
	@echo "building the sdist, and the wheel from it"
	@$(BIN)/python -m build --quiet --outdir dist .
	@$(BIN)/python tools/check_dist.py dist
	@touch $@

.venvs/wheel/.ready: dist/.built
	@rm -rf .venvs/wheel && $(BIN)/python -m venv .venvs/wheel
	@.venvs/wheel/bin/python $(PIP_INSTALL) "$$(echo dist/*.whl)[$(EXTRAS_PLAIN),test]"
	@touch $@

test-wheel: .venvs/wheel/.ready ## build, install the wheel elsewhere and test that
	$(call run_copied_tests,.venvs/wheel)

.venvs/lowest/.ready: dist/.built tools/lowest.py
	@rm -rf .venvs/lowest && "$$(sh tools/find_python.sh 3.11 || sh tools/find_python.sh)" -m venv .venvs/lowest
	@$(BIN)/python tools/lowest.py $(subst $(COMMA), ,$(EXTRAS_TESTED)) > .venvs/lowest/pins.txt
	@echo "lowest:" $$(cat .venvs/lowest/pins.txt)
	@.venvs/lowest/bin/python $(PIP_INSTALL) "$$(echo dist/*.whl)[$(EXTRAS_TESTED),test]" -r .venvs/lowest/pins.txt
	@touch $@

test-lowest: .venvs/lowest/.ready ## test with every requirement at its lower bound
	$(call run_copied_tests,.venvs/lowest)

.venvs/3.%/.ready: dist/.built
	@rm -rf .venvs/3.$* && "$$(sh tools/find_python.sh 3.$*)" -m venv .venvs/3.$*
	@.venvs/3.$*/bin/python $(PIP_INSTALL) "$$(echo dist/*.whl)[$(EXTRAS_PLAIN),test]"
	@touch $@

# One extra and nothing else: importing without it names it, and its example runs against the fakes.
# Without uvloop there is nothing to refuse: the event loop is another one then.
EXTRAS = arrow cli dlt duckdb fastapi otel pandas parquet polars
EXAMPLE_cli = -m asyncsessions pull hum --start 2026-01-01 --end 2026-03-31 --to ../.venvs/extra-cli/sessions.csv
REFUSED_cli = -m asyncsessions --help
EXAMPLE_dlt = dlt_pipeline.py
EXAMPLE_fastapi = fastapi_app.py
EXAMPLE_otel = telemetry.py
FRAMES = arrow pandas polars # no module of their own: the example itself is refused without them
$(foreach extra,$(FRAMES),$(eval EXAMPLE_$(extra) = dataframe.py $(extra)))
$(foreach extra,$(FRAMES),$(eval REFUSED_$(extra) = dataframe.py $(extra)))
FILES = duckdb parquet
$(foreach extra,$(FILES),$(eval EXAMPLE_$(extra) = into_file.py ../.venvs/extra-$(extra)/sessions.$(extra)))
$(foreach extra,$(FILES),$(eval REFUSED_$(extra) = into_file.py ../.venvs/extra-$(extra)/sessions.$(extra)))
BESIDE_dlt = duckdb # which destination there is, is up to the program
BESIDE_otel = opentelemetry-sdk # which SDK there is, is up to the program
EXTRA_TESTS := $(EXTRAS:%=test-extra-%)
.PHONY: test-extras $(EXTRA_TESTS)
test-extras: $(EXTRA_TESTS) ## install the wheel with one extra at a time and run its example

.venvs/extra-%/.ready: dist/.built
	@rm -rf .venvs/extra-$* && $(BIN)/python -m venv .venvs/extra-$*
	@.venvs/extra-$*/bin/python $(PIP_INSTALL) "$$(echo dist/*.whl)"
	@touch $@

$(EXTRA_TESTS): test-extra-%: .venvs/extra-%/.ready
	@cd examples && ! ../.venvs/extra-$*/bin/python -m asyncsessions.testing -- \
	  ../.venvs/extra-$*/bin/python $(or $(REFUSED_$*),-c 'import asyncsessions.integrations.$*') \
	  2> ../.venvs/extra-$*/missing.txt
	@grep -F 'pip install "asyncsessions[$*]"' .venvs/extra-$*/missing.txt
	@.venvs/extra-$*/bin/python $(PIP_INSTALL) "$$(echo dist/*.whl)[$*]" $(BESIDE_$*)
	@cd examples && ../.venvs/extra-$*/bin/python -m asyncsessions.testing -- \
	  ../.venvs/extra-$*/bin/python $(EXAMPLE_$*)
	@rm -rf .venvs/extra-$*

# Not one of EXTRAS and in no other environment: pyspark is half a gigabyte, and needs Java.
.venvs/spark/.ready: pyproject.toml
	@rm -rf .venvs/spark && "$$(sh tools/find_python.sh)" -m venv .venvs/spark
	@echo "installing .[cli,duckdb,spark,test]"
	@.venvs/spark/bin/python $(PIP_INSTALL) -e '.[cli,duckdb,spark,test]'
	@touch $@

.PHONY: test-spark
test-spark: .venvs/spark/.ready ## test the Spark source on a real Spark, and run its example; needs Java 17
	.venvs/spark/bin/python -m pytest -q -m spark tests/spark $(PYTEST_ARGS)
	@cd examples && ../.venvs/spark/bin/python -m asyncsessions.testing -- \
	  ../.venvs/spark/bin/python spark_read.py

ONE_PYTHON := $(PYTHONS:%=test-python-%)
.PHONY: $(ONE_PYTHON)
$(ONE_PYTHON): test-python-%: .venvs/%/.ready
	$(call run_copied_tests,.venvs/$*)

test-pythons: ## test on each of Python 3.11, 3.12, 3.13 that this machine has
	@missing=; failed=; for version in $(PYTHONS); do \
	    if sh tools/find_python.sh $$version >/dev/null 2>&1; \
	    then $(MAKE) --no-print-directory test-python-$$version || failed="$$failed $$version"; \
	    else missing="$$missing $$version"; fi; \
	  done; \
	  [ -z "$$missing" ] || echo "not found on this machine, so not tested:$$missing"; \
	  [ -z "$$failed" ] || { echo "failed on:$$failed"; exit 1; }

# The laws take ten times as long here as by day, so a test has half an hour. What no law is in is
# tested by `test-pythons`, on 3.11 too, and the wheel is what that installs.
nightly: ## long runs of Hypothesis, all tests on each Python, Spark; one and a half to three hours
	HYPOTHESIS_PROFILE=nightly $(MAKE) test \
	  PYTEST_ARGS="-n 2 --timeout=1800 -m '(hypothesis or nightly) and not spark' $(PYTEST_ARGS)"
	$(MAKE) test-lowest test-pythons AGAIN="not nightly and not spark" PYTEST_ARGS="-n 2 $(PYTEST_ARGS)"
	$(MAKE) test-extras test-spark

clean: ## remove what these commands have made
	rm -rf $(VENV) .venvs build dist .coverage .coverage.* .hypothesis \
	  .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
