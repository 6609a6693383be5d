"""``ovs-vpc trace`` on files."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from controller.cli.main import command_line
from tests.scenario import ROOT, SCENARIOS, SHIPPED

PEERED, UNPEERED = SHIPPED / "peered-vpcs.yaml", SHIPPED / "unpeered-vpcs.yaml"
CORNERS, SEGMENTS = SCENARIOS / "corner-cases.yaml", SCENARIOS / "segments.yaml"


@dataclass(frozen=True)
class Done:
    """What a command printed, and how it ended."""

    code: object
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs ``ovs-vpc trace`` in the project."""
    monkeypatch.chdir(ROOT)

    def run(*arguments: str | Path) -> Done:
        with pytest.raises(SystemExit) as ended:
            command_line()(["trace", *map(str, arguments)])
        return Done(ended.value.code, *capsys.readouterr())

    return run


def test_delivered(run: Run) -> None:
    done = run("blue1", "green1", "mininet_topos/networks/peered-vpcs.yaml", "--tcp", "80")
    assert done.code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "blue1 (10.0.1.141) to green1 (172.16.0.47), TCP to port 80"
    assert lines[-1] == "delivered to green1 on host host87"
    assert "host host87, by tunnel from 10.174.233.86 with key 6774" in lines
    assert any("[route to 172.16.0.0/24 (mininet_topos/networks/peered-vpcs.yaml:13)]" in line for line in lines)


@pytest.mark.parametrize(
    ("source", "target", "file", "ending", "steps"),
    [
        (
            *("blue1", "green1", UNPEERED),
            "dropped on host host86 in table subnet_route: the sender's subnet has no route to this address",
            [
                "add to peerings: blue-green: {between: [blue/web, green/db]}",
                f"add to blue/web ({UNPEERED}:10): routes: [{{to: 172.16.0.0/24, via: blue-green}}]",
                f"add to green/db ({UNPEERED}:14): routes: [{{to: 10.0.1.0/24, via: blue-green}}]",
            ],
        ),
        (
            *("p1", "q3", CORNERS),
            "dropped on host h1 in table subnet_route: 10.2.0.0/24 is VPC right's, which has no route back to this",
            [f"add to right/d ({CORNERS}:22): routes: [{{to: 10.0.0.0/24, via: a-d}}]"],
        ),
        (
            *("q3", "p1", CORNERS),
            "dropped on host h2 in table subnet_route: the sender's subnet has no route to this address",
            [f"add to right/d ({CORNERS}:22): routes: [{{to: 10.0.0.0/24, via: a-d}}]"],
        ),
        (
            *("p1", "nowhere", CORNERS),
            "dropped on host h1 in table route_table: nobody has this address of 10.0.0.0/24 in VPC left",
            [f"change port nowhere ({CORNERS}:30): host: h1"],
        ),
        (
            *("nowhere", "p1", CORNERS),
            "not sent: port nowhere is not plugged in",
            [f"change port nowhere ({CORNERS}:30): host: h1"],
        ),
        (
            *("red1", "green1", SEGMENTS),
            "not delivered: on host h1 in table flood it goes to trunk1, to host h2, and not to green1",
            [f"change port green1 ({SEGMENTS}:18): segment: red"],
        ),
    ],
)
def test_not_delivered(run: Run, source: str, target: str, file: Path, ending: str, steps: list[str]) -> None:
    done = run(source, target, file.relative_to(ROOT))
    assert done.code == 1
    told = done.stdout.splitlines()[-len(steps) - 2 :]
    assert told[0].startswith(ending)
    assert told[1:] == ["to let it pass:", *(f"  {step.replace(f'{ROOT}/', '')}" for step in steps)]


def test_no_small_change_helps(run: Run) -> None:
    done = run("lan1", "blue1", SCENARIOS / "plain-switches.yaml")
    assert done.code == 1
    assert done.stdout.splitlines()[-1].startswith("no small change lets it pass: it takes another way over switches")


def test_json(run: Run) -> None:
    done = run("blue1", "green1", UNPEERED, "--udp", "53", "--json")
    told = json.loads(done.stdout)
    assert done.code == 1
    assert not told["is_delivered"]
    assert re.fullmatch(r"route to .*|the pipeline itself .*", told["hops"][-1]["why"])
    assert [step.partition(":")[0] for step in told["remedy"]] == [
        "add to peerings",
        f"add to blue/web ({UNPEERED}",
        f"add to green/db ({UNPEERED}",
    ]
    assert told["no_remedy"] == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("blue1", "gren1", PEERED), "there is no port 'gren1'; did you mean 'green1'?"),
        (("blue1", "blue1", PEERED), "a packet from a port to itself passes no switch"),
        (("blue1", "green1", PEERED, "--tcp", "1", "--udp", "1"), "one packet is of one kind"),
        (("blue1", "green1", PEERED, "--running"), "a file does not run"),
        (("blue1", "green1", "--running", "--live"), "use one"),
        (("blue1", "green1", PEERED, "--on-host", "ssh {name}"), "--on-host is about how --running asks the switches"),
        (("h1", "h5", SHIPPED / "two-lans.yaml"), "this packet cannot be traced: the way leads through r1 and r2"),
        (("blue1", "green1", "no-such-file.yaml"), "cannot read no-such-file.yaml"),
    ],
)
def test_errors(run: Run, arguments: tuple[str | Path, ...], message: str) -> None:
    done = run(*arguments)
    assert done.code == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
