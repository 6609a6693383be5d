"""What a user declares: the objects, how they are read from YAML, and what makes them valid."""

from flows.model.host import Encapsulation, Host
from flows.model.network import AnyPort, Network
from flows.model.peering import Peering
from flows.model.port import GATEWAY_MAC, Port, SegmentPort, VpcPort, derived_mac
from flows.model.problem import InvalidModel, Problem
from flows.model.reader import parse
from flows.model.route import Route
from flows.model.router import Router, RouterInterface
from flows.model.schema import network_schema
from flows.model.segment import PhysicalVlan, Segment
from flows.model.switch import Link, PlainSwitch, SwitchPort
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
    "Link",
    "Network",
    "Origin",
    "Peering",
    "PhysicalVlan",
    "PlainSwitch",
    "Port",
    "Problem",
    "Rack",
    "Route",
    "Router",
    "RouterInterface",
    "Segment",
    "SegmentPort",
    "Subnet",
    "SubnetRoute",
    "SwitchPort",
    "Underlay",
    "Vpc",
    "VpcPort",
    "derived_mac",
    "network_schema",
    "parse",
]
