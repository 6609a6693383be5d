"""Compares who reaches whom with what the model says."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from flows.model import AnyPort, Network
from flows.model.problem import counted
from flows.model.reach.reachability import Verdict, answers
from mininet_topos.probes.neighbours import needed
from mininet_topos.probes.probe import Probe

_TRIES = 3
"""Pings to a port that should answer, until it does: hundreds at once are too many for a busy machine."""

Probing = Callable[[Sequence[Probe]], list[bool]]
"""Sends pings: whether each was answered."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One ping between two ports, and what the model says of it."""

    source: str
    target: str
    answered: bool
    expected: Verdict
    tries: int = 1
    """How many pings were sent."""
    unplugged: tuple[str, ...] = ()
    """Which of the two are not plugged in anywhere. No ping is sent then."""

    @property
    def is_right(self) -> bool:
        """Whether it went as the model says."""
        return self.answered == self.expected.arrives

    @property
    def demand(self) -> str:
        """What should have happened."""
        return f"{self.source} -> {self.target} {'should' if self.expected.arrives else 'should not'} be answered"


def compare(
    network: Network,
    sources: Sequence[AnyPort],
    targets: Sequence[AnyPort],
    probe: Probing,
    tries: int = _TRIES,
    unplugged: Collection[str] = (),
) -> list[Pair]:
    """Ping from each of some ports to each of some ports, itself left out.

    Who should answer and does not is asked up to ``tries`` times. Those that are ``unplugged`` are not asked.
    """
    ports = [(source, target) for source in sources for target in targets if source is not target]
    pairs = [
        Pair(
            *(s.name, t.name, False, answers(network, s, t)),
            tries=0,
            unplugged=tuple(port.name for port in (s, t) if port.name in unplugged),
        )
        for s, t in ports
    ]
    asked = {(pair.source, pair.target): pair for pair in _ping(network, [p for p in pairs if not p.unplugged], probe)}
    found = [asked.get((pair.source, pair.target), pair) for pair in pairs]
    for _ in range(tries - 1):
        silent = [pair for pair in found if pair.expected.arrives and not pair.answered and not pair.unplugged]
        again = {(pair.source, pair.target): pair for pair in _ping(network, silent, probe)}
        found = [again.get((pair.source, pair.target), pair) for pair in found]
    return found


def _ping(network: Network, pairs: Sequence[Pair], probe: Probing) -> list[Pair]:
    """One more ping between each of some pairs."""
    if not pairs:
        return []
    results = probe([_probe(network, pair) for pair in pairs])
    return [
        replace(pair, answered=answered, tries=pair.tries + 1) for pair, answered in zip(pairs, results, strict=True)
    ]


def _probe(network: Network, pair: Pair) -> Probe:
    source, target = network.ports[pair.source], network.ports[pair.target]
    needs = needed(network, source, target, arrives=pair.expected.arrives)
    return Probe(pair.source, pair.target, str(target.address), tuple(needs))


def summary(pairs: Sequence[Pair]) -> str:
    """How many went as the model says."""
    wrong = sum(not pair.is_right for pair in pairs)
    return f"{counted(len(pairs), 'pair')}: {len(pairs) - wrong} as the model says, {wrong} wrong"
