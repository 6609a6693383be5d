"""What a user declares: the objects, how they are read from YAML, and what makes them valid."""

from flows.model.host import Encapsulation, Host
from flows.model.network import Network
from flows.model.peering import Peering
from flows.model.port import GATEWAY_MAC, Port
from flows.model.problem import InvalidModel, Problem
from flows.model.reader import parse
from flows.model.schema import network_schema
from flows.model.types import Origin
from flows.model.underlay import Rack, Underlay
from flows.model.vpc import NOTHING, Subnet, SubnetRoute, Vpc

__all__ = [
    "GATEWAY_MAC",
    "NOTHING",
    "Encapsulation",
    "Host",
    "InvalidModel",
    "Network",
    "Origin",
    "Peering",
    "Port",
    "Problem",
    "Rack",
    "Subnet",
    "SubnetRoute",
    "Underlay",
    "Vpc",
    "network_schema",
    "parse",
]
