"""The system table: which rows work on which datapath. ``python -m tests.system_table`` prints and documents it.

Each run of ``pytest --systems`` leaves what it found in ``build/systems``, one file per datapath.
"""

import json
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mininet_topos.inside.nodes.switch import has_kernel_datapath

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

DATAPATHS = ("userspace", "kernel")

_ROOT = Path(__file__).parents[1]
_RESULTS = _ROOT / "build" / "systems"
_PAGE = _ROOT / "docs" / "systems.md"
_NO_TEST = "no test yet"


@dataclass(frozen=True)
class Results:
    """What one run found: the outcomes of the tests of each row, and on what."""

    date: str
    kernel: str
    switch: str
    rows: Mapping[str, Sequence[str]]


def datapath() -> str:
    """The datapath that a lab on this machine uses."""
    return "kernel" if has_kernel_datapath() else "userspace"


def keep(rows: Mapping[str, Sequence[str]]) -> None:
    """Keep what a run on this machine found."""
    version = subprocess.run(["ovs-vswitchd", "--version"], capture_output=True, text=True, check=True).stdout
    found = Results(f"{datetime.now(UTC):%Y-%m-%d}", platform.release(), version.split()[3], rows)
    _RESULTS.mkdir(parents=True, exist_ok=True)
    (_RESULTS / f"{datapath()}.json").write_text(json.dumps(asdict(found), indent=2) + "\n")


def kept() -> dict[str, Results]:
    """What the last run on each datapath found."""
    files = {name: _RESULTS / f"{name}.json" for name in DATAPATHS}
    return {name: Results(**json.loads(file.read_text())) for name, file in files.items() if file.exists()}


def lines(results: Mapping[str, Results]) -> list[tuple[str, ...]]:
    """Row, system, and a verdict for each datapath."""
    return [(row, system, *(_verdict(results.get(name), row) for name in DATAPATHS)) for row, system in ROWS.items()]


def _verdict(results: Results | None, row: str) -> str:
    if results is None:
        return "not run"
    outcomes = results.rows.get(row, [])
    failed = sum(outcome == "failed" for outcome in outcomes)
    passed = sum(outcome == "passed" for outcome in outcomes)
    if failed:
        return f"{failed} of {len(outcomes)} failed"
    return f"{passed} passed" if passed else _NO_TEST


def show(results: Mapping[str, Results]) -> None:
    """Print the table."""
    table = Table("row", "system", *DATAPATHS)
    for line in lines(results):
        table.add_row(*line)
    Console(width=80).print(table)


def page(results: Mapping[str, Results]) -> str:
    """The table as a page of the documentation."""
    runs = [
        f"- {name} datapath: {found.date}, Open vSwitch {found.switch}, Linux {found.kernel}"
        for name, found in results.items()
    ]
    return "\n".join(
        [
            "# Which systems work",
            "",
            "Written by `make systems`, which runs the tests of every row on both datapaths. Do not edit.",
            "",
            *runs,
            "",
            f"| row | system | {' | '.join(DATAPATHS)} |",
            "| --- | --- | --- | --- |",
            *(f"| {' | '.join(line)} |" for line in lines(results)),
            "",
        ]
    )


def main() -> int:
    """Print the table and write the page; 1 when a test failed or a datapath was not run."""
    results = kept()
    show(results)
    _PAGE.write_text(page(results))
    has_failed = any("failed" in outcomes for found in results.values() for outcomes in found.rows.values())
    return int(has_failed or len(results) < len(DATAPATHS))


if __name__ == "__main__":
    sys.exit(main())
