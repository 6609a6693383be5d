"""Which VLAN each host gives to each of its segments: allocated before any flow needs it, and kept.

A VLAN is given to another segment only after its host's switch has confirmed that nothing of the former one is left:
a change may travel in several bundles (ADR 8), and in between frames of one segment must not meet flows of another.
"""

import logging
from collections.abc import Callable, Mapping

from controller.store import Stored, StoreError, Vlans
from flows.locate import Locations
from flows.model import Network
from flows.model.segment import LARGEST_VLAN

_log = logging.getLogger(__name__)


def segments_here(network: Network, locations: Locations) -> dict[str, dict[str, None]]:
    """The segments that need a VLAN on each host: those that have a port there."""
    here: dict[str, dict[str, None]] = {host: {} for host in network.hosts}
    for port in network.segment_ports.values():
        if (host := locations.hosts.get(port.name)) is not None:
            # In the order of the ports, and so on each host another one.
            here[host] |= dict.fromkeys(segment.name for segment in network.segments_of(port))
    return here


class LocalVlans:
    """The VLANs of all hosts.

    ``keep`` is called with every change, before anything depends on it. When it raises StoreError there is no change.
    """

    def __init__(self, keep: Callable[[Vlans], None]) -> None:
        self._keep = keep
        self._vlans: Vlans | None = None
        self._segments: frozenset[int] = frozenset()
        self._lacking: frozenset[tuple[str, str]] = frozenset()
        self.leaving: frozenset[str] = frozenset()
        """The hosts that still have VLANs of segments that left the model."""
        self.is_unkept = False
        """Whether a change is still to be made, because the store did not take it."""

    def allocate(self, stored: Stored, locations: Locations) -> Mapping[str, Mapping[str, int]]:
        """Give VLANs to all segments that have a port on a host. Returns host -> segment -> VLAN."""
        here = segments_here(stored.network, locations)
        numbers = stored.tags.segments
        needed = {host: [numbers[name] for name in here[host]] for host in here}
        self._segments = frozenset(numbers.values())
        self._vlans = stored.vlans if self._vlans is None else self._vlans
        self._change(self._vlans.allocate(needed))
        named = self._now.named(numbers)
        self._report(
            frozenset((host, name) for host in here for name in here[host].keys() - named.get(host, {}).keys())
        )
        return named

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
        was_unkept, self.is_unkept = self.is_unkept, False
        if vlans != self._vlans:
            try:
                self._keep(vlans)
            except StoreError as error:
                if not was_unkept:
                    _log.error("store: it does not take the local VLANs; they stay as they are: %s", error)
                self.is_unkept = True
                return
        self._vlans = vlans
        self.leaving = frozenset(host for host, of_host in vlans.of.items() if not of_host.keys() <= self._segments)

    def _report(self, lacking: frozenset[tuple[str, str]]) -> None:
        for host, segment in sorted(lacking - self._lacking):
            _log.error(
                "%s: problem: segment %s is cut off there: all %d VLANs that a host has are in use",
                host,
                segment,
                LARGEST_VLAN,
            )
        for host, segment in sorted(self._lacking - lacking):
            _log.info("%s: solved: segment %s is cut off there no more", host, segment)
        self._lacking = lacking
