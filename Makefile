# `make demo` and `make test` set up everything they need on a machine with Python 3.11.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
READY = $(VENV)/.ready

.PHONY: demo test test-jax lint lock clean

demo: $(READY)
	$(BIN)/kmlp run fashion_mnist --out runs/demo
	@echo "(kmlp is $(BIN)/kmlp, or after: source $(BIN)/activate)"

# What members are held to runs as users compile it; else compiling takes longer than what it makes.
test: $(READY)
	$(BIN)/pytest -n 2 --dist loadfile $(OPTIMIZED)
	XLA_FLAGS="$(UNOPTIMIZED)" $(BIN)/pytest -n 2 --dist loadfile $(addprefix --ignore=, $(OPTIMIZED))
	$(MAKE) test-jax

# The engine's tests run on either backend; two more try their core on JAX by themselves.
tests_of = $(addprefix tests/test_, $(addsuffix .py, $(1)))
ENGINE = $(call tests_of, draws layers optimizers program stack callbacks training equality tasks \
  checkpoint self_test)
OPTIMIZED = $(call tests_of, stack training self_test)
UNOPTIMIZED = --xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true

test-jax: $(READY)
	KERAS_BACKEND=jax XLA_FLAGS="$(UNOPTIMIZED)" $(BIN)/pytest -n 2 --dist worksteal $(ENGINE)

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy kmlp tuning

# Exact versions with hashes; kmlp itself is linked, so that edits count at once.
$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "kmlp is locked for Python 3.11. Try: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(READY)

lock:
	uv pip compile pyproject.toml --extra test --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --quiet --output-file requirements.lock

clean:
	rm -rf $(VENV) runs
