"""Which links carry frames: of every ring at least one link does not, so that no frame goes round for ever.

The tree starts at the switch with the most links (of several, the first by name) and reaches each other switch by the
fewest links. Of equal paths, one by a link that carries every VLAN comes first, then the first link by name. It depends
on nothing but the declared links and which of them work.

Links may carry different VLANs, so that each VLAN named by a link has a tree of its own, and all others share one.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Set

from flows.inputs.facts import SwitchFacts
from flows.model import Link

LinkVlan = tuple[str, int | None]
"""A link, and a VLAN that it carries; None stands for every VLAN that no link names."""


def working(links: Iterable[Link], facts: Mapping[str, SwitchFacts]) -> frozenset[str]:
    """The links that are there and up at both ends."""
    live = {name: {plug.name for plug in observed.plugs if plug.is_live} for name, observed in facts.items()}
    return frozenset(
        link.name for link in links if all(link.end(switch) in live.get(switch, ()) for switch in link.between)
    )


def tree(links: Collection[Link], working: Set[str]) -> frozenset[LinkVlan]:
    """What carries frames, of the links that work."""
    ends = Counter(switch for link in links for switch in link.between)
    roots = sorted(ends, key=lambda switch: (-ends[switch], switch))
    usable = sorted((link for link in links if link.name in working), key=lambda link: (bool(link.trunk), link.name))
    return frozenset(
        (link.name, vlan)
        for vlan in (None, *named_vlans(links))
        for link in _spanning([link for link in usable if _carries(link, vlan)], roots)
    )


def named_vlans(links: Iterable[Link]) -> list[int]:
    """Every VLAN that a link names."""
    return sorted({vlan for link in links for vlan in link.trunk or ()})


def _carries(link: Link, vlan: int | None) -> bool:
    return not link.trunk if vlan is None else link.carries(vlan)


def _spanning(links: Iterable[Link], roots: Iterable[str]) -> list[Link]:
    """A spanning forest: every switch that is connected to another one, by exactly one way.

    ``roots``: all switches; of each part the first one is its root.
    """
    at: dict[str, list[Link]] = {}
    for link in links:
        for switch in link.between:
            at.setdefault(switch, []).append(link)
    chosen: list[Link] = []
    reached: set[str] = set()
    for root in roots:
        if root in reached or root not in at:
            continue
        reached.add(root)
        waiting = [root]
        for switch in waiting:  # grows while it is gone through: nearest first
            for link in at[switch]:
                far = link.other(switch)
                if far not in reached:
                    reached.add(far)
                    waiting.append(far)
                    chosen.append(link)
    return chosen
