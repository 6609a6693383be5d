"""What is said of security groups: services in words, why a connection is allowed or refused, what a plan changes."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from controller.cli.main import command_line
from flows.model import parse
from flows.model.intervals import Intervals
from flows.model.reach.reachability import answers
from flows.model.services import EVERYTHING, NO_SERVICE, PING, TCP, UDP, of_icmp, of_ports, of_protocol, words

NETWORK = """
hosts: {h1: {tunnel_ip: 192.0.2.1}}
vpcs: {blue: {id: 1, subnets: {a: {cidr: 10.0.0.0/24}}}}
security_groups:
  web: {vpc: blue, in: [{tcp: 80}]}
  db: {vpc: blue, members: {app: db}, in: [{from: web, tcp: 5432}], out: []}
  extra: {vpc: blue, in: [{from: 10.0.0.13/32, udp: 53}]}
ports:
  w: {vpc: blue, ips: [10.0.0.11], host: h1, groups: [web]}
  d: {vpc: blue, ips: [10.0.0.12], host: h1, labels: {app: db}, groups: [extra]}
  n: {vpc: blue, ips: [10.0.0.13], host: h1}
""".lstrip()


def tcp(port: int) -> Intervals:
    return of_ports(TCP, port, port)


@pytest.mark.parametrize(
    ("services", "said"),
    [
        (EVERYTHING, "everything"),
        (NO_SERVICE, "nothing"),
        (tcp(80) | tcp(443) | PING, "ping and tcp 80, 443"),
        (of_ports(UDP, 8125, 8130), "udp 8125-8130"),
        (EVERYTHING - tcp(80), "everything but tcp 80"),
        (of_protocol(TCP) | of_protocol(132), "tcp and sctp"),
        (of_protocol(200), "IP protocol 200"),
        (of_icmp(3), "icmp unreachable"),
        (of_icmp(8) | of_icmp(13, 7), "icmp 8 and icmp 13/7"),
        (of_protocol(1), "icmp"),
    ],
)
def test_services_in_words(services: Intervals, said: str) -> None:
    assert words(services) == said


@pytest.mark.parametrize(
    ("source", "target", "services", "arrives", "reason"),
    [
        ("w", "d", tcp(5432), True, "both are in VPC blue; rule 'tcp 5432 from web' of security group db allows it"),
        (
            *("n", "d", tcp(5432), False),
            "d does not accept it: no rule 'in' of its security groups (extra, db) allows tcp 5432 from n (10.0.0.13, "
            "in no security group)",
        ),
        (
            *("n", "d", of_ports(UDP, 53, 53), True),
            "both are in VPC blue; rule 'udp 53 from 10.0.0.13/32' of security group extra allows it",
        ),
        (
            *("d", "w", tcp(80), False),
            "d may not open it: no rule 'out' of security group db allows tcp 80 to w (10.0.0.11, in web)",
        ),
        ("w", "n", PING, True, "both are in VPC blue"),
    ],
)
def test_reasons(source: str, target: str, services: Intervals, arrives: bool, reason: str) -> None:
    network = parse(NETWORK, "n.yaml")[0]
    found = answers(network, network.ports[source], network.ports[target], services)
    assert (found.arrives, found.reason) == (arrives, reason)


def test_what_decides() -> None:
    """The rule, and the group that it names: with the lines of both."""
    network = parse(NETWORK, "n.yaml")[0]
    found = answers(network, network.ports["w"], network.ports["d"], tcp(5432))
    assert [str(one) for one in found.because] == [
        "port w (n.yaml:8)",
        "port d (n.yaml:9)",
        "vpc blue (n.yaml:2)",
        "rule 'tcp 5432 from web' of security group db (n.yaml:5)",
        "security group web (n.yaml:4)",
    ]


def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> list[str]:
    """What a plan says of reachability."""
    monkeypatch.chdir(tmp_path)
    Path("old.yaml").write_text(old)
    Path("new.yaml").write_text(new)
    said = CliRunner().invoke(command_line(), ["plan", "new.yaml", "--against", "old.yaml"]).output.splitlines()
    return said[next(index for index, line in enumerate(said) if line.startswith("reachability")) :]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            *("from: web, tcp: 5432", "from: web, tcp: [5432, 6432]"),
            [
                "  1 pair of ports will be allowed more connections, 0 will be allowed fewer",
                "  + w -> d for tcp 6432: both are in VPC blue; rule 'tcp 5432, 6432 from web' of security group db "
                "allows it",
                "        because of rule 'tcp 5432, 6432 from web' of security group db (new.yaml:5)",
            ],
        ),
        (
            *("labels: {app: db}", "labels: {app: web}"),
            [
                "  2 pairs of ports will be allowed more connections, 1 will be allowed fewer",
                "  - w -> d for tcp 5432: d does not accept it: no rule 'in' of security group extra allows tcp 5432 "
                "from w (10.0.0.11, in web)",
                "        because of port d (new.yaml:9)",
                "  + d -> w for tcp 80: both are in VPC blue; rule 'tcp 80 from anybody' of security group web "
                "allows it",
                "        because of port d (new.yaml:9)",
                "  + d -> n for everything: both are in VPC blue",
                "        because of port d (new.yaml:9)",
            ],
        ),
        (
            *(", groups: [web]}", "}"),
            [
                "  1 pair of ports will be allowed more connections, 1 will be allowed fewer",
                "  - w -> d for tcp 5432: d does not accept it: no rule 'in' of its security groups (extra, db) allows "
                "tcp 5432 from w (10.0.0.11, in no security group)",
                "        because of port w (new.yaml:8)",
                "  + n -> w for everything but tcp 80: both are in VPC blue",
                "        because of port w (new.yaml:8)",
            ],
        ),
    ],
)
def test_plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, said: list[str]) -> None:
    found = planned(tmp_path, monkeypatch, NETWORK, NETWORK.replace(old, new))
    assert found[0] == "reachability: 0 pairs of ports will start to reach each other, 0 will stop"
    assert found[1:] == said
