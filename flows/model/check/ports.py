"""Ports: where they are, and their addresses."""

from collections.abc import Iterator
from ipaddress import IPv4Address
from itertools import islice

from flows.model.check.checker import Checker, special_in_subnet
from flows.model.file.source import Path
from flows.model.objects.port import GATEWAY_MAC, VpcPort
from flows.model.objects.vpc import Subnet
from flows.model.problem import Problem

_LISTED_RANGES = 8


def ports(c: Checker) -> Iterator[Problem]:
    owners: dict[tuple[str, object], str] = {}
    for name, port in c.network.ports.items():
        path = ("ports", name)
        if port.moving_to is not None:
            if port.host is None:
                message = "a port that is announced to move needs 'host', the one that it is on"
                yield c.error((*path, "moving_to"), message)
            elif port.moving_to == port.host:
                message = f"the port is on host '{port.host}' already; name the one that it will move to"
                yield c.error((*path, "moving_to"), message)
        if not isinstance(port, VpcPort):
            continue
        if port.mac == GATEWAY_MAC:
            yield c.error((*path, "mac"), f"{port.mac} is the MAC address of every gateway; use another")
        if port.vpc in c.network.vpcs:
            yield from _mac(c, path, port, owners)
            yield from _ips(c, path, port, owners)


def _mac(c: Checker, path: Path, port: VpcPort, owners: dict[tuple[str, object], str]) -> Iterator[Problem]:
    name = str(path[-1])
    owner = owners.setdefault((port.vpc, port.mac), name)
    if owner != name and not c.is_broken((*path, "mac")):
        message = f"port '{owner}' of the same VPC has the MAC address {port.mac} too; each port needs its own"
        yield c.error((*path, "mac"), message)


def _ips(c: Checker, path: Path, port: VpcPort, owners: dict[tuple[str, object], str]) -> Iterator[Problem]:
    name = str(path[-1])
    own: set[IPv4Address] = set()
    first: tuple[IPv4Address, Subnet] | None = None
    for index, address in enumerate(port.ips):
        place = (*path, "ips", index)
        if c.is_broken(place):
            continue
        owner = owners.setdefault((port.vpc, address), name)
        if owner != name:
            yield c.error(
                place, f"port '{owner}' of the same VPC has the address {address} too; each port needs its own"
            )
        elif address in own:
            yield c.error(place, f"{address} is here twice; once is enough")
        own.add(address)
        subnet = c.network.subnet_of(port.vpc, address)
        yield from _address(c, place, port.vpc, address, subnet)
        if subnet is None:
            continue
        first = first or (address, subnet)
        if subnet is not first[1]:
            message = f"{address} is in subnet '{subnet.name}', but {first[0]} in '{first[1].name}'"
            yield c.error(place, f"{message}; the addresses of one port lie in one subnet")


def _address(c: Checker, path: Path, vpc: str, address: IPv4Address, subnet: Subnet | None) -> Iterator[Problem]:
    if subnet is None:
        if c.has_all_subnets(vpc):
            subnets = c.network.vpcs[vpc].subnets
            ranges = ", ".join(str(known.cidr) for known in islice(subnets.values(), _LISTED_RANGES))
            rest = ", ..." if len(subnets) > _LISTED_RANGES else ""
            known = f"; its subnets: {ranges}{rest}" if subnets else ", which has none"
            yield c.error(path, f"{address} is in no subnet of vpc '{vpc}'{known}")
    elif reason := special_in_subnet(address, subnet.cidr):
        yield c.error(path, f"{address} is {reason}; no port can have it")
    elif address == subnet.gateway and not c.is_broken(("vpcs", vpc, "subnets", subnet.name, "gateway")):
        yield c.error(path, f"{address} is the gateway of subnet '{subnet.name}'; no port can have it")
