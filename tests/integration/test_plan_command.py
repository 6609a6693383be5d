"""``ovs-vpc plan`` and ``apply`` as a user meets them: what they print, ask and refuse. No controller runs."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from controller.store import Store
from flows.model import parse
from tests.benchmarks.plan import status
from tests.scenario import ROOT, SHIPPED, load

UNPEERED, PEERED = (SHIPPED / f"{name}-vpcs.yaml" for name in ("unpeered", "peered"))
NOTHING, FAILED, CHANGES = 0, 1, 2


@pytest.fixture
def state(tmp_path: Path) -> Path:
    with Store(tmp_path / "state") as store:
        store.apply(load(UNPEERED))
    return tmp_path / "state"


def run(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "controller", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert "Traceback" not in done.stderr
    return done


def at_terminal(answer: str, *arguments: str | Path, meanwhile: str = "") -> tuple[int, str]:
    """Run a command at a terminal, where somebody answers its question; ``meanwhile`` another one is run first."""
    inner, outer = pty.openpty()
    command = [sys.executable, "-m", "controller", *map(str, arguments)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=outer, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    os.close(outer)
    assert process.stdout is not None
    said = ""
    while "[y/N]" not in said and (piece := process.stdout.read(1)):
        said += piece
    if meanwhile:
        subprocess.run(meanwhile, shell=True, cwd=ROOT, check=False, capture_output=True)
    os.write(inner, f"{answer}\n".encode())
    said += process.communicate(timeout=60)[0]
    os.close(inner)
    assert "Traceback" not in said
    return process.returncode, said


def test_a_plan_changes_nothing(state: Path) -> None:
    done = run("plan", PEERED, "--state", state)
    assert done.returncode == CHANGES
    assert "objects: 3 added, 0 changed, 0 removed, 0 moved" in done.stdout
    assert "  + peering blue-green" in done.stdout
    assert "not counted, because the controller has not seen them yet: host86, host87" in done.stdout
    assert "reachability: 4 pairs of ports will start to reach each other, 0 will stop" in done.stdout
    assert (
        "  + blue1, blue2 <-> green1, green2: their subnets are peered by blue-green, with routes both ways"
        in done.stdout
    )
    assert f"because of peering blue-green ({PEERED.relative_to(ROOT)}:" in done.stdout.replace(f"{ROOT}/", "")
    assert run("plan", UNPEERED, "--state", state).returncode == NOTHING
    assert json.loads(run("history", "--json", "--state", state).stdout)[0]["generation"] == 1


def test_against_another_file() -> None:
    done = run("plan", PEERED, "--against", UNPEERED, "--flows")
    assert done.returncode == CHANGES
    assert "flows: 24 added, 0 removed, on 2 switches" in done.stdout
    assert "      + subnet_route: 172.16.0.0/24 is VPC green's, for blue/web: look it up there" in done.stdout
    back = json.loads(run("plan", UNPEERED, "--against", PEERED, "--json").stdout)
    assert [change["reach"] for change in back["reachability"]] == [False]
    assert {verb["verb"] for verb in back["objects"]} == {"removed"}
    assert run("plan", PEERED, "--against", PEERED).returncode == NOTHING


def test_a_moved_port(tmp_path: Path) -> None:
    moved = tmp_path / "moved.yaml"
    moved.write_text("# a line more\n" + PEERED.read_text().replace("141], host: host86", "141], host: host87"))
    done = run("plan", moved, "--against", PEERED)
    assert "objects: 0 added, 0 changed, 0 removed, 1 moved" in done.stdout
    assert "  > port blue1: from host86 to host87" in done.stdout
    assert "reachability: 0 pairs of ports will start to reach each other, 0 will stop" in done.stdout


SEGMENT = """\
hosts: {h1: {tunnel_ip: 192.0.2.1}, h2: {tunnel_ip: 192.0.2.2}}
segments: {red: {id: 11, vlan: 5}}
ports:
  a: {segment: red, ip: 10.0.0.1/24, host: h1}
  b: {segment: red, ip: 10.0.0.2/24, host: h2}
  c: {segment: red, ip: 10.0.0.3/24, host: h2}
"""


def changed(tmp_path: Path, old: str, new: str) -> list[str]:
    """What a plan says, line by line, of a segment in which one text is replaced by another."""
    before, after = tmp_path / "before.yaml", tmp_path / "after.yaml"
    before.write_text(SEGMENT)
    after.write_text(SEGMENT.replace(old, new))
    return run("plan", after, "--against", before).stdout.splitlines()


def test_ports_that_go_are_named(tmp_path: Path) -> None:
    for old, new, reason in (
        (SEGMENT[SEGMENT.index("  b:") :], "", "b, c are gone"),
        ("  a: {segment: red, ip: 10.0.0.1/24, host: h1}\n", "", "a is gone"),
        ("segment: red, ip: 10.0.0.1/24", "segment: red", "a has no address any more"),
        ("segment: red, ip: 10.0.0.1/24", "trunk: []", "a has no address any more"),
    ):
        assert f"  - a <-> b, c: {reason}" in changed(tmp_path, old, new)


def test_objects_are_shown_as_they_are_written(tmp_path: Path) -> None:
    """A trunk of all segments is an empty list, and no trunk is nothing. Objects come in the order of the file."""
    told = changed(tmp_path, "segment: red, ip: 10.0.0.1/24", "trunk: []")
    assert told[: told.index("      + trunk: []") + 1] == [
        "objects: 0 added, 1 changed, 0 removed, 0 moved",
        "  ~ port a",
        "      - segment: red",
        "      - ip: 10.0.0.1/24",
        "      + trunk: []",
    ]
    gone = changed(tmp_path, SEGMENT[SEGMENT.index("segments:") :], "")
    assert [line for line in gone if line.startswith("  - ") and ":" not in line] == [
        "  - segment red",
        *(f"  - port {name}" for name in "abc"),
    ]


def planned(tmp_path: Path, old: str, new: str, *arguments: str) -> str:
    """What a plan says of a network that runs as its file says, in which one text is replaced by another."""
    network = parse(SEGMENT, "network.yaml")[0]
    with Store(tmp_path / "state") as store:
        store.apply(network)
        store.write_status(status(network))
        file = tmp_path / "network.yaml"
        file.write_text(SEGMENT.replace(old, new))
        return run("plan", file, "--state", tmp_path / "state", *arguments).stdout


def test_what_follows_is_told_as_such(tmp_path: Path) -> None:
    """Flows follow what is observed: what a change brings later was not told at all, as if it did nothing."""
    for old, new, when in (
        ("24, host: h1", "24, host: h1, moving_to: h2", "a is plugged in on h2 too"),
        ("2/24, host: h2", "2/24, host: h1", "b is plugged in on h1, and no longer on h2"),
        ("ports:\n", "ports:\n  d: {segment: red, host: h1}\n", "d is plugged in on h1"),
        ("{h1: {", "{h3: {tunnel_ip: 192.0.2.3}, h1: {", "h3 is connected"),
        ("{tunnel_ip: 192.0.2.1", "{physical: {dc: eth1}, tunnel_ip: 192.0.2.1", "eth1 connects h1 to the physical n"),
        ("hosts:", "encapsulation: vxlan\nhosts:", "tun-gre is replaced by tun-vxlan on h1, h2"),
    ):
        assert f"\nwhen {when}" in planned(tmp_path, old, new), new
    several = planned(tmp_path, "2/24, host: h2", "2/24, host: h1}\n  d: {segment: red, host: h1")
    assert "later, when\n  b is plugged in on h1, and no longer on h2\n  d is plugged in on h1\nthen " in several
    moved = json.loads(planned(tmp_path, "2/24, host: h2", "2/24, host: h1", "--json", "--flows"))
    assert moved["later"]["when"] == ["b is plugged in on h1, and no longer on h2"]
    assert moved["later"]["flows"]["h1"]["classify"]["added"] > 0
    assert moved["later"]["flows"]["h2"]["words"]["removed"]
    assert json.loads(planned(tmp_path, "vlan: 5", "vlan: 6", "--json"))["later"] == {"when": [], "flows": {}}


def test_a_port_of_which_nobody_knows_where_it_will_be(tmp_path: Path) -> None:
    told = planned(tmp_path, "ports:\n", "ports:\n  d: {segment: red}\n")
    assert "  more flows will be added for these ports once they are plugged in: d\n" in told


def test_wrong_files(tmp_path: Path, state: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(PEERED.read_text().replace("via: blue-green", "via: blue-gren"))
    for arguments in ((wrong, "--state", state), (PEERED, "--against", wrong)):
        done = run("plan", *arguments)
        assert done.returncode == FAILED
        assert done.stderr.count("did you mean 'blue-green'?") == 2
    assert run("plan", tmp_path / "none.yaml", "--state", state).returncode == FAILED


def test_without_a_terminal_nobody_can_agree(state: Path) -> None:
    done = run("apply", PEERED, "--state", state)
    assert done.returncode == FAILED
    assert "'ovs-vpc apply --yes FILE' does it without asking" in done.stderr
    # Another name of the file is nothing to agree to.
    assert "generation 2 is stored" in run("apply", UNPEERED, "--state", state).stderr
    assert "generation 3 is stored" in run("apply", "--yes", PEERED, "--state", state).stderr


@pytest.mark.parametrize(
    ("answer", "stored"), [("y", "generation 2 is stored"), ("n", "nothing was changed"), ("", "nothing")]
)
def test_apply_shows_the_plan_and_asks(state: Path, answer: str, stored: str) -> None:
    _, said = at_terminal(answer, "apply", PEERED, "--state", state)
    assert "objects: 3 added" in said
    assert "Make these changes? [y/N]" in said
    assert stored in said


def test_what_is_applied_is_what_was_shown(state: Path, tmp_path: Path) -> None:
    """Somebody changes something else while the question stands: agreeing to the old plan does nothing."""
    file, other = tmp_path / "network.yaml", tmp_path / "other.yaml"
    file.write_text(UNPEERED.read_text())
    run("apply", "--yes", file, "--state", state)
    other.write_text(UNPEERED.read_text() + "segments: {red: {id: 1}}\n")
    file.write_text(PEERED.read_text())
    command = f"cp {other} {file}; {sys.executable} -m controller apply --yes {file} --state {state} --wait 0"
    code, said = at_terminal("y", "apply", file, "--state", state, meanwhile=command)
    assert code == FAILED
    assert "the model has changed since the plan, which was for generation 2 (generation 3, apply by " in said
    with Store(state) as store:
        stored = store.load()
        assert stored is not None
        assert (stored.generation, [*stored.network.peerings], [*stored.network.segments]) == (3, [], ["red"])
