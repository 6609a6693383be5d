"""Peerings: what they connect."""

from collections.abc import Iterator

from flows.model.check.checker import Checker
from flows.model.file.source import Path
from flows.model.objects.peering import Peering
from flows.model.objects.vpc import NOTHING, Subnet
from flows.model.problem import Problem
from flows.model.ranges import Ranges


def peerings(c: Checker) -> Iterator[Problem]:
    at_subnet: dict[str, list[Peering]] = {}
    for name, peering in c.network.peerings.items():
        path = ("peerings", name)
        if name == NOTHING:
            message = f"no peering can be named '{NOTHING}': as a next hop that word drops packets; use another name"
            yield c.error(path, message, at_key=True)
        known = True
        for index, end in enumerate(peering.between):
            if end not in c.network.ends:
                known = False
                yield from _unknown_end(c, (*path, "between", index), end)
        if known:
            yield from _ends(c, (*path, "between"), peering)
            for end in set(peering.between):
                at_subnet.setdefault(end, []).append(peering)
    for end, of_one in at_subnet.items():
        yield from _two_peers(c, end, of_one)


def _unknown_end(c: Checker, path: Path, end: str) -> Iterator[Problem]:
    vpc, _, subnet = end.partition("/")
    if vpc not in c.network.vpcs:
        yield from c.unknown(path, "vpcs", vpc, c.network.vpcs)
    elif not c.may_exist(("vpcs", vpc, "subnets", subnet)):
        message = f"vpc '{vpc}' has no subnet '{subnet}'{c.hint(subnet, c.network.vpcs[vpc].subnets)}"
        yield c.error(path, message)


def _ends(c: Checker, path: Path, peering: Peering) -> Iterator[Problem]:
    (vpc, one), (other_vpc, two) = (c.network.ends[end] for end in peering.between)
    if one is two:
        yield c.error(path, f"both ends are {peering.between[0]}; a peering connects subnets of two VPCs")
    elif vpc is other_vpc:
        yield c.error(path, f"both ends are in vpc '{vpc.name}', whose subnets reach each other without a peering")
    elif one.cidr.overlaps(two.cidr):
        message = f"the ranges of its ends overlap: {one.cidr} and {two.cidr}"
        yield c.error(path, f"{message}; only subnets with different ranges can be peered")
    else:
        yield from _hidden(c, path, peering)


def _hidden(c: Checker, path: Path, peering: Peering) -> Iterator[Problem]:
    """An address of the VPC itself is never looked for at a peer, so no route can lead there."""
    for end, remote in (peering.between, peering.between[::-1]):
        (vpc, _), (_, subnet) = c.network.ends[end], c.network.ends[remote]
        own = c.network.ranges[vpc.name].overlapping(subnet.cidr)
        if own is not None and subnet.cidr.subnet_of(own.cidr):
            message = f"all of {subnet.cidr}, the range of {remote}, is {vpc.name}'s own, in subnet '{own.name}'"
            yield c.error(path, f"{message} ({own.cidr}); no route of {end} can lead there")


def _two_peers(c: Checker, end: str, at_end: list[Peering]) -> Iterator[Problem]:
    """A packet for an address that two peers have would have two routes."""
    remote = {peering.name: c.network.ends[peering.other(end)][1] for peering in at_end}
    for first, second in Ranges((remote[peering.name].cidr, peering) for peering in at_end).overlaps:
        path = ("peerings", second.name, "between")
        if set(first.between) == set(second.between):
            if end == min(first.between):
                yield c.error(path, f"peering '{first.name}' connects the same subnets; one peering is enough")
            continue
        yield c.error(
            path,
            f"{end} is peered with overlapping ranges: {remote[first.name].cidr} of {first.other(end)} by "
            f"'{first.name}' and {remote[second.name].cidr} of {second.other(end)} by this one; remove one of the two",
        )


def unused_peerings(c: Checker) -> Iterator[Problem]:
    """Peerings that no route uses. (Of one that is used on one side, the route says what the other side lacks.)"""
    used = {route.via for _, _, subnet in c.subnets() for route in subnet.routes}
    for name, peering in c.network.peerings.items():
        if name in used or not all(end in c.network.ends for end in peering.between):
            continue
        (_, one), (_, two) = (c.network.ends[end] for end in peering.between)
        first, second = peering.between
        yield c.warning(
            ("peerings", name),
            f"nothing passes this peering, because no route uses it; {to_add(first, one, two, name)}, "
            f"and {to_add(second, two, one, name)}",
            at_key=True,
        )


def to_add(end: str, subnet: Subnet, remote: Subnet, peering: str) -> str:
    """What to write so that a subnet has a route to another one."""
    route = f"{{to: {remote.cidr}, via: {peering}}}"
    return f"add to the routes of {end}: - {route}" if subnet.routes else f"add to {end}: routes: [{route}]"
