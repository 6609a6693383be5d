"""Scenario to flows, as text that a person reads: each host's flows are kept in expected/."""

import subprocess
from pathlib import Path

import pytest

from flows.compile.program import compile
from flows.explain.describe import flow_lines
from flows.pipeline.page import TABLES
from flows.pipeline.rules import Rule
from tests.conftest import Golden
from tests.scenario import SCENARIOS, SHIPPED, load, plain_switch, programmed

EXPECTED = Path(__file__).parent / "expected"
NETWORKS = sorted([*SHIPPED.glob("*.yaml"), *SCENARIOS.glob("*.yaml")])
READABLE = [path for path in NETWORKS if len(load(path).ports) <= 20]
"""Networks whose flows a person would read. Those of larger ones are checked in all other ways."""


@pytest.mark.parametrize("path", READABLE, ids=lambda path: path.stem)
def test_flows_of_a_network(path: Path, golden: Golden) -> None:
    network = load(path)
    switches = programmed(network).items()
    lines = [line for name, desired in switches for line in (f"## {name}", *flow_lines(desired), "")]
    golden.check(EXPECTED / f"{path.stem}.flows", "\n".join(lines))


def test_flows_of_a_plain_switch(golden: Golden) -> None:
    golden.check(EXPECTED / "plain-switch.flows", "\n".join([*flow_lines(compile(plain_switch())), ""]))


@pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.stem)
def test_open_vswitch_reads_every_flow(path: Path) -> None:
    network = load(path)
    flows = [flow for desired in programmed(network).values() for flow in desired.flows.values()]
    text = "\n".join(flow.text() for flow in flows)
    command = ["ovs-ofctl", "--protocols=OpenFlow14", "parse-flows", "-"]
    parsed = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    assert parsed.stdout.count("FLOW_MOD") == len(flows), parsed.stderr


def test_every_rule_has_a_golden_line() -> None:
    networks = [load(path) for path in NETWORKS]
    everything = [
        compile(plain_switch()),
        *(desired for network in networks for desired in programmed(network).values()),
    ]
    used: set[Rule] = {
        application.rule
        for desired in everything
        for reasons in desired.applications.values()
        for application in reasons
    }
    missing = [rule.sentence for table in TABLES for rule in table.all_rules() if rule not in used]
    assert not missing
