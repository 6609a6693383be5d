"""`pytest --systems`: run the tests that show a row of the system table, and print the table.

A test says which row it shows by its marker: ``@pytest.mark.system("S7")``.
"""

from collections.abc import Generator
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

ROWS = {
    "S1": "ordinary LAN",
    "S2": "two subnets, one router",
    "S3": "two LANs",
    "S4": "one /16 data-centre network",
    "S5": "VLAN data centre",
    "S6": "GRE overlay",
    "S7": "VPC 0",
    "S8": "VPC > 0",
    "S9": "VPC peering",
    "S10": "live migration",
    "S11": "access and trunk ports",
    "S12": "bonds",
    "S13": "the tunnel bridge pipeline",
    "S14": "VXLAN",
    "S15": "protected tunnels",
    "S16": "local VLAN against physical VLAN",
    "S17": "ingress policing",
    "S18": "egress queues",
    "S19": "security groups",
    "S20": "router with floating IPs",
    "S21": "router with shared NAT",
    "S22": "DHCP",
    "S23": "TAP of a QEMU guest",
    "S24": "veth into a network namespace",
    "S25": "container networks: a prefix per host",
    "S26": "container networks: /32 and policy",
    "S27": "container networks: BGP",
    "S28": "leaf-spine with ECMP",
    "S29": "loops broken",
    "S30": "policy routes and weighted next hops",
    "S31": "ICMP",
    "S33": "virtual network modes",
}

_outcomes: dict[str, list[str]] = {}


def datapath() -> str:
    """The datapath that a lab on this machine uses."""
    return "kernel" if Path("/sys/module/openvswitch").exists() else "userspace"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--systems", action="store_true", help="run the tests of the system table and print it")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for marker in item.iter_markers("system"):
            unknown = set(marker.args) - ROWS.keys()
            if unknown or not marker.args:
                raise pytest.UsageError(f"{item.nodeid}: the system table has no row {unknown}")
    if config.getoption("--systems"):
        items[:] = [item for item in items if item.get_closest_marker("system")]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" or report.failed:
        for marker in item.iter_markers("system"):
            for row in marker.args:
                _outcomes.setdefault(str(row), []).append(report.outcome)
    return report


def pytest_terminal_summary(config: pytest.Config) -> None:
    if not config.getoption("--systems"):
        return
    table = Table("row", "system", "datapath", "tests")
    for row, name in ROWS.items():
        table.add_row(row, name, datapath(), _verdict(_outcomes.get(row, [])))
    Console(width=80).print(table)


def _verdict(outcomes: list[str]) -> str:
    if not outcomes:
        return "no test yet"
    failed = sum(outcome != "passed" for outcome in outcomes)
    return f"{failed} of {len(outcomes)} failed" if failed else f"{len(outcomes)} passed"
