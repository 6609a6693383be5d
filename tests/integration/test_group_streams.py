"""Connections that are there while security groups, ports and places change: what stops, what goes on, what is lost."""

import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP

from controller.cli.change.migrate import is_also_on, is_on
from controller.cli.common.state import Target
from mininet_topos.waiting import patience
from tests.integration.talks import talking
from tests.integration.test_move import LEFT, move
from tests.integration.vpclab import RATE, VpcLab
from tests.scenario import SCENARIOS
from tests.switch import wait_until

pytestmark = pytest.mark.lab
Labs = Callable[[str], VpcLab]

NETWORK = Path(SCENARIOS, "security-groups.yaml").read_text()
WITHOUT = NETWORK.replace("{tcp: [80, 8000-8005]}", "{tcp: 80}")
"""No rule for the port of the talks."""
BETWEEN = 0.001 if RATE == 1 else 0.01
"""Seconds between two pings; in a virtual machine with one processor fewer fit."""
STRICT = NETWORK.replace("  web:\n    vpc: blue\n", "  web:\n    vpc: blue\n    out: []\n")
"""Servers that may not open anything."""


@pytest.fixture
def lab(labs: Labs) -> VpcLab:
    return labs(NETWORK)


@pytest.mark.system("S19")
def test_a_rule_goes_and_comes_back(lab: VpcLab) -> None:
    """What a rule alone allowed stops within a second, in both directions, and the same connection goes on later.

    The kind of fault: connections outlive their rule, or stay dead once it is back. One server sends all the time to a
    client that says nothing; another one is asked. Nobody else loses anything.
    """
    with ExitStack() as running:
        bystanders = [
            running.enter_context(lab.pinging(*pair, BETWEEN)) for pair in (("plain1", "web1"), ("web1", "plain2"))
        ]
        pushed = running.enter_context(talking(lab, "plain1", "web2", pushes=True))
        asked = running.enter_context(talking(lab, "batch1", "db2", pushes=False, port=5432))
        stays = running.enter_context(talking(lab, "web1", "plain2", pushes=True))
        for _ in range(2):
            lab.apply(WITHOUT.replace("      - {from: batch, tcp: 5432}\n", ""))
            gone = time.time()
            for talk in (pushed, asked):
                wait_until(talk.is_silent, "the connection to stop")
                late = talk.heard().last - gone
                print(f"stopped {late:.3f} s after the hosts had confirmed")
                assert late < patience(1)
            lab.apply(NETWORK)
            pushed.goes_on()
            asked.goes_on()
        silence = stays.heard().longest
    assert [pings.lost for pings in bystanders] == [0, 0]
    assert silence < patience(2), "on a machine with much else to do, a switch may wait for its turn"


def test_changes_under_streams_lose_nothing(lab: VpcLab) -> None:
    """Rules are exchanged for equal ones, groups get members and other names: what stays allowed loses nothing."""
    changes = [
        NETWORK.replace("{tcp: [80, 8000-8005]}", "{tcp: [80, 8000-8003]}\n      - {from: 10.0.0.0/8, tcp: 8004-8005}"),
        NETWORK.replace("{from: batch, tcp: 5432}", "{from: 10.9.0.0/24, tcp: 5000-6000}"),
        NETWORK.replace("ips: [10.9.0.33], host: h2}", "ips: [10.9.0.33], host: h2, labels: {app: batch}}"),
        NETWORK.replace("ips: [10.0.2.50], host: h2}", "ips: [10.0.2.50], host: h2, groups: [web]}"),
        re.sub(r"\bweb\b", "www", re.sub(r"\bdb\b", "data", NETWORK)),
        NETWORK,
    ]
    assert NETWORK not in changes[:-1]
    with ExitStack() as running:
        pings = running.enter_context(lab.pinging("plain1", "web2", BETWEEN))
        pushed = running.enter_context(talking(lab, "plain1", "web2", pushes=True))
        asked = running.enter_context(talking(lab, "batch1", "db2", pushes=False, port=5432))
        for change in changes:
            lab.apply(change)
        silences = [talk.heard().longest for talk in (pushed, asked)]
    print(f"longest silences of the connections: {silences} s")
    assert pings.lost == 0
    assert max(silences) < patience(2), "on a machine with much else to do, a switch may wait for its turn"


@pytest.mark.parametrize("is_announced", [False, True], ids=["plain", "announced"])
@pytest.mark.parametrize("text", [NETWORK, STRICT], ids=["out open", "strict out"])
def test_connections_survive_moves(labs: Labs, text: str, is_announced: bool) -> None:
    """What is known of connections stays behind when a port moves, and the connections go on.

    With a strict `out` the server's own segments open nothing: until the client sends something, it hears nothing.
    """
    lab = labs(NETWORK)
    lab.apply(text)
    lab.allow(LEFT)
    carry = announced if is_announced else move
    try:
        with (
            lab.pinging("plain1", "web2", BETWEEN) as pings,
            talking(lab, "plain1", "web2", pushes=False) as asked,
            talking(lab, "plain2", "web2", pushes=True, port=8005) as pushed,
        ):
            carry(lab, "web2", "h1")
            asked.goes_on()
            if text is STRICT:
                pushed.say()
            pushed.goes_on()
            silences = [round(talk.heard().longest, 3) for talk in (asked, pushed)]
        what = f"{'announced' if is_announced else 'plain'} move, {'strict' if text is STRICT else 'open'} out"
        print(f"{what}: longest silences {silences} s, {pings.lost} of {pings.sent} pings lost")
    finally:
        move(lab, "web2", "h2")
    if is_announced and RATE == 1:
        assert pings.lost <= pings.sent / 100


def announced(lab: VpcLab, port: str, host: str) -> None:
    """Move a port as `ovs-vpc migrate --announce` does, with its interface on both hosts in between."""
    target, old = Target(lab.store, lab.lab), lab.store.read_status()["ports"][port]
    lab.lab.join(port, host)
    try:
        wait_until(lambda: is_also_on(target, port, host), "the second interface to be seen")
        lab.wait(lab.store.announce(port, host, old))
        lab.lab.hand_over(port)
        wait_until(lambda: lab.network.ports[port].host == host, "the move to be over")
        stored = lab.store.load()
        assert stored is not None
        wait_until(lambda: is_on(target, port, host, stored.generation), "all hosts to follow")
    finally:
        lab.lab.part(port)


NEXT = NETWORK.replace(
    "  web2: {vpc: blue, ips: [10.0.1.12], host: h2, groups: [web]}",
    "  next: {vpc: blue, ips: [10.0.1.12], host: h2, groups: [closed]}",
).replace("  quiet:\n", "  closed:\n    vpc: blue\n    in: []\n  quiet:\n")
"""Another port has the place and the address of web2. It may open connections, and nobody may reach it."""


@pytest.mark.system("S19")
def test_a_number_goes_to_the_next_tenant(lab: VpcLab) -> None:
    """The next port with the OpenFlow number and the address of one that is gone gets nothing of its connections.

    The kind of fault: connection tracking still knows what the first one had opened, so what comes from its other end
    counts as an answer to the next one, which may open connections and is not to be reached.
    """
    lab.allow(LEFT)
    number = number_of(lab, "web2")
    with talking(lab, "web2", "plain1", pushes=True):
        lab.apply(NEXT)
        lab.lab.follow(NEXT)
        try:
            interface = lab.lab.topology.ports["next"].interface
            lab.run("h2", "ovs-vsctl", "set", "interface", interface, f"ofport_request={number}")
            wait_until(lambda: number_of(lab, "next") == number, f"the number {number}")
            lab.examine()
            with lab.capture("next") as frames:
                # The server sends again what nobody has confirmed, as long as it runs.
                before = refused(lab)
                wait_until(lambda: refused(lab) > before, "what still comes to be refused", 60)
                assert lab.ping("next", "plain1").lost == 0
            got = [frame for frame in frames if TCP in frame and frame[IP].src == lab.address("plain1")]
            assert got == []
        finally:
            lab.apply(NETWORK)
            lab.lab.follow(NETWORK)
    wait_until(lambda: lab.ping("plain1", "web2", 1).lost == 0, "the first port to be back")


def number_of(lab: VpcLab, port: str) -> str:
    interface = lab.lab.topology.ports[port].interface
    return lab.run("h2", "ovs-vsctl", "get", "interface", interface, "ofport").strip()


def refused(lab: VpcLab) -> int:
    return lab.dropped("h2", "no security group of next (closed) allows somebody")
