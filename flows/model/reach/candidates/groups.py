"""Two ports of VPCs: the rules that security groups lack for a connection between them."""

from flows.model.file.written import Data
from flows.model.intervals import Intervals
from flows.model.objects.network import Network
from flows.model.objects.port import VpcPort
from flows.model.reach.admission import Endpoint, endpoints_of
from flows.model.reach.steps import AddRule, Change
from flows.model.services import ICMP_NAMES, PROTOCOLS, TCP, UDP, by_protocol, of_icmp, of_protocol


def rules(network: Network, source: VpcPort, target: VpcPort, services: Intervals) -> Change:
    """The rules to add so that a port may connect to another one for some services; none where it may already."""
    steps = []
    for end in endpoints_of(network, source, target):
        asked = end.groups
        if asked and not services <= end.admitted:
            group = asked[0]
            is_first = not group.rules_of(end.direction)
            written = {"from" if end.direction == "in" else "to": _remote(end), **_service(services)}
            steps.append(AddRule(group, end.direction, written, is_first))
    return tuple(steps)


def _remote(end: Endpoint) -> str:
    """How a rule calls the other end: by a group that it is in, or by its address."""
    groups = end.network.groups_of(end.other)
    return groups[0] if groups else f"{end.other.ips[0]}/32"


def _service(services: Intervals) -> Data:
    """How a rule calls some services of one protocol; it allows everything where it cannot call them."""
    parts = list(by_protocol(services))
    if len(parts) != 1:
        return {}
    protocol, ports = parts[0]
    names = {of_icmp(*message): name for name, message in ICMP_NAMES.items()}
    if services in names:
        return {"icmp": names[services]}
    if services == of_protocol(protocol) or protocol not in (TCP, UDP):
        name = next((name for name, number in PROTOCOLS.items() if number == protocol), str(protocol))
        return {"protocol": name}
    said = [str(first) if first == last else f"{first}-{last}" for first, last in ports.parts]
    return {"tcp" if protocol == TCP else "udp": said[0] if len(said) == 1 else said}
