"""``lab ping`` where the ports need more neighbours than the kernel knows for all namespaces of a machine together."""

from collections.abc import Callable

import pytest

from controller.cli.lab.ping import ping_all, plugged
from tests.integration.vpclab import VpcLab, wrong

pytestmark = pytest.mark.lab

PORTS = 40
"""Each pings each other one in one subnet, and both note the other's MAC address: 3,120 entries where 1,024 fit."""

NETWORK = "\n".join(
    [
        "hosts: {h1: {tunnel_ip: 192.0.2.1}, h2: {tunnel_ip: 192.0.2.2}}",
        "vpcs:",
        "  blue: {id: 5, subnets: {lan: {cidr: 10.1.0.0/24}}}",
        "  green: {id: 6, subnets: {lan: {cidr: 10.1.0.0/24}}}",
        "ports:",
        *(f"  p{n}: {{vpc: blue, ips: [10.1.0.{n + 2}], host: h{n % 2 + 1}}}" for n in range(PORTS)),
        "  other: {vpc: green, ips: [10.1.0.250], host: h1}",
        "",
    ]
)


def test_more_neighbours_than_the_kernel_knows(labs: Callable[[str], VpcLab]) -> None:
    """Healthy networks of some 60 ports failed: packets to whom there was no room for were not sent."""
    lab = labs(NETWORK)
    ports = plugged(lab.store, lab.network)
    assert len(ports) == PORTS + 1
    pairs = ping_all(lab.lab, lab.network, ports, ports)
    assert len(pairs) == PORTS * (PORTS + 1)
    assert wrong(pairs) == []
    assert sum(pair.answered for pair in pairs) == PORTS * (PORTS - 1)
    left = lab.run("p0", "ip", "-4", "neighbour", "show")
    assert left.count("lladdr") <= 1, f"what is no longer needed is forgotten: {left}"
