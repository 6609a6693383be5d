"""Plain switches: what each must hold, and in which order links are blocked and opened.

Two switches never change at the same instant. So when the tree of links changes, every link that is not in the new tree
is blocked first. The others are opened once all switches that answer have confirmed that. There is never a loop.
"""

import logging
from collections.abc import Iterable, Mapping, Set

from controller.reconcile.nodes.node import Node
from controller.status.lost import Lost
from controller.status.status import PluggedIn, SwitchPlug, SwitchStatus
from controller.store import Stored
from flows.inputs.facts import SwitchFacts
from flows.inputs.tree import LinkVlan, tree, working
from flows.model import AnyPort
from flows.model.interfaces import interface_name
from flows.units.plain_switch import Located, locate_machines, plugged, view_switch

STARTUP = 10.0
"""Seconds after start in which nothing is removed while the facts of a host or switch are missing."""

_log = logging.getLogger(__name__)


class Switches:
    """All plain switches of the model. ``nodes`` is kept by who adds and removes them."""

    def __init__(self, now: float, open_links: Iterable[LinkVlan], lost: Lost | None = None) -> None:
        """``lost``: the ports that were plugged in before."""
        self.nodes: dict[str, Node] = {}
        self.open_links = frozenset(open_links)
        """What may be open in some switch: what was asked for, and what is to be blocked and not yet confirmed."""
        self._started = now
        self._stored: Stored | None = None
        self._facts: dict[str, SwitchFacts] = {}
        self._allowed: frozenset[LinkVlan] | None = None
        """What switches are asked to have open; None until enough is known for the first time."""
        self._tree: frozenset[LinkVlan] = frozenset()
        """The links that are to be open in the end."""
        self._lost = lost or Lost({})
        self._located: Located = frozenset()

    def has(self, node: Node) -> bool:
        """Whether this is a plain switch."""
        return self.nodes.get(node.name) is node

    def set_model(self, stored: Stored) -> None:
        """The model is another one."""
        self._stored = stored
        self._facts = {name: facts for name, facts in self._facts.items() if name in self.nodes}
        self._find_tree()
        self._lost.keep(self._ports)
        self._want()

    def described(self, node: Node, facts: SwitchFacts) -> None:
        """A switch described its ports."""
        if self._facts.get(node.name) == facts:
            return
        self._facts[node.name] = facts
        before = self._located
        self._find_tree()
        self._lost.observed(node.name, (), frozenset(), self._ports)
        self._want(node.name if self._located == before else None)

    def start(self, now: float) -> None:
        """From now on switches have some time to connect."""
        self._started = now

    def pump(self, now: float, kept_links: Set[LinkVlan] | None = None) -> None:
        """Send whatever is due; nothing until the store knows all open links, by ``kept_links``."""
        self._open_and_block(now)
        if kept_links is not None and not self.open_links <= kept_links:
            return
        for node in self.nodes.values():
            node.pump(now, may_send=True, may_remove=True, knows_all=True)
            node.check(now)

    def carried(self, name: str, interfaces: Set[str]) -> int:
        """How many of the interfaces that the model says are on a switch are among some."""
        if self._stored is None:
            return 0
        network = self._stored.network
        ports = {interface_name(port.name) for port in network.switch_ports.values() if port.switch == name}
        links = {link.end(name) for link in network.links.values() if name in link.between}
        return len((ports | links) & interfaces)

    def locations(self) -> dict[str, str]:
        """Where each machine's port is."""
        network = self._stored.network if self._stored and self.nodes else None
        return {port.name: port.switch for port in network.switch_ports.values()} if network else {}

    @property
    def _ports(self) -> Mapping[str, AnyPort]:
        return self._stored.network.ports if self._stored else {}

    def status(self) -> dict[str, SwitchStatus]:
        """What is known of each switch, for people and for the command line."""
        return {name: self._status(node) for name, node in self.nodes.items()}

    def _find_tree(self) -> None:
        if self._stored is not None:
            links = self._stored.network.links.values()
            self._tree = tree(links, working(links, self._facts))
            before, self._located = self._located, locate_machines(self._stored.network, self._facts)
            for switch in {at for _, at in before ^ self._located}:
                gone, come = (
                    {port for port, at in ports - others if at == switch}
                    for ports, others in ((before, self._located), (self._located, before))
                )
                self._lost.observed(switch, gone, come, self._ports)

    def _open_and_block(self, now: float) -> None:
        """Take the next step from the links that are open to those of the tree."""
        if not self._knows_enough(now):
            return
        wanted = self._tree
        allowed = self.open_links if self._allowed is None else self._allowed
        if allowed != self.open_links and not self._is_waiting(now):
            self.open_links = allowed
        narrowed = wanted & allowed
        if narrowed != allowed:
            allowed = narrowed
        elif allowed == self.open_links and wanted != allowed:
            allowed = self.open_links = wanted
            if self.nodes:
                _log.info("links: these carry frames: %s", ", ".join(sorted({link for link, _ in wanted})) or "none")
        if allowed != self._allowed:
            self._allowed = allowed
            self._want()

    def _is_waiting(self, now: float) -> bool:
        """Whether a switch that answers has not confirmed yet."""
        return any(node.is_patient(now) and not node.is_settled for node in self.nodes.values())

    def _knows_enough(self, now: float) -> bool:
        """Whether the links are known: not while a switch may only be about to connect."""
        return self._facts.keys() >= self.nodes.keys() or now - self._started > STARTUP

    def _want(self, only: str | None = None) -> None:
        """Give switches what they must hold."""
        if self._stored is None or self._allowed is None:
            return
        stored, allowed = self._stored, self._allowed
        for name in self._facts if only is None else [only]:
            node = self.nodes[name]
            units = view_switch(stored.network, name, self._facts[name], allowed, self._located)
            # On the way to the tree nothing is confirmed yet.
            node.want(units, stored.generation if allowed == self._tree else node.wanted_generation)

    def _status(self, node: Node) -> SwitchStatus:
        facts = self._facts.get(node.name)
        ports: Mapping[str, int] = {}
        if facts is not None and self._stored is not None:
            ports = plugged(self._stored.network, node.name, facts)
        return SwitchStatus(
            switch=node.session is not None,
            wanted=node.wanted_generation,
            confirmed=node.confirmed_generation,
            settled=node.is_settled and self._allowed == self.open_links,
            flows=node.flows,
            problem=node.problem,
            problems=tuple(sorted(node.problems)),
            drift=node.drifted.report(),
            refused=node.refusals.report(),
            drops=node.drops.by_reason,
            lost=tuple(self._lost.at(node.name)),
            interfaces=tuple(PluggedIn(port, interface_name(port), ofport) for port, ofport in sorted(ports.items())),
            plugs=tuple(
                SwitchPlug(*plug) for plug in sorted((plug.name, plug.ofport, plug.is_live) for plug in facts.plugs)
            )
            if facts
            else (),
        )
