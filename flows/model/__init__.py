"""What a user declares: the objects, how they are read from YAML, and what makes them valid."""

from flows.model.file.schema import network_schema
from flows.model.objects.host import Encapsulation, Host
from flows.model.objects.network import AnyPort, Network
from flows.model.objects.peering import Peering
from flows.model.objects.port import GATEWAY_MAC, Port, SegmentPort, VpcPort, derived_mac
from flows.model.objects.route import Route
from flows.model.objects.router import Router, RouterInterface
from flows.model.objects.security_group import ANYBODY, InRule, OutRule, Rule, SecurityGroup, Who
from flows.model.objects.segment import PhysicalVlan, Segment
from flows.model.objects.switch import Link, PlainSwitch, SwitchPort
from flows.model.objects.types import Origin
from flows.model.objects.underlay import Rack, Underlay
from flows.model.objects.vpc import NOTHING, Subnet, SubnetRoute, Vpc
from flows.model.problem import InvalidModel, Problem
from flows.model.reader import parse

__all__ = [
    "ANYBODY",
    "GATEWAY_MAC",
    "NOTHING",
    "AnyPort",
    "Encapsulation",
    "Host",
    "InRule",
    "InvalidModel",
    "Link",
    "Network",
    "Origin",
    "OutRule",
    "Peering",
    "PhysicalVlan",
    "PlainSwitch",
    "Port",
    "Problem",
    "Rack",
    "Route",
    "Router",
    "RouterInterface",
    "Rule",
    "SecurityGroup",
    "Segment",
    "SegmentPort",
    "Subnet",
    "SubnetRoute",
    "SwitchPort",
    "Underlay",
    "Vpc",
    "VpcPort",
    "Who",
    "derived_mac",
    "network_schema",
    "parse",
]
