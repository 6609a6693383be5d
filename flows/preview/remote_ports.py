"""What ports on other hosts are to a host, before a change and after it.

That depends on the port and on the presence of its VPC on the host (:class:`flows.units.host.VpcPresence`),
which most hosts have in common. So it is found once for all of them.
"""

from collections.abc import Iterable, Mapping, Set

from flows.compile.program import applications
from flows.inputs.locate import places
from flows.pipeline.rules import Application
from flows.preview.affected import Affected, LocatedNetwork
from flows.units.host import HostVpcs, Unit, VpcPresence

_Presence = tuple[VpcPresence | None, int | None]
"""A VPC's presence on a host, and the OpenFlow port of the host's tunnels."""
_Change = tuple[tuple[Application, ...], tuple[Application, ...]]
"""What goes, and what comes."""


class RemotePorts:
    """What ports on other hosts are to each host."""

    def __init__(self, affected: Affected, old: LocatedNetwork, new: LocatedNetwork) -> None:
        before, after = affected.here
        self._old, self._new = _Side(old, before), _Side(new, after)
        self._known: dict[tuple[_Presence | None, _Presence | None], dict[str, _Change]] = {}
        """By the presences before and after: what each port changes."""

    def change(self, host: str, names: Iterable[str]) -> tuple[list[Application], list[Application]]:
        """What goes, and what comes, by some ports that the host has neither before nor after."""
        old, new = self._old.vpcs(host), self._new.vpcs(host)
        of_vpcs: dict[tuple[str | None, str | None], dict[str, _Change]] = {}
        gone, come = list[Application](), list[Application]()
        for name in names:
            vpcs = self._old.vpc_of(name), self._new.vpc_of(name)
            if vpcs not in of_vpcs:
                presences = self._old.presence(host, old, vpcs[0]), self._new.presence(host, new, vpcs[1])
                of_vpcs[vpcs] = self._known.setdefault(presences, {})
            known = of_vpcs[vpcs]
            if name not in known:
                before, after = self._old.units(old, name), self._new.units(new, name)
                known[name] = _compiled(before - after), _compiled(after - before)
            less, more = known[name]
            gone += less
            come += more
        return gone, come


class _Side:
    """The network before the change, or after it."""

    def __init__(self, placed: LocatedNetwork, here: Mapping[str, Set[str]]) -> None:
        """``here``: the VPCs that have a port plugged in on each host."""
        self._placed = placed
        self._here = here
        self._ports = placed.network.vpc_ports

    def vpc_of(self, name: str) -> str | None:
        """The VPC of a port; None: it is no port of any."""
        return self._ports[name].vpc if name in self._ports else None

    def vpcs(self, host: str) -> HostVpcs | None:
        """What a host needs of VPCs; None: it is not there."""
        if not self._placed.has(host):
            return None
        network, tags, facts = self._placed.network, self._placed.tags, self._placed.facts[host]
        return HostVpcs(network, tags, facts, host, self._here.get(host, frozenset()))

    def presence(self, host: str, vpcs: HostVpcs | None, vpc: str | None) -> _Presence | None:
        """What the units of a VPC's ports on other hosts depend on, but for the ports."""
        if vpcs is None or vpc is None:
            return None
        return vpcs.presences.get(vpc), self._placed.facts[host].tunnel_ofport

    def units(self, vpcs: HostVpcs | None, name: str) -> frozenset[Unit]:
        """What a port is to a host that has it not."""
        port = self._ports.get(name)
        if vpcs is None or port is None:
            return frozenset()
        return frozenset(vpcs.of_port(port, places(port, self._placed.locations.hosts.get(name)), None))


def _compiled(units: Iterable[Unit]) -> tuple[Application, ...]:
    return tuple(one for unit in units for one in applications(unit))
