"""What the controller sends is what the flows say: a real switch, asked what it holds, prints our own text."""

import re
from collections.abc import Iterator

import pytest

from flows.compile.desired import Desired
from flows.compile.program import compile
from flows.openflow.flow import Flow
from tests.scenario import SCENARIOS, SHIPPED, compiled, load, plain_switch
from tests.switch import Switch
from tests.switching.client import Client


@pytest.fixture(scope="module")
def switch() -> Iterator[Switch]:
    with Switch() as switch:
        switch.vsctl("add-br", "br-int", "--", "set", "bridge", "br-int", "fail_mode=secure")
        yield switch


def _printed(flow: Flow) -> str:
    """Our text of a flow as ``ovs-ofctl`` prints it: a match in the order of the switch, no table 0, no miss."""
    table, rest = re.fullmatch(r"table=(\d+),(.*)", flow.text()).groups()  # type: ignore[union-attr]
    return f"table={table}, {rest}" if table != "0" else rest


def _sorted(line: str) -> str:
    """A line with its match's fields in alphabetic order: the switch prints them in another order than ours."""
    match, actions = line.split(" actions=")
    return ",".join(sorted(match.replace(", ", ",").split(","))) + " actions=" + actions


EVERYTHING = [
    *(
        pytest.param(compiled(network, host), id=f"{path.stem}-{host}")
        for path in (
            SCENARIOS / "segments.yaml",
            SCENARIOS / "corner-cases.yaml",
            SHIPPED / "peered-vpcs.yaml",
            SHIPPED / "vpc0.yaml",
        )
        for network in [load(path)]
        for host in network.hosts
    ),
    pytest.param(compile(plain_switch()), id="plain-switch"),
]


@pytest.mark.parametrize("desired", EVERYTHING)
def test_the_switch_prints_our_text(switch: Switch, desired: Desired) -> None:
    switch.ofctl("del-flows", "br-int")
    switch.ofctl("--protocols=OpenFlow14", "del-meters", "br-int")
    client = Client(switch.directory, "br-int")
    client.make(desired)
    client.close()
    dump = switch.ofctl("--protocols=OpenFlow14", "--no-stats", "dump-flows", "br-int").splitlines()
    held = {}
    for line in dump:
        cookie, rest = re.fullmatch(r" cookie=(0x[0-9a-f]+), (.*)", line).groups()  # type: ignore[union-attr]
        held[int(cookie, 16)] = _sorted(rest)
    assert held == {cookie: _sorted(_printed(flow)) for cookie, flow in desired.flows.items()}
