"""What must hold in each host's own database: the settings that the OVSDB sessions keep there."""

from collections.abc import Callable, Mapping, Set

from controller.ovsdb import HostSettings
from flows.model import Network
from flows.model.contract import datapath_id
from flows.pipeline.page import NAMES

SetHosts = Callable[[Mapping[str, tuple[str, HostSettings]]], None]
Bound = Callable[[str], frozenset[str] | None]
"""The ports that are on a host and plugged in there; None while nothing is known of the host."""

_TABLES = tuple(NAMES.items())


class Contracts:
    """The settings of all hosts. Those of a host without a change are kept as they are."""

    def __init__(self, set_hosts: SetHosts, ovsdb_target: str, openflow_target: str) -> None:
        """``ovsdb_target``: how to reach a host's database, with ``{name}`` and ``{ip}`` to be filled in."""
        self._set_hosts = set_hosts
        self._ovsdb_target = ovsdb_target
        self._openflow_target = openflow_target
        self._network = Network()
        self._settings: dict[str, tuple[str, HostSettings]] = {}
        self._moved: set[str] = set()
        """The hosts whose ports differ from their settings."""

    def moved(self, hosts: Set[str]) -> None:
        """Note hosts whose ports have changed."""
        self._moved |= hosts

    def tell(self, network: Network, bound: Bound) -> None:
        """Hand changed settings to the sessions."""
        before, self._network = self._network, network
        moved: Set[str]
        moved, self._moved = self._moved, set()
        told = (before.encapsulation, before.underlay) == (network.encapsulation, network.underlay)
        if before.hosts is not network.hosts or not told:
            self._settings, moved = {}, network.hosts.keys()
        elif not moved:
            return
        settings = {name: self._of(name, bound(name)) for name in moved if name in network.hosts}
        self._settings = {**self._settings, **settings}
        self._set_hosts(self._settings)

    def _of(self, name: str, bound: frozenset[str] | None) -> tuple[str, HostSettings]:
        host = self._network.hosts[name]
        settings = HostSettings(
            datapath_id=datapath_id(name),
            controller=self._openflow_target,
            encapsulation=self._network.encapsulation,
            table_names=_TABLES,
            physical=tuple(host.physical.items()),
            underlay_mtu=self._network.underlay.mtu,
            instance_mtu=self._network.instance_mtu,
            bound=bound,
        )
        return self._ovsdb_target.format(name=name, ip=host.tunnel_ip), settings
