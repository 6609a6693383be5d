"""Instances get the largest packets that fit: full-size streams pass unbroken, and one byte more is refused at once."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from flows.model.objects.host import TUNNEL_OVERHEAD
from tests.integration.vpclab import VpcLab
from tests.scenario import SHIPPED

pytestmark = pytest.mark.lab
Labs = Callable[[str], VpcLab]

ICMP_AND_IP = 28
"""Bytes of the headers that ping adds to its data."""
_COUNT_FRAGMENTS = """
import ctypes, socket, struct, sys
load, equal, any_bit, done = 0x28, 0x15, 0x45, 0x06
steps = [(load, 0, 0, 12), (equal, 0, 3, 0x0800), (load, 0, 0, 20), (any_bit, 0, 1, 0x3fff), (done, 0, 0, 65535)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in [*steps, (done, 0, 0, 0)]))
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HL", 6, ctypes.addressof(code)))  # SO_ATTACH_FILTER
wire.bind(("eth0", 3))  # ETH_P_ALL
print("ready", flush=True)
sys.stdin.read()
wire.setblocking(False)
count = 0
try:
    while wire.recv(64):
        count += 1
except BlockingIOError:
    print(count)
"""
"""Counts IP packets with more to come or that are not the first (RFC 791), until its standard input ends."""
UNUSED = {"gre": 0, "vxlan": 0, "geneve": 8}
"""Bytes of TUNNEL_OVERHEAD that today's packets leave free: Geneve's are for options."""


def racks(encapsulation: str, mtu: int = 1500) -> str:
    text = (SHIPPED / "racks.yaml").read_text()
    return text.replace("encapsulation: gre", f"encapsulation: {encapsulation}").replace("mtu: 1500", f"mtu: {mtu}")


@contextmanager
def counting_fragments(lab: VpcLab) -> Iterator[dict[str, int]]:
    """Count the fragments that pass each host's NIC while a block runs; known when it has ended."""
    counts: dict[str, int] = {}
    with ExitStack() as stack:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        counters = {
            host: stack.enter_context(lab.start(host, sys.executable, "-c", _COUNT_FRAGMENTS, **pipes))
            for host in lab.network.hosts
        }
        for counter in counters.values():
            assert counter.stdout is not None
            assert counter.stdout.readline() == "ready\n"
        yield counts
        for host, counter in counters.items():
            counts[host] = int(counter.communicate(timeout=10)[0])


def stream(lab: VpcLab, source: str, target: str, seconds: int = 2) -> tuple[float, int]:
    """A TCP stream at full speed: the megabytes that arrived, and the bytes of each segment."""
    with lab.start(target, "iperf3", "-s", "-1", "--forceflush", stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        next(line for line in server.stdout if "listening" in line)
        report = json.loads(lab.run(source, "iperf3", "-J", "-t", str(seconds), "-c", lab.address(target)))
    return report["end"]["sum_received"]["bytes"] / 1e6, report["start"]["tcp_mss_default"]


def ping_whole(lab: VpcLab, source: str, target: str, size: int) -> "subprocess.CompletedProcess[str]":
    """Ping with packets of a size that nobody may break."""
    command = ["ping", "-c", "2", "-i", "0.1", "-W", "1", "-M", "do", "-s", str(size - ICMP_AND_IP)]
    return lab.lab.run(source, [*command, lab.address(target)], capture_output=True, text=True)


@pytest.mark.system("S6")
@pytest.mark.parametrize("target", ["blue2", "blue3", "green1"], ids=["in the rack", "across the router", "peer"])
@pytest.mark.parametrize("encapsulation", ["gre", "vxlan", "geneve"])
def test_full_size_stream(labs: Labs, encapsulation: str, target: str) -> None:
    lab = labs(racks(encapsulation))
    with counting_fragments(lab) as fragments:
        megabytes, segment = stream(lab, "blue1", target)
    print(f"{encapsulation} to {target}: {megabytes:.0f} MB in 2 s, segments of {segment} bytes")
    assert megabytes > 5
    assert set(fragments.values()) == {0}
    assert segment == lab.network.instance_mtu - 20 - 20 - 12  # IP, TCP and its timestamps


@pytest.mark.parametrize("mtu", [1500, 9000])
@pytest.mark.parametrize("encapsulation", ["gre", "vxlan", "geneve"])
def test_largest_packet(labs: Labs, encapsulation: str, mtu: int) -> None:
    lab = labs(racks(encapsulation, mtu))
    largest = mtu - TUNNEL_OVERHEAD[lab.network.encapsulation]
    assert lab.network.instance_mtu == largest
    for target in ("blue2", "blue3", "green1"):
        with lab.capture("host11") as packets:
            passes = ping_whole(lab, "blue1", target, largest)
        assert " 0% packet loss" in passes.stdout, passes
        outer = [packet["IP"] for packet in packets if len(packet) > 1000]
        assert {packet.len for packet in outer} == {mtu - UNUSED[encapsulation]}
        assert {str(packet.flags) for packet in outer} == {"DF"}
        refused = ping_whole(lab, "blue1", target, largest + 1)
        assert f"message too long, mtu={largest}" in refused.stdout + refused.stderr


def test_jumbo_stream(labs: Labs) -> None:
    lab = labs(racks("vxlan", 9000))
    with counting_fragments(lab) as fragments:
        megabytes, segment = stream(lab, "blue1", "blue3")
    print(f"vxlan with jumbo frames: {megabytes:.0f} MB in 2 s, segments of {segment} bytes")
    assert megabytes > 5
    assert set(fragments.values()) == {0}
    assert segment == 9000 - 50 - 52


def test_fragments_are_seen(labs: Labs) -> None:
    """What the other tests look for in vain is found where it is: hosts may break their own packets."""
    lab = labs(racks("gre"))
    with counting_fragments(lab) as fragments:
        lab.run("host11", "ping", "-c", "1", "-s", "2000", "10.174.1.12")
    assert fragments == {"host11": 4, "host12": 4, "host21": 0}
