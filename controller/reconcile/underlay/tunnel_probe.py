"""Verifies the path to other hosts before instances use it (``path_monitor.py`` watches it from then on).

A flow that sends to a host for the first time waits until a probe, a frame of the controller's own, has come through
the tunnel to it. The receiving switch passes it up: then routes, neighbours, tunnel ports and keys work. Open vSwitch's
userspace datapath needs this for another reason too. It drops the packet that makes it ask for a tunnel neighbour's MAC
address, and forgets the answer after 15 idle minutes. So there a small frame follows from time to time.
"""

from collections.abc import Set
from ipaddress import IPv4Address

from controller.openflow.sessions import Session
from controller.reconcile.packetin.probe_frame import keepalive, probe
from flows.inputs.facts import HostFacts

TRY_EVERY = 0.05
"""Seconds between two probes of a path."""
PATIENCE = 1.0
"""Seconds after which flows no longer wait for a path to be verified."""
REPEAT = 10.0
"""Seconds between two frames to a known host: far less than Open vSwitch remembers (15 minutes)."""
REMEMBER = 600.0
"""Seconds for which a path that is not used any more counts as verified: less than Open vSwitch remembers."""


class TunnelProber:
    """The paths from one switch to the hosts that it sends to. Times are seconds of one monotonic clock."""

    def __init__(self, datapath_id: int) -> None:
        self._keepalive = keepalive(datapath_id)
        self._probe_frame = probe(datapath_id)
        self._verified: dict[IPv4Address, float] = {}
        """The hosts to which a frame has come through, and when the switch was last known to send to each."""
        self._since: dict[IPv4Address, float] = {}
        self._at_rest: Set[IPv4Address] | None = None
        """The hosts of which none is waited for: the paths to them are verified, or their time is over."""
        self._late: list[IPv4Address] = []
        """Those of them whose time was over first."""
        self._next_try = 0.0
        self._next_keepalive = 0.0

    def forget(self) -> None:
        """The switch is a new one, or back after a restart: it knows nothing."""
        self._verified.clear()
        self._since.clear()
        self._at_rest = None

    def verified(self, neighbour: IPv4Address) -> None:
        """A frame has come through to a neighbour."""
        if neighbour in self._since:
            if neighbour not in self._verified:
                self._at_rest = None
            self._verified[neighbour] = self._since[neighbour]

    def is_ready(self, hosts: Set[IPv4Address], now: float) -> bool:
        """Whether flows that send to these hosts may be added: the paths are verified, or their time is over.

        The hosts are the same set as long as it is the same object, here and below.
        """
        if hosts is self._at_rest:
            return True
        return all(host in self._verified or now - self._since.get(host, now) > PATIENCE for host in hosts)

    def unverified(self, hosts: Set[IPv4Address], now: float) -> list[IPv4Address]:
        """The hosts to which no frame has come through in time."""
        if hosts is self._at_rest:
            return self._late
        return [host for host in sorted(hosts - self._verified.keys()) if now - self._since.get(host, now) > PATIENCE]

    def run(self, session: Session, facts: HostFacts, hosts: Set[IPv4Address], now: float) -> None:
        """Send what is due to the hosts that the switch sends to."""
        if facts.tunnel_ofport is None or (hosts is self._at_rest and now < self._next_keepalive):
            return
        self._at_rest = None
        self._verified.update(dict.fromkeys(self._verified.keys() & hosts, now))
        self._verified = {host: used for host, used in self._verified.items() if now - used <= REMEMBER}
        self._since = {host: self._since.get(host, now) for host in hosts}
        self._late = self.unverified(hosts, now)
        waiting = hosts - self._verified.keys() - set(self._late)
        self._at_rest = None if waiting else hosts
        if waiting and now >= self._next_try:
            self._next_try = now + TRY_EVERY
            session.send_by_tunnel(self._probe_frame, sorted(waiting), facts.tunnel_ofport)
        if now >= self._next_keepalive:
            self._next_keepalive = now + REPEAT
            known = sorted(self._verified.keys() & hosts)
            if facts.datapath_type == "netdev" and known:
                session.send_by_tunnel(self._keepalive, known, facts.tunnel_ofport)
