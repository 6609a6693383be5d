"""A command loads only what it needs: loading takes longer than most commands do."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from controller.cli.main import command_line, overview

PLANS = ("controller.planning", "flows.compile", "flows.view", "flows.simulate", "mininet_topos.lab")
COLOURS = ("rich",)
CONTROLLER = ("controller.app", "controller.sync", "os_ken", "ovs", "eventlet")


def loaded(code: str) -> set[str]:
    """The modules that a program has loaded at its end."""
    program = f"{code}\nimport sys\nprint(*sys.modules)"
    return set(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    )


@pytest.mark.parametrize(
    ("verb", "left_out"),
    [
        ("apply", (*PLANS, *COLOURS, *CONTROLLER)),
        ("controller", (*COLOURS, *CONTROLLER)),
        ("validate", (*PLANS, *CONTROLLER)),
        ("status", (*PLANS, *CONTROLLER)),
        ("plan", ("flows.simulate", "mininet_topos.lab", *CONTROLLER)),
    ],
)
def test_a_verb_does_not_load(verb: str, left_out: tuple[str, ...]) -> None:
    modules = loaded(f"from controller.cli.main import command_line\ncommand_line([{verb!r}])")
    assert "flows.model" in modules
    assert not modules & set(left_out)


def test_the_help_of_all_verbs_is_theirs() -> None:
    """It is printed without loading them, and says what it would if they were loaded."""
    shown = [CliRunner().invoke(app, ["--help"], terminal_width=200).output for app in (overview(), command_line())]
    assert shown[0] == shown[1]


def test_the_help_loads_no_verb() -> None:
    program = "import sys\nsys.argv = ['ovs-vpc', '--help']\nfrom controller.cli.main import main\ntry:\n    main()\n"
    modules = loaded(program + "except SystemExit:\n    pass")
    assert not modules & {"controller.cli.apply", "controller.cli.lab", *PLANS, *CONTROLLER}


def test_classes_of_the_model_are_built_when_they_are_first_used() -> None:
    modules = loaded(
        "from flows.model import Host, Network, Router\n"
        "assert not any(model.__pydantic_complete__ for model in (Host, Network, Router))\n"
        "Host(name='h1', tunnel_ip='192.0.2.1')\n"
        "assert Host.__pydantic_complete__ and not Router.__pydantic_complete__"
    )
    assert "flows.model" in modules
