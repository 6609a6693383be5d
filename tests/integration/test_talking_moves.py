"""What switches learned about a port does not outlive it, also where they learn late (S13).

Open vSwitch learns also when it counts the packets that its datapath has forwarded: up to half a second after a flow
was removed, what it had learned can be back. Nobody notices at that moment. Frames then go to a dead port until the
entry is too old.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle, islice

import pytest

from flows.openflow.learn import LEARNED_OWNER
from flows.pipeline.page import KNOWN, UNICAST
from tests.integration import test_move, test_routed_lans
from tests.integration.vpclab import VpcLab
from tests.scenario import SHIPPED
from tests.switch import wait_until

pytestmark = [pytest.mark.lab, pytest.mark.system("S13")]
Labs = Callable[[str], VpcLab]

LAN = (SHIPPED / "lan.yaml").read_text()
HOSTS = """
encapsulation: gre
hosts:
  h1: {tunnel_ip: 192.168.50.1}
  h2: {tunnel_ip: 192.168.50.2}
segments:
  red: {id: 1}
ports:
  a: {segment: red, host: h1, ip: 10.0.0.11/24}
  b: {segment: red, host: h1, ip: 10.0.0.12/24}
  c: {segment: red, host: h2, ip: 10.0.0.13/24}
"""
LEFT = rf"{test_move.LEFT}|Dropped \d+ log messages"
STALE = f"{LEARNED_OWNER:#x}00000000000bad"

TALK = """
import socket, sys, time
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
while True:
    try:
        out.bind(("eth0", 0))
        while True:
            out.send(bytes.fromhex(sys.argv[1]).ljust(60, b"\\0"))
            time.sleep(0.002)
    except OSError:  # it is on its way
        time.sleep(0.01)
"""


@contextmanager
def talking(lab: VpcLab, port: str, target: str) -> Iterator[None]:
    """A port sends 500 frames a second to another one while a block runs, and goes on wherever it is moved to."""
    macs = (lab.mac(target, "eth0") + lab.mac(port, "eth0")).replace(":", "")
    talk = lab.start(port, "python3", "-c", TALK, macs + "88b6")
    try:
        yield
        assert talk.poll() is None
    finally:
        talk.kill()
        talk.wait()


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("times", [20, pytest.param(100, marks=pytest.mark.full)])
@pytest.mark.parametrize("text", [HOSTS, LAN], ids=["hosts", "plain-switches"])
def test_nothing_is_left_of_a_talking_machine_where_it_was(labs: Labs, text: str, times: int) -> None:
    lab = labs(text)
    lab.allow(LEFT)
    log = lab.lab.path / "controller" / "controller.log"
    move = test_move.move if text is HOSTS else test_routed_lans.move
    places = ("h2", "h1") if text is HOSTS else ("s3", "s1")
    with talking(lab, "a", "c"), talking(lab, "c", "a"):
        for place in islice(cycle(places), times):
            move(lab, "a", place)
            wait_until(lambda: not lab.differences(), f"nothing to be left of a at its place before {place}", 15)
    print(f"{times} moves: entries came back {log.read_text().count('learned: ')} times")
    assert lab.ping("c", "a").lost == 0


@pytest.mark.parametrize("text", [HOSTS, LAN], ids=["hosts", "plain-switches"])
def test_what_shows_up_later_is_removed(labs: Labs, text: str) -> None:
    """An entry of a port that is gone, as a switch may learn it at any time, is found without any other event."""
    lab = labs(text)
    lab.allow(LEFT)
    switch, bridge = ("host:h1", "br-int") if text is HOSTS else ("switch:s1", lab.bridge("s1"))
    vlan_and_mac = "vlan_tci=0/0xfff,dl_{}=02:00:00:00:0b:ad"
    for table, field, actions in ((KNOWN, "src", "load:1->NXM_NX_REG0[0]"), (UNICAST, "dst", "output:99")):
        match = f"table={table.number},cookie={STALE},priority=5,{vlan_and_mac.format(field)}"
        lab.run(switch, "ovs-ofctl", "-OOpenFlow14", "add-flow", bridge, f"{match},actions={actions}")
    dump = ("ovs-ofctl", "-OOpenFlow14", "dump-flows", bridge, f"cookie={STALE}/-1")
    assert STALE in lab.run(switch, *dump)
    wait_until(lambda: STALE not in lab.run(switch, *dump), "the entries to go", 30)
    assert "learned: 1 stale entries came back" in (lab.lab.path / "controller" / "controller.log").read_text()
