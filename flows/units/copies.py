"""The copies that a flooded frame is sent as: one value for as many receivers as there are."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from flows.openflow.actions import Action, Output, PopVlan, SetField
from flows.openflow.fields import TUN_DST, TUN_ID, VLAN


@dataclass(frozen=True, slots=True)
class LocalCopy:
    """A copy for a port of this switch."""

    ofport: int
    wire: int | None
    """The VLAN that it carries on the wire; None: it is untagged there."""


@dataclass(frozen=True, slots=True)
class RemoteCopy:
    """A copy for another host, by the tunnel port."""

    host: str
    tunnel_ip: IPv4Address
    tunnel_port: int
    key: int


@dataclass(frozen=True, slots=True)
class Copies:
    """Some copies of a frame that has its VLAN's header."""

    local: tuple[LocalCopy, ...] = ()
    remote: tuple[RemoteCopy, ...] = ()
    unchanged: tuple[int, ...] = ()
    """Ports that get the frame as it is."""

    def __str__(self) -> str:
        local = [str(port) for port in (*self.unchanged, *(copy.ofport for copy in self.local))]
        remote = [f"{copy.host} ({copy.tunnel_ip})" for copy in self.remote]
        return ", ".join(local + remote) or "nobody"

    def actions(self) -> Iterator[Action]:
        """Send the copies: the tagged ones first, for what was taken from a frame does not come back."""
        yield from map(Output, sorted(map(int, self.unchanged)))
        for copy in sorted(self.local, key=lambda copy: (copy.wire is None, copy.wire or 0, copy.ofport)):
            if copy.wire is not None:
                yield SetField(VLAN, copy.wire)
                yield Output(int(copy.ofport))
        untagged = sorted(int(copy.ofport) for copy in self.local if copy.wire is None)
        if untagged or self.remote:
            yield PopVlan()
        yield from map(Output, untagged)
        key = None
        for there in sorted(self.remote, key=lambda copy: (copy.key, copy.tunnel_ip)):
            if there.key != key:
                key = there.key
                yield SetField(TUN_ID, key)
            yield SetField(TUN_DST, int(there.tunnel_ip))
            yield Output(int(there.tunnel_port))
