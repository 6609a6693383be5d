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
TWO_LANS = SHIPPED / "two-lans.yaml"
SWITCHED = """hosts:
  h1: {tunnel_ip: 192.0.2.1}
  h2: {tunnel_ip: 192.0.2.2}
encapsulation: vxlan
segments: {red: {id: 1}, green: {id: 2}}
ports:
  a: {segment: red, host: h1, ip: 10.9.0.1/24, gateway: 10.9.0.2}
  b: {segment: red, host: h2, ip: 10.9.0.2/24}
  c: {segment: green, host: h2, ip: 10.9.0.3/24}
"""


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


@pytest.mark.parametrize(
    ("source", "address", "file", "ending"),
    [
        ("blue1", "10.0.1.142", PEERED, "delivered to blue2 on host host87"),
        ("blue1", "172.16.0.47", PEERED, "delivered to green1 on host host87"),
        ("q1", "10.0.0.3", CORNERS, "delivered to p1 on host h1"),  # not its first address
        ("blue1", "10.0.1.1", PEERED, "answered by the gateway of blue/web on host host86"),
        ("p1", "10.0.1.254", CORNERS, "answered by the gateway of left/b on host h1"),  # of another subnet
        ("h1", "10.10.70.2", TWO_LANS, "delivered to h2 on switch s1"),
        ("h1", "10.10.70.4", TWO_LANS, "delivered to router r1 on switch s1"),
        ("h1", "10.10.71.5", TWO_LANS, "delivered to router r1 on switch s1"),  # its leg in another subnet
        ("a", "10.9.0.2", SWITCHED, "delivered to b on host h2"),
    ],
)
def test_an_address_that_somebody_has(
    run: Run, tmp_path: Path, source: str, address: str, file: Path | str, ending: str
) -> None:
    """A port, whichever of its addresses it is, a gateway, a router: as the sender sees it."""
    done = run(source, address, _file(file, tmp_path))
    assert (done.code, done.stdout.splitlines()[-1]) == (0, ending), done


@pytest.mark.parametrize(
    ("source", "address", "file", "ending", "then"),
    [
        (
            *("blue1", "10.0.1.9", PEERED),
            "dropped on host host86 in table route_table: nobody has this address of 10.0.1.0/24 in VPC blue",
            ["no small change lets it pass: no port in the model has 10.0.1.9"],
        ),
        (
            *("blue1", "8.8.8.8", PEERED),
            "dropped on host host86 in table subnet_route: the sender's subnet has no route to this address",
            ["no small change lets it pass: no port in the model has 8.8.8.8"],
        ),
        (
            *("blue1", "172.16.0.1", PEERED),
            "dropped on host host86 in table route_table: nobody has this address of 172.16.0.0/24 in VPC green",
            [
                "no small change lets it pass: 172.16.0.1 is the gateway of green/db, which answers ports of its own "
                "VPC only"
            ],
        ),
        (
            *("p1", "10.9.1.1", CORNERS),
            "dropped on host h1 in table subnet_route: left/a routes 10.9.0.0/16 to nothing",
            ["no small change lets it pass: no port in the model has 10.9.1.1"],
        ),
        (
            *("q3", "10.0.0.3", CORNERS),
            "dropped on host h2 in table subnet_route: the sender's subnet has no route to this address",
            ["to let it pass:", f"  add to right/d ({CORNERS}:22): routes: [{{to: 10.0.0.0/24, via: a-d}}]"],
        ),
        (
            *("p1", "10.0.0.9", CORNERS),
            "dropped on host h1 in table route_table: nobody has this address of 10.0.0.0/24 in VPC left",
            ["to let it pass:", f"  change port nowhere ({CORNERS}:30): host: h1"],
        ),
        (
            *("nowhere", "10.0.0.1", CORNERS),
            "not sent: port nowhere is not plugged in",
            ["to let it pass:", f"  change port nowhere ({CORNERS}:30): host: h1"],
        ),
        (
            *("h1", "10.10.70.77", TWO_LANS),
            "not sent: nobody has 10.10.70.77 in the LAN of s1, where h1 looks for it",
            ["no small change lets it pass: no port in the model has 10.10.70.77"],
        ),
        (
            *("h1", "8.8.8.8", TWO_LANS),
            "not sent: r1 has no route to 8.8.8.8",
            ["no small change lets it pass: no port in the model has 8.8.8.8"],
        ),
        (
            *("a", "10.9.0.3", SWITCHED),
            "not sent: no port of segment red declares 10.9.0.3: the model knows no MAC address for it",
            ["to let it pass:", "  change port c (net.yaml:9): segment: red"],
        ),
        (
            *("a", "8.8.8.8", SWITCHED),
            "not sent: a (10.9.0.1/24) gives what is for 8.8.8.8 to its gateway 10.9.0.2; trace the way to that",
            ["no small change lets it pass: no port in the model has 8.8.8.8"],
        ),
        (
            *("b", "8.8.8.8", SWITCHED),
            "not sent: b (10.9.0.2/24) does not send to 8.8.8.8: it is not in its network, and b has no gateway",
            ["no small change lets it pass: no port in the model has 8.8.8.8"],
        ),
    ],
)
def test_an_address_that_is_not_reached(
    run: Run, tmp_path: Path, source: str, address: str, file: Path | str, ending: str, then: list[str]
) -> None:
    """Which rule ends it, and what would let it pass, where something would."""
    done = run(source, address, _file(file, tmp_path))
    assert done.code == 1
    told = done.stdout.replace(f"{tmp_path}/", "").splitlines()[-len(then) - 1 :]
    assert told == [ending, *(line.replace(f"{ROOT}/", "") for line in then)]


def test_a_gateway_answers_pings_only(run: Run) -> None:
    done = run("blue1", "10.0.1.1", PEERED, "--tcp", "80")
    assert done.code == 1
    assert done.stdout.splitlines()[-2:] == [
        "dropped on host host86 in table gateway: to 10.0.1.1, the gateway of blue/web, which answers nothing but ping",
        "no small change lets it pass: a gateway answers pings, and nothing else",
    ]


def _file(file: Path | str, directory: Path) -> Path:
    if isinstance(file, Path):
        return file.relative_to(ROOT)
    made = directory / "net.yaml"
    made.write_text(file)
    return made


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
        (("blue1", "10.0.1.141", PEERED), "blue1 has the address 10.0.1.141 itself"),
        (("p1", "10.0.0.3", CORNERS), "p1 has the address 10.0.0.3 itself"),
        (("blue1", "10.0.1.255", PEERED), "10.0.1.255 is not the address of one machine in 10.0.1.0/24"),
        (("h1", "224.0.0.5", TWO_LANS), "224.0.0.5 is not the address of one machine"),
        (("h1", "10.10.71.4", TWO_LANS), "this packet cannot be traced: the way leads through r1"),
        (("blue1", "fd00::1", PEERED), "'fd00::1' is not an IPv4 address"),
        (("blue1", "10.0.1", PEERED), "there is no port '10.0.1'"),
        (("blue1", "blue1", PEERED), "a packet from a port to itself passes no switch"),
        (("blue1", "green1", PEERED, "--tcp", "1", "--udp", "1"), "a packet is of one kind"),
        (("blue1", "green1", PEERED, "--running"), "look at the running network: leave out the file"),
        (("blue1", "green1", "--running", "--live"), "use one"),
        (("blue1", "green1", PEERED, "--on-host", "ssh {name}"), "--on-host says how --running asks the switches"),
        (("h1", "h5", SHIPPED / "two-lans.yaml"), "this packet cannot be traced: the way leads through r1 and r2"),
        (("blue1", "green1", "no-such-file.yaml"), "cannot read no-such-file.yaml"),
    ],
)
def test_errors(run: Run, arguments: tuple[str | Path, ...], message: str) -> None:
    done = run(*arguments)
    assert done.code == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
