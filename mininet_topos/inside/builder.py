"""Builds a lab step by step, and changes it afterwards. Runs inside the lab."""

from collections.abc import Callable, Collection, Mapping, Sequence

from flows.model.contract import INTEGRATION_BRIDGE
from flows.model.problem import did_you_mean
from mininet_topos.directory import CONTROLLER_NODE, LabDirectory
from mininet_topos.errors import LabError
from mininet_topos.inside import namespaces
from mininet_topos.inside.instances import Instances
from mininet_topos.inside.nodes import physical, plain, underlay
from mininet_topos.inside.nodes.plain import PlainSwitch
from mininet_topos.inside.nodes.switch import SCHEMA, OpenVSwitch, Switch
from mininet_topos.inside.supervisor import Service, Supervisor
from mininet_topos.topology.topology import LabHost, LabPort, Topology
from mininet_topos.waiting import Waiting, patience, started

_CONTROLLER_PATIENCE = int(patience(20))
"""Seconds for the controller to make the integration bridge on every host."""

_CONTROLLER_DEATHS = 3
"""How often the controller may die while the lab waits for its bridges."""

_LOG_TAIL = 15
"""Lines of the controller's log that an error shows."""

Progress = Callable[[str], None]


class LabBuilder:
    """The lab from the inside: its switches, its instances and its controller.

    Longer than most classes: it knows the order in which parts of a lab begin, change and end. What each part does is
    elsewhere.
    """

    def __init__(self, topology: Topology, directory: LabDirectory, supervisor: Supervisor, waiting: Waiting) -> None:
        self._topology = topology
        self._directory = directory
        self._supervisor = supervisor
        self._waiting = waiting
        self._instances = Instances(directory, waiting)
        self._switches: dict[str, Switch] = {
            host.name: Switch(host, directory, supervisor, waiting) for host in topology.hosts.values()
        }
        self._plain: Mapping[str, PlainSwitch] = {
            switch.name: PlainSwitch(switch, directory, supervisor, waiting)
            for switch in topology.plain.switches.values()
        }
        self._controller: Service | None = None

    def up(self, controller: Sequence[str], progress: Progress) -> None:
        """Build everything. Raises :class:`LabError` with the reason when that cannot be done."""
        progress("connecting the hosts")
        namespaces.mount_tmpfs(self._directory.namespaces)
        underlay.build(self._topology, self._directory)
        plain.build(self._topology.plain, self._directory)
        physical.build(self._topology, self._directory, list(self._topology.hosts.values()))
        progress("starting Open vSwitch")
        self._start_switches(self._switches.values(), self._plain.values())
        underlay.prime(self._topology, self._directory, self._waiting, self._switches, self._switches)
        progress("starting the controller")
        self._controller = self._start_controller(controller)
        progress("making the instances")
        for port in self._topology.ports.values():
            self._instances.create(port, self._declared(port))
        progress("waiting for the controller's bridges")
        self._wait_for_bridges(self._controller, self._switches)
        progress("plugging the ports")
        plugged: list[tuple[OpenVSwitch, tuple[LabPort, ...]]] = [
            *((switch, self._topology.ports_of(host)) for host, switch in self._switches.items()),
            *((switch, self._topology.ports_of_switch(name)) for name, switch in self._plain.items()),
        ]
        self._waiting.run([self._instances.attach(switch, ports) for switch, ports in plugged if ports])
        self.announce()

    def announce(self) -> None:
        """Make every switch know its tunnel neighbours. Of use once the controller has made the tunnel ports."""
        underlay.announce(self._topology, self._directory, self._running())

    @property
    def numbers(self) -> Mapping[str, int]:
        """The number of each host, which it keeps."""
        return {name: switch.host.index for name, switch in self._switches.items()}

    def _running(self) -> list[str]:
        """The hosts whose switch runs."""
        return [name for name, switch in self._switches.items() if switch.is_running]

    def _start_switches(self, hosts: Collection[Switch], plain_switches: Collection[PlainSwitch]) -> None:
        empty = self._directory.path / "empty.db"
        if not empty.exists():
            self._waiting.run([["ovsdb-tool", "create", str(empty), str(SCHEMA)]])
        switches: list[OpenVSwitch] = [*hosts, *plain_switches]
        for switch in switches:
            switch.start_database(empty)
        for switch in switches:
            switch.wait_for_database()
        self._waiting.run([switch.vsctl("init", wait=False) for switch in switches])
        self._waiting.run([switch.owners_setup() for switch in hosts])
        self._waiting.run([switch.owners_setup(self._topology.plain) for switch in plain_switches])
        for switch in switches:
            switch.start()
        for switch in switches:
            switch.ready()

    def _start_controller(self, argv: Sequence[str]) -> Service:
        directory = self._directory
        directory.controller.mkdir(exist_ok=True)
        service = Service(
            "the controller",
            [word.replace("{lab}", str(directory.path)) for word in argv],
            directory.namespace(CONTROLLER_NODE),
            directory.controller,
            directory.controller_log,
        )
        self._supervisor.start(service)
        return service

    def _wait_for_bridges(self, controller: Service, switches: Mapping[str, Switch]) -> None:
        commands = [switch.wait_for_integration_bridge() for switch in switches.values()]
        deaths = controller.deaths
        with started(commands) as running:
            self._waiting.until(
                lambda: controller.deaths >= deaths + _CONTROLLER_DEATHS or all(p.poll() == 0 for p in running),
                _CONTROLLER_PATIENCE,
            )
            missing = [host for host, process in zip(switches, running, strict=True) if process.poll() != 0]
        if missing:
            problem = (
                "dies again and again" if controller.deaths > deaths else f"has not made it in {_CONTROLLER_PATIENCE} s"
            )
            raise LabError(
                f"no bridge {INTEGRATION_BRIDGE} on {', '.join(missing)}: the controller {problem}; "
                f"the end of its log:\n{self._controllers_last_words()}"
            )

    def _controllers_last_words(self) -> str:
        lines = self._directory.controller_log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-_LOG_TAIL:]) or "(empty)"

    def follow(self, topology: Topology) -> None:
        """Take over another model: make the hosts and instances that are new, change and move others, end the rest.

        What runs in an instance that stays goes on. A port whose host the model leaves open stays where it is, unless
        that host goes. Hosts that stay must be the same.
        """
        self._add_hosts(topology)
        for name in self._topology.ports.keys() - topology.ports.keys():
            self._instances.remove(self._topology.ports[name])
        before, self._topology = self._topology, topology
        for name, port in topology.ports.items():
            if name in before.ports and not before.ports[name].is_same_instance(port):
                self._instances.change(before.ports[name], port)
            if not self._instances.has(port):
                self._instances.create(port, None)
            switch = self._declared(port)
            if switch is not None and not self._instances.is_on(port, switch):
                self._instances.plug(port, switch)
        for name in before.hosts.keys() - topology.hosts.keys():
            self._remove_host(before.hosts[name])

    def _add_hosts(self, topology: Topology) -> None:
        """Build the hosts that are new. Raises :class:`LabError` when that fails; then nothing is left of them."""
        new = {name: host for name, host in topology.hosts.items() if name not in self._switches}
        if not new:
            return
        assert self._controller is not None
        try:
            underlay.add_hosts(list(new.values()), self._directory)
            physical.build(topology, self._directory, list(new.values()))
            made = {name: Switch(host, self._directory, self._supervisor, self._waiting) for name, host in new.items()}
            self._switches |= made
            self._start_switches(made.values(), ())
            underlay.prime(topology, self._directory, self._waiting, made, self._running_of(topology))
            self._wait_for_bridges(self._controller, made)
            underlay.announce(topology, self._directory, self._running_of(topology))
        except BaseException:
            for host in new.values():
                self._remove_host(host)
            raise

    def _running_of(self, topology: Topology) -> list[str]:
        return [name for name in self._running() if name in topology.hosts]

    def _remove_host(self, host: LabHost) -> None:
        """End a host: its ports are on none then."""
        switch = self._switches.pop(host.name, None)
        if switch is not None:
            switch.halt()
            self._instances.leave(switch, self._topology.ports)
            switch.end()
        physical.remove(host, self._topology, self._directory)
        underlay.remove_host(host, self._directory)

    def plug(self, port: str, host: str) -> None:
        """Put a port on a host or plain switch, wherever it is now."""
        found = self._port(port)
        switch = self._plain_switch(host) if found.switch else self._host(host)
        self._instances.plug(found, switch)

    def unplug(self, port: str) -> None:
        """Take a port off its host."""
        self._instances.unplug(self._port(port))

    def join(self, port: str, host: str) -> None:
        """Plug a port in on a second host too."""
        self._instances.join(self._port(port), self._host(host))

    def hand_over(self, port: str) -> None:
        """Let a port's instance speak from its second host from now on."""
        self._instances.hand_over(self._port(port))

    def part(self, port: str) -> None:
        """Take a port off the host that its instance does not speak from."""
        self._instances.part(self._port(port))

    def start_switch(self, host: str) -> None:
        """Start ovs-vswitchd of a host, and wait until the host is back in the underlay; or of a plain switch."""
        self._switch(host).start()
        self._switch(host).ready()
        self.announce()

    def stop_switch(self, host: str) -> None:
        """Stop ovs-vswitchd of a host or plain switch in the orderly way."""
        self._switch(host).stop()

    def restart_switch(self, host: str) -> None:
        """Stop and start ovs-vswitchd of a host or plain switch."""
        self.stop_switch(host)
        self.start_switch(host)

    def controller_pid(self) -> int | None:
        """The controller's pid inside the lab, None while it does not run."""
        return self._controller.pid if self._controller else None

    def _port(self, name: str) -> LabPort:
        if name not in self._topology.ports:
            raise LabError(f"there is no port '{name}' in this lab{did_you_mean(name, list(self._topology.ports))}")
        return self._topology.ports[name]

    def _declared(self, port: LabPort) -> OpenVSwitch | None:
        """Where the model says that a port is plugged in."""
        if port.switch is not None:
            return self._plain[port.switch]
        return self._switches[port.host] if port.host is not None else None

    def _switch(self, name: str) -> OpenVSwitch:
        return self._plain[name] if name in self._plain and name not in self._switches else self._host(name)

    def _host(self, name: str) -> Switch:
        if name not in self._switches:
            raise LabError(f"there is no host '{name}' in this lab{did_you_mean(name, list(self._switches))}")
        return self._switches[name]

    def _plain_switch(self, name: str) -> PlainSwitch:
        if name not in self._plain:
            raise LabError(f"there is no switch '{name}' in this lab{did_you_mean(name, list(self._plain))}")
        return self._plain[name]
