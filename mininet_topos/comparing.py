"""Who reaches whom, held against what the model says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flows.model import AnyPort, Network
from flows.model.reachability import Verdict, answers
from mininet_topos.probe import Probe


@dataclass(frozen=True, slots=True)
class Pair:
    """One ping between two ports, and what the model says of it."""

    source: str
    target: str
    answered: bool
    expected: Verdict

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
    probe: Callable[[Sequence[Probe]], list[bool]],
) -> list[Pair]:
    """Ping from each of some ports to each of some ports, itself left out. ``probe`` does the pinging."""
    pairs = [(source, target) for source in sources for target in targets if source is not target]
    results = probe([Probe(source.name, target.name, str(target.address)) for source, target in pairs])
    return [
        Pair(source.name, target.name, answered, answers(network, source, target))
        for (source, target), answered in zip(pairs, results, strict=True)
    ]


def summary(pairs: Sequence[Pair]) -> str:
    """How many went as the model says."""
    wrong = sum(not pair.is_right for pair in pairs)
    return f"{len(pairs)} pairs: {len(pairs) - wrong} as the model says, {wrong} not"
