"""What one host's bookkeeping does with answers that come late, twice or not at all. The clock is ours."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any, cast

from controller.host import COUNT_EVERY, COUNT_SOON, GIVE_UP, RETRY, Host
from controller.switch import compare
from controller.switch.decode import REMOVED, RESUMED, Entry, Update
from controller.switch.encode import EVERYTHING, Flows
from controller.switch.sessions import Session
from flows.compile import compile
from flows.facts import HostFacts
from flows.model.types import NOWHERE
from flows.openflow import Flow
from flows.plan import Plan
from flows.rules import Why
from flows.templates import Named
from flows.view import Known, Unit


@dataclass
class Switch:
    """Stands for a session: notes what is sent; the test answers."""

    plans: list[Plan] = field(default_factory=list)
    reads: int = 0
    removed: list[Entry] = field(default_factory=list)
    counts: int = 0
    closed: bool = False

    def apply(self, plan: Plan) -> int:
        self.plans.append(plan)
        return len(self.plans)

    def watch(self, tables: Iterable[int]) -> None:
        pass

    def read_flows(self, which: Flows) -> None:
        self.reads += which == EVERYTHING

    def remove(self, entry: Entry) -> None:
        self.removed.append(entry)

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
    host, switch = Host("h"), Switch()
    host.facts = HostFacts(1, "netdev", 65000, frozenset())
    host.connected(cast(Session, switch), 0)
    host.read(EVERYTHING, [])
    return host, switch


def entry(flow: Flow) -> Entry:
    """A flow as a switch reports it."""
    match = b"\0\1\0\0" + b"".join(map(compare._term, flow.match))
    return Entry(0, flow.table, flow.priority, flow.cookie, True, 0, match, compare._instructions(flow.actions))


def settled() -> tuple[Host, Switch]:
    """A host whose switch holds what it shall."""
    host, switch = started()
    host.want(frozenset({unit(1)}), 1)
    pump(host, 0)
    host.confirmed(1, 0)
    assert host.is_settled
    return host, switch


def pump(host: Host, now: float) -> None:
    host.pump(now, may_send=True, may_remove=True)


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
    host.read(EVERYTHING, map_entries(switch.plans[1].add))
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
    host.read(EVERYTHING, map_entries(others))
    pump(host, 1)
    assert switch.plans[1].add == (first,)
    assert host.drifted.count == 1


def map_entries(flows: Iterable[Flow]) -> list[Entry]:
    return [entry(flow) for flow in flows]
