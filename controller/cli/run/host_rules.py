"""``ovs-vpc host-rules``: what keeps a host's kernel off the frames of instances."""

import re
from typing import Annotated

import typer

from controller.cli.common.output import fail
from flows.model.contract import INTEGRATION_BRIDGE
from flows.model.host_rules import RULES_FILE, host_rules, host_unit

# Linux takes any 15 bytes but blanks, slashes and colons; these are those that nft reads as nothing else.
_INTERFACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,14}")


def print_host_rules(
    own: Annotated[
        list[str] | None,
        typer.Argument(metavar="INTERFACE...", help="The host's own interfaces, besides lo and br-phy."),
    ] = None,
    unit: Annotated[
        bool, typer.Option("--unit", help=f"Print the unit of systemd that loads the rules from {RULES_FILE}.")
    ] = False,
) -> None:
    """Print the nftables rules that keep packets of instances away from a host's kernel (docs/host-contract.md).

    Name every interface by which the host itself is reached or reaches others, such as those of management networks and
    container engines. What comes by any other interface is dropped.
    """
    if unit:
        if own:
            fail(f"--unit takes no interfaces; list them in the rules, {RULES_FILE}")
        print(host_unit(), end="")
        return
    names = own or []
    wrong = [f"'{name}' is not the name of an interface" for name in names if not _INTERFACE.fullmatch(name)]
    if INTEGRATION_BRIDGE in names:
        wrong.append(f"{INTEGRATION_BRIDGE} is the bridge of the instances, not an interface of the host's own")
    if wrong:
        fail("; ".join(wrong))
    print(host_rules(names), end="")
