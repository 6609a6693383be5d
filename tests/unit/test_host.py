"""What one host's bookkeeping does with answers that come late, twice or not at all. The clock is ours."""

from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any, cast

from controller.holdings import learnable
from controller.host import COUNT_EVERY, GIVE_UP, PATIENCE, RETRY, Host
from controller.switch.sessions import Session
from flows.compile import compile
from flows.copies import Copies
from flows.facts import HostFacts
from flows.learning import LEARNED_OWNER
from flows.model.types import NOWHERE
from flows.openflow import COOKIE_OWNER
from flows.pipeline import is_receiving, table_name
from flows.plan import Plan
from flows.rules import Why
from flows.switching import Flood, Learning, RemoteMembers
from flows.templates import Named
from flows.view import Known, Unit


@dataclass
class Switch:
    """Stands for a session: notes what is sent; the test answers."""

    plans: list[Plan] = field(default_factory=list)
    reads: int = 0
    counts: int = 0
    closed: bool = False

    def apply(self, plan: Plan) -> int:
        self.plans.append(plan)
        return len(self.plans)

    def read_cookies(self) -> None:
        self.reads += 1

    def count_flows(self) -> None:
        self.counts += 1

    def send_by_tunnel(self, *_: Any) -> None:
        pass

    def close(self) -> None:
        self.closed = True


def unit(last: int) -> Unit:
    return Known(Named(1, "VPC v"), IPv4Address(f"10.0.0.{last}"), Why("a port", NOWHERE))


def started() -> tuple[Host, Switch]:
    """A host whose switch is connected and empty."""
    host, switch = Host("h", 1), Switch()
    host.facts = HostFacts(1, "netdev", 65000, frozenset())
    host.connected(cast(Session, switch), 0)
    host.holds([])
    return host, switch


def pump(host: Host, now: float) -> None:
    host.pump(now, may_send=True, may_remove=True, knows_all=True)


def test_one_change_is_one_transaction_and_the_next_waits_for_it() -> None:
    host, switch = started()
    host.want(frozenset({unit(1)}), 1)
    pump(host, 0)
    host.want(frozenset({unit(2)}), 2)
    pump(host, 0)
    assert len(switch.plans) == 1
    assert host.confirmed_generation == 0
    host.confirmed(1, 0)
    pump(host, 0)
    assert [(len(plan.add), len(plan.delete)) for plan in switch.plans[1:]] == [(1, 1)]
    host.confirmed(2, 0)
    assert host.confirmed_generation == 2
    pump(host, 0)
    assert len(switch.plans) == 2


def test_what_was_refused_is_tried_again_later() -> None:
    host, switch = started()
    host.want(frozenset({unit(1)}), 1)
    pump(host, 0)
    cookie = next(iter(compile([unit(1)]).flows))
    host.refused(1, "no", cookie)
    host.confirmed(1, 0)
    assert host.problem is not None
    pump(host, RETRY / 2)
    assert len(switch.plans) == 1
    pump(host, RETRY + 1)
    host.confirmed(2, RETRY + 1)
    assert host.confirmed_generation == 1
    assert host.problem is None


def test_another_number_of_flows_is_read_and_put_right_while_a_change_is_under_way() -> None:
    host, switch = started()
    host.want(frozenset({unit(1)}), 1)
    pump(host, 0)
    host.confirmed(1, 0)
    host.check(COUNT_EVERY)
    host.want(frozenset({unit(1), unit(2)}), 2)
    pump(host, COUNT_EVERY)
    host.counted(0, COUNT_EVERY)
    assert switch.reads == 2
    host.confirmed(2, COUNT_EVERY)
    host.holds(flow.cookie for flow in switch.plans[1].add)
    pump(host, COUNT_EVERY)
    assert set(switch.plans[2].add) == set(switch.plans[0].add)
    host.confirmed(3, COUNT_EVERY)
    assert host.is_settled
    assert host.confirmed_generation == 2


def test_an_answer_to_an_older_transaction_counts_for_nothing() -> None:
    host, _ = started()
    host.want(frozenset({unit(1)}), 1)
    pump(host, 0)
    host.confirmed(77, 0)
    assert not host.is_settled


def test_a_session_that_does_not_answer_is_ended() -> None:
    host, switch = started()
    host.want(frozenset({unit(1)}), 1)
    pump(host, 0)
    host.check(GIVE_UP - 1)
    assert not switch.closed
    host.check(GIVE_UP + 1)
    assert switch.closed


STALE = LEARNED_OWNER << 56 | 1


def remote_members() -> RemoteMembers:
    segment, vlan = Named(5, "segment s"), Named(1, "segment s")
    why = Why("a segment", NOWHERE)
    return RemoteMembers(segment, vlan, 11, "h2", IPv4Address("192.0.2.2"), Learning(300, 10), why)


def test_what_nobody_learns_any_more_goes_first_and_what_is_learned_stays() -> None:
    host, switch = started()
    units = frozenset({remote_members()})
    desired = compile(units)
    (right,) = learnable(desired)
    host.holds([STALE, right])
    host.want(units, 1)
    host.pump(0, may_send=False, may_remove=False, knows_all=True)
    assert switch.plans[0].delete == {STALE}
    assert all(is_receiving(flow) for flow in switch.plans[0].add)
    host.confirmed(1, 0)
    host.want(frozenset(), 2)
    pump(host, PATIENCE + 1)
    assert right in switch.plans[1].delete  # the switch does the same by itself (delete_learned)


def test_a_switch_of_which_only_learned_flows_are_left_over() -> None:
    host, switch = started()
    host.want(frozenset(), 1)
    host.holds([*compile([]).flows, STALE])
    pump(host, 0)
    assert switch.plans == [Plan((), frozenset({STALE}))]
    host.confirmed(1, 0)
    assert host.is_settled
    assert host.flows == len(compile([]).flows)


def test_flows_that_send_wait_for_the_way_to_a_host_that_has_ports_of_the_segment() -> None:
    host, switch = started()
    host.want(frozenset({remote_members(), unit(1)}), 1)
    pump(host, 0)
    assert all(is_receiving(flow) for flow in switch.plans[0].add)
    host.confirmed(1, 0)
    host.prove(0)
    host.primer.proven(IPv4Address("192.0.2.2"))
    pump(host, 0)
    assert any(not is_receiving(flow) for flow in switch.plans[1].add)


def test_a_host_that_leaves_loses_what_its_switch_learned_too() -> None:
    host, switch = started()
    host.holds([COOKIE_OWNER << 56 | 1, STALE])
    host.clear()
    assert STALE in switch.plans[0].delete


def test_a_flood_waits_until_all_ports_are_found() -> None:
    host, switch = started()
    flood = Flood(Named(1, "segment s"), Copies((), ()), Why("a segment", NOWHERE))
    host.want(frozenset({flood}), 1)
    host.pump(0, may_send=True, may_remove=False, knows_all=False)
    host.confirmed(1, 0)
    assert not host.is_settled
    pump(host, 0)
    assert {table_name(flow.table) for flow in switch.plans[1].add} == {"flood"}
