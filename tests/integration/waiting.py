"""Looking at a lab from a test."""

import subprocess
import time
from collections.abc import Callable

from mininet_topos.lab import Lab


def eventually(condition: Callable[[], bool], patience: float = 10.0) -> bool:
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def pings(lab: Lab, port: str, address: str) -> bool:
    return lab.run(port, ["ping", "-c1", "-W2", address], stdout=subprocess.DEVNULL).returncode == 0
