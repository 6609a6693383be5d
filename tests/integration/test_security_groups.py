"""Security groups, with real connections: what the rules say comes about, and nothing else."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from scapy.all import ICMP as ICMP_
from scapy.all import IP, Ether
from scapy.all import TCP as TCP_

from flows.model import GATEWAY_MAC
from flows.model.services import ICMP, TCP, UDP
from tests.integration.faults import kill_controller
from tests.integration.services import Attempt, Services, expected, matrix, serving
from tests.integration.vpclab import VpcLab
from tests.scenario import SCENARIOS
from tests.switch import wait_until

pytestmark = pytest.mark.lab

NETWORK = Path(SCENARIOS, "security-groups.yaml").read_text()
SERVED = (22, 80, 5432, 8003, 8006, 8125)
SERVICES = (
    *((TCP, port) for port in (22, 80, 5432, 8003, 8006)),
    *((UDP, port) for port in (5432, 8125)),
    *((ICMP, kind) for kind in (8, 13)),
)


@pytest.fixture(scope="module")
def served(labs: Callable[[str], VpcLab]) -> Iterator[tuple[VpcLab, Services]]:
    """The network with every kind of rule; every instance serves."""
    lab = labs(NETWORK)
    with serving(lab, SERVED) as services:
        yield lab, services


@pytest.fixture
def net(labs: Callable[[str], VpcLab], served: tuple[VpcLab, Services]) -> VpcLab:
    """Its lab."""
    return labs(NETWORK)


@pytest.fixture
def services(served: tuple[VpcLab, Services]) -> Services:
    """Its servers and clients."""
    return served[1]


def zone(net: VpcLab, host: str, number: str) -> list[str]:
    """What connection tracking knows of the connections of a port, by its OpenFlow number."""
    return net.run(host, "ovs-appctl", "dpctl/dump-conntrack", f"zone={number}").splitlines()


@pytest.mark.system("S19")
@pytest.mark.zones
def test_every_pair_and_service(net: VpcLab, services: Services) -> None:
    """Every port tries every other one for every service that a rule names, and for some that none does."""
    attempts = matrix(net.network, SERVICES)
    answered = services.answered(attempts)
    wanted = expected(net.network, attempts)
    assert wanted
    assert (answered - wanted, wanted - answered) == (set(), set())


@pytest.mark.system("S19")
@pytest.mark.zones
def test_fragments(net: VpcLab, services: Services) -> None:
    """Datagrams of several packets pass where small ones do, the first one included, and nowhere else."""
    for size in (4000, 20000):
        attempts = [
            Attempt("batch1", "db1", UDP, 5432, size),
            Attempt("batch1", "db2", UDP, 5432, size),
            Attempt("plain1", "web2", ICMP, 8, size),
            Attempt("plain1", "web2", UDP, 5432, size),
            Attempt("batch1", "db2", UDP, 8125, size),
            Attempt("db1", "web2", UDP, 5432, size),
        ]
        assert services.answered(attempts) == set(attempts[:3])


_HOLD = """
import socket, time
connection = socket.create_connection(("10.0.1.12", 80))
print(connection.getsockname()[1], flush=True)
time.sleep(60)
"""


@pytest.mark.system("S19")
@pytest.mark.zones
def test_an_icmp_error_from_the_client(net: VpcLab, services: Services) -> None:
    """An ICMP error about what the server sent reaches the server, and nothing else is cut off by it.

    The kind of fault: the kernel datapath does not tell at once which connection such an error is about. Dropped for
    that, it makes a flow in the datapath that drops all else for the port too.
    """
    holding = net.start("plain1", "python3", "-c", _HOLD, stdout=subprocess.PIPE)
    try:
        assert holding.stdout is not None
        port = int(holding.stdout.readline())
        client, server = net.address("plain1"), net.address("web2")
        about = IP(src=server, dst=client) / TCP_(sport=80, dport=port)
        errors = [
            Ether(src=net.mac("plain1", "eth0"), dst=GATEWAY_MAC)
            / IP(src=client, dst=server)
            / ICMP_(type=3, code=code)
            / about
            for code in (3, 4)
        ]
        with net.capture("web2") as packets:
            for error in errors:
                net.send("plain1", error, times=3)
        assert sum(ICMP_ in packet and packet[ICMP_].type == 3 for packet in packets) == 6
        attempts = [Attempt("plain1", "web2", TCP, 80), Attempt("web1", "web2", ICMP, 8)]
        assert services.answered(attempts) == set(attempts)
        assert not services.is_answered("plain1", "web2", TCP, 8006)
    finally:
        holding.kill()
        holding.wait()


_SAME = """
import socket, sys
asking = socket.socket()
asking.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
asking.bind(("", 40000))
asking.settimeout(3)
try:
    asking.connect((sys.argv[1], 80))
    print(asking.recv(10).decode(), flush=True)
except OSError:
    print("refused", flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        ((("web2", "web1"), ("quiet2", "quiet1")), ["served", "served"]),
        ((("web1", "web2"), ("quiet1", "quiet2")), ["served", "refused"]),
    ],
    ids=["both allowed", "one refused"],
)
def test_the_same_connection_in_two_vpcs(
    net: VpcLab, services: Services, pairs: tuple[tuple[str, str], ...], told: list[str]
) -> None:
    """Two VPCs have the same addresses on one host: connections with equal addresses and ports are two connections.

    They are open at the same time. What one is allowed says nothing of the other.
    """
    assert services
    assert len({(net.address(one), net.address(other)) for one, other in pairs}) == 1
    with ExitStack() as running:
        pipe = subprocess.PIPE
        clients = []
        for one, other in pairs:
            command = ("python3", "-c", _SAME, net.address(other))
            client = running.enter_context(net.start(one, *command, stdin=pipe, stdout=pipe))
            running.callback(client.kill)
            clients.append(client)
        assert [client.stdout.readline().strip() for client in clients if client.stdout] == told


@pytest.mark.parametrize(
    ("source", "target", "arrives"), [("web1", "plain2", True), ("plain2", "web1", False)], ids=["allowed", "refused"]
)
def test_traceroute(net: VpcLab, source: str, target: str, arrives: bool) -> None:
    """The gateway and the target of an allowed connection tell of it by ICMP errors, which no rule has to name."""
    command = ("traceroute", "-n", "-U", "-q", "1", "-w", "2", "-m", "2", net.address(target))
    hops = net.run(source, *command).splitlines()[1:]
    assert re.search(r"10\.0\.[12]\.1 ", hops[0]), hops
    assert (net.address(target) in hops[-1]) == arrives, hops


def test_a_scan_leaves_few_flows_in_the_cache(net: VpcLab) -> None:
    """Whoever knocks at many closed ports fills no cache of the receiver's host.

    The kind of fault: a look-up sees all bits of the port or the address. So each port has a cached flow of its own.
    """
    scan = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
    scan += "for port in range(10000, 10200): s.sendto(b'x', ('10.0.1.12', port))"
    net.run("h2", "ovs-appctl", "revalidator/purge")
    before = net.dropped("h2", "no security group of web2")
    net.run("plain1", "python3", "-c", scan)
    wait_until(lambda: net.dropped("h2", "no security group of web2") >= before + 150, "most to be dropped", 20)
    cached = net.run("h2", "ovs-appctl", "dpctl/dump-flows").splitlines()
    assert len([line for line in cached if "ct_state" in line and "drop" in line]) < 10


_KNOCK = """
import socket, sys
for port in range(int(sys.argv[1]), int(sys.argv[2])):
    with socket.socket() as knocking:
        knocking.settimeout(0.01)
        knocking.bind(("", port))
        knocking.connect_ex(("10.0.2.21", 22))
"""


def test_a_refused_connection_is_logged(net: VpcLab) -> None:
    """Whoever wants to know who was refused reads it in the log: once, with all names. A scan fills no log.

    All that is refused is counted, however little of it is logged.
    """
    reason = "no rule 'in' of the security groups of db1 (db)"
    net.apply(NETWORK.replace("  db:\n    vpc: blue\n", "  db:\n    vpc: blue\n    log: true\n"))
    said = logged(net)
    net.run("plain1", "python3", "-c", _KNOCK, "40000", "40001")
    wait_until(lambda: len(logged(net)) > len(said), "the line", 20)
    before = net.dropped("h1", reason)
    net.run("plain1", "python3", "-c", _KNOCK, "40001", "40101")
    wait_until(lambda: net.dropped("h1", reason) >= before + 100, "all to be counted", 20)
    first, *others = logged(net)[len(said) :]
    assert first.endswith(
        "INFO h1: connection: plain1 (10.0.1.200) to db1 (10.0.2.21) for tcp 22 from port 40000: refused: "
        "no rule 'in' of security group db of db1 allows it"
    )
    assert sum("from port 40000:" in line for line in others) == 0, "its first packet was sent again"
    assert 1 <= len(others) < 50
    print(f"100 connections: {len(others)} logged")
    counted = f"{reason} allows this; logged by the controller"
    wait_until(
        lambda: net.store.read_status()["hosts"]["h1"]["drops"].get(counted, 0) > 100, "the status to count them", 30
    )


def logged(net: VpcLab) -> list[str]:
    """The log's lines about refused connections."""
    lines = net.lab.directory.controller_log.read_text().splitlines()
    return [line for line in lines if ": connection: " in line]


def test_a_member_comes_and_goes(net: VpcLab, services: Services) -> None:
    """Whoever joins a group may do what rules allow its members, on every host; whoever leaves it may not any more."""
    joined = NETWORK.replace("plain2: {vpc: blue, ips: [10.0.2.50], host: h2}", _MEMBER)
    attempts = [Attempt("plain2", "db1", TCP, 5432), Attempt("plain2", "db2", TCP, 5432)]
    assert services.answered(attempts) == set()
    net.apply(joined)
    assert services.answered(attempts) == set(attempts)
    net.apply(NETWORK)
    assert services.answered(attempts) == set()


_MEMBER = "plain2: {vpc: blue, ips: [10.0.2.50], host: h2, groups: [web]}"


def test_changes_disturb_nobody(net: VpcLab) -> None:
    """Rules, members and names of groups change under a ping that stays allowed: nothing of it is lost."""
    changes = [
        NETWORK.replace("{icmp: ping}", "{icmp: ping}\n      - {from: db, tcp: 9999}"),
        NETWORK.replace("{icmp: ping}", "{from: [10.0.1.0/24, 10.0.2.0/24], icmp: 8}"),
        NETWORK.replace("plain2: {vpc: blue, ips: [10.0.2.50], host: h2}", _MEMBER),
        re.sub(r"\bweb\b", "www", NETWORK),
        NETWORK.replace("  web:\n    vpc: blue\n", "  web:\n    vpc: blue\n    out: [{to: db}, {icmp: ping}]\n"),
        NETWORK,
    ]
    for pair in (("web1", "web2"), ("plain1", "web2")):
        with net.pinging(*pair) as pings:
            for change in changes:
                net.apply(change)
        assert pings.lost == 0, pings


def test_a_zone_is_emptied_when_its_port_goes(net: VpcLab, services: Services) -> None:
    """What was known of the connections of one port does not count for another one that gets its number."""
    interface = net.lab.topology.ports["web2"].interface
    number = net.run("h2", "ovs-vsctl", "get", "interface", interface, "ofport").strip()
    assert services.is_answered("plain1", "web2", TCP, 80)
    assert services.is_answered("plain1", "web2", ICMP, 8)
    assert len(zone(net, "h2", number)) >= 2
    net.lab.unplug("web2")
    try:
        wait_until(lambda: not zone(net, "h2", number), "the zone to be empty", 10)
    finally:
        net.lab.plug("web2", "h2")
    wait_until(lambda: services.is_answered("plain1", "web2", TCP, 80), "the port to be back", 10)


def test_another_controller_leaves_connections_alone(net: VpcLab, services: Services) -> None:
    """The controller is killed, and the next one takes over: nothing is lost, and what was remembered stays.

    The kind of fault: a controller that starts takes every port for a new one, and empties its zone.
    """
    number = net.run("h2", "ovs-vsctl", "get", "interface", net.lab.topology.ports["web2"].interface, "ofport").strip()
    assert services.is_answered("plain1", "web2", TCP, 80)
    known = len(zone(net, "h2", number))
    assert known
    with net.pinging("web1", "web2", 0.01, at_least=50) as pings:
        kill_controller(net)
        net.apply(NETWORK + "\n")
        assert len(zone(net, "h2", number)) >= known
    assert services.is_answered("plain1", "web2", TCP, 8003)
    assert pings.lost == 0, pings
