"""What a host must be like (docs/host-contract.md), one check for each subject."""

import re
from collections.abc import Callable, Iterator, Sequence

from controller.inspect.checkup.finding import Finding
from controller.inspect.checkup.host_state import Bridge, HostState
from flows.model import Network
from flows.model.contract import INTEGRATION_BRIDGE, OVSDB_PORT, PHYSICAL_BRIDGE, datapath_id, tunnel_port
from flows.model.host_rules import RULES_FILE
from flows.model.objects.host import Host
from flows.openflow.flow import COOKIE_OWNER
from flows.openflow.learn import LEARNED_OWNER

OLDEST = (3, 1)
"""The oldest Open vSwitch that the project is tested with."""

_OURS = (f"{COOKIE_OWNER:02x}", f"{LEARNED_OWNER:02x}")


def check(seen: HostState, network: Network, host: Host | None, *, is_reached: bool) -> list[Finding]:
    """Everything that is wrong on the host.

    ``host``: the one that it is in the network, if it is in it yet. ``is_reached``: a controller has a session with
    its database.
    """
    reach = [] if is_reached else list(_reach(seen, host))
    return [*reach, *(finding for one in _CHECKS for finding in one(seen, network, host))]


def _version(seen: HostState, network: Network, host: Host | None) -> Iterator[Finding]:
    found = re.match(r"(\d+)\.(\d+)", seen.version or "")
    if found is None:
        yield Finding("unchecked", "the database does not say which Open vSwitch runs", "ovs-vswitchd --version")
    elif (int(found[1]), int(found[2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        what = f"Open vSwitch {seen.version} is older than {oldest}, the oldest that this is tested with"
        yield Finding("error", what, "apt-get install openvswitch-switch")


def _answers(seen: HostState, network: Network, host: Host | None) -> Iterator[Finding]:
    """Whether ovs-vswitchd runs and answers."""
    if seen.is_silent:
        what = "ovs-vswitchd hangs: it does not answer"
        yield Finding("error", what, "systemctl restart openvswitch-switch")
    elif seen.switch["cur_cfg"] < seen.switch["next_cfg"]:
        what = "ovs-vswitchd has not applied what was written here; if this lasts, it hangs or has another database"
        yield Finding("warning", what, "ovs-appctl version; systemctl restart openvswitch-switch")


def _datapath(seen: HostState, network: Network, host: Host | None) -> Iterator[Finding]:
    types, tunnels = seen.switch["datapath_types"], seen.switch["iface_types"]
    if not types:
        yield Finding("error", "ovs-vswitchd does not run", "systemctl start openvswitch-switch")
        return
    if network.encapsulation not in tunnels:
        what = f"the switch offers no {network.encapsulation} tunnels"
        yield Finding("error", what, f"modprobe vport-{network.encapsulation}")
    if seen.physical is None:
        add = f"ovs-vsctl add-br {PHYSICAL_BRIDGE} -- add-port {PHYSICAL_BRIDGE} NIC"
        yield Finding("error", f"there is no bridge {PHYSICAL_BRIDGE}, which holds the NIC and the tunnel address", add)
        return
    wanted = seen.physical.datapath_type
    if wanted not in types:
        what = f"{PHYSICAL_BRIDGE} wants the datapath '{wanted}', which the switch does not offer"
        yield Finding("error", what, f"ovs-vsctl set Bridge {PHYSICAL_BRIDGE} datapath_type=netdev")
    if seen.integration is not None and seen.integration.datapath_type != wanted:
        what = f"{INTEGRATION_BRIDGE} has another datapath type than {PHYSICAL_BRIDGE}: no packet gets across"
        yield Finding("error", what, f"ovs-vsctl set Bridge {INTEGRATION_BRIDGE} datapath_type={wanted}")


def _zones(seen: HostState, network: Network, host: Host | None) -> Iterator[Finding]:
    """Whether each port can have a table of connections of its own, which security groups need."""
    bridge = seen.integration or seen.physical
    if bridge is None or seen.is_silent or not seen.switch["datapath_types"]:
        return
    if seen.has_zones is None:
        what = "not checked, because the database does not say it: whether connections can be tracked in zones"
        yield Finding("unchecked", what, f"ovs-appctl dpif/show-dp-features {bridge.name} | grep 'CT zone'")
    elif not seen.has_zones:
        what = (
            f"the datapath '{bridge.datapath_type}' has no conntrack zones: rules that follow connections, such as "
            "security groups and NAT, cannot work on this host"
        )
        mend = "install a kernel that has CONFIG_NF_CONNTRACK_ZONES, as those of the distributions do"
        yield Finding("error" if network.security_groups else "warning", what, mend)


def _nic(seen: HostState, network: Network, host: Host | None) -> Iterator[Finding]:
    """The NIC in the underlay, and whether full-size tunnel packets fit through it."""
    if seen.physical is None:
        return
    nics = [row for row in seen.physical.interfaces if row["name"] != PHYSICAL_BRIDGE and row["type"] != "patch"]
    if not nics:
        what = f"{PHYSICAL_BRIDGE} has no NIC: nothing gets to other hosts"
        yield Finding("error", what, f"ovs-vsctl add-port {PHYSICAL_BRIDGE} NIC")
    if "hwaddr" not in seen.physical.row["other_config"]:
        what = f"the MAC address of {PHYSICAL_BRIDGE} may change when it restarts"
        nic = nics[0]["name"] if nics else "NIC"
        mend = f'ovs-vsctl set Bridge {PHYSICAL_BRIDGE} other_config:hwaddr=\\"$(cat /sys/class/net/{nic}/address)\\"'
        yield Finding("warning", what, mend)
    needed = network.underlay.mtu
    for row in seen.physical.interfaces:
        if isinstance(row["mtu"], int) and row["mtu"] < needed:
            what = (
                f"{row['name']} carries packets of {row['mtu']} bytes; instances may send {network.instance_mtu}, "
                f"which are {needed} in a {network.encapsulation} tunnel"
            )
            yield Finding("error", what, f"ovs-vsctl set Interface {row['name']} mtu_request={needed}")
        if row in nics and row["link_state"] == "down":
            yield Finding("error", f"{row['name']} has no link", f"ip link set {row['name']} up")


def _reach(seen: HostState, host: Host | None) -> Iterator[Finding]:
    """Whether a controller on another machine could reach the database."""
    if not any(target.startswith(("ptcp:", "pssl:")) for target in seen.managers):
        what = "the database listens on no TCP port, so a controller on another machine cannot reach it"
        yield Finding("warning", what, f"ovs-vsctl set-manager ptcp:{OVSDB_PORT}:{_address(host)}")


def _address(host: Host | None) -> str:
    return str(host.tunnel_ip) if host else "ADDRESS"


def _others(seen: HostState, network: Network, host: Host | None) -> Iterator[Finding]:
    """What another controller left, or still does."""
    for target in seen.managers:
        if not target.startswith(("ptcp:", "punix:", "pssl:")):
            what = f"the database connects to another manager, {target}, which may change it at any time"
            yield Finding("warning", what, f"ovs-vsctl set-manager ptcp:{OVSDB_PORT}:{_address(host)}")
    for key in ("ovn-remote", "ovn-encap-ip", "ovn-encap-type"):
        if key in seen.switch["external_ids"]:
            what = f"Open_vSwitch external_ids:{key} is set: OVN's controller would program {INTEGRATION_BRIDGE} too"
            yield Finding(
                "error", what, f"systemctl stop ovn-controller; ovs-vsctl remove Open_vSwitch . external_ids {key}"
            )
    for bridge in seen.bridges.values():
        if bridge.name != INTEGRATION_BRIDGE:
            for controller in bridge.controllers:
                what = f"bridge {bridge.name} has a controller of its own, {controller['target']}"
                yield Finding("warning", what, f"ovs-vsctl del-controller {bridge.name}")
        elif len(bridge.controllers) > 1:
            targets = ", ".join(sorted(str(controller["target"]) for controller in bridge.controllers))
            what = f"{INTEGRATION_BRIDGE} has several controllers: {targets}; ours removes the others when it connects"
            yield Finding("error", what, f"ovs-vsctl del-controller {INTEGRATION_BRIDGE}")


def _flows(seen: HostState, network: Network, host: Host | None) -> Iterator[Finding]:
    if seen.integration is None:
        return
    if seen.flows is None:
        if seen.is_silent:
            return
        what = "not checked: whether others have flows in the switch; the database does not say that"
        yield Finding("unchecked", what, f"ovs-ofctl dump-flows {INTEGRATION_BRIDGE} | ovs-vpc explain")
        return
    cookies = re.findall(r"cookie=0x([0-9a-f]+)", seen.flows)
    foreign = {cookie for cookie in cookies if len(cookie) != 16 or cookie[:2] not in _OURS}
    # A new bridge without a controller switches by one flow of its own.
    if foreign and not (len(cookies) == 1 and "actions=NORMAL" in seen.flows):
        number = sum(cookie in foreign for cookie in cookies)
        them = "1 flow that is not ours; it" if number == 1 else f"{number} flows that are not ours; they"
        what = f"{INTEGRATION_BRIDGE} has {them} can take packets away from ours"
        mend = "; ".join(f"ovs-ofctl del-flows {INTEGRATION_BRIDGE} cookie=0x{one}/-1" for one in sorted(foreign)[:5])
        yield Finding("error", what, mend)


def _contract(seen: HostState, network: Network, host: Host | None) -> Iterator[Finding]:
    """Settings that break the contract. The controller repairs most of them by itself once it is connected."""
    if seen.switch["other_config"].get("flow-restore-wait") == "true":
        what = "flow-restore-wait is set: a switch that starts connects to no controller until it is cleared"
        yield Finding("error", what, "ovs-vsctl remove Open_vSwitch . other_config flow-restore-wait")
    tunnel = tunnel_port(network.encapsulation)
    for bridge in seen.bridges.values():
        for row in bridge.interfaces:
            if bridge.name != INTEGRATION_BRIDGE and row["name"] in (INTEGRATION_BRIDGE, tunnel):
                what = f"bridge {bridge.name} has a port {row['name']}, a name that {INTEGRATION_BRIDGE} needs"
                yield Finding("error", what, f"ovs-vsctl del-port {bridge.name} {row['name']}")
            elif bridge.name != INTEGRATION_BRIDGE and row["type"] == network.encapsulation:
                what = (
                    f"bridge {bridge.name} has a {row['type']} tunnel too, {row['name']}: it can take packets of ours"
                )
                yield Finding("warning", what, f"ovs-vsctl del-port {bridge.name} {row['name']}")
            if row["error"]:
                what = f"the switch cannot use interface {row['name']}: {row['error']}"
                yield Finding("error", what, f"ovs-vsctl del-port {bridge.name} {row['name']}")
    yield from _integration(seen, tunnel, host)


def _integration(seen: HostState, tunnel: str, host: Host | None) -> Iterator[Finding]:
    bridge = seen.integration
    if bridge is None:
        return
    known = {INTEGRATION_BRIDGE, tunnel, *(host.physical.values() if host else ())}
    for row in bridge.interfaces:
        if row["name"] not in known and "iface-id" not in row["external_ids"]:
            what = f"{row['name']} is on {INTEGRATION_BRIDGE} without external_ids:iface-id: its packets are dropped"
            mend = f"ovs-vsctl set Interface {row['name']} external_ids:iface-id=PORT"
            yield Finding("warning", what, f"{mend}, or ovs-vsctl del-port {INTEGRATION_BRIDGE} {row['name']}")
    yield from _rivals(bridge)
    config = bridge.row["other_config"]
    wanted = {"disable-in-band": "true"} | ({"datapath-id": f"{datapath_id(host.name):016x}"} if host else {})
    settings = [
        (f"fail_mode={bridge.row['fail_mode'] or '(not set)'}", "fail_mode=secure", bridge.row["fail_mode"] == "secure")
    ]
    settings += [
        (f"{k}={config.get(k, '(not set)')}", f"other_config:{k}={v}", config.get(k) == v) for k, v in wanted.items()
    ]
    for found, right, is_right in settings:
        if not is_right:
            what = f"{INTEGRATION_BRIDGE} has {found}; the controller repairs it once it is connected"
            yield Finding("warning", what, f"ovs-vsctl set Bridge {INTEGRATION_BRIDGE} {right}")


def _rivals(bridge: Bridge) -> Iterator[Finding]:
    """Interfaces that say they are the same port."""
    claims: dict[str, list[str]] = {}
    for row in bridge.interfaces:
        if "iface-id" in row["external_ids"]:
            claims.setdefault(row["external_ids"]["iface-id"], []).append(row["name"])
    for port, names in claims.items():
        if len(names) > 1:
            what = f"several interfaces say that they are port {port}: {', '.join(names)}; one gets its packets"
            mend = "ovs-vsctl remove Interface NAME external_ids iface-id, for all of them but one"
            yield Finding("error", what, mend)


def _kernel(seen: HostState, network: Network, host: Host | None) -> Iterator[Finding]:
    """Whether the host's own network stack is kept off what instances send."""
    if seen.kernel is None:
        what = "not tried: whether its kernel takes in what instances send; that needs root on the host itself"
        yield Finding("unchecked", what, "sudo ovs-vpc doctor --db unix:/run/openvswitch/db.sock")
        return
    taken = [f"takes in {_listed(seen.kernel.takes)}"] if seen.kernel.takes else []
    taken += [f"forwards {_listed(seen.kernel.forwards)}"] if seen.kernel.forwards else []
    if not taken:
        return
    what = f"its kernel {' and '.join(taken)} from interfaces that are not its own"
    mend = f"ovs-vpc host-rules INTERFACE... >{RULES_FILE}; nft -f {RULES_FILE}"
    # On the kernel's own datapath Open vSwitch takes the frames of a bridge's interfaces before the stack sees them.
    if seen.physical is not None and seen.physical.datapath_type == "netdev":
        yield Finding("error", f"{what}: instances can reach it, and what it reaches", mend)
    else:
        yield Finding("warning", f"{what}, such as an instance's while it is on no bridge", mend)


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


_Check = Callable[[HostState, Network, Host | None], Iterator[Finding]]
_CHECKS: tuple[_Check, ...] = (_version, _answers, _datapath, _zones, _nic, _others, _flows, _contract, _kernel)
