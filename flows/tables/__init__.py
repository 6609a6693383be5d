"""One file per table: its rules, and which units get them."""

from types import ModuleType

from flows.tables import (
    arp_proxy,
    classify,
    deliver,
    from_tunnel,
    gateway,
    neigh_table,
    port_security,
    route_table,
    subnet_route,
    tunnel_source,
)

MODULES: tuple[ModuleType, ...] = (
    classify,
    from_tunnel,
    port_security,
    arp_proxy,
    gateway,
    route_table,
    subnet_route,
    tunnel_source,
    neigh_table,
    deliver,
)
