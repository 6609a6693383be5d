"""Does a host's kernel take in what instances send? Packets tell (``python -m controller.inspect.kernel_probe``).

Runs on the host, as root. It plugs a cable into the host as if for an instance; the other end is in a namespace of this
process. By it, it sends what an instance could: an ARP request, a datagram for the host, and one that the host would
have to forward. The addresses are those for documentation (RFC 5737, RFC 3849). All ends with the process.
"""

import errno
import json
import os
import select
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

from pyroute2 import IPRoute, NetlinkError

from mininet_topos.inside import namespaces
from mininet_topos.probes.wire import listen, receive

_INSTANCE, _BEYOND = "198.51.100.77", "198.51.100.78"
_INSTANCE6, _BEYOND6 = "2001:db8::77", "2001:db8::78"
"""What sends, and what it sends to through the host."""
_LINK_LOCAL, _ALL_NODES = "fe80::77", "ff02::1"
_ALL_NODES_MAC = bytes.fromhex("333300000001")
_BROADCAST = b"\xff" * 6
_ARP, _IPV4, _IPV6 = 0x0806, 0x0800, 0x86DD
_UDP = 17
_DISCARD = 9
_TOKEN = b"ovs-vpc doctor asks whether a kernel hears what instances send"
_SECONDS = 0.5
"""For the kernel to answer."""
_MOST = 20
"""Addresses of the host that are asked for."""


def probe() -> dict[str, list[str]]:
    """Try it: what :class:`controller.inspect.checkup.kernel.KernelBehaviour` has, which is slow to load.

    Raises ``OSError`` or ``NetlinkError`` where it cannot be done.
    """
    with IPRoute() as host, ExitStack() as until_the_end:
        inboxes = {name: until_the_end.enter_context(inbox) for name, inbox in _receivers()}
        namespaces.leave()
        name = f"probe-{os.getpid()}"
        with IPRoute() as instance, open("/proc/self/ns/net", "rb") as here:  # noqa: PTH123
            host.link("add", ifname=name, kind="veth", peer={"ifname": "eth0", "net_ns_fd": here.fileno()})
            index, far = namespaces.index_of(host, name), namespaces.index_of(instance, "eth0")
            try:
                host.link("set", index=index, state="up")
                instance.link("set", index=far, state="up")
                macs = _mac(instance, far), _mac(host, index)
                _lead_back(host, index, macs[0])
                addresses = [str(each.get_attr("IFA_LOCAL")) for each in host.get_addr(family=socket.AF_INET)]
                own = [address for address in addresses if not address.startswith("127.")][:_MOST]
                with listen("eth0") as wire:
                    for frame in _frames(*macs, own, {name: inbox.getsockname()[1] for name, inbox in inboxes.items()}):
                        wire.send(frame)
                    return _listen(wire, inboxes)
            finally:
                host.link("del", index=index)


def _receivers() -> Iterator[tuple[str, socket.socket]]:
    """Sockets of the host that take in every datagram for their ports: by IPv4, and by IPv6 if the kernel has it."""
    inbox = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    inbox.bind(("", 0))
    yield "IPv4", inbox
    try:
        inbox = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    except OSError as error:
        if error.errno != errno.EAFNOSUPPORT:  # ipv6(7): ipv6.disable=1, or no such module
            raise
        return
    inbox.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    inbox.bind(("", 0))
    yield "IPv6", inbox


def _mac(route: Any, index: int) -> bytes:
    return bytes.fromhex(str(route.get_links(index)[0].get_attr("IFLA_ADDRESS")).replace(":", ""))


def _lead_back(host: Any, index: int, mac: bytes) -> None:
    """Give the host a way to the addresses beyond the cable: no filter by the way back (rp_filter) hides the kernel."""
    lladdr = mac.hex(":")
    for addresses, prefix in (((_INSTANCE, _BEYOND), 32), ((_INSTANCE6, _BEYOND6), 128)):
        # Where IPv6 is off there is nothing to find out about it.
        with suppress(NetlinkError):
            for address in addresses:
                host.route("add", dst=f"{address}/{prefix}", oif=index)
                host.neigh("add", dst=address, lladdr=lladdr, ifindex=index, state="permanent")


def _frames(own: bytes, host: bytes, addresses: list[str], ports: dict[str, int]) -> Iterator[bytes]:
    port = ports["IPv4"]
    for address in addresses:
        # A probe (RFC 5227): it changes nothing in whoever hears it.
        question = struct.pack("!HHBBH", 1, _IPV4, 6, 4, 1) + own + bytes(4) + bytes(6) + socket.inet_aton(address)
        yield _ethernet(own, _BROADCAST, _ARP, question)
        yield _ethernet(own, host, _IPV4, _ipv4(_INSTANCE, address, port))
    yield _ethernet(own, _BROADCAST, _IPV4, _ipv4("0.0.0.0", "255.255.255.255", port))
    yield _ethernet(own, host, _IPV4, _ipv4(_INSTANCE, _BEYOND, _DISCARD))
    if "IPv6" in ports:
        yield _ethernet(own, _ALL_NODES_MAC, _IPV6, _ipv6(_LINK_LOCAL, _ALL_NODES, ports["IPv6"]))
        yield _ethernet(own, host, _IPV6, _ipv6(_INSTANCE6, _BEYOND6, _DISCARD))


def _listen(wire: socket.socket, inboxes: dict[str, socket.socket]) -> dict[str, list[str]]:
    """What comes of it, within the time or until all that can come is there."""
    takes, forwards = set[str](), set[str]()
    until = time.monotonic() + _SECONDS
    while (left := until - time.monotonic()) > 0 and len(takes) + len(forwards) < 5:
        ready, _, _ = select.select([wire, *inboxes.values()], [], [], left)
        if wire in ready:
            frame = receive(wire)
            kind = int.from_bytes(frame.data[12:14])
            if not frame.is_outgoing and kind == _ARP:
                takes.add("ARP")
            elif not frame.is_outgoing and frame.data.endswith(_TOKEN):
                forwards.add("IPv4" if kind == _IPV4 else "IPv6")
        for name, inbox in inboxes.items():
            if inbox in ready and inbox.recv(2048) == _TOKEN:
                takes.add(name)
    return {"takes": sorted(takes), "forwards": sorted(forwards)}


def _ethernet(source: bytes, target: bytes, kind: int, payload: bytes) -> bytes:
    return target + source + kind.to_bytes(2) + payload


def _ipv4(source: str, target: str, port: int) -> bytes:
    """A datagram of UDP over IPv4 (RFC 791, RFC 768), without a checksum of its own."""
    datagram = struct.pack("!HHHH", _DISCARD, port, 8 + len(_TOKEN), 0) + _TOKEN
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(datagram), 0, 0, 64, _UDP, 0)
    header += socket.inet_aton(source) + socket.inet_aton(target)
    return header[:10] + _checksum(header) + header[12:] + datagram


def _ipv6(source: str, target: str, port: int) -> bytes:
    """The same over IPv6 (RFC 8200), where the checksum must be there."""
    addresses = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, target)
    length = 8 + len(_TOKEN)
    datagram = struct.pack("!HHHH", _DISCARD, port, length, 0) + _TOKEN
    checksum = _checksum(addresses + struct.pack("!II", length, _UDP) + datagram)
    return struct.pack("!IHBB", 6 << 28, length, _UDP, 64) + addresses + datagram[:6] + checksum + datagram[8:]


def _checksum(data: bytes) -> bytes:
    """The internet checksum (RFC 1071)."""
    total = int(sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + bytes(len(data) % 2))))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (~total & 0xFFFF).to_bytes(2)


def main() -> None:
    """Print as JSON what the kernel of this host takes in."""
    try:
        kernel = probe()
    except (OSError, NetlinkError) as error:
        sys.exit(f"cannot try what the kernel takes in: {error}")
    print(json.dumps(kernel))


if __name__ == "__main__":
    main()
