"""How many packets one host's switch dropped, by the flows that count them."""

from collections.abc import Iterable

from controller.openflow.decode import ReportedFlow
from flows.compile.desired import Desired
from flows.pipeline.rules import Rule

_DROPPED = ": dropped"


def reason(sentence: str) -> str:
    """Why a flow with this sentence drops packets."""
    return sentence.removesuffix(_DROPPED)


class Drops:
    """What was counted last. A flow counts from when it was added, so a number may also become less."""

    def __init__(self) -> None:
        self.by_reason: dict[str, int] = {}
        """The sentence of each flow that dropped something, and how much."""
        self.by_rule: dict[Rule, int] = {}

    def counted(self, entries: Iterable[ReportedFlow], desired: Desired | None) -> None:
        """The counters of flows that drop were read."""
        by_reason: dict[str, int] = {}
        by_rule: dict[Rule, int] = {}
        for entry in entries:
            reasons = desired.applications.get(entry.cookie) if desired else None
            if not entry.packets or not reasons or reasons[0].rule.is_harmless:
                continue
            rule, said = reasons[0].rule, reason(reasons[0].sentence)
            by_reason[said] = by_reason.get(said, 0) + entry.packets
            by_rule[rule] = by_rule.get(rule, 0) + entry.packets
        self.by_reason, self.by_rule = by_reason, by_rule
