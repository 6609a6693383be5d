"""A database that is another host's: reached by two names, by a wrong one, or that of a copied machine.

Wanted: nothing in it changes to and fro, the one whose it is keeps it, the other is refused and named, and comes back
by itself.
"""

import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from controller.ovsdb import HostSettings
from flows.model.contract import datapath_id
from tests.integration.ovsdb.support import Watcher, get, physical_bridge, writes
from tests.switch import Switch, wait_until


def said(switch: Switch) -> int:
    """Whose br-int is, by its database."""
    return int(get(switch, "bridge", "br-int", "other_config:datapath-id").strip('"'), 16)


def settings_of(host: str, settings: HostSettings) -> HostSettings:
    return replace(settings, datapath_id=datapath_id(host))


@pytest.fixture
def other() -> Iterator[Switch]:
    with Switch() as switch:
        yield switch


class Name:
    """An address of a host: leads to one database, and to another one when it is told to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.target = f"tcp:127.0.0.1:{self._listener.getsockname()[1]}"
        Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(str(self.path))
            except OSError:
                client.close()
                continue
            for one, two in ((client, server), (server, client)):
                Thread(target=self._carry, args=(one, two), daemon=True).start()

    @staticmethod
    def _carry(one: socket.socket, two: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(1 << 16):
                two.sendall(data)
        for end in (one, two):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def names() -> Iterator[list[Name]]:
    made: list[Name] = []
    yield made
    for name in made:
        name.close()


def is_refused(watcher: Watcher, host: str, owner: str) -> bool:
    return any(f"of host {owner}" in sentence for sentence in watcher.standing.get(host, ()))


def test_two_names_for_one_database(switch: Switch, watcher: Watcher, settings: HostSettings) -> None:
    physical_bridge(switch)
    hosts = {name: (switch.db_target, settings_of(name, settings)) for name in ("a", "b")}
    watcher.sessions.set_hosts(hosts)
    wait_until(lambda: watcher.facts("a") or watcher.facts("b"), "the facts of one")
    kept, refused = ("a", "b") if watcher.facts("a") else ("b", "a")
    wait_until(lambda: is_refused(watcher, refused, kept), "the other to be refused")
    wait_until(lambda: (facts := watcher.facts(kept)) and facts.tunnel_ofport, "the contract to be kept")
    time.sleep(0.5)
    before = writes(switch)
    time.sleep(4)  # longer than until the other tries again
    assert (said(switch), writes(switch)) == (datapath_id(kept), before)
    assert watcher.facts(refused) is None
    assert not any(watcher.standing.get(kept, ()))
    watcher.sessions.set_hosts({refused: hosts[refused]})
    wait_until(lambda: watcher.facts(refused), "the other to have it, as nobody else is there", 15)
    wait_until(lambda: said(switch) == datapath_id(refused), "its contract")


def test_a_name_that_leads_to_another_host(
    switch: Switch, other: Switch, names: list[Name], watcher: Watcher, settings: HostSettings
) -> None:
    """While the other host's own name leads nowhere: whoever is asked says whose database it is."""
    for one in (switch, other):
        physical_bridge(one)
    watcher.sessions.set_hosts({"a": (switch.db_target, settings_of("a", settings))})
    wait_until(lambda: (facts := watcher.facts("a")) and facts.tunnel_ofport, "the facts of a")
    names += [Name(switch.directory / "nowhere"), Name(switch.directory / "db.sock")]
    of_a, of_b = names
    before = writes(switch)
    watcher.sessions.set_hosts(
        {"a": (of_a.target, settings_of("a", settings)), "b": (of_b.target, settings_of("b", settings))}
    )
    wait_until(lambda: is_refused(watcher, "b", "a"), "b to be refused")
    assert (said(switch), writes(switch)) == (datapath_id("a"), before)
    of_a.path = switch.directory / "db.sock"
    wait_until(lambda: watcher.facts("a"), "a to be back", 15)
    of_b.path = other.directory / "db.sock"
    wait_until(lambda: watcher.facts("b"), "b by its own database", 15)
    assert (said(switch), writes(switch)) == (datapath_id("a"), before)
    wait_until(lambda: said(other) == datapath_id("b"), "the contract of b")
    wait_until(lambda: not watcher.standing.get("b"), "no problem to be left")


def test_a_copied_machine_joins(switch: Switch, watcher: Watcher, settings: HostSettings) -> None:
    """Its database says the same as the first one's, to the last row id, and yet it is another one."""
    physical_bridge(switch)
    watcher.sessions.set_hosts({"a": (switch.db_target, settings_of("a", settings))})
    wait_until(lambda: (facts := watcher.facts("a")) and facts.tunnel_ofport, "the facts of a")
    with Switch() as copy:
        for daemon in ("ovs-vswitchd", "ovsdb-server"):
            copy.kill(daemon)
        shutil.copy(switch.directory / "conf.db", copy.directory / "conf.db")
        copy.start_database()
        copy.start_vswitchd()
        watcher.sessions.set_hosts(
            {"a": (switch.db_target, settings_of("a", settings)), "b": (copy.db_target, settings_of("b", settings))}
        )
        wait_until(lambda: said(copy) == datapath_id("b"), "the copy to be a host of its own", 15)
        assert said(switch) == datapath_id("a")


def test_two_hosts_change_places(switch: Switch, other: Switch, watcher: Watcher, settings: HostSettings) -> None:
    for one in (switch, other):
        physical_bridge(one)
    a, b = (settings_of(name, settings) for name in ("a", "b"))
    watcher.sessions.set_hosts({"a": (switch.db_target, a), "b": (other.db_target, b)})
    wait_until(lambda: watcher.facts("a") and watcher.facts("b"), "the facts")
    watcher.sessions.set_hosts({"a": (other.db_target, a), "b": (switch.db_target, b)})
    wait_until(lambda: said(switch) == datapath_id("b") and said(other) == datapath_id("a"), "the new contracts", 15)
