"""Packets that rules send to the controller: which are refused when declared, and what becomes of those that come."""

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any, cast

import pytest

from controller.cli.diagnose import status
from controller.reconcile.packetin import dispatch
from controller.reconcile.packetin.dispatch import HANDLERS, UNMETERED, Dispatch, check, named
from controller.reconcile.packetin.handling import Answer, Decision, Handler, LeftOut, Packet, Probed, ShownUp
from controller.reconcile.packetin.probe_frame import probe
from controller.status.report import packets_up
from controller.status.status import ControllerPackets, plain
from flows.compile.desired import Desired
from flows.compile.program import compile
from flows.model.objects.types import NOWHERE
from flows.openflow.actions import OutputController
from flows.openflow.groups_and_meters import MeterEntry
from flows.pipeline.limits import ARRIVALS, ICMP_ERRORS, REFUSALS
from flows.pipeline.page import TABLES
from flows.pipeline.rules import DeclarationError, Table
from flows.pipeline.stages import Stage
from flows.pipeline.tables.gateway import EXPIRED
from flows.pipeline.templates import ActionTemplate, controller, meter
from flows.units.addresses import LocalPort
from flows.units.groups import GroupedPort
from flows.units.moves import ArrivingPort
from flows.units.said import Named, Several, Why
from flows.units.tunnels import TunnelPort

WHY = Why("a test", NOWHERE)
LIMIT = MeterEntry(7, "packets", 10, 10)
MAC = "0a:00:00:00:00:01"
PORT = LocalPort(
    Named(1, "VPC v"), Named(1, "v/s"), Named(5, "a"), MAC, (IPv4Address("10.0.0.5"),), IPv4Address("10.0.0.1"), WHY
)
DESIRED = compile([PORT, TunnelPort(Named(65000, "the tunnel port"), WHY), ArrivingPort(Named(6, "b"), "h2", WHY)])


@pytest.mark.parametrize(
    ("do", "fault"),
    [
        ([OutputController()], "names no handler"),
        ([controller("", no_meter="why not")], "names no handler"),
        ([controller("expired")], "needs a meter, or a reason why it has none"),
        ([meter(LIMIT), controller("expired", no_meter="why not")], "needs a meter, or a reason"),
        ([meter(LIMIT), controller("expired"), controller("shown_up")], "sends to the controller twice"),
        ([meter(LIMIT), controller("expired", max_len=0)], "sends 0 bytes of a packet"),
        ([meter(LIMIT), controller("expired", max_len=65536)], "sends 65536 bytes of a packet"),
    ],
)
def test_a_rule_that_may_flood_the_controller_or_that_nobody_answers_is_refused(
    do: Sequence[ActionTemplate], fault: str
) -> None:
    """A rule that sends to the controller was free to do so without a limit, and nothing said who takes its packets."""
    with pytest.raises(DeclarationError, match=fault):
        Table("gateway", 34, Stage.GATEWAY_SERVICES, "?", reads=[], writes=[], next=[], miss=("-", ())).rule(
            "a rule", [], do
        )
    with pytest.raises(DeclarationError, match=fault):
        _ = Table(
            "gateway", 34, Stage.GATEWAY_SERVICES, "?", reads=[], writes=[], next=[], miss=("a miss", do)
        ).miss_rule


def test_each_rule_has_its_handler_and_each_handler_a_rule() -> None:
    check(named(), HANDLERS)
    with pytest.raises(
        DeclarationError, match=r"gateway: 'from {port}.*names the handler expired, which does not exist"
    ):
        check(named(), {name: handler for name, handler in HANDLERS.items() if name != "expired"})
    with pytest.raises(DeclarationError, match="no rule sends packets to the handler gone"):
        check(named(), {**HANDLERS, "gone": HANDLERS["expired"]})


def test_only_the_controllers_own_frames_come_without_a_meter() -> None:
    rules = [rule for table in TABLES for rule in table.all_rules() if rule.handler]
    assert {rule.handler for rule in rules if not rule.has_meter} == {"tunnel_probe"}
    assert {rule.handler for rule in rules} == HANDLERS.keys()


def cookie_of(handler: str, desired: Desired = DESIRED) -> int:
    """Of a flow that sends to a handler."""
    return next(c for c, reasons in desired.applications.items() if reasons[0].rule.handler == handler)


def noting(seen: list[Packet], decision: Decision | Exception) -> Handler:
    """A handler that notes what it gets."""

    def handle(packet: Packet) -> Decision:
        seen.append(packet)
        if isinstance(decision, Exception):
            raise decision
        return decision

    return handle


def test_the_cookie_leads_to_the_handler_and_to_what_the_rule_was_applied_to() -> None:
    seen: list[Packet] = []
    packets = Dispatch("h", {"expired": noting(seen, Answer(b"answer"))})
    assert packets.take(cookie_of("expired"), b"frame", 900, DESIRED, 0.0) == Answer(b"answer")
    (packet,) = seen
    assert (packet.frame, packet.length) == (b"frame", 900)
    assert (packet.values["gateway"], str(packet.values["port"])) == (IPv4Address("10.0.0.1"), "a")
    assert packets.handled == {"expired": 1}


def test_who_shows_up_and_what_came_through() -> None:
    packets = Dispatch("h")
    assert packets.take(cookie_of("shown_up"), b"", 0, DESIRED, 0.0) == ShownUp("b")
    assert packets.take(cookie_of("tunnel_probe"), probe(9)[:64], 64, DESIRED, 0.0) == Probed(9, is_full=False)
    assert isinstance(packets.take(cookie_of("tunnel_probe"), bytes(64), 64, DESIRED, 0.0), LeftOut)


@pytest.mark.parametrize("desired", [DESIRED, None], ids=["a model", "no model yet"])
@pytest.mark.parametrize("cookie", [0, 1, (1 << 64) - 1, next(iter(compile([]).flows))])
def test_a_packet_of_no_flow_of_ours_is_counted_and_left_out(cookie: int, desired: Desired | None) -> None:
    packets = Dispatch("h")
    assert isinstance(packets.take(cookie, b"x", 1, desired, 0.0), LeftOut)
    assert packets.left_out == {("", "no flow sends such packets any more"): 1}


def test_a_handler_that_fails_costs_one_line_and_a_count(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Packet] = []
    handlers = {**HANDLERS, "expired": noting(seen, ZeroDivisionError("oops"))}
    packets = Dispatch("h", handlers)
    with caplog.at_level(logging.ERROR):
        for _ in range(5):
            assert isinstance(packets.take(cookie_of("expired"), b"\xab", 1, DESIRED, 0.0), LeftOut)
    assert len(seen) == 5
    (line,) = caplog.messages
    assert line.startswith("h: packets: handler expired failed (ZeroDivisionError('oops')) on ab")
    assert packets.left_out == {("expired", "the controller's handler failed on it"): 5}
    assert packets.take(cookie_of("shown_up"), b"", 0, DESIRED, 0.0) == ShownUp("b")


def test_a_port_that_floods_past_the_switch_takes_its_own_budget_only() -> None:
    """What a switch lets through in spite of its meters must not keep the loop busy, nor others out."""
    addresses = (IPv4Address("10.0.0.9"),)
    other = replace(PORT, ofport=Named(9, "c"), mac="0a:00:00:00:00:09", ips=addresses)
    desired = compile([PORT, other])
    cookies = [c for c, reasons in desired.applications.items() if reasons[0].rule is EXPIRED]
    of = {name: [c for c in cookies if str(desired.applications[c][0].values["port"]) == name] for name in "ac"}
    seen: list[Packet] = []
    packets = Dispatch("h", {"expired": noting(seen, Answer(b""))})
    for number in range(20_000):  # two seconds
        packets.take(of["a"][number % 2], b"", 0, desired, number / 10_000)
    assert ICMP_ERRORS.burst + 2 * ICMP_ERRORS.rate <= len(seen) <= 2 * (ICMP_ERRORS.burst + 2 * ICMP_ERRORS.rate) + 1
    assert packets.left_out.total() == 20_000 - len(seen)
    assert packets.take(of["c"][0], b"", 0, desired, 2.0) == Answer(b"")


def test_a_thousand_probes_at_once_are_all_taken() -> None:
    packets = Dispatch("h")
    sent, cookie = probe(9), cookie_of("tunnel_probe")
    assert all(isinstance(packets.take(cookie, sent, 60, DESIRED, 0.0), Probed) for _ in range(int(UNMETERED)))
    assert packets.take(cookie, sent, 60, DESIRED, 0.0) == dispatch._TOO_MANY
    assert isinstance(packets.take(cookie, sent, 60, DESIRED, 0.1), Probed)


def test_what_the_meters_of_a_switch_dropped_is_told_by_port() -> None:
    packets, limit = Dispatch("h"), ICMP_ERRORS.of(5).number
    packets.metered({limit: 900, ARRIVALS.of(6).number: 0, ICMP_ERRORS.of(77).number: 3, 1: 4}, DESIRED)
    assert packets.above_limit == {("expired", "a"): 900}
    packets.metered({ARRIVALS.of(6).number: 4}, DESIRED)
    assert packets.above_limit == {("expired", "a"): 900, ("shown_up", "b"): 4}, "the rest of the answer"
    packets.metered({limit: 2, ARRIVALS.of(6).number: 0}, DESIRED)
    assert packets.above_limit == {("expired", "a"): 2}, "its meter was made anew"
    packets.metered({limit: 2}, None)
    assert not packets.above_limit


def test_what_is_dropped_anyway_is_never_told_as_unanswered() -> None:
    """Refused packets are counted as drops. Those that nobody needs in the log miss nothing."""
    groups = Several([Named(1, "web")])
    desired = compile([GroupedPort(Named(5, "a"), groups, False, True, WHY, logged_inbound=groups)])
    packets = Dispatch("h")
    packets.metered({REFUSALS.of(5).number: 900}, desired)
    assert packets.above_limit == {}
    assert isinstance(packets.take(cookie_of("refused", desired), b"", 0, desired, 0.0), LeftOut)
    assert not packets.unanswered


def test_a_packet_that_is_handled_as_usual_changes_nothing_in_the_status() -> None:
    """Tunnels are probed all the time: the status would be written with every probe."""
    packets = Dispatch("h")
    before = packets_up(packets)
    assert isinstance(packets.take(cookie_of("tunnel_probe"), probe(9), 60, DESIRED, 0.0), Probed)
    assert packets_up(packets) == before


def test_the_status_tells_what_got_no_answer() -> None:
    packets = Dispatch("h")
    packets.metered({ICMP_ERRORS.of(5).number: 900}, DESIRED)
    packets.take(1, b"", 0, DESIRED, 0.0)
    packets.take(cookie_of("tunnel_probe"), b"", 0, DESIRED, 0.0)
    packets.take(cookie_of("expired"), b"", 0, DESIRED, 0.0)
    assert packets.left_out.total() == 3
    known = [json.loads(json.dumps(plain(each))) for each in (packets_up(packets), ControllerPackets())]
    assert list(status._unanswered({f"h{n}": {"packets": each} for n, each in enumerate(known, 1)})) == [
        "  h1: expired: port a sent more than its limit: 900 dropped by the switch",
        "  h1: expired: its IPv4 header is broken: 1",
    ]


def test_a_clock_that_goes_back_gives_nothing() -> None:
    packets = Dispatch("h", {"expired": cast(Any, lambda packet: Answer(b""))})
    for _ in range(2 * ICMP_ERRORS.burst):
        packets.take(cookie_of("expired"), b"", 0, DESIRED, 10.0)
    assert packets.take(cookie_of("expired"), b"", 0, DESIRED, 5.0) == dispatch._TOO_MANY
