"""The observed state of hosts and plain switches, as far as flows depend on it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface on a host's integration bridge that says which port it is (``external_ids:iface-id``)."""

    iface_id: str
    name: str
    """Its name on the bridge, as ``ovs-ofctl --names`` prints it."""
    ofport: int
    """Its OpenFlow port number; positive."""
    bound: bool
    """Whether this host was found to have the port before (a mark that the host's own database keeps)."""


@dataclass(frozen=True, slots=True)
class HostFacts:
    """One host's observed state. Two interfaces never have the same ``iface_id``: the one that had it before
    is taken, else the lowest name."""

    datapath_id: int
    datapath_type: str
    """``netdev`` (userspace) or ``system`` (kernel)."""
    tunnel_ofport: int | None
    """OpenFlow port number of the tunnel port; None until the switch has made it."""
    interfaces: frozenset[Interface]
    physical: frozenset[tuple[str, int]] = frozenset()
    """The physical networks that the bridge has a port to: (name, OpenFlow port number)."""


@dataclass(frozen=True, slots=True)
class Plug:
    """A port of a plain switch, as the switch itself describes it."""

    name: str
    """Of its interface."""
    ofport: int
    is_live: bool
    """Whether it is up and has a carrier."""


@dataclass(frozen=True, slots=True)
class SwitchFacts:
    """One plain switch's observed state."""

    plugs: frozenset[Plug]
