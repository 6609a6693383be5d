"""The names of network interfaces: by them the controller knows which port of a switch a cable is plugged into.

A machine's cable is named like its port, a link's end after both switches, a router's leg after the router and its
interface. No declared name has a dot, so that a name with one stands for something of ours. All are different even
when every switch lives in one namespace; :mod:`flows.model.check.switches` looks for the rest.
"""

import re
from hashlib import blake2b

from flows.model.contract import INTEGRATION_BRIDGE, PHYSICAL_BRIDGE

INTERFACE_NAME_LENGTH = 15
"""Linux: IFNAMSIZ less the closing zero."""

_DIGEST_LENGTH = 8

_TAKEN = frozenset(
    {INTEGRATION_BRIDGE, PHYSICAL_BRIDGE, "lo", "eth0", "mgmt0"}
    # Directories of /proc/sys/net that are no interface; Open vSwitch's own datapaths.
    | {"all", "default", "ovs-system", "ovs-netdev"}
    # Words that ovs-ofctl reads as a port number or as something else in place of a port.
    | {"local", "normal", "flood", "controller", "none", "any", "unset", "max", "drop", "table"}
)


def interface_name(name: str) -> str:
    """The interface name of a port, bridge or rack: its own where that can be one, else its start and a digest.

    It depends on no other name.
    """
    return name if can_be_interface(name) else shortened(name)


def link_end(link: str, switch: str, peer: str) -> str:
    """The interface at a switch's end of a link. A link that is not named after its switches is told apart by name."""
    is_plain = link in (f"{switch}-{peer}", f"{peer}-{switch}")
    return interface_name(f"{switch}.{peer}" if is_plain else f"{switch}.{link}")


def router_leg(router: str, interface: str) -> str:
    """The switch's end of a router's cable."""
    return interface_name(f"{router}.{interface}")


def can_be_interface(name: str) -> bool:
    """Whether a name can be used for an interface that this project names."""
    # A plain number would be taken for an OpenFlow port number.
    return len(name) <= INTERFACE_NAME_LENGTH and name not in _TAKEN and re.search("[a-z]", name) is not None


def shortened(name: str) -> str:
    """The start of a name and a digest of all of it."""
    # No declared name has a dot, so that a shortened name never equals a full one.
    digest = blake2b(name.encode(), digest_size=_DIGEST_LENGTH // 2).hexdigest()
    return f"{name[: INTERFACE_NAME_LENGTH - _DIGEST_LENGTH - 1]}.{digest}"
