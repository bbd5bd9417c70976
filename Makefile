# `make demo` shows the bot at work on this machine, `make test` runs the whole suite. Both set themselves up.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint format lock bench peers docs sbom audit clean

demo: $(VENV)/ready
	@$(BIN)/psplan demo

test: $(VENV)/ready
	@$(BIN)/python -m pytest -n auto --dist worksteal

lint: $(VENV)/ready
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(VENV)/ready
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/ready
	@$(BIN)/python -m benchmarks

# PS Plan Bot beside the bots and job engines of its field; installs them below .venv first
peers: $(VENV)/ready
	@$(BIN)/python -m benchmarks.peers

# newest versions that fit pyproject.toml; needs uv, and npm for the contestant on Node
lock:
	uv pip compile pyproject.toml --extra otel --extra postgres --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements.lock
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements-dev.lock
	uv pip compile requirements-tools.in --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements-tools.lock
	uv pip compile benchmarks/peers/requirements.in --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o benchmarks/peers/requirements.txt
	npm install --prefix benchmarks/peers/probot --package-lock-only --no-audit --no-fund

# the tables and pictures that follow from the code and from the process file
docs: $(VENV)/ready
	@$(BIN)/python -m app.reference README.md docs/*.md docs/*/*.md

# what ships, as a CycloneDX bill of materials: gl-sbom.cdx.json
sbom: $(VENV)/tools/ready
	@PYTHONWARNINGS=ignore $(VENV)/tools/bin/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible -o gl-sbom.cdx.json

# known vulnerabilities in what ships; asks PyPI, and fails where it does not answer for a package
audit: $(VENV)/tools/ready
	@$(VENV)/tools/bin/pip-audit --requirement requirements.lock --require-hashes --disable-pip --strict

clean:
	rm -rf $(VENV) gl-sbom.cdx.json dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/ready: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed (make PYTHON=python3.12 …)"; exit 1; }
	@echo "Setting up $(VENV) (once, about half a minute) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/tools/ready: requirements-tools.lock
	@$(PYTHON) -m venv $(VENV)/tools
	@$(VENV)/tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-tools.lock
	@touch $@
