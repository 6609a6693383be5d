"""Which port of this switch has the sender of this frame?

Frames from local ports are looked up here (a resubmit) before they go on. A sender that is admitted is learned: frames
to it go out of the port that its own came in by, tagged or untagged as its own were.
"""

from collections.abc import Iterator

from flows.openflow.fields import IN_PORT, VLAN, VLAN_TCI
from flows.openflow.learn import LearnLoad, LearnOutput
from flows.pipeline import priorities
from flows.pipeline.page import LEARN_LOCAL
from flows.pipeline.registers import ADMITTED
from flows.pipeline.rules import Application
from flows.pipeline.templates import LoadTemplate, P, eq, learn_unicast
from flows.units.switching import Member, TrunkAll

_SENDER = [eq(ADMITTED, 1), eq(IN_PORT, P.port)]

UNTAGGED = LEARN_LOCAL.rule(
    "frames of {vlan} to this sender go out by {port}, untagged",
    match=[*_SENDER, eq(VLAN, P.vlan)],
    do=[learn_unicast(LearnLoad(0, VLAN_TCI), LearnOutput(IN_PORT))],
)
TAGGED = LEARN_LOCAL.rule(
    "frames of {vlan} to this sender go out by {port} with VLAN tag {wire}",
    match=[*_SENDER, eq(VLAN, P.vlan)],
    do=[learn_unicast(LoadTemplate(P.wire, VLAN), LearnOutput(IN_PORT))],
)
ANY_TAG = LEARN_LOCAL.rule(
    "frames to this sender go out by {port}, under the VLAN tag that they have",
    match=_SENDER,
    do=[learn_unicast(LearnOutput(IN_PORT))],
    priority=priorities.FALLBACK,
)


def for_member(member: Member) -> Iterator[Application]:
    if member.learning is None:
        return
    port, vlan, segment, ageing = member.ofport, member.vlan, member.segment, member.learning.ageing
    origin = f"VLAN {int(vlan)} port {int(port)} of {member.origin}"
    if member.wire is None:
        yield UNTAGGED(member.why, port=port, vlan=vlan, segment=segment, origin=origin, ageing=ageing)
    else:
        wire = member.wire
        yield TAGGED(member.why, port=port, vlan=vlan, wire=wire, segment=segment, origin=origin, ageing=ageing)


def for_trunk(trunk: TrunkAll) -> Iterator[Application]:
    if trunk.learning is not None:
        origin = f"port {int(trunk.ofport)} of {trunk.origin}"
        ageing = trunk.learning.ageing
        yield ANY_TAG(trunk.why, port=trunk.ofport, segment=trunk.segment, origin=origin, ageing=ageing)


UNITS = {Member: for_member, TrunkAll: for_trunk}
