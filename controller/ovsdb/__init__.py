"""The sessions with the hosts' databases: bridges, tunnel ports and instances' interfaces (python-ovs)."""

import sys

# python-ovs loads eventlet where it is installed, as it is with os-ken. Nothing here runs on it, it is slow to load,
# and it warns that it is deprecated.
sys.modules.setdefault("eventlet", None)  # type: ignore[arg-type]

from controller.ovsdb.contract.settings import HostSettings  # noqa: E402
from controller.ovsdb.sessions import HostSessions  # noqa: E402

__all__ = ["HostSessions", "HostSettings"]
