"""Random networks: VPCs with peerings and routes of all kinds, segments of all forms, on some hosts; plain switches."""

import json
from random import Random

from flows.model import InvalidModel, Network, parse
from tests.random_groups import Document, random_groups, random_membership

_CIDRS = ["10.0.0.0/24", "10.0.1.0/24", "10.1.0.0/16", "10.2.0.0/25", "10.2.0.128/25", "172.16.0.0/20", "10.9.0.0/30"]
_FAR = ["10.77.0.0/16", "192.168.0.0/24"]


def random_network(random: Random, hosts: int = 3, *, groups: bool = False) -> Network:
    """A valid network with at least two ports; every port is on a host."""
    while True:
        try:
            return parse(random_text(random, hosts, groups=groups), "random.yaml")[0]
        except InvalidModel:
            continue  # rare: two peers of a subnet overlap, or the like


def random_text(random: Random, hosts: int = 3, encapsulation: str | None = None, *, groups: bool = False) -> str:
    """The text of a network, which may not be valid."""
    names = [f"h{number}" for number in range(1, hosts + 1)]
    ends: dict[str, str] = {}
    for vpc in ("a", "b", "c")[: random.randint(1, 3)]:
        for index, cidr in enumerate(random.sample(_CIDRS, random.randint(1, 3))):
            ends[f"{vpc}/s{index}"] = cidr
    segments = random.sample(["red", "green", "loud", "office"], random.randint(0, 4))
    peerings = _peerings(random, ends)
    lines = [f"encapsulation: {encapsulation or random.choice(['gre', 'vxlan', 'geneve'])}", "hosts:"]
    lines += [f"  {name}: {{tunnel_ip: 192.0.2.{name[1:]}, physical: {{floor: eth9}}}}" for name in names]
    lines += ["vpcs:", *_vpcs(random, ends, peerings)]
    lines += ["peerings:", *(f"  {name}: {{between: [{one}, {two}]}}" for name, (one, two) in peerings.items())]
    lines += ["segments:", *(f"  {name}: {_segment(random, name)}" for name in segments)]
    peered = {frozenset((one[0], two[0])) for one, two in peerings.values()}
    chosen = random_groups(random, sorted({end[0] for end in ends}), peered) if groups else {}
    lines += ["security_groups:", *(f"  {name}: {json.dumps(group)}" for name, group in chosen.items())]
    lines += ["ports:", *_vpc_ports(random, ends, names, chosen), *_segment_ports(random, segments, names)]
    return "\n".join([*lines, ""])


def random_switches(random: Random) -> Network:
    """A valid network of machines on plain switches, and sometimes a router."""
    while True:
        try:
            return parse(_switches_text(random), "random.yaml")[0]
        except InvalidModel:
            continue  # two machines of one LAN have the same address, or the like


def _switches_text(random: Random) -> str:
    """Half of them are tidy: every switch is connected, and every machine of a network is in its VLAN."""
    switches, tidy = ["s1", "s2", "s3"], random.random() < 0.5
    lines = [f"switches: {{{', '.join(f'{switch}: {{}}' for switch in switches)}}}", "links:"]
    lines += ["  s1-s2: {between: [s1, s2]}", "  s2-s3: {between: [s2, s3]}"] if tidy else _links(random, switches)
    if random.random() < 0.6:
        lines += ["routers:", *_routers(random)]
    lines.append("ports:")
    for number in range(random.randint(4, 7)):
        network = random.randint(0, 1)
        gateway = f", gateway: 10.0.{network}.1" if random.random() < 0.5 else ""
        vlan = 101 * network if tidy else random.choice([0, 0, 101, 102])
        ip = f"ip: 10.0.{network}.{random.randint(2, 9)}/{random.choice([24, 24, 25])}"
        lines.append(f"  m{number}: {{switch: {random.choice(switches)}, vlan: {vlan}, {ip}{gateway}}}")
    lines.append(f"  carrier: {{switch: s3, trunk: [{random.choice(['0', '101', '0, 102'])}]}}")
    return "\n".join([*lines, ""])


def _links(random: Random, switches: list[str]) -> list[str]:
    trunks = [random.choice(["", ", trunk: [101]", ", trunk: [0, 102]"]) for _ in range(random.randint(0, 3))]
    return [
        f"  l{number}: {{between: [{', '.join(random.sample(switches, 2))}]{trunk}}}"
        for number, trunk in enumerate(trunks)
    ]


def _routers(random: Random) -> list[str]:
    """One router between both networks of the machines, or two and a network between them, with routes or without."""
    if random.random() < 0.5:
        return [
            "  r1: {interfaces: {lan: {switch: s1, ip: 10.0.0.1/24}, red: {switch: s2, vlan: 101, ip: 10.0.1.1/24}}}"
        ]
    lines = []
    for number, leg in enumerate(("{switch: s1, ip: 10.0.0.1/24}", "{switch: s2, vlan: 101, ip: 10.0.1.1/24}")):
        wan = f"{{switch: s3, vlan: 7, ip: 10.7.0.{number + 1}/24}}"
        route = random.choice(["", f"{{to: 10.0.{1 - number}.0/24, via: 10.7.0.{2 - number}}}"])
        lines.append(f"  r{number + 1}: {{interfaces: {{lan: {leg}, wan: {wan}}}, routes: [{route}]}}")
    return lines


def _peerings(random: Random, ends: dict[str, str]) -> dict[str, tuple[str, str]]:
    pairs = [(one, two) for one in ends for two in ends if one[0] < two[0] and ends[one] != ends[two]]
    chosen = random.sample(pairs, min(len(pairs), random.randint(0, 3)))
    return {f"p{number}": pair for number, pair in enumerate(chosen)}


def _vpcs(random: Random, ends: dict[str, str], peerings: dict[str, tuple[str, str]]) -> list[str]:
    lines = []
    for number, vpc in enumerate(sorted({end[0] for end in ends})):
        lines += [f"  {vpc}:", f"    id: {number * random.randint(1, 9000)}", "    subnets:"]
        for end, cidr in ends.items():
            if end[0] == vpc:
                routes = ", ".join(_routes(random, end, ends, peerings))
                lines.append(f"      {end[2:]}: {{cidr: {cidr}, routes: [{routes}]}}")
    return lines


def _routes(random: Random, end: str, ends: dict[str, str], peerings: dict[str, tuple[str, str]]) -> list[str]:
    """Routes to most peers, to all of them or to a part, and to nothing."""
    routes = []
    for name, pair in peerings.items():
        if end in pair and random.random() < 0.8:
            to = ends[pair[1] if end == pair[0] else pair[0]]
            if random.random() < 0.2:
                to = f"{to.partition('/')[0]}/{random.choice([26, 31, 32])}"
            routes.append(f"{{to: {to}, via: {name}}}")
    if random.random() < 0.3:
        routes.append(f"{{to: {random.choice(_FAR)}, via: nothing}}")
    return routes


def _segment(random: Random, name: str) -> str:
    if name == "office":
        return f"{{vlan: 104, physical: {{network: floor, vlan: {random.choice([0, 1001])}}}}}"
    number = {"red": 20001, "green": 20002, "loud": 20003}[name]
    more = ", flood_only: true" if name == "loud" else f", max_macs: {random.choice([2, 1024])}"
    return f"{{id: {number}, vlan: {number - 19900}{more}}}"


def _vpc_ports(random: Random, ends: dict[str, str], hosts: list[str], groups: dict[str, Document]) -> list[str]:
    lines = []
    for end, cidr in ends.items():
        network, _, length = cidr.partition("/")
        for number in range(1 if length == "30" else random.randint(1, 3)):
            ip = f"{network.rpartition('.')[0]}.{int(network.rpartition('.')[2]) + 2 + number}"
            name = f"{end.replace('/', '')}{number}"
            said = f"vpc: {end[0]}, ips: [{ip}], {_place(random, hosts)}"
            if groups:
                known = [group for group, body in groups.items() if body["vpc"] == end[0]]
                said += "".join(
                    f", {key}: {json.dumps(is_in)}" for key, is_in in random_membership(random, known).items()
                )
            lines.append(f"  {name}: {{{said}}}")
    return lines


def _segment_ports(random: Random, segments: list[str], hosts: list[str]) -> list[str]:
    lines = []
    for number in range(random.randint(2, 6) if segments else 0):
        mac = f", mac: 0a:00:00:00:00:{number + 1:02x}" if random.random() < 0.5 else ""
        # The first addresses are in one network, the others in another.
        what = f"segment: {random.choice(segments)}, ip: 192.168.{100 + number // 4}.{number + 1}/24"
        if random.random() < 0.3:
            what = f"trunk: [{', '.join(random.sample(segments, random.randint(0, len(segments))))}]"
        lines.append(f"  x{number}: {{{what}, {_place(random, hosts)}{mac}}}")
    return lines


def _place(random: Random, hosts: list[str]) -> str:
    """Where a port is: on a host, and perhaps announced to move to another."""
    host = random.choice(hosts)
    others = [other for other in hosts if other != host]
    return f"host: {host}" + (f", moving_to: {random.choice(others)}" if others and random.random() < 0.2 else "")
