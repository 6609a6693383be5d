"""What a user declares: the objects, how they are read from YAML, and what makes them valid."""

from flows.model.host import Encapsulation, Host
from flows.model.network import Network
from flows.model.peering import Peering
from flows.model.port import GATEWAY_MAC, AnyPort, Port, SegmentPort, VpcPort, derived_mac
from flows.model.problem import InvalidModel, Problem
from flows.model.reader import parse
from flows.model.schema import network_schema
from flows.model.segment import PhysicalVlan, Segment
from flows.model.types import Origin
from flows.model.underlay import Rack, Underlay
from flows.model.vpc import NOTHING, Subnet, SubnetRoute, Vpc

__all__ = [
    "GATEWAY_MAC",
    "NOTHING",
    "AnyPort",
    "Encapsulation",
    "Host",
    "InvalidModel",
    "Network",
    "Origin",
    "Peering",
    "PhysicalVlan",
    "Port",
    "Problem",
    "Rack",
    "Segment",
    "SegmentPort",
    "Subnet",
    "SubnetRoute",
    "Underlay",
    "Vpc",
    "VpcPort",
    "derived_mac",
    "network_schema",
    "parse",
]
