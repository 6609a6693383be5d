"""Does the host that sent this frame have ports of its segment, and who is there?

Frames of segments come here from tunnels, with the VLAN of this host. When the sending host has ports of the segment,
the sender's address is learned. From then on frames to it go to that host, without a tag, under the key they came with.
A frame from any other host was forged or comes late: it is dropped, and counted. Frames between switches, which no host
sends to another, go to link_local.
"""

from collections.abc import Iterator

from flows.openflow.fields import ETH_TYPE, IN_PORT, TUN_DST, TUN_ID, TUN_SRC, VLAN, VLAN_TCI
from flows.openflow.learn import LearnLoad, LearnOutput
from flows.pipeline import priorities
from flows.pipeline.group_addresses import CISCO, MAC_CONTROL, RESERVED
from flows.pipeline.page import LEARN
from flows.pipeline.registers import ADMITTED
from flows.pipeline.rules import Application
from flows.pipeline.templates import P, eq, goto, learn_unicast
from flows.units.switching import RemoteMembers, TunnelSegment

_FROM_HOST = [eq(TUN_SRC, P.tunnel_ip), eq(VLAN, P.vlan)]

LEARNED = LEARN.rule(
    "{host} ({tunnel_ip}) has ports of {vlan}: frames to this sender go there",
    match=[eq(ADMITTED, 1), *_FROM_HOST],
    do=[
        learn_unicast(
            LearnLoad(0, VLAN_TCI), LearnLoad(TUN_ID, TUN_ID), LearnLoad(TUN_SRC, TUN_DST), LearnOutput(IN_PORT)
        ),
        goto("unicast"),
    ],
)
NOT_LEARNED = LEARN.rule(
    "{host} ({tunnel_ip}) has ports of {vlan}; this sender is not learned",
    match=_FROM_HOST,
    do=[goto("unicast")],
    priority=priorities.FALLBACK,
)
BETWEEN_SWITCHES = tuple(
    LEARN.rule(sentence, match=[match], do=[goto("link_local")], priority=priorities.GUARD)
    for sentence, match in (
        ("from a tunnel, for a group that only switches listen to (IEEE 802.1Q)", RESERVED),
        ("from a tunnel, for a group that only switches listen to (Cisco)", CISCO),
        ("from a tunnel, though it controls a link", eq(ETH_TYPE, MAC_CONTROL)),
    )
)


def for_segment(segment: TunnelSegment) -> Iterator[Application]:
    for rule in BETWEEN_SWITCHES:
        yield rule(segment.why)


def for_host(members: RemoteMembers) -> Iterator[Application]:
    tunnel_ip = members.tunnel_ip
    yield NOT_LEARNED(members.why, host=members.host, tunnel_ip=tunnel_ip, vlan=members.vlan)
    if members.learning is not None:
        yield LEARNED(
            members.why,
            host=members.host,
            tunnel_ip=tunnel_ip,
            vlan=members.vlan,
            segment=members.segment,
            origin=f"VLAN {int(members.vlan)} key {members.key} host {tunnel_ip}",
            ageing=members.learning.ageing,
        )


UNITS = {RemoteMembers: for_host, TunnelSegment: for_segment}
