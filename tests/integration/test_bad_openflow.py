"""Somebody speaks OpenFlow badly to the controller: a broken switch, or no switch at all.

Wanted: one line in the log and no traceback, nothing that waits for ever, and switches beside it that notice nothing.
"""

import random
import re
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from os_ken.ofproto import ofproto_v1_4 as ofp

from flows.model.contract import datapath_id
from tests.properties.controller_process import Network
from tests.switch import wait_until
from tests.unit.test_message_check import BAD, SOUND, message, reply

TEXT = """
encapsulation: vxlan
hosts: {h1: {tunnel_ip: 192.0.2.1}, h2: {tunnel_ip: 192.0.2.2}}
vpcs:
  blue: {id: 7, subnets: {web: {cidr: 10.0.0.0/24}}}
ports:
  a: {vpc: blue, ips: [10.0.0.11], host: h1}
"""


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    network = Network(["h1"])
    try:
        network.apply(TEXT)
        wait_until(lambda: network.store.read_status() and network.status()["h1"]["confirmed"], "h1")
        yield network
    finally:
        network.stop()


class Speaker:
    """A switch that shakes hands as it should, and then says what it is told to."""

    def __init__(self, network: Network, dpid: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", network.openflow_port), timeout=10)
        self.say(message(ofp.OFPT_HELLO))
        self.answer(ofp.OFPT_FEATURES_REQUEST, ofp.OFPT_FEATURES_REPLY, struct.pack("!QIBB2xII", dpid, 0, 254, 0, 0, 0))
        self.answer(ofp.OFPT_MULTIPART_REQUEST, ofp.OFPT_MULTIPART_REPLY, struct.pack("!HH4x", ofp.OFPMP_PORT_DESC, 0))

    def say(self, said: bytes) -> None:
        self._socket.sendall(said)

    def answer(self, asked: int, kind: int, body: bytes) -> None:
        """Answer a request, once it comes."""
        while (header := self.hear()) and header[1] != asked:
            pass
        assert header is not None
        self.say(struct.pack("!BBHI", ofp.OFP_VERSION, kind, 8 + len(body), header[3]) + body)

    def hear(self) -> tuple[int, int, int, int] | None:
        """The header of the next message; None: the controller has ended the connection."""
        try:
            header = self._socket.recv(8, socket.MSG_WAITALL)
            if len(header) < 8:
                return None
            found: tuple[int, int, int, int] = struct.unpack("!BBHI", header)
            self._socket.recv(found[2] - 8, socket.MSG_WAITALL)
        except ConnectionError:
            return None
        return found

    def is_ended(self) -> bool:
        """Whether the controller ends the connection, within seconds."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if self.hear() is None:
                return True
        return False

    def close(self) -> None:
        self._socket.close()


def lines(network: Network, part: str) -> int:
    return network.log().count(part)


def test_after_the_handshake(network: Network) -> None:
    """Each kind of bad message: whoever sends one that somebody may wait for is not listened to any longer."""
    for dpid, (what, (bad, is_fatal)) in enumerate(BAD.items(), 0x1000):
        speaker = Speaker(network, dpid)
        speaker.say(bad)
        if is_fatal:
            assert speaker.is_ended(), what
        else:
            speaker.say(message(ofp.OFPT_ECHO_REQUEST))
            while (header := speaker.hear()) and header[1] != ofp.OFPT_ECHO_REPLY:
                pass
            assert header is not None, what
        speaker.close()
    # All came from one machine within a minute.
    assert lines(network, "bad OpenFlow") == 1
    assert re.search(r"127\.0\.0\.1:\d+.*: bad OpenFlow: .*; (it is left out|the connection is ended)\n", network.log())


def test_a_switch_that_answers_badly_is_not_waited_for(network: Network) -> None:
    """Its flows are asked for, and cannot be understood: there is no answer that would ever come."""
    network.apply(TEXT)
    speaker = Speaker(network, datapath_id("h2"))
    speaker.answer(ofp.OFPT_MULTIPART_REQUEST, ofp.OFPT_MULTIPART_REPLY, struct.pack("!HH4xH", ofp.OFPMP_FLOW, 0, 9))
    assert speaker.is_ended()
    wait_until(lambda: not network.status()["h2"]["switch"], "the end of its session")


def test_length_below_the_header(network: Network) -> None:
    speaker = Speaker(network, 0x2000)
    speaker.say(struct.pack("!BBHI", ofp.OFP_VERSION, ofp.OFPT_ECHO_REQUEST, 3, 1))
    assert speaker.is_ended()


def test_an_answer_before_its_question(network: Network) -> None:
    """Whoever tells of its ports before it has said who it is, is no switch with no name."""
    with socket.create_connection(("127.0.0.1", network.openflow_port), timeout=10) as end:
        end.sendall(message(ofp.OFPT_HELLO) + reply(ofp.OFPMP_PORT_DESC, b"") + message(ofp.OFPT_ECHO_REQUEST))
        while end.recv(8, socket.MSG_WAITALL)[1] != ofp.OFPT_ECHO_REPLY:
            pass
    assert lines(network, "Traceback") == 0, network.log()[-5000:]


def test_noise(network: Network) -> None:
    """At random: noise, sound messages that are spoilt, and what a switch says when it is not its turn."""
    chance = random.Random(17)
    for number in range(60):
        with suppress(OSError):
            speaker = Speaker(network, 0x3000 + number) if number % 3 else None
            end = speaker._socket if speaker else socket.create_connection(("127.0.0.1", network.openflow_port))
            for _ in range(20):
                one = bytearray(chance.choice([*SOUND.values(), reply(chance.randrange(20), chance.randbytes(40))]))
                for _ in range(chance.randrange(4)):
                    one[chance.randrange(4, len(one))] = chance.randrange(256)
                end.sendall(bytes(one) if number % 5 else chance.randbytes(50))
            end.close()


def test_nobody_else_noticed(network: Network) -> None:
    assert network.status()["h1"]["switch"]
    assert lines(network, "h1: switch: connected") == 1
    assert lines(network, "Traceback") == 0, network.log()[-5000:]
    assert lines(network, "bad OpenFlow") <= 3
    assert len(network.log().splitlines()) < 200
