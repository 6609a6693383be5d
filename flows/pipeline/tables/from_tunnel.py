"""Which VPC or segment does this tunnel key stand for?

Packets from other hosts come here with their key. The key is the id of the receiver's VPC, also when the sender is in
another one, or of the segment, whose frames are given this host's VLAN for it. A VLAN tag that such a frame has is a
part of its payload. A key that belongs to nothing with a port on this host is dropped, and counted. The controller's
own frames end here too: they probe the path between two hosts, or keep it known.
"""

from collections.abc import Iterator

from flows.openflow.actions import PushVlan
from flows.openflow.fields import ETH_DST, ETH_SRC, ETH_TYPE, ETH_TYPE_EXPERIMENTAL, TUN_ID, VLAN
from flows.pipeline import priorities
from flows.pipeline.page import FROM_TUNNEL
from flows.pipeline.registers import PAYLOAD_TAG, REMOTE, VPC
from flows.pipeline.rules import Application
from flows.pipeline.templates import (
    ActionTemplate,
    P,
    admit,
    controller,
    drop,
    eq,
    goto,
    multicast,
    put,
    tagged,
    untagged,
)
from flows.units.switching import TunnelSegment
from flows.units.tunnels import TunnelPort
from flows.units.vpcs import LocalVpc

KNOWN = FROM_TUNNEL.rule(
    "key {key} is {vpc}",
    match=[eq(TUN_ID, P.key), untagged()],
    do=[put(VPC, P.vpc), goto("tunnel_source")],
)

_SEGMENT: list[ActionTemplate] = [PushVlan(), put(VLAN, P.vlan), put(REMOTE, 1)]

SEGMENT = FROM_TUNNEL.rule(
    "key {key} is {segment}",
    match=[eq(TUN_ID, P.key), untagged()],
    do=[*_SEGMENT, *admit(), goto("learn")],
)
SEGMENT_TAGGED = FROM_TUNNEL.rule(
    "key {key} is {segment}, and the frame has a VLAN tag of its own",
    match=[eq(TUN_ID, P.key), tagged()],
    do=[*_SEGMENT, put(PAYLOAD_TAG, 1), *admit(), goto("learn")],
)
NOT_LEARNING = FROM_TUNNEL.rule(
    "key {key} is {segment}, which learns nothing",
    match=[eq(TUN_ID, P.key)],
    do=[*_SEGMENT, goto("learn")],
)
FROM_GROUP = FROM_TUNNEL.rule(
    "of {segment}, with a group's address as its source: dropped",
    match=[eq(TUN_ID, P.key), multicast(ETH_SRC)],
    do=drop(),
    priority=priorities.GUARD,
)

KEEPALIVE_MAC = "02:00:00:00:00:02"
PROBE_MAC = "02:00:00:00:00:03"
"""Receivers of the controller's own frames."""
NO_KEY = 0
"""The tunnel key of these frames. No instance can send there with it: VPC 0 carries nothing but IPv4, and the segments
have ids from 1."""

PROBE = FROM_TUNNEL.rule(
    "a probe of the path from another host: to the controller",
    match=[eq(TUN_ID, NO_KEY), eq(ETH_DST, PROBE_MAC), eq(ETH_TYPE, ETH_TYPE_EXPERIMENTAL)],
    do=[controller("tunnel_probe", no_meter="only hosts can send by the tunnel port")],
    priority=priorities.EXCEPTION,
)
KEEPALIVE = FROM_TUNNEL.rule(
    "only keeps the path from another host known: dropped",
    match=[eq(TUN_ID, NO_KEY), eq(ETH_DST, KEEPALIVE_MAC), eq(ETH_TYPE, ETH_TYPE_EXPERIMENTAL)],
    do=drop(),
    priority=priorities.EXCEPTION,
    harmless=True,
)


def for_tunnel(tunnel: TunnelPort) -> Iterator[Application]:
    yield PROBE(tunnel.why)
    yield KEEPALIVE(tunnel.why)


def for_vpc(vpc: LocalVpc) -> Iterator[Application]:
    yield KNOWN(vpc.why, key=vpc.key, vpc=vpc.vpc)


def for_segment(segment: TunnelSegment) -> Iterator[Application]:
    yield FROM_GROUP(segment.why, key=segment.key, segment=segment.segment)
    if segment.learning is None:
        yield NOT_LEARNING(segment.why, key=segment.key, segment=segment.segment, vlan=segment.vlan)
        return
    for rule in (SEGMENT, SEGMENT_TAGGED):
        yield rule(
            segment.why,
            key=segment.key,
            segment=segment.segment,
            vlan=segment.vlan,
            ageing=segment.learning.ageing,
            limit=segment.learning.limit,
            scope=segment.learning.scope,
        )


UNITS = {TunnelPort: for_tunnel, LocalVpc: for_vpc, TunnelSegment: for_segment}
