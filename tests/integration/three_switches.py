"""A controller with three switches, each with a port plugged in: where tests of one that is late or stuck begin."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.properties.controller_process import Network
from tests.switch import wait_until

HOSTS = ("h1", "h2", "h3")


def model(ports: int, *, vlan: bool = False) -> str:
    """A VPC with ports on h1 and h2, and some more on h3."""
    lines = ["encapsulation: vxlan", "hosts:", *(f"  {host}: {{tunnel_ip: 192.0.2.{host[1:]}}}" for host in HOSTS)]
    lines += ["vpcs:", "  blue: {id: 7, subnets: {web: {cidr: 10.0.0.0/16}}}", "segments:", "  red: {id: 9, vlan: 5}"]
    lines += ["ports:", "  a: {vpc: blue, ips: [10.0.0.11], host: h1}", "  b: {vpc: blue, ips: [10.0.0.12], host: h2}"]
    lines += [f"  c{n}: {{vpc: blue, ips: [10.0.{1 + n // 200}.{1 + n % 200}], host: h3}}" for n in range(ports)]
    return "\n".join([*lines, "  s: {segment: red}", ""])


@contextmanager
def running() -> Iterator[Network]:
    """The three of them, settled."""
    network = Network(HOSTS)
    try:
        network.apply(model(1))
        network.settle()
        for host, port in zip(HOSTS, ("a", "b", "c0"), strict=True):
            network.plug(host, port)
        wait_until(lambda: all(host["interfaces"] for host in network.status().values()), "the ports")
        network.settle()
        yield network
    finally:
        network.stop()
