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
    ("source", "target", "file", "ending", "advice"),
    [
        (
            *("blue1", "green1", UNPEERED),
            "dropped on host host86 in table subnet_route: the sender's subnet has no route to this address",
            "it would pass with a peering between subnets blue/web and green/db, a route in blue/web to 172.16.0.0/24",
        ),
        (
            *("p1", "q3", CORNERS),
            "dropped on host h1 in table subnet_route: 10.2.0.0/24 is VPC right's, which has no route back to this",
            "it would pass with a route in subnet right/d back to 10.0.0.0/24 via a-d",
        ),
        (
            *("q3", "p1", CORNERS),
            "dropped on host h2 in table subnet_route: the sender's subnet has no route to this address",
            "it would pass with a route in subnet right/d to 10.0.0.0/24 via a-d",
        ),
        (
            *("p1", "nowhere", CORNERS),
            "dropped on host h1 in table route_table: nobody has this address of 10.0.0.0/24 in VPC left",
            "it would pass with a host for port nowhere",
        ),
        ("nowhere", "p1", CORNERS, "not sent: port nowhere is not plugged in", "it would pass with a host for port"),
        (
            *("red1", "green1", SEGMENTS),
            "not delivered: on host h1 in table flood it goes to trunk1, to host h2, and not to green1",
            "it would pass with port green1 in segment red instead of green",
        ),
    ],
)
def test_not_delivered(run: Run, source: str, target: str, file: Path, ending: str, advice: str) -> None:
    done = run(source, target, file)
    assert done.code == 1
    *_, told, advised = done.stdout.splitlines()
    assert told.startswith(ending)
    assert advised.startswith(advice)


def test_json(run: Run) -> None:
    done = run("blue1", "green1", UNPEERED, "--udp", "53", "--json")
    told = json.loads(done.stdout)
    assert done.code == 1
    assert not told["is_delivered"]
    assert re.fullmatch(r"route to .*|the pipeline itself .*", told["hops"][-1]["why"])
    assert told["advice"].startswith("it would pass with a peering")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("blue1", "gren1", PEERED), "there is no port 'gren1'; did you mean 'green1'?"),
        (("blue1", "blue1", PEERED), "a packet from a port to itself passes no switch"),
        (("blue1", "green1", PEERED, "--tcp", "1", "--udp", "1"), "one packet is of one kind"),
        (("blue1", "green1", PEERED, "--running"), "a file does not run"),
        (("blue1", "green1", "--running", "--live"), "use one"),
        (("h1", "h5", SHIPPED / "two-lans.yaml"), "this packet cannot be traced: the way leads through r1 and r2"),
        (("blue1", "green1", "no-such-file.yaml"), "cannot read no-such-file.yaml"),
    ],
)
def test_errors(run: Run, arguments: tuple[str | Path, ...], message: str) -> None:
    done = run(*arguments)
    assert done.code == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
