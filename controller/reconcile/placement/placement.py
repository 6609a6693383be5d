"""Where the ports are: what is plugged in on each host, by its database or as an earlier controller saw it."""

import logging
from collections.abc import Mapping

from controller.reconcile.nodes.host import Host
from controller.reconcile.nodes.plain_switches import STARTUP
from controller.status.lost import Lost
from controller.status.report import Report
from controller.store import Stored
from flows.compile.views import Views
from flows.inputs.facts import HostFacts
from flows.inputs.tags import Tags
from flows.model import AnyPort

_log = logging.getLogger(__name__)


class Placement:
    """The ports of all hosts, and by that what concerns each host. Times are seconds of one monotonic clock."""

    def __init__(self, report: Report, seen: Mapping[str, HostFacts], lost: Lost) -> None:
        """``seen``: what an earlier controller saw on each host; ``lost``: the ports that were plugged in then."""
        self.views = Views()
        self.is_behind = False
        """Whether events came of which it was not yet found out what follows from them."""
        self._report = report
        self._lost = lost
        self._remembered = dict(seen)
        """What an earlier controller saw; empty once every host had its time to answer."""
        self._started: float | None = None
        self._ports: Mapping[str, AnyPort] = {}
        self._host_ports: Mapping[str, AnyPort] = {}

    def set_model(self, stored: Stored, tags: Tags, hosts: Mapping[str, Host], now: float) -> None:
        """The model is another one, with these hosts."""
        self._started = now if self._started is None else self._started
        self._ports, self._host_ports = stored.network.ports, stored.network.host_ports
        for name in self._remembered.keys() & hosts.keys():
            if hosts[name].facts is None:
                # A next controller needs it too, should this one end before it knows better.
                self._report.observed(name, self._remembered[name])
        self._lost.keep(self._ports)
        self.views.set_model(stored.network, tags, stored.changed)
        self.is_behind = True

    def set_tags(self, tags: Tags) -> None:
        """Segments have other VLANs."""
        self.views.set_tags(tags)
        self.is_behind = True

    def facts_changed(self, host: Host, facts: HostFacts | None) -> None:
        """A host's database shows this. None: it cannot be reached."""
        self._report.touch(host.name)
        if facts is None:
            _log.warning("%s: database: out of reach; its switch keeps forwarding with the flows it has", host.name)
            host.has_database = False
            host.confirm(host.wanted_generation)  # its switch cannot be asked to identify itself
            return
        if not host.has_database:
            _log.info("%s: database: connected", host.name)
        host.has_database = True
        if facts != host.facts:
            self._observe(host, facts)

    def recall(self, hosts: Mapping[str, Host], now: float) -> None:
        """Of a host whose database never answered, what an earlier controller saw there holds until it does."""
        if self._started is None or now - self._started <= STARTUP:
            return
        remembered, self._remembered = self._remembered, {}
        for name in remembered.keys() & hosts.keys():
            if hosts[name].facts is None:
                _log.warning("%s: database: no answer; the controller goes by what it last saw there", name)
                self._observe(hosts[name], remembered[name])

    def knows_enough(self, hosts: Mapping[str, Host], now: float) -> bool:
        """Whether flows may be removed or mean less: not while a port may be on a host that was not heard of yet."""
        if self._started is None or self.is_behind:
            return False
        if all(host.facts is not None for host in hosts.values()) or now - self._started > STARTUP:
            return True
        return all(name in self.views.locations.hosts for name in self._host_ports)

    def tell_refused(self) -> None:
        """Say which hosts claim a port that is on another one."""
        for port, claimant in sorted(self.views.take_refused()):
            owner = self.views.locations.hosts[port]
            _log.warning("%s: claim: port %s is refused: it is on %s", claimant, port, owner)

    def report_moved(self, hosts: Mapping[str, Host]) -> set[str]:
        """Report which ports are on which host now, and which are on none. Returns the hosts that have others."""
        moved = set(self.views.take_moved())
        for name in moved & hosts.keys():
            self._report.placed(name, self.views.located(name))
        for name in self._lost.take_changed() & hosts.keys():
            self._report.lost(name, self._lost.at(name))
        return moved

    def _observe(self, host: Host, facts: HostFacts) -> None:
        before = frozenset() if host.facts is None else host.facts.interfaces
        gone = {interface.iface_id for interface in before - facts.interfaces}
        come = {interface.iface_id for interface in facts.interfaces - before}
        self._lost.observed(host.name, gone, come, self._ports)
        host.facts = facts
        self.is_behind = True
        self.views.set_facts(host.name, facts)
        self._report.observed(host.name, facts)
