"""What is generated is what the code says: pages of docs/, the schema of the store."""

import shutil
import subprocess
from hashlib import blake2b

import pytest

from controller.store.rows.schema import SCHEMA_FILE, schema_text
from flows.compile.program import compile
from flows.explain.describe import numbers_page, pipeline_page, registers_page
from flows.explain.drawing import pipeline_graph
from flows.pipeline import numbers, registers
from flows.pipeline.tables import MODULES
from tests.conftest import Golden
from tests.packages import PICTURES, picture
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


def test_picture_of_the_pipeline(golden: Golden) -> None:
    """Graphviz draws it from its source, which is compared; the picture says which source it was drawn from."""
    source, drawn = pipeline_graph(), ROOT / "docs" / "pipeline.svg"
    mark = f"<!-- drawn from pipeline.dot {blake2b(source.encode(), digest_size=8).hexdigest()} -->"
    golden.check(ROOT / "docs" / "pipeline.dot", source)
    if golden.regenerate and mark not in drawn.read_text():
        dot = shutil.which("dot")
        if dot is None:
            pytest.skip("Graphviz is not installed: make docs does that")
        picture = subprocess.run([dot, "-Tsvg"], input=source, capture_output=True, text=True, check=True).stdout
        drawn.write_text(picture.replace("</svg>", f"</svg>\n{mark}"))
    assert mark in drawn.read_text(), "docs/pipeline.svg is out of date; make docs draws it anew"


def test_registers_page(golden: Golden) -> None:
    golden.check(ROOT / "docs" / "registers.md", registers_page(registers.__doc__ or ""))


def test_page_of_groups_and_meters(golden: Golden) -> None:
    golden.check(ROOT / "docs" / "groups-and-meters.md", numbers_page(numbers.__doc__ or ""))


def test_schema_of_the_store(golden: Golden) -> None:
    golden.check(SCHEMA_FILE, schema_text())


def test_pictures_of_who_imports_whom(golden: Golden) -> None:
    """Each stands in the page below a line that names its package."""
    page = ROOT / "docs" / "architecture.md"
    text = page.read_text()
    for package in PICTURES:
        before, mark, rest = text.partition(f"<!-- imports of {package}: generated, make docs writes it anew -->\n")
        assert mark, f"no mark of {package}"
        text = before + mark + picture(package) + rest[rest.index("\n```\n", 3) + 4 :]
    golden.check(page, text)
