"""What must hold on one host."""

from dataclasses import dataclass

from flows.model.objects.host import Encapsulation


@dataclass(frozen=True, slots=True)
class HostSettings:
    """The host contract with one host's values (docs/host-contract.md)."""

    datapath_id: int
    """Datapath id of the integration bridge: ``flows.model.contract.datapath_id(host)``."""
    controller: str
    """The OpenFlow target that the switch dials, for example ``tcp:169.254.0.1:6653``."""
    encapsulation: Encapsulation
    table_names: tuple[tuple[int, str], ...]
    """OpenFlow table number and name, for ``ovs-ofctl --names``; every other table loses its name."""
    physical: tuple[tuple[str, str], ...]
    """The physical networks that the host is connected to, each with the interface that leads there."""
    underlay_mtu: int
    """Bytes of the largest packet in the underlay."""
    instance_mtu: int
    """Bytes of the largest packet that an instance may send."""
    bound: frozenset[str] | None
    """The ``iface-id`` of each port that this host has; its interface is marked so in the host's database.

    None leaves the marks as they are: a controller that has just started learns from them who had a port first.
    """
