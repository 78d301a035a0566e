# Every target does its own set-up, so that a clean clone needs nothing but Python 3.11+ and make.
PYTHON ?= python3
BIN := .venv/bin
# Empty is off: without compiled modules every process of a run would compile them again, a fifth of its start.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: setup demo demo-cluster test run check bench bench-cluster kill chaos accuracy fuzz dashboards image-check clean
.DEFAULT_GOAL := help

.PHONY: help
help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

.venv/.ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: .venv/.ready  ## create .venv with the relay command

demo: setup  ## run the relay on a temporary ledger, send the examples, show who got what and how fast
	$(BIN)/relay demo

demo-cluster: setup  ## the same on Kafka and PostgreSQL, each service a process of its own
	$(BIN)/relay demo --cluster

run: setup  ## run the relay with the settings in RELAY_*
	$(BIN)/relay migrate
	$(BIN)/relay serve all

test: setup  ## format, lint, types and all tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n 3

check: test  ## the same as test

bench: setup  ## measure the embedded relay beside a floor; writes benchmarks/last.json
	$(BIN)/python -m benchmarks.run

bench-cluster: setup  ## measure the scale-out relay on this host; writes benchmarks/last-cluster.json
	$(BIN)/python -m benchmarks.bench_cluster

kill: setup  ## kill -9 the relay at random instants under load, then account for every alert
	$(BIN)/python -m benchmarks.kill

chaos: setup  ## break processes, broker and database of a scale-out relay under load, then account for every alert
	$(BIN)/python -m benchmarks.chaos

accuracy: setup  ## judge the identification of substances: precision, recall, every confusion
	$(BIN)/python -m tests.accuracy.report

fuzz: setup  ## feed every entry hostile input for some minutes
	$(BIN)/python -m benchmarks.fuzz_names
	$(BIN)/python -m benchmarks.fuzz

dashboards: setup  ## write the dashboards of Grafana afresh
	$(BIN)/python -m deploy.grafana.boards

image-check:  ## build the Dockerfile over a bootstrapped Debian and run what is in it (root, buildah, debootstrap, 3 GB)
	deploy/image-check

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
