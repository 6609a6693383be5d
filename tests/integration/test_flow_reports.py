"""What a real switch says of its flows: that nobody changed them, and who changed what."""

from collections.abc import Iterator

import pytest
from os_ken.ofproto import ofproto_v1_4 as ofp
from os_ken.ofproto import ofproto_v1_4_parser as parser

from controller.openflow import decode, encode
from controller.openflow.compare import altered, is_as_sent, is_in_place
from controller.openflow.decode import REMOVED, ReportedFlow, Update, use_own_decoders
from controller.openflow.groups_and_meters import add_meter
from flows.compile.desired import Plan
from flows.compile.program import compile
from flows.openflow.flow import COOKIE_DROPS, Flow, Shape
from flows.openflow.groups_and_meters import MeterEntry
from flows.pipeline.page import ROUTE_TABLE
from tests.openflow import Connection
from tests.scenario import SCENARIOS, SHIPPED, compiled, load, plain_switch
from tests.switch import Switch

NETWORKS = sorted([*SHIPPED.glob("*.yaml"), *SCENARIOS.glob("*.yaml")])
TABLE = ROUTE_TABLE.number
COOKIE = 0x7600000000000001
OURS = f"table={TABLE},priority=7,cookie={COOKIE:#x},ip,nw_dst=10.0.0.1"


@pytest.fixture(scope="module")
def switch() -> Iterator[Switch]:
    use_own_decoders()
    with Switch() as switch:
        switch.vsctl("add-br", "br", "--", "set", "bridge", "br", "fail_mode=secure", "protocols=OpenFlow10,OpenFlow14")
        yield switch


@pytest.fixture
def connection(switch: Switch) -> Iterator[Connection]:
    switch.ofctl("del-flows", "br")
    connection = Connection(switch, "br")
    yield connection
    connection.close()


def entries(connection: Connection, which: encode.Flows = encode.EVERYTHING) -> list[ReportedFlow]:
    connection.send(encode.read_flows(which, 3))
    return [entry for part in connection.bodies(connection.barrier()) for entry in decode.entries(part)]


def everything() -> tuple[dict[int, Flow], set[MeterEntry]]:
    """Every flow of every scenario, and the meters that they name."""
    flows = dict(compile(plain_switch()).flows)
    meters: set[MeterEntry] = set()
    for network in map(load, NETWORKS):
        for host in network.hosts:
            desired = compiled(network, host)
            flows |= desired.flows
            meters |= {entry for entry in desired.groups_and_meters.values() if isinstance(entry, MeterEntry)}
    return flows, meters


def test_every_flow_is_reported_as_it_was_sent(connection: Connection) -> None:
    all_flows, meters = everything()
    connection.send(b"".join(add_meter(meter, 1) for meter in meters))
    places = {flow.key: flow for flow in all_flows.values()}  # some of them share a place: the last one stays
    flows = {flow.cookie: flow for flow in places.values()}
    connection.send(b"".join(encode.transaction(Plan(tuple(flows.values()), frozenset()), 2)))
    connection.read(lambda message: message[1] == ofp.OFPT_BARRIER_REPLY)
    found = {entry.cookie: entry for entry in entries(connection)}
    assert found.keys() == flows.keys()
    assert not [flow.text() for cookie, flow in flows.items() if not is_as_sent(flow, found[cookie])]
    assert not [flow.text() for cookie, flow in flows.items() if encode.content(flow) != found[cookie].content]
    connection.send(encode.read_flows(encode.EVERYTHING, 4))
    parts = connection.bodies(connection.barrier())
    assert {cookie for part in parts for cookie in decode.cookies(part)} == flows.keys()
    assert not [entry for part in parts for entry in altered(part, flows)]
    drops = {entry.cookie for entry in entries(connection, encode.DROPS)}
    assert drops == {flow.cookie for flow in flows.values() if flow.shape.drops}
    assert all(cookie & COOKIE_DROPS for cookie in drops)
    # No two flows of ours look alike, whatever their cookies.
    some = list(flows.values())[:200]
    assert all(is_in_place(one, found[other.cookie]) == (one.key == other.key) for one in some for other in some)


@pytest.fixture
def watching(switch: Switch, connection: Connection) -> Connection:
    switch.ofctl("add-flow", "br", f"{OURS},actions=set_field:7->reg2")
    connection.send(encode.watch([TABLE], 4))
    connection.barrier()
    return connection


def reported(connection: Connection) -> list[Update]:
    connection.send(encode.count_flows(5))  # its answer comes after all reports
    messages = connection.barrier()
    return connection.bodies([m for m in messages if int.from_bytes(m[8:10]) == ofp.OFPMP_FLOW_MONITOR])


@pytest.mark.parametrize("how", [[], ["--strict"], ["--bundle"]], ids=["plainly", "strictly", "in a bundle"])
@pytest.mark.parametrize("kind", ["add", "mod", "del"])
def test_what_somebody_else_does_is_reported_in_full(
    switch: Switch, watching: Connection, kind: str, how: list[str]
) -> None:
    command, flow = {
        "add": ("add-flow", f"table={TABLE},priority=8,cookie={COOKIE + 1:#x},actions=drop"),
        "mod": ("mod-flows", f"table={TABLE},priority=7,ip,nw_dst=10.0.0.1,actions=set_field:8->reg2"),
        "del": ("del-flows", f"table={TABLE},priority=7,ip,nw_dst=10.0.0.1"),
    }[kind]
    if "--strict" not in how and kind != "add":
        flow = flow.replace("priority=7,", "")
    switch.ofctl("--protocols=OpenFlow14", *how, command, "br", flow)
    (update,) = reported(watching)
    assert update.event == {"add": ofp.OFPFME_ADDED, "mod": ofp.OFPFME_MODIFIED, "del": REMOVED}[kind]
    assert update.entry is not None
    assert update.entry.table == TABLE
    assert update.entry.priority == (8 if kind == "add" else 7)
    assert update.entry.cookie >> 56 == 0x76


def test_os_ken_alone_cannot_decode_what_is_reported(switch: Switch, watching: Connection) -> None:
    """Why ADR 12 replaces its decoder of updates: it takes every full update for one of the first kind."""
    switch.ofctl("mod-flows", "br", f"table={TABLE},actions=drop")
    messages = watching.barrier()
    assert len(messages) == 1
    with pytest.raises(AssertionError):
        parser.OFPFlowUpdateHeader.parser(bytearray(messages[0]), 16)


def test_what_we_do_is_reported_in_short(watching: Connection) -> None:
    flows = tuple(Flow(Shape(TABLE, priority, (), ())) for priority in range(1, 5))
    for plan in (Plan(flows, frozenset()), Plan((), frozenset(flow.cookie for flow in flows))):
        watching.send(b"".join(encode.transaction(plan, 6)))
        messages = watching.read(lambda message: message[1] == ofp.OFPT_BARRIER_REPLY)
        (update,) = watching.bodies([message for message in messages if message[1] == ofp.OFPT_MULTIPART_REPLY])
        assert update.entry is None


def test_flows_that_expire_are_reported_and_other_tables_are_not(switch: Switch, watching: Connection) -> None:
    switch.ofctl("add-flow", "br", f"table={TABLE + 1},actions=drop")
    switch.ofctl("add-flow", "br", f"table={TABLE},priority=9,hard_timeout=1,actions=drop")
    added, expired = (watching.bodies(watching.read(lambda _: True, 5)) for _ in range(2))
    assert [update.event for update in (*added, *expired)] == [ofp.OFPFME_ADDED, REMOVED]
    assert not added[0].entry.is_plain


def test_a_second_flow_is_removed_by_its_place(switch: Switch, connection: Connection) -> None:
    switch.ofctl("add-flow", "br", f"{OURS},actions=drop")
    switch.ofctl("add-flow", "br", f"{OURS},reg0=1,actions=drop")
    (stray,) = [entry for entry in entries(connection) if len(entry.match) > 20]
    connection.send(encode.remove(stray, 8))
    assert connection.barrier() == []
    assert len(entries(connection)) == 1
