"""Every feature on one page: what it adds to the network file, to what switches need, and to the pipeline.

A feature is an object that lists its parts; each part lives in its own room. The controller and ``ovs-vpc plan`` both
make units by these lists. A test finds a section, check, unit or table that no feature lists.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flows.model.check.checker import Checker
from flows.model.check.hosts import hosts
from flows.model.check.keys import tunnel_keys
from flows.model.check.lans import machines, routers, unknown_gateways
from flows.model.check.loops import loops, stray_loops
from flows.model.check.masks import other_masks
from flows.model.check.peerings import peerings, unused_peerings
from flows.model.check.ports import ports
from flows.model.check.routes import routes, ways_back
from flows.model.check.security_groups import idle_groups, idle_rules, port_groups, security_groups
from flows.model.check.segments import idle_segments, segment_ports, segments
from flows.model.check.subnets import subnets
from flows.model.check.switches import interfaces, links, switches
from flows.model.check.underlay import hosts_in_racks, racks
from flows.model.problem import Problem
from flows.pipeline import numbers, page
from flows.pipeline.numbers import Numbers
from flows.pipeline.rules import Table
from flows.units.addresses import ADDRESSES
from flows.units.groups import GROUP_PORTS, GROUP_RULES
from flows.units.moves import MOVES
from flows.units.peerings import PEER_ADDRESSES, PEER_ROUTES
from flows.units.plain_switch import PLAIN_SWITCHES
from flows.units.segments import SEGMENTS
from flows.units.subject import Subject
from flows.units.tunnels import TUNNELS
from flows.units.vpcs import VPCS


@dataclass(frozen=True)
class Feature:
    """One feature: what belongs to it. That its objects' fields name what exists is checked for all features alike."""

    name: str
    sections: tuple[str, ...] = ()
    """Its sections of the network file."""
    checks: tuple[Callable[[Checker], Iterator[Problem]], ...] = ()
    """What makes these valid, as :mod:`flows.model.check` lists them."""
    units: tuple[Subject, ...] = ()
    """What switches need of it, and what a change of it reaches."""
    tables: tuple[Table, ...] = ()
    """Its tables. Other tables may have rules for it too."""
    numbers: tuple[Numbers, ...] = ()
    """Of its groups and meters."""
    handlers: tuple[str, ...] = ()
    """Those at the controller that take packets of its rules (``controller/reconcile/packetin``)."""


FEATURES = (
    Feature(
        "hosts and tunnels",
        sections=("encapsulation", "underlay", "hosts"),
        checks=(racks, hosts, hosts_in_racks, tunnel_keys),
        units=(TUNNELS,),
        tables=(page.CLASSIFY, page.FROM_TUNNEL, page.DELIVER),
        handlers=("tunnel_probe",),
    ),
    Feature(
        "VPCs",
        sections=("vpcs", "ports"),
        checks=(subnets, ports),
        units=(VPCS, ADDRESSES),
        tables=(
            page.PORT_SECURITY,
            page.ARP_PROXY,
            page.GATEWAY,
            page.ROUTE_TABLE,
            page.TUNNEL_SOURCE,
            page.NEIGH_TABLE,
        ),
        numbers=(numbers.ICMP_ERRORS,),
        handlers=("expired",),
    ),
    Feature(
        "peering",
        sections=("peerings",),
        checks=(peerings, routes, unused_peerings, ways_back),
        units=(PEER_ROUTES, PEER_ADDRESSES),
        tables=(page.SUBNET_ROUTE,),
    ),
    Feature(
        "segments",
        sections=("segments",),
        checks=(segments, segment_ports, idle_segments),
        units=(SEGMENTS,),
        tables=(
            page.OUTBOUND,
            page.NEITHER,
            page.LEARN,
            page.LEARN_LOCAL,
            page.KNOWN,
            page.LINK_LOCAL,
            page.UNICAST,
            page.FLOOD,
        ),
    ),
    Feature(
        "security groups",
        sections=("security_groups",),
        checks=(security_groups, port_groups, idle_groups, idle_rules),
        units=(GROUP_RULES, GROUP_PORTS),
        tables=(
            *(page.SENDER_TRACK, page.SENDER_RULES, page.SENDER_VERDICT),
            *(page.RECEIVER_TRACK, page.RECEIVER_RULES, page.RECEIVER_VERDICT),
            *(page.OWN_GROUPS, page.RULE_SERVICE, page.RULE_CONNECTION, page.RULE_REMOTES, page.RULE_MEMBER),
            *(page.RULE_ADMITS, page.RULE_RANGE, page.COMMIT, page.REFUSED),
        ),
        numbers=(numbers.NEW_CONNECTIONS, numbers.REFUSALS),
        handlers=("refused",),
    ),
    Feature("announced moves", units=(MOVES,), numbers=(numbers.ARRIVALS,), handlers=("shown_up",)),
    Feature(
        "plain switches",
        sections=("switches", "links", "routers"),
        checks=(switches, links, machines, routers, loops, interfaces, unknown_gateways, stray_loops, other_masks),
        units=(PLAIN_SWITCHES,),
    ),
)
