"""Metrics of the controller and its hosts, for Prometheus, on the loopback interface only.

Nothing is counted or kept for it: each look reads what is there anyway.
"""

from collections.abc import Iterator, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from controller.status.drops import reason
from controller.status.node import Node

ADDRESS = "127.0.0.1"


class _Observed(Protocol):
    @property
    def generation(self) -> int: ...

    @property
    def nodes(self) -> Mapping[str, Node]: ...

    @property
    def unreached(self) -> Mapping[str, int]: ...


class _Metrics(Collector):
    """Read by a thread of its own: every value is one attribute, read once."""

    def __init__(self, observed: _Observed) -> None:
        self._observed = observed

    def collect(self) -> Iterator[Metric]:
        hosts = list(self._observed.nodes.items())
        yield GaugeMetricFamily("ovs_vpc_generation", "Generation of the model.", self._observed.generation)
        yield from _gauges(hosts)
        unreached = GaugeMetricFamily(
            "ovs_vpc_host_unreached", "Hosts that it sends to but cannot reach over the underlay.", labels=["host"]
        )
        for name, number in self._observed.unreached.items():
            unreached.add_metric([name], number)
        yield unreached
        drift = CounterMetricFamily("ovs_vpc_drift", "Flows and settings that others changed.", labels=["host"])
        refused = CounterMetricFamily("ovs_vpc_refused", "Changes that the switch refused.", labels=["host"])
        drops = CounterMetricFamily(
            "ovs_vpc_dropped_packets", "Packets dropped, by table and rule.", labels=["host", "table", "reason"]
        )
        for name, host in hosts:
            drift.add_metric([name], host.drifted.count)
            refused.add_metric([name], host.refusals.count)
            for rule, packets in host.drops.by_rule.items():
                drops.add_metric([name, rule.table.name, reason(rule.sentence)], packets)
        yield from (drift, refused, drops)
        yield from _packets(hosts)
        yield from _connections(hosts)


def _packets(hosts: list[tuple[str, Node]]) -> Iterator[Metric]:
    """What the switches sent to the controller, and what they did not send because it was too much."""
    handled = CounterMetricFamily(
        "ovs_vpc_packets_handled", "Packets that a handler made something of.", labels=["host", "handler"]
    )
    left_out = CounterMetricFamily(
        "ovs_vpc_packets_left_out", "Packets that nothing was done with.", labels=["host", "handler", "reason"]
    )
    above_limit = CounterMetricFamily(
        "ovs_vpc_packets_above_limit", "Packets that a port's meter dropped.", labels=["host", "handler", "port"]
    )
    for name, host in hosts:
        for handler, packets in dict(host.packets.handled).items():
            handled.add_metric([name, handler], packets)
        for (handler, why), packets in dict(host.packets.left_out).items():
            left_out.add_metric([name, handler, why], packets)
        for (handler, port), packets in dict(host.packets.above_limit).items():
            above_limit.add_metric([name, handler, port], packets)
    yield from (handled, left_out, above_limit)


def _connections(hosts: list[tuple[str, Node]]) -> Iterator[Metric]:
    """What ports with security groups opened."""
    opened = CounterMetricFamily(
        "ovs_vpc_new_connections", "New connections of a port with security groups.", labels=["host", "port"]
    )
    refused = CounterMetricFamily(
        "ovs_vpc_connections_above_limit", "New connections that were too many for their port.", labels=["host", "port"]
    )
    for name, host in hosts:
        for port, count in dict(host.new_connections.by_port).items():
            opened.add_metric([name, port], count.connections)
            refused.add_metric([name, port], count.refused)
    yield from (opened, refused)


def _gauges(hosts: list[tuple[str, Node]]) -> Iterator[Metric]:
    for name, what, value in (
        ("database_connected", "Whether the host's database is connected.", lambda host: host.has_database),
        ("switch_connected", "Whether the host's switch is connected.", lambda host: host.session is not None),
        ("confirmed_generation", "Generation of the model that it confirmed.", lambda host: host.confirmed_generation),
        ("flows", "Flows of ours in its switch.", lambda host: host.flows),
        ("problems", "Deviations from the host contract.", lambda host: len(host.problems)),
    ):
        gauge = GaugeMetricFamily(f"ovs_vpc_host_{name}", what, labels=["host"])
        for host_name, host in hosts:
            gauge.add_metric([host_name], value(host))
        yield gauge


def serve(port: int, observed: _Observed) -> None:
    """Serve on the loopback interface. Returns at once; raises OSError when the port is taken."""
    registry = CollectorRegistry()
    registry.register(_Metrics(observed))
    start_http_server(port, ADDRESS, registry)
