"""What the tests of the database sessions share."""

import socket
import struct
from threading import Thread

from controller.ovsdb import HostSessions, HostSettings
from flows.inputs.facts import HostFacts, Interface
from tests.switch import Switch, wait_until


class Watcher:
    """Host sessions and all that they report."""

    def __init__(self, *, is_dialled: bool = True) -> None:
        """``is_dialled``: whether the switches are connected to the controller that this stands for."""
        self.history: list[tuple[str, HostFacts | None]] = []
        self.problems: list[tuple[str, str]] = []
        """All that ever were."""
        self.standing: dict[str, frozenset[str]] = {}
        """Those of each host that are not solved."""
        self.drift: list[str] = []
        self.sessions = HostSessions(
            lambda host, facts: self.history.append((host, facts)),
            self._problems,
            lambda _, words: self.drift.append(words),
            lambda datapath_id: is_dialled,
        )

    def _problems(self, host: str, sentences: frozenset[str]) -> None:
        self.problems.extend((host, sentence) for sentence in sorted(sentences))
        self.standing[host] = sentences

    def facts(self, host: str = "a") -> HostFacts | None:
        return next((facts for name, facts in reversed(self.history) if name == host), None)

    def interfaces(self, host: str = "a") -> set[Interface]:
        facts = self.facts(host)
        return set(facts.interfaces) if facts else set()

    def has_problem(self, part: str) -> bool:
        return any(part in sentence for _, sentence in self.problems)

    def has_repaired(self, part: str) -> bool:
        return any(part in words for words in self.drift)


class Controller:
    """Accepts OpenFlow connections and says hello, so that the switch counts as connected."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.target = f"tcp:127.0.0.1:{self._listener.getsockname()[1]}"
        self._connections: list[socket.socket] = []
        Thread(target=self._serve, daemon=True).start()

    @property
    def accepted(self) -> int:
        """How many connections there have been."""
        return len(self._connections)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.sendall(struct.pack("!BBHI", 5, 0, 8, 1))
            self._connections.append(connection)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            connection.close()


def physical_bridge(switch: Switch) -> None:
    switch.vsctl("add-br", "br-phy", "--", "set", "bridge", "br-phy", "datapath_type=netdev")


def instance(switch: Switch, name: str, iface_id: str) -> None:
    switch.vsctl("add-port", "br-int", name, "--", "set", "interface", name, f"external_ids:iface-id={iface_id}")


def get(switch: Switch, table: str, row: str, column: str) -> str:
    return switch.vsctl("get", table, row, column).strip()


def writes(switch: Switch) -> int:
    """How many transactions the controller has committed: each leaves its comment in the database file."""
    return (switch.directory / "conf.db").read_text().count("ovs-vpc: ")


def establish(switch: Switch, watcher: Watcher, settings: HostSettings) -> None:
    """A host with br-phy, its contract kept."""
    physical_bridge(switch)
    watcher.sessions.set_hosts({"a": (switch.db_target, settings)})
    wait_until(lambda: (facts := watcher.facts()) and facts.tunnel_ofport, "the facts of the integration bridge")
