"""Ports with security groups: each table that is asked, with what connection tracking says of packets given by hand."""

from flows.model import GATEWAY_MAC
from tests.scenario import SCENARIOS, load
from tests.trace.case import TUNNEL, Case

_NETWORK = load(SCENARIOS / "security-groups.yaml")
G1 = (_NETWORK, "h1")
_NUMBERS = {name: at for at, name in enumerate((n for n, p in _NETWORK.ports.items() if p.host == "h1"), start=1)}
_VPCS = {"blue": 1, "green": 2, "red": 3}
_SUBNETS = {"web1": 1, "db1": 2, "batch1": 3, "quiet1": 4}

NEW, KNOWN, ANSWER = "new|trk", "est|trk", "est|rpl|trk"
ERROR, ERROR_ABOUT_ANSWER = "rel|rpl|trk", "rel|trk"


Entry = tuple[str, str]
"""A packet, and the actions by which it enters."""


def _case(name: str, entry: Entry, ends: str, out: list[str] | None = None, through: str = "") -> Case:
    packet, enter = entry
    return Case(name, G1, packet, ends, out or [], {}, enter, through=through)


def _sent(port: str, packet: str) -> Entry:
    """What a port sends, as it comes out of connection tracking."""
    vpc = _VPCS[_NETWORK.vpc_ports[port].vpc]
    registers = f"set_field:{vpc}->reg0,set_field:{_SUBNETS[port]}->reg1,set_field:{_NUMBERS[port]}->reg8"
    return f"in_port={_NUMBERS[port]},{packet}", f"{registers},resubmit(,37)"


def _got(port: str, packet: str) -> Entry:
    """What is for a port, as it comes out of connection tracking."""
    number, vpc = _NUMBERS[port], _VPCS[_NETWORK.vpc_ports[port].vpc]
    registers = f"set_field:{vpc}->reg0,set_field:{_SUBNETS[port]}->reg1,set_field:{number}->reg2"
    packet = f"in_port={TUNNEL},tun_src=192.0.2.2,{packet}"
    return packet, f"{registers},set_field:{number}->reg8,resubmit(,53)"


def _ip(kind: str, state: str, source: str, to: str, more: str = "") -> str:
    return f"{kind},ct_state={state},nw_src={source},nw_dst={to},nw_ttl=64{more}"


def _tuple(proto: int, source: str, to: str, source_port: int, port: int) -> str:
    """The connection as its first packet named it."""
    return f",ct_nw_proto={proto},ct_nw_src={source},ct_nw_dst={to},ct_tp_src={source_port},ct_tp_dst={port}"


def _whole(port: str, to: str) -> str:
    """A packet as an instance sends it."""
    sender = _NETWORK.vpc_ports[port]
    macs = f"dl_src={sender.mac},dl_dst={GATEWAY_MAC}"
    return f"in_port={_NUMBERS[port]},tcp,{macs},nw_src={sender.address},nw_dst={to},nw_ttl=64,tp_dst=80"


_WEB1, _DB1, _DB2, _WEB2 = "10.0.1.11", "10.0.2.21", "10.0.2.22", "10.0.1.12"
_BATCH1, _BATCH2, _PLAIN1, _QUIET1, _QUIET2 = "10.9.0.31", "10.9.0.32", "10.0.1.200", "10.0.1.11", "10.0.1.12"

CASES = [
    # who is tracked
    # The trace goes on with packets that are new. What it tells of ports there is not read.
    Case(
        "groups: same subnet",
        G1,
        _whole("web1", _WEB2),
        "out by the tunnel port",
        through="from a port with security groups: tracked",
    ),
    Case(
        "groups: another subnet",
        G1,
        _whole("web1", _DB2),
        "out by the tunnel port",
        through="from a port with security groups: tracked",
    ),
    Case(
        "groups: sender without any",
        G1,
        _whole("plain1", _WEB1),
        "out by web1",
        through="for a port with security groups: tracked",
    ),
    Case(
        "groups: neither has any",
        G1,
        _whole("plain1", "10.0.2.50"),
        "out by the tunnel port",
        [TUNNEL],
        through="from a port without security groups",
    ),
    # what the sender's groups say
    _case(
        "groups: from web, open",
        _sent("web1", _ip("tcp", NEW, _WEB1, _WEB2, ",tp_dst=80")),
        ends="out by the tunnel port",
        out=[TUNNEL],
        through="web1 is in web, and may reach anybody",
    ),
    _case(
        "groups: known already",
        _sent("web1", _ip("tcp", KNOWN, _WEB1, _WEB2, ",ct_mark=1,tp_dst=80")),
        ends="out by the tunnel port",
        out=[TUNNEL],
        through="allowed by the sender's groups",
    ),
    _case(
        "groups: out is closed",
        _sent("quiet1", _ip("tcp", NEW, _QUIET1, _QUIET2, ",tp_dst=80")),
        ends="no rule 'out' of the security groups of quiet1 (quiet) allows this; logged by the controller",
    ),
    _case(
        "groups: in is open, answer",
        _sent("quiet1", _ip("tcp", ANSWER, _QUIET1, _QUIET2, _tuple(6, _QUIET2, _QUIET1, 5000, 80))),
        ends="out by quiet2",
        out=["6"],
        through="no group of the port says who may reach it",
    ),
    _case(
        "groups: without any rules",
        _sent("batch1", _ip("udp", NEW, _BATCH1, _BATCH2, ",udp_dst=9")),
        ends="out by the tunnel port",
        out=[TUNNEL],
        through="batch1 is in batch, which have no rules",
    ),
    _case(
        "groups: out to a member",
        _sent("db1", _ip("udp", NEW, _DB1, _WEB2, ",udp_dst=8126")),
        ends="out by the tunnel port",
        out=[TUNNEL],
        through="to 10.0.1.12 of VPC blue: a member of web",
    ),
    _case(
        "groups: out to no member",
        _sent("db1", _ip("udp", NEW, _DB1, _PLAIN1, ",udp_dst=8126")),
        ends="no security group of db1 (db) allows it to reach somebody",
        through="of none that a rule names",
    ),
    _case(
        "groups: out to a peer",
        _sent("db1", _ip("icmp", NEW, _DB1, _BATCH2, ",icmp_type=13")),
        ends="out by the tunnel port",
        out=[TUNNEL],
        through="from blue/back to 10.9.0.32 of a peer",
    ),
    _case(
        "groups: out to a range",
        _sent("db1", _ip("tcp", NEW, _DB1, _WEB2, ",tp_dst=22")),
        ends="out by the tunnel port",
        out=[TUNNEL],
        through="db admits connections to 10.0.1.0/26: allowed",
    ),
    _case(
        "groups: out to no range",
        _sent("db1", _ip("tcp", NEW, _DB1, _PLAIN1, ",tp_dst=22")),
        ends="no security group of db1 (db) allows it to reach somebody",
        through="it does not",
    ),
    _case(
        "groups: answer to a peer's ICMP",
        _sent("db1", _ip("icmp", ANSWER, _DB1, _BATCH2, ",icmp_type=0" + _tuple(1, _BATCH2, _DB1, 13, 0))),
        ends="no security group of db1 (db) allows somebody to reach it",
    ),
    _case(
        "groups: invalid from a port",
        _sent("db1", _ip("tcp", "inv|trk", _DB1, _WEB1, ",tp_dst=22")),
        ends="from a port with security groups, and neither of a connection",
    ),
    _case(
        "groups: not tracked",
        _sent("db1", "tcp,nw_src=10.0.2.21,nw_dst=10.0.1.11"),
        ends="from a port with security groups, not tracked",
    ),
    _case(
        "groups: error about an answer, sent",
        _sent("db1", _ip("icmp", ERROR_ABOUT_ANSWER, _DB1, _WEB2, ",icmp_type=3")),
        ends="out by the tunnel port",
        out=[TUNNEL],
        through="an ICMP error about answers that the sender got",
    ),
    _case(
        "groups: error, sent",
        _sent("web1", _ip("icmp", ERROR, _WEB1, _WEB2, ",icmp_type=3" + _tuple(6, _WEB2, _WEB1, 5000, 80))),
        ends="out by the tunnel port",
        out=[TUNNEL],
        through="connection: web may be reached for tcp 80: anybody",
    ),
    # what the receiver's groups say
    _case(
        "groups: to web",
        _got("web1", _ip("tcp", NEW, _PLAIN1, _WEB1, ",tp_dst=8003")),
        ends="out by web1",
        out=["1"],
        through="web may be reached for tcp 8000-8003: anybody",
    ),
    _case(
        "groups: known to web",
        _got("web1", _ip("tcp", KNOWN, _PLAIN1, _WEB1, ",ct_mark=1,tp_dst=80")),
        ends="out by web1",
        out=["1"],
        through="allowed by the receiver's groups",
    ),
    _case(
        "groups: closed port",
        _got("web1", _ip("tcp", NEW, _PLAIN1, _WEB1, ",tp_dst=8006")),
        ends="no security group of web1 (web) allows somebody to reach it",
        through="the group admits nobody for it",
    ),
    _case(
        "groups: ping",
        _got("web1", _ip("icmp", NEW, _PLAIN1, _WEB1, ",icmp_type=8")),
        ends="out by web1",
        out=["1"],
        through="web may be reached for ICMP type 8 code 0: anybody",
    ),
    _case(
        "groups: answer to a ping",
        _sent("web1", _ip("icmp", ANSWER, _WEB1, _WEB2, ",icmp_type=0" + _tuple(1, _WEB2, _WEB1, 8, 0))),
        ends="out by the tunnel port",
        out=[TUNNEL],
        through="connection: web may be reached for ICMP type 8 code 0: anybody",
    ),
    _case(
        "groups: from a range",
        _got("web1", _ip("icmp", NEW, _DB2, _WEB1, ",icmp_type=13")),
        ends="out by web1",
        out=["1"],
        through="web admits 10.0.2.0/25: allowed",
    ),
    _case(
        "groups: from a member",
        _got("db1", _ip("tcp", NEW, _WEB2, _DB1, ",tp_dst=5432")),
        ends="out by db1",
        out=["2"],
        through="db admits members and addresses: batch, db, web, 10.0.1.128/25",
    ),
    _case(
        "groups: from a peer's member",
        _got("db1", _ip("udp", NEW, _BATCH2, _DB1, ",udp_dst=5432")),
        ends="out by db1",
        out=["2"],
        through="to blue/back from 10.9.0.32 of a peer",
    ),
    _case(
        "groups: from a member, everything",
        _got("db1", _ip("tcp", NEW, _DB2, _DB1, ",tp_dst=9")),
        ends="out by db1",
        out=["2"],
        through="db may be reached for everything else: db",
    ),
    _case(
        "groups: from a member of another",
        _got("db1", _ip("tcp", NEW, _WEB2, _DB1, ",tp_dst=9")),
        ends="no security group of db1 (db) allows somebody to reach it",
        through="it does not",
    ),
    _case(
        "groups: of a member of two, the second",
        _got("db1", _ip("ip", NEW, _WEB2, _DB1, ",nw_proto=47")),
        ends="out by db1",
        out=["2"],
        through="db may be reached for gre: db, web",
    ),
    _case(
        "groups: GRE, answered",
        _sent("db1", _ip("ip", ANSWER, _DB1, _WEB2, ",nw_proto=47" + _tuple(47, _WEB2, _DB1, 0, 0))),
        ends="out by the tunnel port",
        out=[TUNNEL],
        through="connection: db may be reached for gre: db, web",
    ),
    _case(
        "groups: everything, answered",
        _sent("db1", _ip("tcp", ANSWER, _DB1, _DB2, _tuple(6, _DB2, _DB1, 5000, 9))),
        ends="out by the tunnel port",
        out=[TUNNEL],
        through="connection: db may be reached for everything else: db",
    ),
    _case(
        "groups: answer from a peer",
        _got("db1", _ip("icmp", ANSWER, _BATCH2, _DB1, ",icmp_type=14" + _tuple(1, _DB1, _BATCH2, 13, 0))),
        ends="out by db1",
        out=["2"],
        through="connection: db may reach others for ICMP type 13: batch",
    ),
    _case(
        "groups: a first fragment",
        _got("db1", _ip("udp", NEW, _BATCH2, _DB1, ",nw_frag=first" + _tuple(17, _BATCH2, _DB1, 5000, 5432))),
        ends="out by db1",
        out=["2"],
        through="connection: db may be reached for udp 5432: batch, db",
    ),
    _case(
        "groups: a first fragment, closed port",
        _got("web1", _ip("udp", NEW, _BATCH2, _WEB1, ",nw_frag=first" + _tuple(17, _BATCH2, _WEB1, 5000, 80))),
        ends="no security group of web1 (web) allows somebody",
        through="the group admits nobody for it",
    ),
    _case(
        "groups: a later fragment",
        _got("db1", _ip("udp", NEW, _BATCH2, _DB1, ",nw_frag=later" + _tuple(17, _BATCH2, _DB1, 0, 0))),
        ends="out by db1",
        out=["2"],
        through="db may be reached for later fragments of udp: batch, db",
    ),
    _case(
        "groups: invalid to a port",
        _got("db1", _ip("tcp", "inv|trk", _WEB1, _DB1, ",tp_dst=22")),
        ends="for a port with security groups, and neither of a connection",
    ),
    _case(
        "groups: not tracked, to a port",
        _got("db1", "tcp,nw_src=10.0.1.11,nw_dst=10.0.2.21"),
        ends="for a port with security groups, not tracked",
    ),
    _case(
        "groups: error about an answer, got",
        _got("db1", _ip("icmp", ERROR_ABOUT_ANSWER, _WEB2, _DB1, ",icmp_type=3")),
        ends="out by db1",
        out=["2"],
        through="an ICMP error about answers that the receiver sent",
    ),
    # What no packet should ever reach, entered by hand.
    Case(
        "groups: no IPv4",
        G1,
        "in_port=1,arp,arp_op=1",
        "for a port with security groups, not IPv4",
        enter="resubmit(,52)",
    ),
    Case("groups: of no port", G1, "in_port=1,ip", "a port without security groups", enter="resubmit(,70)"),
    Case("groups: of no connection", G1, "in_port=1,ip", "the group admits nobody for it", enter="resubmit(,72)"),
    Case("groups: nobody", G1, "in_port=1,ip", "nobody", enter="resubmit(,73)"),
    Case("groups: no such group", G1, "in_port=1,ip", "it does not", enter="resubmit(,75)"),
    Case("groups: no zone", G1, "in_port=1,ip", "of no port with security groups: dropped", enter="resubmit(,77)"),
    Case("groups: of a port that is gone", G1, "in_port=1,ip", "refused for a port that is", enter="resubmit(,78)"),
]
