"""Which node of a lab is meant by a name: of a port, a host, a plain switch, a router, or one of a few others."""

from flows.model.problem import did_you_mean
from mininet_topos.directory import (
    CONTROLLER_NODE,
    PHYSICAL_NODE,
    ROUTER_NODE,
    UNDERLAY_NODE,
    host_node,
    port_node,
    router_node,
    switch_node,
)
from mininet_topos.errors import LabError
from mininet_topos.topology.topology import Topology


def find_node(name: str, topology: Topology, lab: str) -> str:
    """The node with a name, which may say of what kind it is (``host:NAME``). ``lab``: the lab's name, for errors.

    Raises :class:`LabError` when there is none, or several are named so.
    """
    fixed = [UNDERLAY_NODE, CONTROLLER_NODE]
    fixed += [ROUTER_NODE] if topology.legs else []
    fixed += [PHYSICAL_NODE] if topology.physical else []
    if name in fixed:
        return name
    ports = [port_node(port) for port in topology.ports]
    hosts = [host_node(host) for host in topology.hosts]
    switches = [switch_node(switch) for switch in topology.plain.switches]
    routers = [router_node(router) for router in topology.plain.routers]
    nodes = [*ports, *hosts, *switches, *routers]
    found = [node for node in nodes if name in (node, node.partition(":")[2])]
    if len(found) > 1:
        kinds = " and ".join(f"a {node.partition(':')[0]}" for node in found)
        raise LabError(f"'{name}' is both {kinds}; write {' or '.join(found)}")
    if not found:
        known = [*(node.partition(":")[2] for node in nodes), *fixed]
        kinds = "port or host" if not switches else "port, host, switch or router"
        raise LabError(f"there is no {kinds} '{name}' in lab '{lab}'{did_you_mean(name, known)}")
    return found[0]
