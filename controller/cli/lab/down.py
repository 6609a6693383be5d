"""``ovs-vpc lab down``."""

import sys
from typing import TYPE_CHECKING

import typer

from controller.cli.common.consoles import out
from controller.cli.common.output import fail
from controller.cli.common.state import OldArgument, ThisLabOption

if TYPE_CHECKING:
    from mininet_topos.client.lab import Lab


def down(lab: ThisLabOption = None, old: OldArgument = None) -> None:
    """End a lab: every process, namespace and file of it. What a crashed lab left is removed too.

    Without --lab it ends the lab that was started from this directory. If the only running lab was started from another
    directory, you are asked first.
    """
    from mininet_topos.client.lab import Lab, remove_remains

    remains = remove_remains()
    for crashed in remains:
        out.print(f"removed what lab '{crashed}' had left")
    if lab is None and remains and not Lab.running():
        return
    found = _meant() if lab is None else Lab.find(lab)
    found.down()
    out.print(f"lab '{found.name}' is down")


def _meant() -> "Lab":
    """The lab that nobody has named; ends the command when it is not clear."""
    from mininet_topos.client.lab import Lab

    started_here = [lab for lab in Lab.running() if lab.is_started_here]
    if len(started_here) == 1:
        return started_here[0]
    found = Lab.find()
    if not started_here:
        where = f"lab '{found.name}' was started from {found.started_in or 'another directory'}, not from this one"
        if not sys.stdin.isatty():
            fail(f"{where}; to end it all the same: ovs-vpc lab down --lab {found.name}")
        if not typer.confirm(f"{where}. End it?"):
            fail("nothing was ended")
    return found
