"""What a host's kernel does with packets from an interface that is not the host's own."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class KernelBehaviour:
    """What it takes in itself, and what it forwards: names of protocols."""

    takes: list[str] = field(default_factory=list)
    forwards: list[str] = field(default_factory=list)
