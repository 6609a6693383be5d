"""The sessions with the hosts' databases: bridges, tunnel ports and instances' interfaces (python-ovs)."""

from controller.ovsdb.sessions import HostSessions
from controller.ovsdb.settings import HostSettings

__all__ = ["HostSessions", "HostSettings"]
