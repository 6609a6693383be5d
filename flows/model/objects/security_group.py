"""Security groups: which connections the ports of a VPC may have, by rules.

db:
  vpc: blue
  in:                                     # who may connect to a member; without the key: anybody, to anything
    - {from: web, tcp: 5432}              # the members of group web
    - {from: 10.0.9.0/24, tcp: [22, 8000-8080]}
    - {icmp: ping}                        # from anybody
    - {from: db}                          # everything, among the members themselves
  out: []                                 # to whom a member may connect: to nobody
  members: {app: database}                # ports with this label, besides those that list the group
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from flows.model.intervals import Intervals
from flows.model.objects.rule_values import (
    IcmpMessages,
    Labels,
    Ports,
    Protocol,
    Remotes,
    icmp_of,
    is_group,
    ports_of,
    protocol_of,
)
from flows.model.objects.types import Declared, Flag, NeedsValue, Reference, Word
from flows.model.services import EVERYTHING, TCP, UDP, of_protocol, words

_EVERY_ADDRESS = IPv4Network("0.0.0.0/0")

Direction = Literal["in", "out"]
DIRECTIONS: tuple[Direction, ...] = ("in", "out")

MOST_GROUPS = 32
"""A port is in so many groups at most."""


@dataclass(frozen=True, slots=True)
class Who:
    """Whom rules admit at the other end of a connection: anybody, or the members of some groups and some ranges."""

    anybody: bool = False
    groups: frozenset[str] = frozenset()
    ranges: frozenset[IPv4Network] = frozenset()

    def __or__(self, other: "Who") -> "Who":
        if self.anybody or other.anybody:
            return ANYBODY
        return Who(False, self.groups | other.groups, self.ranges | other.ranges)

    def __bool__(self) -> bool:
        return self.anybody or bool(self.groups or self.ranges)

    def holds(self, address: IPv4Address, groups: Iterable[str]) -> bool:
        """Whether somebody is among them that has an address and is a member of some groups."""
        return self.anybody or not self.groups.isdisjoint(groups) or any(address in one for one in self.ranges)


ANYBODY = Who(anybody=True)
NOBODY = Who()


class Rule(Declared):
    """What connections may be for. The name of a rule is its number in its list."""

    refused: ClassVar[Mapping[str, str]] = {
        "ports": "ports belong to a protocol; write tcp: or udp: in place of 'ports'",
        "port": "ports belong to a protocol; write tcp: or udp: in place of 'port'",
    }

    name: Annotated[str, Field(alias="(name)")]
    tcp: Annotated[
        Ports | None,
        Field(description="Connections to these TCP ports: a port, a range, or a list of both.", examples=[[80, 443]]),
        NeedsValue("name ports, like [80, 443]; every TCP port is {protocol: tcp}"),
    ] = None
    udp: Annotated[
        Ports | None,
        Field(description="Packets to these UDP ports: a port, a range, or a list of both.", examples=["8125-8130"]),
        NeedsValue("name ports, like 53; every UDP port is {protocol: udp}"),
    ] = None
    icmp: Annotated[
        IcmpMessages | None,
        Field(
            description="ICMP messages by name, by type, or by type and code: one or a list. Errors that belong to an "
            "allowed connection need no rule.",
            examples=["ping", ["ping", "3/4"]],
        ),
        NeedsValue("name messages, like ping or 3/4; every ICMP message is {protocol: icmp}"),
    ] = None
    protocol: Annotated[
        Protocol | None,
        Field(
            description="In place of 'tcp', 'udp' or 'icmp': a whole IP protocol, by name or number.",
            examples=["sctp", 47],
        ),
        NeedsValue("name an IP protocol, like sctp or 47"),
    ] = None

    word: ClassVar[str]
    """The key that says who is at the other end."""

    @property
    def remote(self) -> tuple[str, ...] | None:
        """The groups and ranges at the other end; None: anybody."""
        raise NotImplementedError

    @cached_property
    def services(self) -> Intervals:
        """What the rule admits connections for."""
        parts = [
            *(ports_of(TCP, text) for text in self.tcp or ()),
            *(ports_of(UDP, text) for text in self.udp or ()),
            *(icmp_of(text) for text in self.icmp or ()),
            *([of_protocol(protocol_of(self.protocol))] if self.protocol is not None else ()),
        ]
        return Intervals.of(part for one in parts for part in one.parts) if parts else EVERYTHING

    @cached_property
    def who(self) -> Who:
        """Whom the rule admits at the other end."""
        if self.remote is None:
            return ANYBODY
        ranges = frozenset(IPv4Network(one) for one in self.remote if not is_group(one))
        if _EVERY_ADDRESS in ranges:
            return ANYBODY
        return Who(False, frozenset(filter(is_group, self.remote)), ranges)

    @property
    def sentence(self) -> str:
        """What it allows, as in ``tcp 5432 from web``."""
        return f"{words(self.services)} {self.word} {', '.join(self.remote or ('anybody',))}"

    def __str__(self) -> str:
        return f"rule '{self.sentence}'"


_REMOTE = (
    "Who may be at the other end: groups of this VPC or of a peered one, by name, and ranges of addresses; one or a "
    "list. Without it: anybody."
)


class InRule(Rule):
    """Connections that members accept."""

    kind = "in rule"
    word = "from"
    refused: ClassVar[Mapping[str, str]] = {**Rule.refused, "to": "a rule of 'in' says who may connect: write 'from'"}

    sources: Annotated[
        Remotes | None,
        Field(alias="from", description=_REMOTE, examples=["web", ["web", "10.0.9.0/24"]]),
        NeedsValue("name groups or ranges, like web or 10.0.9.0/24; leave 'from' out for anybody"),
    ] = None

    @property
    def remote(self) -> tuple[str, ...] | None:
        return self.sources


class OutRule(Rule):
    """Connections that members may open."""

    kind = "out rule"
    word = "to"
    refused: ClassVar[Mapping[str, str]] = {
        **Rule.refused,
        "from": "a rule of 'out' says to whom members may connect: write 'to'",
    }

    targets: Annotated[
        Remotes | None,
        Field(alias="to", description=_REMOTE, examples=["db", ["db", "10.0.9.0/24"]]),
        NeedsValue("name groups or ranges, like web or 10.0.9.0/24; leave 'to' out for anybody"),
    ] = None

    @property
    def remote(self) -> tuple[str, ...] | None:
        return self.targets


class SecurityGroup(Declared):
    """Ports of a VPC, and which connections they may have. Answers need no rule.

    A direction that none of a port's groups declares is open. What one group admits, no other can refuse.
    """

    kind = "security group"

    vpc: Annotated[
        Word, Field(description="The VPC that its members are in, by name.", examples=["blue"]), Reference("vpc")
    ]
    inbound: Annotated[
        tuple[InRule, ...] | None,
        Field(
            alias="in",
            description="Which connections members accept; an empty list: none. Without the key the group says "
            "nothing of them.",
            examples=[[{"from": "web", "tcp": 5432}, {"icmp": "ping"}]],
        ),
        NeedsValue("write [] to let nothing in; without the key the group says nothing of what comes in"),
    ] = None
    outbound: Annotated[
        tuple[OutRule, ...] | None,
        Field(
            alias="out",
            description="Which connections members may open; an empty list: none. Without the key the group says "
            "nothing of them.",
            examples=[[{"to": "db", "tcp": 5432}]],
        ),
        NeedsValue("write [] to let nothing out; without the key the group says nothing of what goes out"),
    ] = None
    log: Annotated[
        Flag,
        Field(
            description="Write a line to the controller's log for each connection of a member that is refused for want "
            "of a rule of this group; at most 5 a second for each port."
        ),
    ] = False
    members: Annotated[
        Labels,
        Field(
            default_factory=dict,
            description="Labels: every port of the VPC that has all of them is a member, besides the ports that list "
            "the group.",
            examples=[{"app": "web"}],
        ),
        NeedsValue("name labels, like {app: web}, or leave it out: then members are the ports that list the group"),
    ]

    def rules_of(self, direction: Direction) -> tuple[Rule, ...] | None:
        """Its rules for what comes in or goes out; None: it says nothing of that."""
        return self.inbound if direction == "in" else self.outbound
