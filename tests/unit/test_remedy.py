"""The smallest change by which two ports reach each other: routes of all lengths, names, addresses, links."""

import pytest

from flows.model import parse
from flows.simulate.remedy import Remedy, passes, remedy
from flows.simulate.traffic import Traffic
from tests.scenario import SHIPPED

PING = Traffic("icmp")
VPCS = """
hosts: {{h1: {{tunnel_ip: 192.0.2.1}}}}
vpcs:
  blue: {{id: 1, subnets: {{web: {{cidr: 10.0.0.0/24, routes: [{routes}]}}}}}}
  green: {{id: 2, subnets: {{db: {{cidr: 10.1.0.0/24, routes: [{{to: 10.0.0.0/24, via: p}}]}}}}}}
  other: {{id: 3, subnets: {{db: {{cidr: 10.2.0.0/24}}}}}}
peerings:
  p: {{between: [blue/web, green/db]}}
  blue-other: {{between: [green/db, other/db]}}
ports:
  b: {{vpc: blue, ips: [10.0.0.11], host: h1}}
  g: {{vpc: green, ips: [10.1.0.11], host: h1}}
  o: {{vpc: other, ips: [10.2.0.11], host: h1}}
"""
SWITCHES = """
switches: {s1: {}, s2: {}, s3: {}}
links: {s2-s1: {between: [s1, s2], trunk: [101]}}
ports:
  a: {switch: s1, vlan: 101, ip: 10.0.0.1/24}
  b: {switch: s2, vlan: 102, ip: 10.0.0.2/24, gateway: 10.0.0.254}
  c: {switch: s2, vlan: 102, ip: 10.0.0.3/24}
  d: {switch: s1, vlan: 102, ip: 10.0.0.4/24}
  e: {switch: s3, vlan: 102, ip: 10.5.0.4/24, gateway: 10.5.0.1}
  t1: {switch: s1, trunk: [102]}
  t2: {switch: s2, trunk: [102]}
"""
GROUPS = """
hosts: {h1: {tunnel_ip: 192.0.2.1}}
vpcs:
  blue: {id: 1, subnets: {web: {cidr: 10.0.0.0/24}}}
  green: {id: 2, subnets: {db: {cidr: 10.1.0.0/24}}}
security_groups:
  web: {vpc: blue, in: [], out: [{udp: 53}]}
  db: {vpc: blue, in: [{from: web, tcp: 5432}]}
  far: {vpc: green, in: []}
ports:
  w: {vpc: blue, ips: [10.0.0.11], host: h1, groups: [web]}
  d: {vpc: blue, ips: [10.0.0.12], host: h1, groups: [db]}
  n: {vpc: blue, ips: [10.0.0.13], host: h1}
  f: {vpc: green, ips: [10.1.0.11], host: h1, groups: [far]}
"""
SEGMENTS = """
hosts: {h1: {tunnel_ip: 192.0.2.1}, h2: {tunnel_ip: 192.0.2.2, physical: {wall: eth1}}}
segments: {red: {id: 1, vlan: 1}, green: {id: 2, vlan: 2}, bare: {id: 3}, wired: {physical: {network: wall, vlan: 9}}}
ports:
  r: {segment: red, ip: 10.0.0.1/24, gateway: 10.0.0.254, host: h1}
  g: {segment: green, ip: 10.9.0.1/24, gateway: 10.9.0.254, host: h1}
  b: {segment: bare, ip: 10.0.0.2/24, host: h1}
  t: {trunk: [green], host: h1}
  h: {segment: red, ip: 10.0.0.3/24}
  w: {segment: wired, host: h2}
  v: {segment: wired}
"""


def told(text: str, source: str, target: str, traffic: Traffic = PING) -> list[str]:
    found = found_in(text, source, target, traffic)
    assert found.unless == ""
    return [*map(str, found.steps)]


def found_in(text: str, source: str, target: str, traffic: Traffic = PING) -> Remedy:
    network = parse(text.lstrip(), "n.yaml")[0]
    return remedy(network, network.ports[source], network.ports[target], traffic)


@pytest.mark.parametrize(
    ("routes", "steps"),
    [
        ("", ["add to blue/web (n.yaml:3): routes: [{to: 10.1.0.0/24, via: p}]"]),
        (
            "{to: 10.9.0.0/24, via: nothing}",
            ["add to the routes of blue/web (n.yaml:3): - {to: 10.1.0.0/24, via: p}"],
        ),
        # A route to a peer has no holes, and goes before a shorter one.
        (
            "{to: 10.1.0.0/24, via: nothing}",
            ["add to the routes of blue/web (n.yaml:3): - {to: 10.1.0.11/32, via: p}"],
        ),
        (
            "{to: 10.1.0.128/25, via: nothing}",
            ["add to the routes of blue/web (n.yaml:3): - {to: 10.1.0.11/32, via: p}"],
        ),
        (
            "{to: 10.1.0.0/16, via: nothing}",
            ["add to the routes of blue/web (n.yaml:3): - {to: 10.1.0.0/24, via: p}"],
        ),
        (
            "{to: 10.1.0.11/32, via: nothing}",
            [
                "remove from the routes of blue/web the one to 10.1.0.11/32 (n.yaml:3)",
                "add to the routes of blue/web (n.yaml:3): - {to: 10.1.0.0/24, via: p}",
            ],
        ),
    ],
)
def test_routes(routes: str, steps: list[str]) -> None:
    text = VPCS.format(routes=routes)
    assert told(text, "b", "g") == steps
    assert told(text, "g", "b") == steps


def test_a_peering_gets_a_name_of_its_own() -> None:
    assert told(VPCS.format(routes=""), "b", "o") == [
        "add to peerings: blue-other-2: {between: [blue/web, other/db]}",
        "add to blue/web (n.yaml:3): routes: [{to: 10.2.0.0/24, via: blue-other-2}]",
        "add to other/db (n.yaml:5): routes: [{to: 10.0.0.0/24, via: blue-other-2}]",
    ]


@pytest.mark.parametrize(
    ("source", "target", "steps"),
    [
        ("a", "b", ["change port b (n.yaml:5): vlan: 101"]),
        ("a", "d", ["change port d (n.yaml:7): vlan: 101"]),
        ("c", "d", ["change link s2-s1 (n.yaml:2): trunk: [101, 102]"]),
        (
            *("b", "e"),
            [
                "add to links: s2-s3: {between: [s2, s3]}",
                "remove from port e (n.yaml:8): gateway",
                "change port e (n.yaml:8): ip: 10.0.0.5/24",
            ],
        ),
    ],
)
def test_switches(source: str, target: str, steps: list[str]) -> None:
    assert told(SWITCHES, source, target) == steps


def test_routes_over_routers() -> None:
    """Two LANs with a router each, of which some routes and gateways are missing."""
    text = (SHIPPED / "two-lans.yaml").read_text()
    lines = text.splitlines()
    first, second, h4 = (
        next(number for number, line in enumerate(lines, 1) if line.startswith(begin))
        for begin in ("  r1:", "  r2:", "  h4:")
    )
    whole = parse(text, "n.yaml")[0]
    assert passes(whole, "h4", "h5", Traffic("icmp"))
    without = text.replace("    routes:\n      - {to: 192.168.12.0/24, via: 192.168.56.2}\n", "")
    without = without.replace("      - {to: 10.10.71.0/24, via: 192.168.56.1}\n", "").replace(
        ", gateway: 10.10.71.5", ""
    )
    assert told(without, "h4", "h5") == [
        f"change port h4 (n.yaml:{h4 - 3}): gateway: 10.10.71.5",
        f"add to router r1 (n.yaml:{first}): routes: [{{to: 192.168.12.0/24, via: 192.168.56.2}}]",
        f"add to the routes of router r2 (n.yaml:{second - 2}): - {{to: 10.10.71.0/24, via: 192.168.56.1}}",
    ]
    assert told(without, "h5", "h1") == [
        f"add to router r1 (n.yaml:{first}): routes: [{{to: 192.168.12.0/24, via: 192.168.56.2}}]"
    ]
    cut = text.replace("wan: {switch: between, ip: 192.168.56.2/24}", "wan: {switch: between, ip: 192.168.57.2/24}")
    cut = cut.replace("192.168.56.1}", "192.168.57.1}")
    assert "it takes another way over switches and routers" in found_in(cut, "h4", "h5").unless


def test_a_second_link_gets_a_name_of_its_own() -> None:
    """Links named s1-s2 and s2-s1 would have the same interfaces."""
    assert told(SWITCHES, "t1", "t2") == ["add to links: s1-s2-2: {between: [s1, s2]}"]


@pytest.mark.parametrize(
    ("source", "target", "steps"),
    [
        ("r", "b", ["change port b (n.yaml:6): segment: red"]),
        ("r", "t", ["change port t (n.yaml:7): trunk: [green, red]"]),
        ("b", "t", ["change port b (n.yaml:6): segment: green"]),
        ("r", "h", ["change port h (n.yaml:8): host: h1"]),
        ("w", "v", ["change port v (n.yaml:10): host: h2"]),
        (
            *("r", "g"),
            [
                "change port g (n.yaml:5): segment: red",
                "remove from port g (n.yaml:5): gateway",
                "change port g (n.yaml:5): ip: 10.0.0.4/24",
            ],
        ),
    ],
)
def test_segments(source: str, target: str, steps: list[str]) -> None:
    assert told(SEGMENTS, source, target) == steps


@pytest.mark.parametrize(
    ("source", "target", "traffic", "steps"),
    [
        # By the group that the other end is in, or else by its address.
        ("d", "w", Traffic("tcp", 80), ["change security group web (n.yaml:6): in: [{from: db, tcp: 80}]"]),
        ("n", "w", PING, ["change security group web (n.yaml:6): in: [{from: 10.0.0.13/32, icmp: ping}]"]),
        # Both ends must allow it.
        (
            *("w", "d", Traffic("udp", 9)),
            [
                "add to 'out' of security group web (n.yaml:6): - {to: db, udp: 9}",
                "add to 'in' of security group db (n.yaml:7): - {from: web, udp: 9}",
            ],
        ),
        (
            "w",
            "n",
            Traffic("udp", 54),
            ["add to 'out' of security group web (n.yaml:6): - {to: 10.0.0.13/32, udp: 54}"],
        ),
        # A rule can name a group of another VPC once the two are peered.
        (
            *("d", "f", Traffic("tcp", 22)),
            [
                "add to peerings: blue-green: {between: [blue/web, green/db]}",
                "add to blue/web (n.yaml:3): routes: [{to: 10.1.0.0/24, via: blue-green}]",
                "add to green/db (n.yaml:4): routes: [{to: 10.0.0.0/24, via: blue-green}]",
                "change security group far (n.yaml:8): in: [{from: db, tcp: 22}]",
            ],
        ),
    ],
)
def test_security_groups(source: str, target: str, traffic: Traffic, steps: list[str]) -> None:
    assert told(GROUPS, source, target, traffic) == steps


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        (
            "x",
            "y",
            "'add to peerings: blue-green: {between: [blue/a, green/a]}' is not possible: the ranges of its ends",
        ),
        ("x", "r", "a port of a VPC reaches ports of VPCs only"),
        ("r", "m", "hosts and plain switches have no connection"),
    ],
)
def test_where_nothing_small_helps(source: str, target: str, reason: str) -> None:
    text = """
hosts: {h1: {tunnel_ip: 192.0.2.1}}
vpcs:
  blue: {id: 1, subnets: {a: {cidr: 10.0.0.0/24}}}
  green: {id: 2, subnets: {a: {cidr: 10.0.0.0/16}}}
segments: {red: {id: 3}}
switches: {s1: {}}
ports:
  x: {vpc: blue, ips: [10.0.0.11], host: h1}
  y: {vpc: green, ips: [10.0.0.11], host: h1}
  r: {segment: red, ip: 10.0.0.1/24, host: h1}
  m: {switch: s1, ip: 10.0.0.2/24}
"""
    found = found_in(text, source, target)
    assert found.steps == ()
    assert found.unless.startswith(reason)
