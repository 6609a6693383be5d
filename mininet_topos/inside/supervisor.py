"""The lab's processes: started in their namespaces, restarted when they die, reaped."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mininet_topos.errors import LabError
from mininet_topos.inside import namespaces

RESTART_DELAY = 0.5
"""Seconds from a process's death to its next start."""


def _nothing() -> None:
    pass


@dataclass(slots=True)
class Service:
    """A process that must always run. ``after_restart`` is called after the supervisor has restarted it."""

    name: str
    argv: Sequence[str]
    namespace: Path
    directory: Path
    output: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    after_restart: Callable[[], None] = _nothing
    deaths: int = 0
    process: "subprocess.Popen[bytes] | None" = None
    due: float | None = None

    @property
    def pid(self) -> int | None:
        """Its pid inside the lab, None while it does not run."""
        return self.process.pid if self.process else None


class Supervisor:
    """Starts services and keeps them running. PID 1 owns it, so orphans of any process end up here too."""

    def __init__(self) -> None:
        self._services: list[Service] = []

    def start(self, service: Service) -> None:
        """Start a service, and from now on start it again whenever it dies."""
        if service not in self._services:
            self._services.append(service)
        service.due = None
        with namespaces.inside(service.namespace), service.output.open("ab") as output:
            try:
                service.process = subprocess.Popen(
                    service.argv,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd=service.directory,
                    env={**os.environ, **service.environment},
                    start_new_session=True,
                )
            except OSError as error:
                raise LabError(f"cannot start {service.name}: {error}") from error

    def stop(self, service: Service, ask: Callable[[], None], patience: float) -> None:
        """End a service for good: ask it, and kill it when it still runs after ``patience`` seconds."""
        process, service.process, service.due = service.process, None, None
        if process is None:
            return
        ask()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def forget(self, service: Service) -> None:
        """End a service at once, and never start it again."""
        self.stop(service, lambda: None, 0)
        self._services = [one for one in self._services if one is not service]

    def look_after(self) -> None:
        """See which services died, and start again those that have been dead for long enough."""
        for service in self._services:
            if service.process is not None and service.process.poll() is not None:
                service.process = None
                service.deaths += 1
                service.due = time.monotonic() + RESTART_DELAY
            if service.due is not None and service.due <= time.monotonic():
                self.start(service)
                service.after_restart()

    @property
    def next_due(self) -> float | None:
        """Seconds until the next restart, None when none is due."""
        due = [service.due for service in self._services if service.due is not None]
        return max(0.0, min(due) - time.monotonic()) if due else None


def reap_orphans() -> None:
    """Collect every child that ended. Only while no command runs: it would lose its exit status."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return


def kill_everything() -> None:
    """Kill every process of this pid namespace but ourselves, and wait until they are gone."""
    try:
        os.kill(-1, signal.SIGKILL)
        while True:
            os.wait()
    except (ProcessLookupError, ChildProcessError):
        return
