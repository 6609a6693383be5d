"""Plain switches and the links between them: what they are known by, and what they connect."""

from collections.abc import Iterator, Sequence

from flows.model.check.checker import Checker
from flows.model.contract import datapath_id
from flows.model.file.source import Path
from flows.model.interfaces import interface_name
from flows.model.problem import Problem


def switches(c: Checker) -> Iterator[Problem]:
    known = {datapath_id(name): f"host '{name}'" for name in c.network.hosts}
    for name, switch in c.network.switches.items():
        path = ("switches", name)
        if c.is_broken((*path, "dpid")):
            continue
        first = known.setdefault(switch.datapath_id, f"switch '{name}'")
        if first == f"switch '{name}'":
            continue
        if switch.dpid is None:
            message = f"{first} has the datapath id that is made from the name '{name}'; declare another 'dpid'"
            yield c.error(path, message, at_key=True)
        else:
            message = f"{first} has the datapath id {switch.dpid:016x} too; each switch needs its own"
            yield c.error((*path, "dpid"), message)


def links(c: Checker) -> Iterator[Problem]:
    for name, link in c.network.links.items():
        path = ("links", name)
        if link.between[0] == link.between[1]:
            message = f"both ends are at switch '{link.between[0]}'; a link connects two switches"
            yield c.error((*path, "between"), message)
        yield from repeated_vlans(c, (*path, "trunk"), link.trunk or ())


def repeated_vlans(c: Checker, path: Path, vlans: Sequence[int]) -> Iterator[Problem]:
    for index, vlan in enumerate(vlans):
        if vlan in vlans[:index]:
            yield c.error((*path, index), f"VLAN {vlan} is here twice; once is enough")


def interfaces(c: Checker) -> Iterator[Problem]:
    """No two interfaces on switches have one name: they may all be in one namespace."""
    owners: dict[str, str] = {}
    said: set[tuple[str, str]] = set()
    for path, what, interface in _interfaces(c):
        first = owners.setdefault(interface, what)
        if first != what and (first, what) not in said:
            said.add((first, what))
            yield c.error(
                path, f"{first} and {what} get the same interface name '{interface}'; rename one", at_key=True
            )


def _interfaces(c: Checker) -> Iterator[tuple[Path, str, str]]:
    """Everything that has an interface on a plain switch: its place, what it is, the interface's name."""
    network = c.network
    for name in network.switches:
        yield ("switches", name), f"switch '{name}'", interface_name(name)
    for name, link in network.links.items():
        if link.between[0] != link.between[1]:
            for switch in link.between:
                yield ("links", name), f"link '{name}'", link.end(switch)
    for name, router in network.routers.items():
        for leg in router.interfaces:
            yield ("routers", name, "interfaces", leg), f"interface '{leg}' of router '{name}'", router.leg(leg)
    for name in network.switch_ports:
        yield ("ports", name), f"port '{name}'", interface_name(name)
