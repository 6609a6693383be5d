"""Whose MAC addresses a ping needs, and how orders for pings are handed on."""

from flows.model import parse
from mininet_topos.probes.neighbours import needed
from mininet_topos.probes.probe import PingResults, Probe, order, result

NETWORK = """
hosts: {h1: {tunnel_ip: 192.0.2.1}}
vpcs: {blue: {id: 5, subnets: {web: {cidr: 10.1.0.0/24}, db: {cidr: 10.2.0.0/24, gateway: 10.2.0.9}}}}
segments: {red: {id: 7}}
switches: {s1: {}}
routers:
  r1: {interfaces: {a: {switch: s1, vlan: 1, ip: 10.3.0.1/24}, b: {switch: s1, vlan: 2, ip: 10.4.0.1/24}}}
ports:
  web1: {vpc: blue, ips: [10.1.0.2], host: h1}
  web2: {vpc: blue, ips: [10.1.0.3], host: h1}
  db: {vpc: blue, ips: [10.2.0.3], host: h1}
  red1: {segment: red, ip: 10.5.0.1/24, host: h1}
  red2: {segment: red, ip: 10.5.0.2/24, gateway: 10.5.0.1, host: h1}
  m1: {switch: s1, vlan: 1, ip: 10.3.0.2/24, gateway: 10.3.0.1}
  m2: {switch: s1, vlan: 2, ip: 10.4.0.2/24, gateway: 10.4.0.1}
  alone: {switch: s1, vlan: 3, ip: 10.4.0.2/24}
"""


def needs(source: str, target: str, *, arrives: bool = True) -> list[str]:
    network = parse(NETWORK, "n")[0]
    found = needed(network, network.ports[source], network.ports[target], arrives=arrives)
    return [f"{node} {address}" for node, address in found]


def test_what_a_ping_needs() -> None:
    assert needs("web1", "web2") == ["port:web1 10.1.0.3", "port:web2 10.1.0.2"]
    assert needs("web1", "db") == ["port:web1 10.1.0.1", "port:db 10.2.0.9"]
    assert needs("web1", "db", arrives=False) == ["port:web1 10.1.0.1"]
    assert needs("red1", "red2") == ["port:red1 10.5.0.2", "port:red2 10.5.0.1"]
    assert needs("red2", "web1", arrives=False) == ["port:red2 10.5.0.1"]
    assert needs("red1", "web1", arrives=False) == [], "there is no way"
    assert needs("m1", "m2") == [
        "port:m1 10.3.0.1",
        "router:r1 10.4.0.2",
        "port:m2 10.4.0.1",
        "router:r1 10.3.0.2",
    ]
    assert needs("m1", "alone", arrives=False) == ["port:m1 10.3.0.1"], "m2 answers in its place"
    assert needs("alone", "m1", arrives=False) == []


def test_names_are_written_once() -> None:
    text = order([Probe("a", "b", "10.0.0.1", (("port:a", "10.0.0.1"),)), Probe("b", "a", "10.0.0.2")], 1.0, 400)
    assert text.count('"a"') == 1
    assert result("[[1, 0], 3]") == PingResults([True, False], 3)
