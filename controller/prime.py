"""Keeps the way between hosts known, so that no packet of an instance is spent on finding it.

Open vSwitch's userspace datapath drops the packet that makes it ask for a tunnel neighbour's MAC address, and
forgets the answer after 15 idle minutes. So the controller sends a small frame of its own to every host that a
switch is about to send to, waits a moment before it adds the flows, and repeats the frame from time to time. The
kernel datapath queues such packets and needs none of this.
"""

from collections.abc import Set
from ipaddress import IPv4Address

from controller.switch.sessions import Session
from flows.facts import HostFacts
from flows.fields import ETH_TYPE_EXPERIMENTAL
from flows.model import GATEWAY_MAC

SETTLE = 0.1
"""Seconds from the first frame to a host until flows may send there: far more than one ARP exchange takes."""
REPEAT = 10.0
"""Seconds between two frames to the same host: far less than Open vSwitch remembers (15 minutes)."""

_MAC = bytes.fromhex(GATEWAY_MAC.replace(":", ""))
FRAME = (_MAC + _MAC + ETH_TYPE_EXPERIMENTAL.to_bytes(2)).ljust(60, b"\0")


class Primer:
    """The tunnel neighbours of one switch. Times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._known: Set[IPv4Address] = frozenset()
        self._next = 0.0
        self.ready_at = 0.0
        """When flows to all neighbours may be added."""

    def forget(self) -> None:
        """The switch is a new one, or back after a restart: it knows nothing."""
        self._known = frozenset()

    def prime(self, session: Session, facts: HostFacts, hosts: Set[IPv4Address], now: float) -> None:
        """Send to neighbours that are new, and to all of them when it is time again."""
        if facts.datapath_type != "netdev" or facts.tunnel_ofport is None:
            return
        new = hosts - self._known
        due = hosts if now >= self._next else new
        if due:
            session.send_by_tunnel(FRAME, sorted(due), facts.tunnel_ofport)
        if due is hosts:
            self._next = now + REPEAT
        if new:
            self.ready_at = now + SETTLE
        self._known = frozenset(hosts)
