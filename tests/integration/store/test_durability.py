"""Controller and store are killed at random moments: what was answered is there, and nothing is half there."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from controller.store import Store, StoreError
from flows.model import Network
from tests.integration.store.support import network, server_pid
from tests.ports import free_port

_OBJECTS = 20
"""Ports of each network, all of them others than those of the network before: half an apply would show."""


class Killer:
    """Runs a controller, and kills it and the store's server again and again."""

    def __init__(self, directory: Path, seed: int) -> None:
        self._directory = directory
        self._random = random.Random(seed)
        self._is_over = threading.Event()
        self._controller = self._start()
        self._thread = threading.Thread(target=self._run)
        self.kills = {"controller": 0, "store": 0}
        self._thread.start()

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "controller", "controller", "--state", str(self._directory)]
        command += ["--listen", f"127.0.0.1:{free_port()}", "--metrics", "0"]
        with (self._directory / "controller.log").open("a") as log:
            return subprocess.Popen(command, stdout=log, stderr=log)

    def _run(self) -> None:
        while not self._is_over.wait(self._random.uniform(0.02, 0.4)):
            if self._random.random() < 0.8:
                with contextlib.suppress(OSError, ValueError):
                    os.kill(server_pid(self._directory), signal.SIGKILL)
                    self.kills["store"] += 1
            else:
                self._controller.kill()
                self._controller.wait()
                self.kills["controller"] += 1
                self._controller = self._start()

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join()
        self._controller.terminate()
        self._controller.wait()


@pytest.fixture
def killer(directory: Path) -> Iterator[Killer]:
    killer = Killer(directory, seed=1)
    yield killer
    killer.stop()


def _network(number: int) -> Network:
    ports = "".join(f"  p{number}-{at}: {{vpc: blue, ips: [10.0.1.{at + 2}]}}\n" for at in range(_OBJECTS))
    return network(f"vpcs: {{blue: {{id: 7, subnets: {{web: {{cidr: 10.0.1.0/24}}}}}}}}\nports:\n{ports}")


def _read(directory: Path) -> Network | None:
    """What the store holds, as somebody sees it who comes anew; the store may be killed again meanwhile."""
    end = time.monotonic() + 20
    while True:
        try:
            with Store(directory) as store:
                stored = store.load()
                return stored.network if stored else None
        except StoreError:
            if time.monotonic() > end:
                raise


@pytest.mark.timeout(900)
@pytest.mark.parametrize("applies", [60, pytest.param(500, marks=pytest.mark.full)])
def test_every_apply_that_was_answered_is_there(directory: Path, killer: Killer, applies: int) -> None:
    held: Network | None = None
    lost = 0
    with Store(directory) as store:
        for number in count():
            if number >= applies and all(killer.kills.values()):
                break
            wanted = _network(number)
            try:
                store.apply(wanted)
                found = _read(directory)
                assert found == wanted, f"apply {number} was answered, and is not there"
            except StoreError:
                lost += 1
                found = _read(directory)
                assert found in (held, wanted), f"apply {number} is half there"
            held = found
    print(f"{number} applies, {lost} not answered, {killer.kills}")
