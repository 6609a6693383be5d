"""Runs a command in a virtual machine whose kernel has Open vSwitch: ``python -m tests.vm.run [COMMAND...]``.

The machine is User-Mode Linux: a Linux kernel that is an ordinary process. Its files are this machine's own,
read-only, so that Python, Open vSwitch and this repository are there already; /tmp and /run are its own, and build/
is where it can leave something. Without a command it is a shell. What the command prints is printed here, and its
exit code is ours. ``init.sh`` is the other half: what the machine does from its start to its end.
"""

import argparse
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_REPOSITORY = Path(__file__).parents[2]
_BUILD = _REPOSITORY / "build"

_KERNEL = _REPOSITORY / ".venv" / "vm-kernel"
"""Made by ``tools/install-kernel.sh``."""

_MEMORY = 2 << 30
"""Bytes that the machine may use. It takes only what it needs."""

_PASSED_ON = ("LANG", "PATH", "PYTHONPATH", "TERM")
"""What the command sees of our environment."""

_HUNG = 124
"""Our exit code when the machine had to be ended: the one of timeout(1)."""


class Machine:
    """One start of the virtual machine, with a directory through which both halves speak.

    ``command`` is the script to run, ``directories`` what the machine must be able to read (ro) or to change (rw),
    ``status`` its answer.
    """

    def __init__(self, directory: Path, command: Sequence[str]) -> None:
        self._directory = directory
        self._is_shell = not command
        shutil.copy(Path(__file__).with_name("init.sh"), directory / "init")
        (directory / "command").write_text(_script(command or ["bash"]))
        _BUILD.mkdir(exist_ok=True)
        needed = [f"ro {path}\n" for path in (_REPOSITORY, Path(sys.prefix), Path(sys.base_prefix).resolve())]
        (directory / "directories").write_text("".join([*needed, f"rw {_BUILD}\n"]))

    def run(self, seconds: float | None) -> int:
        """Start it and wait until it has ended; it is ended after so many seconds. Returns the command's exit code."""
        with (self._directory / "kernel.log").open("wb") as log, self._output() as output:
            machine = subprocess.Popen(
                self._argv(log.fileno()),
                stdin=None if self._is_shell else subprocess.DEVNULL,
                stdout=output,
                stderr=log,
                pass_fds=[log.fileno()],
                env={**os.environ, "TMPDIR": str(_room_for_memory(self._directory))},
                # Ctrl-C is for us. A shell needs the terminal, and gets the key itself.
                start_new_session=not self._is_shell,
            )
            try:
                machine.wait(seconds)
            except subprocess.TimeoutExpired:
                print(f"the virtual machine was ended after {seconds:g} seconds", file=sys.stderr)
                return _HUNG
            finally:
                self._end(machine)
        return self._status()

    def _end(self, machine: "subprocess.Popen[bytes]") -> None:
        # Every process of the guest is one here. They are of the kernel's process group, and it is of its own session.
        with suppress(ProcessLookupError):
            machine.kill() if self._is_shell else os.killpg(machine.pid, signal.SIGKILL)
        machine.wait()

    def _argv(self, log: int) -> list[str]:
        return [
            *("taskset", "--cpu-list", str(_idlest_processor())),
            *(str(_KERNEL), f"mem={_MEMORY}", f"uml_dir={self._directory}", "umid=machine"),
            *("root=/dev/root", "rootfstype=hostfs", "hostfs=/", "ro", f"init={self._directory}/init"),
            *("con=null", f"con0=null,fd:{log}", "con1=fd:0,fd:1"),
            *(f"VM_DIR={self._directory}", f"VM_CONSOLE={'terminal' if self._is_shell else 'pipe'}"),
        ]

    @contextmanager
    def _output(self) -> Iterator[int]:
        """Where the machine's console prints. It makes a terminal raw, so that only a shell gets ours."""
        if self._is_shell:
            before = termios.tcgetattr(sys.stdin)
            try:
                yield sys.stdout.fileno()
            finally:
                termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
            return
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE, start_new_session=True) as printer:
            assert printer.stdin is not None
            yield printer.stdin.fileno()

    def _status(self) -> int:
        try:
            return int((self._directory / "status").read_text())
        except FileNotFoundError:
            log = (self._directory / "kernel.log").read_text(errors="replace")
            print(f"the virtual machine ended without a result; the end of its log:\n{log[-3000:]}", file=sys.stderr)
            return 1


def _script(command: Sequence[str]) -> str:
    columns, lines = shutil.get_terminal_size()
    environment = {
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        "HOME": "/tmp",
        "PYTHONDONTWRITEBYTECODE": "1",
        # pytest prints to a pipe there.
        "PY_COLORS": str(int(sys.stdout.isatty())),
    }
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())
    size = f"stty -F /dev/tty1 cols {columns} rows {lines}\n"
    return f"{size}{exports}cd {shlex.quote(str(Path.cwd()))}\nexec {shlex.join(command)}\n"


def _room_for_memory(otherwise: Path) -> Path:
    """A directory in memory for the file that is the machine's memory. Containers often have a tiny /dev/shm."""
    memory = Path("/dev/shm")
    return memory if memory.exists() and shutil.disk_usage(memory).free > _MEMORY else otherwise


def _idlest_processor() -> int:
    """One that we may use. The machine stays on it.

    Each system call and page fault of the machine goes to its kernel, which is another process here. Where both are on
    one processor the machine starts programs twice as fast, at a quarter of the cost.
    """
    before = _idle_times()
    time.sleep(0.3)
    since = {processor: idle - before[processor] for processor, idle in _idle_times().items()}
    return max(os.sched_getaffinity(0), key=lambda processor: since.get(processor, 0))


def _idle_times() -> dict[int, int]:
    """How long each processor has done nothing, in ticks."""
    lines = [line.split() for line in Path("/proc/stat").read_text().splitlines()]
    return {int(name[3:]): int(numbers[3]) for name, *numbers in lines if re.fullmatch(r"cpu\d+", name)}


def _compile() -> None:
    """Write the bytecode that the machine can only read: without it every Python process there starts slowly."""
    packages = ("controller", "flows", "mininet_topos", "tests")
    subprocess.run([sys.executable, "-m", "compileall", "-qq", *packages], cwd=_REPOSITORY, check=False)


def main() -> int:
    """Run the command that the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m tests.vm.run", description="Run a command in a virtual machine.")
    parser.add_argument("--seconds", type=float, help="end the machine after so many seconds")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="default: a shell")
    arguments = parser.parse_args()
    if not _KERNEL.exists():
        print("the virtual machine's kernel is missing; build it: make install-vm", file=sys.stderr)
        return 1
    # So that `finally` runs.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    _compile()
    with tempfile.TemporaryDirectory(prefix="ovs-vpc-vm-") as directory:
        return Machine(Path(directory), arguments.command).run(arguments.seconds)


if __name__ == "__main__":
    sys.exit(main())
