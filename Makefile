# Two commands do all the set-up: `make demo` and `make test`.
# uv installs the pinned packages; where it is absent, a private copy is fetched into .uv/.

SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)

export TF_USE_LEGACY_KERAS := 0
export TF_CPP_MIN_LOG_LEVEL := 3

PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile
# The rooms whose docstrings hold examples that run.
EXAMPLES := data models serving components pipeline

.PHONY: demo test test-fast coverage fuzz soak lint types hooks docs lock protos clean

demo: $(VENV)/.installed ## install, then run the whole road on a generated dataset
	$(BIN)/unmask demo

test: $(VENV)/.installed-dev ## install what tests need and run them all
	$(PYTEST) --doctest-modules --ignore-glob='*_pb2.py' tests $(EXAMPLES)

test-fast: $(VENV)/.installed-dev ## the tests of modules that are not marked as slow; two minutes
	$(PYTEST) -m "not slow" --timeout 30 tests

coverage: $(VENV)/.installed-dev ## all tests, and how much of our code they run; a quarter slower
	$(PYTEST) --cov=. tests

fuzz: $(VENV)/.installed-dev ## 2,000 damaged clips, Predict and REST requests; prints what became of them
	$(BIN)/python -m tests.fuzz --cases 2000
	$(BIN)/python -m tests.serving.fuzz_predict --cases 2000
	$(BIN)/python -m tests.serving.fuzz_rest --cases 2000

soak: $(VENV)/.installed-dev ## a served model under load, hot swaps and SIGTERM; prints what failed
	$(BIN)/python -m benchmarks.serving_load

lint: $(VENV)/.installed-dev ## style and formatting of our code, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types: $(VENV)/.installed-dev ## static types of our code
	$(BIN)/mypy

docs: $(VENV)/.installed ## renew docs/cli.md from the command line itself
	$(BIN)/typer unmask utils docs --name unmask --output docs/cli.md

hooks: $(VENV)/.installed-dev ## let git run the checks of lint and types before each commit
	$(BIN)/pre-commit install

lock: $(UV) ## renew the pinned requirements from pyproject.toml
	$(UV) pip compile pyproject.toml --upgrade --generate-hashes --python-version 3.10 \
	  --no-emit-index-url --quiet --output-file requirements.lock
	$(UV) pip compile pyproject.toml --extra dev --constraint requirements.lock --generate-hashes \
	  --python-version 3.10 --no-emit-index-url --quiet --output-file requirements-dev.lock

# A compiler of the protobuf release that TFX holds us to, in an environment of its own.
protos: $(UV) ## renew the Python code of our .proto files
	$(UV) run --quiet --no-project --isolated --python 3.10 --with 'grpcio-tools==1.48.2' \
	  --with 'setuptools<81' python -m grpc_tools.protoc -I. --python_out=. \
	  data/utils/example.proto serving/server/protos/*.proto

clean: ## remove the environment and everything that runs wrote
	rm -rf $(VENV) .uv runs

.uv/bin/uv:
	python3 -m venv .uv
	.uv/bin/python -m pip install --quiet uv

$(BIN)/python: | $(UV)
	$(UV) venv --quiet --python 3.10 $(VENV)

$(VENV)/.installed: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing the pinned packages (about a minute) ..."
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock requirements-blazeface.txt requirements-retinaface.txt $(VENV)/.installed | $(BIN)/python
	@echo "Installing what tests need ..."
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes --no-deps \
	  -r requirements-blazeface.txt -r requirements-retinaface.txt
	@touch $@
