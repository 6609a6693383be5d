"""What one host's bookkeeping does with answers that come late, twice or not at all. The clock is ours."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any, cast

from controller.openflow.decode import REMOVED, RESUMED, ReportedFlow, Update
from controller.openflow.encode import EVERYTHING, Flows, content
from controller.openflow.sessions import Session
from controller.reconcile.installed import learned_poll
from controller.reconcile.installed.questions import COUNT_EVERY, COUNT_SOON
from controller.reconcile.installed.transactions import LINGER, PATIENCE, RETRY
from controller.reconcile.nodes.host import Host
from controller.reconcile.nodes.node import GIVE_UP
from flows.compile.desired import MeterPlan, Plan
from flows.compile.program import compile
from flows.inputs.facts import HostFacts
from flows.model.objects.types import NOWHERE
from flows.openflow.flow import COOKIE_OWNER, Flow
from flows.openflow.learn import LEARNED_OWNER
from flows.pipeline.page import UNICAST, is_receiving, table_name
from flows.units.addresses import AssignedAddress
from flows.units.copies import Copies
from flows.units.said import Named, Why
from flows.units.switching import Flood, Learning, RemoteMembers
from flows.units.unit import Unit
from tests.reporting import reported

METERS = 1000
"""Transactions of meters are numbered from here."""


@dataclass
class Switch:
    """Stands for a session: notes what is sent; the test answers."""

    plans: list[Plan] = field(default_factory=list)
    reads: int = 0
    removed: list[ReportedFlow] = field(default_factory=list)
    asked: list[Flows] = field(default_factory=list)
    counts: int = 0
    closed: bool = False
    meters: list[MeterPlan] = field(default_factory=list)
    asked_for_others: int = 0
    moved_at: float = 0.0
    bridge: str = "br-int"

    def apply(self, plan: Plan) -> int:
        self.plans.append(plan)
        return len(self.plans)

    def watch(self, tables: Iterable[int]) -> None:
        pass

    def read_flows(self, which: Flows) -> None:
        self.asked.append(which)
        self.reads += which == EVERYTHING

    def remove(self, entry: ReportedFlow) -> None:
        self.removed.append(entry)

    def count_flows(self) -> None:
        self.counts += 1

    def send_by_tunnel(self, *_: Any) -> None:
        pass

    def read_port_settings(self) -> None:
        pass

    def read_groups_and_meters(self) -> None:
        self.asked_for_others += 1

    def apply_meters(self, plan: MeterPlan) -> int:
        self.meters.append(plan)
        return METERS + len(self.meters)

    def ask_config(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


def unit(last: int) -> Unit:
    return AssignedAddress(Named(1, "VPC v"), IPv4Address(f"10.0.0.{last}"), Why("a port", NOWHERE))


def started(*entries: ReportedFlow) -> tuple[Host, Switch]:
    """A host whose switch is connected and holds these flows."""
    host, switch = Host("h", 1), Switch()
    host.facts = HostFacts(1, "netdev", 65000, frozenset())
    host.connected(cast(Session, switch), 0)
    host.read_groups_and_meters({"group": b"", "meter": b""})
    host.read(EVERYTHING, reported(entries), is_last=True)
    return host, switch


def entry(flow: Flow) -> ReportedFlow:
    """A flow as a switch reports it."""
    return ReportedFlow(flow.table, flow.priority, flow.cookie, True, 0, content(flow))


def bare(cookie: int) -> ReportedFlow:
    """A flow of which only the cookie matters."""
    return ReportedFlow(0, 1, cookie, True, 0, b"\0\1\0\4\0\0\0\0")


def settled() -> tuple[Host, Switch]:
    """A host whose switch holds what it shall."""
    host, switch = started()
    host.want(frozenset({unit(1)}), 1)
    pump(host, 0)
    host.confirmed(1, 0)
    assert host.is_settled
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
    host.read(EVERYTHING, reported(map(entry, switch.plans[1].add)), is_last=True)
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
    # A part of a large change was sent: it is slow, and does answer.
    switch.moved_at = 2
    host.check(GIVE_UP + 1)
    assert not switch.closed
    host.check(GIVE_UP + 3)
    assert switch.closed


def test_a_switch_is_waited_for_as_long_as_parts_go_out() -> None:
    host, switch = started()
    host.want(frozenset({unit(1)}), 1)
    pump(host, 0)
    switch.moved_at = 5
    assert host.is_patient(5 + PATIENCE / 2)
    assert not host.is_patient(5 + PATIENCE)


def test_flows_of_a_port_that_left_stay_until_it_may_have_come_somewhere_else() -> None:
    host, switch = settled()
    host.want(frozenset(), 2)
    linger = {"may_send": True, "may_remove": True, "knows_all": True, "may_linger": True}
    host.pump(1, **linger)
    host.pump(1 + LINGER / 2, **linger)
    assert len(switch.plans) == 1
    host.want(frozenset({unit(2)}), 3)
    host.pump(1 + LINGER / 2, **linger)
    assert [(len(plan.add), len(plan.delete)) for plan in switch.plans[1:]] == [(1, 1)]
    host.confirmed(2, 2)
    host.want(frozenset(), 4)
    host.pump(2, **linger)
    host.pump(2 + LINGER, **linger)
    assert [(len(plan.add), len(plan.delete)) for plan in switch.plans[2:]] == [(0, 1)]


ADDED, MODIFIED = 1, 3


def test_what_somebody_else_deleted_or_changed_is_sent_again() -> None:
    host, switch = settled()
    first, second, *_ = switch.plans[0].add
    changed = entry(second)._replace(is_plain=False)
    host.changed([Update(0, REMOVED, entry(first)), Update(0, MODIFIED, changed)], 1)
    assert host.drifted.count == 2
    pump(host, 1)
    assert set(switch.plans[1].add) == {first, second}


def test_a_flow_under_our_cookie_goes_and_ours_stays() -> None:
    host, switch = settled()
    ours = entry(switch.plans[0].add[0])
    stray = ours._replace(priority=ours.priority + 1)
    nobodys = ours._replace(cookie=0x7600000000000005, priority=77)
    host.changed([Update(0, ADDED, stray), Update(0, ADDED, nobodys), Update(0, REMOVED, stray)], 1)
    assert switch.removed == [stray]
    pump(host, 1)
    assert switch.plans[1] == Plan((), frozenset({nobodys.cookie}))


def test_a_flow_put_back_by_somebody_else_is_right_again() -> None:
    host, switch = settled()
    flow = entry(switch.plans[0].add[0])
    host.changed([Update(0, REMOVED, flow), Update(0, ADDED, flow)], 1)
    assert host.is_settled


def test_a_flow_of_another_owner_has_ours_counted_soon() -> None:
    host, switch = settled()
    host.check(0)
    host.changed([Update(0, ADDED, entry(switch.plans[0].add[0])._replace(cookie=5))], 1)
    assert host.drifted.count == 0
    assert switch.counts == 1
    host.check(1 + COUNT_SOON)
    assert switch.counts == 2


def test_reports_that_were_left_out_are_made_up_for_by_reading() -> None:
    host, switch = settled()
    host.changed([Update(0, RESUMED, None)], 1)
    assert switch.reads == 2
    first, *others = switch.plans[0].add
    host.read(EVERYTHING, reported(map(entry, others)), is_last=True)
    pump(host, 1)
    assert switch.plans[1].add == (first,)
    assert host.drifted.count == 1


def test_cookies_tell_at_once_what_a_switch_holds_and_bytes_later_whether_it_was_changed() -> None:
    flows = list(compile([unit(1)]).flows.values())
    changed = entry(flows[0])._replace(content=content(flows[0]) + bytes(8))
    timed = entry(flows[1])._replace(is_plain=False)
    host, switch = started()
    host.connected(cast(Session, switch), 0)
    host.read_groups_and_meters({"group": b"", "meter": b""})
    host.read(EVERYTHING, reported([changed, timed]), is_last=False)
    host.want(frozenset({unit(1)}), 1)
    host.read(EVERYTHING, reported(map(entry, flows[2:])), is_last=True)
    assert host.is_settled
    assert host.audit()
    pump(host, 0)
    (plan,) = switch.plans
    assert set(plan.add) == set(flows[:2])
    assert not plan.delete
    assert host.drifted.count == 2
    assert host.audit()
    assert not host.audit()
    assert host.drifted.count == 2


STALE = LEARNED_OWNER << 56 | 1


def remote_members() -> RemoteMembers:
    segment, vlan = Named(5, "segment s"), Named(1, "segment s")
    why = Why("a segment", NOWHERE)
    return RemoteMembers(segment, vlan, 11, "h2", IPv4Address("192.0.2.2"), Learning(300, 10), why)


def test_what_nobody_learns_any_more_goes_first_and_what_is_learned_stays() -> None:
    units = frozenset({remote_members()})
    desired = compile(units)
    (right,) = desired.learned
    host, switch = started(bare(STALE), bare(right))
    host.want(units, 1)
    host.pump(0, may_send=False, may_remove=False, knows_all=True)
    assert switch.plans[0].delete == {STALE}
    assert all(is_receiving(flow) for flow in switch.plans[0].add)
    host.confirmed(1, 0)
    host.want(frozenset(), 2)
    pump(host, PATIENCE + 1)
    assert right in switch.plans[1].delete  # the switch does the same by itself (delete_learned)


def look(host: Host, switch: Switch, now: float, *learned: int) -> bool:
    """Give the host time to look; its switch has learned entries with these cookies. Returns whether it asked."""
    switch.asked = []
    host.check(now)
    which = Flows(UNICAST.number, learned=True)
    if which not in switch.asked:
        return False
    sent = [entry(flow) for flow in compile([remote_members()]).flows.values() if flow.table == UNICAST.number]
    host.read(which, reported([*sent, *map(bare, learned)]), is_last=True)
    return True


def learning() -> tuple[Host, Switch]:
    """A host whose switch learns, and holds what it shall."""
    host, switch = started()
    host.want(frozenset({remote_members()}), 1)
    pump(host, 0)
    host.confirmed(1, 0)
    host.probe(0)
    host.prober.verified(IPv4Address("192.0.2.2"))
    pump(host, 0)
    host.confirmed(2, 0)
    return host, switch


def test_what_comes_back_of_what_was_forgotten_is_found_and_removed_again() -> None:
    """Open vSwitch learns late: entries of an action that is gone show up after they were removed, and even later."""
    host, switch = learning()
    (gone,) = compile([remote_members()]).learned
    assert look(host, switch, 0, gone)
    assert host.is_settled, "it belongs there"
    host.want(frozenset(), 2)
    for now in (1.0, 1 + 2 * LINGER):
        pump(host, now)
    host.confirmed(3, 2)
    assert len(switch.plans) == 3
    for now in (2 + learned_poll.LATER[0], 100, 1000):
        assert look(host, switch, now, gone)
        pump(host, now)
        pump(host, now + 2 * LINGER)
        assert switch.plans[-1] == Plan((), frozenset({gone}))
        host.confirmed(len(switch.plans), now)
    assert not look(host, switch, 1000 + learned_poll.LATER[0] - 0.1), "not before it may have come back"
    assert look(host, switch, 1000 + learned_poll.LATER[0])
    assert look(host, switch, 1000 + learned_poll.LATER[1]), "and once more, as the switch may be busy"


def test_much_that_was_learned_is_read_less_often() -> None:
    """What nobody has to forget is read at a bounded rate, however much it is."""
    host, switch = learning()
    learned = [*compile([remote_members()]).learned] * 1000
    looks = sum(look(host, switch, 100 + second, *learned) for second in range(1000))
    size = looks * len(reported(map(bare, learned)))
    assert 0.5 < size / 1000 / learned_poll.BYTES_PER_SECOND < 1.5


def test_a_switch_of_which_only_learned_flows_are_left_over() -> None:
    host, switch = started(*map(entry, compile([]).flows.values()), bare(STALE))
    host.want(frozenset(), 1)
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
    host.probe(0)
    host.prober.verified(IPv4Address("192.0.2.2"))
    pump(host, 0)
    assert any(not is_receiving(flow) for flow in switch.plans[1].add)


def test_a_host_that_leaves_loses_what_its_switch_learned_too() -> None:
    host, switch = started(bare(COOKIE_OWNER << 56 | 1), bare(STALE))
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


def test_another_pipeline_is_replaced_at_once() -> None:
    """Its tables and ours would lead packets astray together; and nothing goes before all ports are known."""
    old = ReportedFlow(99, 0, COOKIE_OWNER << 56 | 1, True, 0, b"\0\1\0\4\0\0\0\0")
    host, switch = started(old)
    host.want(frozenset({unit(1)}), 1)
    host.pump(0, may_send=False, may_remove=False, knows_all=False)
    assert not switch.plans
    host.pump(0, may_send=False, may_remove=False, knows_all=True)
    (plan,) = switch.plans
    assert set(plan.add) == set(compile([unit(1)]).flows.values())
    assert plan.delete == {old.cookie}
    host.confirmed(1, 0)
    host.want(frozenset({unit(2)}), 2)
    host.pump(0, may_send=False, may_remove=False, knows_all=True)
    assert len(switch.plans) == 1, "now it waits for its turn again"


def test_a_switch_without_groups_and_meters_is_asked_for_them_once() -> None:
    host, switch = settled()
    for now in (COUNT_EVERY, 2 * COUNT_EVERY, 3 * COUNT_EVERY):
        host.check(now)
        host.want(frozenset({unit(int(now))}), int(now))
        pump(host, now)
        host.confirmed(len(switch.plans), now)
    assert switch.counts == 3
    assert switch.asked_for_others == 1
    assert not switch.meters
    assert not any(plan.groups or plan.old_groups for plan in switch.plans)
