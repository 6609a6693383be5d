"""What a user puts before a command so that it is run on a host."""

import pytest

from controller.cli.common.on_host import host_command
from flows.model import parse

NETWORK = parse("{hosts: {h1: {tunnel_ip: 192.0.2.1}}, switches: {s1: {}}}", "n.yaml")[0]


def test_name_and_address_are_filled_in() -> None:
    enter = host_command(None, "ssh -o 'User root' {ip} sudo -h {name}")
    assert enter(NETWORK.hosts["h1"]) == ["ssh", "-o", "User root", "192.0.2.1", "sudo", "-h", "h1"]
    assert host_command(None, "ssh {name}.example")(NETWORK.switches["s1"]) == ["ssh", "s1.example"]


def test_a_plain_switch_has_no_address(capsys: pytest.CaptureFixture[str]) -> None:
    enter = host_command(None, "ssh {ip}")
    with pytest.raises(SystemExit):
        enter(NETWORK.switches["s1"])
    assert "{ip} has no value for switch s1, whose address the network file does not know" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("prefix", "message"),
    [
        ("ssh 'root", "is not a command: No closing quotation"),
        (" ", "--on-host is empty"),
        (None, "outside a lab, say how to run a command on a host, as in --on-host 'ssh root@{ip}'"),
    ],
)
def test_what_cannot_be_run(prefix: str | None, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        host_command(None, prefix)
    assert message in capsys.readouterr().err
