"""Groups and meters: what flows refer to by a number, and a switch holds beside its flows.

OpenFlow 1.4, 5.6 (groups) and 5.7 (meters). Both are values: a rule is given one where its actions say ``group`` or
``meter``, and so the switch gets it together with the flows that use it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from flows.openflow.actions import (
    Action,
    DecTtl,
    Group,
    Meter,
    Move,
    Output,
    OutputInPort,
    PopVlan,
    PushVlan,
    Resubmit,
    SetBits,
    SetField,
    SetQueue,
    TableNames,
)
from flows.openflow.flow import COOKIE_OWNER, Flow

MOST_RATE = (1 << 32) - 1
"""The greatest rate and burst of a meter."""
_OWNER_SHIFT = 24
"""Of a number of ours the highest byte is that of our cookies: others keep their groups and meters."""


class BadEntry(ValueError):  # noqa: N818 - names what is bad, as a sentence
    """A group or meter that no switch would take."""


@dataclass(frozen=True, slots=True)
class MeterEntry:
    """A limit for the packets of all flows that refer to it together; what is more is dropped."""

    number: int
    unit: Literal["packets", "kilobits"]
    rate: int
    """So many packets, or kilobits, per second."""
    burst: int
    """So many at once after a pause."""

    kind = "meter"

    def __post_init__(self) -> None:
        for word, value in (("rate", self.rate), ("burst", self.burst)):
            if not 0 < value <= MOST_RATE:
                raise BadEntry(f"meter {self.number:#x}: its {word} is {value}, and must be 1 to {MOST_RATE}")

    def __int__(self) -> int:
        return self.number

    def __str__(self) -> str:
        return f"{self.rate} {self.unit} per second, {self.burst} at once after a pause"

    def text(self, names: TableNames = str) -> str:
        """As ``ovs-ofctl add-meter`` reads it."""
        unit = "pktps" if self.unit == "packets" else "kbps"
        return f"meter={self.number},{unit},burst,band=type=drop,rate={self.rate},burst_size={self.burst}"


@dataclass(frozen=True, slots=True)
class Bucket:
    """One of the lists of actions of a group."""

    actions: tuple[Action, ...]
    watch_port: int | None = None
    """Only in groups of the first live bucket: this bucket is live when that port is."""


_ORDER = ((PopVlan,), (PushVlan,), (DecTtl,), (SetField, SetBits, Move, SetQueue), (Output, OutputInPort, Resubmit))
"""The actions of a bucket are a set, which a switch carries out in this order, of all but the fourth only one (OpenFlow
1.4, 5.10). So they are to be written in it."""
_SETS = 3

GroupType = Literal["all", "select", "indirect", "ff"]
"""Each bucket gets a copy; one bucket, which a hash of the packet chooses; the only bucket; the first live bucket."""


@dataclass(frozen=True, slots=True)
class GroupEntry:
    """Lists of actions, of which a packet that is given to the group meets one, or each with a copy of it."""

    number: int
    type: GroupType
    buckets: tuple[Bucket, ...]

    kind = "group"

    def __post_init__(self) -> None:
        for fault in self._faults():
            raise BadEntry(f"group {self.number:#x}: {fault}")

    def _faults(self) -> Iterator[str]:
        if self.type == "indirect" and len(self.buckets) != 1:
            yield f"a group of type indirect has one bucket, not {len(self.buckets)}"
        for bucket in self.buckets:
            if (bucket.watch_port is not None) != (self.type == "ff"):
                yield "buckets of groups of type ff watch a port, and no others do"
            order = [_place(action) for action in bucket.actions]
            known = [at for at in order if at is not None]
            if None in order:
                yield f"a bucket cannot have {bucket.actions[order.index(None)].text(str)}"
            elif known != sorted(known) or any(known.count(at) > 1 for at in known if at != _SETS):
                yield f"the switch would carry the actions of {_bucket_text(bucket, str)} out in another order"

    def __int__(self) -> int:
        return self.number

    def __str__(self) -> str:
        many = "1 bucket" if len(self.buckets) == 1 else f"{len(self.buckets)} buckets"
        return f"{_WORDS[self.type]} of {many}"

    def text(self, names: TableNames = str) -> str:
        """As ``ovs-ofctl add-group`` reads it."""
        buckets = "".join(f",bucket={_bucket_text(bucket, names)}" for bucket in self.buckets)
        return f"group_id={self.number},type={self.type}{buckets}"


_WORDS = {"all": "a copy to each", "select": "one, by a hash,", "indirect": "the only one", "ff": "the first live one"}

GroupOrMeter = GroupEntry | MeterEntry
Key = tuple[str, int]
"""What makes it one thing for a switch: its kind, ``group`` or ``meter``, and its number."""


def key_of(entry: GroupOrMeter) -> Key:
    """The key of a group or meter."""
    return entry.kind, entry.number


def keys_in(flow: Flow) -> tuple[Key, ...]:
    """The keys of the groups and meters that a flow refers to."""
    if not any(isinstance(action, Group | Meter) for action in flow.shape.actions):
        return ()
    return tuple(
        ("group", action.group) if isinstance(action, Group) else ("meter", action.meter)
        for action in flow.actions
        if isinstance(action, Group | Meter)
    )


def is_ours(number: int) -> bool:
    """Whether a group or meter with a number is ours; all others are somebody else's, and never touched."""
    return number >> _OWNER_SHIFT == COOKIE_OWNER


def our_number(kind: int, number: int) -> int:
    """The number of ours that stands for another one of 16 bits, in one of 256 kinds."""
    if not 0 <= number < 1 << 16:
        raise ValueError(f"{number} is no number of 16 bits")
    return COOKIE_OWNER << _OWNER_SHIFT | kind << 16 | number


def _place(action: Action) -> int | None:
    """When a switch carries an action of a bucket out; None: never."""
    return next((at for at, kinds in enumerate(_ORDER) if isinstance(action, kinds)), None)


def _bucket_text(bucket: Bucket, names: TableNames) -> str:
    watch = "" if bucket.watch_port is None else f"watch_port:{bucket.watch_port},"
    return watch + "actions=" + (",".join(action.text(names) for action in bucket.actions) or "drop")
