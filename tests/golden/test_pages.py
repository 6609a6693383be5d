"""What is generated is what the code says: pages of docs/, the schema of the store."""

from controller.store.rows.schema import SCHEMA_FILE, schema_text
from flows.compile.program import compile
from flows.explain.describe import pipeline_page, registers_page
from flows.pipeline import registers
from flows.pipeline.tables import MODULES
from tests.conftest import Golden
from tests.scenario import ROOT, SCENARIOS, SHIPPED, compiled, load, plain_switch


def test_pipeline_page(golden: Golden) -> None:
    examples = {
        f"{host} of {path.name}": compiled(network, host)
        for path in (
            SHIPPED / "peered-vpcs.yaml",
            SCENARIOS / "corner-cases.yaml",
            SCENARIOS / "segments.yaml",
            SCENARIOS / "announced.yaml",
        )
        for network in [load(path)]
        for host in network.hosts
    }
    examples["a plain switch"] = compile(plain_switch())
    golden.check(ROOT / "docs" / "pipeline.md", pipeline_page(MODULES, examples))


def test_registers_page(golden: Golden) -> None:
    golden.check(ROOT / "docs" / "registers.md", registers_page(registers.__doc__ or ""))


def test_schema_of_the_store(golden: Golden) -> None:
    golden.check(SCHEMA_FILE, schema_text())
