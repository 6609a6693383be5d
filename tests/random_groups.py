"""Random security groups, as a network file has them, and ports that are in them."""

from collections.abc import Sequence, Set
from random import Random
from typing import Any

Document = dict[str, Any]

_RANGES = ["10.0.0.0/8", "10.0.0.0/24", "10.0.1.0/24", "10.1.0.0/25", "10.2.0.0/26", "172.16.0.0/12", "0.0.0.0/0"]
_SERVICES: dict[str, list[Any]] = {
    "tcp": [80, [80, 443], "1-1024", "80-90", [22, "400-6000"], 5432],
    "udp": [53, "8125-8130", [53, "50-8126"]],
    "icmp": ["ping", ["ping", "timestamp"], "8", "8/0"],
    "protocol": ["tcp", "udp", "icmp", "gre", 132],
}
_LABELS = ("web", "db")


def random_groups(random: Random, vpcs: Sequence[str], peered: Set[frozenset[str]]) -> dict[str, Document]:
    """Some groups of some VPCs, whose rules name one another where the VPCs are peered."""
    of = {f"{vpc}g{number}": vpc for vpc in vpcs for number in range(random.randint(0, 3))}
    return {name: _group(random, vpc, near(of, vpc, peered)) for name, vpc in of.items()}


def near(of: dict[str, str], vpc: str, peered: Set[frozenset[str]]) -> list[str]:
    """The groups that rules of a VPC's groups can name. ``of``: the VPC of each group."""
    return [name for name, other in of.items() if other == vpc or frozenset((vpc, other)) in peered]


def _group(random: Random, vpc: str, known: Sequence[str]) -> Document:
    group: Document = {"vpc": vpc}
    for direction, word, chance in (("in", "from", 0.7), ("out", "to", 0.4)):
        if random.random() < chance:
            group[direction] = [random_rule(random, word, known) for _ in range(random.randint(0, 4))]
    if random.random() < 0.3:
        group["members"] = {"app": random.choice(_LABELS)}
    if random.random() < 0.3:
        group["log"] = True
    return group


def random_rule(random: Random, word: str, known: Sequence[str]) -> Document:
    """A rule. ``word``: from or to. ``known``: the groups that it can name."""
    rule: Document = {}
    remotes = random.sample([*known, *random.sample(_RANGES, 2)], random.randint(1, 2))
    if random.random() < 0.7:
        rule[word] = remotes if random.random() < 0.7 else remotes[0]
    if random.random() < 0.8:
        key = random.choice([*_SERVICES, "tcp"])
        rule[key] = random.choice(_SERVICES[key])
    return rule


def random_membership(random: Random, groups: Sequence[str]) -> Document:
    """What a port says of groups: which of those of its VPC it is in, and labels."""
    said: Document = {}
    if groups and random.random() < 0.6:
        said["groups"] = random.sample(groups, min(len(groups), random.randint(1, 2)))
    if random.random() < 0.3:
        said["labels"] = {"app": random.choice(_LABELS), "stage": "test"}
    return said
