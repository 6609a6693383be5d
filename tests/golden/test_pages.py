"""The generated pages of docs/ are what the code says."""

from flows import registers
from flows.describe import pipeline_page, registers_page
from flows.tables import MODULES
from tests.conftest import Golden
from tests.scenario import ROOT, SCENARIOS, SHIPPED, compiled, load


def test_pipeline_page(golden: Golden) -> None:
    examples = {
        f"{host} of {path.name}": compiled(network, host)
        for path in (SHIPPED / "peered-vpcs.yaml", SCENARIOS / "corner-cases.yaml")
        for network in [load(path)]
        for host in network.hosts
    }
    golden.check(ROOT / "docs" / "pipeline.md", pipeline_page(MODULES, examples))


def test_registers_page(golden: Golden) -> None:
    golden.check(ROOT / "docs" / "registers.md", registers_page(registers.__doc__ or ""))
