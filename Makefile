# Everything a newcomer runs. Each target installs what it needs: Debian packages by apt (with sudo when not root),
# Python packages, pinned in requirements.lock, into .venv.

PYTHON ?= python3
BIN := .venv/bin
VM := $(BIN)/python -m tests.vm.run
# The machine reads the repository and writes nothing into it, so pytest and hypothesis remember nothing there.
PYTEST_VM := $(BIN)/python -m pytest -p no:cacheprovider -p no:hypothesispytest tests/integration -m lab

.PHONY: demo test test-vm test-full vm-shell check systems benchmark bench docs install install-vm python clean

demo: install  ## two hosts, two VPCs, a peering: real packets in under two minutes
	$(BIN)/ovs-vpc demo

test: install check-quietly  ## all that matters for each change
	$(BIN)/pytest -n auto

test-vm: install-vm  ## each row of the system table on the kernel datapath, in a virtual machine; test-full has more
	$(VM) --seconds 2400 $(PYTEST_VM) --systems --briefly

test-full: test install-vm  ## everything, on both datapaths
	$(BIN)/pytest -m "vm or full"
	$(VM) --seconds 7200 $(PYTEST_VM)

vm-shell: install-vm  ## a shell in that machine: ovs-vpc lab up mininet_topos/networks/peered-vpcs.yaml
	PATH="$(CURDIR)/$(BIN):$$PATH" $(VM)

check: python  ## format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check-quietly: python
	@$(MAKE) --no-print-directory check >.venv/check.log 2>&1 || { cat .venv/check.log; exit 1; }

systems: install-vm  ## which systems work, row by row, on both datapaths; writes docs/systems.md
	@rm -rf build/systems
	-$(BIN)/pytest -q -n auto --systems
	-$(VM) --seconds 1800 $(PYTEST_VM) -q --systems --briefly
	$(BIN)/python -m tests.system_table

benchmark: install-vm  ## how fast both datapaths are; writes the figures in docs/datapaths.md
	$(BIN)/python -m tests.benchmarks.datapaths

bench: install  ## ovs-vpc against OVN and Open vSwitch's own tools; writes docs/performance.md. BENCH=control: one group
	@sh tools/install-system.sh bench
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[bench]"
	$(BIN)/python -m tests.benchmarks.report $(BENCH)

docs: install  ## write golden files and generated pages anew
	@sh tools/install-system.sh docs
	$(BIN)/pytest -q tests/golden --regenerate

install: python
	@sh tools/install-system.sh

install-vm: install
	@sh tools/install-kernel.sh

python: .venv/done

.venv/done: requirements.lock pyproject.toml tools/install-python.sh
	@PYTHON="$(PYTHON)" sh tools/install-python.sh

clean:
	rm -rf .venv build
