"""``ovs-vpc lab list``."""

from controller.cli.common.output import JsonOption, print_json
from controller.cli.common.tables import print_table


def listing(as_json: JsonOption = False) -> None:
    """List the labs of this user that run, the directory that each was started from, and where their files are."""
    from mininet_topos.client.lab import Lab

    labs = [(lab.name, lab.pid, lab.started_in, lab.path) for lab in Lab.running()]
    if as_json:
        print_json(
            [{"lab": name, "pid": pid, "started_in": where, "directory": str(path)} for name, pid, where, path in labs]
        )
    elif labs:
        rows = [(name, str(pid), where, str(path)) for name, pid, where, path in labs]
        print_table(("lab", "process", "started in", "directory"), rows)
    else:
        print("no lab is running")
