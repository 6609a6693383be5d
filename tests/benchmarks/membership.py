"""Who is in a security group changes: what that costs on ten hosts, of ovs-vpc and of OVN.

One group whose members accept 20 services of each other. 1,000 ports are in it, 100 of each host; others come one by
one; at last 2,000 leave it at once. Like in the other measurements of control planes, datapaths are dummies.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

from flows.model import parse
from tests.benchmarks import planes
from tests.benchmarks.hosts import Hosts
from tests.benchmarks.networks import BenchNetwork
from tests.benchmarks.ours import Ours
from tests.benchmarks.ovn_acls import group_words
from tests.benchmarks.planes import Plane
from tests.benchmarks.watching import settle, until

MEMBERS, MANY = 1_000, 2_000
_RULES = 20
_FIRST_PORT = 8_000
_GROUP = "web"


@dataclass(frozen=True)
class GroupNetwork(BenchNetwork):
    """A network whose first ports are in a security group, without which it is no other; None: there is no group."""

    members: int | None = None

    def with_members(self, members: int) -> Self:
        """The same with so many members."""
        return replace(self, members=members)

    def yaml(self) -> str:
        text = super().yaml()
        if self.members is None:
            return text
        before, ports, after = text.partition("ports:\n")
        rules = [f"      - {{from: {_GROUP}, tcp: {number}}}\n" for number in range(_FIRST_PORT, _FIRST_PORT + _RULES)]
        for port in self.all_ports()[: self.members]:
            after = after.replace(f"  {port.name}: {{", f"  {port.name}: {{groups: [{_GROUP}], ", 1)
        return f"{before}security_groups:\n  {_GROUP}:\n    vpc: v0\n    in:\n{''.join(rules)}{ports}{after}"


_ADDS = 3
_NETWORK = GroupNetwork(ports=MEMBERS + 2 * _ADDS + 1, subnets=1)


@dataclass(frozen=True)
class Membership:
    """What was measured of one control plane from its start.

    ``flows`` and ``all_flows``: the most of one host, those that came with the group, and all. ``adds``: milliseconds
    until a command that adds a member ended, all hosts having confirmed; ``cpu``: of the control plane's processes
    meanwhile. ``changes``: flows that one more member added, changed and deleted in all.

    Of ovs-vpc alone: ``programs`` is ``adds`` by a program. ``leave``: seconds until all hosts have confirmed that all
    members are out, and CPU of the control plane meanwhile. OVN needs minutes until a group has as many members.
    """

    flows: int
    all_flows: int
    adds: list[float]
    programs: list[float]
    cpu: list[float]
    changes: list[int]
    leave: tuple[float, float] | None


def measure(make: Callable[[Hosts], Plane]) -> Membership:
    """Load the network, make the group, add members, and take all away."""
    with planes.plane(make, _NETWORK, extra=MANY - _NETWORK.ports) as plane:
        planes.load(plane, _NETWORK)
        before = _flows(plane)
        _make_group(plane, _NETWORK.with_members(MEMBERS))
        after = _flows(plane)
        flows = max(after[host] - before[host] for host in after)
        adds, cpu, changes = _add(plane)
        programs = _add_by_program(plane) if isinstance(plane, Ours) else []
        leave = _leave(plane) if isinstance(plane, Ours) else None
        return Membership(flows, max(after.values()), adds, programs, cpu, changes, leave)


def _flows(plane: Plane) -> dict[str, int]:
    return {host: plane.hosts.flows(host) for host in plane.hosts.switches}


def _make_group(plane: Plane, network: GroupNetwork) -> None:
    if isinstance(plane, Ours):
        plane.apply(network)
    else:
        plane.change(*group_words(parse(network.yaml(), "network.yaml")[0]))


def _add(plane: Plane) -> tuple[list[float], list[float], list[int]]:
    """Give the group some more members, one after the other, by commands."""
    watches = plane.hosts.watch().values()
    adds, cpu, changes = [], [], []
    try:
        for members in range(MEMBERS + 1, MEMBERS + _ADDS + 1):
            settle(watches, time.monotonic())
            start, used = time.monotonic(), planes.cpu(plane.pids)
            ran = _one_more(plane, members)
            cpu.append((planes.cpu(plane.pids) - used) * 1e3)
            adds.append(ran * 1e3)
            settle(watches, time.monotonic())
            changes.append(sum(len(watch.events(start)) for watch in watches))
    finally:
        for watch in watches:
            watch.stop()
    return adds, cpu, changes


def _one_more(plane: Plane, members: int) -> float:
    if isinstance(plane, Ours):
        return plane.apply(_NETWORK.with_members(members)).seconds
    port = _NETWORK.port(members - 1).name
    chosen = ("--id=@port", "get", "Logical_Switch_Port", port, "_uuid")
    return plane.change("--", *chosen, "--", "add", "Port_Group", _GROUP, "ports", "@port").seconds


def _add_by_program(plane: Ours) -> list[float]:
    """The same by a program."""
    first = MEMBERS + _ADDS
    # The first only makes the program know the network.
    more = range(first, first + _ADDS + 1)
    _, *adds = [plane.by_program(_NETWORK.with_members(members))() * 1e3 for members in more]
    return adds


def _leave(plane: Ours) -> tuple[float, float]:
    """Make it the group of all ports, and take all out in one change: seconds until all hosts confirmed it, and CPU."""
    network = _NETWORK.with_ports(MANY).with_members(MANY)
    plane.by_program(network)()
    until(lambda: plane.are_bound(MANY + len(plane.hosts.switches)), "all ports to be bound", 600, 0.05)
    leave, used = plane.by_program(network.with_members(0)), planes.cpu(plane.pids)
    return leave(), planes.cpu(plane.pids) - used
