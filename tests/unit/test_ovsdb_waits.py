"""Sleeping until a session has something to do."""

import os
import select
import time
from collections.abc import Iterator

import pytest

from controller.ovsdb.waits import Sleeper, Waits


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def waits_for(*files: int, milliseconds: float | None = None) -> Waits:
    waits = Waits()
    for file in files:
        waits.fd_wait(file, select.POLLIN)
    if milliseconds is not None:
        waits.timer_wait(milliseconds)
    return waits


def test_only_those_whose_file_or_time_has_come_wake(pipe: tuple[int, int]) -> None:
    sleeper = Sleeper()
    sleeper.arm("file", waits_for(pipe[0]))
    sleeper.arm("time", waits_for(milliseconds=30))
    sleeper.arm("later", waits_for(milliseconds=60_000))
    started = time.monotonic()
    assert sleeper.sleep() == {"time"}
    assert 0.02 < time.monotonic() - started < 5
    sleeper.arm("time", waits_for())
    os.write(pipe[1], b"x")
    assert sleeper.sleep() == {"file"}


def test_an_immediate_wake_does_not_sleep() -> None:
    sleeper = Sleeper()
    waits = waits_for(milliseconds=60_000)
    waits.immediate_wake()
    sleeper.arm("now", waits)
    assert sleeper.sleep() == {"now"}


def test_the_disarmed_do_not_wake_and_their_file_may_be_anothers(pipe: tuple[int, int]) -> None:
    sleeper = Sleeper()
    sleeper.arm("first", waits_for(pipe[0]))
    sleeper.disarm("first")
    sleeper.arm("second", waits_for(pipe[0]))
    os.write(pipe[1], b"x")
    assert sleeper.sleep() == {"second"}
