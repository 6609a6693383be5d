"""Counting what happens to a host, for the status and the metrics."""

from dataclasses import dataclass

from controller.status.status import Happened


@dataclass(slots=True)
class Tally:
    """How often something happened on one host, and what it was last."""

    count: int = 0
    last: str | None = None
    at: float | None = None
    """Seconds since 1970."""

    def add(self, sentence: str, at: float) -> None:
        """It happened once more."""
        self.count += 1
        self.last, self.at = sentence, at

    def report(self) -> Happened:
        """What the status says of it."""
        return Happened(self.count, self.last, self.at)
