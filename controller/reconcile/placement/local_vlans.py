"""Which VLAN each host gives to each of its segments: allocated before any flow needs it, and kept.

A VLAN is given to another segment only after its host's switch has confirmed that nothing of the former one is left. A
change may travel in several bundles (ADR 8), and in between frames of one segment must not meet flows of another.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from controller.store import Stored, Vlans
from flows.inputs.locate import Locations, places
from flows.inputs.tags import Tags
from flows.model import Network
from flows.model.objects.segment import LARGEST_VLAN

_log = logging.getLogger(__name__)


def segments_here(network: Network, locations: Locations) -> dict[str, dict[str, None]]:
    """The segments that need a VLAN on each host: those that have a port there."""
    here: dict[str, dict[str, None]] = {host: {} for host in network.hosts}
    for port in network.segment_ports.values():
        for host in places(port, locations.hosts.get(port.name)):
            # In the order of the ports, and so on each host another one.
            here[host] |= dict.fromkeys(segment.name for segment in network.segments_of(port))
    return here


class WithVlans(Protocol):
    """A host, as far as it is of interest here (commands that plan load this, and nothing that talks to switches)."""

    awaits_vlans: bool

    @property
    def name(self) -> str: ...

    @property
    def problem(self) -> str | None: ...

    @property
    def is_settled(self) -> bool: ...


class LocalVlans:
    """The VLANs of all hosts: those that were given, and which of them the store has.

    ``keep`` is told every change and does not wait for the store; :meth:`kept` says that it has it. Until then no flow
    may depend on it.
    """

    def __init__(self, keep: Callable[[Vlans], None]) -> None:
        self._keep = keep
        self._vlans: Vlans | None = None
        self._kept = Vlans()
        self._given: Mapping[str, Mapping[str, int]] = Tags({}, {}).vlans
        self._segments: frozenset[int] = frozenset()
        self._lacking: frozenset[tuple[str, str]] = frozenset()
        self.leaving: frozenset[str] = frozenset()
        """The hosts that still have VLANs of segments that left the model."""

    def allocate(self, stored: Stored, locations: Locations) -> Mapping[str, Mapping[str, int]]:
        """Give VLANs to all segments that have a port on a host.

        Returns host -> segment -> VLAN, without those that the store does not have yet.
        """
        here = segments_here(stored.network, locations)
        numbers = stored.tags.segments
        needed = {host: [numbers[name] for name in here[host]] for host in here}
        self._segments = frozenset(numbers.values())
        if self._vlans is None:
            self._vlans = self._kept = stored.vlans
        self._change(self._vlans.allocate(needed))
        given = self._now.named(numbers)
        self._report(
            frozenset((host, name) for host in here for name in here[host].keys() - given.get(host, {}).keys())
        )
        return self._now.common(self._kept).named(numbers)

    def give(self, stored: Stored, locations: Locations, hosts: Mapping[str, WithVlans]) -> Tags:
        """The same, as the numbers by which flows name what the model has. Each host is told whether it awaits some."""
        self._given = self.allocate(stored, locations)
        for host in hosts.values():
            host.awaits_vlans = self.awaited(host.name)
        return self.tags(stored)

    def tags(self, stored: Stored) -> Tags:
        """The numbers of a model, with the VLANs that were given last."""
        return replace(stored.tags, vlans=self._given)

    def release_settled(self, hosts: Mapping[str, WithVlans]) -> list[str]:
        """VLANs of segments that left the model are free where no switch can hold a flow of them: on these hosts."""
        leaving = [hosts[name] for name in self.leaving]
        released = [host.name for host in leaving if host.is_settled and not host.problem]
        for name in released:
            self.release(name)
        return released

    def kept(self, vlans: Vlans) -> None:
        """The store has these."""
        self._kept = vlans

    def awaited(self, host: str) -> bool:
        """Whether the store does not have all VLANs of a host yet."""
        return self._now.common(self._kept).of.get(host) != self._now.of.get(host)

    def release(self, host: str) -> None:
        """A host's switch holds nothing of segments that left the model: others can have their VLANs."""
        self._change(self._now.release(host, self._segments))

    def lacking(self, host: str) -> list[str]:
        """The segments that a host has ports in but no VLAN for."""
        return sorted(segment for of, segment in self._lacking if of == host)

    @property
    def _now(self) -> Vlans:
        return self._vlans or Vlans()

    def _change(self, vlans: Vlans) -> None:
        if vlans != self._vlans:
            self._vlans = vlans
            self._keep(vlans)
        self.leaving = frozenset(host for host, of_host in vlans.of.items() if not of_host.keys() <= self._segments)

    def _report(self, lacking: frozenset[tuple[str, str]]) -> None:
        for host, segment in sorted(lacking - self._lacking):
            _log.error(
                "%s: problem: segment %s is cut off there: all %d local VLANs of the host are in use",
                host,
                segment,
                LARGEST_VLAN,
            )
        for host, segment in sorted(self._lacking - lacking):
            _log.info("%s: solved: segment %s is no longer cut off there", host, segment)
        self._lacking = lacking
