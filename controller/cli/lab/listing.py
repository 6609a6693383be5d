"""``ovs-vpc lab list``."""

from controller.cli.output import JsonOption, print_json
from controller.cli.tables import print_table


def listing(as_json: JsonOption = False) -> None:
    """List the labs of this user that run, and where their files are."""
    from mininet_topos.lab import Lab

    labs = [(lab.name, lab.pid, lab.path) for lab in Lab.running()]
    if as_json:
        print_json([{"lab": name, "pid": pid, "directory": str(path)} for name, pid, path in labs])
    elif labs:
        print_table(("lab", "process", "directory"), [(name, str(pid), str(path)) for name, pid, path in labs])
    else:
        print("no lab is running")
