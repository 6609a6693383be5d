"""Random networks, and random changes of them, one after the other: ports, routes, peerings, subnets, segments.

The hosts stay the same, so that a lab can follow. Every port declares its host and has an address. Announced moves are
for those who want them: where there is a controller, they end by themselves.
"""

from collections.abc import Callable, Iterator
from ipaddress import IPv4Network
from random import Random
from typing import Any

import yaml

from flows.model import InvalidModel, Network, parse

HOSTS = ("h1", "h2", "h3")
RANGES = {"a/s1": "10.0.1.0/24", "a/s2": "10.0.2.0/24", "b/s1": "10.1.0.0/25", "b/s2": "10.1.1.0/24"}
RANGES |= {"c/s1": "10.2.0.0/24", "c/s2": "10.2.1.0/26"}
_NETWORKS = ("192.168.1.{}/24", "192.168.1.{}/25", "192.168.2.{}/24")

Document = dict[str, Any]


class Changing:
    """A network that changes at random, always a valid one."""

    def __init__(self, seed: int, *, announces: bool = False) -> None:
        self._random = Random(seed)
        self._ways = (*self._WAYS, Changing._announce_move) if announces else self._WAYS
        self._count = 0
        self.network = Network()
        self.document: Document = {
            "encapsulation": "vxlan",
            "hosts": {name: {"tunnel_ip": f"192.0.2.{number}"} for number, name in enumerate(HOSTS, 1)},
            "vpcs": {vpc: {"id": number, "subnets": {}} for number, vpc in enumerate("abc", 1)},
            "segments": {"red": {"id": 11, "vlan": 101}, "green": {"id": 12, "vlan": 102}},
            "ports": {},
            "peerings": {},
        }
        for end, cidr in RANGES.items():
            self._subnets(end)[end[2:]] = {"cidr": cidr, "routes": []}
        for _ in range(8):
            self._add_port()
        while not self._is_valid():
            self.document["ports"] = {name: self._port() for name in self.document["ports"]}
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


def changes(seed: int, number: int) -> Iterator[tuple[Network, Network]]:
    """Networks before and after each of some random changes."""
    changing = Changing(seed, announces=True)
    before = changing.network
    for _ in range(number):
        changing.change()
        after = changing.network
        yield before, after
        before = after
