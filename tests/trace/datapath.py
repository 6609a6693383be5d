"""What Open vSwitch tells its datapath to do, carried out on a packet: an account of the result that owes nothing to
how flows are simulated.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

Values = dict[str, int]
"""A packet's fields by name. ``tags``: those that are known, the outermost last, as one number each in ``tag0``..."""

_SET: Mapping[str, str] = {
    "eth.src": "dl_src",
    "eth.dst": "dl_dst",
    "ipv4.src": "nw_src",
    "ipv4.dst": "nw_dst",
    "ipv4.ttl": "nw_ttl",
    "ipv4.tos": "ip_dscp",
    "tcp.src": "tp_src",
    "tcp.dst": "tp_dst",
    "udp.src": "tp_src",
    "udp.dst": "tp_dst",
    "icmp.type": "icmp_type",
    "icmp.code": "icmp_code",
    "arp.sip": "arp_spa",
    "arp.tip": "arp_tpa",
    "arp.op": "arp_op",
    "arp.sha": "arp_sha",
    "arp.tha": "arp_tha",
}
_SHIFTED = {"ip_dscp": 2}
"""Fields that are not the lowest bits of what the datapath sets."""
_VLAN_PRESENT = 0x1000


@dataclass(frozen=True)
class Sent:
    """A packet that leaves by a port of the datapath, or by a tunnel."""

    port: int
    values: Values
    tunnel: tuple[int, int] | None = None
    """The host's address and the key."""


def carry_out(actions: str, values: Values) -> list[Sent]:
    """Every packet that the datapath's actions send. ``values``: the packet, as it came."""
    return list(_carry_out(actions, dict(values)))


def _carry_out(actions: str, values: Values) -> Iterator[Sent]:
    for action in _split(actions):
        name, _, rest = action.partition("(")
        inside = rest[:-1]
        if action.isdigit():
            yield Sent(int(action), dict(values))
        elif name == "clone":
            yield from _carry_out(inside, dict(values))
        elif name == "tnl_push":
            yield _tunnelled(inside, values)
            return  # what comes then is done with the encapsulated packet, by br-phy
        elif name == "push_vlan":
            _push(values, inside)
        elif name == "pop_vlan":
            assert values["vlan_tci"], "there is no tag to take away"
            values["vlan_tci"], values["inner_tci"] = values["inner_tci"], 0
        elif name == "set":
            _set(values, inside)
        else:
            assert name in ("userspace", "drop", "meter"), action  # time stands still: no meter drops


def _split(actions: str) -> Iterator[str]:
    """The actions one by one: at commas that are in no brackets."""
    depth, start = 0, 0
    for index, character in enumerate(actions):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            yield actions[start:index]
            start = index + 1
    yield actions[start:]


def _tunnelled(inside: str, values: Values) -> Sent:
    port, to = re.search(r"tnl_port\((\d+)\)", inside), re.search(r"ipv4\(src=[^,]*,dst=([0-9.]+)", inside)
    key = re.search(r"\b(?:vni|key)=(0x[0-9a-f]+)", inside)
    assert port, inside
    assert to, inside
    return Sent(int(port[1]), dict(values), (int(IPv4Address(to[1])), int(key[1], 16) if key else 0))


def _push(values: Values, inside: str) -> None:
    fields = dict(part.split("=") for part in inside.split(","))
    assert not values["inner_tci"], "a third tag"
    values["inner_tci"] = values["vlan_tci"]
    values["vlan_tci"] = int(fields["vid"]) | int(fields["pcp"]) << 13 | _VLAN_PRESENT


def _set(values: Values, inside: str) -> None:
    header, _, rest = inside.partition("(")
    if header == "skb_priority":  # the queue, which is nothing of the packet
        return
    for part in rest[:-1].split(","):
        name, _, value = part.partition("=")
        field = _SET[f"{header}.{name}"]
        number, _, mask = value.partition("/")
        bits = _number(mask) if mask else -1
        shift = _SHIFTED.get(field, 0)
        values[field] = values[field] & ~(bits >> shift) | (_number(number) & bits) >> shift


def _number(text: str) -> int:
    if ":" in text:
        return int(text.replace(":", ""), 16)
    return int(IPv4Address(text)) if "." in text else int(text, 0)
