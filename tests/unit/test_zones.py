"""Zones of connection tracking change hands with the flows of their ports.

The kind of fault: the connections of a port that is gone count for the next one that gets its OpenFlow number.
"""

from ipaddress import IPv4Address

import pytest

from controller.reconcile.installed.flows import InstalledFlows
from controller.reconcile.installed.zones import with_zones
from flows.compile.desired import Plan
from flows.compile.program import applications
from flows.model.objects.types import NOWHERE
from flows.openflow.flow import Flow
from flows.units.groups import GroupedPort, GroupMember
from flows.units.said import Named, Several, Why

WHY = Why("a test", NOWHERE)
WEB = Several([Named(1, "web")])


def port(number: int, name: str, groups: Several = WEB) -> tuple[Flow, ...]:
    """The flows of a port with groups."""
    unit = GroupedPort(Named(number, name), groups, may_be_reached=False, may_reach=True, why=WHY)
    return tuple(application.flow for application in applications(unit))


def held(*ports: tuple[Flow, ...]) -> InstalledFlows:
    """A switch that holds the flows of some ports, and another one."""
    member = GroupMember(Named(1, "VPC blue"), IPv4Address("10.0.0.1"), inbound=True, groups=WEB, why=WHY)
    flows = InstalledFlows(())
    flows.take({application.flow.cookie: application.flow for application in applications(member)})
    for one in ports:
        flows.take({flow.cookie: flow for flow in one})
    return flows


def cookies(*ports: tuple[Flow, ...]) -> frozenset[int]:
    return frozenset(flow.cookie for one in ports for flow in one)


A, B, A_ELSEWHERE = port(4, "a"), port(4, "b"), port(5, "a")
A_IN_OTHERS = port(4, "a", Several([Named(1, "web"), Named(2, "db")]))


@pytest.mark.parametrize(
    ("before", "add", "delete", "begun", "ended"),
    [
        pytest.param([], [A], [], {4}, set(), id="plugged in"),
        pytest.param([A], [], [A], set(), {4}, id="gone"),
        pytest.param([A], [B], [A], {4}, set(), id="another port gets its number"),
        pytest.param([A], [A_ELSEWHERE], [A], {5}, {4}, id="the port gets another number"),
    ],
)
def test_zones_that_change_hands(
    before: list[tuple[Flow, ...]],
    add: list[tuple[Flow, ...]],
    delete: list[tuple[Flow, ...]],
    begun: set[int],
    ended: set[int],
) -> None:
    plan = Plan(tuple(flow for one in add for flow in one), cookies(*delete))
    done = with_zones(plan, held(*before))
    assert (done.add, done.delete) == (plan.add, plan.delete)
    assert (set(done.begun), set(done.ended)) == (begun, ended)


def test_other_groups_leave_a_port_its_connections() -> None:
    """A port that is in other groups keeps what is known of its connections."""
    new = [flow for flow in A_IN_OTHERS if flow.cookie not in cookies(A)]
    assert new
    plan = Plan(tuple(new), cookies(A) - cookies(A_IN_OTHERS))
    assert with_zones(plan, held(A)) == plan


def test_a_switch_that_holds_nothing_keeps_connections() -> None:
    """It was started anew, and its kernel has kept the connections of its ports."""
    plan = Plan(A, frozenset())
    assert with_zones(plan, InstalledFlows(())) == plan
