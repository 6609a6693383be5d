"""A lab with the means that tests need: pings that count, captures, forged packets, a look at the switches."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

from scapy.all import Ether, Packet
from scapy.contrib.geneve import GENEVE
from scapy.layers.l2 import GRE
from scapy.layers.vxlan import VXLAN

from controller.cli.common.state import lab_store
from controller.cli.common.waiting import unconfirmed, wait_confirmed
from controller.cli.lab.up import build
from controller.inspect.compiled import compiled, compiled_switch
from controller.status.status import read_status
from controller.store import Stored
from flows.model import Network, parse
from mininet_topos.client.pinging import Pings, pinging
from mininet_topos.probes.comparing import Pair
from mininet_topos.waiting import patience
from tests.commands import commands
from tests.switch import wait_until

_numbers = count(1)

RATE = 0.5 if os.cpu_count() == 1 else 1.0
"""How much of a usual machine's packet rate a test may expect."""

_HARMLESS = (
    # A busy test machine (some have one processor), and no fault of Open vSwitch.
    r"\|timeval(\([^)]*\))?\|WARN\|",
    r"\|ovs_rcu.*\|WARN\|blocked",
    # A short-lived client of the database, like ovs-vsctl, that left before it had read everything.
    r"\|unix#\d+: .*(Broken pipe|Connection reset by peer)",
    # A race of its threads: the packet is forwarded, only its flow is not cached (docs/troubleshooting.md).
    r"\|WARN\|upcall_cb failure: ukey installation fails",
    # The limit of a segment held while a cached flow was looked through (docs/adr/0010-learning.md).
    r"\|WARN\|xcache LEARN action execution failed",
    # It ends while it has cached flows that tell the controller of packets (docs/troubleshooting.md).
    r"\|ofproto_dpif_rid\|ERR\|recirc_id \d+ left allocated when ofproto \(br-int\) is destructed",
    # Where everything waits for one processor, a switch may be silent for so long that its session is ended; it is back
    # at once, and what it holds is compared all the same.
    *([r"\|rconn\|WARN\|[\w-]+<->tcp:.*(connection (dropped|failed)|timed out|no response)"] if RATE < 1 else []),
)
"""Warnings that say nothing about what is tested."""

_SENDER = """
import socket, sys, time
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind((sys.argv[1], 0))
for _ in range(int(sys.argv[3])):
    out.send(bytes.fromhex(sys.argv[2]))
    time.sleep(0.002)
"""


@dataclass(frozen=True)
class Tunnelled:
    """A packet between two hosts."""

    key: int
    outer_source: str
    outer_target: str
    inner: Packet


class VpcLab:
    """A running lab with this project's controller."""

    alive: ClassVar[list["VpcLab"]] = []

    def __init__(self, text: str, *, file: str = "network.yaml") -> None:
        self._base = Path(tempfile.mkdtemp(prefix="vpc-", dir="/tmp"))  # socket paths are short
        self.is_used = True
        """Whether the present test uses it."""
        self._text, self._file = text, file
        self._read: dict[Path, int] = {}
        self._allowed: list[str] = []
        network, _ = parse(text, file)
        try:
            self.lab = build(network, text, file, f"t{next(_numbers)}", base=self._base)
        except BaseException:
            shutil.rmtree(self._base, ignore_errors=True)
            raise
        self.store = lab_store(self.lab)
        # Plain switches dial from the beginning, when no controller listens yet.
        self._read |= {path: path.stat().st_size for path in self.lab.path.glob("switches/*/*.log")}
        self._applied = text
        self.alive.append(self)

    @property
    def network(self) -> Network:
        stored = self.store.load()
        assert stored is not None
        return stored.network

    def down(self) -> None:
        self.alive.remove(self)
        self.store.close()
        try:
            self.lab.down()
            # What a test itself started there may still be about to end.
            left = processes_of(self.lab.path)
            wait_until(lambda: not processes_of(self.lab.path), f"all to be gone: {left}", 60)
        finally:
            shutil.rmtree(self._base, ignore_errors=True)

    def restore(self) -> None:
        """Back to the network that the lab was built of."""
        if self._applied != self._text:
            self.apply(self._text)

    def apply(self, text: str, seconds: float = 15) -> None:
        """Apply another model and wait until every host confirmed it."""
        self.wait(self.change(text), seconds)

    def change(self, text: str) -> int:
        """Apply another model, without waiting; its generation."""
        self._applied = text
        return self.store.apply(parse(text, self._file)[0])

    def confirmed(self, host: str) -> int:
        """The generation that a host has confirmed."""
        return int(self.store.read_status()["hosts"][host]["confirmed"])

    def wait(self, generation: int, seconds: float = 15) -> None:
        """Wait until every host confirmed a generation."""
        assert wait_confirmed(self.store, generation, patience(seconds)), unconfirmed(self.store, generation)

    def run(self, node: str, *argv: str, seconds: float = 60, check: bool = True) -> str:
        """Run a command in a node; its output."""
        done = self.lab.run(node, argv, capture_output=True, text=True, timeout=patience(seconds))
        assert not check or done.returncode == 0, f"{' '.join(argv)} in {node}: {done.stdout}{done.stderr}"
        return str(done.stdout)

    def start(self, node: str, *argv: str, **options: Any) -> "subprocess.Popen[str]":
        """Start a command in a node."""
        return subprocess.Popen(self.lab.command(node, argv), text=True, **options)

    def address(self, port: str) -> str:
        return str(self.network.ports[port].address)

    def mac(self, node: str, interface: str = "br-phy") -> str:
        """The MAC address of an interface of a node; of a host's tunnel address when nothing else is said."""
        link = self.run(node, "ip", "-o", "link", "show", interface)
        found = re.search(r"link/ether (\S+)", link)
        assert found, link
        return found.group(1)

    def ping(self, source: str, target: str, number: int = 3, interval: float = 0.05) -> Pings:
        """Ping from a port to a port (by name) or an address, a number of times."""
        wait = f"{patience(1):g}"
        command = ("ping", "-q", "-n", "-c", str(number), "-i", str(interval), "-W", wait, self._to(target))
        output = self.run(source, *command, check=False)
        found = re.search(r"(\d+) packets transmitted, (\d+) received", output)
        assert found, output
        return Pings(int(found.group(1)), int(found.group(2)))

    @contextmanager
    def pinging(self, source: str, target: str, interval: float = 0.001, at_least: float = 0) -> Iterator[Pings]:
        """Ping from a port to a port (by name) or an address while a block runs, and until so many were sent."""
        with pinging(self.lab, source, self._to(target), interval) as pings:
            enough = self._sent(source) + at_least if at_least else 0
            yield pings
            if enough:
                wait_until(lambda: self._sent(source) >= enough, f"{at_least:g} pings", 30)

    def _sent(self, node: str) -> int:
        """How many packets a port has sent."""
        line = self.run(node, "sed", "-n", "s/ *eth0://p", "/proc/net/dev")
        return int(line.split()[9])  # after eight numbers of what was received: bytes, packets

    def _to(self, target: str) -> str:
        return self.address(target) if target in self.network.ports else target

    @contextmanager
    def capture(self, node: str, interface: str = "eth0") -> Iterator[list[Packet]]:
        """Capture what passes an interface of a node while a block runs; the list is filled when it ends."""
        packets: list[Packet] = []
        with self.lab.capture(node, interface) as frames:
            yield packets
        packets += map(Ether, frames)

    def send(self, node: str, packet: Packet, interface: str = "eth0", times: int = 1) -> None:
        """Send a frame made by scapy out of an interface of a node, as it is."""
        self.run(node, sys.executable, "-c", _SENDER, interface, bytes(packet).hex(), str(times))

    def flows(self, host: str, table: str = "") -> str:
        """The flows of a host's switch, with names and counters that are up to date."""
        self.run(host, "ovs-appctl", "revalidator/wait")
        return self.run(host, "ovs-ofctl", "--names", "dump-flows", "br-int", *([f"table={table}"] if table else []))

    def cookies(self, host: str) -> set[str]:
        """The cookies of the flows of a host's switch, but for those that it learns by itself."""
        return {cookie for cookie in re.findall(r"cookie=(0x[0-9a-f]+)", self.flows(host)) if cookie != "0x0"}

    def dropped(self, host: str, sentence: str) -> int:
        """How many packets a host's switch dropped by rules whose sentence begins so."""
        desired = self.desired(host)
        total = 0
        for line in self.flows(host).splitlines():
            found = re.search(r"cookie=(0x[0-9a-f]+).* n_packets=(\d+)", line)
            if found and (reasons := desired.applications.get(int(found.group(1), 16))):
                total += int(found.group(2)) if reasons[0].sentence.startswith(sentence) else 0
        return total

    def desired(self, host: str) -> Any:
        """What a host's switch shall hold, by a compile of its own."""
        stored = self.store.load()
        assert stored is not None
        desired = compiled(stored, read_status(self.store), host)
        assert desired is not None, f"nothing is known of {host}"
        return desired

    def examine(self) -> None:
        """Fail when a switch holds anything but what a compile says and what it may learn, or a log has a warning."""
        stored = self.store.load()
        assert stored is not None
        assert wait_confirmed(self.store, stored.generation, patience(10)), unconfirmed(self.store, stored.generation)
        for host in stored.network.hosts:
            node = f"host:{host}"
            _fail_if(self._differences(node, "br-int", self.desired(host)), node)
        wait_until(self.is_settled, "the plain switches to settle")
        for switch in stored.network.switches:
            self._compare_switch(stored, switch)
        self._read_logs()
        self._allowed.clear()

    def differences(self) -> list[str]:
        """What any switch holds and should not, or lacks, also of what it learned; counts up to this very moment."""
        stored, status = self.store.load(), read_status(self.store)
        assert stored is not None
        found = []
        nodes = (*(f"host:{host}" for host in stored.network.hosts), *(f"switch:{s}" for s in stored.network.switches))
        counting = [self.start(node, "ovs-appctl", "revalidator/wait") for node in nodes]  # half a second each
        assert [one.wait(patience(30)) for one in counting] == [0] * len(nodes)
        for host in stored.network.hosts:
            found += [f"{host}: {line}" for line in self._differences(f"host:{host}", "br-int", self.desired(host))]
        for switch in stored.network.switches:
            desired = compiled_switch(stored, status, switch)
            lines = self._differences(f"switch:{switch}", self.bridge(switch), desired)
            found += [f"{switch}: {line}" for line in lines]
        return found

    def _compare_switch(self, stored: Stored, switch: str) -> None:
        node, bridge = f"switch:{switch}", self.bridge(switch)

        def desired() -> Any:
            return compiled_switch(stored, read_status(self.store), switch)

        wrong: list[str] = []

        def is_right() -> bool:
            wrong[:] = self._differences(node, bridge, desired())
            return not wrong

        # The controller may not have heard yet of a link that went up or down a moment ago.
        with suppress(AssertionError):
            wait_until(is_right, "the switch to hold what it shall", 5)
        _fail_if(wrong, node)

    def _differences(self, node: str, bridge: str, desired: Any) -> list[str]:
        wanted = self._base / f"{node.replace(':', '-')}.wanted"
        wanted.write_text("".join(f"cookie={cookie:#x},{flow.text()}\n" for cookie, flow in desired.flows.items()))
        command = ("ovs-ofctl", "--protocols=OpenFlow14", "diff-flows", bridge, str(wanted))
        found = self.lab.run(node, command, capture_output=True, text=True)
        assert found.returncode in (0, 2), found.stderr  # 2: they differ
        may_learn = {f"cookie={cookie:#x}" for cookie in desired.learned}
        return [line for line in found.stdout.splitlines() if line[0] != "-" or may_learn.isdisjoint(line.split(" "))]

    def is_settled(self) -> bool:
        """Whether every plain switch is connected and holds what it shall."""
        return all(switch["settled"] and switch["switch"] for switch in self.store.read_status()["switches"].values())

    def bridge(self, switch: str) -> str:
        """The name of a plain switch's bridge."""
        return self.lab.topology.plain.switches[switch].bridge

    def learned(self, switch: str) -> dict[str, str]:
        """The MAC addresses that a plain switch has learned, each with the interface that it is behind."""
        self.run(f"switch:{switch}", "ovs-appctl", "revalidator/wait")
        dump = ("ovs-ofctl", "--protocols=OpenFlow14", "--names", "dump-flows", self.bridge(switch), "table=20")
        flows = self.run(f"switch:{switch}", *dump)
        return dict(re.findall(r'cookie=0x77.*dl_dst=(\S+) actions=.*output:"?([^"\s]+)"?', flows))

    def _read_logs(self) -> None:
        for path in (*self.lab.path.glob("hosts/*/*.log"), *self.lab.path.glob("switches/*/*.log")):
            with path.open() as log:
                log.seek(self._read.get(path, 0))
                lines = log.read()
                self._read[path] = log.tell()
            bad = [line for line in lines.splitlines() if re.search(r"\|(WARN|ERR|EMER)\|", line)]
            bad = [line for line in bad if not any(re.search(known, line) for known in (*_HARMLESS, *self._allowed))]
            assert not bad, f"{path.parent.name}: " + "\n".join(bad)

    def allow(self, warning: str) -> None:
        """Take warnings that match a pattern for granted in this test: it makes a fault that they rightly report."""
        self._allowed.append(warning)


def _fail_if(wrong: Sequence[str], node: str) -> None:
    assert not wrong, f"{node}, - what it holds, + what it should: " + "\n".join(wrong)


def processes_of(path: Path) -> list[str]:
    """The commands that run with a path in their arguments."""
    return [" ".join(words) for _, words in commands() if any(str(path) in word for word in words)]


def wrong(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs that are not as the model says; with more than one processor also those that were asked again."""
    return [pair for pair in pairs if not pair.is_right or (RATE == 1 and pair.tries > 1)]


def tunnelled(packets: Sequence[Packet]) -> list[Tunnelled]:
    """The tunnel packets among captured ones, the controller's own frames left out."""
    found = []
    for packet in packets:
        if GRE in packet:
            key, inner = packet[GRE].key, packet[GRE].payload
        elif VXLAN in packet:
            key, inner = packet[VXLAN].vni, packet[VXLAN].payload
        elif GENEVE in packet:
            key, inner = packet[GENEVE].vni, packet[GENEVE].payload
        else:
            continue
        if inner.type != 0x88B5:
            found.append(Tunnelled(int(key), packet["IP"].src, packet["IP"].dst, inner))
    return found
