"""What all nodes of this project in Mininet have in common.

Nodes that are no instances are switches to Mininet, so that its ``pingall`` pings instances only.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mininet.node import Host, Switch

from flows.model import Route
from mininet_topos.errors import LabError
from mininet_topos.inside import namespaces
from mininet_topos.inside.instances import INSTANCE_INTERFACE
from mininet_topos.inside.nodes.switch import has_kernel_datapath


def namespace(node: Any) -> Path:
    """The network namespace of a node."""
    return Path(f"/proc/{node.pid}/ns/net")


def run(node: Any, *argv: str) -> str:
    """Run a command in a node; its output. Raises :class:`LabError` when it fails."""
    output, complaint, code = node.pexec(*argv)
    if code != 0:
        raise LabError(f"'{' '.join(argv)}' in {node.name} failed: {(complaint or output).strip()}")
    return str(output)


def far_node(interface: Any) -> Any:
    """The node at the other end of an interface's cable."""
    link = interface.link
    return link.intf2.node if link.intf1 is interface else link.intf1.node


def complete_checksums(node: Any) -> None:
    """Have a node send its packets with their checksums, where the switch that it hangs on needs that."""
    with namespaces.inside(namespace(node)):
        for interface in node.intfList():
            # A stock switch may use the userspace datapath (--switch ovs,datapath=user) where the kernel's is there.
            if not has_kernel_datapath() or getattr(far_node(interface), "datapath", "") == "user":
                namespaces.complete_checksums(interface.name)


class Passive(Switch):  # type: ignore[misc]
    """A node that is no instance and speaks no OpenFlow."""

    controlIntf = None  # noqa: N815 - Mininet's name

    def start(self, controllers: Sequence[Any]) -> None:
        """Nothing has to be started."""

    def dpctl(self, *args: str) -> str:
        """Mininet's command ``dpctl`` asks every switch."""
        return ""


class Instance(Host):  # type: ignore[misc]
    """A port's instance, or a machine on a plain switch."""

    def config(self, others: Sequence[object] = (), routes: Sequence[Route] = (), **params: Any) -> None:
        """Set its addresses and its routes."""
        if not self.intfs:
            return
        super().config(**params)
        for address in others:
            run(self, "ip", "address", "add", str(address), "dev", INSTANCE_INTERFACE)
        for way in routes:
            run(self, "ip", "route", "add", str(way.to), "via", str(way.via), "dev", INSTANCE_INTERFACE)
        complete_checksums(self)
