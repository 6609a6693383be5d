"""OVN on hosts: the reference. Its defaults, unix sockets throughout."""

import os
from pathlib import Path

from tests.benchmarks.hosts import Hosts
from tests.benchmarks.networks import BenchNetwork, BenchPort
from tests.benchmarks.processes import Daemon, Ran, run
from tests.benchmarks.watching import Watch, until

_SCHEMAS = Path("/usr/share/ovn")
_SECONDS = 900


class OvnCentral:
    """The two databases and ovn-northd, in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()
        self._environment = {**os.environ, "OVN_RUNDIR": str(directory), "OVS_RUNDIR": str(directory)}
        self._daemons = [self._server("nb"), self._server("sb")]
        until(lambda: all((directory / f"{name}.sock").is_socket() for name in ("nb", "sb")), "OVN's databases")
        northd = ["ovn-northd", f"--ovnnb-db={self.target('nb')}", f"--ovnsb-db={self.target('sb')}"]
        self._daemons.append(Daemon([*northd, *self._own("northd")], directory / "northd.out", self._environment))

    def _server(self, name: str) -> Daemon:
        database = self.directory / f"{name}.db"
        run(["ovsdb-tool", "create", str(database), str(_SCHEMAS / f"ovn-{name}.ovsschema")])
        argv = ["ovsdb-server", f"--remote=p{self.target(name)}", str(database), *self._own(name)]
        return Daemon(argv, self.directory / f"{name}.out", self._environment)

    def _own(self, name: str) -> list[str]:
        return [f"--unixctl={self.directory}/{name}.ctl", f"--log-file={self.directory}/{name}.log", "-vconsole:off"]

    def target(self, name: str) -> str:
        """The address of the database ``nb`` or ``sb``."""
        return f"unix:{self.directory}/{name}.sock"

    @property
    def pids(self) -> list[int]:
        return [daemon.pid for daemon in self._daemons]

    def nbctl(self, *arguments: str) -> Ran:
        """Run ``ovn-nbctl``."""
        return run(["ovn-nbctl", f"--db={self.target('nb')}", f"--timeout={_SECONDS}", *arguments])

    def stop(self) -> None:
        for daemon in self._daemons:
            daemon.kill()


class OvnController:
    """ovn-controller of one host, whose Open vSwitch runs in a directory."""

    def __init__(self, run_directory: Path) -> None:
        environment = {**os.environ, "OVN_RUNDIR": str(run_directory), "OVS_RUNDIR": str(run_directory)}
        argv = ["ovn-controller", f"unix:{run_directory}/db.sock", "-vconsole:off"]
        argv += [f"--log-file={run_directory}/ovn-controller.log"]
        self.daemon = Daemon(argv, run_directory / "ovn-controller.out", environment)


def host_settings(name: str, tunnel_ip: str, southbound: str, datapath: str) -> list[str]:
    """What ovs-vsctl is told on a host that joins."""
    values = {
        "system-id": name,
        "ovn-remote": southbound,
        "ovn-encap-type": "geneve",
        "ovn-encap-ip": tunnel_ip,
        # As ovs-vpc, which leaves the checksum of the outer packet out: the userspace datapath would compute it.
        "ovn-encap-csum": "false",
        "ovn-bridge-datapath-type": datapath,
    }
    settings = [f'external_ids:{key}="{value}"' for key, value in values.items()]
    # On a busy machine ovn-controller needs more than the 10 s of the default for a bundle, and then waits forever.
    return ["set", "Open_vSwitch", ".", *settings, f"other_config:bundle-idle-timeout={_SECONDS}"]


class Ovn:
    """OVN's control plane on some hosts."""

    name = "OVN"

    def __init__(self, hosts: Hosts) -> None:
        self.hosts = hosts
        self._central = OvnCentral(hosts.directory / "ovn")
        self._controllers: dict[str, OvnController] = {}

    def stop(self) -> None:
        """End all processes."""
        for controller in self._controllers.values():
            controller.daemon.kill()
        self._central.stop()

    @property
    def pids(self) -> list[int]:
        """The control plane's processes: databases, ovn-northd, every ovn-controller."""
        return [*self._central.pids, *(controller.daemon.pid for controller in self._controllers.values())]

    @property
    def databases(self) -> list[int]:
        """The servers of databases among them."""
        return self._central.pids[:2]

    def join(self, network: BenchNetwork) -> None:
        """Make the hosts known and wait until they have their integration bridges; make routers, subnets and seeds."""
        for name, switch in self.hosts.switches.items():
            settings = host_settings(name, network.tunnel_ip(name), self._central.target("sb"), "dummy")
            switch.vsctl("--no-wait", *settings)
            self._controllers[name] = OvnController(switch.directory)
        self.hosts.wait_for_bridges()
        words = [word for group in range(network.groups) for word in ("--", "lr-add", f"v{group}")]
        for number in range(network.groups * network.subnets):
            group, cidr, gateway = network.subnet(number)
            words += subnet_words(f"v{group}", f"s{number}", f"{gateway}/{cidr.partition('/')[2]}", number)
        words += [word for port in network.seeds() for word in _port_words(port)]
        self.change(*words)

    def load(self, network: BenchNetwork) -> Ran:
        """Give an empty network all its ports in one transaction; the command ends when all hosts confirmed."""
        return self.change(*(word for port in network.all_ports() for word in _port_words(port)))

    def add(self, network: BenchNetwork) -> Ran:
        """Give the network its last port."""
        return self.change(*_port_words(network.port(network.ports - 1)))

    def change(self, *words: str) -> Ran:
        """Carry out what ovn-nbctl is told; the command ends when all hosts have confirmed."""
        return self._central.nbctl("--wait=hv", *words)

    def are_bound(self, ports: int) -> bool:
        """Whether OVN says of so many ports that they are up."""
        found = self._central.nbctl("--bare", "--columns=name", "find", "Logical_Switch_Port", "up=true", 'type=""')
        return len(found.output.split()) == ports

    def watch_model(self) -> Watch:
        """Watch the number that --wait=hv counts up in the transaction of a change."""
        return Watch(["ovsdb-client", "monitor", self._central.target("nb"), "OVN_Northbound", "NB_Global", "nb_cfg"])

    def restart(self) -> None:
        """Kill ovn-controller of the first host, start it again, and wait until the host has its flows back."""
        host, controller = next(iter(self._controllers.items()))
        before = self.hosts.flows(host)
        controller.daemon.kill()
        controller.daemon.start()
        self._central.nbctl("--wait=hv", "sync")
        until(lambda: self.hosts.flows(host) >= before, "the flows to be back", _SECONDS, 0.01)

    @property
    def restarted(self) -> list[int]:
        """The processes that a restart starts."""
        return [next(iter(self._controllers.values())).daemon.pid]

    @property
    def restarted_hosts(self) -> int:
        """How many hosts these serve."""
        return 1


def subnet_words(router: str, switch: str, gateway: str, number: int) -> list[str]:
    """The part of an ovn-nbctl command that makes a subnet of a router. ``gateway``: its address and prefix length."""
    mac = ":".join(f"{byte:02x}" for byte in (0x0E, 1, *number.to_bytes(4)))
    to_router = f"{switch}-router"
    return [
        *("--", "ls-add", switch, "--", "lrp-add", router, f"{router}-{switch}", mac, gateway),
        *("--", "lsp-add", switch, to_router, "--", "lsp-set-type", to_router, "router"),
        *("--", "lsp-set-addresses", to_router, "router"),
        *("--", "lsp-set-options", to_router, f"router-port={router}-{switch}"),
    ]


def port_words(switch: str, port: str, mac: str, ip: str) -> list[str]:
    """The part of an ovn-nbctl command that makes a port that may use its own addresses only."""
    addresses = f"{mac} {ip}"
    return [
        *("--", "lsp-add", switch, port, "--", "lsp-set-addresses", port, addresses),
        *("--", "lsp-set-port-security", port, addresses),
    ]


def _port_words(port: BenchPort) -> list[str]:
    return port_words(f"s{port.subnet}", port.name, port.mac, port.ip)
