"""A command loads only what it needs: loading takes longer than most commands do."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from controller.cli.lab import app as lab
from controller.cli.main import VERBS, command_line, overview
from tests.scenario import SHIPPED

PLANS = (
    "controller.inspect.planning",
    "flows.compile.program",
    "flows.compile.from_scratch",
    "flows.simulate",
    "mininet_topos.client.lab",
)
COLOURS = ("rich",)
CONTROLLER = ("controller.app", "controller.reconcile.sync", "os_ken", "ovs", "eventlet")


def loaded(code: str) -> set[str]:
    """The modules that a program has loaded at its end."""
    program = f"{code}\nimport sys\nprint(*sys.modules)"
    return set(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    )


NETWORK = str(SHIPPED / "one-vpc.yaml")


@pytest.mark.parametrize("verb", ["apply", "controller"])
def test_a_verb_that_prints_no_colours_does_not_load_them(verb: str) -> None:
    modules = loaded(f"from controller.cli.main import command_line\ncommand_line([{verb!r}])")
    assert f"controller.cli.{VERBS[verb].where.partition('.')[0]}" in modules
    assert not modules & {*COLOURS}


def test_a_verb_at_work_loads_what_it_needs_alone(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path))
    for words in (
        ("apply", "--yes", "--wait", "0", NETWORK, *state),
        ("validate", NETWORK),
        ("status", *state),
        ("show", *state),
        ("history", *state),
    ):
        modules = run(*words)
        assert "flows.model" in modules or words[0] == "history"
        assert not modules & {*PLANS, *CONTROLLER}, words
    modules = run("plan", NETWORK, *state)
    assert "controller.inspect.planning" in modules
    assert not modules & {"flows.simulate", "mininet_topos.client.lab", *CONTROLLER}


def test_the_help_of_all_verbs_is_theirs() -> None:
    """It is printed without loading them, and says what it would if they were loaded."""
    shown = [CliRunner().invoke(app, ["--help"], terminal_width=200).output for app in (overview(), command_line())]
    assert shown[0] == shown[1]


HEAVY = ("controller.store", "flows.compile.program", "flows.simulate", "mininet_topos.client.lab", *CONTROLLER)
"""What works, and what no help and no completion of a line needs."""
COMMANDS = {*VERBS, *(f"lab {info.name}" for info in lab.registered_commands)}


def run(*words: str, **environment: str) -> set[str]:
    """The modules that a command line has loaded when it ends."""
    program = f"import os, sys\nsys.argv = {['ovs-vpc', *words]!r}\nos.environ |= {environment!r}"
    main = "from controller.cli.main import main\ntry:\n    main()\nexcept SystemExit:\n    pass"
    return loaded(f"{program}\n{main}")


@pytest.mark.parametrize("words", ["", "--help", "no-such-verb"])
def test_what_is_about_no_verb_loads_none(words: str) -> None:
    modules = run(*words.split())
    assert not modules & {f"controller.cli.{verb.where.partition('.')[0]}" for verb in VERBS.values()}
    assert not modules & {*HEAVY, "yaml"}


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_the_help_of_a_verb_loads_nothing_that_works(command: str) -> None:
    assert not run(*command.split(), "--help") & {*HEAVY}


@pytest.mark.parametrize(
    ("line", "expected"), [("ovs-vpc st", "status"), ("ovs-vpc plan --ag", "--against"), ("ovs-vpc lab do", "down")]
)
def test_completing_a_word_of_a_command_loads_nothing_that_works(line: str, expected: str) -> None:
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1), "_OVS_VPC_COMPLETE": "complete_bash"}
    modules = run(**words)
    assert expected in modules, "it is printed"
    assert not modules & {*HEAVY}


def test_classes_of_the_model_are_built_when_they_are_first_used() -> None:
    modules = loaded(
        "from flows.model import Host, Network, Router\n"
        "assert not any(model.__pydantic_complete__ for model in (Host, Network, Router))\n"
        "Host(name='h1', tunnel_ip='192.0.2.1')\n"
        "assert Host.__pydantic_complete__ and not Router.__pydantic_complete__"
    )
    assert "flows.model" in modules
