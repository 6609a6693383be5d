"""A lab brought up by a process of its own, as the command line does: ``up BASE NAME`` or ``check BASE NAME``.

``up`` prints each step and leaves the lab running. ``check`` uses the lab in every way that touches the user it
runs as, and takes it down.
"""

import sys
from pathlib import Path

from flows.model import parse
from mininet_topos.client.lab import Lab

NETWORK = Path(__file__).parents[2] / "mininet_topos" / "networks" / "one-vpc.yaml"
CONTROLLER = [sys.executable, str(Path(__file__).with_name("fake_controller.py")), "{lab}"]


def up(base: Path, name: str, file: Path = NETWORK) -> Lab:
    """The smallest network, or another one, under the stand-in controller, telling every step on standard output."""
    text = file.read_text()
    network, _ = parse(text, str(file))
    return Lab.up(
        network, text, name=name, controller=CONTROLLER, base=base, progress=lambda step: print(step, flush=True)
    )


def check(lab: Lab) -> None:
    """Use everything that enters namespaces or talks to the lab's init."""
    lab.run("a", ["ping", "-c1", "-W2", "10.1.0.12"], check=True)
    lab.run("h1", ["ovs-appctl", "version"], check=True)
    shown = lab.run("a", ["ls", "/sys/class/net"], check=True, capture_output=True, text=True).stdout.split()
    if shown != ["eth0", "lo"]:
        raise SystemExit(f"/sys shows other interfaces than the instance's own: {shown}")
    lab.run("h1", ["ovs-ofctl", "show", "br-int"], check=True)
    lab.restart_switch("h2")
    lab.plug("a", "h2")
    lab.run("a", ["ping", "-c1", "-W2", "10.1.0.13"], check=True)
    if lab.controller_pid() is None:
        raise SystemExit("the controller does not run")
    lab.down()


if __name__ == "__main__":
    running = up(Path(sys.argv[2]), sys.argv[3])
    print("up", flush=True)
    if sys.argv[1] == "check":
        check(running)
