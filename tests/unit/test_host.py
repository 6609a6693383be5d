"""What one host's bookkeeping does with answers that come late, twice or not at all. The clock is ours."""

from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any, cast

from controller.host import COUNT_EVERY, GIVE_UP, RETRY, Host
from controller.switch.sessions import Session
from flows.compile import compile
from flows.facts import HostFacts
from flows.model.types import NOWHERE
from flows.plan import Plan
from flows.rules import Why
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
