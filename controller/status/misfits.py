"""Interfaces and ports that do not fit together, out of the model and what the controller reported."""

from collections.abc import Iterator
from dataclasses import dataclass

from controller.status.status import HostStatus, NodeStatus, Status, SwitchStatus
from flows.model import Network
from flows.model.contract import INTEGRATION_BRIDGE
from flows.model.interfaces import interface_name
from flows.model.problem import did_you_mean, listed, shown

_EXPLAINED = 20
"""How many interfaces of no port are told one by one: looking for the name that was meant takes time."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """One thing that does not fit."""

    place: str | None
    """The host or plain switch that it is on; None: on none."""
    what: str
    mend: str
    """What helps, as a command where there is one."""
    is_wrong: bool
    """Whether something that should work does not. Else it may be meant so, or be about to change."""

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place is not None else ""
        return f"{where}{self.what}; {self.mend}"


def misfits(network: Network, reported: Status) -> list[Misfit]:
    """All of them. ``reported``: the controller's status."""
    seen = _Seen(network, reported)
    return [*seen.refused(), *seen.lost(), *seen.unknown(), *seen.unplugged()]


def unplugged(network: Network, reported: Status) -> dict[str, str]:
    """The ports that are not plugged in anywhere and should be, each with the host or plain switch where."""
    return _Seen(network, reported).missing()


class _Seen:
    def __init__(self, network: Network, reported: Status) -> None:
        self._network = network
        self._hosts = {name: known for name, known in reported.hosts.items() if name in network.hosts}
        self._switches = {name: known for name, known in reported.switches.items() if name in network.switches}
        self._located = reported.ports
        self._nodes: list[tuple[str, NodeStatus]] = [*self._hosts.items(), *self._switches.items()]
        self._plugged = {port for _, known in self._nodes for port, _, _ in known.interfaces}

    def refused(self) -> Iterator[Misfit]:
        """Interfaces that say they are a port which is somewhere else."""
        for host, known in self._hosts.items():
            for name, interface, _ in known.interfaces:
                port = self._network.ports.get(name)
                at = self._located.get(name)
                if port is None or at is None or (name in self._network.host_ports and host in (at, port.moving_to)):
                    continue
                where = f"plain switch {at}" if name in self._network.switch_ports else at
                mend = f"take it off: ovs-vsctl del-port {INTEGRATION_BRIDGE} {interface}"
                if name in self._network.host_ports:
                    mend += f", or move the port here: ovs-vpc migrate {name} {host}"
                what = f"interface {interface} says that it is port {name}, which is on {where}: it gets nothing"
                yield Misfit(host, what, mend, is_wrong=True)

    def unknown(self) -> Iterator[Misfit]:
        """Interfaces that say they are a port which the model does not have."""
        explained = 0
        for host, known in self._hosts.items():
            strange = [(i, name) for name, i, _ in known.interfaces if name not in self._network.ports]
            for interface, name in strange[: max(0, _EXPLAINED - explained)]:
                meant = did_you_mean(name, list(self._network.host_ports))
                what = f"interface {interface} says that it is port {shown(name)}, which the model does not have{meant}"
                mend = f"declare the port, or ovs-vsctl set Interface {interface} external_ids:iface-id=PORT"
                yield Misfit(host, what, mend, is_wrong=False)
            more = strange[max(0, _EXPLAINED - explained) :]
            explained += len(strange)
            if more:
                what = f"{len(more)} interfaces say that they are ports which the model does not have"
                names = listed([interface for interface, _ in more])
                yield Misfit(
                    host, f"{what}: {names}", "declare the ports, or set external_ids:iface-id", is_wrong=False
                )

    def lost(self) -> Iterator[Misfit]:
        """Ports that were plugged in, and are not plugged in anywhere now."""
        for place, ports in self._lost().items():
            what = f"plugged in here before, but not plugged in anywhere now: {listed(ports)}"
            yield Misfit(place, what, _plug(ports[0], place, self._network), is_wrong=True)

    def unplugged(self) -> Iterator[Misfit]:
        """Ports that nobody has plugged in yet."""
        lost = {port for ports in self._lost().values() for port in ports}
        waiting: dict[str | None, list[str]] = {}
        for name in self._network.ports:
            if name not in self._plugged and name not in lost:
                place = self._located.get(name)
                if place is None or self._is_known(name, place):
                    waiting.setdefault(place, []).append(name)
        for place, ports in waiting.items():
            what = f"not plugged in yet: {listed(ports)}"
            yield Misfit(place, what, _plug(ports[0], place, self._network), is_wrong=False)

    def missing(self) -> dict[str, str]:
        """Ports that have a place, or were at one, and are not plugged in anywhere."""
        lost = {port: place for place, ports in self._lost().items() for port in ports}
        declared = {
            name: place
            for name in self._network.ports
            if name not in self._plugged and (place := self._located.get(name)) is not None
        }
        return declared | lost

    def _lost(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for place, known in self._nodes:
            ports = [name for name in known.lost if name in self._network.ports]
            gone = [name for name in ports if name not in self._plugged and self._is_known(name, place)]
            if gone:
                found.setdefault(place, []).extend(gone)
        return found

    def _is_known(self, port: str, place: str) -> bool:
        """Whether the controller sees now what is plugged in at the place of a port."""
        if port in self._network.switch_ports:
            return self._switches.get(place, SwitchStatus()).switch
        return self._hosts.get(place, HostStatus()).database


def _plug(port: str, place: str | None, network: Network) -> str:
    if port in network.switch_ports:
        return f"plug it in: its interface on the switch is named {interface_name(port)}"
    add = f"ovs-vsctl add-port {INTEGRATION_BRIDGE} INTERFACE -- set Interface INTERFACE external_ids:iface-id={port}"
    return f"plug it in: {add}" + (f" (in a lab: ovs-vpc migrate {port} {place})" if place is not None else "")
