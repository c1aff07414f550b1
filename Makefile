# make demo    a conversation through a real tunnel, shown step by step; ARGS=--stay leaves it running
# make develop    for page developers: agent, gateway and keys for localhost; ARGS="--api HOST:PORT"
# make test    everything that is tested; PYTEST_ARGS=tests/cli for a part of it
# make coverage    the tests again, and which statements and branches of each package they run
# make bench   this gateway beside its peers on this machine; ARGS=--quick for a first look
# make bench-fleet    two gateways behind HAProxy full of tunnels, one upgraded and one killed
# make screenshots    the pictures of the demonstration's page in the documents, anew
# make soak    a million refused handshakes of every kind, with tunnels open; ARGS="--seconds 60"
# make bench-strangers    what strangers' certificates cost, and how long a user waits for them
# make lint    formatting, lint rules and types
# make format  what can be mended of these by itself
# make fuzz    coverage-guided fuzzing of every reader of what others made; FUZZ_SECONDS=30 for each
# make lock    write requirements.lock and requirements-run.lock anew from pyproject.toml
# make install    the gateway as a service; PREFIX=/opt/tunnel-gateway, see scripts/install
# make uninstall  takes it away again, and leaves the configuration
# make bundle  all that make install fetches, in one file for a machine without the internet
# make clean   takes away what the others have made here
# Each installs what it needs into .venv, or by apt-get, names it before, and costs nothing when that
# is done already.

.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
NATIVE := $(wildcard tunnel_gateway/gost/_native/*.[ch] tunnel_gateway/gost/_native/build.py)
PYTEST_ARGS ?=
# Most tests wait for a program, a clock or a socket, so there are more workers than cores.
WORKERS ?= $(shell expr 3 '*' $$(nproc))
# A worker takes one file at a time, in the order of tests/conftest.py: the long ones first.
PARALLEL := --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder
FUZZ_SECONDS ?= 30
FUZZ_TARGETS ?= pfx jks identity truststore key closed_key certificate cms config proxy_header

.PHONY: help demo develop test coverage bench bench-fleet bench-strangers soak screenshots lint format fuzz lock install \
    uninstall bundle clean
.DELETE_ON_ERROR:

help:
	@sed -n '/^#/!q; s/^# //p' Makefile

demo: $(VENV)/.to-run
	$(BIN)/python demo/run.py $(ARGS)

develop: $(VENV)/.to-run
	$(BIN)/python demo/develop.py $(ARGS)

# pytest names its folder by LOGNAME, and the path of a Unix socket may have no more than 107 bytes.
test: $(VENV)/.installed $(VENV)/.for-tests
	LOGNAME=$$(id -u) $(BIN)/pytest $(PARALLEL) --quiet $(PYTEST_ARGS)

# Counting slows the program down, so a test with a bound on time may fail here; the table comes anyway.
coverage: $(VENV)/.installed $(VENV)/.for-tests
	$(BIN)/coverage erase
	-LOGNAME=$$(id -u) $(BIN)/coverage run -m pytest $(PARALLEL) --quiet $(PYTEST_ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage json --quiet -o .coverage.json
	$(BIN)/python -m tests.support.coverage_table .coverage.json

bench: $(VENV)/.installed $(VENV)/.for-benchmarks
	$(BIN)/python -m benchmarks $(ARGS)

bench-fleet: $(VENV)/.installed $(VENV)/.for-tests
	$(BIN)/python -m benchmarks.fleet $(ARGS)

bench-strangers: $(VENV)/.installed $(VENV)/.for-tests
	$(BIN)/python -m tests.soak.strain $(ARGS)

soak: $(VENV)/.installed $(VENV)/.for-tests
	$(BIN)/python -m tests.soak $(ARGS)

screenshots: $(VENV)/.installed $(VENV)/.for-tests
	SCREENSHOTS=yes $(BIN)/pytest --quiet tests/browser/test_screenshots.py $(PYTEST_ARGS)

lint: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# What runs it, for the demonstration; and what developers need besides.
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
$(VENV)/.to-run: requirements-run.lock pyproject.toml setup.py $(NATIVE)
	scripts/system-packages
	test -x $(BIN)/python || python3 -m venv $(VENV)
	@echo "Python packages of requirements-run.lock, each checked against its hash, into $(VENV)"
	$(PIP) --require-hashes -r requirements-run.lock
	@echo "the project itself, with its extension in C"
	$(PIP) --no-build-isolation --no-deps -e .
	touch $@

$(VENV)/.installed: requirements.lock $(VENV)/.to-run
	@echo "Python packages of requirements.lock: tests, linters, a driver for browsers"
	$(PIP) --require-hashes -r requirements.lock
	touch $@

$(VENV)/.for-tests: scripts/system-packages
	scripts/system-packages --for-tests
	touch $@

$(VENV)/.for-benchmarks: scripts/system-packages
	scripts/system-packages --for-benchmarks
	touch $@

# atheris has wheels for a few versions of Python only, so it is not in the lock.
fuzz: $(VENV)/.for-fuzzing
	set -e; for target in $(FUZZ_TARGETS); do \
	    echo "$$target"; \
	    $(BIN)/python -m tests.fuzz.run $$target -max_total_time=$(FUZZ_SECONDS) -verbosity=0; \
	done

$(VENV)/.for-fuzzing: $(VENV)/.installed tests/fuzz/requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes \
	    -r tests/fuzz/requirements.txt
	touch $@

# pip-tools writes the locks and is not needed otherwise. By the oldest Python that is supported,
# Debian 12's 3.11.2: what a dependency needs there alone would be missing otherwise.
LOCK_PYTHON ?= /usr/bin/python3
COMPILE := $(VENV)/lock/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
    --no-header --no-emit-index-url --no-emit-find-links --no-emit-options --no-emit-trusted-host
lock:
	$(LOCK_PYTHON) -m venv --clear $(VENV)/lock
	$(VENV)/lock/bin/pip install --quiet pip-tools
	$(COMPILE) --extra dev --extra build --output-file requirements.lock pyproject.toml
	$(COMPILE) --extra build --constraint requirements.lock --output-file requirements-run.lock \
	    pyproject.toml

# The program of a release: only what it needs at run time, in an environment of its own.
install:
	@scripts/install

uninstall:
	@scripts/install --remove

bundle:
	@scripts/bundle

# Given to make, they are told to the script.
export PREFIX SYSCONFDIR LIBDIR BINDIR PYTHON DESTDIR SYSTEMD_VERSION

# The tests start hundreds of programs. Without kept bytecode each of them would compile its modules.
unexport PYTHONDONTWRITEBYTECODE

clean:
	rm -rf $(VENV) build bundle dist *.egg-info certs/dev .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage*
	rm -f tunnel_gateway/gost/_native/_gost.c tunnel_gateway/gost/_native/*.so
