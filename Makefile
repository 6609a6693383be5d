# Everything a newcomer runs. Each target installs what it needs: Debian packages by apt (with sudo when not root),
# Python packages, pinned in requirements.lock, into .venv.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check systems docs install python clean

demo: install  ## two hosts, two VPCs, a peering: real packets in under two minutes
	$(BIN)/ovs-vpc demo

test: install check-quietly  ## all that matters for each change
	$(BIN)/pytest

check: python  ## format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check-quietly: python
	@$(MAKE) --no-print-directory check >.venv/check.log 2>&1 || { cat .venv/check.log; exit 1; }

systems: install  ## which systems work, row by row
	$(BIN)/pytest -q --systems

docs: python  ## write golden files and generated pages anew
	$(BIN)/pytest -q tests/golden --regenerate

install: python
	@sh tools/install-system.sh

python: .venv/done

.venv/done: requirements.lock pyproject.toml tools/install-python.sh
	@PYTHON="$(PYTHON)" sh tools/install-python.sh

clean:
	rm -rf .venv
