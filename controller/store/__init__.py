"""Where the model lives: a directory with the last applied file, what was allocated for it, and the status.

One file each, replaced whole, so that a reader sees the old or the new one and a crash leaves either.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from controller.store.allocate import Numbers
from controller.store.vlans import Vlans
from flows.model import Network, parse
from flows.view import Tags

__all__ = ["Store", "Stored", "Vlans"]


@dataclass(frozen=True, slots=True)
class Stored:
    """What was applied last."""

    generation: int
    """Counts applies, from 1."""
    network: Network
    tags: Tags
    """With the VLANs that the controller had given last when this was read."""
    vlans: Vlans
    """The same VLANs, also of segments that are gone and may still be in a switch."""


class Store:
    """The store in one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._model = directory / "model.json"
        self._vlans = directory / "vlans.json"
        self._status = directory / "status.json"

    def apply(self, text: str, file: str) -> int:
        """Make this text the model, all of it or nothing. Returns its generation.

        Raises :class:`flows.model.InvalidModel`, and then nothing has changed.
        """
        network, _ = parse(text, file)
        with self._lock("apply.lock"):
            old = _read(self._model)
            generation = int(old.get("generation", 0)) + 1
            model = {
                "generation": generation,
                "file": file,
                "text": text,
                "vpc_tags": asdict(_numbers(old, "vpc_tags").allocate(network.vpcs)),
                "subnet_tags": asdict(_numbers(old, "subnet_tags").allocate(network.ends)),
                "segment_tags": asdict(_numbers(old, "segment_tags").allocate(network.segments)),
                "moved": {},
            }
            _replace(self._model, model)
        return generation

    def move(self, port: str, host: str) -> int:
        """Declare another host, or plain switch, for a port, until the next apply. Returns the generation.

        The names must be those of the model.
        """
        with self._lock("apply.lock"):
            model = _read(self._model)
            model["generation"] += 1
            model["moved"][port] = host
            _replace(self._model, model)
        return int(model["generation"])

    def load(self) -> Stored | None:
        """What was applied last; None when nothing ever was."""
        model = _read(self._model)
        if not model:
            return None
        network, _ = parse(model["text"], model["file"])
        moved = {name: network.ports[name].moved(place) for name, place in model["moved"].items()}
        network = network.with_ports({**network.ports, **moved})
        vlans = self._read_vlans()
        segments = _numbers(model, "segment_tags").of
        tags = Tags(_numbers(model, "vpc_tags").of, _numbers(model, "subnet_tags").of, segments, vlans.named(segments))
        return Stored(model["generation"], network, tags, vlans)

    def version(self) -> tuple[int, int] | None:
        """A value that is different after each apply; None when nothing was ever applied."""
        try:
            status = self._model.stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_ino

    def write_vlans(self, vlans: Vlans) -> None:
        """Replace the VLANs that the controller gave to segments."""
        _replace(self._vlans, vlans.of)

    def _read_vlans(self) -> Vlans:
        return Vlans(
            {
                host: {int(number): vlan for number, vlan in of_host.items()}
                for host, of_host in _read(self._vlans).items()
            }
        )

    def write_status(self, status: Mapping[str, Any]) -> None:
        """Replace what the controller says of itself."""
        _replace(self._status, status)

    def read_status(self) -> dict[str, Any]:
        """What the controller said of itself last; empty when it never did."""
        return _read(self._status)

    @contextmanager
    def serve(self) -> Iterator[None]:
        """Hold the place of the one controller of this directory. Raises BlockingIOError when it is taken."""
        with self._lock("controller.lock", wait=False):
            yield

    def is_served(self) -> bool:
        """Whether a controller runs on this directory."""
        try:
            with self._lock("controller.lock", wait=False):
                return False
        except BlockingIOError:
            return True

    @contextmanager
    def _lock(self, name: str, *, wait: bool = True) -> Iterator[None]:
        with (self.directory / name).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            yield


def _numbers(model: Mapping[str, Any], kind: str) -> Numbers:
    return Numbers(**model[kind]) if kind in model else Numbers({})


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        return {}


def _replace(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file so that after a crash it is either the old or the new one."""
    new = path.with_suffix(f".{os.getpid()}.new")
    with new.open("w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
