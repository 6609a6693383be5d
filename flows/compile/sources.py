"""The units that each source of a host makes, by what the features declare: the host itself, each other host, each
segment and each port."""

from collections.abc import Iterable, Set

from flows.features import FEATURES
from flows.model import Host, Network, SegmentPort, VpcPort
from flows.units.context import HostContext, SegmentPresence
from flows.units.subject import LocalPorts, Places, Plugged
from flows.units.unit import Unit

SUBJECTS = tuple(subject for feature in FEATURES for subject in feature.units)

_OF_HOST = tuple(subject.of_host for subject in SUBJECTS if subject.of_host)
_OF_OTHER_HOST = tuple(subject.of_other_host for subject in SUBJECTS if subject.of_other_host)
_OF_SEGMENT = tuple(subject.of_segment for subject in SUBJECTS if subject.of_segment)
_OF_VPC_PORT = tuple(subject.of_vpc_port for subject in SUBJECTS if subject.of_vpc_port)
_OF_SEGMENT_PORT = tuple(subject.of_segment_port for subject in SUBJECTS if subject.of_segment_port)

_DECLARED = {"ports"}.union(*(subject.sections | subject.port_sections for subject in SUBJECTS))
_EVERYWHERE = (Network.model_fields.keys() - _DECLARED).union(*(subject.port_sections for subject in SUBJECTS))

VPC_PORTS_SHARE = any(not kind.owns_flows for subject in SUBJECTS if subject.of_vpc_port for kind in subject.units)
"""Whether units of several ports of VPCs on one host may want the same flow."""


def matters_everywhere(sections: Iterable[str]) -> bool:
    """Whether everything is made anew when these sections of the network file are others.

    Ports read one of them directly, or no subject has declared that it reads it.
    """
    return not _EVERYWHERE.isdisjoint(sections)


def units_of_host(here: HostContext) -> tuple[Unit, ...]:
    """What a host needs by itself."""
    return tuple(unit for make in _OF_HOST for unit in make(here))


def units_of_other_host(here: HostContext, other: Host) -> tuple[Unit, ...]:
    """What another host of the model is to a host."""
    return tuple(unit for make in _OF_OTHER_HOST for unit in make(here, other))


def units_of_segment(
    here: HostContext, presence: SegmentPresence, ports: LocalPorts, hosts: Set[str]
) -> tuple[Unit, ...]:
    """What a segment is to a host. ``ports``: those that are plugged in there; ``hosts``: all that have any."""
    return tuple(unit for make in _OF_SEGMENT for unit in make(here, presence, ports, hosts))


def units_of_port(
    here: HostContext, port: VpcPort | SegmentPort, places: Places, interface: Plugged
) -> tuple[Unit, ...]:
    """What a port is to a host. ``places``: its hosts; ``interface``: the one that it has here, if it is here."""
    if isinstance(port, SegmentPort):
        return tuple(unit for make in _OF_SEGMENT_PORT for unit in make(here, port, places, interface))
    if port.vpc not in here.vpcs:
        return ()
    return tuple(unit for make in _OF_VPC_PORT for unit in make(here, port, places, interface))
