"""Runs many command lines of ``ovs-vpc``, each as a process of its own, without loading everything again for each.

Reads cases as JSON from a file, one list, and forks for each of them. What a case prints goes to files.
"""

import gc
import io
import json
import os
import pty
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from controller.cli.main import command_line, main

SECONDS = 20


@dataclass(frozen=True)
class Case:
    """A command line, and what its standard streams are."""

    words: list[str]
    output: str = "file"
    """Of standard output: ``file``, ``full``, ``unread`` (a pipe without a reader), ``ascii``, ``sizeless``
    (a terminal that says it has no columns), ``alone`` (all three are closed) or ``mute`` (standard error is full)."""


@dataclass(frozen=True)
class Done:
    """How a case ended."""

    code: int
    stdout: str
    stderr: str


def run(cases: list[Case], directory: Path) -> list[Done]:
    """Run cases; a directory is there for their files."""
    command_line()  # which loads every verb
    for module in (
        "controller.store",
        "controller.inspect.compiled",
        "flows.simulate.tracing",
        "mininet_topos.client.lab",
    ):
        __import__(module)
    gc.collect()
    gc.freeze()  # at its end each would look through all of this
    done = []
    for case in cases:
        out, err = directory / "out", directory / "err"
        sys.stdout.flush()
        child = os.fork()
        if not child:
            _connect(case, out, err)
            signal.alarm(SECONDS)
            sys.argv = ["ovs-vpc", *case.words]
            main()
            sys.exit()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        done.append(Done(code, out.read_text(errors="replace"), err.read_text(errors="replace")))
    return done


def _connect(case: Case, out: Path, err: Path) -> None:
    """Make the standard streams what the case says."""
    files = {0: os.open(os.devnull, os.O_RDONLY), 1: _write(out), 2: _write(err)}
    if case.output in ("full", "mute"):
        files[1 if case.output == "full" else 2] = os.open("/dev/full", os.O_WRONLY)
    if case.output == "unread":
        reader, files[1] = os.pipe()
        os.close(reader)
    if case.output == "sizeless":
        seen, files[1] = pty.openpty()
        threading.Thread(target=_drain, args=[seen], daemon=True).start()
    for number, file in files.items():
        os.dup2(file, number)
    encoding = "ascii" if case.output == "ascii" else "utf-8"
    sys.stdin, sys.stdout, sys.stderr = (
        io.TextIOWrapper(open(number, mode, closefd=False), encoding=encoding)  # noqa: SIM115
        for number, mode in ((0, "rb"), (1, "wb"), (2, "wb"))
    )
    if case.output == "alone":
        for number in files:
            os.close(number)
        sys.stdin = sys.stdout = sys.stderr = None


def _drain(seen: int) -> None:
    with suppress(OSError):
        while os.read(seen, 65536):
            pass


def _write(file: Path) -> int:
    return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)


if __name__ == "__main__":
    told = Path(sys.argv[1])
    results = run([Case(**case) for case in json.loads(told.read_text())], told.parent)
    told.write_text(json.dumps([asdict(result) for result in results]))
