"""Looking at a lab from a test."""

import subprocess
import time
from collections.abc import Callable

from mininet_topos.client.lab import Lab
from mininet_topos.waiting import patience


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + patience(seconds)
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def pings(lab: Lab, port: str, address: str) -> bool:
    return lab.run(port, ["ping", "-c1", f"-W{patience(2):g}", address], stdout=subprocess.DEVNULL).returncode == 0
