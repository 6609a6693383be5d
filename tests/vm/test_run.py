"""The virtual machine as its users meet it: a command's output and exit code, a hung machine, the shell."""

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from select import select

import pytest

pytestmark = pytest.mark.vm

ROOT = Path(__file__).parents[2]
RUN = [sys.executable, "-m", "tests.vm.run"]


def environment(temporary: Path) -> dict[str, str]:
    """Ours, with the commands of the project, and a directory for temporary files that shows what is left there."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "TMPDIR": str(temporary), "TERM": "dumb"}


def test_output_and_exit_code_are_those_of_the_command(tmp_path: Path) -> None:
    script = "uname -r; genl ctrl list | grep -o ovs_datapath; touch flows/x 2>/dev/null || echo read-only; exit 3"
    command = [*RUN, "--seconds", "120", "sh", "-c", script]
    done = subprocess.run(command, cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    kernel, *rest = done.stdout.splitlines()
    assert kernel != os.uname().release
    assert rest == ["ovs_datapath", "read-only"]
    assert list(tmp_path.iterdir()) == []


def test_hung_machine_is_ended(tmp_path: Path) -> None:
    command = [*RUN, "--seconds", "25", "sh", "-c", "echo waits; sleep 1000"]
    done = subprocess.run(command, cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True, check=False)
    assert done.returncode == 124
    assert "ended after 25 seconds" in done.stderr
    assert list(tmp_path.iterdir()) == []


class Shell:
    """``make vm-shell``, with somebody at its terminal."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._read = ""

    def wait_for_prompt(self) -> None:
        """What is typed before it is there may be lost."""
        self._wait(r"[#$] $", 120)

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode() + b"\n")

    def run(self, command: str, seconds: float = 240) -> str:
        """Type a command and return what is shown until it has ended well."""
        self._read = ""
        # What is typed is shown too: it must not look like the result.
        self.type(f"{command}; echo result=$?")
        found = self._wait(r"result=(\d+)\s", seconds)
        assert found.group(1) == "0", self._read
        return self._read

    def _wait(self, pattern: str, seconds: float) -> re.Match[str]:
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self._read)):
            left = end - time.monotonic()
            assert left > 0, f"waited {seconds:g} s in vain for {pattern} in: {self._read}"
            if select([self._terminal], [], [], left)[0]:
                self._read += os.read(self._terminal, 4096).decode(errors="replace")
        return found


@contextmanager
def shell(temporary: Path) -> Iterator[tuple[Shell, "subprocess.Popen[bytes]"]]:
    """A shell in the machine while a block runs."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        RUN, cwd=ROOT, env=environment(temporary), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    try:
        yield Shell(ours), process
    finally:
        if process.poll() is None:
            # Its own way to end: the machine goes with it.
            process.send_signal(signal.SIGTERM)
            process.wait(30)
        os.close(ours)


@pytest.mark.timeout(600)
def test_shell(tmp_path: Path) -> None:
    with shell(tmp_path) as (machine, process):
        machine.wait_for_prompt()
        assert "is up: 2 hosts, 4 ports" in machine.run("ovs-vpc lab up mininet_topos/networks/peered-vpcs.yaml")
        assert re.search(r"12 pairs: 12 as the model says, 0\s+wrong", machine.run("ovs-vpc lab ping"))
        assert "system@ovs-system" in machine.run("ovs-vpc lab exec host86 -- ovs-appctl dpctl/show")
        machine.run("ovs-vpc lab down")
        machine.type("exit 7")
        process.wait(60)
    assert process.returncode == 7
    assert list(tmp_path.iterdir()) == []
