"""A real ovs-vswitchd with ports and a tunnel, whose every output is read: frames in, copies out.

Time stands still unless a test moves it. Tunnels are real ones of the userspace datapath: what is sent through them is
seen, encapsulated, on the port of br-phy.
"""

import re
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address
from itertools import cycle
from pathlib import Path
from types import TracebackType

from controller.openflow.encode import transaction
from flows.compile.desired import Desired, Plan
from flows.model.contract import TUNNEL_OFPORT
from flows.openflow.flow import Flow, Shape
from flows.openflow.learn import LEARNED_OWNER
from tests.control import Control
from tests.switch import Switch
from tests.switching.client import Client
from tests.switching.frame import Frame, decapsulate, encapsulate

OWN = IPv4Address("192.0.2.1")
"""The switch's own tunnel address; other hosts are 192.0.2.2 to 192.0.2.9."""
_NUDGE_TABLE = 250
_PHY_MAC = "0a:00:00:00:ff:01"


@dataclass(frozen=True, slots=True)
class Remote:
    """The tunnel to or from another host."""

    host: IPv4Address
    key: int


def host(number: int) -> IPv4Address:
    """The tunnel address of another host, from 2."""
    return IPv4Address(int(OWN) - 1 + number)


class Bench:
    """``with Bench((1, 2, 3)) as bench``: a switch with these ports on br-int."""

    def __init__(self, ports: Iterable[int], *, tunnel: bool = True) -> None:
        self._switch = Switch(only_dummies=False)
        self._read: dict[Path, int] = {}
        self._files = {port: self._switch.directory / f"p{port}.pcap" for port in ports}
        self._phy = self._switch.directory / "phy.pcap"
        try:
            self._switch.vsctl(
                "add-br", "br-int", "--", "set", "bridge", "br-int", "fail_mode=secure", "datapath_type=dummy"
            )
            for port in ports:
                self._add_port("br-int", f"p{port}", port, "dummy", f"options:tx_pcap={self._files[port]}")
            if tunnel:
                self._add_tunnel()
            self._control = Control(self._switch.directory / "ovs-vswitchd.ctl")
            self._client = Client(self._switch.directory, "br-int")
            self.control("time/stop")
        except BaseException:
            self._switch.stop()
            raise
        self._held: frozenset[int] = frozenset()
        nudge = Flow(Shape(_NUDGE_TABLE, 0, (), ()))
        plans = Plan((nudge,), frozenset()), Plan((), frozenset({nudge.cookie}))
        self._nudges = cycle([b"".join(transaction(plan, 8)) for plan in plans])

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()
        self._control.close()
        self._switch.stop()

    def load(self, desired: Desired) -> None:
        """Make the switch hold these flows, in one bundle, as the controller would.

        What was learned for what is not desired any more is left to the switch, and to nobody else.
        """
        self._client.make(desired, self._held)
        self._held = frozenset(desired.flows)
        self.settle()

    def send(self, where: int | Remote, frame: Frame) -> dict[int | Remote, Frame]:
        """Send a frame into a port, or by a tunnel as another host would. Returns every copy that went out."""
        before = self._lookups()
        if isinstance(where, int):
            self.control("netdev-dummy/receive", f"p{where}", frame.encode().hex())
        else:
            mac = bytes.fromhex(_PHY_MAC.replace(":", ""))
            packet = encapsulate(frame.encode(), where.key, where.host, OWN, mac)
            self.control("netdev-dummy/receive", "phy", packet.hex())
        # A frame by the tunnel is looked up twice: as it comes, and as what it carries.
        expected = before + (1 if isinstance(where, int) else 2)
        while self._lookups() < expected:
            time.sleep(0.0005)
        return self._copies()

    def forget(self) -> None:
        """Delete all that was learned."""
        self._switch.ofctl(
            "--protocols=OpenFlow14", "del-flows", "br-int", f"cookie={LEARNED_OWNER << 56:#x}/{0xFF << 56:#x}"
        )
        self.control("revalidator/purge")

    def settle(self) -> None:
        """Let the revalidators take in what happened, as they do by themselves within half a second.

        A change of some flow wakes them up. They are waited for before it, so as not to miss that they are done.
        """
        self._control.ask("revalidator/wait")
        self._client.send(next(self._nudges))
        self._control.answer()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.control("time/warp", str(int(seconds * 1000)), "500")
        self.settle()

    def learned(self, table: int = 20) -> list[str]:
        """What the switch has learned into a table, as ``ovs-ofctl`` prints it, without cookies and counters."""
        return sorted(rest for _, rest in self.learned_with_cookies(table))

    def learned_with_cookies(self, table: int = 20) -> list[tuple[int, str]]:
        """The same with the cookies."""
        dump = self._switch.ofctl("--protocols=OpenFlow14", "--no-stats", "dump-flows", "br-int", f"table={table}")
        found = re.findall(r"^ cookie=(0x77[0-9a-f]{14}), (.*)$", dump, re.MULTILINE)
        return [(int(cookie, 16), rest) for cookie, rest in found]

    def control(self, method: str, *arguments: str) -> str:
        """A command of ovs-appctl(8)."""
        return self._control.call(method, *arguments)

    def vsctl(self, *arguments: str) -> str:
        """A command of ovs-vsctl(8)."""
        return self._switch.vsctl(*arguments)

    def _lookups(self) -> int:
        """How many packets the datapath has dealt with: those whose copies are written already."""
        hit, missed = re.findall(r"hit:(\d+) missed:(\d+)", self.control("dpif/show"))[0]
        return int(hit) + int(missed)

    def _add_port(self, bridge: str, name: str, ofport: int, kind: str, *options: str) -> None:
        settings = (f"type={kind}", f"ofport_request={ofport}", *options)
        self._switch.vsctl("add-port", bridge, name, "--", "set", "interface", name, *settings)

    def _add_tunnel(self) -> None:
        settings = ("datapath_type=dummy", f'other_config:hwaddr="{_PHY_MAC}"')
        self._switch.vsctl("add-br", "br-phy", "--", "set", "bridge", "br-phy", *settings)
        self._add_port("br-phy", "phy", 1, "dummy", f"options:tx_pcap={self._phy}")
        self._switch.appctl("netdev-dummy/ip4addr", "br-phy", f"{OWN}/24")
        self._switch.appctl("ovs/route/add", "192.0.2.0/24", "br-phy")
        for number in range(2, 10):
            self._switch.appctl("tnl/neigh/set", "br-phy", str(host(number)), f"0a:00:00:00:ff:{number:02x}")
        self._add_port("br-int", "tun", TUNNEL_OFPORT, "vxlan", "options:remote_ip=flow", "options:key=flow")

    def _copies(self) -> dict[int | Remote, Frame]:
        copies: dict[int | Remote, Frame] = {}
        for port, file in self._files.items():
            for data in self._new(file):
                assert port not in copies, "two copies by one port"
                copies[port] = Frame.decode(data)
        for data in self._new(self._phy):
            to, key, inside = decapsulate(data)
            remote = Remote(to, key)
            assert remote not in copies, "two copies to one host"
            copies[remote] = Frame.decode(inside)
        return copies

    def _new(self, file: Path) -> list[bytes]:
        """The packets in a capture that were not read before."""
        if not file.exists():
            return []
        start = self._read.get(file, 24)
        with file.open("rb") as capture:
            capture.seek(start)
            data = capture.read()
        packets = []
        offset = 0
        while offset < len(data):
            (size,) = struct.unpack_from("=I", data, offset + 8)
            packets.append(data[offset + 16 : offset + 16 + size])
            offset += 16 + size
        self._read[file] = start + offset
        return packets
