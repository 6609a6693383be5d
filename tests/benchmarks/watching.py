"""Programs that print a line when something happens, and when each line came."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from tempfile import mkdtemp

_INTERVAL = 0.002


def until(condition: Callable[[], object], what: str, seconds: float = 60.0, interval: float = _INTERVAL) -> None:
    """Wait until a condition holds. Raises TimeoutError that says ``what`` when it does not in some seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:g} s in vain: {what}")
        time.sleep(interval)


class Watch:
    """A running program and the lines it has printed so far, each with the time (``time.monotonic``) it came at."""

    def __init__(self, argv: Sequence[str]) -> None:
        self.lines: list[tuple[float, str]] = []
        self._process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append((time.monotonic(), line))

    def since(self, moment: float) -> list[tuple[float, str]]:
        """The lines that came after a moment."""
        return [line for line in self.lines if line[0] > moment]

    def stop(self) -> None:
        """End the program; the lines stay."""
        self._process.kill()
        self._process.wait()
        self._reader.join()


class FlowWatch(Watch):
    """Every flow that is added to a bridge, changed or deleted, as the switch itself reports it."""

    def __init__(self, management: Path) -> None:
        """``management``: the bridge's socket, ``BRIDGE.mgmt`` in the switch's run directory."""
        control = Path(mkdtemp(prefix="watch-", dir="/tmp")) / "ctl"
        super().__init__(["ovs-ofctl", f"--unixctl={control}", "monitor", f"unix:{management}", "watch:!initial"])
        self._control = control
        # The switch's first, empty answer.
        until(lambda: any("FLOW_MONITOR" in line for _, line in self.lines), "the flow monitor to start")

    def events(self, moment: float) -> list[tuple[float, str]]:
        """What happened after a moment: when, and ``ADDED``, ``DELETED`` or ``MODIFIED``."""
        found = [(when, line.split("event=")[1].split()[0]) for when, line in self.since(moment) if "event=" in line]
        return [(when, kind) for when, kind in found if kind in ("ADDED", "DELETED", "MODIFIED")]

    def stop(self) -> None:
        super().stop()
        self._control.unlink(missing_ok=True)
        self._control.parent.rmdir()


def settle(watches: Iterable[FlowWatch], moment: float, quiet: float = 1.0) -> None:
    """Wait until no switch has reported a change for ``quiet`` seconds, counted from a moment at the earliest."""
    watches = list(watches)
    while True:
        last = max([moment, *(watch.lines[-1][0] for watch in watches if watch.lines)])
        rest = last + quiet - time.monotonic()
        if rest <= 0:
            return
        time.sleep(rest)
