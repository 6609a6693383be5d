"""Keeps the integration bridge as the host contract wants it, writing only what differs.

Columns and their meaning: ovs-vswitchd.conf.db(5). The controller owns the integration bridge, its controller, its
table names, the tunnel port, and the ports to physical networks that it put there. Of an instance's interface it owns
``ofport_request`` while that is unset, and two keys of ``external_ids``. Everything else on the host is its owner's.
"""

from typing import get_args

from controller.ovsdb.contract.physical import keep_physical, pin_physical
from controller.ovsdb.contract.settings import HostSettings
from controller.ovsdb.contract.writer import Writer
from controller.ovsdb.database.columns import Row
from controller.ovsdb.database.host_database import BOUND_MARK, BOUND_ROW, HostDatabase, datapath_type
from flows.model.contract import INTEGRATION_BRIDGE, TUNNEL_OFPORT, tunnel_port
from flows.model.objects.host import Encapsulation

PROTOCOLS = [f"OpenFlow1{minor}" for minor in range(6)]
"""All of them, whatever this version enables by itself: the controller offers 1.4, a plain ``ovs-ofctl`` 1.0."""

MAX_BACKOFF = 1000
"""Milliseconds between the switch's attempts to connect to the controller: the shortest that Open vSwitch allows.

Open vSwitch 3.1 gives it, and ``INACTIVITY_PROBE``, to a connection that stands when it looks at its database; a new
target begins with 8 and 5 seconds. So a new serial number is written for each session (ADR 5).
"""

INACTIVITY_PROBE = 15000
"""Milliseconds of silence until the switch sends an echo request; after as many more it closes the connection. A
controller that gets no processor time keeps its switches for so long. Nothing is lost by that: a switch that does not
know yet that its session has ended is made to connect again (``dial``).
"""

PACKETS_PER_SECOND, BURST = 1000, 250
"""How many packets a switch sends to the controller in a second, and how many more at once or waiting.

Open vSwitch gives each of its ports an equal share, and of what is too much the port with the longest queue loses
(ovs-vswitchd.conf.db(5), ``controller_rate_limit``).
"""

SERIAL = "dp-sn"
"""Key of ``Bridge:other_config``: the serial number that the switch shows over OpenFlow."""

FLOW_RESTORE_WAIT = "flow-restore-wait"
"""Key of ``Open_vSwitch:other_config``: a switch that starts with it set keeps the datapath's old flows at work."""

_TUNNEL_OPTIONS = {"remote_ip": "flow", "key": "flow"}
"""Both come from the flow. All else is Open vSwitch's default, on purpose. No ``csum``: in GRE it would cost four bytes
of every instance's MTU, and the userspace datapath would compute it over every packet. The packet inside has a checksum
of its own. ``df_default`` stays true: instances know their MTU, and outer fragments lose packets silently. No
``local_ip``: the host has one tunnel address, and the routing towards the underlay chooses it.
"""


def keep_contract(seen: HostDatabase, settings: HostSettings, write: Writer) -> Row | None:
    """Writes what differs on the integration bridge, and returns it.

    None, and nothing written, when a port of its name is on another bridge.
    """
    if seen.integration is None and INTEGRATION_BRIDGE in seen.elsewhere:
        return None
    bridge = seen.integration or _new_bridge(seen, write)
    wanted_type = _datapath_type(seen)
    if getattr(bridge, "datapath_type", None) is None or datapath_type(bridge) != wanted_type:
        write.put(bridge, "datapath_type", wanted_type, INTEGRATION_BRIDGE)
    write.put(bridge, "fail_mode", ["secure"], INTEGRATION_BRIDGE)
    write.put(bridge, "protocols", PROTOCOLS, INTEGRATION_BRIDGE)
    write.put_key(bridge, "other_config", "datapath-id", f"{settings.datapath_id:016x}", INTEGRATION_BRIDGE)
    write.put_key(bridge, "other_config", "disable-in-band", "true", INTEGRATION_BRIDGE)
    _keep_controller(bridge, settings, write)
    _keep_table_names(bridge, settings, write)
    _keep_tunnel(seen, bridge, settings, write)
    keep_physical(seen, bridge, settings, write)
    return bridge


def keep_serial(seen: HostDatabase, bridge: Row, serial: str, write: Writer) -> None:
    """The serial number that the switch shows, and a request for ovs-vswitchd to say once it has read it."""
    if getattr(bridge, "other_config", {}).get(SERIAL) == serial:
        return
    write.put_key(bridge, "other_config", SERIAL, serial, INTEGRATION_BRIDGE)
    write.ask_to_be_read(seen.switch)


def dial(seen: HostDatabase, bridge: Row, settings: HostSettings, write: Writer) -> None:
    """Makes the switch connect to the controller now; otherwise its next attempt comes 1 to 8 seconds later. Another
    spelling of the same address does it, and keeps the flows. To a controller that is just added the switch connects
    anyway.
    """
    spellings = _spellings(settings.controller)
    for row in getattr(bridge, "controller", []):
        other = next((spelling for spelling in spellings if spelling != row.target), spellings[0])
        write.put(row, "target", other, f"{INTEGRATION_BRIDGE} controller")
    write.ask_to_be_read(seen.switch)


def other_number(seen: HostDatabase, settings: HostSettings) -> int | None:
    """The tunnel port's number, when it is not the one that is asked for."""
    tunnel = seen.interfaces.by_name.get(tunnel_port(settings.encapsulation))
    if tunnel is None or tunnel.ofport_request != TUNNEL_OFPORT or tunnel.ofport == TUNNEL_OFPORT:
        return None
    return tunnel.ofport


def ask_for_no_number(seen: HostDatabase, settings: HostSettings, write: Writer) -> None:
    """Takes back the number that the tunnel port must have; the next look repairs that.

    Open vSwitch 3.1 may leave a wrong number in its database, when another one is asked for while it still writes the
    first. With the next change of anything it writes the true one.
    """
    tunnel = seen.interfaces.by_name.get(tunnel_port(settings.encapsulation))
    if tunnel is not None:
        write.put(tunnel.row, "ofport_request", [], tunnel.name)


def keep_instances(seen: HostDatabase, settings: HostSettings, write: Writer) -> None:
    """Pins the port number of each instance's interface, and marks those that the host has.

    The number that the switch gave is asked for from then on. A switch that restarts might give its ports other
    numbers, and flows with the old number would then reach another tenant's port.
    """
    pin_physical(seen, settings, write)
    interfaces = seen.interfaces
    for name, interface in sorted(interfaces.unpinned.items()):
        interface.row.verify("ofport")
        interface.row.verify("ofport_request")
        write.put(interface.row, "ofport_request", [interface.ofport], name)
    if settings.bound is None:
        return
    wanted = {interfaces.taken[port].name: port for port in settings.bound & interfaces.taken.keys()}
    for name in sorted({name for name, _ in wanted.items() ^ interfaces.marks.items()}):
        interface = interfaces.by_name[name]
        if name in wanted:
            write.put_key(interface.row, "external_ids", BOUND_MARK, wanted[name], name)
            write.put_key(interface.row, "external_ids", BOUND_ROW, str(interface.row.uuid), name)
        else:
            write.drop_key(interface.row, "external_ids", BOUND_MARK, name)
            write.drop_key(interface.row, "external_ids", BOUND_ROW, name)


def open_anew(seen: HostDatabase, write: Writer) -> None:
    """Makes the switch open the ports again of which it has a device that is gone. They must get another number for
    that.

    Without a number in ``ofport_request`` the port is not pinned yet, and is left to the next look.
    """
    interfaces = seen.interfaces
    stale = [interfaces.by_name[name] for name in sorted(seen.stale & interfaces.by_name.keys())]
    waiting = [one for one in stale if one.claims and one.ofport == one.ofport_request]
    if not waiting:
        return
    numbers = (number for one in interfaces.by_name.values() for number in (one.ofport, one.ofport_request))
    free = 1 + max(number for number in numbers if number is not None and number < TUNNEL_OFPORT)
    for number, interface in enumerate(waiting, free):
        if number < TUNNEL_OFPORT:
            write.put(interface.row, "ofport_request", [number], f"{interface.name} (its device was made again)")


def end_flow_restore(seen: HostDatabase, write: Writer) -> None:
    """Lets the switch forward by its present flows again."""
    write.drop_key(seen.switch, "other_config", FLOW_RESTORE_WAIT, "Open_vSwitch")


def _new_bridge(seen: HostDatabase, write: Writer) -> Row:
    seen.switch.verify("bridges")  # another controller may be making it at this moment
    bridge = write.add("Bridge", f"bridge {INTEGRATION_BRIDGE}")
    bridge.name = INTEGRATION_BRIDGE
    bridge.ports = [write.add_port(INTEGRATION_BRIDGE, "internal")]
    seen.switch.addvalue("bridges", bridge)
    return bridge


def _datapath_type(seen: HostDatabase) -> str:
    """The host's owner chose it on the physical bridge, where tunnels leave; patch ports do not join two types.

    Without that bridge the present type stays: its owner may be making it again, and a change stops all traffic. If the
    switch does not offer the type, it changes. An empty offer means that the switch has never run.
    """
    if seen.physical is not None:
        return datapath_type(seen.physical)
    offer = seen.switch.datapath_types
    present = "system" if seen.integration is None else datapath_type(seen.integration)
    return present if present in offer or not offer else next(t for t in ("system", "netdev", *offer) if t in offer)


def has_taken(seen: HostDatabase, serial: str) -> bool:
    """Whether the host's ovs-vswitchd has read all that was written with a serial number."""
    bridge = seen.integration
    if bridge is None or bridge.other_config.get(SERIAL) != serial:
        return False
    return bool(seen.switch.cur_cfg >= seen.switch.next_cfg)


def _keep_controller(bridge: Row, settings: HostSettings, write: Writer) -> None:
    """Set exactly one controller. In between there is always one: a switch that loses its last one drops all flows."""
    rows = getattr(bridge, "controller", [])
    spellings = _spellings(settings.controller)
    row = min(rows, key=lambda r: (r.target not in spellings, r.uuid), default=None)
    target = row.target if row is not None and row.target in spellings else settings.controller
    if row is None:
        row = write.add("Controller", f"controller of {INTEGRATION_BRIDGE}")
    if rows != [row]:
        bridge.controller = [row]
        for other in rows:
            if other != row:
                write.changes.append(f"controller {other.target} of {INTEGRATION_BRIDGE} removed")
    name = f"{INTEGRATION_BRIDGE} controller"
    write.put(row, "target", target, name)
    write.put(row, "max_backoff", [MAX_BACKOFF], name)
    write.put(row, "inactivity_probe", [INACTIVITY_PROBE], name)
    write.put(row, "connection_mode", ["out-of-band"], name)
    write.put(row, "controller_rate_limit", [PACKETS_PER_SECOND], name)
    write.put(row, "controller_burst_limit", [BURST], name)


def _spellings(target: str) -> tuple[str, ...]:
    """``tcp:IP:PORT`` and ``tcp:[IP]:PORT`` are the same to Open vSwitch."""
    parts = target.split(":")
    return (target, f"{parts[0]}:[{parts[1]}]:{parts[2]}") if len(parts) == 3 else (target,)


def _keep_table_names(bridge: Row, settings: HostSettings, write: Writer) -> None:
    """Only the name: limits and prefixes that the host's owner gave a table stay."""
    present: dict[int, Row] = getattr(bridge, "flow_tables", {})
    wanted = dict(settings.table_names)
    for number in sorted(present.keys() - wanted.keys()):
        write.put(present[number], "name", [], f"{INTEGRATION_BRIDGE} table {number}")
    for number, name in wanted.items():
        row = present.get(number)
        if row is None:
            row = write.add("Flow_Table", f"{INTEGRATION_BRIDGE} table {number}")
            bridge.setkey("flow_tables", number, row)
        write.put(row, "name", [name], f"{INTEGRATION_BRIDGE} table {number}")


def _keep_tunnel(seen: HostDatabase, bridge: Row, settings: HostSettings, write: Writer) -> None:
    wanted = tunnel_port(settings.encapsulation)
    others = {tunnel_port(encapsulation) for encapsulation in get_args(Encapsulation)} - {wanted}
    for name in others & seen.ports.keys():
        write.remove(bridge, "ports", seen.ports[name], f"port {name}")
    port = seen.ports.get(wanted)
    if port is None:
        if wanted in seen.elsewhere:
            return
        bridge.verify("ports")
        port = write.add_port(wanted, settings.encapsulation)
        bridge.addvalue("ports", port)
    if getattr(port, "protected", False):
        write.put(port, "protected", False, wanted)
    interface = port.interfaces[0]
    write.put(interface, "type", settings.encapsulation, wanted)
    write.put(interface, "options", _TUNNEL_OPTIONS, wanted)
    write.put(interface, "ofport_request", [TUNNEL_OFPORT], wanted)
