"""What keeps a host's kernel off the frames of instances: rules of nftables, and the unit of systemd that loads them.

On the userspace datapath ovs-vswitchd reads an interface by a packet socket, and the kernel's own stack gets every
frame of it too. The rules name the interfaces that are the host's own. What comes by any other one, now or later, is
dropped before the stack sees it, and the stack sends nothing there.
"""

from collections.abc import Iterable

from flows.model.contract import PHYSICAL_BRIDGE

RULES_FILE = "/etc/ovs-vpc-host.nft"
"""Where the unit expects the rules."""

UNIT = "ovs-vpc-host"
"""The unit's name."""

TABLE = "ovs_vpc_host"
"""The name of the rules' tables."""

_OWN = ("lo", PHYSICAL_BRIDGE)

# nft(8). Nothing but drops: what else a machine filters stays as it is. A prerouting priority below -400 comes before
# fragments are put together (enum nf_ip_hook_priorities). The same on one line, for nft's interactive mode.
_TABLES = """\
table inet {table} {{{flags}
    chain comes {{
        type filter hook prerouting priority -450; policy accept;
        iifname {which} counter drop;
    }};
    chain leaves {{
        type filter hook postrouting priority 450; policy accept;
        oifname {which} counter drop;
    }};
}};
table arp {table} {{{flags}
    chain comes {{
        type filter hook input priority -450; policy accept;
        iifname {which} counter drop;
    }};
    chain leaves {{
        type filter hook output priority 450; policy accept;
        oifname {which} counter drop;
    }};
}};
"""

_HEAD = """\
# What comes by an interface that is not listed never reaches this host's own network stack, and the stack says nothing
# there: instances' interfaces, now and later, and those to physical networks. Open vSwitch has its frames all the same.
define ovs_vpc_own = {own}

table inet {table} {{}}
delete table inet {table}
table arp {table} {{}}
delete table arp {table}

"""

# systemd.unit(5): before any interface is up; and again whenever nftables.service has thrown all rules away.
_UNIT = f"""\
[Unit]
Description=The kernel is kept off what instances send (ovs-vpc)
DefaultDependencies=no
Wants=network-pre.target
Before=network-pre.target
After=nftables.service
PartOf=nftables.service
ReloadPropagatedFrom=nftables.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f {RULES_FILE}
ExecReload=/usr/sbin/nft -f {RULES_FILE}

[Install]
WantedBy=sysinit.target
"""


def host_rules(own: Iterable[str]) -> str:
    """The rules, for ``nft -f``. They replace those that were loaded before, in one step.

    ``own``: names of the host's own interfaces, besides its loopback and the bridge with its tunnel address.
    """
    own = _set([*_OWN, *own])
    tables = _TABLES.format(table=TABLE, flags="", which="!= $ovs_vpc_own")
    return _HEAD.format(table=TABLE, own=own) + tables


def excluding(interfaces: Iterable[str], table: str) -> str:
    """The rules that keep a machine's kernel off these interfaces only: one line for ``nft -i``, with which they go.

    For a machine that is not a host itself: its other interfaces are not touched. ``table``: their tables' name.
    """
    lines = _TABLES.format(table=table, flags=" flags owner;", which=_set(interfaces)).split()
    return " ".join(lines) + "\n"


def _set(interfaces: Iterable[str]) -> str:
    names = (f'"{name}"' for name in dict.fromkeys(interfaces))
    return f"{{ {', '.join(names)} }}"


def host_unit() -> str:
    """The unit that loads the rules before any interface is up."""
    return _UNIT
