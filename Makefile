# Everything a fresh Debian or Ubuntu machine with Python 3.11 needs: `make bench`, `make test`.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
MODELS ?= first_light
OUT ?= runs

# Pictures for calibration; the emulated board, adb, a browser and an ssh server for the tests.
BENCH_PACKAGES := python3-venv tuxpaint-stamps-default opencv-doc
TEST_PACKAGES := $(BENCH_PACKAGES) qemu-system-arm adb chromium iproute2 busybox-static openssh-server

export ORT_DISABLE_TELEMETRY := 1

.PHONY: bench test test-all lint setup clean packages-bench packages-test

bench: setup  ## export seven networks, measure them here, draw latency against top-1
	$(BIN)/bench run --device local --models $(MODELS) --out $(OUT)
	$(BIN)/bench plot latest --runs $(OUT)

setup: packages-bench $(READY)  ## .venv with everything in requirements.lock

test: packages-test $(READY)  ## at most 20 minutes on 2 cores
	$(BIN)/pytest -m "not long"

test-all: packages-test $(READY)  ## the long tail too: the whole zoo through every exporter
	$(BIN)/pytest

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# The interpreter is python3.11 where it has that name, else a python3 that is 3.11 or later.
$(READY): requirements.lock requirements-data.lock pyproject.toml
	@interpreter=$$(command -v $(PYTHON) || command -v python3) && \
	$$interpreter -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "Python 3.11 or later is needed: apt-get install python3.11 python3.11-venv" >&2; exit 1; }; \
	[ -x $(BIN)/python ] || $$interpreter -m venv $(VENV)
	$(BIN)/pip install --quiet -r requirements.lock
	$(BIN)/pip install --quiet --no-deps -r requirements-data.lock
	$(BIN)/pip install --quiet --no-deps --editable .
	@touch $@

# Debian packages that are missing, installed by root or sudo, else named.
packages-bench: WANTED := $(BENCH_PACKAGES)
packages-test: WANTED := $(TEST_PACKAGES)
packages-bench packages-test:
	@missing=""; for name in $(WANTED); do \
	  dpkg-query -W -f '$${Status}' $$name 2>/dev/null | grep -q "ok installed" || missing="$$missing $$name"; \
	done; \
	[ -z "$$missing" ] && exit 0; \
	if [ "$$(id -u)" = 0 ]; then as_root=""; elif command -v sudo >/dev/null; then as_root="sudo"; \
	else echo "these Debian packages are missing and need root to install:$$missing" >&2; exit 1; fi; \
	echo "installing:$$missing"; \
	$$as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$as_root apt-get install -y -qq --no-install-recommends $$missing >/dev/null

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache
