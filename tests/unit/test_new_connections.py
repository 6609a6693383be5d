"""How many connections a port opens, from what its meter has counted."""

from controller.cli.diagnose.status import _many_connections
from controller.openflow.groups_and_meters import MeterCount
from controller.reconcile.installed.new_connections import NewConnections, Opened
from controller.status.report import many_connections
from flows.model.reader import parse
from flows.pipeline.limits import ICMP_ERRORS, NEW_CONNECTIONS
from tests.scenario import compiled

NETWORK = """
hosts: {h1: {tunnel_ip: 192.0.2.1}}
vpcs: {v: {id: 1, subnets: {s: {cidr: 10.0.0.0/24}}}}
security_groups: {web: {vpc: v, in: [{tcp: 80}]}}
ports:
  a: {vpc: v, ips: [10.0.0.11], host: h1, groups: [web]}
  b: {vpc: v, ips: [10.0.0.12], host: h1, groups: [web]}
  c: {vpc: v, ips: [10.0.0.13], host: h1}
"""

DESIRED = compiled(parse(NETWORK, "network.yaml")[0], "h1")
FIRST, LAST = NEW_CONNECTIONS.meters.range
A, B = (number for _, number in sorted(DESIRED.users) if FIRST <= number <= LAST)


def counted(connections: NewConnections, now: float, **taken: tuple[int, int]) -> None:
    numbers = {"a": A, "b": B}
    connections.counted({numbers[port]: MeterCount(*counts) for port, counts in taken.items()}, DESIRED, now)


def test_a_port_without_groups_has_no_such_meter() -> None:
    assert len([number for _, number in DESIRED.users if FIRST <= number <= LAST]) == 2


def test_two_readings_tell_how_fast_a_port_opens_connections() -> None:
    connections = NewConnections()
    counted(connections, 100.0, a=(5_000, 0), b=(7, 0))
    assert connections.by_port["a"] == Opened(5_000, 0, 0.0, NEW_CONNECTIONS.rate), "one reading tells no rate"
    counted(connections, 110.0, a=(125_000, 20_000), b=(17, 0))
    assert connections.by_port["a"] == Opened(105_000, 20_000, 12_000.0, NEW_CONNECTIONS.rate)
    assert connections.by_port["b"] == Opened(17, 0, 1.0, NEW_CONNECTIONS.rate)


def test_a_meter_that_was_made_again_counts_from_nothing() -> None:
    connections = NewConnections()
    counted(connections, 100.0, a=(5_000, 900))
    counted(connections, 110.0, a=(50, 0))
    assert connections.by_port["a"] == Opened(50, 0, 5.0, NEW_CONNECTIONS.rate)


def test_other_meters_and_ports_that_are_gone_are_not_told() -> None:
    connections = NewConnections()
    icmp = {ICMP_ERRORS.meters.of(1): MeterCount(3, 3), 5: MeterCount(1, 1), LAST: MeterCount(1, 1)}
    connections.counted(icmp, DESIRED, 100.0)
    assert not connections.by_port
    counted(connections, 100.0, a=(1, 0))
    connections.counted({}, None, 101.0)
    assert not connections.by_port


def test_the_status_tells_who_comes_near_the_limit() -> None:
    connections = NewConnections()
    counted(connections, 100.0, a=(0, 0), b=(0, 0))
    counted(connections, 101.0, a=(8_000, 0), b=(7_999, 0))
    said = [list(one) for one in many_connections(connections)]
    assert list(_many_connections({"h1": {"many_connections": said}})) == [
        "  h1: port a: 8000 a second of 10000 that it may open"
    ]
    counted(connections, 102.0, a=(8_000, 0), b=(19_999, 2_000))
    said = [list(one) for one in many_connections(connections)]
    assert list(_many_connections({"h1": {"many_connections": said}})) == [
        "  h1: port b: 12000 a second of 10000 that it may open; 2000 were too many and were dropped"
    ]
