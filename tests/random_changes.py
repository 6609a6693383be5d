"""Random networks, and random changes of them, one after the other: ports, routes, peerings, subnets, segments.

The hosts stay the same, so that a lab can follow. Every port declares its host and has an address. Announced moves are
for those who want them: where there is a controller, they end by themselves. So are security groups, for pings that
need not be answered.
"""

from collections.abc import Callable, Iterator
from ipaddress import IPv4Network
from random import Random
from typing import Any

import yaml

from flows.model import InvalidModel, Network, parse
from tests.random_groups import random_groups, random_membership, random_rule

HOSTS = ("h1", "h2", "h3")
RANGES = {"a/s1": "10.0.1.0/24", "a/s2": "10.0.2.0/24", "b/s1": "10.1.0.0/25", "b/s2": "10.1.1.0/24"}
RANGES |= {"c/s1": "10.2.0.0/24", "c/s2": "10.2.1.0/26"}
_NETWORKS = ("192.168.1.{}/24", "192.168.1.{}/25", "192.168.2.{}/24")

Document = dict[str, Any]


class Changing:
    """A network that changes at random, always a valid one."""

    def __init__(self, seed: int, *, announces: bool = False, groups: bool = False) -> None:
        self._random = Random(seed)
        self._ways: tuple[Callable[[Changing], bool], ...] = (
            *self._WAYS,
            *((Changing._announce_move,) if announces else ()),
            *(self._OF_GROUPS if groups else ()),
        )
        self._count = 0
        self.network = Network()
        self.document: Document = {
            "encapsulation": "vxlan",
            "hosts": {name: {"tunnel_ip": f"192.0.2.{number}"} for number, name in enumerate(HOSTS, 1)},
            "vpcs": {vpc: {"id": number, "subnets": {}} for number, vpc in enumerate("abc", 1)},
            "segments": {"red": {"id": 11, "vlan": 101}, "green": {"id": 12, "vlan": 102}},
            "ports": {},
            "peerings": {},
            "security_groups": {},
        }
        for end, cidr in RANGES.items():
            self._subnets(end)[end[2:]] = {"cidr": cidr, "routes": []}
        for _ in range(8):
            self._add_port()
        while not self._is_valid():
            self.document["ports"] = {name: self._port() for name in self.document["ports"]}
        if groups:
            while not (self._replace_groups() and self._is_valid()):
                pass
        for _ in range(15):
            self.change()

    @property
    def text(self) -> str:
        """The network file as it is now."""
        return str(yaml.safe_dump(self.document, sort_keys=False))

    def change(self) -> str:
        """Change something; what it was."""
        while True:
            before = self.text
            how = self._random.choice(self._ways)
            if how(self) and self.text != before and self._is_valid():
                return how.__name__.strip("_")
            self.document = yaml.safe_load(before)

    def _is_valid(self) -> bool:
        try:
            self.network = parse(self.text, "network.yaml")[0]
        except InvalidModel:
            return False
        return True

    def _subnets(self, end: str) -> Document:
        subnets: Document = self.document["vpcs"][end[0]]["subnets"]
        return subnets

    def _ends(self) -> list[str]:
        return [end for end in RANGES if end[2:] in self._subnets(end)]

    def _add_port(self) -> bool:
        if len(self.document["ports"]) >= 12:
            return False
        self._count += 1
        self.document["ports"][f"p{self._count}"] = self._port()
        return True

    def _port(self) -> Document:
        port: Document = {"host": self._random.choice(HOSTS)}
        if self._random.random() < 0.3:
            number = self._random.randint(2, 200)
            ip = self._random.choice(_NETWORKS).format(number)
            return port | {"segment": self._random.choice(list(self.document["segments"])), "ip": ip}
        end = self._random.choice(self._ends())
        hosts = list(IPv4Network(RANGES[end]).hosts())[1:60]
        return port | {"vpc": end[0], "ips": [str(self._random.choice(hosts))]}

    def _remove_port(self) -> bool:
        return self.document["ports"].pop(self._random.choice([*self.document["ports"], ""]), None) is not None

    def _replace_port(self) -> bool:
        if self.document["ports"]:
            self.document["ports"][self._random.choice(list(self.document["ports"]))] = self._port()
        return True

    def _move_port(self) -> bool:
        if self.document["ports"]:
            self.document["ports"][self._random.choice(list(self.document["ports"]))]["host"] = self._random.choice(
                HOSTS
            )
        return True

    def _announce_move(self) -> bool:
        """Ports are announced to move, and no more."""
        for port in self.document["ports"].values():
            if self._random.random() < 0.3 and port.pop("moving_to", None) is None:
                port["moving_to"] = self._random.choice([host for host in HOSTS if host != port["host"]])
        return True

    def _add_peering(self) -> bool:
        one, other = self._random.sample(self._ends(), 2)
        self._count += 1
        name = f"x{self._count}"
        self.document["peerings"][name] = {"between": [one, other]}
        for near, far in ((one, other), (other, one)):
            if self._random.random() < 0.8:
                self._subnets(near)[near[2:]]["routes"].append({"to": RANGES[far], "via": name})
        return True

    def _remove_peering(self) -> bool:
        name = self._random.choice([*self.document["peerings"], ""])
        for end in self._ends():
            subnet = self._subnets(end)[end[2:]]
            subnet["routes"] = [route for route in subnet["routes"] if route["via"] != name]
        return self.document["peerings"].pop(name, None) is not None

    def _add_route(self) -> bool:
        end = self._random.choice(self._ends())
        far = self._random.choice([other for other in RANGES if other != end])
        to = next(IPv4Network(RANGES[far]).subnets(new_prefix=self._random.choice([26, 27])))
        to = to if self._random.random() < 0.5 else IPv4Network(RANGES[far])
        via = self._random.choice([*self.document["peerings"], "nothing"])
        self._subnets(end)[end[2:]]["routes"].append({"to": str(to), "via": via})
        return True

    def _remove_route(self) -> bool:
        routes = self._subnets(end := self._random.choice(self._ends()))[end[2:]]["routes"]
        if routes:
            routes.remove(self._random.choice(routes))
        return True

    def _add_or_remove_subnet(self) -> bool:
        end = self._random.choice(list(RANGES))
        if self._subnets(end).pop(end[2:], None) is None:
            self._subnets(end)[end[2:]] = {"cidr": RANGES[end], "routes": []}
        return True

    def _groups(self) -> Document:
        groups: Document = self.document["security_groups"]
        return groups

    def _replace_groups(self) -> bool:
        """All groups are others, and who is in them."""
        vpcs = {frozenset(end[0] for end in peering["between"]) for peering in self.document["peerings"].values()}
        self.document["security_groups"] = random_groups(self._random, "abc", vpcs)
        return self._change_memberships(len(self.document["ports"]))

    def _remove_group(self) -> bool:
        """A group goes that no rule names any more, and nobody is in it any more."""
        name = self._random.choice([*self._groups(), ""])
        for port in self.document["ports"].values():
            if "groups" in port:
                port["groups"] = [group for group in port["groups"] if group != name]
        return self._groups().pop(name, None) is not None

    def _change_rules(self) -> bool:
        """A rule comes or goes, or a direction is open or closed."""
        groups = self._groups()
        if not groups:
            return False
        group = groups[self._random.choice(list(groups))]
        direction, word = self._random.choice([("in", "from"), ("out", "to")])
        rules = group.setdefault(direction, [])
        dice = self._random.random()
        if dice < 0.15:
            del group[direction]
        elif dice < 0.25:
            group["log"] = not group.get("log", False)
        elif dice < 0.5 and rules:
            rules.remove(self._random.choice(rules))
        else:
            known = [name for name, other in groups.items() if other["vpc"] == group["vpc"]]
            rules.insert(self._random.randint(0, len(rules)), random_rule(self._random, word, known))
        return True

    def _change_membership(self) -> bool:
        return self._change_memberships(2)

    def _change_memberships(self, number: int) -> bool:
        ports = [port for port in self.document["ports"].values() if "vpc" in port]
        for port in self._random.sample(ports, min(len(ports), number)):
            known = [name for name, group in self._groups().items() if group["vpc"] == port["vpc"]]
            for key in ("groups", "labels"):
                port.pop(key, None)
            port.update(random_membership(self._random, known))
        return True

    def _several(self) -> bool:
        """A change is often more than one."""
        return all(
            self._random.choice([way for way in self._ways if way is not Changing._several])(self)
            for _ in range(self._random.randint(2, 4))
        )

    _WAYS: tuple[Callable[["Changing"], bool], ...] = (
        _add_port,
        _add_port,
        _remove_port,
        _replace_port,
        _move_port,
        _add_peering,
        _add_peering,
        _remove_peering,
        _add_route,
        _remove_route,
        _add_or_remove_subnet,
        _several,
    )

    _OF_GROUPS: tuple[Callable[["Changing"], bool], ...] = (
        _replace_groups,
        _remove_group,
        *[_change_rules] * 4,
        *[_change_membership] * 3,
    )


def changes(seed: int, number: int, *, groups: bool = False) -> Iterator[tuple[Network, Network]]:
    """Networks before and after each of some random changes."""
    changing = Changing(seed, announces=True, groups=groups)
    before = changing.network
    for _ in range(number):
        changing.change()
        after = changing.network
        yield before, after
        before = after
