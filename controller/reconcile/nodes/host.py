"""One host: a node with a database of its own, instances that come and go, and tunnels to other hosts."""

import logging
from collections.abc import Set
from ipaddress import IPv4Address

from controller.reconcile.nodes.node import Node
from controller.reconcile.underlay.tunnel_probe import TunnelProber
from flows.compile.incremental import Compiler
from flows.inputs.facts import HostFacts

_log = logging.getLogger(__name__)


class Host(Node):
    """One host of the model. Times are seconds of one monotonic clock."""

    def __init__(self, name: str, datapath_id: int, compiler: Compiler | None = None) -> None:
        """``compiler``: shared with other hosts that want much the same."""
        super().__init__(name, datapath_id, compiler)
        self.facts: HostFacts | None = None
        self.contract_problems: frozenset[str] = frozenset()
        """How the host deviates from its contract, as far as that cannot be repaired."""
        self.awaits_vlans = False
        """Whether it will hold more than it must now, once the store has VLANs that were given to it."""
        self.prober = TunnelProber(datapath_id)
        self._late: list[IPv4Address] = []
        """Tunnel addresses of hosts that it sends to although no frame came through in time."""

    @property
    def problems(self) -> frozenset[str]:
        """What is wrong with it and is not repaired by itself."""
        return super().problems | self.contract_problems

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing that would make it hold something else, or count for something else."""
        return super().is_complete and not self.awaits_vlans

    @property
    def neighbours(self) -> Set[IPv4Address]:
        """The tunnel addresses of the hosts that it sends to: another object only when they are others."""
        return self._wanted.neighbours

    @property
    def can_probe(self) -> bool:
        """Whether probes can be sent from here, and are reported when they arrive here."""
        return (
            self.facts is not None and self.facts.tunnel_ofport is not None and self.is_ready and not self.receives_more
        )

    def deviates(self, sentences: frozenset[str]) -> None:
        """Take in all present deviations from the host contract."""
        for sentence in sorted(sentences - self.contract_problems):
            _log.warning("%s: problem: %s", self.name, sentence)
        for sentence in sorted(self.contract_problems - sentences):
            _log.info("%s: solved: %s", self.name, sentence)
        self.contract_problems = sentences

    def disconnected(self) -> None:
        """Its switch is gone; what it holds is not known any more, and neither are the ways to other hosts."""
        super().disconnected()
        self.prober.forget()

    def reaches_others(self, now: float) -> bool:
        """Whether the paths to the hosts that it will send to are verified, or their time is over."""
        return self.prober.is_ready(self._wanted.neighbours, now)

    def will_send_to(self, addresses: Set[IPv4Address], now: float) -> None:
        """Begin to probe the paths that it will need once it is known what it must hold, which may take a while."""
        if self.session is not None and self.facts is not None and self.is_ready:
            self.prober.run(self.session, self.facts, self._wanted.neighbours | addresses, now)

    def probe(self, now: float) -> list[IPv4Address]:
        """Probe the paths to the hosts that it sends to. Returns those to which nothing came through in time: once."""
        if self.session is None or self.facts is None or not self.is_ready:
            return []
        self.prober.run(self.session, self.facts, self._wanted.neighbours, now)
        late = self.prober.unverified(self._wanted.neighbours, now)
        if late is self._late:
            return []
        self._late = late
        return late
