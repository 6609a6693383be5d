"""What every check works on."""

from collections.abc import Collection, Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import TYPE_CHECKING

from flows.model.file.source import Path, Source
from flows.model.objects.vpc import Subnet, Vpc
from flows.model.problem import Problem, did_you_mean, shown

if TYPE_CHECKING:
    from flows.model.objects.network import Network

Broken = set[Path]
"""Where something stands that could not be read."""

_HINTS = 100
"""So many unknown names of a file are compared with the known ones, which is slow."""

_NOT_FOR_MACHINES = (
    (IPv4Network("0.0.0.0/8"), "means 'this network' (RFC 1122)"),
    (IPv4Network("127.0.0.0/8"), "never leaves a machine (loopback)"),
    (IPv4Network("224.0.0.0/4"), "is for multicast"),
    (IPv4Network("255.255.255.255/32"), "is the broadcast address of every network"),
)


def not_for_machines(cidr: IPv4Network) -> str | None:
    """Why no machine anywhere can have the addresses of a range."""
    return next((f"{special} {reason}" for special, reason in _NOT_FOR_MACHINES if special.overlaps(cidr)), None)


def never_sent_to(cidr: IPv4Network) -> str | None:
    """Why no packet that can be forwarded is for any address of a range. (A wider range may have such a one in it.)"""
    found = (f"{special} {reason}" for special, reason in _NOT_FOR_MACHINES if cidr.subnet_of(special))
    return next(found, None)


def special_in_subnet(address: IPv4Address, cidr: IPv4Network) -> str | None:
    """Why no machine can have an address of its subnet. RFC 3021: a /31 has neither of them."""
    if cidr.prefixlen < 31:
        if address == cidr.network_address:
            return f"the network address of {cidr}"
        if address == cidr.broadcast_address:
            return f"the broadcast address of {cidr}"
    return None


def unfit_address(ip: IPv4Interface) -> str | None:
    """Why no machine can have an address in a network of its own choice."""
    if reason := special_in_subnet(ip.ip, ip.network):
        return f"it is {reason}"
    if reason := not_for_machines(IPv4Network(ip.ip)):
        return reason
    reason = not_for_machines(ip.network)
    return reason and f"its network would be {ip.network}, but {reason}"


def _hides_subnets(path: Path) -> bool:
    """Whether subnets of a VPC may be declared here."""
    return len(path) in (2, 3, 4) and path[2:3] in ((), ("subnets",))


def _is_part(path: Path, of: set[Path]) -> bool:
    return any(path[:end] in of for end in range(1, len(path) + 1))


class Checker:
    """The network, where its parts stand in the file, and what could not be read."""

    def __init__(self, network: "Network", source: Source, broken: Broken) -> None:
        self.network = network
        self._broken = broken
        self._source = source
        self._hints = 0
        self._missing = broken | source.twice
        """Where something may be declared that is not in the network."""
        self._torn = {str(path[1]) for path in self._missing if path[:1] == ("vpcs",) and _hides_subnets(path)}

    def error(self, path: Path, message: str, *, at_key: bool = False) -> Problem:
        return self._source.problem(path, message, at_key=at_key)

    def warning(self, path: Path, message: str, *, at_key: bool = False) -> Problem:
        line, column = self._source.place(path, at_key=at_key)
        return Problem(self._source.file, line, column, message, "warning")

    def line(self, path: Path) -> int:
        """The line of the file that something stands on."""
        return self._source.place(path, at_key=True)[0]

    def is_broken(self, path: Path) -> bool:
        """Whether this, or what it is a part of, could not be read."""
        return bool(self._broken) and _is_part(path, self._broken)

    def may_exist(self, path: Path) -> bool:
        """Whether something that is not in the network may be declared, but could not be read."""
        return _is_part(path, self._missing)

    def is_complete(self, section: Path) -> bool:
        """Whether everything that a section declares could be read."""
        return not any(path[: len(section)] == section[: len(path)] for path in self._missing)

    def is_left_out(self, path: Path) -> bool:
        """Whether an element of a list could not be read, so that the network does not have it."""
        return path in self._broken

    def has_all_subnets(self, vpc: str) -> bool:
        """Whether every subnet of a VPC could be read."""
        return vpc not in self._torn and ("vpcs",) not in self._missing

    def unknown(self, path: Path, section: str, name: str, known: Collection[str]) -> Iterator[Problem]:
        """A problem when no object of a section has the name."""
        if name not in known and not self.is_broken(path) and not self.may_exist((section, name)):
            one = section.removesuffix("es" if section == "switches" else "s").replace("_", " ")
            yield self.error(path, f"there is no {one} {shown(name)}{self.hint(name, known)}")

    def hint(self, name: str, known: Collection[str]) -> str:
        """What may have been meant by a name that is not known."""
        if not known:
            return "; none is declared"
        self._hints += 1
        return did_you_mean(name, known) if self._hints <= _HINTS else ""

    def subnets(self) -> Iterator[tuple[Path, Vpc, Subnet]]:
        """Every subnet: its place, its VPC, itself."""
        for vpc in self.network.vpcs.values():
            for subnet in vpc.subnets.values():
                yield ("vpcs", vpc.name, "subnets", subnet.name), vpc, subnet
