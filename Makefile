# Everything happens in .venv; `make demo` and `make test` set it up when it is missing.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
NATIVE := $(shell find native -type f) CMakeLists.txt

.PHONY: help demo test check format bench clean
help:            ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(READY): $(BIN)/python pyproject.toml constraints.txt $(NATIVE)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[cli,train,dev]'
	@touch $@

demo: $(READY)   ## train on the built-in digits, compile to one bit, run without PyTorch
	$(BIN)/signbit demo --out runs/demo

test: $(READY) check  ## linters, types and every test
	$(BIN)/python -m pytest

check: $(READY)  ## formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/clang-format --dry-run --Werror $$(git ls-files 'native/**.h' 'native/**.cpp')
	$(BIN)/mypy

format: $(READY) ## rewrite the sources in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/clang-format -i $$(git ls-files 'native/**.h' 'native/**.cpp')

PEERS := $(VENV)/.peers
$(PEERS): $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[bench]'
	@touch $@

bench: $(PEERS)  ## install the peers, and measure signbit beside them (alone on the machine, please)
	$(BIN)/python benchmarks/layers.py --out benchmarks/results/layers.json

# Both builds stay under build/, so that a second run compiles only what changed.
sanitize:        ## the native tests under Address-, UndefinedBehavior- and ThreadSanitizer
	@set -e; for kind in address,undefined thread; do \
	  folder=build/sanitize-$${kind%%,*}; \
	  cmake -S . -B $$folder -DCMAKE_BUILD_TYPE=Release -DSIGNBIT_PYTHON=OFF \
	    -DSIGNBIT_NATIVE_TESTS=ON -DSIGNBIT_SANITIZE=$$kind >/dev/null; \
	  MAKEFLAGS=--no-print-directory cmake --build $$folder --parallel; \
	  ctest --test-dir $$folder --output-on-failure; \
	done

clean:           ## remove the environment and everything built
	rm -rf $(VENV) build
