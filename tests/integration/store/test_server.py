"""The store's server: killed, hung, left behind, of an older schema, restored from a backup."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.store import Store, Stored, StoreError, StoreWatch, VlansKept
from controller.store.rows.mapping import tables
from controller.store.rows.schema import DATABASE, schema
from flows.model.objects.port import derived_mac
from tests.integration.store.conftest import Open
from tests.integration.store.support import NETWORK, kill_server, network, run, server_pid, with_ports
from tests.switch import wait_until

Log = pytest.LogCaptureFixture

_USE_AND_DIE = """
import os, pathlib, sys
from controller.store import Store
Store(pathlib.Path(sys.argv[1])).load()
os._exit(0)
"""


class Watched:
    """A watch and what it told."""

    def __init__(self, store: Store) -> None:
        self.models: list[Stored] = []
        self.kept: list[VlansKept] = []
        self.watch = StoreWatch(store, self.models.append, self.kept.append)
        self.watch.start()

    def wait(self, generation: int) -> Stored:
        wait_until(lambda: self.models and self.models[-1].generation == generation, f"generation {generation}")
        return self.models[-1]


@pytest.fixture
def watched(open_store: Open) -> Iterator[Watched]:
    watched = Watched(open_store())
    yield watched
    watched.watch.stop()


def test_the_server_ends_with_its_last_user(directory: Path, open_store: Open) -> None:
    one, other = open_store(), open_store()
    one.apply(network())
    other.load()
    pid = server_pid(directory)
    one.close()
    assert other.load()
    assert server_pid(directory) == pid
    other.close()
    assert not (directory / "ovsdb-server.pid").exists()


def test_the_server_is_killed(directory: Path, open_store: Open, watched: Watched, caplog: Log) -> None:
    caplog.set_level(logging.INFO)
    store = open_store()
    store.apply(network())
    watched.wait(1)
    kill_server(directory)
    watched.watch.report({"generation": 1, "hosts": {}, "ports": {}})
    wait_until(lambda: store.read_status() if _answers(store) else None, "the status")
    assert store.apply(with_ports("c: {vpc: blue, ips: [10.0.1.6]}")) == 2
    assert watched.wait(2).network == with_ports("c: {vpc: blue, ips: [10.0.1.6]}")
    messages = [record.getMessage() for record in caplog.records]
    assert [message for message in messages if message.startswith("store: ")] == messages
    assert sum("store: back after" in message for message in messages) == 1
    assert len(messages) == 2


def _answers(store: Store) -> bool:
    try:
        return bool(store.read_status())
    except StoreError:
        return False


def test_a_server_that_was_left_behind_is_taken_over(directory: Path) -> None:
    subprocess.run([sys.executable, "-c", _USE_AND_DIE, directory], check=True)
    pid = server_pid(directory)
    with Store(directory) as store:
        store.apply(network())
        assert server_pid(directory) == pid
    assert not (directory / "db.sock").exists()


def test_a_server_without_its_socket_is_replaced(directory: Path, store: Store, open_store: Open) -> None:
    store.apply(network())
    pid = server_pid(directory)
    (directory / "db.sock").unlink()
    stored = open_store().load()
    assert stored is not None
    assert server_pid(directory) != pid


def test_the_file_is_lost(directory: Path, open_store: Open, watched: Watched, caplog: Log) -> None:
    store = open_store()
    store.apply(network())
    watched.wait(1)
    (directory / "model.db").unlink()
    kill_server(directory)
    wait_until(lambda: "it holds no model any more" in caplog.text, "word of the loss")
    assert [stored.generation for stored in watched.models] == [1]


def test_a_restart_is_no_news(directory: Path, open_store: Open, watched: Watched, caplog: Log) -> None:
    caplog.set_level(logging.INFO)
    open_store().apply(network())
    before = watched.wait(1).network.ports["a"]
    kill_server(directory)
    wait_until(lambda: "store: back after" in caplog.text, "the store")
    time.sleep(0.2)
    assert [stored.network.ports["a"] for stored in watched.models] == [before]


def test_backup_and_restore(directory: Path, open_store: Open, watched: Watched) -> None:
    store = open_store()
    store.apply(network())
    target = f"unix:{directory}/db.sock"
    backup = run("ovsdb-client", "backup", target, DATABASE)
    store.apply(network("{}"))
    watched.wait(2)
    (directory / "backup").write_text(backup)
    with (directory / "backup").open() as file:
        run("ovsdb-client", "restore", target, DATABASE, stdin=file)
    assert watched.wait(1).network == network()
    assert store.apply(network("{}")) == 2


def test_a_backup_is_a_database_file(directory: Path) -> None:
    with Store(directory) as store:
        store.apply(network())
        backup = run("ovsdb-client", "backup", f"unix:{directory}/db.sock", DATABASE)
        store.apply(network("{}"))
    (directory / "model.db").write_text(backup)
    with Store(directory) as store:
        stored = store.load()
    assert stored is not None
    assert stored.network == network()


def test_an_older_schema_is_converted(directory: Path) -> None:
    with Store(directory) as store:
        store.apply(network())
    _convert(directory, "0.9.0", without=("VpcPort", "mac"))
    with Store(directory) as store:
        stored = store.load()
        assert store.apply(network()) == 1, "the model is the same"
        assert store.apply(network("{}")) == 2
    assert stored is not None
    assert stored.network == network()
    assert stored.network.vpc_ports["a"].mac == derived_mac("a")
    assert run("ovsdb-tool", "db-version", str(directory / "model.db")).strip() == schema()["version"]


def test_a_newer_schema_is_left_alone(directory: Path) -> None:
    with Store(directory) as store:
        store.apply(network())
    _convert(directory, "99.0.0")
    with Store(directory) as store, pytest.raises(StoreError, match=r"schema 99\.0\.0, which a newer ovs-vpc wrote"):
        store.load()


def _convert(directory: Path, version: str, without: tuple[str, str] | None = None) -> None:
    other = {**schema(), "version": version}
    if without is not None:
        del other["tables"][without[0]]["columns"][without[1]]
    file = directory / "other.ovsschema"
    file.write_text(json.dumps(other))
    run("ovsdb-tool", "convert", str(directory / "model.db"), str(file))
    assert without is None or without[0] in tables()


def test_a_record_that_was_cut_off_by_a_crash(directory: Path) -> None:
    with Store(directory) as store:
        store.apply(network())
        store.apply(with_ports("c: {vpc: blue, ips: [10.0.1.6]}"))
    file = directory / "model.db"
    os.truncate(file, file.stat().st_size - 100)
    with Store(directory) as store:
        stored = store.load()
    assert stored is not None
    assert stored.network == network()


def test_a_far_away_directory(directory: Path) -> None:
    far = directory / ("d" * 60) / ("e" * 60)
    with Store(far) as store:
        assert store.apply(network(NETWORK)) == 1


def test_a_server_of_somebody_else(directory: Path) -> None:
    with Store(directory / "theirs") as theirs:
        theirs.apply(network())
        with Store(directory / "ours", target=f"unix:{directory}/theirs/db.sock") as ours:
            stored = ours.load()
        assert theirs.load() is not None
    assert stored is not None
    assert stored.network == network()
    with Store(directory / "ours", target=f"unix:{directory}/theirs/db.sock") as ours, pytest.raises(StoreError):
        ours.load()
    shutil.rmtree(directory / "ours")


def test_a_hung_server_is_ended_with_its_last_user(directory: Path) -> None:
    with Store(directory) as store:
        store.apply(network())
        os.kill(server_pid(directory), signal.SIGSTOP)
    with Store(directory) as store:
        assert store.load() is not None
