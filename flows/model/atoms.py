"""What the rules of one direction come to: for each service, who is admitted.

Several rules may speak of one port: tcp 80 from A, tcp 1-1024 from B. The rules are cut into atoms, so that a packet
is decided by one of them alone: the narrowest that it is in. An atom is an interval of ports (or of ICMP messages), a
whole protocol, or every protocol, and it admits whomever any rule admits that covers it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_

from flows.model.intervals import Interval, Intervals, cut, masks
from flows.model.objects.security_group import NOBODY, Rule, Who
from flows.model.services import EVERYTHING, WHOLE, by_protocol


@dataclass(frozen=True, slots=True)
class Atom:
    """Services that one and the same set of rules covers, and whom these admit."""

    protocol: int | None
    """The IP protocol; None: every one that has no atom of its own."""
    ports: Interval | None
    """The destination ports, or the ICMP messages (type times 256 plus code); None: all that no atom with ports has."""
    who: Who


def atoms(rules: Iterable[Rule]) -> list[Atom]:
    """The atoms of some rules: at most 2n - 1 with ports for n ranges of ports. No atom holds for what nobody may."""
    everything: list[Who] = []
    of_protocols: dict[int, list[Who]] = {}
    with_ports: dict[int, list[tuple[Intervals, Who]]] = {}
    for rule in rules:
        if rule.services == EVERYTHING:
            everything.append(rule.who)
            continue
        for protocol, ports in by_protocol(rule.services):
            if ports == WHOLE:
                of_protocols.setdefault(protocol, []).append(rule.who)
            else:
                with_ports.setdefault(protocol, []).append((ports, rule.who))
    rest = reduce(or_, everything, NOBODY)
    found = [Atom(None, None, rest)] if rest else []
    for protocol in sorted(of_protocols.keys() | with_ports.keys()):
        found += _of_protocol(protocol, of_protocols.get(protocol, ()), with_ports.get(protocol, ()), rest)
    return found


def _of_protocol(
    protocol: int, whole: Iterable[Who], parts: Iterable[tuple[Intervals, Who]], rest: Who
) -> Iterable[Atom]:
    """The atoms of one protocol. ``rest``: whom every service admits. What adds nobody to it has no atom."""
    of_all = reduce(or_, whole, rest)
    if of_all != rest:
        yield Atom(protocol, None, of_all)
    for ports, who in _joined((ports, reduce(or_, found, of_all)) for ports, found in cut(parts)):
        if who != of_all:
            yield Atom(protocol, ports, who)


def _joined(parts: Iterable[tuple[Interval, Who]]) -> list[tuple[Interval, Who]]:
    """Neighbouring intervals that admit the same as one."""
    found: list[tuple[Interval, Who]] = []
    for (first, last), who in parts:
        if found and found[-1][0][1] + 1 == first and found[-1][1] == who:
            found[-1] = (found[-1][0][0], last), who
        else:
            found.append(((first, last), who))
    return found


def admitted(found: Iterable[Atom], protocol: int, port: int) -> Who:
    """Whom atoms admit for a service: the narrowest that it is in decides."""
    here = [atom for atom in found if _covers(atom, protocol, port)]
    return max(here, key=_narrowness).who if here else NOBODY


def _covers(atom: Atom, protocol: int, port: int) -> bool:
    is_protocol = atom.protocol in (None, protocol)
    return is_protocol and (atom.ports is None or atom.ports[0] <= port <= atom.ports[1])


def _narrowness(atom: Atom) -> int:
    return (atom.protocol is not None) + (atom.ports is not None)


@dataclass(frozen=True, slots=True)
class Masked:
    """Numbers as a switch matches them: those whose bits under the mask are those of the value."""

    value: int
    mask: int


def port_masks(ports: Interval) -> list[Masked]:
    """The fewest matches that together are exactly an interval of ports."""
    return [Masked(value, mask) for value, mask in masks(*ports)]


def icmp_masks(messages: Interval) -> list[tuple[Masked, Masked]]:
    """The fewest matches of type and code that together are exactly an interval of ICMP messages."""
    found = masks(*messages)
    return [(Masked(value >> 8, mask >> 8), Masked(value & 0xFF, mask & 0xFF)) for value, mask in found]
