"""All nodes of the model, and which of the sessions that switches begin is whose."""

import logging
from collections.abc import Callable, Collection, Set
from typing import Protocol

from controller.openflow.sessions import Session
from controller.reconcile.nodes.claims import Claims
from controller.reconcile.nodes.node import Node

_log = logging.getLogger(__name__)


class Listener(Protocol):
    """Who is told what happens to nodes."""

    def touched(self, node: Node) -> None:
        """Something about a node may have changed."""

    def connected(self, node: Node) -> None:
        """A node has a session."""

    def lost(self, node: Node) -> None:
        """A node has no session any more, or another one."""


class Roster:
    """The nodes by datapath id. Times are seconds of one monotonic clock."""

    def __init__(
        self,
        listener: Listener,
        *,
        give_serial: Callable[[str, str], None],
        redial: Callable[[str], None],
        carried: Callable[[str, Set[str]], int],
    ) -> None:
        """``give_serial``, ``redial`` and ``carried``: as in :class:`Claims`."""
        self._listener = listener
        self._give_serial, self._redial, self._carried = give_serial, redial, carried
        self._nodes: dict[int, Node] = {}
        self._claims: dict[int, Claims] = {}
        """Who says that it is which node; as many as there are nodes."""
        self._strangers: dict[int, list[Session]] = {}
        """The sessions of switches that nobody declared."""
        self._reported: set[int] = set()
        """Datapath ids that nobody declared, and of which that was said."""

    @property
    def nodes(self) -> Collection[Node]:
        """All of them."""
        return self._nodes.values()

    def find(self, datapath_id: int) -> Node | None:
        """The node of a datapath id."""
        return self._nodes.get(datapath_id)

    def owner(self, session: Session) -> Node | None:
        """The node whose session this is; None when it is nobody's, or was replaced meanwhile."""
        node = self._nodes.get(session.datapath_id)
        return node if node is not None and node.session is session else None

    def add(self, node: Node, now: float, *, has_database: bool) -> None:
        """A node came into the model, and its switch perhaps before it."""
        self._nodes[node.datapath_id] = node
        give_serial = self._give_serial if has_database else None
        self._claims[node.datapath_id] = Claims(
            node, give_serial=give_serial, redial=self._redial, carried=self._carried
        )
        for session in self._strangers.pop(node.datapath_id, []):
            self._claim(node, session, now)

    def remove(self, node: Node) -> None:
        """A node left the model."""
        del self._nodes[node.datapath_id]
        self._claims.pop(node.datapath_id).end()
        if node.clear():
            _log.info("%s: model: it left; its switch is cleared, and its owner can remove the bridge", node.name)
        else:
            _log.warning(
                "%s: model: it left while its switch was not connected: the switch keeps its flows and "
                "forwards by them until its owner removes the bridge",
                node.name,
            )
        if node.session is not None:
            self._strangers[node.datapath_id] = [node.session]

    def up(self, session: Session, now: float) -> None:
        """A session began."""
        node = self._nodes.get(session.datapath_id)
        if node is not None:
            self._claim(node, session, now)
            return
        self._strangers.setdefault(session.datapath_id, []).append(session)
        if session.datapath_id not in self._reported:
            self._reported.add(session.datapath_id)
            _log.warning("switch: %016x, at %s, is not in the model; ignored", session.datapath_id, session.where)

    def down(self, session: Session, now: float) -> None:
        """A session has ended."""
        node = self._nodes.get(session.datapath_id)
        if node is None:
            strangers = self._strangers.get(session.datapath_id, [])
            if session in strangers:
                strangers.remove(session)
            if not strangers:
                self._strangers.pop(session.datapath_id, None)
            return
        claims = self._claims[node.datapath_id]
        if node.session is not session:
            claims.withdrew(session)
            return
        _log.warning("%s: switch: out of reach; it keeps forwarding with the flows it has", node.name)
        node.disconnected()
        self._listener.lost(node)
        if follower := claims.went(now):
            self._connect(node, follower, now)

    def described(self, session: Session, serial: str, now: float) -> None:
        """A switch said which serial number it has."""
        node = self._nodes.get(session.datapath_id)
        if node is None:
            return
        before = node.session
        follower = self._claims[node.datapath_id].described(session, serial, now)
        if follower is not None or node.session is not before:
            self._listener.lost(node)
        self._listener.touched(node)
        if follower is not None:
            self._connect(node, follower, now)

    def serial_taken(self, node: Node, serial: str) -> None:
        """A host's switch has read a serial number from its database."""
        self._claims[node.datapath_id].taken(serial)

    def look(self, now: float) -> None:
        """Do what is due about who is who."""
        for claims in self._claims.values():
            if claims.look(now):
                self._listener.touched(claims.node)

    def _claim(self, node: Node, session: Session, now: float) -> None:
        """A switch says that it is a certain node."""
        if self._claims[node.datapath_id].came(session, now):
            _log.info("%s: switch: connected", node.name)
            self._connect(node, session, now)

    def _connect(self, node: Node, session: Session, now: float) -> None:
        node.connected(session, now)
        self._listener.connected(node)
