"""What kind of port did this packet come from?

Every packet starts here. A packet from an instance of a VPC gets the tags of its VPC and subnet. If it has a VLAN tag
that only carries a priority (VLAN 0), the tag is taken off first, and the priority with it. A packet from the tunnel
port goes on to from_tunnel if it came from the address of another host of the model. From any other address it was
forged, or its host has left: it is dropped, and counted. A frame of a segment gets the VLAN that the segment has inside
this switch: by its port and, on trunk ports, by its VLAN tag. Its sender is learned before it goes on. An access port
takes untagged frames and those whose tag only carries a priority (VLAN 0). The outermost of several tags counts; the
others are payload. Anything else is dropped. A packet from a port that is announced to move to this host also goes to
the controller, after it has gone its way: the instance has shown up. A meter bounds how many do, and must not drop the
packet itself.
"""

from collections.abc import Iterator

from flows.openflow.actions import PopVlan, PushVlan
from flows.openflow.fields import ETH_SRC, IN_PORT, TUN_SRC, VLAN
from flows.pipeline import priorities
from flows.pipeline.limits import ARRIVALS
from flows.pipeline.page import CLASSIFY
from flows.pipeline.registers import NOT_TOLD, NOTIFIED, PASSES, SUBNET, TELLS, VPC
from flows.pipeline.rules import Application
from flows.pipeline.templates import (
    ActionTemplate,
    P,
    Value,
    admit,
    controller,
    drop,
    eq,
    goto,
    meter,
    multicast,
    put,
    resubmit,
    tagged,
    untagged,
)
from flows.units.addresses import LocalPort
from flows.units.moves import ArrivingPort
from flows.units.said import Named
from flows.units.switching import Learning, Member, TrunkAll
from flows.units.tunnels import RemoteHost, TunnelPort
from flows.units.vpcs import LocalVpc

FROM_PORT = CLASSIFY.rule(
    "from {port}: a port of {vpc}, in {subnet}",
    match=[eq(IN_PORT, P.port), untagged()],
    do=[put(VPC, P.vpc), put(SUBNET, P.subnet), goto("port_security")],
)
FROM_HOST = CLASSIFY.rule(
    "from {host} ({tunnel_ip}), by {port}",
    match=[eq(IN_PORT, P.port), eq(TUN_SRC, P.tunnel_ip)],
    do=[goto("from_tunnel")],
)
FROM_NO_HOST = CLASSIFY.rule(
    "by {port} from an address that no other host has: dropped",
    match=[eq(IN_PORT, P.port)],
    do=drop(),
    priority=priorities.FALLBACK,
)

SHOWN_UP = CLASSIFY.rule(
    "from {port}, which is announced to move to {host}: it has shown up, the controller is told once it is on its way",
    match=[eq(IN_PORT, P.port), eq(NOTIFIED, NOT_TOLD)],
    do=[put(NOTIFIED, PASSES), resubmit("classify"), put(NOTIFIED, TELLS), resubmit("classify")],
    priority=priorities.EXCEPTION,
)
TELL = CLASSIFY.rule(
    "the controller is told that {port} has shown up on {host}",
    match=[eq(IN_PORT, P.port), eq(NOTIFIED, TELLS)],
    do=[meter(P.limit), controller("shown_up")],
    priority=priorities.EXCEPTION,
)

PRIORITY_TAG = 0
"""The VLAN of a tag that carries only a priority (IEEE 802.1Q)."""

_LEARN: list[ActionTemplate] = [*admit(), resubmit("learn_local")]
_SWITCH: list[ActionTemplate] = [goto("outbound")]

PRIORITY_ONLY = CLASSIFY.rule(
    "with a tag that carries only a priority: taken off, and looked at again",
    match=[eq(VLAN, PRIORITY_TAG)],
    do=[PopVlan(), resubmit("classify")],
    priority=priorities.LAST_RESORT,
)

UNTAGGED = CLASSIFY.rule(
    "untagged from {port}: {vlan}",
    match=[eq(IN_PORT, P.port), untagged()],
    do=[PushVlan(), put(VLAN, P.vlan), *_LEARN, *_SWITCH],
)
TAGGED = CLASSIFY.rule(
    "from {port} with VLAN tag {wire}: {vlan}",
    match=[eq(IN_PORT, P.port), eq(VLAN, P.wire)],
    do=[put(VLAN, P.vlan), *_LEARN, *_SWITCH],
)
UNTAGGED_NOT_LEARNED = CLASSIFY.rule(
    "untagged from {port}: {vlan}, which learns nothing",
    match=[eq(IN_PORT, P.port), untagged()],
    do=[PushVlan(), put(VLAN, P.vlan), *_SWITCH],
)
TAGGED_NOT_LEARNED = CLASSIFY.rule(
    "from {port} with VLAN tag {wire}: {vlan}, which learns nothing",
    match=[eq(IN_PORT, P.port), eq(VLAN, P.wire)],
    do=[put(VLAN, P.vlan), *_SWITCH],
)
ANY_TAG = CLASSIFY.rule(
    "from {port}, which carries every VLAN",
    match=[eq(IN_PORT, P.port), tagged()],
    do=[*_LEARN, *_SWITCH],
    priority=priorities.FALLBACK,
)
ANY_TAG_NOT_LEARNED = CLASSIFY.rule(
    "from {port}, which carries every VLAN and learns nothing",
    match=[eq(IN_PORT, P.port), tagged()],
    do=_SWITCH,
    priority=priorities.FALLBACK,
)
FROM_GROUP = CLASSIFY.rule(
    "from {port} with a group's address as its source: dropped",
    match=[eq(IN_PORT, P.port), multicast(ETH_SRC)],
    do=drop(),
    priority=priorities.GUARD,
)


def for_port(port: LocalPort) -> Iterator[Application]:
    yield FROM_PORT(port.why, port=port.ofport, vpc=port.vpc, subnet=port.subnet)


def for_vpc(vpc: LocalVpc) -> Iterator[Application]:
    yield PRIORITY_ONLY(vpc.why)


def for_arriving(port: ArrivingPort) -> Iterator[Application]:
    yield SHOWN_UP(port.why, port=port.ofport, host=port.host)
    yield TELL(port.why, port=port.ofport, host=port.host, limit=ARRIVALS.of(port.ofport))


def for_tunnel(tunnel: TunnelPort) -> Iterator[Application]:
    yield FROM_NO_HOST(tunnel.why, port=tunnel.ofport)


def for_remote_host(other: RemoteHost) -> Iterator[Application]:
    yield FROM_HOST(other.why, host=other.host, tunnel_ip=other.tunnel_ip, port=other.tunnel_port)


def for_member(member: Member) -> Iterator[Application]:
    port, vlan = member.ofport, member.vlan
    yield FROM_GROUP(member.why, port=port)
    wire = PRIORITY_TAG if member.wire is None else member.wire
    if member.learning is None:
        yield TAGGED_NOT_LEARNED(member.why, port=port, wire=wire, vlan=vlan)
        if member.wire is None:
            yield UNTAGGED_NOT_LEARNED(member.why, port=port, vlan=vlan)
        return
    learned = _learned(member.segment, member.learning)
    yield TAGGED(member.why, port=port, wire=wire, vlan=vlan, **learned)
    if member.wire is None:
        yield UNTAGGED(member.why, port=port, vlan=vlan, **learned)


def for_trunk(trunk: TrunkAll) -> Iterator[Application]:
    yield FROM_GROUP(trunk.why, port=trunk.ofport)
    if trunk.learning is None:
        yield ANY_TAG_NOT_LEARNED(trunk.why, port=trunk.ofport)
        return
    yield ANY_TAG(trunk.why, port=trunk.ofport, **_learned(trunk.segment, trunk.learning))


def _learned(segment: Named, learning: Learning) -> dict[str, Value]:
    return {"segment": segment, "scope": learning.scope, "ageing": learning.ageing, "limit": learning.limit}


UNITS = {
    LocalPort: for_port,
    LocalVpc: for_vpc,
    ArrivingPort: for_arriving,
    TunnelPort: for_tunnel,
    RemoteHost: for_remote_host,
    Member: for_member,
    TrunkAll: for_trunk,
}
