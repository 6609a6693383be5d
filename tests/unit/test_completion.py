"""What the shell completes, and what else a command line answers about itself and files."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.store import Store
from tests.scenario import ROOT, SHIPPED, load

NETWORK = SHIPPED / "one-vpc.yaml"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("state")
    with Store(directory) as store:
        store.apply(load(NETWORK))
        yield str(directory)


def _run(*words: str, text: str | None = None, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", "from controller.cli import main; main()", *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )


def _complete(line: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """What bash would be given for the last word of a line."""
    program = "import sys; sys.argv[0] = 'ovs-vpc'; from controller.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={
            **os.environ,
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(f"{line}.".split()) - 1),
            "_OVS_VPC_COMPLETE": "complete_bash",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ovs-vpc flows ", {"h1", "h2"}),
        ("ovs-vpc why-not ", {"a", "b", "c"}),
        ("ovs-vpc why-not a ", {"a", "b", "c"}),
        ("ovs-vpc trace b", {"b"}),
        ("ovs-vpc who-can-reach ", {"a", "b", "c"}),
        ("ovs-vpc migrate c ", {"h1", "h2"}),
        ("ovs-vpc doctor h", {"h1", "h2"}),
        ("ovs-vpc explain --host ", {"h1", "h2"}),
        ("ovs-vpc sta", {"status"}),
    ],
)
def test_names_are_completed(line: str, expected: set[str], state: str) -> None:
    """The verb that a line is about is loaded for that: the shell gives the line in the environment."""
    done = _complete(line, OVS_VPC_STATE=state)
    assert ({*done.stdout.split()}, done.stderr) == (expected, "")


@pytest.mark.parametrize("line", ["ovs-vpc flows ", "ovs-vpc why-not a ", "ovs-vpc flows h1 --table x", "ovs-vpc x y"])
def test_nothing_disturbs_a_line_that_cannot_be_completed(line: str, tmp_path: Path) -> None:
    done = _complete(line, OVS_VPC_STATE=str(tmp_path / "missing"), OVS_VPC_LABS=str(tmp_path))
    assert (done.stdout.strip(), done.stderr) == ("", "")


def test_version() -> None:
    done = _run("--version")
    assert (done.returncode, done.stdout) == (0, "ovs-vpc 0.1.0\n")


def test_a_file_from_standard_input(state: str) -> None:
    text = NETWORK.read_text()
    assert _run("validate", "-", text=text).stdout == "standard input is valid: 2 hosts, 1 VPC, 3 ports, over vxlan\n"
    assert _run("plan", "-", "--state", state, text=text).returncode == 0
    wrong = _run("validate", "-", text="hosts: {h1: {}}\n")
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("standard input:1:9: error: 'h1' needs the key 'tunnel_ip'")


def test_json_of_validate_and_graph() -> None:
    good, bad = _run("validate", "--json", str(NETWORK)), _run("validate", "--json", "-", text="hosts: {h1: {}}\n")
    assert (good.returncode, json.loads(good.stdout)) == (0, {"valid": True, "problems": []})
    told = json.loads(bad.stdout)
    assert (bad.returncode, told["valid"], told["problems"][0]["line"]) == (1, False, 1)
    drawn = json.loads(_run("graph", "--json", str(NETWORK)).stdout)
    assert drawn["ports"]["a"] == {"in": "VPC home", "on": "h1", "addresses": ["10.1.0.11"]}
    assert drawn["hosts"] == {"h1": "192.168.50.1", "h2": "192.168.50.2"}


def test_no_lab_is_listed_where_none_runs(tmp_path: Path) -> None:
    assert _run("lab", "list", OVS_VPC_LABS=str(tmp_path)).stdout == "no lab is running\n"
    assert _run("lab", "list", "--json", OVS_VPC_LABS=str(tmp_path)).stdout == "[]\n"
