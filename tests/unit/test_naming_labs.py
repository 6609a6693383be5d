"""How a command line names a lab, and which one ``lab down`` ends that names none: never another than is meant."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from mininet_topos.directory import LabDirectory, Record, start_time
from tests.scenario import ROOT

Start = Callable[[str, Path], "subprocess.Popen[bytes]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a process that stands for the init of a lab, which was started from some directory."""
    running = []

    def started(name: str, directory: Path) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(["sleep", "600"])
        running.append(process)
        lab = LabDirectory(tmp_path / "labs" / name)
        lab.path.mkdir(parents=True)
        directory.mkdir(exist_ok=True)
        began = start_time(process.pid)
        assert began is not None
        Record(name, process.pid, began, str(lab.network), str(directory)).write(lab)
        return process

    yield started
    for process in running:
        process.kill()
        process.wait()


def _run(tmp_path: Path, where: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", "from controller.cli import main; main()", *words],
        cwd=where,
        env={**os.environ, "OVS_VPC_LABS": str(tmp_path / "labs"), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def _answer(tmp_path: Path, where: Path, answer: bytes, *words: str) -> tuple[int, str]:
    """Run a command on a terminal, where it is given an answer."""
    ours, theirs = pty.openpty()
    os.write(ours, answer)
    with subprocess.Popen(
        [sys.executable, "-c", "from controller.cli import main; main()", *words],
        cwd=where,
        env={**os.environ, "OVS_VPC_LABS": str(tmp_path / "labs"), "PYTHONPATH": str(ROOT), "COLUMNS": "300"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        printed = b""
        with suppress(OSError):  # EIO: the other side is closed
            while read := os.read(ours, 4096):
                printed += read
        os.close(ours)
    return process.returncode, printed.decode()


def test_the_lab_of_this_directory_goes_down(tmp_path: Path, start: Start) -> None:
    """Of several labs, and whoever started the others: that which was started from here."""
    mine, theirs = start("mine", tmp_path / "here"), start("theirs", tmp_path / "there")
    done = _run(tmp_path, tmp_path / "here", "lab", "down")
    assert (done.returncode, done.stdout) == (0, "lab 'mine' is down\n"), done
    assert mine.wait() == -15
    assert theirs.poll() is None


def test_the_only_lab_of_another_directory_stays(tmp_path: Path, start: Start) -> None:
    """It may be a colleague's: without a terminal it is refused, with one it is asked. Its name ends it."""
    lab = start("theirs", tmp_path / "there")
    refused = _run(tmp_path, tmp_path, "lab", "down")
    assert refused.returncode == 1
    assert f"lab 'theirs' was started from {tmp_path}/there, not from this one" in refused.stderr.replace("\n", "")
    assert "ovs-vpc lab down --lab theirs" in refused.stderr
    code, printed = _answer(tmp_path, tmp_path, b"n\n", "lab", "down")
    assert (code, "End it? [y/N]" in printed, "nothing was ended" in printed) == (1, True, True), printed
    assert lab.poll() is None
    code, printed = _answer(tmp_path, tmp_path, b"y\n", "lab", "down")
    assert (code, lab.wait()) == (0, -15), printed
    again = start("theirs2", tmp_path / "there")
    assert _run(tmp_path, tmp_path, "lab", "down", "--lab", "theirs2").returncode == 0
    assert again.wait() == -15


def test_several_labs_that_can_be_meant_all_stay(tmp_path: Path, start: Start) -> None:
    """Two from here, or none from here and two from elsewhere: one must be named."""
    labs = [start("one", tmp_path / "here"), start("two", tmp_path / "here")]
    for where in (tmp_path / "here", tmp_path):
        done = _run(tmp_path, where, "lab", "down")
        assert (done.returncode, done.stderr) == (1, "error: several labs run; name one by --lab: one, two\n")
    assert [lab.poll() for lab in labs] == [None, None]
    listed = _run(tmp_path, tmp_path, "lab", "list").stdout
    assert listed.count(str(tmp_path / "here")) == 2


@pytest.mark.parametrize(
    "words", ["lab down one", "lab status one", "lab up my.yaml --name one", "demo --name one"], ids=str.split
)
def test_what_named_a_lab_once_says_how_it_is_named_now(tmp_path: Path, start: Start, words: str) -> None:
    """Positions and --name named labs in some commands, and --lab in the others."""
    lab = start("one", tmp_path)
    done = _run(tmp_path, tmp_path, *words.split())
    assert (done.returncode, done.stderr) == (1, "error: write --lab one: every command names a lab by this option\n")
    assert lab.poll() is None
