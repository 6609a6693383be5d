"""What a subject adds to what a host needs, declared: the functions that make its units, and what these depend on."""

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass

from flows.inputs.facts import Interface
from flows.model import Host, SegmentPort, VpcPort
from flows.units.context import HostContext, SegmentPresence
from flows.units.unit import Unit

Places = tuple[str, ...]
"""The hosts that get what is sent to a port: where it is, then where it is announced to move to."""
Plugged = Interface | None
"""The interface that a port has on a host; None: it is not plugged in there, or is another host's."""
LocalPorts = Sequence[tuple[SegmentPort, Interface]]
"""The ports of a segment that are plugged in on a host, each with its interface there."""


@dataclass(frozen=True)
class Subject:
    """The units of one subject. Each function is one *source*: what it makes is kept until what it reads is another.

    The controller and a preview both follow this declaration, so that a preview never forgets what the controller
    would do. A section of the network file that no subject declares is taken to matter everywhere.
    """

    units: tuple[type[Unit], ...]
    """What its functions make."""
    sections: Set[str]
    """The sections of the network file, beside ``ports``, that its functions read. When one is another, what they make
    for hosts and segments is made anew. Ports follow the presence of their VPC or segment."""
    port_sections: Set[str] = frozenset()
    """Those that functions for ports read beside that: when one is another, everything is made anew."""
    of_host: Callable[[HostContext], Iterable[Unit]] | None = None
    """What a host needs by itself. Made anew also when its facts, its numbers, or the VPCs and segments on it are
    others."""
    of_other_host: Callable[[HostContext, Host], Iterable[Unit]] | None = None
    """What another host of the model is to a host. Made anew when that host, or the host's tunnel port, is another."""
    of_vpc_port: Callable[[HostContext, VpcPort, Places, Plugged], Iterable[Unit]] | None = None
    """What a port of a VPC is to a host with a presence of that VPC (:class:`~flows.units.context.VpcPresence`).

    Made anew when the port, its places, its interface on the host, or that presence is another. For a port that is
    elsewhere it is made once for all hosts with the same presence: it must not ask which host that is.
    """
    of_segment: Callable[[HostContext, SegmentPresence, LocalPorts, Set[str]], Iterable[Unit]] | None = None
    """What a segment is to a host that has ports of it, with these ports and all hosts that have any. Made anew also
    when one of these is another."""
    of_segment_port: Callable[[HostContext, SegmentPort, Places, Plugged], Iterable[Unit]] | None = None
    """As ``of_vpc_port``, for a port of segments."""
