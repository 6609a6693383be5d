"""An instance that scans 250 addresses, 100 ports of each, against OVN: ``python -m tests.benchmarks.scan``.

What a scan leaves in the caches of the switches (megaflows), and how many of its packets they send to controllers.
"""

import re
import sys
from contextlib import ExitStack
from dataclasses import dataclass

from mininet_topos.directory import port_node
from tests.benchmarks.figures import Figure, run_group
from tests.benchmarks.labs import NETWORK, OURS, OVN, BenchLab, bench_lab

GROUP = "scan"
_TIMES = 3
ADDRESSES, _PORTS = 250, 100
_SCANNED = "=10.3."
_IPV4 = "eth_type(0x0800)"
_SUBNET = "      s2: {cidr: 10.3.0.0/16}\n"
_THERE, _NOWHERE = "10.3.1", "10.3.2"
"""The first three numbers of addresses that ports have, and that nobody has."""
_SOURCE, _TARGET = "h1", "h2"


def network() -> str:
    """The lab's network with a port for each address of the first of both ranges."""
    before, ports, after = NETWORK.partition("ports:\n")
    targets = [
        f"  t{number}: {{vpc: v, ips: [{_THERE}.{number}], host: {_TARGET}}}\n" for number in range(1, ADDRESSES + 1)
    ]
    return before + _SUBNET + ports + after + "".join(targets)


@dataclass(frozen=True)
class Scan:
    """Megaflows that a scan left at its host and at the targets', and packets of it that went to a controller.

    ``source`` and ``target`` are those that name a scanned address, ``source_all`` and ``target_all`` all of IPv4.
    """

    source: float
    target: float
    packets: float
    source_all: float
    target_all: float


def scan(lab: BenchLab, prefix: str) -> Scan:
    """Send one packet to each port of each address."""
    for host in lab.lab.network.hosts:
        lab.run(host, "ovs-appctl", "revalidator/purge")
    lab.run("a", sys.executable, "-m", "tests.benchmarks.scanner", prefix, str(ADDRESSES), str(_PORTS))
    every = [_megaflows(lab, host) for host in (_SOURCE, _TARGET)]
    source, target = ([flow for flow in flows if _SCANNED in flow] for flows in every)
    packets = sum(map(_to_controller, source + target))
    return Scan(len(source), len(target), packets, *map(len, every))


def _megaflows(lab: BenchLab, host: str) -> list[str]:
    """What a host has in its cache for IPv4."""
    return [line for line in lab.run(host, "ovs-appctl", "dpctl/dump-flows").splitlines() if _IPV4 in line]


def _to_controller(megaflow: str) -> int:
    """How many packets of a cached flow went to a controller. The one that made the flow is not in its count."""
    packets = re.search(r"packets:(\d+)", megaflow)
    return 1 + int(packets.group(1)) if packets and "controller(" in megaflow else 0


def silence(lab: BenchLab) -> None:
    """Let the targets receive without answering: they have no address any more."""
    for number in range(1, ADDRESSES + 1):
        with lab.links(port_node(f"t{number}")) as route:
            route.flush_addr(index=route.link_lookup(ifname="eth0")[0])


def measure() -> list[Figure]:
    """Both controllers in turn."""
    with ExitStack() as stack:
        labs = [stack.enter_context(bench_lab(system, network())) for system in (OURS, OVN)]
        for lab in labs:
            silence(lab)
        there, nowhere = (
            {lab.system: [scan(lab, prefix) for _ in range(_TIMES)] for lab in labs} for prefix in (_THERE, _NOWHERE)
        )

    def row(what: str, scans: dict[str, list[Scan]], value: str, target: float | None, *, absolute: bool) -> Figure:
        ours, ovn = ([float(getattr(found, value)) for found in scans[system]] for system in (OURS, OVN))
        return Figure(GROUP, what, "", ours, ovn, target=target, is_absolute=absolute)

    return [
        row("addresses of ports: megaflows at the source", there, "source", 1, absolute=False),
        row("addresses of ports: megaflows at the targets", there, "target", 1, absolute=False),
        row("addresses of ports: packets to controllers", there, "packets", None, absolute=False),
        row("addresses of nobody: megaflows at the source", nowhere, "source", 0.1, absolute=False),
        row("addresses of nobody: megaflows at another host", nowhere, "target", 0.1, absolute=False),
        row("addresses of nobody: packets to controllers", nowhere, "packets", 0, absolute=True),
    ]


if __name__ == "__main__":
    run_group(GROUP, measure)
