"""Packets through a real ovs-vswitchd (``ofproto/trace``), told by the sentences of the rules they met."""

import re
from dataclasses import dataclass

from flows.compile.program import compile
from flows.model import Network
from flows.model.contract import TUNNEL_OFPORT
from flows.openflow.learn import LEARNED_OWNER
from flows.pipeline.rules import Rule
from tests.scenario import PLAIN_SWITCH_PORTS, compiled, plain_switch, plugged
from tests.switch import Switch

_OUTPUT = re.compile(
    r"^\s+(?:output:NXM_NX_REG2\[\]\n\s+-> output port is (\d+)|output:(\d+)$(?!\n\s+>> skipping)|(IN_PORT))",
    re.MULTILINE,
)
"""Where a trace says that a copy goes; what stays away from the port it came in by is not one."""


@dataclass(frozen=True)
class Trace:
    """What became of one packet."""

    sentences: list[str]
    rules: frozenset[Rule]
    outputs: list[str]
    """Where it went: port numbers, or ``in_port``."""
    final: str
    """The packet as it left."""
    datapath: str
    """What the datapath is told to do with packets like it."""
    text: str

    def field(self, name: str) -> str:
        """A field of the packet as it left."""
        found = re.search(rf"\b{name}=([^,\s]+)", self.final)
        assert found, f"no {name} in {self.final}"
        return found.group(1)


class Tracer:
    """The flows of one host, or of the plain switch, in a real switch."""

    def __init__(self, switch: Switch, network: Network | None = None, host: str = "") -> None:
        self._switch = switch
        switch.vsctl("--if-exists", "del-br", "br-int", "--", "add-br", "br-int")
        if network is None:
            self._desired = compile(plain_switch())
            for number in PLAIN_SWITCH_PORTS:
                self._add_port(f"p{number}", number, "dummy")
        else:
            self._desired = compiled(network, host)
            facts = plugged(network)[host]
            for interface in facts.interfaces:
                self._add_port(interface.name, interface.ofport, "dummy")
            for name, number in facts.physical:
                self._add_port(f"phy-{name}", number, "dummy")
            kind = network.encapsulation
            self._add_port("tun", TUNNEL_OFPORT, kind, "options:remote_ip=flow", "options:key=flow")
        switch.hold("br-int", self._desired)

    def _add_port(self, name: str, ofport: int, kind: str, *options: str) -> None:
        settings = (f"type={kind}", f"ofport_request={ofport}", *options)
        self._switch.vsctl("add-port", "br-int", name, "--", "set", "interface", name, *settings)

    def packet(self, packet: str) -> Trace:
        """Trace a packet, written as in ovs-fields(7), from its port through the whole pipeline.

        It is learned from, as from any other; what it teaches is forgotten before the next one.
        """
        traced = self._read(self._switch.appctl("ofproto/trace", "-generate", "br-int", packet))
        self._switch.ofctl(
            "--protocols=OpenFlow14", "del-flows", "br-int", f"cookie={LEARNED_OWNER << 56:#x}/{0xFF << 56:#x}"
        )
        return traced

    def enter(self, packet: str, actions: str) -> Trace:
        """Trace a packet that enters with actions of our choice, any table and registers included."""
        return self._read(self._switch.appctl("ofproto/trace-packet-out", "br-int", packet, actions))

    def _read(self, text: str) -> Trace:
        cookies = [int(cookie, 16) for cookie in re.findall(r"cookie (0x[0-9a-f]+)", text)]
        reasons = [self._desired.applications[cookie][0] for cookie in cookies]
        steps = text.partition("\n\nFinal flow: ")
        final = steps[2].partition("\n")[0]
        outputs = _OUTPUT.findall(steps[0])
        return Trace(
            [reason.sentence for reason in reasons],
            frozenset(reason.rule for reason in reasons),
            ["".join(output).lower() for output in outputs],
            final,
            text.partition("\nDatapath actions: ")[2],
            text,
        )
