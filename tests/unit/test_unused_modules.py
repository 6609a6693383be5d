"""What the process of a controller loads."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.switch import wait_until

NEEDLESS = {"eventlet", "greenlet", "pyroute2", "rfc3986", "scapy", "stevedore"}


@pytest.fixture
def loaded(tmp_path: Path) -> set[str]:
    """The modules that a controller has loaded once it listens."""
    report = tmp_path / "report"
    arguments = ["--state", str(tmp_path / "state"), "--listen", f"127.0.0.1:{free_port()}", "--metrics", "0"]
    with report.open("w") as file:
        controller = subprocess.Popen(
            [sys.executable, "-X", "importtime", "-m", "controller", "controller", *arguments], stderr=file
        )
        try:
            wait_until(lambda: "listening for switches" in report.read_text(), "the controller to listen")
        finally:
            controller.terminate()
            controller.wait()
    return set(re.findall(r"^import time: .*\| +(\S+)$", report.read_text(), re.MULTILINE))


def test_what_a_controller_does_not_need_is_not_loaded(loaded: set[str]) -> None:
    assert "os_ken.controller.controller" in loaded
    # Where nothing is in its place a package is asked for, but none of its modules is.
    assert not {name for name in loaded if "." in name and name.partition(".")[0] in NEEDLESS}
    assert "os_ken.lib.packet.bgp" not in loaded
