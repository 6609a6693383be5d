"""``ovs-vpc lab down``."""

from controller.cli.consoles import out
from controller.cli.state import LabArgument


def down(
    name: LabArgument = None,
) -> None:
    """End a lab: every process, namespace and file of it. What a crashed lab left is removed too."""
    from mininet_topos.lab import Lab, remove_remains

    remains = remove_remains()
    for crashed in remains:
        out.print(f"removed what lab '{crashed}' had left")
    if name is None and remains and not Lab.running():
        return
    lab = Lab.find(name)
    lab.down()
    out.print(f"lab '{lab.name}' is down")
