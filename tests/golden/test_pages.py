"""The generated pages of docs/ are what the code says."""

from flows import registers
from flows.compile import compile
from flows.describe import pipeline_page, registers_page
from flows.tables import MODULES
from tests.conftest import Golden
from tests.scenario import ROOT, SCENARIOS, SHIPPED, compiled, load, plain_switch


def test_pipeline_page(golden: Golden) -> None:
    examples = {
        f"{host} of {path.name}": compiled(network, host)
        for path in (SHIPPED / "peered-vpcs.yaml", SCENARIOS / "corner-cases.yaml", SCENARIOS / "segments.yaml")
        for network in [load(path)]
        for host in network.hosts
    }
    examples["a plain switch"] = compile(plain_switch())
    golden.check(ROOT / "docs" / "pipeline.md", pipeline_page(MODULES, examples))


def test_registers_page(golden: Golden) -> None:
    golden.check(ROOT / "docs" / "registers.md", registers_page(registers.__doc__ or ""))
