"""Standard input, output and errors, whatever they are: closed, full, a pipe that nobody reads, without UTF-8.

A command that cannot print ends like other tools do: silently when the reader has gone (``| head``), with one sentence
when the disk is full. Never with a traceback.
"""

import errno
import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, TextIO

NOBODY_READS = 128 + signal.SIGPIPE
"""Exit code: whoever read the output has gone, as of a program that SIGPIPE ends."""
INTERRUPTED = 128 + signal.SIGINT
_UNINTERRUPTED = ("<frozen importlib", "/pydantic/_internal/", "/pydantic/plugin/")
"""Parts of the names of code that loads modules, or that has pydantic build what checks a class."""
_LATER = 0.02
"""Seconds until a Ctrl-C that came in such code is tried again."""


class CannotPrintError(Exception):
    """The output takes no more. Not an OSError: those are about files and sockets that a command works with."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(f"cannot print: {cause.strerror}")
        self.cause = cause


class _Output(io.FileIO):
    """A stream whose errors are told from all others."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise CannotPrintError(error) from error


@contextmanager
def printing() -> Iterator[None]:
    """Run a command: what it prints can be printed, or the command ends in an orderly way."""
    _open_closed()
    sys.stdout, sys.stderr = _wrapped(sys.stdout), _wrapped(sys.stderr)
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except CannotPrintError as error:
        _end(error)
    except KeyboardInterrupt:
        _ignore_interrupts()
        _silence()
        raise SystemExit(INTERRUPTED) from None
    finally:
        _ignore_interrupts()


def _ignore_interrupts() -> None:
    """What Python does at its end takes a moment, and a Ctrl-C in it would be told with a traceback."""
    if signal.getsignal(signal.SIGINT) in (signal.default_int_handler, _interrupt):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if signal.getsignal(signal.SIGALRM) is _interrupt:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)


def interruptible() -> None:
    """From now on Ctrl-C is a KeyboardInterrupt, so that what a command has begun is ended in an orderly way."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGALRM, _interrupt)
        signal.signal(signal.SIGINT, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, but not while a module is loaded or a class is built.

    There Python could only say that it ignores it: locks of modules are given back in callbacks, and pydantic looks at
    classes from code that cannot pass an exception on.
    """
    at = frame
    while at is not None:
        if any(part in at.f_code.co_filename for part in _UNINTERRUPTED):
            signal.setitimer(signal.ITIMER_REAL, _LATER)
            return
        at = at.f_back
    raise KeyboardInterrupt


def _open_closed() -> None:
    """Put something in the place of a closed stream: the next file that is opened would get its number."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def _wrapped(stream: TextIO) -> io.TextIOWrapper:
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Output(stream.fileno(), "wb", closefd=False)),
        encoding=stream.encoding,
        errors="backslashreplace",  # a terminal may lack a character
        line_buffering=stream.isatty() or stream.fileno() == 2,
    )


def _end(error: CannotPrintError) -> None:
    with suppress(CannotPrintError):
        if error.cause.errno != errno.EPIPE:
            print(f"error: {error}", file=sys.stderr, flush=True)
    _silence()
    raise SystemExit(NOBODY_READS if error.cause.errno == errno.EPIPE else 1) from None


def _silence() -> None:
    """Throw away what is still to be printed: Python would try again at its end, and complain."""
    null = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        with suppress(OSError):
            os.dup2(null, number)
    os.close(null)
