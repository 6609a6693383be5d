"""What the controller and every host agree on: names, numbers, and who owns what (docs/host-contract.md)."""

from hashlib import blake2b

INTEGRATION_BRIDGE = "br-int"
"""The bridge that instances and tunnels are on. The controller makes it and owns all of it."""

PHYSICAL_BRIDGE = "br-phy"
"""The bridge that holds the host's NIC and its tunnel address. The host's owner makes it; it switches normally."""

TUNNEL_OFPORT = 65000
"""OpenFlow port number of the tunnel port: the same on every host, far above those that instances get."""

OPENFLOW_PORT = 6653
"""TCP port of the controller (IANA: openflow)."""

OVSDB_PORT = 6640
"""TCP port of each host's ovsdb-server (RFC 7047)."""


def datapath_id(host: str) -> int:
    """The fixed datapath id of a host's integration bridge: 56 bits of its name's digest, never 0."""
    return int.from_bytes(blake2b(host.encode(), digest_size=7).digest()) | 1


def tunnel_port(encapsulation: str) -> str:
    """The name of the tunnel port of an encapsulation, as ``ovs-ofctl --names`` prints it."""
    return f"tun-{encapsulation}"
