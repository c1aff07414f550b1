# make demo    show a tunnel, sign-ins and signed documents, step by step; ARGS=--stay leaves it running
# make develop    for developers of a site: agent, gateway, REST API, keys for localhost; ARGS="--api HOST:PORT"
# make test    run all tests; PYTEST_ARGS=tests/cli for a part of them
#              EXAMPLES=150 for more calls of any kind to the REST service, see tests/README.md
# make coverage    run the tests and count the statements and branches of each package that they run
# make bench   compare this gateway with other tunnels on this machine; ARGS=--quick for a first look
# make bench-fleet    fill two gateways behind HAProxy with tunnels, upgrade one and kill one
# make screenshots    make the pictures of the demonstration's page in the documents again
# make soak    a million refused handshakes of every kind, with tunnels open; ARGS="--seconds 60"
# make bench-strangers    what strangers' certificates cost, and how long a user waits because of them
# make bench-rest    what a verification by the REST service costs, beside BouncyCastle and OpenSSL; ARGS=--quick
# make lint    check format, lint rules and types
# make format  repair what a program can repair of these
# make fuzz    coverage-guided fuzzing of every parser of foreign data; FUZZ_SECONDS=30 for each
# make fuzz-plane    the same for the threads that carry open tunnels, whatever happens to these
# make lock    write requirements.lock and requirements-run.lock again from pyproject.toml
# make install    install the gateway as a service; PREFIX=/opt/tunnel-gateway, see scripts/install
# make uninstall  remove it again, and keep the configuration
# make bundle  everything that make install fetches, in one file for a machine without the internet
# make clean   remove the files that the other commands have made here
# Each command names what it needs, and installs it into .venv or with apt-get. If everything is already
# there, this takes no time.

.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
NATIVE := $(wildcard tunnel_gateway/*/_native/*.[ch] tunnel_gateway/*/_native/*build.py)
PYTEST_ARGS ?=
EXAMPLES ?=
# Most tests wait for a program, a clock or a socket, so there are more workers than cores.
WORKERS ?= $(shell expr 3 '*' $$(nproc))
# A worker takes one file at a time, in the order of tests/conftest.py: the long ones first.
PARALLEL := --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder
FUZZ_SECONDS ?= 30
FUZZ_TARGETS ?= pfx jks identity truststore key closed_key certificate certificate_request cms composing verified_view \
    verify_many certificate_chain rest_body rest_form time_stamp time_stamp_answer time_stamp_request \
    status_answer status_request revocation_list config proxy_header stp_client stp_server

.PHONY: help demo develop test coverage bench bench-fleet bench-strangers bench-rest soak screenshots lint format fuzz \
    fuzz-plane lock install uninstall bundle clean
.DELETE_ON_ERROR:

help:
	@sed -n '/^#/!q; s/^# //p' Makefile

demo: $(VENV)/.to-run
	$(BIN)/python demo/run.py $(ARGS)

develop: $(VENV)/.to-run
	$(BIN)/python demo/develop.py $(ARGS)

# The name of pytest's folder contains LOGNAME, and the path of a Unix socket may have at most 107 bytes.
test: $(VENV)/.installed $(VENV)/.for-tests
	LOGNAME=$$(id -u) EXAMPLES=$(EXAMPLES) $(BIN)/pytest $(PARALLEL) --quiet $(PYTEST_ARGS)

# Counting makes the program slower, so a test with a bound on time may fail here. The table is printed in
# any case.
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

bench-rest: $(VENV)/.installed $(VENV)/.for-tests
	$(BIN)/python -m benchmarks.rest $(ARGS)

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

# .to-run has what the gateway needs to run, for the demonstration. .installed adds what developers need.
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

# atheris has wheels only for a few versions of Python, so it is not in the lock.
fuzz: $(VENV)/.for-fuzzing
	set -e; for target in $(FUZZ_TARGETS); do \
	    echo "$$target"; \
	    $(BIN)/python -m tests.fuzz.run $$target -max_total_time=$(FUZZ_SECONDS) -verbosity=0; \
	done

# The data plane has no parser alone: its inputs say what happens to whole tunnels. clang is not
# required; without it the inputs are random.
fuzz-plane: $(VENV)/.installed
	$(BIN)/python -m tests.fuzz.plane $(FUZZ_SECONDS)

$(VENV)/.for-fuzzing: $(VENV)/.installed tests/fuzz/requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes \
	    -r tests/fuzz/requirements.txt
	touch $@

# Only the locks need pip-tools. It must run with the oldest supported Python, 3.11.2 of Debian 12.
# Otherwise the locks would lack the packages that a dependency needs only there.
LOCK_PYTHON ?= /usr/bin/python3
COMPILE := $(VENV)/lock/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
    --no-header --no-emit-index-url --no-emit-find-links --no-emit-options --no-emit-trusted-host
lock:
	$(LOCK_PYTHON) -m venv --clear $(VENV)/lock
	$(VENV)/lock/bin/pip install --quiet pip-tools
	$(COMPILE) --extra dev --extra build --output-file requirements.lock pyproject.toml
	$(COMPILE) --extra build --constraint requirements.lock --output-file requirements-run.lock \
	    pyproject.toml

# The program of a release: only what it needs at run time, in its own environment.
install:
	@scripts/install

uninstall:
	@scripts/install --remove

bundle:
	@scripts/bundle

# make passes these variables on to the script.
export PREFIX SYSCONFDIR LIBDIR BINDIR PYTHON DESTDIR SYSTEMD_VERSION

# The tests start hundreds of programs. Without kept bytecode each of them would compile its modules.
unexport PYTHONDONTWRITEBYTECODE

clean:
	rm -rf $(VENV) build bundle dist *.egg-info certs/dev .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage*
	rm -f tunnel_gateway/gost/_native/_gost.c tunnel_gateway/gost/_native/*.so
