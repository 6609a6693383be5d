"""A controller that is ended while it is still starting leaves nothing running.

The kind of fault: what was begun before the loop runs has no one who ends it yet.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.commands import commands
from tests.ports import free_port
from tests.switch import wait_until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("sign", ["state/users.lock", "state/model.db", "state/db.sock", "listening"])
def test_a_controller_that_ends_early_ends_the_server_of_its_store(
    tmp_path: Path, sign: str, number: signal.Signals
) -> None:
    """``sign``: what shows how far it has come when it is told to end."""
    state, log = tmp_path / "state", tmp_path / "log"
    arguments = ["--state", str(state), "--listen", f"127.0.0.1:{free_port()}", "--metrics", "0"]

    def has_come_so_far() -> bool:
        return (tmp_path / sign).exists() or f"{sign} for switches" in log.read_text()

    with log.open("w") as file:
        controller = subprocess.Popen([sys.executable, "-m", "controller", "controller", *arguments], stderr=file)
        try:
            wait_until(has_come_so_far, f"the controller to come to {sign}")
            controller.send_signal(number)
            assert controller.wait(20) == 0, log.read_text()
        finally:
            controller.kill()
            controller.wait()
    left = {process: command for process, command in commands() if any(str(state) in word for word in command)}
    for process in left:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    assert not left, "something that it started was still there"
    assert "Traceback" not in log.read_text()
