"""What is kept up to date is what would be found from scratch, whatever changed on the way."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from flows.compile.desired import Desired, DesiredChange
from flows.compile.from_scratch import view
from flows.compile.incremental import Compiler, IncrementalDesired
from flows.compile.program import FlowConflict, compile
from flows.compile.views import Views
from flows.inputs.facts import HostFacts, Interface
from flows.inputs.locate import locate
from flows.inputs.tags import Tags
from flows.model import Network, parse

HOSTS = ("h1", "h2", "h3")
VPCS = {"a": "10.0.0.0/24", "b": "10.1.0.0/24", "c": "10.2.0.0/24"}
PEERS = {"a": ("b", "a-b"), "b": ("c", "b-c"), "c": ("b", "b-c")}
SEGMENTS = {
    "red": "{id: 11, vlan: 101}",
    "green": "{id: 12, vlan: 0, ageing: 60}",
    "loud": "{id: 13, vlan: 103, flood_only: true}",
    "floor": "{vlan: 104, physical: {network: office, vlan: 7}}",
}
KINDS = (
    *(f"vpc: {vpc}, ips: [{cidr[:-4]}{{last}}]" for vpc, cidr in VPCS.items()),
    *(f"segment: {name}" for name in SEGMENTS),
    'segment: red, mac: "0a:00:00:00:01:{last}"',
    'trunk: [green, floor], mac: "0a:00:00:00:02:{last}"',
    "trunk: []",
    *(f"vpc: a, ips: [10.0.0.{{last}}], groups: [{groups}]" for groups in ("web", "web, db", "quiet")),
    "vpc: a, ips: [10.0.0.{last}], labels: {{app: db}}",
    "vpc: b, ips: [10.1.0.{last}], labels: {{app: jobs, stage: test}}",
)
RULES = (
    "{from: web, tcp: 5432}",
    "{from: [db, 10.0.0.16/28], tcp: 5000-5999}",
    "{from: jobs, icmp: ping}",
    "{protocol: gre}",
)
PORTS = tuple(f"p{number}" for number in range(11, 19))

Declared = tuple[str, str | None, str | None]
"""A port: its kind, its host, and the one that it is announced to move to."""

kinds = st.sampled_from(KINDS)
places = st.sampled_from((None, *HOSTS))
ports = st.dictionaries(st.sampled_from(PORTS), st.tuples(kinds, places, places))
structures = st.fixed_dictionaries(
    {
        "last_host": st.booleans(),
        "address": st.sampled_from(("192.0.2", "198.51.100")),
        "routes": st.sets(st.sampled_from(tuple(VPCS))),
        "id": st.integers(1, 2),
        "gateway": st.sampled_from((1, 254)),
        "loud": st.booleans(),
        "in": st.sets(st.sampled_from(RULES)),
        "out": st.sampled_from(("", ", out: []", ", out: [{to: jobs, udp: 53}]")),
        "stage": st.sampled_from(("", ", stage: test")),
    }
)


def network(structure: Mapping[str, object], ports: Mapping[str, Declared]) -> Network:
    """A network of a structure, with ports of a kind, perhaps declared on a host and announced to move to another."""
    hosts = HOSTS if structure["last_host"] else HOSTS[:-1]
    lines = ["hosts:"]
    lines += [f"  {h}: {{tunnel_ip: {structure['address']}.{h[1]}, physical: {{office: eth9}}}}" for h in hosts]
    lines += ["vpcs:"]
    for number, (vpc, cidr) in enumerate(VPCS.items()):
        peer, peering = PEERS[vpc]
        route = f"{{to: {VPCS[peer]}, via: {peering}}}" if vpc in structure["routes"] else ""  # type: ignore[operator]
        identity = 10 * number + (structure["id"] if vpc == "b" else 1)  # type: ignore[operator]
        gateway = f"gateway: {cidr[:-4]}{structure['gateway'] if vpc == 'a' else 1}"
        lines += [f"  {vpc}: {{id: {identity + 20}, subnets: {{s: {{cidr: {cidr}, {gateway}, routes: [{route}]}}}}}}"]
    lines += ["peerings:", *(f"  {name}: {{between: [{name[0]}/s, {name[2]}/s]}}" for name in ("a-b", "b-c"))]
    lines += ["security_groups:", "  web: {vpc: a, in: [{tcp: 80}]}", "  quiet: {vpc: a}"]
    rules = ", ".join(sorted(structure.get("in", ())))  # type: ignore[call-overload]
    lines += [f"  db: {{vpc: a, in: [{rules}]{structure.get('out', '')}, members: {{app: db}}}}"]
    lines += [f"  jobs: {{vpc: b, members: {{app: jobs{structure.get('stage', '')}}}}}"]
    lines += ["segments:", *(f"  {n}: {s}" for n, s in SEGMENTS.items() if n != "loud" or structure["loud"]), "ports:"]
    for name, (kind, host, moving_to) in ports.items():
        place = f", host: {host}" if host in hosts else ""
        place += f", moving_to: {moving_to}" if place and moving_to in hosts and moving_to != host else ""
        if "loud" not in kind or structure["loud"]:
            lines.append(f"  {name}: {{{kind.format(last=name[1:])}{place}}}")
    if lines[-1] == "ports:":
        lines[-1] = "ports: {}"
    return parse("\n".join(lines) + "\n", "n.yaml")[0]


def shared(new: Network, old: Network) -> Network:
    """The new network with the very objects of the old one where they are equal, as a store hands it over."""
    sections: dict[str, Any] = {}
    for name in Network.model_fields:
        before, now = getattr(old, name), getattr(new, name)
        if isinstance(now, dict):
            kept = {key: before[key] if before.get(key) == item else item for key, item in now.items()}
            sections[name] = before if kept == before and list(kept) == list(before) else kept
        else:
            sections[name] = now
    return Network.model_construct(**sections)


def different(new: Network, old: Network) -> set[str]:
    """The ports that are not the very same."""
    return {name for name in new.ports.keys() | old.ports.keys() if new.ports.get(name) is not old.ports.get(name)}


def tags(of: Network, shift: int) -> Tags:
    segments = {name: number for number, name in enumerate(sorted(SEGMENTS), 1) if name in of.segments}
    vlans = {
        host: {name: (number + shift + at) % 4 + 1 for name, number in segments.items() if (number + at + shift) % 5}
        for at, host in enumerate(of.hosts)
    }
    numbers = {name: number for number, name in enumerate(sorted(VPCS), 1)}
    groups = {name: number for number, name in enumerate(of.security_groups, 1)}
    return Tags(numbers, {f"{name}/s": number for name, number in numbers.items()}, segments, vlans, groups)


interfaces = st.builds(Interface, st.sampled_from(PORTS), st.just("tap"), st.integers(1, 4), st.booleans())
observed = st.builds(
    HostFacts,
    st.just(1),
    st.just("netdev"),
    st.sampled_from((None, 65000, 65000)),
    st.lists(interfaces, unique_by=lambda i: i.iface_id).map(frozenset),
    st.sampled_from((frozenset(), frozenset({("office", 60001)}))),
)
steps = st.lists(
    st.tuples(st.just("structure"), structures)
    | st.tuples(st.just("ports"), ports)
    | st.tuples(st.just("port"), st.tuples(st.sampled_from(PORTS), st.none() | st.tuples(kinds, places, places)))
    | st.tuples(st.just("facts"), st.tuples(st.sampled_from(HOSTS), observed))
    | st.tuples(st.just("vlans"), st.integers(0, 3)),
    max_size=12,
)


class Everything:
    """What is kept up to date, of all hosts."""

    def __init__(self) -> None:
        self.views, self.compiler = Views(), Compiler()
        self.wanted: dict[str, IncrementalDesired] = {}
        self.held: dict[str, set[int]] = {}
        self.learned: dict[str, set[int]] = {}
        self.met: dict[str, set[IPv4Address]] = {}
        """The addresses that each host was told it would send to, and does not yet."""

    def follow(self, model: Network, hosts: Mapping[str, HostFacts]) -> set[str]:
        """Take in what changed; the hosts that want two things at once."""
        for gone in self.wanted.keys() - hosts.keys():
            self.wanted.pop(gone).clear()
        for host in hosts.keys() - self.wanted.keys():
            self.wanted[host] = IncrementalDesired(self.compiler)
            self.held[host], self.learned[host] = set(self.wanted[host].desired.flows), set()
        for host, others in self.views.take_meetings().items():
            self.met.setdefault(host, set()).update(model.hosts[other].tunnel_ip for other in others)
        for host, sources in self.views.take():
            before = self.wanted[host].neighbours
            with suppress(FlowConflict):
                self._note(host, self.wanted[host].change(sources))
                assert self.wanted[host].neighbours - before <= self.met.pop(host, set())
        return {host for host, wanted in self.wanted.items() if wanted.is_refused}

    def _note(self, host: str, change: DesiredChange) -> None:
        assert not change.added & self.held[host]
        assert change.removed <= self.held[host]
        self.held[host] = self.held[host] - change.removed | change.added
        self.learned[host] = self.learned[host] - change.forgotten | change.learned


def described(desired: Desired) -> object:
    """All that a compile says."""
    return (
        {cookie: flow.text() for cookie, flow in desired.flows.items()},
        *(
            {cookie: [(str(r.why), r.sentence) for r in reasons] for cookie, reasons in said.items()}
            for said in (desired.applications, desired.learned)
        ),
    )


@settings(max_examples=300)
@given(structures, ports, steps, st.booleans())
def test_incremental_is_full(
    structure: dict[str, object], declared: dict[str, Declared], steps: list[tuple[str, Any]], is_reported: bool
) -> None:
    everything, facts, shift, model = Everything(), dict[str, HostFacts](), 0, Network()
    for kind, change in (("structure", structure), *steps):
        match kind, change:
            case "structure", dict():
                structure = change
            case "ports", dict():
                declared = change
            case "port", (name, None):
                declared = {key: port for key, port in declared.items() if key != name}
            case "port", (name, port):
                declared = {**declared, name: port}
            case "facts", (host, seen):
                facts = {**facts, host: seen}
            case "vlans", int():
                shift = change
        before, model = model, shared(network(structure, declared), model)
        facts = {host: seen for host, seen in facts.items() if host in model.hosts}
        everything.views.set_model(model, tags(model, shift), different(model, before) if is_reported else None)
        for host, seen in facts.items():
            everything.views.set_facts(host, seen)
        check(everything, model, tags(model, shift), facts)


def check(everything: Everything, model: Network, numbers: Tags, facts: Mapping[str, HostFacts]) -> None:
    """Compare all that is kept up to date with the same from scratch."""
    refused = everything.follow(model, facts)
    located = locate(model, facts)
    assert everything.views.locations == located
    for host, wanted in everything.wanted.items():
        units = view(model, numbers, located, facts[host], host)
        try:
            fresh = compile(units)
        except FlowConflict:
            assert host in refused
            continue
        assert host not in refused
        assert wanted.units() == units
        assert described(wanted.desired) == described(fresh)
        assert everything.held[host] == fresh.flows.keys()
        assert everything.learned[host] == fresh.learned.keys()
    if not refused:
        assert len(everything.compiler) == len({unit for w in everything.wanted.values() for unit in w.units()})


def test_what_a_port_gives_for_several_segments_goes_with_the_last_of_them() -> None:
    """A trunk of two segments becomes one of one segment, then of two again, and goes."""
    two, one, other = "trunk: [green, floor]", "trunk: [green]", "vpc: a, ips: [10.0.0.{last}]"
    facts = {"h1": HostFacts(1, "netdev", 65000, frozenset({Interface("p11", "tap", 1, bound=True)}))}
    structure = {"last_host": True, "address": "192.0.2", "routes": set(), "id": 1, "gateway": 1, "loud": True}
    everything, model = Everything(), Network()
    for kind in (two, one, two, other, one, two, None):
        declared: dict[str, Declared] = {"p11": (kind, "h1", None)} if kind else {}
        model = shared(network(structure, declared), model)
        everything.views.set_model(model, tags(model, 0))
        everything.views.set_facts("h1", facts["h1"])
        check(everything, model, tags(model, 0), facts)


def test_a_conflict_changes_nothing_until_it_is_solved() -> None:
    plugged = frozenset({Interface("p11", "tap", 1, bound=True)})
    facts = {"h1": HostFacts(1, "netdev", 65000, plugged)}
    everything = Everything()
    structure = {"last_host": True, "address": "192.0.2", "routes": set(), "id": 1, "gateway": 1, "loud": True}
    model = network(structure, {"p11": (KINDS[0], "h1", None)})
    everything.views.set_model(model, tags(model, 0))
    everything.views.set_facts("h1", facts["h1"])
    check(everything, model, tags(model, 0), facts)
    before = described(everything.wanted["h1"].desired)
    # Both ports have the OpenFlow port 1, and are in different VPCs.
    both = plugged | {Interface("p12", "tap2", 1, bound=True)}
    second = shared(network(structure, {"p11": (KINDS[0], "h1", None), "p12": (KINDS[1], "h1", None)}), model)
    everything.views.set_model(second, tags(second, 0))
    everything.views.set_facts("h1", replace(facts["h1"], interfaces=both))
    assert everything.follow(second, facts) == {"h1"}
    assert described(everything.wanted["h1"].desired) == before
    everything.views.set_facts("h1", replace(facts["h1"], interfaces=both - plugged))
    check(everything, second, tags(second, 0), {"h1": replace(facts["h1"], interfaces=both - plugged)})


def test_another_gateway_of_a_subnet_reaches_what_its_ports_give() -> None:
    """The gateway alone changes: no port, no place and no range. Its ports' rules name it."""
    facts = {"h1": HostFacts(1, "netdev", 65000, frozenset({Interface("p11", "tap", 1, bound=True)}))}
    structure = {"last_host": True, "address": "192.0.2", "routes": set(), "id": 1, "loud": True}
    everything, model = Everything(), Network()
    for gateway in (1, 254, 1):
        before, model = (
            model,
            shared(network({**structure, "gateway": gateway}, {"p11": (KINDS[0], "h1", None)}), model),
        )
        everything.views.set_model(model, tags(model, 0), different(model, before))
        everything.views.set_facts("h1", facts["h1"])
        check(everything, model, tags(model, 0), facts)
        said = [r.sentence for reasons in everything.wanted["h1"].desired.applications.values() for r in reasons]
        assert any(f"10.0.0.{gateway} answers, by the controller" in sentence for sentence in said)
