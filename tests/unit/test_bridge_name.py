"""The name of a switch's bridge, in commands that people copy into a shell: what a switch says of itself is hostile."""

import pytest

from controller.openflow.sessions import bridge_name


@pytest.mark.parametrize("name", ["br-int", "s1", "ovs_br.7"])
def test_it_is_named(name: str) -> None:
    assert bridge_name(name.encode()) == name


@pytest.mark.parametrize(
    "name", [None, b"", b"-rf", b"a b", b"x;reboot", b"$(id)", b"a\nb", b"a\n", b"'", b"\xff", "ä".encode()]
)
def test_what_a_shell_would_take_for_something_else_is_not(name: bytes | None) -> None:
    assert bridge_name(name) == "BRIDGE"
