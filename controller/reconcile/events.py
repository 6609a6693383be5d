"""All events of the controller: the parts report them, and the sync handles them."""

from dataclasses import dataclass

from controller.openflow.sessions import SwitchEvent
from controller.store import Stored, VlansKept
from flows.inputs.facts import HostFacts


@dataclass(frozen=True, slots=True)
class FactsChanged:
    """What was observed on a host changed. ``facts`` None: its database cannot be reached."""

    host: str
    facts: HostFacts | None


@dataclass(frozen=True, slots=True)
class HostProblems:
    """How a host deviates from its contract at present: one sentence each."""

    host: str
    sentences: frozenset[str]


@dataclass(frozen=True, slots=True)
class SettingDrifted:
    """Somebody else changed a setting of a host; the controller repairs it."""

    host: str
    words: str


@dataclass(frozen=True, slots=True)
class SerialTaken:
    """A host's switch has read a serial number from its database."""

    host: str
    serial: str


Event = Stored | VlansKept | FactsChanged | HostProblems | SettingDrifted | SerialTaken | SwitchEvent
