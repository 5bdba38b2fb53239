# `make demo` and `make test` set up everything they need on a machine with Python 3.11 to 3.13.
VERSIONS = python3.13 python3.12 python3.11 python3 python
SUPPORTED = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in $(VERSIONS); do $$p -c "$(SUPPORTED)" 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN = $(VENV)/bin
READY = $(VENV)/.ready

.PHONY: demo picture docs test-fast test test-all test-jax fuzz lint schema lock clean

# One thing that is decided and one that is open, chosen in advance: see kmlp/studies/demo.toml.
demo: $(READY)
	KMLP_OFFLINE=1 $(BIN)/kmlp run demo --open
	@echo "(kmlp is $(BIN)/kmlp, or after: source $(BIN)/activate)"

# At every save: what loads no Keras, draws no report, starts no process and takes a moment.
test-fast: $(READY)
	$(BIN)/$(PYTEST) --fast

# Before a commit: all but what is slow, and the engine's core on JAX.
test: $(READY)
	$(QUICK) $(BIN)/$(PYTEST) -m "not slow"
	KERAS_BACKEND=jax $(QUICK) $(BIN)/$(PYTEST) -m "not slow" $(CORE)

# Before a change lands: everything, and one Ray cluster at a time. What members are held to runs as
# users compile it, too.
test-all: $(READY)
	$(QUICK) $(BIN)/$(PYTEST) -m "not cluster"
	$(BIN)/pytest -m cluster tests/cluster
	$(BIN)/$(PYTEST) $(OPTIMIZED)
	$(MAKE) test-jax

# The engine's tests run on either backend; two more try their core on JAX by themselves.
test-jax: $(READY)
	KERAS_BACKEND=jax $(QUICK) $(BIN)/$(PYTEST) $(ENGINE)

PYTEST = pytest -n 2 --dist worksteal
# Compiling takes longer than what it makes.
QUICK = XLA_FLAGS="--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
tests_of = $(addsuffix .py, $(addprefix tests/$(1)/test_, $(2)))
CORE = $(call tests_of,nn,random_bits stacked_layers update_rules callbacks) tests/engine/test_stack.py
ENGINE = $(CORE) $(call tests_of,engine,compiled scheduler equality tasks checkpoint self_test)
OPTIMIZED = $(call tests_of,engine,stack scheduler self_test)

# Everything that is read, damaged: how many inputs each, and which, as make fuzz COUNT=1000 SEED=2.
COUNT = 10000
fuzz: $(READY)
	$(BIN)/python -m tests.fuzz --count $(COUNT) $(if $(SEED),--seed $(SEED))

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy kmlp tuning

# Exact versions with hashes; kmlp itself is linked, so that edits count at once.
$(READY): requirements.lock pyproject.toml
	@$(or $(PYTHON),false) -c "$(SUPPORTED)" || { echo "kmlp needs Python 3.11, 3.12 or 3.13, \
	and none was found. Install one, or name it: make PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(READY)

# The pictures: the README's of the demo as it is run here, and those of the page on statistics.
picture: $(READY)
	KMLP_OFFLINE=1 $(BIN)/kmlp run demo
	cp runs/demo/figures/differences.svg docs/demo.svg
	$(BIN)/python -m tools.site.pictures

# The docs as a site in `site`, to be opened as a file: strictly, then every link and picture.
docs: build/gallery/.made
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	$(BIN)/python -m tools.site.check site
	@echo "site/index.html"

# The gallery's reports, some minutes the first time; what is trained stays.
build/gallery/.made: $(READY) docs/gallery.md $(shell find kmlp tuning -name '*.py' -o -name 'report.*')
	$(BIN)/python -m tools.site.gallery
	touch $@

# What `results.json` holds, after a change of its records.
schema: $(READY)
	$(BIN)/python -m kmlp.study.results.records.schema > kmlp/results.schema.json
	$(BIN)/python -m tuning.results.records.schema > tuning/results.schema.json

lock:
	uv pip compile pyproject.toml --extra test --universal --python-version 3.11 \
	  --fork-strategy fewest --generate-hashes --no-emit-index-url --no-header --quiet --output-file requirements.lock

clean:
	rm -rf $(VENV) runs build/gallery site
