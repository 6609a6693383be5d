"""Stands in for the controller in the lab's own tests: an ordinary switch ``br-int`` on each host, and no more."""

import signal
import subprocess
import sys
from pathlib import Path


def _vsctl(host: Path, *arguments: str) -> str:
    command = ["ovs-vsctl", f"--db=unix:{host}/db.sock", "--timeout=10", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


for host in sorted(Path(sys.argv[1], "hosts").iterdir()):
    datapath = _vsctl(host, "get", "Bridge", "br-phy", "datapath_type")
    bridge = ["--may-exist", "add-br", "br-int", "--", "set", "Bridge", "br-int", f"datapath_type={datapath}"]
    _vsctl(host, *bridge, "fail_mode=standalone")
print("made the bridges", flush=True)
signal.pause()
