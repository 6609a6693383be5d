"""One file per table: its rules, and which units get them."""

from types import ModuleType

from flows.pipeline.tables import (
    arp_proxy,
    classify,
    deliver,
    flood,
    from_tunnel,
    gateway,
    known,
    learn,
    learn_local,
    link_local,
    neigh_table,
    neither,
    outbound,
    port_security,
    route_table,
    subnet_route,
    tunnel_source,
    unicast,
)

MODULES: tuple[ModuleType, ...] = (
    classify,
    outbound,
    neither,
    from_tunnel,
    learn,
    learn_local,
    known,
    link_local,
    unicast,
    flood,
    port_security,
    arp_proxy,
    gateway,
    route_table,
    subnet_route,
    tunnel_source,
    neigh_table,
    deliver,
)
