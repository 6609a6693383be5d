"""The flows of one host in a real switch with real tunnels, asked over its control socket (``ofproto/trace``)."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address

from flows.compile.desired import Desired
from flows.inputs.facts import HostFacts
from flows.model import Network
from flows.openflow.learn import LEARNED_OWNER
from tests.control import Control
from tests.switch import Switch
from tests.trace.datapath import Sent, Values, carry_out
from tests.trace.random_frames import Arrival

OWN = "192.0.2.250"
"""The real switch's tunnel address. It does not matter to its flows."""
_LOOKUP = re.compile(r"^ *(\d+)\. (?:.*cookie (0x[0-9a-f]+)|No match)", re.MULTILINE)
_PORT = re.compile(r"^    \S+ (\d+)/(\d+): ", re.MULTILINE)


@dataclass(frozen=True)
class Traced:
    """What the switch says that it does with a packet."""

    lookups: list[tuple[int, int]]
    """Each table, and the cookie of the flow met there; 0: none."""
    sent: list[Sent]
    """Ports are OpenFlow's numbers."""
    controller: int
    text: str


class RealSwitch:
    """``with RealSwitch() as real``: a switch that can be given one host after another."""

    def __init__(self) -> None:
        self._switch = Switch(only_dummies=False)
        self._control = Control(self._switch.directory / "ovs-vswitchd.ctl")
        self._switch.vsctl("add-br", "br-phy", "--", "set", "bridge", "br-phy", "datapath_type=dummy")
        self._switch.vsctl("add-port", "br-phy", "phy", "--", "set", "interface", "phy", "type=dummy")
        self._control.call("netdev-dummy/ip4addr", "br-phy", f"{OWN}/24")
        self._control.call("ovs/route/add", "192.0.2.0/24", "br-phy")
        self._control.call("time/stop")
        self._numbers: dict[int, int] = {}

    def __enter__(self) -> "RealSwitch":
        return self

    def __exit__(self, *_: object) -> None:
        self._control.close()
        self._switch.stop()

    def load(self, network: Network, facts: HostFacts, desired: Desired) -> None:
        """Become another host."""
        for host in network.hosts.values():
            mac = f"0a:00:00:00:ff:{host.tunnel_ip.packed[3]:02x}"
            self._control.call("tnl/neigh/set", "br-phy", str(host.tunnel_ip), mac)
        bridge = ["--if-exists", "del-br", "br-int", "--", "add-br", "br-int", "--", "set", "bridge", "br-int"]
        commands = [*bridge, "datapath_type=dummy", "fail_mode=secure"]
        for interface in facts.interfaces:
            commands += _add(interface.name, interface.ofport, "dummy")
        for name, number in facts.physical:
            commands += _add(f"phy-{name}", number, "dummy")
        if facts.tunnel_ofport is not None:
            options = ("options:remote_ip=flow", "options:key=flow")
            commands += _add("tun", facts.tunnel_ofport, network.encapsulation, *options)
        self._switch.vsctl(*commands)
        self._switch.hold("br-int", desired)
        of_bridge = self._control.call("dpif/show").partition("br-int:")[2].partition("br-phy:")[0]
        self._numbers = {int(inside): int(number) for number, inside in _PORT.findall(of_bridge)}

    def trace(self, arrival: Arrival, values: Values) -> Traced:
        """Send a frame through the flows, learning from it. ``values``: its fields."""
        flow = ",".join([f"in_port={arrival.in_port}", *(_shown(*item) for item in arrival.tunnel.items())])
        if arrival.table or arrival.registers:
            actions = [*(f"set_field:{value}->{name}" for name, value in arrival.registers.items())]
            actions.append(f"resubmit(,{arrival.table})")
            command = ["ofproto/trace-packet-out", "br-int", flow, arrival.frame.hex(), ",".join(actions)]
        else:
            command = ["ofproto/trace", "br-int", flow, arrival.frame.hex()]
        text = self._control.call(*command)
        of_bridge = text.partition('bridge("br-int")')[2].partition("\nbridge(")[0].partition("\nFinal flow:")[0]
        lookups = [(int(table), int(cookie or "0", 16)) for table, cookie in _LOOKUP.findall(of_bridge)]
        actions_text = re.search(r"^Datapath actions: (.*)$", text, re.MULTILINE)
        assert actions_text, text
        sent = [Sent(self._numbers[each.port], each.values, each.tunnel) for each in carry_out(actions_text[1], values)]
        return Traced(lookups, sent, actions_text[1].count("userspace("), text)

    def learned(self) -> list[str]:
        """What the switch has learned, as ``ovs-ofctl`` prints it."""
        dump = self._switch.ofctl("--protocols=OpenFlow14", "--no-stats", "dump-flows", "br-int")
        return sorted(line.strip() for line in dump.splitlines() if line.startswith(f" cookie={LEARNED_OWNER:#x}"))


def _add(name: str, ofport: int, kind: str, *options: str) -> list[str]:
    settings = [f"type={kind}", f"ofport_request={ofport}", *options]
    return ["--", "add-port", "br-int", name, "--", "set", "interface", name, *settings]


def _shown(name: str, value: int) -> str:
    return f"{name}={IPv4Address(value)}" if name in ("tun_src", "tun_dst") else f"{name}={value:#x}"
