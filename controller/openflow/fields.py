"""Fields as os-ken knows them. Those that it does not know are taught to it, where it keeps all others.

The numbers are those of Open vSwitch's include/openvswitch/meta-flow.h (2.8 to 3.1).
"""

from typing import Any

from os_ken.lib import type_desc
from os_ken.ofproto import ofproto_v1_4 as ofp
from os_ken.ofproto import oxm_fields

from flows.openflow.fields import VLAN, VLAN_TCI, Field, show

_LACKING = (
    ("ct_nw_proto", 119, type_desc.Int1),
    ("ct_nw_src", 120, type_desc.IPv4Addr),
    ("ct_nw_dst", 121, type_desc.IPv4Addr),
    ("ct_ipv6_src", 122, type_desc.IPv6Addr),
    ("ct_ipv6_dst", 123, type_desc.IPv6Addr),
    ("ct_tp_src", 124, type_desc.Int2),
    ("ct_tp_dst", 125, type_desc.Int2),
)
"""Name, number and type of each."""


def _teach() -> None:
    known: list[Any] = ofp.oxm_types
    known += [oxm_fields.NiciraExtended1(name, number, kind) for name, number, kind in _LACKING]
    oxm_fields.generate(ofp.__name__)


_teach()
_NAMES = {kind.name for kind in ofp.oxm_types}


def as_user(field: Field, value: int) -> Any:
    """A value as os-ken wants it: addresses as text."""
    return show(field, value) if field.kind in ("ipv4", "ipv6", "mac") else value


def header(field: Field) -> str:
    """os-ken's name of a field whose bits are named: by the number that Open vSwitch reports, the older of two."""
    if field in (VLAN, VLAN_TCI):
        return VLAN_TCI.name
    older = f"{field.wire_name}_nxm"
    return older if older in _NAMES else field.wire_name
