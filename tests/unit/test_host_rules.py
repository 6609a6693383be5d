"""``ovs-vpc host-rules``: what it prints is loaded on hosts as it is, so a wrong name must not become a rule."""

import pytest
from typer.testing import CliRunner

from controller.cli.main import command_line
from flows.model.host_rules import RULES_FILE, excluding, host_rules

RUN = CliRunner()


def printed(*arguments: str, code: int = 0) -> str:
    done = RUN.invoke(command_line(["host-rules", "validate"]), ["host-rules", *arguments])
    assert done.exit_code == code, done.output
    return done.output


def test_own_interfaces() -> None:
    """The loopback and the bridge with the tunnel address are always among them; each is named once."""
    assert 'define ovs_vpc_own = { "lo", "br-phy", "eth0", "bond0.7" }\n' in printed("eth0", "bond0.7", "lo")
    assert printed("eth0") == host_rules(["eth0"])


@pytest.mark.parametrize("name", ["", "eth*", 'a"', "a b", "0123456789abcdef", "../x", "a;b", "-", "br-int"])
def test_what_is_no_interface_of_a_host(name: str) -> None:
    """No wildcard, no quote, nothing that nft could read as something else; all mistakes are told at once."""
    output = printed("eth0", "--", name, "b*", code=1)
    assert "'b*' is not the name of an interface" in output
    assert f"'{name}' is not the name of an interface" in output or f"{name} is the bridge" in output
    assert "table" not in output


def test_unit() -> None:
    """The unit loads the file that it is said to, and rules of interfaces are none of its business."""
    assert f"ExecStart=/usr/sbin/nft -f {RULES_FILE}\n" in printed("--unit")
    assert "--unit takes no interfaces" in printed("--unit", "eth0", code=1)


def test_one_line() -> None:
    """nft's interactive mode takes one line at a time."""
    assert excluding(["a", "b"], "x").count("\n") == 1
