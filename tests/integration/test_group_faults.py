"""Faults of controller, store and switches while security groups hold: what is lost, counted, and what stays refused.

Connections that are there go on, new ones are judged as before, also while nobody is there who could change anything.
"""

import time
from collections.abc import Callable, Iterator

import pytest

from flows.model.services import ICMP, TCP, UDP
from tests.integration.faults import LOST_CONTROLLER, connected, has_session, kill_controller, kill_store, stopped
from tests.integration.services import Attempt, Services, expected, matrix, serving
from tests.integration.traffic import traffic
from tests.integration.vpclab import VpcLab
from tests.switch import wait_until

pytestmark = pytest.mark.lab
Labs = Callable[[str], VpcLab]

NETWORK = """
hosts:
  h1: {tunnel_ip: 192.0.2.1}
  h2: {tunnel_ip: 192.0.2.2}
  h3: {tunnel_ip: 192.0.2.3}
vpcs:
  blue: {id: 1, subnets: {lan: {cidr: 10.0.1.0/24}}}
security_groups:
  client:
    vpc: blue
    in: []
    out: [{to: server}]
  server:
    vpc: blue
    in:
      - {icmp: ping}
      - {from: client, tcp: [80, 5201]}
      - {from: server, udp: 53}
ports:
  client1: {vpc: blue, ips: [10.0.1.8], host: h1, groups: [client]}
  client2: {vpc: blue, ips: [10.0.1.9], host: h2, groups: [client]}
  server1: {vpc: blue, ips: [10.0.1.11], host: h1, groups: [server]}
  server2: {vpc: blue, ips: [10.0.1.12], host: h2, groups: [server]}
  server3: {vpc: blue, ips: [10.0.1.13], host: h2, groups: [server]}
  plain3: {vpc: blue, ips: [10.0.1.23], host: h3}
"""
MORE = NETWORK.replace("udp: 53}", "udp: 53}\n      - {from: 10.0.1.23/32, tcp: 81}")
"""With one rule more, which no port but plain3 is for."""
PATH = ("client1", "server2", "server3")
"""Who sends, who is pinged, and who gets the stream; the two are on another host."""
SERVICES = ((TCP, 80), (TCP, 81), (UDP, 53), (ICMP, 8))


@pytest.fixture(scope="module")
def services(labs: Labs) -> Iterator[Services]:
    with serving(labs(NETWORK), (80, 81, 53)) as found:
        yield found


@pytest.fixture
def lab(labs: Labs) -> VpcLab:
    return labs(NETWORK)


def judged(lab: VpcLab, services: Services) -> int:
    """How many new connections are refused; all are as the model says."""
    attempts = matrix(lab.network, SERVICES)
    wanted = expected(lab.network, attempts)
    answered = services.answered(attempts)
    assert (answered - wanted, wanted - answered) == (set(), set())
    assert 0 < len(wanted) < len(attempts)
    return len(attempts) - len(wanted)


def test_the_controller_is_away(lab: VpcLab, services: Services) -> None:
    """Killed, it comes back at once. Stopped, new connections are judged without it, and a change waits for it."""
    lab.allow(LOST_CONTROLLER)
    with traffic(lab, *PATH) as result:
        kill_controller(lab)
        with stopped(lab.lab.controller_pid()):
            generation = lab.change(MORE)
            assert services.answered([Attempt("plain3", "server2", TCP, 81)]) == set()
            # As the model was that the hosts have.
            attempts = [one for one in matrix(lab.network, SERVICES) if one.port != 81]
            assert services.answered(attempts) == expected(lab.network, attempts)
        lab.wait(generation, 60)
        judged(lab, services)
    assert result.losses("controller killed with -9, then stopped for some seconds, with security groups") == 0


def test_the_store_is_killed(lab: VpcLab, services: Services) -> None:
    with traffic(lab, *PATH) as result:
        kill_store(lab)
        judged(lab, services)
        lab.apply(MORE)
        judged(lab, services)
    assert result.losses("store killed with -9, with security groups") == 0


def test_a_switch_is_restarted(lab: VpcLab, services: Services) -> None:
    """The userspace datapath forgets all connections, and the kernel keeps them. Either way they go on."""
    lab.allow("connection failed|Connection refused|connection dropped")
    with traffic(lab, *PATH) as result:
        time.sleep(0.5)
        lab.lab.restart_switch("h2")
        back = time.time()
        wait_until(lambda: lab.ping("client1", "server2", 1).lost == 0, "the way to be back", 20)
        wait_until(lambda: connected(lab, "h2") and has_session(lab, "h2"), "the switch to come back", 20)
        judged(lab, services)
        time.sleep(1.5)
    after = result.lost_after(back)
    lost = result.losses(f"ovs-vswitchd restarted, with security groups; {after} of them when Open vSwitch was back")
    assert lost > 0
