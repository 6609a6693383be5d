"""Random frames for a network: mostly what an instance or another host would send, and everything that is odd."""

import struct
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from random import Random

from flows.inputs.facts import HostFacts
from flows.model import GATEWAY_MAC, Network
from flows.openflow.fields import PROTO_TCP, PROTO_UDP
from flows.pipeline.group_addresses import BPDU, LINK_PROTOCOLS, PVST_BPDU
from flows.pipeline.page import TABLES
from flows.pipeline.tables.from_tunnel import KEEPALIVE_MAC, PROBE_MAC

NOWHERE_PORT = 77
"""An OpenFlow port number that no port has."""
_STRANGERS = ["02:00:00:00:00:66", "02:00:00:00:00:77", "02:00:00:00:00:88"]
_SWITCHES = [BPDU, PVST_BPDU, "01:80:c2:00:00:0e", "01:80:c2:00:00:10", "01:80:c2:00:00:21", "01:00:0c:cc:cc:cc"]
_GROUPS = ["ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "03:00:00:00:00:01", *_SWITCHES]
_NO_TYPE = 0x1F
"""Below 0x600 a frame's type is a length."""


@dataclass(frozen=True)
class Arrival:
    """A frame, and how it comes in."""

    frame: bytes
    in_port: int
    tunnel: dict[str, int] = field(default_factory=dict)
    """The tunnel's fields by name."""
    table: int = 0
    """The table that it enters."""
    registers: dict[str, int] = field(default_factory=dict)


class Frames:
    """Random arrivals at one host of a network."""

    def __init__(self, random: Random, network: Network, host: str, facts: HostFacts) -> None:
        self._random = random
        self._network = network
        self._numbers = {interface.iface_id: interface.ofport for interface in facts.interfaces}
        self._physical = [number for _, number in facts.physical]
        self._tunnel = facts.tunnel_ofport or 0
        self._own_ip = network.hosts[host].tunnel_ip
        self._hosts = [int(other.tunnel_ip) for name, other in network.hosts.items() if name != host]
        ports = network.ports.values()
        self._macs = [*(port.mac_address for port in ports), *_STRANGERS, GATEWAY_MAC, KEEPALIVE_MAC, PROBE_MAC]
        self._ips = [ip for port in network.vpc_ports.values() for ip in port.ips]
        self._ips += [subnet.gateway for _, subnet in network.ends.values()]
        self._ips += [IPv4Address(ip) for ip in ("10.0.0.77", "10.77.0.1", "172.16.0.99", "8.8.8.8", "0.0.0.0")]
        self._keys = [vpc.id for vpc in network.vpcs.values()]
        self._keys += [segment.id for segment in network.segments.values() if segment.id is not None]

    def arrival(self) -> Arrival:
        """The next one."""
        kind = self._random.random()
        if kind < 0.6 and self._numbers:
            return self._from_instance()
        if kind < 0.8 and self._tunnel:
            return self._from_tunnel()
        return self._from_anywhere()

    def _from_instance(self) -> Arrival:
        """Of a port of the host, under its own addresses most of the time."""
        name = self._random.choice(list(self._numbers))
        port = self._network.ports[name]
        mac = port.mac_address if self._mostly() else self._mac()
        vpc_port = self._network.vpc_ports.get(name)
        if vpc_port is None:
            frame = self._frame(self._mac(), mac, self._tags(), self._ip(), self._ip())
            return Arrival(frame, self._numbers[name])
        ip = self._random.choice(vpc_port.ips) if self._mostly() else self._ip()
        to = GATEWAY_MAC if self._mostly() else self._mac()
        return Arrival(
            self._frame(to, mac, [] if self._mostly() else self._tags(), ip, self._ip()), self._numbers[name]
        )

    def _from_tunnel(self) -> Arrival:
        key = self._random.choice(self._keys) if self._mostly() and self._keys else self._random.choice([0, 5, 1 << 20])
        host = self._random.choice(self._hosts) if self._mostly() else int(IPv4Address("192.0.2.99"))
        tunnel = {"tun_id": key, "tun_src": host, "tun_dst": int(self._own_ip)}
        tags = [] if self._mostly() else self._tags()
        return Arrival(self._frame(self._mac(), self._mac(), tags, self._ip(), self._ip()), self._tunnel, tunnel)

    def _from_anywhere(self) -> Arrival:
        """Anything, by any port, into any table with any registers."""
        in_port = self._random.choice([*self._numbers.values(), *self._physical * 3, NOWHERE_PORT])
        frame = self._frame(self._mac(), self._mac(), self._tags(), self._ip(), self._ip())
        if self._random.random() < 0.7:
            return Arrival(frame, in_port)
        table = self._random.choice(TABLES).number
        small = {name: self._random.randint(0, 4) for name in ("reg0", "reg1") if self._mostly()}
        bits = {name: self._random.randint(0, 1) for name in ("reg3", "reg4", "reg5", "reg6")}
        out = {"reg2": self._random.choice([0, 1, 2, self._tunnel])}
        return Arrival(frame, in_port, {}, table, {**small, **bits, **out})

    def _frame(self, dst: str, src: str, tags: list[int], ip: IPv4Address, to: IPv4Address) -> bytes:
        kind, payload = self._payload(src, ip, to)
        head = bytes.fromhex(dst.replace(":", "")) + bytes.fromhex(src.replace(":", ""))
        head += b"".join(struct.pack("!HH", self._random.choice([0x8100, 0x8100, 0x88A8]), tci) for tci in tags)
        frame = head + struct.pack("!H", kind) + payload
        if self._random.random() < 0.07:  # truncated
            frame = frame[: self._random.randint(14, len(frame))]
        return frame + bytes(self._random.choice([0, 0, 6]))  # trailing bytes are padding

    def _payload(self, src: str, ip: IPv4Address, to: IPv4Address) -> tuple[int, bytes]:
        kind = self._random.random()
        if kind < 0.62:
            return 0x0800, self._ipv4(ip, to)
        if kind < 0.87:
            return 0x0806, self._arp(src, ip, to)
        if kind < 0.9:  # by SNAP, which also has a type
            snap = bytes.fromhex("aaaa03000000") if self._mostly() else bytes.fromhex("aaaa030000f8")
            return _NO_TYPE, snap + struct.pack("!H", self._random.choice([0x0800, 0x100])) + self._ipv4(ip, to)
        others = [*map(int, LINK_PROTOCOLS), 0x88B5, 0x88B6, 0x86DD, 0x8035, 0x05FF, 0x0600, 0x8100]
        return self._random.choice(others), self._random.randbytes(self._random.choice([1, 28, 46]))

    def _ipv4(self, ip: IPv4Address, to: IPv4Address) -> bytes:
        random = self._random
        proto = random.choice([1, 1, 1, 1, PROTO_TCP, PROTO_TCP, PROTO_UDP, 47, 0])
        body = random.choice([bytes([8, 0]), bytes([8, 0]), bytes([0, 0]), bytes([3, 4]), bytes([8, 1])])
        body += random.randbytes(random.choice([0, 4, 6, 30, 30, 30]))
        if proto in (PROTO_TCP, PROTO_UDP):
            ports = struct.pack("!HH", *random.choices([0, 53, 80, 0x8050], k=2))
            flags = random.choice([0x5002, 0x5012, 0x5010, 0xF1FF])
            body = (ports + random.randbytes(8) + struct.pack("!H", flags) + body + bytes(6))[
                : random.choice([7, 8, 40])
            ]
        options = random.randbytes(4 * random.choice([0] * 8 + [1, 10]))
        header = 5 + len(options) // 4
        fragment = random.choice([0] * 8 + [0x4000, 0x8000, 0x2000, 0x2001, 0x0004])
        total = 4 * header + len(body)
        if random.random() < 0.05:
            header = random.choice([0, 4, 15])
        if random.random() < 0.05:
            total = random.choice([0, 19, total - 1, total + 1, 60000])
        ttl = random.choice([0, 1, 2, 64, 64, 64, 255])
        start = struct.pack("!BBHHHBBH", 0x40 | header, 0, total, 7, fragment, ttl, proto, 0)
        return start + ip.packed + to.packed + options + body

    def _arp(self, src: str, ip: IPv4Address, to: IPv4Address) -> bytes:
        random = self._random
        sha = bytes.fromhex((src if self._mostly() else self._mac()).replace(":", ""))
        start = struct.pack("!HHBB", 1, 0x0800, 6, 4)
        if random.random() < 0.1:
            start = random.choice([struct.pack("!HHBB", 6, 0x0800, 6, 4), struct.pack("!HHBB", 1, 0x86DD, 6, 16)])
        operation = random.choice([1, 1, 1, 1, 2, 3, 0, 0x101])
        return start + struct.pack("!H", operation) + sha + ip.packed + random.randbytes(6) + to.packed

    def _tags(self) -> list[int]:
        vlans = [0, 1, 2, 3, 101, 102, 103, 104, 1001, 4095]
        count = self._random.choice([0, 0, 1, 1, 1, 2])
        return [self._random.choice(vlans) | self._random.choice([0, 0, 5]) << 13 for _ in range(count)]

    def _mac(self) -> str:
        return self._random.choice(self._macs if self._mostly() else _GROUPS)

    def _ip(self) -> IPv4Address:
        return self._random.choice(self._ips)

    def _mostly(self) -> bool:
        return self._random.random() < 0.85
