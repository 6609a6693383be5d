"""The only place with rates: how much each port may take of what all share, the controller and the connection table.

One meter for each port and kind: a port that floods takes nothing from others, nor one kind from another. What is more
is dropped by the switch, and counted (``ovs-vpc status``).
"""

from dataclasses import dataclass

from flows.openflow.groups_and_meters import MeterEntry
from flows.pipeline import numbers
from flows.pipeline.numbers import Numbers


@dataclass(frozen=True, slots=True)
class Limit:
    """A rate, for each port by itself."""

    meters: Numbers
    """Their numbers: each follows from its port's."""
    rate: int
    """Packets per second."""
    burst: int
    """Packets at once after a pause."""

    def of(self, ofport: int) -> MeterEntry:
        """The meter of a port."""
        return MeterEntry(self.meters.of(ofport), "packets", self.rate, self.burst)


ICMP_ERRORS = Limit(numbers.ICMP_ERRORS, 100, 100)
"""What is answered with an ICMP error (RFC 1812, 4.3.2.8). A traceroute sends 16 packets at once."""
ARRIVALS = Limit(numbers.ARRIVALS, 10, 10)
"""What shows that a port has moved: the first packet is enough."""
NEW_CONNECTIONS = Limit(numbers.NEW_CONNECTIONS, 10_000, 10_000)
"""New connections of a port with security groups: more than the userspace datapath can take in of one instance. Of the
3,000,000 that it keeps, an instance that is never answered has 600,000 at most (30 s for TCP, 60 s for UDP)."""
REFUSALS = Limit(numbers.REFUSALS, 5, 5)
"""Of what security groups refuse, as much as is logged: enough to see who tries what, too little to fill a disk."""
