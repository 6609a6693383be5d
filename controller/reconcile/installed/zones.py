"""Which zones of connection tracking change hands.

The zone of a port with security groups has the port's OpenFlow number (table commit), and the switch gives that number
to another port once the first one is gone. What is known of the connections of one port is not to count for another.
"""

from collections.abc import Iterable
from dataclasses import replace

from controller.reconcile.installed.flows import InstalledFlows
from flows.compile.desired import Plan
from flows.openflow.flow import Flow
from flows.pipeline.page import COMMIT
from flows.pipeline.registers import ASKED


def with_zones(plan: Plan, held: InstalledFlows) -> Plan:
    """A plan with the zones of ports that get their first flow by it, and of those that get their last one taken.

    A switch that holds nothing was started anew. The kernel has kept the connections of the ports that it had before,
    and they go on.
    """
    begun = _zones(plan.add) if len(held) else frozenset()
    ended = _zones(flow for cookie in plan.delete if (flow := held.flow(cookie)) is not None)
    return replace(plan, begun=begun, ended=ended - begun) if begun or ended else plan


def _zones(flows: Iterable[Flow]) -> frozenset[int]:
    terms = (term for flow in flows if flow.table == COMMIT.number for term in flow.match)
    return frozenset(term.value for term in terms if term.field is ASKED)
