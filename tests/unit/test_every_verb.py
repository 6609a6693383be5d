"""Every verb, also one that comes later: whatever its streams and files are, it ends in words, not in a traceback."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from controller.cli.main import command_line
from controller.store import Store
from tests.every_verb import Case, Done
from tests.scenario import ROOT, SHIPPED, load

NETWORK = str(SHIPPED / "one-vpc.yaml")
ARGUMENTS = {
    "own": ["mgmt0"],
    "port": ["a"],
    "host": ["h2"],
    "source": ["a"],
    "target": ["c"],
    "node": ["a"],
    "command": ["true"],
    "generation": ["1"],
    "old": ["none"],
    "flows": ["0x1"],
}
"""What stands for each argument that is no file."""
SPECIAL = {
    "controller": ["--listen", "nowhere"],
    "demo": ["--lab", "NO NAME"],
    "lab up": ["--lab", "NO NAME"],
}
"""What keeps from their work those that would build a lab, or run for ever."""


def commands(group: TyperGroup | None = None, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Every verb, with those of the groups."""
    group = group or get_command(command_line())  # type: ignore[assignment]
    assert group is not None
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, (*before, name))
            if command.invoke_without_command:
                yield (*before, name), command
        else:
            yield (*before, name), command


COMMANDS = dict(commands())


def words(verb: tuple[str, ...], state: str, file: str = NETWORK) -> list[str]:
    """A command line that has all that the verb needs."""
    found, options = list[str](), list[str]()
    for parameter in COMMANDS[verb].params:  # type: ignore[attr-defined]
        if "--state" in parameter.opts and verb[0] != "controller":
            options = ["--state", state]
        elif parameter.param_type_name == "argument":
            is_file = parameter.name == "file"
            assert is_file or parameter.name in ARGUMENTS, f"say in ARGUMENTS what '{parameter.name}' may be"
            if parameter.required or is_file:
                found += [file] if is_file else ARGUMENTS[parameter.name]
    return [*verb, *options, *found, *SPECIAL.get(" ".join(verb), [])]


Run = Callable[[list[Case]], list[Done]]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A controller's state directory with a network. Its server runs on, so that no case waits for it."""
    directory = tmp_path_factory.mktemp("state")
    with Store(directory) as store:
        store.apply(load(Path(NETWORK)))
        yield str(directory)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs cases. Labs of this machine are not seen."""
    directory = tmp_path_factory.mktemp("run")

    def run(cases: list[Case]) -> list[Done]:
        told = directory / "cases.json"
        told.write_text(json.dumps([asdict(case) for case in cases]))
        environment = {**os.environ, "OVS_VPC_LABS": str(directory / "labs"), "COLUMNS": ""}
        subprocess.run([sys.executable, "-m", "tests.every_verb", told], cwd=ROOT, check=True, env=environment)
        results = [Done(**done) for done in json.loads(told.read_text())]
        for case, done in zip(cases, results, strict=True):
            assert "Traceback" not in done.stderr + done.stdout, (case, done)
            assert "Exception ignored" not in done.stderr, (case, done)
            assert done.code in (0, 1, 2, 141), (case, done)
        return results

    return run


def test_every_verb_with_every_kind_of_output(run: Run, state: str) -> None:
    """A full disk is told and is a failure; a reader that has gone is neither told nor a failure of ours."""
    kinds = ["file", "full", "unread", "alone", "mute", "ascii", "sizeless"]
    cases = [Case(words(verb, state), kind) for verb in COMMANDS for kind in kinds]
    told = dict(zip([(tuple(case.words), case.output) for case in cases], run(cases), strict=True))
    assert any(done.code == 0 and done.stdout for done in told.values())
    for (line, kind), done in told.items():
        usual = told[line, "file"]
        if kind == "full" and usual.stdout:
            assert done.code != 0, line
            assert "cannot print: No space left on device" in done.stderr, line
        elif kind == "unread" and usual.stdout:
            assert done.code == 141, line
            assert done.stderr in ("", usual.stderr), line
        elif kind in ("alone", "mute", "ascii"):
            assert done.code == usual.code or kind == "mute", (line, done, usual)
            assert not done.stdout or done.stdout.isascii() or kind != "ascii"


def test_every_verb_with_every_kind_of_bad_file(run: Run, state: str, tmp_path: Path) -> None:
    """Each is named. Where a file is no option, nothing is asked of it."""
    loop, latin, endless = tmp_path / "loop.yaml", tmp_path / "latin.yaml", "/dev/zero"
    loop.symlink_to(loop)
    latin.write_bytes(b"hosts:\n  \xe9t\xe9: {}\n")
    bad = [str(tmp_path), str(tmp_path / "missing.yaml"), str(loop), str(latin), f"{NETWORK}/inside", endless, "\udcff"]
    cases = [
        Case(words(verb, state, file))
        for verb, command in COMMANDS.items()
        for file in bad
        if "file" in {parameter.name for parameter in command.params}  # type: ignore[attr-defined]
    ]
    assert len(cases) >= 6 * len(bad)
    for case, done in zip(cases, run(cases), strict=True):
        assert done.code == 1, (case, done)
        assert "error: " in done.stderr
        assert any(file.encode(errors="backslashreplace").decode() in done.stderr for file in bad)
        if str(latin) in case.words:
            assert done.stderr.startswith(f"{latin}:2:3: error: byte 0xe9 is not UTF-8")


def test_every_verb_with_every_kind_of_bad_state(run: Run, tmp_path: Path) -> None:
    file, loop, garbage = tmp_path / "file", tmp_path / "loop", tmp_path / "garbage"
    file.write_text("")
    loop.symlink_to(loop)
    garbage.mkdir()
    (garbage / "model.db").write_text("no database\n")
    bad = [file, loop, file / "inside", tmp_path / "missing", Path("/proc/self"), garbage]
    cases = [
        Case(words(verb, str(state)))
        for verb in COMMANDS
        for state in bad
        if "--state" in words(verb, "") and verb[0] not in ("graph", "trace")  # with a file they need no state
    ]
    assert len(cases) >= 8 * len(bad)
    for case, done in zip(cases, run(cases), strict=True):
        assert done.code == 1, (case, done)
        assert "error: " in done.stderr, (case, done)


def test_the_exit_code_of_plan_for_changes_means_nothing_else(run: Run) -> None:
    """Whoever calls it from a script must not take a mistake for a change."""
    lines = [[], ["--nope"], [f"{NETWORK}.missing"], [NETWORK, "--against"], [NETWORK, "--against", "/"], [NETWORK] * 2]
    assert [done.code for done in run([Case(["plan", *line]) for line in lines])] == [1] * len(lines)
    same, other = NETWORK, str(SHIPPED / "peered-vpcs.yaml")
    cases = [Case(["plan", file, "--against", same]) for file in (same, other)] + [Case(["plan", "--help"])]
    assert [done.code for done in run(cases)] == [0, 2, 0]


@pytest.mark.parametrize("seconds", [0.03, 0.1, 0.2, 0.3])
@pytest.mark.parametrize("line", ["--help", f"validate {NETWORK}", f"trace a c {NETWORK}"])
def test_interrupted_while_it_loads(line: str, seconds: float) -> None:
    """Ctrl-C in the first moments of a command, when modules are half loaded, ends it without a word."""
    program = "import controller.cli, sys; print('begun', file=sys.stderr, flush=True); controller.cli.main()"
    with subprocess.Popen(
        [sys.executable, "-c", program, *line.split()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "begun\n"
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == ""
    assert process.returncode in (-signal.SIGINT, 130, 0)


_IN_PYDANTIC = """
import os, signal, sys, time
from controller.cli.common.streams import interruptible
signal.signal(signal.SIGINT, signal.SIG_DFL)
interruptible()
begun = []
code = "os.kill(os.getpid(), signal.SIGINT); time.sleep(0.05); begun.append(True)"
exec(compile(code, "/somewhere/pydantic/plugin/_schema_validator.py", "exec"))
print(begun, flush=True)
try:
    time.sleep(10)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_interrupted_while_a_class_is_built() -> None:
    """pydantic looks at classes from code that drops an exception: the Ctrl-C would be told, and then be lost."""
    argv = [sys.executable, "-c", _IN_PYDANTIC]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout, done.stderr) == ("[True]\ninterrupted\n", "")
